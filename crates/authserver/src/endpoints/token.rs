//! The token endpoint: RFC 6749 §3.2. Who asks is settled here, what they get in `grants`, all of it in one transaction; the
//! access token is signed after it. Step 5 of the flow.

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::access_token::Claims;
use gatelodge_oauth::client::{Client, GrantType};
use gatelodge_oauth::client_authentication::ClientCredentials;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::secret::random_base62;
use gatelodge_oauth::time::Timestamp;
use gatelodge_oauth::token_response::TokenResponse;
use gatelodge_store::{StoreError, Tx};

use crate::app::App;
use crate::grants::{Issued, TokenRequest, authorization_code, refresh_token};
use crate::{clients, respond};

/// The largest body taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

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
    let hand_out = match grant_type {
        GrantType::AuthorizationCode => authorization_code::exchange,
        GrantType::RefreshToken => refresh_token::refresh,
    };
    let now = app.clock.now();
    let state = app.clone();
    let decision = app.store.write(move |tx| {
        let client = match authenticate(tx, &state, &credentials, grant_type)? {
            Ok(client) => client,
            Err(refusal) => return Ok(Err(refusal)),
        };
        hand_out(tx, &TokenRequest { app: &state, client: &client, parameters: &parameters, now })
    });
    let issued = decision.await.map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))??;
    sign(app, issued, now)
}

/// RFC 6749 §3.2.1: who asks, and may it use this grant type?
fn authenticate(
    tx: &mut Tx,
    app: &App,
    credentials: &ClientCredentials,
    grant_type: GrantType,
) -> Result<Result<Client, OAuthError>, StoreError> {
    let Some(client) = clients::find(tx, app, &credentials.client_id)? else {
        return Ok(Err(OAuthError::client_unknown()));
    };
    if let Err(refusal) = credentials.authenticate(&client) {
        return Ok(Err(refusal));
    }
    Ok(if client.may_use(grant_type) { Ok(client) } else { Err(OAuthError::grant_type_not_registered()) })
}

/// RFC 9068: the access token, which never outlives its grant.
fn sign(app: &App, issued: Issued, now: Timestamp) -> Result<TokenResponse, OAuthError> {
    let Issued { grant, scope, refresh_token } = issued;
    let exp = now.plus(app.config.tokens.access_token).min(grant.expires_at);
    let claims = Claims {
        iss: app.config.public_url.as_str().to_owned(),
        sub: grant.subject().to_owned(),
        aud: grant.resource,
        client_id: grant.client_id,
        scope: scope.clone(),
        iat: now,
        exp,
        jti: random_base62(22),
        status: None,
    };
    let signed =
        app.signing_key.sign(&claims).map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?;
    tracing::info!(client_id = %claims.client_id, sub = %claims.sub, grant_id = %grant.id, scope = %claims.scope, "access token issued");
    Ok(TokenResponse::bearer(signed, exp.since(now), refresh_token.as_ref(), scope))
}

fn authorization(request: &HttpRequest) -> Option<&[u8]> {
    request.headers().get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes)
}
