//! `consent.html`: may this client in. RFC 6749 §4.1.1, RFC 9700 §4.14; shown and answered by `endpoints/consent.rs`.

use std::time::Duration;

use gatelodge_oauth::authorization_request::AnswerTo;
use gatelodge_oauth::redirect_uri::RedirectTarget;
use gatelodge_oauth::resource_tools::ListedTool;
use serde::{Serialize, Serializer};

use super::{HOSTILE, LONG_NAME, Page, long_url};

/// What the page shows. It POSTs `transaction`, `csrf_token`, `decision` (`allow` or `deny`) and, for each box that is ticked, `scope`
/// to `/consent`; its *Switch account* button POSTs `transaction` and `csrf_token` to `/logout`.
#[derive(Clone, Serialize)]
pub struct ConsentPage {
    /// The pending authorization to decide on.
    pub transaction: String,
    /// Ties both forms to the browser session.
    pub csrf_token: String,
    /// What the client calls itself.
    pub client_name: Option<String>,
    /// Whose word that is.
    pub voucher: Voucher,
    /// Where the answer goes.
    pub destination: Destination,
    /// The username signed in.
    pub account: String,
    /// The MCP server, as the operator calls it.
    pub resource_name: String,
    /// Its URL.
    pub resource_url: String,
    /// What the client will be able to do.
    pub scopes: Vec<AskedScope>,
    /// How that compares with what it may do already; `None`: it may do nothing yet.
    pub step_up: Option<StepUp>,
    /// Every box was unticked, and the page asks again.
    pub nothing_ticked: bool,
    /// How long until it has to ask again.
    pub lifetime: Lasting,
    /// For how long it need not ask again for the same.
    pub remembered: Option<Lasting>,
    /// How long one access token lasts, when the client gets new ones without asking.
    pub renewal: Option<Lasting>,
}

/// Whose word the name of a client is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Voucher {
    /// The operator's, who set it up.
    Operator,
    /// That of the host of its `client_id`, whose document describes it: nobody else can use that host's name.
    Host {
        /// The host.
        host: String,
    },
    /// Its own: it registered itself.
    Nobody,
}

/// A scope that is asked for, with its box.
#[derive(Clone, Serialize)]
pub struct AskedScope {
    /// Its name on the wire.
    pub name: String,
    /// What it allows, in the operator's words.
    pub title: String,
    /// What it includes besides, in the same words.
    pub includes: Vec<String>,
    /// Tools that it opens, as far as they are known.
    pub tools: ShownTools,
    /// Whether it can be left out.
    pub choice: Choice,
    /// Whether its box is ticked.
    pub ticked: bool,
    /// Whether the client has it already.
    pub had: bool,
}

/// The tools behind one scope: those that matter most, and how many more there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ShownTools {
    /// What can destroy something comes first, what only reads comes last.
    pub first: Vec<ShownTool>,
    /// How many are left out.
    pub more: usize,
}

/// One tool, as its MCP server describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownTool {
    /// Its title, or its name.
    pub name: String,
    /// It only reads.
    pub read_only: bool,
    /// It can destroy something.
    pub destructive: bool,
}

impl ShownTool {
    /// How many are read by anybody.
    const MOST: usize = 12;

    /// Of all these, the first.
    pub fn first_of<'t>(tools: impl Iterator<Item = &'t ListedTool>) -> ShownTools {
        let shown = |tool: &ListedTool| Self {
            name: tool.shown().to_owned(),
            read_only: tool.read_only,
            destructive: tool.destructive,
        };
        let mut first: Vec<Self> = tools.map(shown).collect();
        first.sort_by(|one, other| {
            let rank = |tool: &Self| (!tool.destructive, tool.read_only);
            (rank(one), &one.name).cmp(&(rank(other), &other.name))
        });
        let more = first.len().saturating_sub(Self::MOST);
        first.truncate(Self::MOST);
        ShownTools { first, more }
    }
}

/// What somebody is asked for who allowed this client something before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepUp {
    /// Nothing of it did the client have before.
    AllNew,
    /// Some of it.
    SomeNew,
    /// All of it: it asks again.
    NothingNew,
}

/// Whether somebody who consents can leave a scope out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// They can.
    Free,
    /// The operator says that it is needed.
    Required,
    /// It is all that was asked for: whoever does not want it denies.
    Only,
}

/// One scope, for people and for experts.
#[derive(Clone, Serialize)]
pub struct ScopeLine {
    /// Its name on the wire.
    pub name: String,
    /// What it allows, in the operator's words.
    pub title: String,
}

/// Where the answer goes: the one thing about an unknown client that is certain.
#[derive(Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Destination {
    /// A web server.
    Website {
        /// Its host.
        host: String,
    },
    /// A loopback address (RFC 8252 §7.3): whichever program listens there.
    ThisComputer {
        /// The loopback host.
        host: String,
        /// Its port.
        port: u16,
    },
    /// A private-use scheme (RFC 8252 §7.1): whichever program claimed it.
    Program {
        /// The scheme.
        scheme: String,
    },
    /// Whatever asks with the device code (RFC 8628 §3.4), wherever it is.
    Device {
        /// What it shows, to be compared.
        user_code: String,
    },
}

