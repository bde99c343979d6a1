//! How long a sign-in has to wait, by how often others failed before it (OAuth 2.1 §7.7 asks for it, NIST SP 800-63B §5.2.2 for
//! a limit by account). A pure decision; `attempts.rs` counts and asks here before any password is checked.

use std::time::Duration;

use gatelodge_oauth::time::Timestamp;
use gatelodge_store::sign_in_failures::Failures;

/// What failures of one kind lead to.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// So many cost nothing.
    pub free: u32,
    /// How long the next one waits then. Each further failure doubles it …
    pub first_wait: Duration,
    /// … up to this.
    pub longest_wait: Duration,
    /// How long it takes until one failure is forgotten.
    pub forgets_one_in: Duration,
}

/// By account, from wherever: 110 guesses a day at most.
pub const ACCOUNT: Rule = Rule {
    free: 5,
    first_wait: Duration::from_secs(15),
    longest_wait: Duration::from_secs(15 * 60),
    forgets_one_in: Duration::from_secs(3_600),
};

/// By source, whatever the account: behind one address there may be an office full of people.
pub const SOURCE: Rule = Rule {
    free: 20,
    first_wait: Duration::from_secs(15),
    longest_wait: Duration::from_secs(15 * 60),
    forgets_one_in: Duration::from_secs(600),
};

/// All together: one failure in each second, for a long time. The wait is short, because everybody has it who comes from a new
/// place.
pub const EVERYBODY: Rule = Rule {
    free: 300,
    first_wait: Duration::from_secs(1),
    longest_wait: Duration::from_secs(30),
    forgets_one_in: Duration::from_secs(1),
};

/// What is known before a password is checked.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The failures of this account.
    pub account: Failures,
    /// Those of this source.
    pub source: Failures,
    /// Those of this account from this source.
    pub both: Failures,
    /// Those of everybody.
    pub everybody: Failures,
    /// Whether the account signed in from this source lately.
    pub source_is_known: bool,
}

/// Whether a password may be checked, or how long to wait. From where somebody signed in lately only the failures of that account
/// from there count: strangers elsewhere cannot keep its owner out.
pub fn decide(seen: &Seen, now: Timestamp) -> Result<(), Duration> {
    let waits = match seen.source_is_known {
        true => vec![ACCOUNT.wait(&seen.both, now)],
        false => {
            vec![ACCOUNT.wait(&seen.account, now), SOURCE.wait(&seen.source, now), EVERYBODY.wait(&seen.everybody, now)]
        }
    };
    waits.into_iter().flatten().max().map_or(Ok(()), Err)
}

impl Rule {
    /// How many failures are not forgotten yet.
    pub fn level(&self, failures: &Failures, now: Timestamp) -> u32 {
        let left = failures.forgotten_at.since(now).as_secs();
        u32::try_from(left.div_ceil(self.forgets_one_in.as_secs())).unwrap_or(u32::MAX)
    }

    /// Never longer than `longest_wait`, also when the clock went back.
    fn wait(&self, failures: &Failures, now: Timestamp) -> Option<Duration> {
        let beyond = self.level(failures, now).checked_sub(self.free)?;
        let whole = 2_u32.checked_pow(beyond).and_then(|factor| self.first_wait.checked_mul(factor));
        let whole = whole.unwrap_or(self.longest_wait).min(self.longest_wait);
        let left = failures.last_failed_at.plus(whole).since(now).min(self.longest_wait);
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_000_000);

    fn failed(times: u32, rule: Rule, seconds_ago: i64) -> Failures {
        let last_failed_at = Timestamp::from_unix(NOW.as_unix() - seconds_ago);
        Failures { last_failed_at, forgotten_at: last_failed_at.plus(rule.forgets_one_in * times) }
    }

    #[test]
    fn the_wait_grows_with_the_failures_and_ends() {
        for (account, source, everybody, seconds_ago, wait) in [
            (0, 0, 0, 0, None),
            (4, 4, 4, 0, None),
            (5, 5, 5, 0, Some(15)),
            (5, 5, 5, 14, Some(1)),
            (5, 5, 5, 15, None),
            (6, 6, 6, 0, Some(30)),
            (8, 8, 8, 0, Some(120)),
            (11, 11, 11, 0, Some(900)),
            (1_000, 0, 0, 0, Some(900)),
            (1_000, 0, 0, 900, None),
            // From one source against many accounts.
            (0, 19, 19, 0, None),
            (0, 20, 20, 0, Some(15)),
            (0, 26, 26, 0, Some(900)),
            // From everywhere against everybody.
            (0, 0, 299, 0, None),
            (0, 0, 300, 0, Some(1)),
            (0, 0, 100_000, 0, Some(30)),
            // The longest wait counts.
            (6, 23, 300, 0, Some(120)),
        ] {
            let seen = Seen {
                account: failed(account, ACCOUNT, seconds_ago),
                source: failed(source, SOURCE, seconds_ago),
                both: failed(0, ACCOUNT, 0),
                everybody: failed(everybody, EVERYBODY, seconds_ago),
                source_is_known: false,
            };
            let expected = wait.map_or(Ok(()), |seconds| Err(Duration::from_secs(seconds)));
            assert_eq!(decide(&seen, NOW), expected, "{account} {source} {everybody} {seconds_ago}");
        }
    }

    #[test]
    fn strangers_do_not_keep_out_who_signed_in_from_there_before() {
        let under_attack = Seen {
            account: failed(1_000, ACCOUNT, 0),
            source: failed(1_000, SOURCE, 0),
            both: failed(4, ACCOUNT, 0),
            everybody: failed(1_000, EVERYBODY, 0),
            source_is_known: true,
        };
        assert_eq!(decide(&under_attack, NOW), Ok(()));
        let guessed_from_there = Seen { both: failed(5, ACCOUNT, 0), ..under_attack };
        assert_eq!(decide(&guessed_from_there, NOW), Err(Duration::from_secs(15)));
        assert!(decide(&Seen { source_is_known: false, ..under_attack }, NOW).is_err());
    }

    #[test]
    fn failures_are_forgotten_one_by_one() {
        for (hours, level) in [(0, 6), (1, 5), (2, 4), (6, 0), (100, 0)] {
            assert_eq!(ACCOUNT.level(&failed(6, ACCOUNT, hours * 3_600), NOW), level, "{hours}");
        }
    }

    #[test]
    fn a_clock_that_went_back_makes_no_wait_longer_than_the_longest() {
        let ahead = failed(1_000, ACCOUNT, -1_000_000);
        assert_eq!(ACCOUNT.wait(&ahead, NOW), Some(ACCOUNT.longest_wait));
    }
}
