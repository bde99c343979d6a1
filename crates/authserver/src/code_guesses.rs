//! How often a wrong user code was typed. RFC 8628 §5.1: a code short enough to type is short enough to guess, so wrong ones
//! are counted by source (an address, or the /64 of a subscriber) and altogether, in each minute. Right ones cost nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatelodge_oauth::time::Timestamp;

/// After so many wrong codes, a source waits for the next minute.
pub const MAX_FROM_ONE_SOURCE: u32 = 10;

/// After so many from all sources together, everybody waits. At this rate a year of guessing finds one of a hundred devices
/// that wait all the time with a probability of one in five.
pub const MAX_FROM_ALL: u32 = 100;

/// How long wrong codes count.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The counts of the running minute, and not a quota as for `limits.rs`: only what was wrong counts.
#[derive(Default)]
pub struct CodeGuesses(Mutex<Window>);

#[derive(Default)]
struct Window {
    began_at: Option<Timestamp>,
    from_all: u32,
    from_each: HashMap<Option<IpAddr>, u32>,
}

impl CodeGuesses {
    /// Takes a guess, if this source has one left. Taken before the code is looked up: of many guesses sent at once none may pass
    /// while the others are still being looked up.
    pub fn take(&self, source: Option<IpAddr>, now: Timestamp) -> bool {
        self.window(now, |window| {
            let from_source = window.from_each.entry(source).or_default();
            let left = window.from_all < MAX_FROM_ALL && *from_source < MAX_FROM_ONE_SOURCE;
            if left {
                window.from_all += 1;
                *from_source += 1;
            }
            left
        })
    }

    /// Gives a guess back that was right, or that nobody could judge.
    pub fn give_back(&self, source: Option<IpAddr>, now: Timestamp) {
        self.window(now, |window| {
            window.from_all = window.from_all.saturating_sub(1);
            let from_source = window.from_each.entry(source).or_default();
            *from_source = from_source.saturating_sub(1);
        });
    }

    fn window<T>(&self, now: Timestamp, work: impl FnOnce(&mut Window) -> T) -> T {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Also when the clock went back: nobody waits longer than a minute.
        if window.began_at.is_none_or(|began_at| now < began_at || now.since(began_at) >= WINDOW) {
            *window = Window { began_at: Some(now), ..Window::default() };
        }
        work(&mut window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_000 + seconds)
    }

    fn ip(address: &str) -> Option<IpAddr> {
        Some(address.parse().expect("an address"))
    }

    #[test]
    fn a_source_waits_after_ten_wrong_codes_and_others_do_not() {
        let guesses = CodeGuesses::default();
        for _ in 0..MAX_FROM_ONE_SOURCE {
            assert!(guesses.take(ip("192.0.2.1"), at(0)));
        }
        assert!(!guesses.take(ip("192.0.2.1"), at(59)));
        assert!(guesses.take(ip("192.0.2.2"), at(59)) && guesses.take(None, at(59)));
        assert!(guesses.take(ip("192.0.2.1"), at(60)));
    }

    #[test]
    fn a_right_code_costs_nothing() {
        let guesses = CodeGuesses::default();
        for _ in 0..2 * MAX_FROM_ALL {
            assert!(guesses.take(ip("192.0.2.1"), at(0)));
            guesses.give_back(ip("192.0.2.1"), at(0));
        }
    }

    #[test]
    fn everybody_waits_after_a_hundred_and_no_longer_than_a_minute() {
        let guesses = CodeGuesses::default();
        for source in 0..MAX_FROM_ALL {
            assert!(guesses.take(ip(&format!("192.0.2.{source}")), at(0)));
        }
        assert!(!guesses.take(ip("198.51.100.1"), at(59)));
        assert!(guesses.take(ip("198.51.100.1"), at(60)));
        assert!(guesses.take(ip("198.51.100.1"), at(-5)), "a clock that went back keeps nobody out");
    }
}
