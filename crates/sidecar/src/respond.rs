//! The only file that writes error bodies: JSON as in RFC 6749 §5.2, never stored, without names of machines or versions.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use gatelodge_oauth::challenge::{Challenge, ChallengeError};
use serde::Serialize;

use crate::mcp::{HeaderMismatch, Mismatch, Revision, Unreadable};
use crate::tasks::UnknownTask;

/// What can go wrong besides the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `Host` is not ours (RFC 9110 §7.4).
    ForeignHost,
    /// The request target can be read in more than one way.
    UnclearTarget,
    /// Request line and fields together are longer than any client needs.
    HeadTooLarge,
    /// `CONNECT` or an upgrade to another protocol.
    Tunnel,
    /// A web page of an origin that is not allowed.
    ForeignOrigin,
    /// Nothing is served at this path.
    NotFound,
    /// The path has no such method, or not for this caller: those that it has (RFC 9110 §10.2.1).
    MethodNotAllowed(&'static str),
    /// Larger than this resource takes, or [`crate::upload::LIMIT`].
    BodyTooLarge,
    /// The request body ended early or cannot be read.
    BodyBroken,
    /// Bodies and lists take all the memory that they may take together.
    NoRoom,
    /// The caller, or everybody together, has as many requests under way as may be.
    TooManyRequests,
    /// The caller has asked too often: how many seconds to wait.
    TooOften(u64),
    /// A body where none has a meaning; nobody would look at it.
    UnexpectedBody,
    /// The policy of the operator: no scope would help, so there is no challenge that a client could act on.
    Forbidden,
    /// The session is not the caller's, or ended (MCP transports, "Session Management").
    UnknownSession,
    /// The same of a task, for clients that read no body here (HTTP+SSE).
    UnknownTask,
    /// The keys of the authorization server are not at hand: nothing can be said about a token.
    KeysUnavailable,
    /// The status list is not at hand, and only tokens may pass that are known not to be revoked.
    StatusUnavailable,
    /// The operator has no credential for this caller that the MCP server would take.
    NoCredential,
    /// The credential of this caller cannot be had at the moment.
    CredentialUnavailable,
    /// The MCP server refused an API key that was passed through to it.
    KeyRefused,
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
    /// Of a limit that lets more through after this time.
    pub fn too_often(wait: Duration) -> Self {
        Self::TooOften(wait.as_secs().max(1))
    }

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
            F::HeadTooLarge => {
                (S::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", "the head of the request is larger than 32 KiB")
            }
            F::Tunnel => (S::BAD_REQUEST, "no_tunnel", "this server opens no tunnels and no WebSockets"),
            F::ForeignOrigin => (S::FORBIDDEN, "foreign_origin", "pages of that origin may not call this server"),
            F::NotFound => (S::NOT_FOUND, "not_found", "nothing is served at this path"),
            F::MethodNotAllowed(_) => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "this path does not take that method")
            }
            F::BodyTooLarge => {
                (S::PAYLOAD_TOO_LARGE, "body_too_large", "the request body is larger than this server takes")
            }
            F::TooManyRequests => {
                (S::TOO_MANY_REQUESTS, "too_many_requests", "too many requests are under way at once")
            }
            F::TooOften(_) => (S::TOO_MANY_REQUESTS, "too_often", "too many requests in too little time"),
            F::NoRoom => {
                (S::SERVICE_UNAVAILABLE, "too_much_at_once", "too much is under way at once for so large a message")
            }
            F::UnexpectedBody => (S::BAD_REQUEST, "unexpected_body", "this request takes no body"),
            F::Forbidden => (S::FORBIDDEN, "forbidden", "the operator of this server does not allow this to anybody"),
            F::UnknownSession => (S::NOT_FOUND, "unknown_session", "the session has ended: begin a new one"),
            F::UnknownTask => (S::NOT_FOUND, "unknown_task", "there is no such task"),
            F::BodyBroken => (S::BAD_REQUEST, "body_incomplete", "the request body ended before its end"),
            F::KeysUnavailable | F::StatusUnavailable | F::IntrospectionUnavailable => {
                (S::SERVICE_UNAVAILABLE, "temporarily_unavailable", "access tokens cannot be checked at the moment")
            }
            F::NoCredential => (S::FORBIDDEN, "no_credential", "there is no access to the MCP server for this account"),
            F::CredentialUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "access to the MCP server cannot be had at the moment",
            ),
            F::KeyRefused => (S::UNAUTHORIZED, "invalid_token", "the API key is not known"),
            F::UpstreamUnavailable => (S::BAD_GATEWAY, "bad_gateway", "the MCP server gave no usable answer"),
            F::UpstreamTimeout => (S::GATEWAY_TIMEOUT, "gateway_timeout", "the MCP server did not answer in time"),
            F::RelayUnavailable => {
                (S::SERVICE_UNAVAILABLE, "temporarily_unavailable", "the authorization server does not answer")
            }
        }
    }
}

