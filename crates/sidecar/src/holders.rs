//! What belongs to whoever began it, and does not exist for anybody else: MCP security best practices, "Session Hijacking". A
//! name is never a credential. Used for sessions (`sessions.rs`) and tasks (`tasks/`), which are known by the fingerprints of
//! their names.
//!
//! What becomes of one is decided under its own lock: of many that take over one, one does.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatelodge_oauth::time::Timestamp;
use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;
use tokio::sync::watch;

use crate::caller::{Caller, Principal};
use crate::fingerprint::Fingerprint;

/// So many are remembered; beyond, those are forgotten that are used least.
pub const REMEMBERED: usize = 100_000;

/// What happens to those that were begun before this process, or at another replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// They have ended.
    Refuse,
    /// They belong to whoever uses them first and is known.
    Adopt,
}

/// It is somebody else's, has ended, or never was: nobody is told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotTheirs;

/// Who holds what; shared by all workers.
pub struct Holders {
    places: Cache<Fingerprint, Arc<Place>>,
    unknown: Unknown,
    /// What nobody used for so long has ended.
    idle: Duration,
}

/// Where one is, or will be.
#[derive(Default)]
struct Place(Mutex<Option<Held>>);

struct Held {
    /// `None`: a stranger's.
    holder: Option<Principal>,
    /// Of a stranger's: dropped, the streams that were opened till then end.
    streams: Option<watch::Sender<()>>,
    used_at: Timestamp,
}

/// The time while something is a stranger's: over when it is somebody's, or is no more.
#[derive(Debug)]
pub struct Stay(watch::Receiver<()>);

impl Stay {
    /// Comes to its end with the stay.
    pub async fn ends(mut self) {
        self.0.changed().await.ok();
    }
}

impl Holders {
    /// None yet.
    pub fn new(unknown: Unknown, idle: Duration) -> Self {
        // Room is made as it is needed.
        Self { places: Cache::with_weighter(0, REMEMBERED as u64, UnitWeighter), unknown, idle }
    }

    /// Whether it is the caller's, who uses it. What was begun without a token becomes, once, that of the first who uses it
    /// with one: that is what logging in means. A stranger learns how long it stays a stranger's.
    pub fn check(&self, key: &Fingerprint, caller: &Caller, now: Timestamp) -> Result<Option<Stay>, NotTheirs> {
        let adopts = self.unknown == Unknown::Adopt && caller.is_known();
        let place = if adopts { Some(self.place(key)) } else { self.places.get(key) };
        let place = place.ok_or(NotTheirs)?;
        let mut place = place.lock();
        match place.as_mut().filter(|held| self.is_alive(held, now)) {
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
            _ => Err(NotTheirs),
        }
    }

    /// The MCP server began it for this caller. A name that somebody else holds is not handed over.
    pub fn begun(&self, key: &Fingerprint, caller: &Caller, now: Timestamp) -> Result<(), NotTheirs> {
        let place = self.place(key);
        let mut place = place.lock();
        if place.as_ref().is_some_and(|held| self.is_alive(held, now) && !caller.is(held.holder.as_ref())) {
            return Err(NotTheirs);
        }
        *place = Some(Held::by(caller, now));
        Ok(())
    }

    /// Whether it is known to be the caller's, who does not use it now. Strangers are all the same: nothing is one's own.
    pub fn is_of(&self, key: &Fingerprint, caller: &Caller) -> bool {
        let place = self.places.get(key);
        let is_own = |held: &Held| held.holder.is_some() && caller.is(held.holder.as_ref());
        place.is_some_and(|place| place.lock().as_ref().is_some_and(is_own))
    }

    /// The MCP server ended it.
    pub fn ended(&self, key: &Fingerprint) {
        self.places.remove(key);
    }

    fn is_alive(&self, held: &Held, now: Timestamp) -> bool {
        now.since(held.used_at) < self.idle
    }

    /// The one place of this name.
    fn place(&self, key: &Fingerprint) -> Arc<Place> {
        let made = self.places.get_or_insert_with(key, || Ok::<_, Infallible>(Arc::default()));
        made.unwrap_or_else(|never| match never {})
    }

    /// How many are remembered.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.places.len()
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

    fn stay(&mut self) -> Option<Stay> {
        if self.holder.is_some() {
            return None;
        }
        let streams = self.streams.get_or_insert_with(|| watch::Sender::new(()));
        Some(Stay(streams.subscribe()))
    }
}
