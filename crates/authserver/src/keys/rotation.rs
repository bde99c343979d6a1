//! When signing keys change: a pure function of the stored keys and the time. A key is published long enough before it signs
//! that everybody who keeps a copy of the set has it by then, and stays as long as a token signed with it can live.

use std::time::Duration;

use gatelodge_oauth::access_token::SigningAlgorithm;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::signing_keys::SigningKeyRow;

/// For the clocks of others, and for processes that have not yet seen that another key is active.
const MARGIN: Duration = Duration::from_secs(300);

/// How the operator wants it.
#[derive(Debug, Clone, Copy)]
pub struct RotationPolicy {
    /// What new keys are for.
    pub algorithm: SigningAlgorithm,
    /// How long a key signs; `None`: until somebody rotates by command.
    pub interval: Option<Duration>,
    /// How long a key is published before it signs.
    pub publish_before: Duration,
    /// The life of an access token.
    pub access_token: Duration,
}

/// What is to be done with the stored keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The next key becomes the active one.
    Activate,
    /// A next key is made and published.
    MakeNext,
    /// Keys that nobody needs any more go.
    RemoveUnneeded,
}

impl RotationPolicy {
    /// Until when a key is published that stops signing now.
    pub fn needed_until(&self, now: Timestamp) -> Timestamp {
        now.plus(self.access_token).plus(MARGIN)
    }

    /// What is due, if anything.
    pub fn due(&self, keys: &[SigningKeyRow], now: Timestamp) -> Option<Step> {
        let next = keys.iter().find(|key| key.is_next());
        if next.and_then(|next| next.activates_at).is_some_and(|time| time <= now) {
            return Some(Step::Activate);
        }
        let active = keys.iter().find(|key| key.active);
        if next.is_none() && active.is_some_and(|active| self.is_worn(active, now)) {
            return Some(Step::MakeNext);
        }
        let retired = keys.iter().filter(|key| !key.active && !key.is_next());
        let unneeded = |key: &SigningKeyRow| key.needed_until.is_some_and(|until| until < now);
        retired.into_iter().any(unneeded).then_some(Step::RemoveUnneeded)
    }

    /// Whether it is time to publish the successor. A key of another algorithm than the configured one is replaced at once.
    fn is_worn(&self, active: &SigningKeyRow, now: Timestamp) -> bool {
        let began = active.activates_at.unwrap_or(active.created_at);
        let worn = |interval: Duration| now >= began.plus(interval.saturating_sub(self.publish_before));
        active.algorithm != self.algorithm.as_str() || self.interval.is_some_and(worn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn policy() -> RotationPolicy {
        RotationPolicy {
            algorithm: SigningAlgorithm::Es256,
            interval: Some(Duration::from_secs(30 * 86_400)),
            publish_before: Duration::from_secs(900),
            access_token: Duration::from_secs(3600),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn key(active: bool, activates_at: Option<i64>, needed_until: Option<i64>) -> SigningKeyRow {
        SigningKeyRow {
            kid: "k".into(),
            algorithm: "ES256".into(),
            pkcs8: Vec::new(),
            sealed: true,
            active,
            created_at: at(0),
            activates_at: activates_at.map(at),
            needed_until: needed_until.map(at),
        }
    }

    #[test]
    fn each_step_comes_at_its_time() {
        let active = || key(true, Some(0), None);
        let publish = 30 * DAY - 900;
        for (keys, now, step) in [
            (vec![], 99 * DAY, None),
            (vec![active()], 0, None),
            (vec![active()], publish - 1, None),
            (vec![active()], publish, Some(Step::MakeNext)),
            (vec![key(true, None, None)], publish, Some(Step::MakeNext)),
            (vec![key(true, Some(5), Some(9 * DAY))], publish, None),
            (vec![active(), key(false, Some(30 * DAY), None)], 30 * DAY - 1, None),
            (vec![active(), key(false, Some(30 * DAY), None)], 30 * DAY, Some(Step::Activate)),
            (vec![active(), key(false, None, Some(100))], 100, None),
            (vec![active(), key(false, None, Some(100))], 101, Some(Step::RemoveUnneeded)),
            (vec![active(), key(false, None, None)], 29 * DAY, None),
            (vec![key(true, Some(0), Some(1))], DAY, None),
        ] {
            assert_eq!(policy().due(&keys, at(now)), step, "{keys:?} at {now}");
        }
    }

    #[test]
    fn without_an_interval_only_another_algorithm_asks_for_a_new_key() {
        let off = RotationPolicy { interval: None, ..policy() };
        assert_eq!(off.due(&[key(true, Some(0), None)], at(9999 * DAY)), None);
        let other = RotationPolicy { algorithm: SigningAlgorithm::EdDsa, ..off };
        assert_eq!(other.due(&[key(true, Some(0), None)], at(1)), Some(Step::MakeNext));
        assert_eq!(other.due(&[key(true, Some(0), None), key(false, Some(901), None)], at(2)), None);
    }

    #[test]
    fn a_key_outlives_the_last_token_that_it_signed() {
        assert_eq!(policy().needed_until(at(0)), at(3600 + 300));
    }
}