/// Why a request to an MCP path is not forwarded, or has no answer.
#[derive(Debug)]
pub enum Refusal {
    /// The client is told to log in: the value of the header, and nothing else (RFC 6750 §3.1).
    Login(HeaderValue),
    /// The client is told what to do.
    Challenge(Challenge),
    /// The same in the result of the tool that was called.
    ToolCall(ToolCallChallenge),
    /// Nothing that a token would change.
    Fault(Fault),
    /// The body can be read in more than one way, or in none.
    Unreadable(Unreadable),
    /// A task that is named is not the caller's, or is none.
    UnknownTask {
        /// Of the request, as JSON.
        id: Option<Box<str>>,
    },
    /// The headers say something else than the body.
    HeaderMismatch {
        /// Of the request, as JSON.
        id: Option<Box<str>>,
        /// What does not fit.
        what: Mismatch,
    },
}

/// The challenge of one tool call, for clients that look for it in the result of the tool (`_meta["mcp/www_authenticate"]`, as
/// the OpenAI Apps SDK has it).
#[derive(Debug)]
pub struct ToolCallChallenge {
    /// As the gate made it.
    pub challenge: Challenge,
    /// Of the request, as JSON.
    pub id: Box<str>,
    /// Of the request.
    pub revision: Revision,
    /// Whether status and header say it too: with status 200 other clients take it for the end of the matter.
    pub keeps_status: bool,
}

/// In the log.
const NO_TOKEN: &str = "no access token";

impl From<Challenge> for Refusal {
    fn from(challenge: Challenge) -> Self {
        Refusal::Challenge(challenge)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Refusal::Fault(fault)
    }
}

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        Refusal::Unreadable(unreadable)
    }
}

impl From<UnknownTask<'_>> for Refusal {
    fn from(unknown: UnknownTask<'_>) -> Self {
        Refusal::UnknownTask { id: unknown.0.map(|id| id.as_json().into()) }
    }
}

impl From<HeaderMismatch<'_>> for Refusal {
    fn from(mismatch: HeaderMismatch<'_>) -> Self {
        let id = mismatch.id.map(|id| id.as_json().into());
        Refusal::HeaderMismatch { id, what: mismatch.what }
    }
}

impl Refusal {
    /// For the log.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Refusal::Login(_) | Refusal::Challenge(_) | Refusal::ToolCall(_) => "challenged",
            _ => "refused",
        }
    }

    /// For the log: why, exactly.
    pub fn reason(&self) -> &str {
        match self {
            Refusal::Login(_) => NO_TOKEN,
            Refusal::Challenge(challenge) | Refusal::ToolCall(ToolCallChallenge { challenge, .. }) => {
                match &challenge.error {
                    None => NO_TOKEN,
                    Some((ChallengeError::InvalidRequest, _)) => "more than one access token",
                    Some((ChallengeError::InvalidToken, says)) => says,
                    Some((error @ ChallengeError::InsufficientScope, _)) => error.as_str(),
                }
            }
            Refusal::Fault(fault) => fault.code(),
            Refusal::Unreadable(unreadable) => unreadable.code(),
            Refusal::UnknownTask { .. } => Fault::UnknownTask.code(),
            Refusal::HeaderMismatch { what, .. } => what.code(),
        }
    }
}

/// The answer to a request that is not forwarded.
pub fn refusal(refusal: &Refusal) -> HttpResponse {
    match refusal {
        Refusal::Login(challenge) => login(challenge),
        Refusal::Challenge(challenge) => self::challenge(challenge),
        Refusal::ToolCall(challenge) => tool_call(challenge),
        Refusal::Fault(fault) => self::fault(*fault),
        Refusal::Unreadable(unreadable) => self::unreadable(*unreadable),
        Refusal::UnknownTask { id } => unknown_task(id.as_deref()),
        Refusal::HeaderMismatch { id, what } => header_mismatch(id.as_deref(), *what),
    }
}

fn unreadable(unreadable: Unreadable) -> HttpResponse {
    let status = match unreadable {
        Unreadable::MediaType | Unreadable::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => StatusCode::BAD_REQUEST,
    };
    error(&mut HttpResponse::build(status), unreadable.code(), &unreadable.to_string())
}

/// MCP 2026-07-28, transports, "Server Validation": a JSON-RPC error with the id of the request.
fn header_mismatch(id: Option<&str>, what: Mismatch) -> HttpResponse {
    let (id, code, says) = (id.unwrap_or("null"), what.json_rpc_code(), serde_json::Value::from(what.to_string()));
    HttpResponse::BadRequest()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("application/json")
        .body(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{says}}}}}"#))
}

