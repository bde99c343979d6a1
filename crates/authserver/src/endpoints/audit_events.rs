//! Where sidecars send what they decided, for the audit trail: no RFC. It is on the health listener, which the public cannot
//! reach, and exists only where the operator gave a secret. A batch that is sent twice is kept once, so whoever got no answer
//! sends it again.

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{self, Bytes, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::audit_event::{AuditEvent, MAX_BODY, MAX_EVENTS, MEDIA_TYPE, PATH};
use gatelodge_oauth::resource_tools::PATH as TOOLS_PATH;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_store::audit_events;

use super::resource_tools;
use crate::app::App;
use crate::respond;

/// Why a batch was not taken. Nothing of it is kept then.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the secret is not the one in [audit]")]
    WrongSecret,
    #[error("it is not {MEDIA_TYPE}")]
    MediaType,
    #[error("it has more than {MAX_BODY} bytes or {MAX_EVENTS} events")]
    TooLarge,
    #[error("line {0} is not an event: {1}")]
    Malformed(usize, String),
    #[error("its body did not arrive")]
    CutOff,
    #[error(transparent)]
    Store(#[from] gatelodge_store::StoreError),
}

/// Whoever sends has the secret of the trail.
pub fn is_from_sidecar(request: &HttpRequest, app: &App) -> bool {
    app.config.audit.secret.is_some_and(|secret| is_proven(request, &secret))
}

/// The routes, for the health listener: this one, and that of the tools.
pub fn routes(app: &App) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let app = app.clone();
    move |services: &mut ServiceConfig| {
        if app.config.audit.secret.is_some() {
            let resource = web::resource(PATH).app_data(Data::new(app.clone())).route(web::post().to(take));
            services.service(resource.default_service(web::to(|| async {
                respond::plain_error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", Some("POST"))
            })));
            let tools = web::resource(TOOLS_PATH).app_data(Data::new(app.clone()));
            services.service(tools.route(web::put().to(resource_tools::take)).default_service(web::to(|| async {
                respond::plain_error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", Some("PUT"))
            })));
        }
    }
}

/// `POST /audit/events`.
async fn take(request: HttpRequest, payload: Payload, app: Data<App>) -> HttpResponse {
    let refusal = match keep(&request, payload, &app).await {
        Ok(()) => return HttpResponse::NoContent().finish(),
        Err(refusal) => refusal,
    };
    tracing::warn!(reason = %refusal, "a batch of audit events was not taken");
    match refusal {
        Refusal::WrongSecret => respond::wrong_secret(),
        Refusal::MediaType => respond::plain_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", None),
        Refusal::TooLarge => respond::plain_error(StatusCode::PAYLOAD_TOO_LARGE, "too_large", None),
        Refusal::Malformed(..) => respond::plain_error(StatusCode::BAD_REQUEST, "not_an_event", None),
        Refusal::CutOff => respond::plain_error(StatusCode::BAD_REQUEST, "cut_off", None),
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
    let events = parse(&body.map_err(|_| Refusal::CutOff)?)?;
    app.store.write(move |tx| audit_events::insert(tx, &events)).await?;
    Ok(())
}

/// RFC 6750 §2.1, with the secret as the token: compared by its hash, in constant time.
fn is_proven(request: &HttpRequest, secret: &HashedSecret) -> bool {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let presented = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
    presented.is_some_and(|presented| HashedSecret::of(presented) == *secret)
}

fn parse(body: &Bytes) -> Result<Vec<AuditEvent>, Refusal> {
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    let mut events = Vec::new();
    for (index, line) in body.split(|byte| *byte == b'\n').enumerate() {
        if index == MAX_EVENTS {
            return Err(Refusal::TooLarge);
        }
        // What serde says names members and places, and may quote a value: only its kind goes into the log.
        let event: AuditEvent = serde_json::from_slice(line)
            .map_err(|error| Refusal::Malformed(index + 1, format!("{:?} error", error.classify())))?;
        event.check().map_err(|error| Refusal::Malformed(index + 1, error.to_string()))?;
        events.push(event);
    }
    Ok(events)
}
