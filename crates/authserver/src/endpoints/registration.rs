//! Dynamic client registration: RFC 7591 §3.

use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::client_metadata::{ClientInformation, ClientMetadata};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::redirect_uri::RedirectPolicy;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::clients;

use crate::app::App;
use crate::respond;

/// The largest body taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// `POST /register`.
pub async fn register(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    match store(&request, body, &app).await {
        Ok(information) => respond::registered(&information),
        Err(error) => respond::oauth_error(&error, false),
    }
}

async fn store(request: &HttpRequest, body: Result<Bytes, Error>, app: &App) -> Result<ClientInformation, OAuthError> {
    let body =
        body.map_err(|_| OAuthError::client_metadata_refused(format!("the body is larger than {MAX_BODY} bytes")))?;
    if !respond::has_media_type(request, "application/json") {
        return Err(OAuthError::client_metadata_refused("the body is not application/json"));
    }
    let metadata: ClientMetadata = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
    let (client, information) =
        metadata.into_client(&RedirectPolicy::default(), Secret::generate(Kind::ClientSecret), app.clock.now())?;
    let (client_id, redirect_uris) = (client.id.clone(), client.redirect_uris.len());
    app.store
        .write(move |tx| clients::insert(tx, &client))
        .await
        .map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?;
    tracing::info!(%client_id, redirect_uris, "client registered");
    Ok(information)
}

/// Says where the JSON cannot be read, without repeating any of it.
fn unreadable(error: &serde_json::Error) -> OAuthError {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a member has the wrong type",
        _ => "the body is not JSON",
    };
    OAuthError::client_metadata_refused(format!("{what} (line {}, column {})", error.line(), error.column()))
}
