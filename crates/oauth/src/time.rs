//! Points in time as the rules see them: whole Unix seconds. Every rule takes `now` as an argument; the clock lives in `gatelodge-service`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Unix seconds (the `NumericDate` of RFC 7519 §2, without fractions).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `seconds` after 1970-01-01T00:00:00Z.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// This moment moved forward; saturates instead of overflowing, so a stored absurdity cannot panic.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(seconds(duration)))
    }

    /// This moment moved back; saturates like [`Timestamp::plus`].
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(seconds(duration)))
    }

    /// How long after `earlier` this is; zero when the clock went back in between.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0).try_into().unwrap_or(0))
    }

    /// Whether less than `duration` passed since `earlier`. What is of the future is not fresh: the clock went back, and would
    /// stand still for it until it has caught up.
    pub fn is_within(self, duration: Duration, earlier: Timestamp) -> bool {
        self >= earlier && self.since(earlier) < duration
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_and_a_clock_that_went_back_counts_as_no_time() {
        let t = Timestamp::from_unix(100);
        assert_eq!(t.plus(Duration::from_secs(5)).as_unix(), 105);
        assert_eq!(t.plus(Duration::MAX).as_unix(), i64::MAX);
        assert_eq!(Timestamp::from_unix(i64::MIN).minus(Duration::MAX).as_unix(), i64::MIN);
        assert_eq!(t.since(Timestamp::from_unix(40)), Duration::from_secs(60));
        assert_eq!(t.since(Timestamp::from_unix(400)), Duration::ZERO);
    }

    #[test]
    fn what_was_looked_at_before_the_clock_went_back_is_looked_at_again() {
        let t = Timestamp::from_unix(100);
        for (earlier, fresh) in
            [(100, true), (96, true), (95, false), (i64::MIN, false), (101, false), (i64::MAX, false)]
        {
            assert_eq!(t.is_within(Duration::from_secs(5), Timestamp::from_unix(earlier)), fresh, "{earlier}");
        }
    }
}
