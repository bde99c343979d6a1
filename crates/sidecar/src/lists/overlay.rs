//! What the operator says of single tools, in place of what the MCP server says. MCP server/tools (`title`, `annotations`).
//! Made of `config/tools.rs`; used by `rewrite.rs`, and by the gate, which refuses calls of hidden tools.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::splice::{Change, New};
use crate::config::ToolConfig;

/// The tools of one resource that the configuration names.
#[derive(Debug, Default)]
pub struct Overlay {
    tools: BTreeMap<String, Tool>,
    has_told: AtomicBool,
}

#[derive(Debug)]
struct Tool {
    described: ToolConfig,
    changes: Vec<Change>,
    was_seen: AtomicBool,
}

impl Overlay {
    /// Made once; workers share it.
    pub fn new(config: &BTreeMap<String, ToolConfig>) -> Self {
        let tool = |config: &ToolConfig| Tool {
            described: config.clone(),
            changes: changes(config),
            was_seen: AtomicBool::new(false),
        };
        let tools = config.iter().map(|(name, config)| (name.clone(), tool(config))).collect();
        Self { tools, has_told: AtomicBool::new(false) }
    }

    /// Whether nothing is ever changed by it.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// Whether nobody sees this tool, and nobody may call it.
    pub fn hides(&self, tool: &str) -> bool {
        self.tools.get(tool).is_some_and(|tool| tool.described.hide)
    }

    /// What the operator says of a tool.
    pub fn described(&self, tool: &str) -> Option<&ToolConfig> {
        self.tools.get(tool).map(|tool| &tool.described)
    }

    /// What is set in the description of a tool that the MCP server lists.
    pub(super) fn changes(&self, tool: &str) -> &[Change] {
        self.tools.get(tool).map_or(&[], |tool| &tool.changes)
    }

    /// The MCP server lists it.
    pub(super) fn note_seen(&self, tool: &str) {
        if let Some(tool) = self.tools.get(tool) {
            tool.was_seen.store(true, Ordering::Relaxed);
        }
    }

    /// A last page came: a tool that was on none so far is probably misspelled. No error, since it may come with an update.
    pub(super) fn tell_missing(&self) {
        if self.has_told.load(Ordering::Relaxed) {
            return;
        }
        let missing = self.missing();
        if !missing.is_empty() && !self.has_told.swap(true, Ordering::Relaxed) {
            tracing::info!(tools = ?missing, "the configuration names tools that the MCP server does not list");
        }
    }

    fn missing(&self) -> Vec<&str> {
        let unseen = self.tools.iter().filter(|(_, tool)| !tool.was_seen.load(Ordering::Relaxed));
        unseen.map(|(name, _)| name.as_str()).collect()
    }
}

fn changes(config: &ToolConfig) -> Vec<Change> {
    let text = |name, text: &Option<String>| {
        text.as_ref().map(|text| Change { name, new: New::Value(serde_json::Value::from(text.as_str()).to_string()) })
    };
    let hint = |name, hint: Option<bool>| hint.map(|hint| Change { name, new: New::Value(hint.to_string()) });
    let annotations: Vec<Change> = [
        // The only title that revision 2025-03-26 knows.
        text("title", &config.title),
        hint("readOnlyHint", config.read_only),
        hint("destructiveHint", config.destructive),
        hint("idempotentHint", config.idempotent),
        hint("openWorldHint", config.open_world),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut changes: Vec<Change> =
        [text("title", &config.title), text("description", &config.description)].into_iter().flatten().collect();
    if !annotations.is_empty() {
        changes.push(Change { name: "annotations", new: New::Members(annotations) });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_on_no_page_is_missing() {
        let named = ["a", "b"].map(|name| (name.to_owned(), ToolConfig::default()));
        let overlay = Overlay::new(&BTreeMap::from(named));
        assert_eq!(overlay.missing(), ["a", "b"]);
        overlay.note_seen("b");
        overlay.note_seen("A");
        assert_eq!(overlay.missing(), ["a"]);
    }

    #[test]
    fn a_tool_name_that_differs_only_in_case_is_another_tool() {
        let hidden = ToolConfig { hide: true, ..ToolConfig::default() };
        let overlay = Overlay::new(&BTreeMap::from([("delete".to_owned(), hidden)]));
        assert!(overlay.hides("delete"));
        for name in ["Delete", "delete ", "delet", ""] {
            assert!(!overlay.hides(name), "{name}");
        }
    }
}
