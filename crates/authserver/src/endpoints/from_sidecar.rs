//! What sidecars send here: what they decided (`audit_events.rs`) and which tools there are (`resource_tools.rs`). No RFC. It is on the
//! health listener, which the public cannot reach, and exists only where the operator gave a secret.

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{self, Bytes, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::audit_event::PATH as EVENTS_PATH;
use gatelodge_oauth::resource_tools::PATH as TOOLS_PATH;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_store::StoreError;

use super::{audit_events, resource_tools};
use crate::app::App;
use crate::respond;
use crate::routing::allow;

/// Why something was not taken. Nothing of it is kept then.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Of a stranger.
    #[error("the secret is not the one in [audit]")]
    WrongSecret,
    /// Something else.
    #[error("it is not {0}")]
    MediaType(&'static str),
    /// Too much of it.
    #[error("it has more than {0}")]
    TooLarge(String),
    /// The connection broke.
    #[error("its body did not arrive")]
    CutOff,
    /// What is wrong with it, without a value of it.
    #[error("{0}")]
    Malformed(String),
    /// About nothing that is protected here.
    #[error("no [[resource]] is called {0:?}")]
    UnknownResource(String),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The routes, for the health listener.
pub fn routes(app: &App) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let app = app.clone();
    move |services: &mut ServiceConfig| {
        if app.config.audit.secret.is_some() {
            let at = |path| web::resource(path).app_data(Data::new(app.clone()));
            services.service(at(EVENTS_PATH).route(web::post().to(audit_events::take)).default_service(allow("POST")));
            services.service(at(TOOLS_PATH).route(web::put().to(resource_tools::take)).default_service(allow("PUT")));
        }
    }
}

/// Who sends is known before anything of the body is read.
pub async fn body(
    request: &HttpRequest,
    payload: Payload,
    app: &App,
    media_type: &'static str,
    most: usize,
) -> Result<Bytes, Refusal> {
    if !app.config.audit.secret.is_some_and(|secret| is_proven(request, &secret)) {
        return Err(Refusal::WrongSecret);
    }
    if !respond::has_media_type(request, media_type) {
        return Err(Refusal::MediaType(media_type));
    }
    let body = payload.to_bytes_limited(most).await.map_err(|_| Refusal::TooLarge(format!("{most} bytes")))?;
    body.map_err(|_| Refusal::CutOff)
}

/// RFC 6750 §2.1, with the secret as the token: compared by its hash, in constant time.
fn is_proven(request: &HttpRequest, secret: &HashedSecret) -> bool {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let presented = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
    presented.is_some_and(|presented| HashedSecret::of(presented) == *secret)
}

/// What the sidecar hears.
pub fn answer(request: &HttpRequest, kept: Result<(), Refusal>) -> HttpResponse {
    let Err(refusal) = kept else { return HttpResponse::NoContent().finish() };
    tracing::warn!(path = request.path(), reason = %refusal, "what a sidecar sent was not taken");
    let (status, code) = match refusal {
        Refusal::WrongSecret => return respond::wrong_secret(),
        Refusal::MediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
        Refusal::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        Refusal::CutOff => (StatusCode::BAD_REQUEST, "cut_off"),
        Refusal::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
        Refusal::UnknownResource(_) => (StatusCode::NOT_FOUND, "unknown_resource"),
        Refusal::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    respond::plain_error(status, code, None)
}
