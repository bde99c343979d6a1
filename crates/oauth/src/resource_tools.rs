//! Which tools lie behind each scope of a resource, for the person who consents. No RFC knows it; the resource server, which has the
//! rules, tells it to the authorization server, which shows it. Names and titles are the MCP server's (MCP server/tools): text of
//! a stranger, kept short and without what could pose as something else.

use serde::{Deserialize, Serialize};

use crate::client_metadata::is_deceptive;
use crate::scope::Scope;

/// Where the authorization server takes them.
pub const PATH: &str = "/audit/tools";

/// The media type of [`ResourceTools`].
pub const MEDIA_TYPE: &str = "application/json";

/// The most bytes of one request.
pub const MAX_BODY: usize = 256 * 1024;

/// The most tools of one resource.
pub const MAX_TOOLS: usize = 200;

/// The longest name or title, in characters.
const LONGEST: usize = 100;

/// The longest scope of a tool, in bytes.
const LONGEST_SCOPE: usize = 500;

/// Everything that is known of one resource; what was told before no longer counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceTools {
    /// The identifier of the resource.
    pub resource: String,
    /// Its tools.
    pub tools: Vec<ListedTool>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedTool {
    /// What clients call it.
    pub name: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// It says that it changes nothing.
    #[serde(default)]
    pub read_only: bool,
    /// It says that it may destroy something.
    #[serde(default)]
    pub destructive: bool,
    /// The scopes that open it, beside those that everything needs.
    pub scope: Scope,
}

impl ListedTool {
    /// The same, as it may be shown: `None` when its name shows nothing, or it is behind no scope.
    pub fn showable(self) -> Option<Self> {
        let name = showable(&self.name)?;
        let title = self.title.as_deref().and_then(showable);
        let has_scope = !self.scope.is_empty() && self.scope.to_string().len() <= LONGEST_SCOPE;
        // One that changes nothing destroys nothing.
        let destructive = self.destructive && !self.read_only;
        has_scope.then_some(Self { name, title, destructive, ..self })
    }

    /// What people read.
    pub fn shown(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

impl ResourceTools {
    /// The same, no more than there may be of it, and each as it may be shown.
    pub fn showable(self) -> Self {
        let tools = self.tools.into_iter().filter_map(ListedTool::showable).take(MAX_TOOLS).collect();
        Self { tools, ..self }
    }
}

/// A short line without what hides or turns the text around it; `None` when nothing is left.
fn showable(text: &str) -> Option<String> {
    let plain: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_deceptive(*c)).collect();
    let plain: String = plain.trim().chars().take(LONGEST).collect();
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, title: Option<&str>) -> ListedTool {
        let title = title.map(str::to_owned);
        let scope = "notes:write".parse().expect("a scope");
        ListedTool { name: name.into(), title, read_only: false, destructive: false, scope }
    }

    #[test]
    fn what_is_shown_is_short_and_poses_as_nothing_else() {
        let shown = |name: &str, title: Option<&str>| tool(name, title).showable().map(|tool| tool.shown().to_owned());
        assert_eq!(shown("drop", None), Some("drop".into()));
        assert_eq!(shown("drop", Some("Drop it")), Some("Drop it".into()));
        assert_eq!(
            shown("drop", Some(" \u{200b}\u{202e} ")),
            Some("drop".into()),
            "a title of which nothing is left is none"
        );
        assert_eq!(shown("d\u{202e}r\0o\u{7f}p", Some("a\nb\u{2066}c")), Some("a bc".into()));
        assert_eq!(shown(&"x".repeat(300), None), Some("x".repeat(LONGEST)));
        assert_eq!(shown("\u{200b}", Some("Title")), None);
    }

    #[test]
    fn a_tool_behind_no_scope_is_not_shown_and_one_that_only_reads_destroys_nothing() {
        assert_eq!(ListedTool { scope: Scope::empty(), ..tool("a", None) }.showable(), None);
        let both = ListedTool { read_only: true, destructive: true, ..tool("a", None) }.showable().expect("shown");
        assert!(both.read_only && !both.destructive);
    }

    #[test]
    fn there_are_no_more_than_there_may_be() {
        let tools = (0..MAX_TOOLS + 5).map(|number| tool(&number.to_string(), None)).collect();
        assert_eq!(ResourceTools { resource: "r".into(), tools }.showable().tools.len(), MAX_TOOLS);
    }

    #[test]
    fn other_members_are_refused() {
        let good = r#"{"resource":"r","tools":[{"name":"a","scope":"b"}]}"#;
        assert!(serde_json::from_str::<ResourceTools>(good).is_ok());
        for bad in [r#""x":1,"name""#, r#""name":7,"title""#] {
            assert!(serde_json::from_str::<ResourceTools>(&good.replace(r#""name""#, bad)).is_err(), "{bad}");
        }
    }
}
