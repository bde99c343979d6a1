//! Where sidecars send what they decided, for the audit trail. A batch that is sent twice is kept once, so whoever got no answer sends
//! it again.

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::audit_event::{AuditEvent, MAX_BODY, MAX_EVENTS, MEDIA_TYPE};
use gatelodge_store::audit_events;

use super::from_sidecar::{self, Refusal};
use crate::app::App;

/// `POST /audit/events`.
pub async fn take(request: HttpRequest, payload: Payload, app: Data<App>) -> HttpResponse {
    from_sidecar::answer(&request, keep(&request, payload, &app).await)
}

async fn keep(request: &HttpRequest, payload: Payload, app: &App) -> Result<(), Refusal> {
    let events = parse(&from_sidecar::body(request, payload, app, MEDIA_TYPE, MAX_BODY).await?)?;
    app.store.write(move |tx| audit_events::insert(tx, &events)).await?;
    Ok(())
}

fn parse(body: &Bytes) -> Result<Vec<AuditEvent>, Refusal> {
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    let mut events = Vec::new();
    for (index, line) in body.split(|byte| *byte == b'\n').enumerate() {
        if index == MAX_EVENTS {
            return Err(Refusal::TooLarge(format!("{MAX_EVENTS} events")));
        }
        let malformed = |why| Refusal::Malformed(format!("line {} is not an event: {why}", index + 1));
        // What serde says names members and places, and may quote a value: only its kind goes into the log.
        let event: AuditEvent =
            serde_json::from_slice(line).map_err(|error| malformed(format!("{:?} error", error.classify())))?;
        event.check().map_err(|error| malformed(error.to_string()))?;
        if event.actor.is_some() {
            return Err(malformed("what is done here is not told by a resource server".to_owned()));
        }
        events.push(event);
    }
    Ok(events)
}
