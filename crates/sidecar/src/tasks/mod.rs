//! Whose task is it? A task of the MCP server is shown to, and ended by, whoever created it: MCP 2025-11-25 "Tasks", and the
//! tasks extension of 2026-07-28. For everybody else it does not exist. Asked by `endpoint.rs` before a request goes on, and
//! by `view.rs` for `tasks/list`.
//!
//! | file | what it does |
//! |---|---|
//! | `watch` | sees in the answers of the MCP server which tasks were created |
//!
//! Who holds what is in `holders.rs`.

mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatelodge_oauth::time::Timestamp;
use uuid::Uuid;

use crate::caller::Caller;
use crate::fingerprint::Fingerprint;
use crate::holders::{Holders, Unknown};
use crate::mcp::{Id, Operation, Target};

pub use watch::{Watch, Watched};

/// A task that nobody asked about for so long has ended.
const IDLE: Duration = Duration::from_secs(7 * 24 * 3600);

/// The tasks of one resource.
pub struct Tasks {
    holders: Holders,
    are_used: AtomicBool,
}

/// One of the tasks that a request names is not the caller's, or is unknown: of the request, its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTask<'a>(pub Option<Id<'a>>);

impl Tasks {
    /// None yet.
    pub fn new(unknown: Unknown) -> Self {
        Self { holders: Holders::new(unknown, IDLE), are_used: AtomicBool::new(false) }
    }

    /// Whether there are any, or somebody has asked which there are. Most MCP servers know no tasks, and their streams need no
    /// look then.
    pub fn are_used(&self) -> bool {
        self.are_used.load(Ordering::Acquire)
    }

    /// Somebody asks which there are: known before the answer can come, on whatever stream.
    pub fn are_asked_for(&self) {
        self.are_used.store(true, Ordering::Release);
    }

    /// Whether all tasks that are named are the caller's: to be looked at, answered, ended or listened to.
    pub fn check<'a>(
        &self,
        operations: &[Operation<'a>],
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), UnknownTask<'a>> {
        for operation in operations {
            for target in operation.targets.as_slice() {
                if let Target::Task(id) = target {
                    self.holders.check(&key(id), caller, now).map_err(|_| UnknownTask(operation.id))?;
                }
            }
        }
        Ok(())
    }

    /// Whether it is shown in a list.
    pub fn shows(&self, id: &str, caller: &Caller) -> bool {
        self.holders.is_of(&key(id), caller)
    }

    /// The MCP server created it for this caller.
    fn begun(&self, id: &str, caller: &Caller, now: Timestamp) {
        self.are_used.store(true, Ordering::Release);
        if self.holders.begun(&key(id), caller, now).is_err() {
            tracing::warn!("the MCP server created a task with an id that is somebody else's; it stays theirs");
        }
    }
}

/// Servers read a UUID in every form that it has, and databases compare without regard to letter case: all these are one task.
fn key(id: &str) -> Fingerprint {
    let id = id.trim();
    let plain = Uuid::try_parse(id).map_or_else(|_| id.to_lowercase(), |uuid| uuid.to_string());
    Fingerprint::of(plain.as_bytes())
}

#[cfg(test)]
mod tests;
