//! MCP 2026-07-28 "Server Validation": headers that repeat the body must agree with it. Whoever stands before or behind us
//! and looks at the headers alone then sees what was decided on. Called with a message that was read.

use actix_web::http::header::{HeaderMap, HeaderName};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{Id, Kind, Message, Operation, Revision};

const VERSION: &str = "MCP-Protocol-Version";
const METHOD: &str = "Mcp-Method";
const NAME: &str = "Mcp-Name";

const VERSION_HEADER: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD_HEADER: HeaderName = HeaderName::from_static("mcp-method");
const NAME_HEADER: HeaderName = HeaderName::from_static("mcp-name");

/// A modern request that is refused. The answer is a JSON-RPC error with the id of the request and status 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct HeaderMismatch<'a> {
    /// Of the request; a batch has none.
    pub id: Option<Id<'a>>,
    /// What does not fit.
    pub what: Mismatch,
}

/// Why. Holds the names of headers and nothing of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Batches ended with revision 2025-06-18.
    #[error("this revision of MCP has no batches")]
    Batch,
    /// Servers ask nothing here: what they want to know, they say in a result ("Multi Round-Trip Requests").
    #[error("in this revision of MCP clients post no responses")]
    Response,
    /// It is required.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// Different values: each could be taken for the right one.
    #[error("the header {0} is there more than once")]
    Repeated(&'static str),
    /// Characters that no header has, or broken Base64.
    #[error("the header {0} cannot be read")]
    Unclear(&'static str),
    /// It says something else than the body.
    #[error("the header {0} does not match the request body")]
    Different(&'static str),
}

impl Mismatch {
    /// The code for the log.
    pub const fn code(self) -> &'static str {
        match self {
            Mismatch::Batch => "batch_in_modern_revision",
            Mismatch::Response => "response_in_modern_revision",
            Mismatch::Missing(_) => "header_missing",
            Mismatch::Repeated(_) => "header_repeated",
            Mismatch::Unclear(_) => "header_unclear",
            Mismatch::Different(_) => "header_mismatch",
        }
    }

    /// The code of the JSON-RPC error: `HeaderMismatch` of MCP 2026-07-28, or "Invalid Request" (JSON-RPC 2.0 §5.1).
    pub const fn json_rpc_code(self) -> i32 {
        if matches!(self, Mismatch::Batch | Mismatch::Response) { -32_600 } else { -32_020 }
    }
}

/// Checks the headers of a modern request; those of a legacy one mean nothing. Notifications have no rules, and a version
/// that the body lacks is the server's to ask for.
///
/// # Errors
/// The first header that does not fit.
pub fn check_headers<'a>(message: &Message<'a>, headers: &HeaderMap) -> Result<Revision, HeaderMismatch<'a>> {
    if !is_modern(message, headers) {
        return Ok(Revision::Legacy);
    }
    let [operation] = message.operations() else { return Err(HeaderMismatch { id: None, what: Mismatch::Batch }) };
    if message.is_batch() {
        return Err(HeaderMismatch { id: None, what: Mismatch::Batch });
    }
    match operation.kind {
        Kind::Request => check_request(operation, headers).map_err(|what| HeaderMismatch { id: operation.id, what })?,
        Kind::Notification => {}
        // Its id is that of a request of the server, and no request of the client is answered here.
        Kind::Response => return Err(HeaderMismatch { id: None, what: Mismatch::Response }),
    }
    Ok(Revision::Modern)
}

/// Either place is enough: a request is not made a legacy one by leaving the other out.
fn is_modern(message: &Message<'_>, headers: &HeaderMap) -> bool {
    let by_header = headers.get_all(VERSION_HEADER).map(|value| trim(value.as_bytes()));
    let by_body = message.operations().iter().filter_map(|operation| operation.protocol_version.as_deref());
    by_header.chain(by_body.map(str::as_bytes)).any(|version| Revision::of(version) == Revision::Modern)
}

fn check_request(operation: &Operation<'_>, headers: &HeaderMap) -> Result<(), Mismatch> {
    let version = plain(headers, VERSION_HEADER, VERSION)?;
    if operation.protocol_version.as_deref().is_some_and(|of_body| of_body.as_bytes() != version) {
        return Err(Mismatch::Different(VERSION));
    }
    if plain(headers, METHOD_HEADER, METHOD)? != operation.method.as_bytes() {
        return Err(Mismatch::Different(METHOD));
    }
    match name_to_repeat(operation) {
        Some(name) => check_name(plain(headers, NAME_HEADER, NAME)?, name),
        None => Ok(()),
    }
}

/// "Standard Request Headers", and the tasks extension.
fn name_to_repeat<'m>(operation: &'m Operation<'_>) -> Option<&'m str> {
    match &*operation.method {
        "tools/call" | "prompts/get" | "resources/read" | "tasks/get" | "tasks/update" | "tasks/cancel" => {
            operation.targets.as_slice().first().map(|target| target.as_str())
        }
        _ => None,
    }
}

/// "Value Encoding". A plain value with both marks is always encoded, also where the body says the very same.
fn check_name(sent: &[u8], name: &str) -> Result<(), Mismatch> {
    let encoded = sent.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?="));
    let is_same = match encoded {
        Some(encoded) => BASE64_STANDARD.decode(encoded).map_err(|_| Mismatch::Unclear(NAME))? == name.as_bytes(),
        None => sent == name.as_bytes(),
    };
    if is_same { Ok(()) } else { Err(Mismatch::Different(NAME)) }
}

/// The one value of a header, in visible ASCII, space and tab (RFC 9110 §5.5).
fn plain<'h>(headers: &'h HeaderMap, header: HeaderName, name: &'static str) -> Result<&'h [u8], Mismatch> {
    let mut values = headers.get_all(header).map(|value| trim(value.as_bytes()));
    let value = values.next().ok_or(Mismatch::Missing(name))?;
    if values.any(|other| other != value) {
        return Err(Mismatch::Repeated(name));
    }
    if value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) { Ok(value) } else { Err(Mismatch::Unclear(name)) }
}

/// Optional whitespace (RFC 9110 §5.6.3).
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
#[path = "mirror_tests.rs"]
mod tests;
