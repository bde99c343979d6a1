//! How often something may be asked by whoever has not proven who they are: by one source, and by all of them together
//! (RFC 6585 §4). Counted is what makes this server keep or fetch something. Counted in memory, by each process for itself.
//! A signed-in person who decides and a client that refreshes do not count here.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::HttpRequest;
use gatelodge_service::clock::Clock;
use gatelodge_service::config::Problems;
use gatelodge_service::http::source;
use gatelodge_service::rate::{Counter, Ticks, counter};
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
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
    requests_per_source: u32,
    requests: u32,
    documents_per_source: u32,
    documents: u32,
}

/// `[limits]` as checked.
#[derive(Debug, Clone, Copy)]
pub struct LimitsConfig {
    registration: PerMinute,
    requests: PerMinute,
    documents: PerMinute,
}

#[derive(Debug, Clone, Copy)]
struct PerMinute {
    by_source: NonZeroU32,
    together: NonZeroU32,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            registrations_per_source: 10,
            registrations: 100,
            requests_per_source: 60,
            requests: 3_000,
            documents_per_source: 20,
            documents: 300,
        }
    }
}

impl RawLimits {
    /// Notes what is out of range.
    pub fn check(&self, problems: &mut Problems) -> Option<LimitsConfig> {
        let mut number = |key: &str, number: u32| {
            let checked = NonZeroU32::new(number).filter(|number| number.get() <= MOST);
            if checked.is_none() {
                let hint = "write how many a minute are answered, or remove the line";
                problems.add(format!("limits.{key}"), format!("{number} is not between 1 and {MOST}"), hint);
            }
            checked
        };
        let mut pair = |key: &str, by_source: u32, together: u32| {
            let (by_source, together) = (number(&format!("{key}_per_source"), by_source), number(key, together));
            Some(PerMinute { by_source: by_source?, together: together? })
        };
        let registration = pair("registrations", self.registrations_per_source, self.registrations);
        let requests = pair("requests", self.requests_per_source, self.requests);
        let documents = pair("documents", self.documents_per_source, self.documents);
        Some(LimitsConfig { registration: registration?, requests: requests?, documents: documents? })
    }
}

/// Every limit of the server.
pub struct Limits {
    /// `/register`.
    pub registration: Limiter,
    /// `/authorize`, `/par`, `/device_authorization` and `/device`, which keep what they are asked, and whatever else gives a browser
    /// its first session or keeps something for it before anybody has signed in.
    pub requests: Limiter,
    /// Fetches of what clients name: their documents and their keys.
    pub documents: Limiter,
    /// Steps of strangers that the flight recorder keeps. Beyond it they are answered like before, and not recorded.
    pub steps: Limiter,
}

/// Enough for everybody behind one address who connects at the same time, and far less than a flood.
const STEPS: PerMinute =
    PerMinute { by_source: NonZeroU32::MIN.saturating_add(119), together: NonZeroU32::MIN.saturating_add(1_199) };

impl Limits {
    /// Nothing is counted yet.
    pub fn new(config: &LimitsConfig, clock: &Clock) -> Self {
        let limiter = |limit| Limiter::new(limit, clock);
        Self {
            registration: limiter(config.registration),
            requests: limiter(config.requests),
            documents: limiter(config.documents),
            steps: limiter(STEPS),
        }
    }

    /// Forgets the sources that may ask as much as ever again.
    pub fn forget(&self) {
        for limiter in [&self.registration, &self.requests, &self.documents, &self.steps] {
            limiter.forget();
        }
    }
}

/// Whose request counts. Without a peer there is no connection, and nobody to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(Option<IpAddr>);

impl Source {
    /// Where a request came from, behind the proxies that the operator named.
    pub fn of(request: &HttpRequest, config: &Config) -> Self {
        config.trusted_proxies.source_of(request).map_or(Self(None), Self::of_address)
    }

    /// Whose address this is: of IPv6 a whole network.
    pub fn of_address(address: IpAddr) -> Self {
        Self(Some(source::subscriber(address)))
    }
}

/// One limit. A source may use up its minute at once; from then on it gets its share bit by bit.
pub struct Limiter {
    by_source: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, Ticks, NoOpMiddleware<Duration>>,
    together: Counter,
    ticks: Ticks,
}

impl Limiter {
    fn new(limit: PerMinute, clock: &Clock) -> Self {
        let ticks = Ticks(clock.clone());
        let (by_source, together) = (Quota::per_minute(limit.by_source), Quota::per_minute(limit.together));
        Self {
            by_source: RateLimiter::new(by_source, HashMapStateStore::default(), ticks.clone()),
            together: counter(together, &ticks),
            ticks,
        }
    }

    /// Counts this request, or says how long to wait. A source that asks too much does not use up what there is for all.
    pub fn count(&self, source: Source) -> Result<(), Duration> {
        self.count_source(source)?;
        self.count_together()
    }

    /// The first half of [`Limiter::count`], before it is known whether there is anything to do.
    pub fn count_source(&self, source: Source) -> Result<(), Duration> {
        let Source(Some(address)) = source else { return Ok(()) };
        self.by_source.check_key(&address).map_err(|refused| refused.wait_time_from(self.ticks.now()))
    }

    /// The second half of [`Limiter::count`].
    pub fn count_together(&self) -> Result<(), Duration> {
        self.together.check().map_err(|refused| refused.wait_time_from(self.ticks.now()))
    }

    fn forget(&self) {
        self.by_source.retain_recent();
        self.by_source.shrink_to_fit();
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
        let from = |address: &str| limiter.count(Source::of_address(address.parse().expect("an address")));
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