impl From<&AnswerTo> for Destination {
    fn from(answer_to: &AnswerTo) -> Self {
        match answer_to {
            AnswerTo::Client(answer) => Self::from(&answer.redirect_uri),
            AnswerTo::Device(answer) => Self::Device { user_code: answer.user_code.to_string() },
        }
    }
}

impl From<&RedirectTarget> for Destination {
    fn from(target: &RedirectTarget) -> Self {
        let host = target.host_for_display();
        match (target.loopback_port(), host.strip_suffix(':')) {
            (Some(port), _) => Self::ThisComputer { host, port },
            (None, Some(scheme)) => Self::Program { scheme: scheme.to_owned() },
            (None, None) => Self::Website { host },
        }
    }
}

/// A time in words, as 90 days, 12 hours, 5 minutes: the largest unit that leaves a number above one, rounded up, since it says
/// "up to".
#[derive(Debug, Clone, Copy)]
pub struct Lasting(pub Duration);

#[derive(Serialize)]
struct InWords {
    count: u64,
    unit: &'static str,
}

impl Serialize for Lasting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let seconds = self.0.as_secs();
        let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
        let largest = units.into_iter().find(|(length, _)| seconds >= 2 * length);
        let (length, unit) = largest.unwrap_or((1, "seconds"));
        InWords { count: seconds.div_ceil(length), unit }.serialize(serializer)
    }
}

