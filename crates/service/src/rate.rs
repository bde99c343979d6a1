//! How many requests follow each other (RFC 6585 §4), by our clock: what the limits of both programs are made of.

use std::time::Duration;

use governor::clock::Clock as Time;
use governor::middleware::NoOpMiddleware;
use governor::state::InMemoryState;
use governor::state::direct::NotKeyed;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;

/// Counts up to a quota. A minute of it may be used up at once; from then on there is some more bit by bit.
pub type Counter = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

/// Nothing is counted yet.
pub fn counter(quota: Quota, ticks: &Ticks) -> Counter {
    RateLimiter::direct_with_clock(quota, ticks.clone())
}

/// Our clock, as counters read it.
#[derive(Debug, Clone)]
pub struct Ticks(pub Clock);

impl Time for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.now().as_unix()).unwrap_or_default())
    }
}
