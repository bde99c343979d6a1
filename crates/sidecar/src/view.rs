//! What one caller gets to see of the lists that an MCP server gives, and whose the tasks are. Asked by `endpoint.rs` for
//! requests that may bring a list, used by `lists/`.

use std::borrow::Cow;
use std::sync::Arc;

use crate::caller::Viewer;
use crate::config::ToolChallenges;
use crate::endpoint::Endpoint;
use crate::lists::{Asked, List, Rewriter, SecurityScheme, View};
use crate::policy::{Need, Policy};
use crate::tasks::{Tasks, Watch};

/// The lists as one caller sees them.
pub struct CallersView {
    /// What is denied, and what needs which scope.
    pub policy: Arc<Policy>,
    /// Whose tasks are whose.
    pub tasks: Arc<Tasks>,
    /// Whether anything else is changed.
    pub changes_only_tasks: bool,
    /// Whether no list is expected before somebody asks for one here: not on a stream that repeats what was sent before.
    pub brings_nothing_old: bool,
    /// Who looks.
    pub viewer: Viewer,
    /// Whether it is said of each tool what calling it needs.
    pub shows_security_schemes: bool,
}

impl Endpoint {
    /// Sees which tasks an answer creates for whom it is.
    pub fn watch(&self, viewer: &Viewer) -> Watch {
        Watch { tasks: Arc::clone(&self.tasks), viewer: viewer.clone(), clock: self.clock.clone() }
    }

    /// What is to be done to lists that the answer may bring: tasks are shown to whom they were created for, and of the other
    /// lists nothing is changed where nobody's configuration does.
    pub fn lists(&self, viewer: &Viewer, asked: Asked, is_modern: bool) -> Option<(Rewriter<CallersView>, Asked)> {
        let policy = &self.gate.policy;
        let shows_security_schemes = self.tool_challenges != ToolChallenges::Http;
        let changes_any = !self.overlay.is_empty()
            || policy.hides_anything()
            || policy.list_only_permitted
            || shows_security_schemes
            || self.listed_tools.is_some();
        if asked.is_answered() || !(changes_any || asked.may_bring(List::Tasks)) {
            return None;
        }
        let (policy, tasks, viewer) = (Arc::clone(policy), Arc::clone(&self.tasks), viewer.clone());
        let (changes_only_tasks, brings_nothing_old) = (!changes_any, false);
        let view =
            CallersView { policy, tasks, changes_only_tasks, brings_nothing_old, viewer, shows_security_schemes };
        let (overlay, listed) = (Arc::clone(&self.overlay), self.listed_tools.clone());
        Some((Rewriter { overlay, view, listed, is_modern }, asked))
    }
}

impl View for CallersView {
    /// What needs a scope that the token lacks is shown unless the operator wants it otherwise, and strangers see what
    /// logging in would give them: a client that does not know of a tool cannot ask for its scope.
    fn shows(&self, list: List, name: &str) -> bool {
        if list == List::Tasks {
            return self.tasks.shows(name, self.viewer.caller());
        }
        match self.policy.need_for(list, name) {
            // Rules that are only tried hide nothing either.
            Need::Denied => self.policy.dry_run,
            Need::Scope(needed) if self.depends_on_caller() => {
                self.viewer.caller().scope().is_none_or(|granted| self.policy.is_met(&needed, granted))
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

    fn is_at_rest(&self) -> bool {
        self.changes_only_tasks && self.brings_nothing_old && !self.tasks.are_used()
    }

    fn changes_only_tasks(&self) -> bool {
        self.changes_only_tasks
    }

    fn depends_on_caller(&self) -> bool {
        self.policy.list_only_permitted && !self.policy.dry_run
    }
}
