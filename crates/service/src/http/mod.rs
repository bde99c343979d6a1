//! What every request of both binaries gets: a span with its id, method and path, and the id in the answer.
//!
//! The path is logged, the query never: it carries authorization codes and `state`.

pub mod health;
pub mod source;

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder, TracingLogger};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// For `HttpServer::keep_alive`: longer than the 60 s for which proxies keep idle connections.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// For `HttpServer::client_request_timeout`: how long the head of a request may take.
pub const CLIENT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// For `HttpServer::shutdown_timeout`: below the 10 s after which container runtimes kill.
pub const SHUTDOWN_SECONDS: u64 = 8;

/// Longer paths are cut in the log: nobody's request may fill the disk.
const LONGEST_LOGGED_PATH: usize = 256;

/// Opens the span of each request. Wrap the application in it last, so that everything else runs inside.
pub fn logger() -> TracingLogger<RequestSpan> {
    TracingLogger::new()
}

/// The span of a request: its id, method and path, nothing else.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let path = loggable(request.path());
        tracing::info_span!("request", request_id = %id_of(request), method = %request.method(), path = %path)
    }

    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}

/// Middleware (`actix_web::middleware::from_fn`) that names the request in its answer, so that a person who reports a
/// fault can name the log line. Wrap it before [`logger`].
pub async fn request_id<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let id = HeaderValue::from_str(&id_of(&request));
    let mut response = next.call(request).await?;
    if let Ok(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(response)
}

/// A path as it may stand in a log: escaped, and not longer than is useful.
pub fn loggable(path: &str) -> String {
    path.chars().take(LONGEST_LOGGED_PATH).flat_map(char::escape_debug).collect()
}

/// The id that a request has in the log and in its answer.
pub fn id_of(request: &impl HttpMessage) -> String {
    request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logged_paths_cannot_forge_lines_and_have_an_end() {
        assert_eq!(loggable("/a\n{\"level\":\"INFO\"}\u{1b}[0m"), "/a\\n{\\\"level\\\":\\\"INFO\\\"}\\u{1b}[0m");
        assert_eq!(loggable(&"x".repeat(10_000)).len(), LONGEST_LOGGED_PATH);
    }
}
