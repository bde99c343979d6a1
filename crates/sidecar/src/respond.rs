//! The only file that writes error bodies: JSON as in RFC 6749 §5.2, never stored, without names of machines or versions.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use gatelodge_oauth::challenge::{Challenge, ChallengeError};

/// What can go wrong besides the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `Host` is not ours (RFC 9110 §7.4).
    ForeignHost,
    /// The request target can be read in more than one way.
    UnclearTarget,
    /// `CONNECT` or an upgrade to another protocol.
    Tunnel,
    /// A web page of an origin that is not allowed.
    ForeignOrigin,
    /// Nothing is served at this path.
    NotFound,
    /// The resource has no such method.
    MethodNotAllowed,
    /// Larger than [`crate::upload::LIMIT`].
    BodyTooLarge,
    /// The request body ended early or cannot be read.
    BodyBroken,
    /// The keys of the authorization server are not at hand: nothing can be said about a token.
    KeysUnavailable,
    /// The status list is not at hand, and only tokens may pass that are known not to be revoked.
    StatusUnavailable,
    /// The introspection endpoint gives no answer: nothing can be said about a token.
    IntrospectionUnavailable,
    /// The MCP server cannot be reached, or answers what must not be passed on.
    UpstreamUnavailable,
    /// The MCP server did not answer in time.
    UpstreamTimeout,
    /// The authorization server cannot be reached.
    RelayUnavailable,
}

impl Fault {
    /// The code in the body, which is also the reason in the log.
    pub const fn code(self) -> &'static str {
        self.parts().1
    }

    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use Fault as F;
        use StatusCode as S;
        match self {
            F::ForeignHost => (S::MISDIRECTED_REQUEST, "foreign_host", "this server does not answer for that host"),
            F::UnclearTarget => (S::BAD_REQUEST, "unclear_target", "the request target is not plainly written"),
            F::Tunnel => (S::BAD_REQUEST, "no_tunnel", "this server opens no tunnels and no WebSockets"),
            F::ForeignOrigin => (S::FORBIDDEN, "foreign_origin", "pages of that origin may not call this server"),
            F::NotFound => (S::NOT_FOUND, "not_found", "nothing is served at this path"),
            F::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "this path does not take that method"),
            F::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body_too_large", "the request body is larger than 4 MiB"),
            F::BodyBroken => (S::BAD_REQUEST, "body_incomplete", "the request body ended before its end"),
            F::KeysUnavailable | F::StatusUnavailable | F::IntrospectionUnavailable => {
                (S::SERVICE_UNAVAILABLE, "temporarily_unavailable", "access tokens cannot be checked at the moment")
            }
            F::UpstreamUnavailable => (S::BAD_GATEWAY, "bad_gateway", "the MCP server gave no usable answer"),
            F::UpstreamTimeout => (S::GATEWAY_TIMEOUT, "gateway_timeout", "the MCP server did not answer in time"),
            F::RelayUnavailable => {
                (S::SERVICE_UNAVAILABLE, "temporarily_unavailable", "the authorization server does not answer")
            }
        }
    }
}

/// The answer to a fault.
pub fn fault(fault: Fault) -> HttpResponse {
    let (status, code, description) = fault.parts();
    let mut response = HttpResponse::build(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, "5"));
    }
    if fault == Fault::MethodNotAllowed {
        response.insert_header((header::ALLOW, crate::cors::METHODS));
    }
    if fault == Fault::Tunnel {
        response.force_close();
    }
    error(&mut response, code, description)
}

/// The answer that starts, repairs or widens an authorization (RFC 6750 §3).
pub fn challenge(challenge: &Challenge) -> HttpResponse {
    let (status, code, description) = match &challenge.error {
        None => (StatusCode::UNAUTHORIZED, "unauthorized", "an access token is required"),
        Some((error, description)) => (status_of(*error), error.as_str(), description.as_str()),
    };
    let mut response = HttpResponse::build(status);
    response.insert_header((header::WWW_AUTHENTICATE, challenge.header_value()));
    error(&mut response, code, description)
}

const fn status_of(error: ChallengeError) -> StatusCode {
    match error {
        ChallengeError::InvalidRequest => StatusCode::BAD_REQUEST,
        ChallengeError::InvalidToken => StatusCode::UNAUTHORIZED,
        ChallengeError::InsufficientScope => StatusCode::FORBIDDEN,
    }
}

fn error(response: &mut actix_web::HttpResponseBuilder, code: &str, description: &str) -> HttpResponse {
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(serde_json::json!({ "error": code, "error_description": description }))
}