impl Page for ConsentPage {
    const TEMPLATE: &'static str = "consent.html";
    const FIELDS: &'static [&'static str] = &["transaction", "csrf_token", "decision", "scope"];

    fn samples() -> Vec<Self> {
        let scope = |name: &str, title: &str| AskedScope {
            name: name.to_owned(),
            title: title.to_owned(),
            includes: Vec::new(),
            tools: ShownTools::default(),
            choice: Choice::Free,
            ticked: true,
            had: false,
        };
        let only = |name: &str, title: &str| AskedScope { choice: Choice::Only, ..scope(name, title) };
        let host = |host: &str| Voucher::Host { host: host.to_owned() };
        let website = |host: &str| Destination::Website { host: host.to_owned() };
        let local = |host: &str| Destination::ThisComputer { host: host.to_owned(), port: 53280 };
        let days = |days: u64| Lasting(Duration::from_secs(days * 86_400));
        let web = Self {
            transaction: "gatelodge_txn_sample".to_owned(),
            csrf_token: "sample".to_owned(),
            client_name: Some("Claude".to_owned()),
            voucher: Voucher::Nobody,
            destination: website("claude.ai"),
            account: "nora".to_owned(),
            resource_name: "Acme MCP".to_owned(),
            resource_url: "https://mcp.example.com/mcp".to_owned(),
            scopes: vec![only("mcp:use", "Use the tools of this server")],
            step_up: None,
            nothing_ticked: false,
            lifetime: days(90),
            remembered: None,
            renewal: Some(Lasting(Duration::from_secs(3_600))),
        };
        let many_scopes = vec![
            scope("tickets:read", "Read tickets and their history"),
            scope("tickets:write", "Create and change tickets"),
            scope("tickets:delete", "Delete tickets for ever"),
        ];
        let several_kinds = vec![
            AskedScope { choice: Choice::Required, ..scope("mcp:use", "Use the tools of this server") },
            AskedScope {
                includes: vec!["Read tickets and their history".to_owned(), "Search".to_owned()],
                ..scope("tickets:write", "Create and change tickets")
            },
            scope("tickets:delete", "Delete tickets for ever"),
        ];
        let tool = |name: &str, read_only: bool, destructive: bool| ShownTool {
            name: name.to_owned(),
            read_only,
            destructive,
        };
        let with_tools = vec![
            AskedScope {
                tools: ShownTools { first: vec![tool("Search tickets", true, false)], more: 0 },
                ..scope("tickets:read", "Read tickets and their history")
            },
            AskedScope {
                tools: ShownTools {
                    first: vec![tool("Delete a ticket", false, true), tool("create_ticket", false, false)],
                    more: 17,
                },
                ..scope("tickets:write", "Create and change tickets")
            },
        ];
        let had_but_first = |(index, scope): (usize, AskedScope)| AskedScope { had: index > 0, ..scope };
        vec![
            web.clone(),
            Self { client_name: Some("Claude Code".to_owned()), destination: local("localhost"), ..web.clone() },
            Self { destination: local("[::1]"), scopes: many_scopes.clone(), ..web.clone() },
            Self {
                client_name: Some("Acme Desk".to_owned()),
                voucher: Voucher::Operator,
                scopes: several_kinds.clone(),
                lifetime: days(1),
                remembered: Some(days(30)),
                renewal: None,
                ..web.clone()
            },
            Self { voucher: host("claude.ai"), ..web.clone() },
            Self {
                client_name: Some("Claude Code".to_owned()),
                voucher: host("claude.ai"),
                destination: local("localhost"),
                ..web.clone()
            },
            Self { voucher: host(&format!("{}.example", "a".repeat(63))), ..web.clone() },
            Self {
                client_name: Some("Cursor".to_owned()),
                destination: Destination::Program { scheme: "cursor".to_owned() },
                ..web.clone()
            },
            Self {
                client_name: Some("Acme Robot".to_owned()),
                destination: Destination::Device { user_code: "BCDF-GHJK".to_owned() },
                ..web.clone()
            },
            Self {
                client_name: None,
                scopes: many_scopes.into_iter().map(|scope| AskedScope { ticked: false, ..scope }).collect(),
                nothing_ticked: true,
                lifetime: Lasting(Duration::from_secs(1)),
                renewal: None,
                ..web.clone()
            },
            Self {
                client_name: Some(LONG_NAME.to_owned()),
                destination: website(&format!("{}.example", "a".repeat(63))),
                account: LONG_NAME.to_owned(),
                resource_name: LONG_NAME.to_owned(),
                resource_url: long_url(),
                scopes: vec![
                    AskedScope {
                        includes: vec![LONG_NAME.to_owned(); 3],
                        tools: ShownTools { first: vec![tool(LONG_NAME, false, true); 3], more: 188 },
                        ..scope(LONG_NAME, LONG_NAME)
                    },
                    AskedScope { choice: Choice::Required, ..scope("x", LONG_NAME) },
                ],
                ..web.clone()
            },
            Self {
                transaction: HOSTILE.to_owned(),
                csrf_token: HOSTILE.to_owned(),
                client_name: Some(HOSTILE.to_owned()),
                destination: local(HOSTILE),
                account: HOSTILE.to_owned(),
                resource_name: HOSTILE.to_owned(),
                resource_url: HOSTILE.to_owned(),
                voucher: host(HOSTILE),
                scopes: vec![AskedScope {
                    includes: vec![HOSTILE.to_owned()],
                    tools: ShownTools { first: vec![tool(HOSTILE, false, true)], more: 1 },
                    ..scope(HOSTILE, HOSTILE)
                }],
                ..web.clone()
            },
            Self {
                step_up: Some(StepUp::SomeNew),
                scopes: several_kinds.iter().rev().cloned().enumerate().map(had_but_first).collect(),
                ..web.clone()
            },
            Self {
                step_up: Some(StepUp::NothingNew),
                scopes: vec![AskedScope { had: true, ..only("mcp:use", "Use the tools of this server") }],
                ..web.clone()
            },
            Self { step_up: Some(StepUp::AllNew), scopes: several_kinds.clone(), ..web.clone() },
            Self { scopes: with_tools, ..web.clone() },
            Self {
                client_name: Some("\u{5d0}\u{5d1}\u{5d2} (1)".to_owned()),
                destination: website("xn--4dbcagdahymbxekheh6e0a7fei0b.example"),
                ..web
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_reads_like_speech_and_never_promises_less() {
        for (seconds, (count, unit)) in [
            (90 * 86_400, (90, "days")),
            (86_400, (24, "hours")),
            (2 * 86_400 + 1, (3, "days")),
            (7_200, (2, "hours")),
            (3_600, (60, "minutes")),
            (119, (119, "seconds")),
        ] {
            let page =
                ConsentPage { lifetime: Lasting(Duration::from_secs(seconds)), ..ConsentPage::samples().remove(0) };
            let words = serde_json::json!({ "count": count, "unit": unit });
            assert_eq!(serde_json::to_value(&page).expect("serializable")["lifetime"], words);
        }
    }

    #[test]
    fn the_destination_is_read_from_the_redirect_target() {
        let kind = |uri: &str| {
            let target: RedirectTarget = serde_json::from_value(uri.into()).expect("a target");
            serde_json::to_value(Destination::from(&target)).expect("serializable")
        };
        assert_eq!(kind("https://claude.ai/cb"), serde_json::json!({"kind": "website", "host": "claude.ai"}));
        assert_eq!(
            kind("http://[::1]:4000/cb"),
            serde_json::json!({"kind": "this_computer", "host": "[::1]", "port": 4000})
        );
        assert_eq!(
            kind("http://localhost:33418/"),
            serde_json::json!({"kind": "this_computer", "host": "localhost", "port": 33418})
        );
        assert_eq!(
            kind("https://127.0.0.1:4443/cb"),
            serde_json::json!({"kind": "this_computer", "host": "127.0.0.1", "port": 4443})
        );
        assert_eq!(
            kind("cursor://anysphere.cursor-mcp/cb"),
            serde_json::json!({"kind": "program", "scheme": "cursor"})
        );
    }
}
