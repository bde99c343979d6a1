//! `administration_grants.html`: what people allowed, all of them or one; and what one of them looks like on every page.

use serde::Serialize;

use super::{Frame, HOSTILE, LONG_NAME, ScopeLine, at, frame, hostile_frame};
use crate::pages::{Moment, Page, Use};

/// What the page shows. It POSTs `csrf_token`, `grant` and `back` to `/grants`.
#[derive(Clone, Serialize)]
pub struct GrantsPage {
    /// What every page shows.
    pub frame: Frame,
    /// Whose they are.
    pub filter: GrantFilter,
    /// The newest first.
    pub grants: Vec<GrantEntry>,
    /// The query of the next page.
    pub next: Option<String>,
}

/// Which of them are shown.
#[derive(Clone, Default, Serialize)]
pub struct GrantFilter {
    /// Of somebody of this name.
    pub user: Option<String>,
    /// Of this client.
    pub client: Option<String>,
    /// Nobody is called so.
    pub is_unknown: bool,
}

/// Something that was allowed and still holds.
#[derive(Clone, Serialize)]
pub struct GrantEntry {
    /// Its identifier.
    pub id: String,
    /// Who allowed it; nobody: a machine that acts for itself.
    pub user: Option<Whose>,
    /// The client.
    pub client_id: String,
    /// The query of its page.
    pub client_query: String,
    /// What it calls itself.
    pub client_name: Option<String>,
    /// The host that describes it.
    pub host: Option<String>,
    /// Nobody vouches for its name.
    pub unverified: bool,
    /// It is a personal token, which its owner calls so.
    pub token: Option<String>,
    /// The MCP server, as the operator calls it.
    pub resource_name: String,
    /// What may be done.
    pub scopes: Vec<ScopeLine>,
    /// When it was allowed.
    pub created: Moment,
    /// When a token was last issued or seen here, and from where.
    pub last_used: Option<Use>,
    /// When it ends by itself.
    pub expires: Moment,
}

/// A person.
#[derive(Clone, Serialize)]
pub struct Whose {
    /// The query of their page.
    pub query: String,
    /// Their name.
    pub name: String,
}

/// For samples: an app that is known, one that is not, and a token, all with this text in every value of a stranger.
pub(super) fn sample_grants(text: Option<&str>) -> Vec<GrantEntry> {
    let or = |plain: &str| text.unwrap_or(plain).to_owned();
    let app = GrantEntry {
        id: or("grant_1"),
        user: Some(Whose { query: or("id=user_1"), name: or("nora") }),
        client_id: or("https://claude.ai/oauth/metadata"),
        client_query: or("id=https%3A%2F%2Fclaude.ai%2Foauth%2Fmetadata"),
        client_name: Some(or("Claude")),
        host: Some(or("claude.ai")),
        unverified: false,
        token: None,
        resource_name: or("Acme MCP"),
        scopes: vec![ScopeLine { name: or("mcp:use"), title: or("Use the tools of this server") }],
        created: at(0),
        last_used: Some(Use { time: at(30), source: Some(or("198.51.100.0/24")) }),
        expires: at(24 * 90),
    };
    let unknown = GrantEntry {
        client_id: or("client_5f0c3a9e71d2"),
        client_name: None,
        host: None,
        unverified: true,
        last_used: None,
        ..app.clone()
    };
    let machine =
        GrantEntry { user: None, unverified: false, client_name: Some(or("Nightly build")), ..unknown.clone() };
    let token = GrantEntry { token: Some(or("laptop")), ..unknown.clone() };
    vec![app, unknown, machine, token]
}

impl Page for GrantsPage {
    const TEMPLATE: &'static str = "administration_grants.html";

    fn samples() -> Vec<Self> {
        let plain =
            Self { frame: frame("grants"), filter: GrantFilter::default(), grants: sample_grants(None), next: None };
        let with = |text: &str, frame| Self {
            frame,
            filter: GrantFilter { user: Some(text.to_owned()), client: Some(text.to_owned()), is_unknown: false },
            grants: sample_grants(Some(text)),
            next: Some(text.to_owned()),
        };
        let unknown = GrantFilter { user: Some("nobody".to_owned()), client: None, is_unknown: true };
        vec![
            plain.clone(),
            Self { grants: Vec::new(), ..plain.clone() },
            Self { filter: unknown, grants: Vec::new(), ..plain },
            with(LONG_NAME, frame("grants")),
            with(HOSTILE, hostile_frame("grants")),
        ]
    }
}
