//! Dynamic client registration: RFC 7591 §3.

use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::client::{Client, ClientId};
use gatelodge_oauth::client_information::{ClientInformation, RegisteredMetadata};
use gatelodge_oauth::client_metadata::ClientMetadata;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::secret::{HashedSecret, Kind, Secret};
use gatelodge_store::clients::{self, SelfRegistration};
use gatelodge_store::{Insertion, Tx};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::clients::registration::DynamicRegistration;
use crate::limits::Source;
use crate::{flight_recorder, respond};

/// The largest body taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// `POST /register`.
pub async fn register(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    if let Err(wait) = app.limits.registration.count_source(Source::of(&request, &app.config)) {
        return respond::too_many_requests(wait);
    }
    // Whoever may not register uses up nothing of what there is for all.
    if let Err(error) = may_register(&request, &app) {
        flight_recorder::registration_refused(&app, &request, &error);
        return respond::bearer_refused(&error, &request);
    }
    if let Err(wait) = app.limits.registration.count_together() {
        return respond::too_many_requests(wait);
    }
    match store(&request, body, &app).await {
        Ok(information) => respond::registered(&information),
        Err(error) => {
            flight_recorder::registration_refused(&app, &request, &error);
            respond::oauth_error(&error, false)
        }
    }
}

/// RFC 7591 §3: the initial access token, where one is asked for.
fn may_register(request: &HttpRequest, app: &App) -> Result<(), OAuthError> {
    let DynamicRegistration::Token(wanted) = app.config.registration.dynamic else { return Ok(()) };
    match respond::bearer_token(request) {
        Some(token) if HashedSecret::of(token) == wanted => Ok(()),
        Some(_) => Err(OAuthError::registration_token_refused("the initial access token is wrong")),
        None => Err(OAuthError::registration_token_refused("no initial access token")),
    }
}

async fn store(request: &HttpRequest, body: Result<Bytes, Error>, app: &App) -> Result<ClientInformation, OAuthError> {
    let body = json_body(request, body)?;
    let metadata =
        parsed::<ClientMetadata>(&body)?.accept(&app.config.registration.redirects, app.config.device_grant)?;
    let secret = metadata.takes_a_secret().then(|| Secret::generate(Kind::ClientSecret));
    let token = metadata.may_be_managed().then(|| Secret::generate(Kind::RegistrationAccessToken));
    let now = app.clock.now();
    let client = metadata.client(ClientId::generate(), secret.as_ref().map(Secret::hash), now);
    let registration = self_registration(client, &metadata, token.as_ref());
    let keep = app.config.registration.max_unused_clients;
    let write = move |tx: &mut Tx| {
        let (insertion, client) = clients::register(tx, &registration, now)?;
        let evicted = match insertion {
            Insertion::Inserted => clients::evict_unused(tx, keep, now)?,
            Insertion::AlreadyExists => 0,
        };
        Ok((insertion, client, evicted))
    };
    let written = app.store.write(write).await;
    let (insertion, client, evicted) =
        written.map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?;
    let again = insertion == Insertion::AlreadyExists;
    tracing::info!(client_id = %client.id, redirect_uris = client.redirect_uris.len(), again, "client registered");
    flight_recorder::registered(app, request, &client.id);
    if evicted > 0 {
        tracing::warn!(
            evicted,
            "more clients than registration.max_unused_clients: the oldest unused ones were removed"
        );
    }
    let issuer = app.config.public_url.as_str();
    Ok(ClientInformation::new(&client, metadata).with_secret(secret.as_ref()).with_management(issuer, token.as_ref()))
}

/// What the store keeps of a registration.
pub fn self_registration(client: Client, metadata: &RegisteredMetadata, token: Option<&Secret>) -> SelfRegistration {
    let management = token.map(Secret::hash);
    // A client with a token of its own stays one of its own, also when it becomes a public one later.
    let fingerprint = metadata.fingerprint().filter(|_| management.is_none());
    SelfRegistration { client, metadata: metadata.to_json(), fingerprint, management }
}

/// The body of a registration or an update (RFC 7591 §3.1, RFC 7592 §2.2).
pub fn json_body(request: &HttpRequest, body: Result<Bytes, Error>) -> Result<Bytes, OAuthError> {
    let body =
        body.map_err(|_| OAuthError::client_metadata_refused(format!("the body is larger than {MAX_BODY} bytes")))?;
    if respond::has_media_type(request, "application/json") {
        Ok(body)
    } else {
        Err(OAuthError::client_metadata_refused("the body is not application/json"))
    }
}

/// Says where the JSON cannot be read, without repeating any of it.
pub fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, OAuthError> {
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "a member has the wrong type",
            _ => "the body is not JSON",
        };
        OAuthError::client_metadata_refused(format!("{what} (line {}, column {})", error.line(), error.column()))
    })
}
