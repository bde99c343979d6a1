//! The pushed authorization request: RFC 9126. A client hands its request in beforehand, over its own connection and proven by
//! its own credentials, and sends the browser with a reference to it. Step 3 of the flow, for clients that use it.

use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::authorization_request::{self, PARAMETERS};
use gatelodge_oauth::client::Client;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::secret::{HashedSecret, Kind, Secret};
use gatelodge_store::Tx;
use gatelodge_store::pushed_authorization_requests::{self as pushed_requests, PushedAuthorizationRequest};
use serde::Serialize;

use crate::app::App;
use crate::clients::authenticate::{self, Authenticated};
use crate::limits::Source;
use crate::respond;

/// The largest body taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// RFC 9126 §2.2; the secret follows.
const REQUEST_URI_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// RFC 9126 §2.2.
#[derive(Serialize)]
pub struct PushedAuthorizationResponse {
    request_uri: String,
    expires_in: u64,
}

/// `POST /par`.
pub async fn push(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    if let Err(wait) = app.limits.requests.count(Source::of(&request, &app.config)) {
        return respond::too_many_requests(wait);
    }
    match keep(&request, body, &app).await {
        Ok(response) => respond::pushed(&response),
        Err(error) => respond::oauth_error(&error, authenticate::by_header(&request)),
    }
}

async fn keep(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
    app: &App,
) -> Result<PushedAuthorizationResponse, OAuthError> {
    let parameters = respond::form(request, body, MAX_BODY)?;
    // Nobody is asked who a client is for the sake of a request that could not be granted anyway.
    authorization_request::check_without_client(&parameters)?;
    authenticate::read_document(request, &parameters, app).await?;
    let presented = authenticate::presented(request, &parameters, app).await?;
    let secret = Secret::generate(Kind::PushedRequest);
    let lifetime = app.config.tokens.pushed_request;
    let response = PushedAuthorizationResponse {
        request_uri: format!("{REQUEST_URI_PREFIX}{}", secret.expose()),
        expires_in: lifetime.as_secs(),
    };
    let (state, now) = (app.clone(), app.clock.now());
    let write = move |tx: &mut Tx| {
        let Authenticated { client, .. } = match authenticate::authenticate(tx, &state, &presented, now)? {
            Ok(authenticated) => authenticated,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = check(&parameters, &client, &state) {
            return Ok(Err(refusal));
        }
        let pushed = PushedAuthorizationRequest {
            hash: secret.hash(),
            client_id: client.id.clone(),
            parameters: parameters.encoded(&PARAMETERS),
            created_at: now,
            expires_at: now.plus(lifetime),
        };
        pushed_requests::insert(tx, &pushed)?;
        Ok(Ok(client.id))
    };
    let kept = app.store.write(write).await;
    let client_id = kept.map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))??;
    tracing::info!(%client_id, "authorization request pushed");
    Ok(response)
}

/// RFC 9126 §2.1: checked as the authorization endpoint will check it again, so that the client learns now what is wrong.
fn check(parameters: &Parameters, client: &Client, app: &App) -> Result<(), OAuthError> {
    if parameters.optional("request_uri")?.is_some() {
        return Err(OAuthError::request_uri_pushed());
    }
    let target = authorization_request::identify(parameters, client)?;
    authorization_request::validate(parameters, client, target, &app.config.resources).map(drop)
}

/// RFC 9126 §4: the request that a `request_uri` stands for, if this client pushed it and nobody has decided on it. It may be
/// opened again until then: browsers and previews load a page twice.
pub async fn open(app: &App, client: &Client, request_uri: &str) -> Result<(HashedSecret, Parameters), OAuthError> {
    let secret = request_uri.strip_prefix(REQUEST_URI_PREFIX);
    let Some(secret) = secret.and_then(|secret| Secret::parse(Kind::PushedRequest, secret)) else {
        return Err(OAuthError::request_uri_unusable("not a request_uri of this server"));
    };
    let hash = secret.hash();
    let found = app.store.read(move |tx| pushed_requests::find(tx, &hash)).await;
    let found = found.map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?;
    let Some(pushed) = found else {
        return Err(OAuthError::request_uri_unusable("unknown or used"));
    };
    if pushed.client_id != client.id {
        return Err(OAuthError::request_uri_unusable("pushed by another client"));
    }
    if app.clock.now() >= pushed.expires_at {
        return Err(OAuthError::request_uri_unusable("expired"));
    }
    Ok((hash, Parameters::parse(pushed.parameters.as_bytes())?))
}
