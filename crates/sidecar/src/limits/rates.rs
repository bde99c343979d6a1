//! How many requests to an MCP server follow each other (RFC 6585 §4): of one caller, and of the strangers at one address. Asked
//! by `endpoint.rs`.
//!
//! Callers and strangers are counted apart, so that no stranger uses up what a caller has. Of strangers only what goes to the MCP
//! server counts, and what is large: whoever is behind the same address can always begin a login. Nobody is remembered for whom there is no room; who
//! is forgotten begins anew.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use gatelodge_service::clock::Clock;
use gatelodge_service::http::source::subscriber;
use gatelodge_service::rate::{Counter, Ticks, counter};
use governor::Quota;
use governor::clock::Clock as _;
use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;

use crate::caller::Caller;
use crate::config::Limits;

/// So many callers and so many addresses are remembered, each about a hundred bytes.
const REMEMBERED: u64 = 100_000;

/// No quota of a minute makes anybody wait longer; who would has been counted by a clock that went back.
const MINUTE: Duration = Duration::from_secs(60);

/// The limits of all workers and resources.
pub struct Rates {
    callers: Option<Limited<u128>>,
    strangers: Option<Limited<IpAddr>>,
    hashes: [RandomState; 2],
}

impl Rates {
    /// Nothing is counted yet.
    pub fn new(limits: &Limits, clock: &Clock) -> Self {
        Self {
            callers: limits.requests_per_caller.map(|number| Limited::new(number, clock)),
            strangers: limits.requests_per_stranger.map(|number| Limited::new(number, clock)),
            hashes: Default::default(),
        }
    }

    /// Counts a request of whoever is known: a user at one client, or a listed key.
    ///
    /// # Errors
    /// It is one too many: how long to wait.
    pub fn count_caller(&self, caller: &Caller) -> Result<(), Duration> {
        match &self.callers {
            Some(callers) if caller.is_known() => callers.count(self.key(caller)),
            _ => Ok(()),
        }
    }

    /// Counts a request of anybody else that was let through, or that costs much to be judged, with its address.
    ///
    /// # Errors
    /// It is one too many: how long to wait.
    pub fn count_stranger(&self, caller: &Caller, address: Option<IpAddr>) -> Result<(), Duration> {
        match (&self.strangers, address) {
            (Some(strangers), Some(address)) if !caller.is_known() => strangers.count(subscriber(address)),
            _ => Ok(()),
        }
    }

    /// The caller, by two hashes that nobody outside can aim at.
    fn key(&self, caller: &Caller) -> u128 {
        let who = (caller.issuer(), caller.subject(), caller.client_id(), caller.api_key());
        let [high, low] = self.hashes.each_ref().map(|hash| u128::from(hash.hash_one(who)));
        high << 64 | low
    }
}

/// One limit, for each of many.
struct Limited<K> {
    quota: Quota,
    counters: Cache<K, Arc<Counter>>,
    ticks: Ticks,
}

impl<K: Eq + std::hash::Hash + Clone> Limited<K> {
    fn new(per_minute: NonZeroU32, clock: &Clock) -> Self {
        // Room is made as it is needed.
        let counters = Cache::with_weighter(0, REMEMBERED, UnitWeighter);
        Self { quota: Quota::per_minute(per_minute), counters, ticks: Ticks(clock.clone()) }
    }

    fn count(&self, key: K) -> Result<(), Duration> {
        let new = || Ok::<_, std::convert::Infallible>(Arc::new(counter(self.quota, &self.ticks)));
        let Ok(counter) = self.counters.get_or_insert_with(&key, new);
        let wait = counter.check().map_err(|refused| refused.wait_time_from(self.ticks.now()));
        match wait {
            Err(wait) if wait > MINUTE => {
                self.counters.remove(&key);
                Ok(())
            }
            wait => wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use gatelodge_oauth::time::Timestamp;

    use super::*;

    fn limited(clock: &Clock) -> Limited<u32> {
        Limited::new(NonZeroU32::new(2).expect("not zero"), clock)
    }

    #[test]
    fn the_memory_is_bounded_however_many_come() {
        let limited = limited(&Clock::manual(Timestamp::from_unix(1_000)));
        for key in 0..150_000 {
            assert_eq!(limited.count(key), Ok(()));
        }
        assert!(limited.counters.len() as u64 <= REMEMBERED, "{}", limited.counters.len());
    }

    #[test]
    fn a_clock_that_went_back_locks_nobody_out() {
        let clock = Clock::manual(Timestamp::from_unix(1_000));
        let limited = limited(&clock);
        assert_eq!([(); 3].map(|()| limited.count(1)), [Ok(()), Ok(()), Err(Duration::from_secs(30))]);
        // As after an hour that the clock had been ahead.
        let ahead = Clock::manual(Timestamp::from_unix(4_600));
        let spent = counter(limited.quota, &Ticks(ahead));
        assert!(spent.check().is_ok() && spent.check().is_ok() && spent.check().is_err());
        limited.counters.insert(1, Arc::new(spent));
        assert_eq!([(); 2].map(|()| limited.count(1)), [Ok(()), Ok(())]);
    }
}
