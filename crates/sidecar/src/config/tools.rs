//! `tool_challenges`: how a tool call is challenged. The tables `[resource.tools."…"]`: what clients are told about single
//! tools, in place of what the MCP server says of them.

use std::collections::BTreeMap;

use gatelodge_service::config::Problems;
use serde::Deserialize;

/// Where a tool call that needs a login, or one more scope, is challenged.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChallenges {
    /// In status and header (RFC 6750 §3).
    #[default]
    Http,
    /// There, and in a tool result, which is the body.
    HttpAndResult,
    /// In a tool result only, with status 200.
    Result,
}

/// What the operator says of one tool. Its name is never changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolConfig {
    /// Its name for people.
    pub title: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// It changes nothing.
    pub read_only: Option<bool>,
    /// It may remove or overwrite something.
    pub destructive: Option<bool>,
    /// To do it again changes nothing more.
    pub idempotent: Option<bool>,
    /// It reaches things outside the MCP server's own world.
    pub open_world: Option<bool>,
    /// It is not listed, and nobody may call it.
    pub hide: bool,
}

/// Notes what is wrong with the tables of one resource.
pub(super) fn check(tools: &BTreeMap<String, ToolConfig>, table: &str, problems: &mut Problems) {
    for (name, tool) in tools {
        let key = |member: &str| format!("{table}.{name}.{member}");
        if name.is_empty() || name.chars().any(char::is_control) {
            problems.add(
                format!("{table}.{name}"),
                format!("{name:?} is not the name of a tool"),
                "write it as the MCP server lists it",
            );
        }
        for (member, text) in [("title", &tool.title), ("description", &tool.description)] {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                problems.add(
                    key(member),
                    "is empty",
                    "write a text, or remove the key to keep what the MCP server says",
                );
            }
        }
        if tool.read_only == Some(true) && tool.destructive == Some(true) {
            let hint = "a tool that changes nothing destroys nothing: set one of the two to false";
            problems.add(key("destructive"), "contradicts read_only", hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(tools: &str) -> Vec<String> {
        let tools = serde_json::from_str(tools).expect("tables");
        let mut problems = Problems::default();
        check(&tools, "resource[0].tools", &mut problems);
        problems.0.into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn what_says_nothing_or_two_things_is_a_problem() {
        for (tools, key) in [
            (r#"{"a":{"title":" "}}"#, "resource[0].tools.a.title"),
            (r#"{"a":{"description":""}}"#, "resource[0].tools.a.description"),
            (r#"{"a":{"read_only":true,"destructive":true}}"#, "resource[0].tools.a.destructive"),
            (r#"{"":{}}"#, "resource[0].tools."),
            (r#"{"a\n":{}}"#, "resource[0].tools.a\n"),
        ] {
            assert_eq!(problems(tools), [key], "{tools}");
        }
    }

    #[test]
    fn every_name_that_a_tool_may_have_is_accepted() {
        let tools = r#"{"delete_ticket":{"title":"Delete","description":"It.","read_only":false,"destructive":true,
            "idempotent":true,"open_world":false,"hide":true}, "Delete_Ticket":{}, "a.b-c/ü":{"read_only":true,"destructive":false}}"#;
        assert_eq!(problems(tools), [""; 0]);
    }

    #[test]
    fn a_misspelled_key_is_refused() {
        assert!(serde_json::from_str::<ToolConfig>(r#"{"hidden":true}"#).is_err());
    }
}
