//! Where sidecars say which tools lie behind each scope of their resources, for the consent page. What is said last counts; nobody
//! waits for it, and nothing is decided by it.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::resource_tools::{MAX_BODY, MEDIA_TYPE, ResourceTools};
use gatelodge_store::resource_tools;

use super::from_sidecar::{self, Refusal};
use crate::app::App;

/// `PUT /audit/tools`.
pub async fn take(request: HttpRequest, payload: Payload, app: Data<App>) -> HttpResponse {
    from_sidecar::answer(&request, keep(&request, payload, &app).await)
}

async fn keep(request: &HttpRequest, payload: Payload, app: &App) -> Result<(), Refusal> {
    let body = from_sidecar::body(request, payload, app, MEDIA_TYPE, MAX_BODY).await?;
    let said: ResourceTools = serde_json::from_slice(&body)
        .map_err(|error| Refusal::Malformed(format!("it is not a list of tools: {:?} error", error.classify())))?;
    // A sidecar is believed which tools there are, and not that their texts can be shown.
    let said = said.showable();
    if !app.config.resources.iter().any(|resource| resource.id.as_str() == said.resource) {
        return Err(Refusal::UnknownResource(said.resource.chars().take(200).collect()));
    }
    let now = app.clock.now();
    app.store.write(move |tx| resource_tools::put(tx, &said, now)).await?;
    Ok(())
}
