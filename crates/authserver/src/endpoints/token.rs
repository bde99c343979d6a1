//! The token endpoint: RFC 6749 §3.2. Code exchange (§4.1.3) and refresh (§6), each in one transaction; the access token is
//! signed after it. Step 5 of the flow.

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::access_token::Claims;
use gatelodge_oauth::client::{Client, GrantType};
use gatelodge_oauth::client_authentication::ClientCredentials;
use gatelodge_oauth::error::{Code, OAuthError};
use gatelodge_oauth::grant::Grant;
use gatelodge_oauth::grant::authorization_code::{self, CodeRequest, Redemption};
use gatelodge_oauth::grant::refresh_token::{self, RefreshToken, Rotation, SealedSuccessor, Windows};
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::resource;
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::secret::{Kind, Secret, random_base62};
use gatelodge_oauth::time::Timestamp;
use gatelodge_oauth::token_response::TokenResponse;
use gatelodge_store::{StoreError, Tx, authorization_codes, clients, grants, refresh_tokens, users};

use crate::app::App;
use crate::respond;

/// The largest body taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// What a transaction decided: refusals are values, so that what they changed is kept.
type Decision = Result<Result<Issued, OAuthError>, StoreError>;

/// What is handed out; the access token is signed from it.
struct Issued {
    grant: Grant,
    scope: Scope,
    refresh_token: Option<Secret>,
}

/// `POST /token`.
pub async fn token(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    match issue(&request, body, &app).await {
        Ok(response) => respond::token(&response),
        Err(error) => respond::oauth_error(&error, authorization(&request).is_some()),
    }
}

async fn issue(request: &HttpRequest, body: Result<Bytes, Error>, app: &App) -> Result<TokenResponse, OAuthError> {
    let parameters = respond::form(request, body, MAX_BODY)?;
    if request.headers().get_all(header::AUTHORIZATION).count() > 1 {
        return Err(OAuthError::client_authentication_twice());
    }
    let credentials = ClientCredentials::from_request(authorization(request), &parameters)?;
    let grant_type: GrantType =
        parameters.required("grant_type")?.parse().map_err(|_| OAuthError::grant_type_unsupported())?;
    let exchange = match grant_type {
        GrantType::AuthorizationCode => exchange_code,
        GrantType::RefreshToken => refresh,
    };
    let now = app.clock.now();
    let state = app.clone();
    let decision = app.store.write(move |tx| {
        let client = match authenticate(tx, &credentials, grant_type)? {
            Ok(client) => client,
            Err(refusal) => return Ok(Err(refusal)),
        };
        exchange(tx, &state, &client, &parameters, now)
    });
    let issued = decision.await.map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))??;
    sign(app, issued, now)
}

/// RFC 6749 §3.2.1: who asks, and may it use this grant type?
fn authenticate(
    tx: &mut Tx,
    credentials: &ClientCredentials,
    grant_type: GrantType,
) -> Result<Result<Client, OAuthError>, StoreError> {
    let Some(client) = clients::find(tx, &credentials.client_id)? else {
        return Ok(Err(OAuthError::client_unknown()));
    };
    if let Err(refusal) = credentials.authenticate(&client) {
        return Ok(Err(refusal));
    }
    Ok(if client.may_use(grant_type) { Ok(client) } else { Err(OAuthError::grant_type_not_registered()) })
}

