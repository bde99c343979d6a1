//! Whose session is it? A session of the MCP server (`Mcp-Session-Id`, revisions up to 2025-11-25) belongs to whoever began
//! it: MCP security best practices, "Session Hijacking". A session id is never a credential, and for everybody else it does
//! not exist. Asked by `endpoint.rs`.
//!
//! What becomes of a session is decided under its own lock: of many that take over one, one does.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use gatelodge_oauth::time::Timestamp;
use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;
use tokio::sync::watch;

use crate::caller::{Caller, Principal};
use crate::respond::Fault;
use crate::tokens::sha256;

/// The header, in the lower case that both HTTP libraries use.
pub const HEADER: &str = "mcp-session-id";

/// Longer ids are nobody's. Some servers keep a session in its id, signed.
const LONGEST_ID: usize = 8 * 1024;

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

/// The sessions of one resource, by the SHA-256 of their ids; shared by all workers.
pub struct Sessions {
    places: Cache<[u8; 32], Arc<Place>>,
    unknown: Unknown,
}

/// Where a session is, or will be.
#[derive(Default)]
struct Place(Mutex<Option<Held>>);

struct Held {
    /// `None`: a stranger's.
    holder: Option<Principal>,
    /// Of a stranger's: dropped, the streams that were opened till then end.
    streams: Option<watch::Sender<()>>,
    used_at: Timestamp,
}

/// A stranger's stay in a session: over when the session is somebody's, or is no more.
#[derive(Debug)]
pub struct Stay(watch::Receiver<()>);

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

impl Stay {
    /// Comes to its end with the stay.
    pub async fn ends(mut self) {
        self.0.changed().await.ok();
    }
}

impl Sessions {
    /// None yet.
    pub fn new(unknown: Unknown) -> Self {
        // Room is made as it is needed.
        Self { places: Cache::with_weighter(0, REMEMBERED as u64, UnitWeighter), unknown }
    }

    /// Whether the session is the caller's. One that was begun without a token becomes, once, that of the first who uses it
    /// with one: that is what logging in means. A stranger learns how long it stays a stranger's.
    pub fn check(&self, named: Named<'_>, caller: &Caller, now: Timestamp) -> Result<Option<Stay>, Fault> {
        let id = match named {
            Named::Nothing => return Ok(None),
            Named::Garbage => return Err(Fault::UnknownSession),
            Named::Session(id) => id,
        };
        let adopts = self.unknown == Unknown::Adopt && caller.is_known();
        let place = if adopts { Some(self.place(id)) } else { self.places.get(&sha256(id.as_bytes())) };
        let place = place.ok_or(Fault::UnknownSession)?;
        let mut place = place.lock();
        match place.as_mut().filter(|held| held.is_alive(now)) {
            Some(held) if caller.is(held.holder.as_ref()) => {
                held.used_at = now;
                Ok(held.stay())
            }
            Some(held) if held.holder.is_none() && caller.is_known() => {
                *held = Held::by(caller, now);
                Ok(None)
            }
            None if adopts => {
                *place = Some(Held::by(caller, now));
                Ok(None)
            }
            _ => Err(Fault::UnknownSession),
        }
    }

    /// The MCP server began a session for this caller. An id that somebody else holds is not handed over.
    pub fn begun(&self, id: &str, caller: &Caller, now: Timestamp) -> Result<(), Fault> {
        let is_others = |held: &Held| held.is_alive(now) && !caller.is(held.holder.as_ref());
        let place = is_id(id).then(|| self.place(id));
        match place.as_deref().map(Place::lock) {
            Some(mut place) if !place.as_ref().is_some_and(is_others) => {
                *place = Some(Held::by(caller, now));
                Ok(())
            }
            _ => {
                tracing::warn!("the MCP server began a session with an id that is unusable or somebody else's");
                Err(Fault::UpstreamUnavailable)
            }
        }
    }

    /// The MCP server ended it.
    pub fn ended(&self, named: Named<'_>) {
        if let Named::Session(id) = named {
            self.places.remove(&sha256(id.as_bytes()));
        }
    }

    /// The one place of this id.
    fn place(&self, id: &str) -> Arc<Place> {
        let made = self.places.get_or_insert_with(&sha256(id.as_bytes()), || Ok::<_, Infallible>(Arc::default()));
        made.unwrap_or_else(|never| match never {})
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn by(caller: &Caller, now: Timestamp) -> Self {
        Self { holder: caller.principal(), streams: None, used_at: now }
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        now.since(self.used_at) < IDLE
    }

    fn stay(&mut self) -> Option<Stay> {
        if self.holder.is_some() {
            return None;
        }
        let streams = self.streams.get_or_insert_with(|| watch::Sender::new(()));
        Some(Stay(streams.subscribe()))
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