/// As an MCP server says it (MCP 2025-11-25 "Tasks", Error Handling): nobody learns whether there is one.
fn unknown_task(id: Option<&str>) -> HttpResponse {
    let (id, code) = (id.unwrap_or("null"), -32_602);
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("application/json")
        .body(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"Failed to retrieve task: Task not found"}}}}"#
        ))
}

/// The answer to a fault.
pub fn fault(fault: Fault) -> HttpResponse {
    let (status, code, description) = fault.parts();
    let mut response = HttpResponse::build(status);
    if let Fault::TooOften(seconds) = fault {
        response.insert_header((header::RETRY_AFTER, seconds));
    } else if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.insert_header((header::RETRY_AFTER, "5"));
    }
    if let Fault::MethodNotAllowed(methods) = fault {
        response.insert_header((header::ALLOW, methods));
    }
    if fault == Fault::Tunnel {
        response.force_close();
    }
    error(&mut response, code, description)
}

/// The answer that starts, repairs or widens an authorization (RFC 6750 §3).
pub fn challenge(challenge: &Challenge) -> HttpResponse {
    let code = challenge.error.as_ref().map_or("unauthorized", |(error, _)| error.as_str());
    error(&mut challenged(challenge), code, &in_words(challenge))
}

/// The same where no token was sent: the answer to strangers, so it is made in advance, and word for word.
fn login(challenge: &HeaderValue) -> HttpResponse {
    const BODY: &str = r#"{"error":"unauthorized","error_description":"an access token is required"}"#;
    let mut response = HttpResponse::new(StatusCode::UNAUTHORIZED).set_body(Bytes::from_static(BODY.as_bytes()));
    let headers = response.headers_mut();
    headers.insert(header::WWW_AUTHENTICATE, challenge.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.map_into_boxed_body()
}

fn challenged(challenge: &Challenge) -> HttpResponseBuilder {
    let status = challenge.error.as_ref().map_or(StatusCode::UNAUTHORIZED, |(error, _)| status_of(*error));
    let mut response = HttpResponse::build(status);
    response.insert_header((header::WWW_AUTHENTICATE, challenge.header_value()));
    response
}

/// For people: clients that cannot act on a challenge show the body.
fn in_words(challenge: &Challenge) -> Cow<'_, str> {
    match &challenge.error {
        None => Cow::Borrowed("an access token is required"),
        // A refreshed token has the scope of the old one; some clients refresh all the same (RFC 6749 §6).
        Some((ChallengeError::InsufficientScope, says)) => Cow::Owned(format!(
            "{says}, which was not allowed so far: connect to this server again, and allow {}. Refreshing the access token \
             does not help",
            challenge.scope
        )),
        Some((_, says)) => Cow::Borrowed(says),
    }
}

/// MCP server/tools, "Tool Result". Whoever asks for a login by it must name an error (OpenAI Apps SDK, "Authentication"); a
/// header without a token must not (RFC 6750 §3.1).
fn tool_call(call: &ToolCallChallenge) -> HttpResponse {
    let ToolCallChallenge { challenge, id, revision, keeps_status } = call;
    let (text, named) = match &challenge.error {
        Some(_) => (in_words(challenge), Cow::Borrowed(challenge)),
        None => {
            let says = format!("this tool needs a login: connect to this server, and allow {}", challenge.scope);
            let error = Some((ChallengeError::InsufficientScope, "this tool needs a login".to_owned()));
            (Cow::Owned(says), Cow::Owned(Challenge { error, ..challenge.clone() }))
        }
    };
    let mut result = serde_json::json!({
        "content": [{ "type": "text", "text": text }],
        "isError": true,
        "_meta": { "mcp/www_authenticate": [named.header_value()] },
    });
    // MCP 2026-07-28 basic, "ResultType": what is not to be continued is complete, failed or not.
    if *revision == Revision::Modern {
        result["resultType"] = "complete".into();
    }
    let mut response = if *keeps_status { challenged(challenge) } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("application/json")
        .body(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
}

/// The public keys of the assertions (RFC 7517 §5).
pub fn jwks(document: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/jwk-set+json")
        .insert_header((header::CACHE_CONTROL, "max-age=300"))
        .body(document)
}

const fn status_of(error: ChallengeError) -> StatusCode {
    match error {
        ChallengeError::InvalidRequest => StatusCode::BAD_REQUEST,
        ChallengeError::InvalidToken => StatusCode::UNAUTHORIZED,
        ChallengeError::InsufficientScope => StatusCode::FORBIDDEN,
    }
}

/// RFC 6749 §5.2.
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

fn error(response: &mut HttpResponseBuilder, code: &str, description: &str) -> HttpResponse {
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(ErrorBody { error: code, error_description: description })
}

#[cfg(test)]
#[path = "respond_tests.rs"]
mod tests;
