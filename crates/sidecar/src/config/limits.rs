//! The table `[limits]`: what clients may hold, and how slow they may be.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use gatelodge_service::config::{HumanDuration, HumanSize, Problems};
use serde::Deserialize;

use super::Resource;
use crate::lists::MAX_SIZE;

/// Shorter cuts off honest clients on bad networks; longer is no limit.
const SAFE_TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(120);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    connections: usize,
    connections_per_source: usize,
    open_requests: usize,
    open_requests_per_user: usize,
    requests_per_caller: u32,
    requests_per_stranger: u32,
    body_memory: HumanSize,
    list_memory: HumanSize,
    head_timeout: HumanDuration,
    slow_body_timeout: HumanDuration,
    stalled_reader_timeout: HumanDuration,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_source: 512,
            open_requests: 2048,
            open_requests_per_user: 128,
            requests_per_caller: 6_000,
            requests_per_stranger: 600,
            body_memory: HumanSize::from_mib(256),
            list_memory: HumanSize::from_mib(256),
            head_timeout: HumanDuration::from_secs(5),
            slow_body_timeout: HumanDuration::from_secs(10),
            stalled_reader_timeout: HumanDuration::from_secs(30),
        }
    }
}

/// The table, checked.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections of clients at once.
    pub connections: usize,
    /// Of them, from one address.
    pub connections_per_source: usize,
    /// Requests on their way to MCP servers and back at once, streams included.
    pub open_requests: usize,
    /// Of them, for one user.
    pub open_requests_per_user: usize,
    /// In a minute, of one user at one client or one listed key; `None`: any number.
    pub requests_per_caller: Option<NonZeroU32>,
    /// In a minute, of everybody else at one address; `None`: any number.
    pub requests_per_stranger: Option<NonZeroU32>,
    /// Bytes of all large request bodies at once.
    pub body_memory: usize,
    /// Bytes of all large lists of MCP servers at once.
    pub list_memory: usize,
    /// For the head of a request.
    pub head_timeout: Duration,
    /// In which a request body must bring 1 KiB for each second.
    pub slow_body_timeout: Duration,
    /// For which a client may leave an answer unread that is no event stream.
    pub stalled_reader_timeout: Duration,
}

impl RawLimits {
    /// Converts, and notes what is wrong.
    pub fn check(&self, unsafe_values_allowed: bool, problems: &mut Problems) -> Limits {
        for (key, each, total) in [
            ("connections_per_source", self.connections_per_source, self.connections),
            ("open_requests_per_user", self.open_requests_per_user, self.open_requests),
        ] {
            if each == 0 || each > total {
                let all = key.split("_per_").next().unwrap_or_default();
                let says = format!("{each} is not between 1 and limits.{all}, which is {total}");
                problems.add(format!("limits.{key}"), says, "raise the one or lower the other");
            }
        }
        if self.list_memory.get() < MAX_SIZE {
            let says = format!("\"{}\" is less than the 4MiB that one list may have", self.list_memory);
            problems.add("limits.list_memory", says, "leave it out, or write more: \"256MiB\"");
        }
        for (key, timeout) in [
            ("head_timeout", self.head_timeout),
            ("slow_body_timeout", self.slow_body_timeout),
            ("stalled_reader_timeout", self.stalled_reader_timeout),
        ] {
            let is_safe = SAFE_TIMEOUT.contains(&timeout.get());
            if timeout.get().is_zero() || (!is_safe && !unsafe_values_allowed) {
                let says = format!("\"{timeout}\" is outside the safe range of 5s to 2m");
                problems.add(format!("limits.{key}"), says, "leave it out: the default is safe");
            }
        }
        Limits {
            connections: self.connections,
            connections_per_source: self.connections_per_source,
            open_requests: self.open_requests,
            open_requests_per_user: self.open_requests_per_user,
            requests_per_caller: NonZeroU32::new(self.requests_per_caller),
            requests_per_stranger: NonZeroU32::new(self.requests_per_stranger),
            body_memory: self.body_memory.get(),
            list_memory: self.list_memory.get(),
            head_timeout: self.head_timeout.get(),
            slow_body_timeout: self.slow_body_timeout.get(),
            stalled_reader_timeout: self.stalled_reader_timeout.get(),
        }
    }
}

impl Limits {
    /// A body that may be so large must find room at some time.
    pub(super) fn hold(&self, resources: &[Resource], problems: &mut Problems) {
        let largest = resources.iter().map(|resource| resource.body_limit).max().unwrap_or_default();
        if self.body_memory < largest {
            let hint = "write more, or lower body_limit: the bodies of all requests share it";
            problems.add("limits.body_memory", "is less than the largest body_limit of a [[resource]]", hint);
        }
    }
}
