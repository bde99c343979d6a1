//! The token endpoint: RFC 6749 §3.2. Who asks is settled here, what they get in `grants`, all of it in one transaction; the
//! access token is signed after it. Step 5 of the flow.

use std::sync::Arc;

use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::access_token::Claims;
use gatelodge_oauth::client::GrantType;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::secret::{Kind, Secret, random_base62};
use gatelodge_oauth::time::Timestamp;
use gatelodge_oauth::token_response::TokenResponse;

use crate::app::App;
use crate::clients::authenticate::{self, Authenticated};
use crate::grants::{Issued, TokenRequest, authorization_code, client_credentials, device_code, refresh_token};
use crate::security_events::network;
use crate::{flight_recorder, respond, status_list};

/// The largest body taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// `POST /token`.
pub async fn token(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    match issue(&request, body, &app).await {
        Ok(response) => respond::token(&response),
        Err(error) => respond::oauth_error(&error, authenticate::by_header(&request)),
    }
}

async fn issue(request: &HttpRequest, body: Result<Bytes, Error>, app: &App) -> Result<TokenResponse, OAuthError> {
    let parameters = respond::form(request, body, MAX_BODY)?;
    let presented = authenticate::presented(request, &parameters, app).await?;
    let grant_type: GrantType =
        parameters.required("grant_type")?.parse().map_err(|_| OAuthError::grant_type_unsupported())?;
    let hand_out = match grant_type {
        GrantType::AuthorizationCode => authorization_code::exchange,
        GrantType::RefreshToken => refresh_token::refresh,
        GrantType::ClientCredentials => client_credentials::issue,
        GrantType::DeviceCode if app.config.device_grant => device_code::poll,
        GrantType::DeviceCode => return Err(OAuthError::grant_type_unsupported()),
    };
    let now = app.clock.now();
    let state = app.clone();
    let code = parameters.optional("code").ok().flatten().and_then(|code| Secret::parse(Kind::AuthorizationCode, code));
    let new_token = Secret::generate(Kind::RefreshToken);
    let source = app.config.trusted_proxies.source_of(request).map(network);
    // Whoever is refused here signs in again, so a database that is away is waited for. Repeating is safe: a request that
    // was committed already finds its own work.
    let decision = app.store.write_patiently(move |tx| {
        let Authenticated { client, method } = match authenticate::authenticate(tx, &state, &presented, now)? {
            Ok(authenticated) => authenticated,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !client.may_use(grant_type) {
            return Ok(Err(OAuthError::grant_type_not_registered()));
        }
        let request = TokenRequest {
            app: &state,
            client: &client,
            method,
            parameters: &parameters,
            now,
            source: source.as_deref(),
            new_token: &new_token,
        };
        hand_out(tx, &request)
    });
    let decided = decision.await.map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?;
    if let (Err(refusal), Some(code)) = (&decided, &code) {
        flight_recorder::token_refused(app, request, &code.hash(), refusal);
    }
    let issued = decided?;
    let first =
        matches!(grant_type, GrantType::AuthorizationCode | GrantType::DeviceCode).then(|| issued.grant.clone());
    // The time again: the database may have been waited for, and a lifetime is counted from the answer.
    let answer = sign(app, issued, app.clock.now()).await?;
    if let Some(grant) = first {
        flight_recorder::token_issued(app, request, &grant);
    }
    Ok(answer)
}

/// RFC 9068: the access token, which never outlives its grant.
async fn sign(app: &App, issued: Issued, now: Timestamp) -> Result<TokenResponse, OAuthError> {
    let Issued { grant, scope, refresh_token } = issued;
    let exp = now.plus(app.config.tokens.access_token).min(grant.expires_at);
    let claims = Claims {
        iss: app.config.public_url.as_str().to_owned(),
        status: status_list::reference(&app.config.public_url, &grant),
        sub: grant.subject().to_owned(),
        aud: grant.resource,
        client_id: grant.client_id,
        scope: scope.clone(),
        iat: now,
        exp,
        jti: random_base62(22),
    };
    let key = Arc::clone(&app.keys.current(now).await.active);
    let signed = key.sign(&claims).map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?;
    tracing::info!(client_id = %claims.client_id, sub = %claims.sub, grant_id = %grant.id, scope = %claims.scope, "access token issued");
    Ok(TokenResponse::bearer(signed, exp.since(now), refresh_token.as_ref(), scope))
}
