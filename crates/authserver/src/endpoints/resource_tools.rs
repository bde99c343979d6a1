//! Where sidecars say which tools lie behind each scope of their resources, for the consent page: no RFC. On the health listener, for
//! whoever has the secret of the audit trail. What is said last counts; nobody waits for it, and nothing is decided by it.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::resource_tools::{MAX_BODY, MEDIA_TYPE, ResourceTools};
use gatelodge_store::{StoreError, resource_tools};

use super::audit_events::is_from_sidecar;
use crate::app::App;
use crate::respond;

/// Why they were not taken; those of before stay.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the secret is not the one in [audit]")]
    WrongSecret,
    #[error("they are not {MEDIA_TYPE}")]
    MediaType,
    #[error("they have more than {MAX_BODY} bytes")]
    TooLarge,
    #[error("they did not arrive")]
    CutOff,
    #[error("they are not a list of tools")]
    Malformed,
    #[error("no [[resource]] is called {0:?}")]
    UnknownResource(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// `PUT /audit/tools`.
pub async fn take(request: HttpRequest, payload: Payload, app: Data<App>) -> HttpResponse {
    let refusal = match keep(&request, payload, &app).await {
        Ok(()) => return HttpResponse::NoContent().finish(),
        Err(refusal) => refusal,
    };
    tracing::warn!(reason = %refusal, "the tools of a resource were not taken");
    match refusal {
        Refusal::WrongSecret => respond::wrong_secret(),
        Refusal::MediaType => respond::plain_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", None),
        Refusal::TooLarge => respond::plain_error(StatusCode::PAYLOAD_TOO_LARGE, "too_large", None),
        Refusal::CutOff => respond::plain_error(StatusCode::BAD_REQUEST, "cut_off", None),
        Refusal::Malformed => respond::plain_error(StatusCode::BAD_REQUEST, "not_tools", None),
        Refusal::UnknownResource(_) => respond::plain_error(StatusCode::NOT_FOUND, "unknown_resource", None),
        Refusal::Store(_) => respond::plain_error(StatusCode::SERVICE_UNAVAILABLE, "unavailable", None),
    }
}

/// Who sends is known before anything of the body is read.
async fn keep(request: &HttpRequest, payload: Payload, app: &App) -> Result<(), Refusal> {
    if !is_from_sidecar(request, app) {
        return Err(Refusal::WrongSecret);
    }
    if !respond::has_media_type(request, MEDIA_TYPE) {
        return Err(Refusal::MediaType);
    }
    let body = payload.to_bytes_limited(MAX_BODY).await.map_err(|_| Refusal::TooLarge)?;
    let body = body.map_err(|_| Refusal::CutOff)?;
    // A sidecar is believed which tools there are, and not that their texts can be shown.
    let said = serde_json::from_slice::<ResourceTools>(&body).map_err(|_| Refusal::Malformed)?.showable();
    if !app.config.resources.iter().any(|resource| resource.id.as_str() == said.resource) {
        return Err(Refusal::UnknownResource(said.resource.chars().take(200).collect()));
    }
    let now = app.clock.now();
    app.store.write(move |tx| resource_tools::put(tx, &said, now)).await?;
    Ok(())
}