/// RFC 6749 §4.1.3.
fn exchange_code(tx: &mut Tx, app: &App, client: &Client, parameters: &Parameters, now: Timestamp) -> Decision {
    let (presented, resource) = match (parameters.required("code"), parameters.every("resource")) {
        (Ok(code), resource) => (Secret::parse(Kind::AuthorizationCode, code), resource),
        (Err(refusal), _) => return Ok(Err(refusal)),
    };
    let request = match (parameters.optional("redirect_uri"), parameters.optional("code_verifier")) {
        (Ok(redirect_uri), Ok(code_verifier)) => CodeRequest { redirect_uri, code_verifier, resource: &resource },
        (Err(refusal), _) | (_, Err(refusal)) => return Ok(Err(refusal)),
    };
    let Some(hash) = presented.map(|code| code.hash()) else { return Ok(Err(OAuthError::code_unknown())) };
    let Some(code) = authorization_codes::find(tx, &hash)? else { return Ok(Err(OAuthError::code_unknown())) };
    match authorization_code::redeem(&request, &code, client, now) {
        Ok(Redemption::Fresh) => {}
        Ok(Redemption::Replayed { revoke_grant }) => {
            if revoke_grant && grants::revoke(tx, &code.grant_id, now)? {
                tracing::warn!(client_id = %client.id, grant_id = %code.grant_id, "authorization code replayed: grant revoked");
            }
            return Ok(Err(OAuthError::code_replayed()));
        }
        Err(refusal) => {
            if refusal.code == Code::InvalidGrant {
                authorization_codes::record_failure(tx, &hash)?;
            }
            return Ok(Err(refusal));
        }
    }
    let grant = grants::lock(tx, &code.grant_id, now)?;
    let grant = match usable_grant(tx, grant, now)? {
        Ok(grant) => grant,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // Of two requests with one code, the second waited at the grant and finds the code consumed.
    if !authorization_codes::consume(tx, &hash, now)? {
        return Ok(Err(OAuthError::code_replayed()));
    }
    let refresh_token = match client.may_use(GrantType::RefreshToken) {
        true => Some(begin_chain(tx, app, &grant, now)?),
        false => None,
    };
    Ok(Ok(Issued { grant, scope: code.scope, refresh_token }))
}

/// RFC 6749 §6. The grant's row is locked first: of parallel requests with one token the first rotates, and the others
/// find the token spent and are led to its successor.
fn refresh(tx: &mut Tx, app: &App, client: &Client, parameters: &Parameters, now: Timestamp) -> Decision {
    let presented = match parameters.required("refresh_token") {
        Ok(token) => Secret::parse(Kind::RefreshToken, token),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(presented) = presented else { return Ok(Err(OAuthError::refresh_token_unknown())) };
    let Some(found) = refresh_tokens::find(tx, &presented.hash())? else {
        return Ok(Err(OAuthError::refresh_token_unknown()));
    };
    let grant = grants::lock(tx, &found.grant_id, now)?;
    let token = refresh_tokens::find(tx, &presented.hash())?;
    let (Some(grant), Some(token)) = (grant, token) else { return Ok(Err(OAuthError::refresh_token_unknown())) };
    let successor = follow(tx, &presented, &token)?;
    let windows =
        Windows { lost_response: app.config.tokens.lost_response, stale_sibling: app.config.tokens.stale_sibling };
    let rotation =
        match refresh_token::rotate(&token, successor.as_ref().map(|(_, row)| row), &grant, client, windows, now) {
            Ok(rotation) => rotation,
            Err(refusal) => return Ok(Err(refusal)),
        };
    let grant = match usable_grant(tx, Some(grant), now)? {
        Ok(grant) => grant,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let scope = match refresh_scope(app, &grant, parameters) {
        Ok(scope) => scope,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match rotation {
        Rotation::Rotate => {
            let refresh_token = Some(rotate(tx, app, &presented, &grant, now)?);
            Ok(Ok(Issued { grant, scope, refresh_token }))
        }
        Rotation::Resume => {
            Ok(head_of_chain(tx, successor, now)?.map(|head| Issued { grant, scope, refresh_token: Some(head) }))
        }
        Rotation::Replayed => {
            grants::revoke(tx, &grant.id, now)?;
            tracing::warn!(client_id = %client.id, grant_id = %grant.id, "refresh token replayed: grant revoked");
            Ok(Err(OAuthError::refresh_token_replayed()))
        }
    }
}

/// RFC 8707 §2.2 and RFC 6749 §6: the resource is the grant's, the scope may only shrink. Checked before anything is spent.
fn refresh_scope(app: &App, grant: &Grant, parameters: &Parameters) -> Result<Scope, OAuthError> {
    resource::within_grant(&grant.resource, &parameters.every("resource"))?;
    let known = app.resource(&grant.resource).ok_or_else(OAuthError::resource_not_granted)?.known_scope();
    refresh_token::narrow(&grant.scope, parameters.optional("scope")?, &known)
}

/// The grant, if it is alive and its user may still sign in.
fn usable_grant(tx: &mut Tx, grant: Option<Grant>, now: Timestamp) -> Result<Result<Grant, OAuthError>, StoreError> {
    let Some(grant) = grant else { return Ok(Err(OAuthError::grant_ended())) };
    if let Err(refusal) = grant.still_valid(now) {
        return Ok(Err(refusal));
    }
    let user = users::find_enabled(tx, &grant.user_id)?;
    Ok(if user.is_some() { Ok(grant) } else { Err(OAuthError::user_disabled()) })
}

/// The first refresh token of a grant.
fn begin_chain(tx: &mut Tx, app: &App, grant: &Grant, now: Timestamp) -> Result<Secret, StoreError> {
    let token = Secret::generate(Kind::RefreshToken);
    refresh_tokens::insert(tx, &unspent(app, &token, grant, now))?;
    Ok(token)
}

/// Spends the presented token and inserts its successor, sealed for the holder of the presented one.
fn rotate(tx: &mut Tx, app: &App, presented: &Secret, grant: &Grant, now: Timestamp) -> Result<Secret, StoreError> {
    let successor = Secret::generate(Kind::RefreshToken);
    if !refresh_tokens::spend(tx, &presented.hash(), now, &SealedSuccessor::seal(presented, &successor))? {
        return Err(StoreError::Refused("a refresh token was spent while its grant was locked".into()));
    }
    refresh_tokens::insert(tx, &unspent(app, &successor, grant, now))?;
    Ok(successor)
}

fn unspent(app: &App, token: &Secret, grant: &Grant, now: Timestamp) -> RefreshToken {
    RefreshToken {
        hash: token.hash(),
        grant_id: grant.id.clone(),
        created_at: now,
        expires_at: now.plus(app.config.tokens.refresh_token_idle).min(grant.expires_at),
        spent_at: None,
        successor: None,
    }
}

/// The token that follows a spent one, and its secret, which only the holder of the spent one can open.
fn follow(tx: &mut Tx, secret: &Secret, row: &RefreshToken) -> Result<Option<(Secret, RefreshToken)>, StoreError> {
    let Some(next) = row.successor.as_ref().and_then(|sealed| sealed.open(secret)) else { return Ok(None) };
    let row = refresh_tokens::find(tx, &next.hash())?;
    Ok(row.map(|row| (next, row)))
}

/// Walks to the one unspent token of the chain.
fn head_of_chain(
    tx: &mut Tx,
    successor: Option<(Secret, RefreshToken)>,
    now: Timestamp,
) -> Result<Result<Secret, OAuthError>, StoreError> {
    let mut next = successor;
    while let Some((secret, row)) = next {
        if row.spent_at.is_none() {
            return Ok(if now < row.expires_at { Ok(secret) } else { Err(OAuthError::refresh_token_expired()) });
        }
        next = follow(tx, &secret, &row)?;
    }
    Err(StoreError::Refused("a chain of refresh tokens has no head".into()))
}

/// RFC 9068: the access token, which never outlives its grant.
fn sign(app: &App, issued: Issued, now: Timestamp) -> Result<TokenResponse, OAuthError> {
    let Issued { grant, scope, refresh_token } = issued;
    let exp = now.plus(app.config.tokens.access_token).min(grant.expires_at);
    let claims = Claims {
        iss: app.config.public_url.as_str().to_owned(),
        sub: grant.user_id,
        aud: grant.resource,
        client_id: grant.client_id,
        scope: scope.clone(),
        iat: now,
        exp,
        jti: random_base62(22),
    };
    let signed =
        app.signing_key.sign(&claims).map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?;
    tracing::info!(client_id = %claims.client_id, sub = %claims.sub, grant_id = %grant.id, scope = %claims.scope, "access token issued");
    Ok(TokenResponse::bearer(signed, exp.since(now), refresh_token.as_ref(), scope))
}

fn authorization(request: &HttpRequest) -> Option<&[u8]> {
    request.headers().get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes)
}
