//! Token revocation: RFC 7009. Any token of a grant ends the whole of it: every refresh token, and every access token as soon as
//! resource servers look into the status list.

use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::client::Client;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{StoreError, Tx, grants};

use crate::app::App;
use crate::clients::authenticate::{self, Authenticated};
use crate::config::Config;
use crate::grants::presented_token::PresentedToken;
use crate::respond;
use crate::security_events::{SecurityEvent, What};

/// The largest body taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// `POST /revoke`.
pub async fn revoke(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    match end(&request, body, &app).await {
        Ok(()) => respond::revoked(),
        Err(error) => respond::oauth_error(&error, authenticate::by_header(&request)),
    }
}

async fn end(request: &HttpRequest, body: Result<Bytes, Error>, app: &App) -> Result<(), OAuthError> {
    let parameters = respond::form(request, body, MAX_BODY)?;
    let presented = authenticate::presented(request, &parameters, app).await?;
    // RFC 7009 §2.1: a hint that is wrong or unknown changes nothing, so it is not needed at all.
    parameters.optional("token_type_hint")?;
    let now = app.clock.now();
    let token = PresentedToken::read(app, parameters.required("token")?, now).await;
    let state = app.clone();
    let outcome = app.store.write(move |tx| match authenticate::authenticate(tx, &state, &presented, now)? {
        Ok(Authenticated { client, .. }) => end_grant(tx, &state.config, &token, &client, now),
        Err(refusal) => Ok(Err(refusal)),
    });
    // A failure of the store is told: the client must not believe that its token is worthless now.
    outcome.await.map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?
}

/// RFC 7009 §2.2: what is unknown, or has ended already, is as revoked as the client wants it to be.
fn end_grant(
    tx: &mut Tx,
    config: &Config,
    token: &PresentedToken,
    client: &Client,
    now: Timestamp,
) -> Result<Result<(), OAuthError>, StoreError> {
    if matches!(token, PresentedToken::Irrevocable) {
        return Ok(Err(OAuthError::token_type_unsupported()));
    }
    let Some(found) = token.find(tx)? else { return Ok(Ok(())) };
    let grant = found.grant();
    if grant.client_id != client.id {
        return Ok(Err(OAuthError::token_of_another_client()));
    }
    for grant in grants::revoke(tx, &grant.id, now)? {
        tracing::info!(client_id = %client.id, sub = grant.subject(), grant_id = %grant.id, "grant revoked by its client");
        let event = SecurityEvent::of_server(config.public_url.as_str(), What::Revoked, now);
        event.about(&grant).because("client").keep(tx)?;
    }
    Ok(Ok(()))
}
