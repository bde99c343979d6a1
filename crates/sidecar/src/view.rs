//! What one caller gets to see of the lists that an MCP server gives. Made by `endpoint.rs` for requests that may bring a list,
//! used by `lists/`.

use std::sync::Arc;

use crate::caller::Caller;
use crate::lists::{List, View};
use crate::policy::{Need, Policy};

/// The lists as one caller sees them.
pub struct CallersView {
    /// What is denied, and what needs which scope.
    pub policy: Arc<Policy>,
    /// Who looks.
    pub caller: Caller,
}

impl View for CallersView {
    /// What needs a scope that the token lacks is shown unless the operator wants it otherwise, and strangers see what
    /// logging in would give them: a client that does not know of a tool cannot ask for its scope.
    fn shows(&self, list: List, name: &str) -> bool {
        match self.policy.need_for(list, name) {
            // Rules that are only tried hide nothing either.
            Need::Denied => self.policy.dry_run,
            Need::Scope(needed) if self.depends_on_caller() => {
                self.caller.scope().is_none_or(|granted| self.policy.is_met(&needed, granted))
            }
            Need::Public | Need::Scope(_) => true,
        }
    }

    fn depends_on_caller(&self) -> bool {
        self.policy.list_only_permitted && !self.policy.dry_run
    }
}
