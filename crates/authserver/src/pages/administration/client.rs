//! `administration_client.html`: one client, and what an administrator can do about it.

use serde::Serialize;

use super::clients::{ClientUse, KINDS};
use super::{Frame, HOSTILE, LONG_NAME, at, frame, hostile_frame};
use crate::pages::{Moment, Page};

/// What the page shows. It POSTs `csrf_token`, `id` and `do` to `/client`, with `confirm` for what ends the client.
#[derive(Clone, Serialize)]
pub struct ClientPage {
    /// What every page shows.
    pub frame: Frame,
    /// Its identifier.
    pub id: String,
    /// What it calls itself.
    pub name: Option<String>,
    /// How it came here; its text is `administration-kind-<kind>`.
    pub kind: &'static str,
    /// It stands in the configuration.
    pub in_configuration: bool,
    /// The configuration does not let it in any more.
    pub is_refused: bool,
    /// Whoever takes it out has it back with the next sign-in.
    pub comes_back: bool,
    /// The host that describes it.
    pub host: Option<String>,
    /// Its page for people, as it says.
    pub client_uri: Option<String>,
    /// When it came here, or its document was read.
    pub created: Option<Moment>,
    /// Where its answers go.
    pub redirect_uris: Vec<String>,
    /// What it may use at the token endpoint.
    pub grant_types: Vec<&'static str>,
    /// How it proves itself.
    pub auth_methods: Vec<&'static str>,
    /// Where its keys are; empty: here.
    pub has_keys: Option<String>,
    /// The most it may be granted.
    pub scope: Option<String>,
    /// What it may ask for; empty: everything.
    pub resources: Vec<String>,
    /// It may ask about tokens.
    pub may_introspect: bool,
    /// What it is allowed.
    pub usage: ClientUse,
    /// The query of the page that shows that.
    pub query: String,
    /// What can be done about it.
    pub actions: Vec<ClientAction>,
    /// The box was not ticked.
    pub is_unconfirmed: bool,
}

/// What an administrator can do about a client. Its name is the value of `do`; its text is `administration-client-<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAction {
    /// End whatever it was allowed.
    RevokeAll,
    /// Take it out.
    Remove,
}

impl ClientAction {
    /// Everything.
    pub const ALL: [Self; 2] = [Self::RevokeAll, Self::Remove];

    /// By its name in the form.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RevokeAll => "revoke_all",
            Self::Remove => "remove",
        }
    }
}

impl Page for ClientPage {
    const TEMPLATE: &'static str = "administration_client.html";

    fn samples() -> Vec<Self> {
        let registered = Self {
            frame: frame("clients"),
            id: "client_5f0c3a9e71d2".to_owned(),
            name: None,
            kind: KINDS[2],
            in_configuration: false,
            is_refused: false,
            comes_back: false,
            host: None,
            client_uri: None,
            created: Some(at(0)),
            redirect_uris: vec!["http://127.0.0.1/callback".to_owned(), "cursor://anysphere/callback".to_owned()],
            grant_types: vec!["authorization_code", "refresh_token"],
            auth_methods: vec!["none"],
            has_keys: None,
            scope: None,
            resources: Vec::new(),
            may_introspect: false,
            usage: ClientUse { grants: 0, or_more: false, last_used: None },
            query: "client=client_5f0c3a9e71d2".to_owned(),
            actions: vec![ClientAction::Remove],
            is_unconfirmed: false,
        };
        let described = Self {
            id: "https://claude.ai/oauth/metadata".to_owned(),
            name: Some("Claude".to_owned()),
            kind: KINDS[1],
            is_refused: true,
            comes_back: true,
            host: Some("claude.ai".to_owned()),
            client_uri: Some("https://claude.ai".to_owned()),
            has_keys: Some("https://claude.ai/jwks".to_owned()),
            auth_methods: vec!["private_key_jwt"],
            usage: ClientUse { grants: 100, or_more: true, last_used: Some(at(30)) },
            actions: ClientAction::ALL.into(),
            ..registered.clone()
        };
        let configured = Self {
            name: Some("Company Wiki".to_owned()),
            kind: KINDS[0],
            in_configuration: true,
            created: None,
            auth_methods: vec!["client_secret_basic", "client_secret_post"],
            has_keys: Some(String::new()),
            scope: Some("mcp:use".to_owned()),
            resources: vec!["Acme MCP".to_owned()],
            may_introspect: true,
            usage: ClientUse { grants: 1, or_more: false, last_used: None },
            actions: vec![ClientAction::RevokeAll],
            ..registered.clone()
        };
        let with = |text: &str, frame| Self {
            frame,
            id: text.to_owned(),
            name: Some(text.to_owned()),
            host: Some(text.to_owned()),
            client_uri: Some(text.to_owned()),
            redirect_uris: vec![text.to_owned()],
            has_keys: Some(text.to_owned()),
            query: text.to_owned(),
            ..described.clone()
        };
        vec![
            registered.clone(),
            described.clone(),
            configured,
            Self { is_unconfirmed: true, ..registered.clone() },
            with(LONG_NAME, frame("clients")),
            with(HOSTILE, hostile_frame("clients")),
        ]
    }
}
