//! Whose session is it? A session of the MCP server (`Mcp-Session-Id`, revisions up to 2025-11-25) belongs to whoever began
//! it: MCP security best practices, "Session Hijacking". A session id is never a credential, and for everybody else it does
//! not exist. Asked by `endpoint.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use gatelodge_oauth::time::Timestamp;
use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;

use crate::caller::{Caller, Principal};
use crate::respond::Fault;

/// The header, in the lower case that both HTTP libraries use.
pub const HEADER: &str = "mcp-session-id";

/// Longer ids are nobody's.
const LONGEST_ID: usize = 512;

/// So many sessions are remembered; beyond, those are forgotten that are used least.
const REMEMBERED: usize = 100_000;

/// A session that nobody used for so long has ended.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// What happens to sessions that were begun before this process, or at another replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// They have ended: the client begins a new one.
    Refuse,
    /// They belong to whoever uses them first and is known.
    Adopt,
}

/// The sessions of one resource; shared by all workers.
pub struct Sessions {
    holders: Cache<Box<str>, Arc<Held>>,
    unknown: Unknown,
}

struct Held {
    holder: Option<Principal>,
    used_at: AtomicI64,
}

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
    let mut values = headers.get_all(HEADER);
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(HEADER) { Named::Garbage } else { Named::Nothing };
    };
    match value.to_str() {
        Ok(id) if is_id(id) => Named::Session(id),
        _ => Named::Garbage,
    }
}

fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Sessions {
    /// None yet.
    pub fn new(unknown: Unknown) -> Self {
        // Room is made as it is needed.
        Self { holders: Cache::with_weighter(0, REMEMBERED as u64, UnitWeighter), unknown }
    }

    /// Whether the session is the caller's. One that was begun without a token becomes, once, that of the first who uses it
    /// with one: that is what logging in means.
    pub fn check(&self, named: Named<'_>, caller: &Caller, now: Timestamp) -> Result<(), Fault> {
        let id = match named {
            Named::Nothing => return Ok(()),
            Named::Garbage => return Err(Fault::UnknownSession),
            Named::Session(id) => id,
        };
        let held = self.holders.get(id).filter(|held| held.is_alive(now));
        match held {
            Some(held) if caller.is(held.holder.as_ref()) => held.used_at.store(now.as_unix(), Ordering::Relaxed),
            Some(held) if held.holder.is_none() && caller.is_known() => self.keep(id, caller, now),
            None if self.unknown == Unknown::Adopt && caller.is_known() => self.keep(id, caller, now),
            _ => return Err(Fault::UnknownSession),
        }
        Ok(())
    }

    /// The MCP server began a session for this caller. An id that somebody else holds is not handed over.
    pub fn begun(&self, id: &str, caller: &Caller, now: Timestamp) -> Result<(), Fault> {
        let others = self.holders.get(id).is_some_and(|held| held.is_alive(now) && !caller.is(held.holder.as_ref()));
        if !is_id(id) || others {
            tracing::warn!("the MCP server began a session with an id that is unusable or somebody else's");
            return Err(Fault::UpstreamUnavailable);
        }
        self.keep(id, caller, now);
        Ok(())
    }

    /// The MCP server ended it.
    pub fn ended(&self, named: Named<'_>) {
        if let Named::Session(id) = named {
            self.holders.remove(id);
        }
    }

    fn keep(&self, id: &str, caller: &Caller, now: Timestamp) {
        let held = Held { holder: caller.principal(), used_at: AtomicI64::new(now.as_unix()) };
        self.holders.insert(id.into(), Arc::new(held));
    }
}

impl Held {
    fn is_alive(&self, now: Timestamp) -> bool {
        now.since(Timestamp::from_unix(self.used_at.load(Ordering::Relaxed))) < IDLE
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
