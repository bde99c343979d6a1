//! The device authorization endpoint: RFC 8628 §3.1 and §3.2. A device that has no browser gets two codes: one to show to a
//! person, who types it at `/device`, and one to ask with at the token endpoint.

use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::device_code::{self, DeviceAuthorization, POLL_INTERVAL, UserCode};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::{Insertion, StoreError, Tx, device_authorizations};
use serde::Serialize;

use crate::app::App;
use crate::clients::authenticate::{self, Authenticated};
use crate::limits::Source;
use crate::{flight_recorder, respond};

/// The largest body taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// How many user codes are tried until one is free. With a million devices waiting, one in 25,000 is taken.
const MAX_COLLISIONS: usize = 5;

/// RFC 8628 §3.2.
#[derive(Serialize)]
pub struct DeviceAuthorizationResponse {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

/// `POST /device_authorization`.
pub async fn begin(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    if let Err(wait) = app.limits.requests.count(Source::of(&request, &app.config)) {
        return respond::too_many_requests(wait);
    }
    match issue(&request, body, &app).await {
        Ok(response) => respond::device_codes(&response),
        Err(error) => respond::oauth_error(&error, authenticate::by_header(&request)),
    }
}

async fn issue(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
    app: &App,
) -> Result<DeviceAuthorizationResponse, OAuthError> {
    let parameters = respond::form(request, body, MAX_BODY)?;
    authenticate::read_document(request, &parameters, app).await?;
    let presented = authenticate::presented(request, &parameters, app).await?;
    let secret = Secret::generate(Kind::DeviceCode);
    let (state, now, hash) = (app.clone(), app.clock.now(), secret.hash());
    let write = move |tx: &mut Tx| {
        let Authenticated { client, .. } = match authenticate::authenticate(tx, &state, &presented, now)? {
            Ok(authenticated) => authenticated,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (resource, scope) = match device_code::validate(&parameters, &client, &state.config.resources) {
            Ok(asked) => asked,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let device = DeviceAuthorization {
            hash,
            user_code: UserCode::generate(),
            client_id: client.id,
            resource: resource.id.clone(),
            scope,
            created_at: now,
            expires_at: now.plus(state.config.tokens.device_code),
            poll_interval: POLL_INTERVAL,
            last_polled_at: None,
            grant_id: None,
            denied_at: None,
            consumed_at: None,
        };
        insert(tx, device).map(Ok)
    };
    let issued = app.store.write(write).await;
    let device = issued.map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))??;
    tracing::info!(client_id = %device.client_id, scope = %device.scope, "device authorization begun");
    flight_recorder::device_asked(app, request, &device);
    let verification_uri = format!("{}/device", app.config.public_url.as_str());
    Ok(DeviceAuthorizationResponse {
        device_code: secret.expose().to_owned(),
        user_code: device.user_code.to_string(),
        verification_uri_complete: format!("{verification_uri}?user_code={}", device.user_code),
        verification_uri,
        expires_in: device.expires_at.since(now).as_secs(),
        interval: POLL_INTERVAL.as_secs(),
    })
}

/// With a user code that no other device has.
fn insert(tx: &mut Tx, mut device: DeviceAuthorization) -> Result<DeviceAuthorization, StoreError> {
    for _ in 0..MAX_COLLISIONS {
        match device_authorizations::insert(tx, &device)? {
            Insertion::Inserted => return Ok(device),
            Insertion::AlreadyExists => device.user_code = UserCode::generate(),
        }
    }
    Err(StoreError::Unavailable("every user code that was tried is taken".into()))
}
