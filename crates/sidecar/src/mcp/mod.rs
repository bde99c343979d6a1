//! What a POST to an MCP server asks for (JSON-RPC 2.0; MCP "Streamable HTTP"), read before anybody decides whether it may.
//!
//! | file | what it reads |
//! |---|---|
//! | [`message`](self::read) | a body into its operations: one pass, nothing copied that has no escapes |
//! | `params` | the members of `params` that say what an operation is about |
//! | `target` | which method names what: the table of the specification |
//! | `members` | an object whose members are decided on: each name once, and only in one spelling |
//! | `json` | JSON itself (RFC 8259) |
//! | `media` | whether the body is what its headers say |
//! | `mirror` | revision 2026-07-28: the headers that repeat the body |
//! | `revision` | which rules a message follows |
//!
//! The decision counts for the MCP server only if its parser sees the very method and name that were decided on. Whatever
//! another parser could see differently is therefore refused, and what is forwarded is what was read, byte for byte.

mod json;
mod media;
mod members;
mod message;
mod mirror;
mod params;
mod revision;
mod target;

pub use media::check_media;
pub use message::{Id, Kind, MAX_BATCH, Message, Operation, Operations, read};
pub use mirror::{HeaderMismatch, Mismatch, check_headers};
pub use revision::Revision;
pub use target::{Target, Targets};

/// Why nothing is decided about a request: it can be read in two ways, or in none. Holds nothing of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// `Content-Type` is missing, repeated, or another one.
    #[error("the request body must be sent as application/json")]
    MediaType,
    /// There is a `Content-Encoding`.
    #[error("the request body must be sent without a content encoding")]
    ContentEncoding,
    /// RFC 8259 §8.1 and its grammar, to the letter.
    #[error("the request body is not one JSON text in UTF-8")]
    NotJson,
    /// RFC 8259 §9 allows limits.
    #[error("the request body is nested too deeply")]
    TooDeep,
    /// More members, elements or URIs than any honest message has.
    #[error("the request body lists too much")]
    TooMany,
    /// More than any resource needs, and every rule is held against each of its spellings.
    #[error("a URI is longer than this server takes")]
    LongUri,
    /// RFC 8259 §4: software differs on which one counts.
    #[error("a member name is there twice in one object")]
    DuplicateName,
    /// Some parsers would take it for a name that has a meaning.
    #[error("a member name differs from one of the protocol only in its spelling")]
    AmbiguousName,
    /// A value that is decided on is of another type, or no plain text.
    #[error("a member of the protocol has a value that cannot be read in one way only")]
    UnclearValue,
    /// JSON-RPC 2.0 §4, §5.
    #[error("the request body is not a JSON-RPC 2.0 request, notification or response")]
    NotJsonRpc,
    /// JSON-RPC 2.0 §6, MCP 2025-03-26 "Lifecycle": `initialize` stands alone.
    #[error("the batch is empty, or holds what no batch may hold")]
    BadBatch,
    /// The method needs to say what it is about.
    #[error("the method needs a name, URI or task that is missing")]
    MissingTarget,
}

impl Unreadable {
    /// The code for the answer and for the log.
    pub const fn code(self) -> &'static str {
        match self {
            Unreadable::MediaType => "unsupported_media_type",
            Unreadable::ContentEncoding => "unsupported_content_encoding",
            Unreadable::NotJson => "not_json",
            Unreadable::TooDeep => "too_deep",
            Unreadable::TooMany => "too_many",
            Unreadable::LongUri => "uri_too_long",
            Unreadable::DuplicateName => "duplicate_name",
            Unreadable::AmbiguousName => "ambiguous_name",
            Unreadable::UnclearValue => "unclear_value",
            Unreadable::NotJsonRpc => "not_json_rpc",
            Unreadable::BadBatch => "bad_batch",
            Unreadable::MissingTarget => "missing_target",
        }
    }
}

#[cfg(test)]
mod hostile_tests;
