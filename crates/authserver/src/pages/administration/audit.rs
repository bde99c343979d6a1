//! `administration_audit.html`: the audit trail, with all that is kept of each event.

use serde::Serialize;

use super::{Frame, HOSTILE, LONG_NAME, Whose, at, frame, hostile_frame};
use crate::pages::{Moment, Page};

/// What the page shows.
#[derive(Clone, Serialize)]
pub struct AuditPage {
    /// What every page shows.
    pub frame: Frame,
    /// Which events.
    pub filter: AuditFilter,
    /// What can have happened.
    pub kinds: Vec<Kind>,
    /// The newest first.
    pub events: Vec<AuditLine>,
    /// The query of the next page.
    pub next: Option<String>,
}

/// Which events are shown, as it was typed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AuditFilter {
    /// Of somebody who is called so.
    pub user: String,
    /// Of this client.
    pub client: String,
    /// Changes by whoever is called so, or by command.
    pub by: String,
    /// Of this kind.
    pub outcome: String,
    /// From this time on, in UTC.
    pub since: String,
    /// Before this one.
    pub until: String,
    /// Of this request.
    pub request: String,
    /// Nobody is called so.
    pub is_unknown: bool,
}

/// What can have happened, by the name that `gatelodge audit` has for it.
#[derive(Clone, Serialize)]
pub struct Kind {
    /// The name.
    pub name: &'static str,
    /// It is the one that is asked for.
    pub chosen: bool,
}

/// An event.
#[derive(Clone, Serialize)]
pub struct AuditLine {
    /// Its own name.
    pub id: String,
    /// When.
    pub time: Moment,
    /// What happened.
    pub outcome: String,
    /// To whom, or on whose behalf.
    pub user: Option<Whose>,
    /// The same of somebody who is no user here: a machine, an API key, or somebody who is gone.
    pub subject: Option<String>,
    /// By which client.
    pub client: Option<String>,
    /// What was asked for.
    pub what: Option<String>,
    /// All that is kept.
    pub facts: Vec<Fact>,
}

/// A part of an event.
#[derive(Clone, Serialize)]
pub struct Fact {
    /// Its name in the export.
    pub name: &'static str,
    /// What it says.
    pub value: String,
}

impl Page for AuditPage {
    const TEMPLATE: &'static str = "administration_audit.html";

    fn samples() -> Vec<Self> {
        let kind = |name, chosen| Kind { name, chosen };
        let plain = Self {
            frame: frame("audit"),
            filter: AuditFilter::default(),
            kinds: vec![kind("forwarded", false), kind("signed_in", false)],
            events: Vec::new(),
            next: None,
        };
        let events = |text: Option<&str>| {
            let or = |plain: &str| text.unwrap_or(plain).to_owned();
            let fact = |name, value: &str| Fact { name, value: or(value) };
            let called = AuditLine {
                id: or("sc-01-sample"),
                time: at(30),
                outcome: or("forwarded"),
                user: Some(Whose { query: or("id=user_1"), name: or("nora") }),
                subject: None,
                client: Some(or("https://claude.ai/oauth/metadata")),
                what: Some(or("search_tickets")),
                facts: vec![fact("request_id", "5f0c3a9e71d2"), fact("mcp_name", "search_tickets")],
            };
            let machine = AuditLine { user: None, subject: Some(or("nightly-build")), ..called.clone() };
            let nobody = AuditLine { user: None, client: None, what: None, ..called.clone() };
            vec![called, machine, nobody]
        };
        let filter = |text: &str| AuditFilter {
            user: text.to_owned(),
            client: text.to_owned(),
            by: text.to_owned(),
            outcome: "signed_in".to_owned(),
            since: text.to_owned(),
            until: text.to_owned(),
            request: text.to_owned(),
            is_unknown: false,
        };
        let with = |text: &str, frame| Self {
            frame,
            filter: filter(text),
            events: events(Some(text)),
            next: Some(text.to_owned()),
            ..plain.clone()
        };
        let unknown = AuditFilter { user: "nobody".to_owned(), is_unknown: true, ..AuditFilter::default() };
        vec![
            plain.clone(),
            Self {
                filter: AuditFilter { since: "2026-11-18 10:00".to_owned(), ..AuditFilter::default() },
                kinds: vec![kind("forwarded", true), kind("signed_in", false)],
                events: events(None),
                next: Some("after=sc-01-sample".to_owned()),
                ..plain.clone()
            },
            Self { filter: unknown, ..plain.clone() },
            with(LONG_NAME, frame("audit")),
            with(HOSTILE, hostile_frame("audit")),
        ]
    }
}
