//! File descriptors, counted before the first connection: without one, a server can neither accept nor forward.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Limits;

/// Listeners, logs, connections to the authorization server, idle connections to MCP servers.
const OTHERS: u64 = 128;

/// The system gives fewer than the configured limits can need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the system allows this process {allowed} open files, and the configured limits can need {needed}\n  \
     hint: raise the limit (ulimit -Hn, LimitNOFILE= of systemd, --ulimit nofile= of containers), or lower \
     limits.connections and limits.open_requests"
)]
pub struct TooFew {
    allowed: u64,
    needed: u64,
}

/// Raises the soft limit as far as needed, or says that it cannot.
pub fn ensure(limits: &Limits) -> Result<(), TooFew> {
    let needed = needed(limits);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|allowed| allowed >= needed) {
        return Ok(());
    }
    if maximum.is_some_and(|allowed| allowed < needed) {
        return Err(TooFew { allowed: maximum.unwrap_or(u64::MAX), needed });
    }
    let allowed = current.unwrap_or(u64::MAX);
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum }).map_err(|_| TooFew { allowed, needed })
}

/// Two for each client, one for each request that is forwarded.
const fn needed(limits: &Limits) -> u64 {
    2 * limits.connections as u64 + limits.open_requests as u64 + OTHERS
}
