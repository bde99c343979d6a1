//! `administration_clients.html`: the clients that are known here.

use serde::Serialize;

use super::{Frame, HOSTILE, LONG_NAME, at, frame, hostile_frame};
use crate::pages::{Moment, Page};

/// What the page shows.
#[derive(Clone, Serialize)]
pub struct ClientsPage {
    /// What every page shows.
    pub frame: Frame,
    /// How a client can have come here; the text of each is `administration-kind-<kind>`.
    pub kinds: Vec<&'static str>,
    /// Which of these is looked at alone.
    pub kind: Option<&'static str>,
    /// What was looked for.
    pub search: String,
    /// Those of the configuration, then the others by identifier.
    pub clients: Vec<ClientLine>,
    /// The query of the next page.
    pub next: Option<String>,
}

/// A client.
#[derive(Clone, Serialize)]
pub struct ClientLine {
    /// The query of its page.
    pub query: String,
    /// Its identifier.
    pub id: String,
    /// What it calls itself.
    pub name: Option<String>,
    /// How it came here.
    pub kind: &'static str,
    /// It stands in the configuration.
    pub in_configuration: bool,
    /// Where its answers go, in short.
    pub places: Vec<String>,
    /// When it came here.
    pub created: Option<Moment>,
    /// Nobody ever allowed it anything.
    pub is_unused: bool,
    /// What it is allowed.
    pub usage: ClientUse,
}

/// What the newest grants of a client say.
#[derive(Clone, Serialize)]
pub struct ClientUse {
    /// How many hold.
    pub grants: usize,
    /// There may be more than that.
    pub or_more: bool,
    /// When one of them was last used.
    pub last_used: Option<Moment>,
}

/// For samples.
pub(super) const KINDS: [&str; 3] = ["configured", "metadata_document", "dynamic"];

impl Page for ClientsPage {
    const TEMPLATE: &'static str = "administration_clients.html";

    fn samples() -> Vec<Self> {
        let of = |text: Option<&str>, kind, in_configuration, grants| ClientLine {
            query: text.unwrap_or("id=client_1").to_owned(),
            id: text.unwrap_or("client_5f0c3a9e71d2").to_owned(),
            name: text.map(str::to_owned),
            kind,
            in_configuration,
            places: vec![text.unwrap_or("wiki.example.com").to_owned(), "cursor:".to_owned()],
            created: (!in_configuration).then(|| at(0)),
            is_unused: grants == 0,
            usage: ClientUse { grants, or_more: grants == 100, last_used: (grants > 1).then(|| at(30)) },
        };
        let all = |text: Option<&str>| {
            vec![
                of(text, "configured", true, 3),
                of(text, "configured", false, 0),
                of(text, "metadata_document", false, 100),
                of(text, "dynamic", false, 1),
            ]
        };
        let plain = Self {
            frame: frame("clients"),
            kinds: KINDS.into(),
            kind: None,
            search: String::new(),
            clients: Vec::new(),
            next: None,
        };
        let with = |text: &str, frame| Self {
            frame,
            kind: Some("dynamic"),
            search: text.to_owned(),
            clients: all(Some(text)),
            next: Some(text.to_owned()),
            ..plain.clone()
        };
        vec![
            Self { clients: all(None), ..plain.clone() },
            plain.clone(),
            with(LONG_NAME, frame("clients")),
            with(HOSTILE, hostile_frame("clients")),
        ]
    }
}
