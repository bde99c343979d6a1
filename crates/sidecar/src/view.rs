//! What one caller gets to see of the lists that an MCP server gives. Made by `endpoint.rs` for requests that may bring a list,
//! used by `lists/`.

use std::borrow::Cow;
use std::sync::Arc;

use crate::caller::Caller;
use crate::lists::{List, SecurityScheme, View};
use crate::policy::{Need, Policy};
use crate::tasks::Tasks;

/// The lists as one caller sees them.
pub struct CallersView {
    /// What is denied, and what needs which scope.
    pub policy: Arc<Policy>,
    /// Whose tasks are whose.
    pub tasks: Arc<Tasks>,
    /// Whether anything else is changed.
    pub changes_only_tasks: bool,
    /// Who looks.
    pub caller: Caller,
    /// Whether it is said of each tool what calling it needs.
    pub shows_security_schemes: bool,
}

impl View for CallersView {
    /// What needs a scope that the token lacks is shown unless the operator wants it otherwise, and strangers see what
    /// logging in would give them: a client that does not know of a tool cannot ask for its scope.
    fn shows(&self, list: List, name: &str) -> bool {
        if list == List::Tasks {
            return self.tasks.shows(name, &self.caller);
        }
        match self.policy.need_for(list, name) {
            // Rules that are only tried hide nothing either.
            Need::Denied => self.policy.dry_run,
            Need::Scope(needed) if self.depends_on_caller() => {
                self.caller.scope().is_none_or(|granted| self.policy.is_met(&needed, granted))
            }
            Need::Public | Need::Scope(_) => true,
        }
    }

    fn security_schemes(&self, tool: &str) -> Option<Vec<SecurityScheme>> {
        if !self.shows_security_schemes {
            return None;
        }
        let scopes = match self.policy.need_for(List::Tools, tool) {
            Need::Public => return Some(vec![SecurityScheme::NoAuth]),
            Need::Scope(needed) => needed,
            // Seen only where rules are only tried.
            Need::Denied => Cow::Borrowed(&self.policy.scope),
        };
        Some(vec![SecurityScheme::OAuth2 { scopes: scopes.iter().map(str::to_owned).collect() }])
    }

    fn changes_only_tasks(&self) -> bool {
        self.changes_only_tasks
    }

    fn depends_on_caller(&self) -> bool {
        self.policy.list_only_permitted && !self.policy.dry_run
    }
}
