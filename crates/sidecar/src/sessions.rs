//! Whose session is it? A session of the MCP server (`Mcp-Session-Id`, revisions up to 2025-11-25) belongs to whoever began
//! it: MCP security best practices, "Session Hijacking". A session id is never a credential, and for everybody else it does
//! not exist. Asked by `endpoint.rs`; who holds what is in `holders.rs`.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};
use gatelodge_oauth::time::Timestamp;

use crate::caller::Caller;
use crate::fingerprint::Fingerprint;
use crate::holders::{Holders, Stay, Unknown};
use crate::respond::Fault;

/// The header, in the lower case that both HTTP libraries use.
pub const HEADER: &str = "mcp-session-id";

/// The same, read once.
pub const NAME: HeaderName = HeaderName::from_static(HEADER);

/// Longer ids are nobody's. Some servers keep a session in its id, signed.
const LONGEST_ID: usize = 8 * 1024;

/// A session that nobody used for so long has ended.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// The sessions of one resource.
pub struct Sessions(Holders);

/// What a request says of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'a> {
    /// Nothing.
    Nothing,
    /// One id.
    Session(&'a str),
    /// Several, or what can be no id.
    Garbage,
}

/// Reads the header (MCP transports, "Session Management": visible ASCII).
pub fn named(headers: &HeaderMap) -> Named<'_> {
    let mut values = headers.get_all(NAME);
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(NAME) { Named::Garbage } else { Named::Nothing };
    };
    match std::str::from_utf8(value.as_bytes()) {
        Ok(id) if is_id(id) => Named::Session(id),
        _ => Named::Garbage,
    }
}

fn is_id(id: &str) -> bool {
    // Asked of many bytes at once.
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().fold(true, |all, byte| all & byte.is_ascii_graphic())
}

impl Sessions {
    /// None yet.
    pub fn new(unknown: Unknown) -> Self {
        Self(Holders::new(unknown, IDLE))
    }

    /// Whether the session is the caller's.
    pub fn check(&self, named: Named<'_>, caller: &Caller, now: Timestamp) -> Result<Option<Stay>, Fault> {
        match named {
            Named::Nothing => Ok(None),
            Named::Garbage => Err(Fault::UnknownSession),
            Named::Session(id) => {
                self.0.check(&Fingerprint::of(id.as_bytes()), caller, now).map_err(|_| Fault::UnknownSession)
            }
        }
    }

    /// The MCP server began a session for this caller. An id that somebody else holds is not handed over.
    pub fn begun(&self, id: &str, caller: &Caller, now: Timestamp) -> Result<(), Fault> {
        if is_id(id) && self.0.begun(&Fingerprint::of(id.as_bytes()), caller, now).is_ok() {
            return Ok(());
        }
        tracing::warn!("the MCP server began a session with an id that is unusable or somebody else's");
        Err(Fault::UpstreamUnavailable)
    }

    /// The MCP server ended it.
    pub fn ended(&self, named: Named<'_>) {
        if let Named::Session(id) = named {
            self.0.ended(&Fingerprint::of(id.as_bytes()));
        }
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
