//! Of a table `[[resource]]`: how long things may take there, and how large they may be. Checked by `resource.rs`.

use std::ops::RangeInclusive;
use std::time::Duration;

use gatelodge_service::config::{HumanDuration, HumanSize, Problems};

/// Shorter cuts off tools that people wait for; longer keeps dead connections.
const SAFE_RESPONSE_TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_secs(3600);

/// Longer, and an access token that has expired is as good as one that has not.
const LONGEST_STREAM_GRACE: Duration = Duration::from_secs(3600);

/// Less refuses ordinary calls. More holds a worker up too long: a body is read strictly, and whole.
const SAFE_BODY_LIMIT: RangeInclusive<usize> = 64 * 1024..=64 * 1024 * 1024;

/// Notes what is outside of its safe range.
pub(super) fn check(
    (response_timeout, stream_grace, body_limit): (HumanDuration, HumanDuration, HumanSize),
    key: &impl Fn(&str) -> String,
    problems: &mut Problems,
) {
    if !SAFE_RESPONSE_TIMEOUT.contains(&response_timeout.get()) {
        let says = format!("\"{response_timeout}\" is outside the safe range of 30s to 1h");
        problems.add(key("response_timeout"), says, "write \"5m\", or set development.allow_unsafe_values");
    }
    if !SAFE_BODY_LIMIT.contains(&body_limit.get()) {
        let says = format!("\"{body_limit}\" is outside the safe range of 64KiB to 64MiB");
        problems.add(key("body_limit"), says, "write \"4MiB\", or what your largest tool argument needs");
    }
    if stream_grace.get() > LONGEST_STREAM_GRACE {
        let says = format!("\"{stream_grace}\" is outside the safe range of 0s to 1h");
        let hint = "write what your longest tool takes, or let access tokens live longer: clients renew them while a stream is open";
        problems.add(key("stream_grace"), says, hint);
    }
}
