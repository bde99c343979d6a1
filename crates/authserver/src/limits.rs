//! How often something may be asked by whoever has not proven who they are: by one source, and by all of them together
//! (RFC 6585 §4). Counted in memory, by each process for itself. Nothing that a signed-in person or a client with a token does
//! counts here.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::HttpRequest;
use gatelodge_service::clock::Clock;
use gatelodge_service::config::Problems;
use gatelodge_service::http::source;
use governor::clock::Clock as Time;
use governor::middleware::NoOpMiddleware;
use governor::state::InMemoryState;
use governor::state::direct::NotKeyed;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use serde::Deserialize;

use crate::config::Config;

/// More than anybody needs, and few enough to be counted.
const MOST: u32 = 1_000_000;

/// `[limits]` as written: numbers for each minute.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    registrations_per_source: u32,
    registrations: u32,
}

/// `[limits]` as checked.
#[derive(Debug, Clone, Copy)]
pub struct LimitsConfig {
    registration: PerMinute,
}

#[derive(Debug, Clone, Copy)]
struct PerMinute {
    by_source: NonZeroU32,
    together: NonZeroU32,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self { registrations_per_source: 10, registrations: 100 }
    }
}

impl RawLimits {
    /// Notes what is out of range.
    pub fn check(&self, problems: &mut Problems) -> Option<LimitsConfig> {
        let mut number = |key: &str, number: u32| {
            let checked = NonZeroU32::new(number).filter(|number| number.get() <= MOST);
            if checked.is_none() {
                let hint = "write how many a minute are answered; registration.dcr = \"off\" answers none";
                problems.add(format!("limits.{key}"), format!("{number} is not between 1 and {MOST}"), hint);
            }
            checked
        };
        let by_source = number("registrations_per_source", self.registrations_per_source);
        let together = number("registrations", self.registrations);
        Some(LimitsConfig { registration: PerMinute { by_source: by_source?, together: together? } })
    }
}

/// Every limit of the server.
pub struct Limits {
    /// `/register`.
    pub registration: Limiter,
}

impl Limits {
    /// Nothing is counted yet.
    pub fn new(config: &LimitsConfig, clock: &Clock) -> Self {
        Self { registration: Limiter::new(config.registration, clock) }
    }

    /// Forgets the sources that may ask as much as ever again.
    pub fn forget(&self) {
        self.registration.forget();
    }
}

/// One limit. A source may use up its minute at once; from then on it gets its share bit by bit.
pub struct Limiter {
    by_source: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, Ticks, NoOpMiddleware<Duration>>,
    together: RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>,
    ticks: Ticks,
}

impl Limiter {
    fn new(limit: PerMinute, clock: &Clock) -> Self {
        let ticks = Ticks(clock.clone());
        let (by_source, together) = (Quota::per_minute(limit.by_source), Quota::per_minute(limit.together));
        Self {
            by_source: RateLimiter::new(by_source, HashMapStateStore::default(), ticks.clone()),
            together: RateLimiter::direct_with_clock(together, ticks.clone()),
            ticks,
        }
    }

    /// Counts this request, or says how long to wait. A source that asks too much does not use up what there is for all.
    pub fn count(&self, request: &HttpRequest, config: &Config) -> Result<(), Duration> {
        let now = self.ticks.now();
        // Without a peer there is no connection, and nobody to answer.
        let address = config.trusted_proxies.source_of(request).map(source::subscriber);
        if let Some(address) = address {
            self.by_source.check_key(&address).map_err(|refused| refused.wait_time_from(now))?;
        }
        self.together.check().map_err(|refused| refused.wait_time_from(now))
    }

    fn forget(&self) {
        self.by_source.retain_recent();
        self.by_source.shrink_to_fit();
    }
}

/// Our clock, as the counters read it.
#[derive(Clone)]
struct Ticks(Clock);

impl Time for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.now().as_unix()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use gatelodge_oauth::time::Timestamp;

    use super::*;

    #[test]
    fn sources_are_limited_each_and_together_and_get_their_share_back() {
        let clock = Clock::manual(Timestamp::from_unix(1_000));
        let number = |number| NonZeroU32::new(number).expect("not zero");
        let limiter = Limiter::new(PerMinute { by_source: number(3), together: number(5) }, &clock);
        let from = |address: &str| {
            let address = source::subscriber(address.parse().expect("an address"));
            let now = limiter.ticks.now();
            limiter.by_source.check_key(&address).map_err(|refused| refused.wait_time_from(now))?;
            limiter.together.check().map_err(|refused| refused.wait_time_from(now))
        };
        for _ in 0..3 {
            assert_eq!(from("198.51.100.1"), Ok(()));
        }
        for _ in 0..10 {
            assert_eq!(from("198.51.100.1"), Err(Duration::from_secs(20)), "it does not use up what others have");
        }
        assert_eq!(from("2001:db8::1"), Ok(()));
        assert_eq!(from("2001:db8::2"), Ok(()));
        assert_eq!(from("203.0.113.1"), Err(Duration::from_secs(12)), "five together");
        clock.advance(Duration::from_secs(20));
        assert_eq!(from("198.51.100.1"), Ok(()));
        assert!(from("198.51.100.1").is_err());
        assert_eq!(limiter.by_source.len(), 3);
        clock.advance(Duration::from_secs(120));
        limiter.forget();
        assert_eq!(limiter.by_source.len(), 0);
    }
}
