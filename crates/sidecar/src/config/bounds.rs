//! Of a table `[[resource]]`: how long things may take there. Checked by `resource.rs`.

use std::ops::RangeInclusive;
use std::time::Duration;

use gatelodge_service::config::{HumanDuration, Problems};

/// Shorter cuts off tools that people wait for; longer keeps dead connections.
const SAFE_RESPONSE_TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_secs(3600);

/// Longer, and an access token that has expired is as good as one that has not.
const LONGEST_STREAM_GRACE: Duration = Duration::from_secs(3600);

/// Notes what is outside of its safe range.
pub(super) fn check(
    (response_timeout, stream_grace): (HumanDuration, HumanDuration),
    key: &impl Fn(&str) -> String,
    problems: &mut Problems,
) {
    if !SAFE_RESPONSE_TIMEOUT.contains(&response_timeout.get()) {
        let says = format!("\"{response_timeout}\" is outside the safe range of 30s to 1h");
        problems.add(key("response_timeout"), says, "write \"5m\", or set development.allow_unsafe_values");
    }
    if stream_grace.get() > LONGEST_STREAM_GRACE {
        let says = format!("\"{stream_grace}\" is outside the safe range of 0s to 1h");
        let hint = "write what your longest tool takes, or let access tokens live longer: clients renew them while a stream is open";
        problems.add(key("stream_grace"), says, hint);
    }
}
