//! The only place that reads the time. Rules take `now` as an argument; whoever calls them asks a [`Clock`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatelodge_oauth::time::Timestamp;

/// The time of the machine, or one that a test moves. Clones of a manual clock move together.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The time of the machine.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is advanced.
    pub fn manual(start: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.as_unix()))))
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(seconds) => Timestamp::from_unix(seconds.load(Ordering::SeqCst)),
            None => Timestamp::from_unix(0).plus(since_epoch()),
        }
    }

    /// Moves a manual clock forward. The machine's clock cannot be moved: there this does nothing.
    pub fn advance(&self, by: Duration) {
        if let Some(seconds) = &self.0 {
            let now = Timestamp::from_unix(seconds.load(Ordering::SeqCst));
            seconds.store(now.plus(by).as_unix(), Ordering::SeqCst);
        }
    }
}

/// The time of the machine, with its fraction: for the lines of the log, which no test moves.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time of the machine")]
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Timestamp::from_unix(1_000));
        let clone = clock.clone();
        clock.advance(Duration::from_secs(61));
        assert_eq!(clone.now(), Timestamp::from_unix(1_061));
    }

    #[test]
    fn the_system_clock_knows_that_2026_has_begun() {
        assert!(Clock::system().now() > Timestamp::from_unix(1_767_225_600));
    }
}
