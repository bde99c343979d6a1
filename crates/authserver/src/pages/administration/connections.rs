//! `administration_connections.html`: how far each attempt of a client to connect came; `administration_connection.html`: one of them,
//! step by step. What it means is told in English, as `gatelodge connections` tells it.

use serde::Serialize;

use super::{Frame, HOSTILE, LONG_NAME, at, frame, hostile_frame};
use crate::flight_recorder::Step;
use crate::flight_recorder::diagnosis::State;
use crate::pages::{Moment, Page};

/// What the page shows.
#[derive(Clone, Serialize)]
pub struct ConnectionsPage {
    /// What every page shows.
    pub frame: Frame,
    /// Which attempts.
    pub filter: ConnectionFilter,
    /// How they can stand.
    pub states: Vec<StateChoice>,
    /// The newest first.
    pub attempts: Vec<AttemptHead>,
    /// The query of the next page.
    pub next: Option<String>,
}

/// Which attempts are shown.
#[derive(Clone, Default, Serialize)]
pub struct ConnectionFilter {
    /// Of somebody who is called so.
    pub user: String,
    /// Of this client.
    pub client: String,
    /// Also those who only read the metadata.
    pub readers: bool,
    /// Nobody is called so.
    pub is_unknown: bool,
}

/// How attempts can stand. Its text is `connection-state-<name>`.
#[derive(Clone, Serialize)]
pub struct StateChoice {
    /// Its name.
    pub name: &'static str,
    /// It is the one that is asked for.
    pub chosen: bool,
}

impl StateChoice {
    /// With what is asked for.
    pub fn new(state: State, asked: Option<State>) -> Self {
        Self { name: state.as_str(), chosen: asked == Some(state) }
    }
}

/// An attempt in a few words.
#[derive(Clone, Serialize)]
pub struct AttemptHead {
    /// The query of its page.
    pub query: String,
    /// Its name.
    pub id: String,
    /// How it stands: its text is `connection-state-<state>`.
    pub state: &'static str,
    /// In English, where it stopped.
    pub summary: String,
    /// When it began.
    pub began: Option<Moment>,
    /// From which network.
    pub source: Option<String>,
    /// What the client calls itself.
    pub client_name: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// For whom.
    pub user: Option<String>,
}

/// What the page of one shows.
#[derive(Clone, Serialize)]
pub struct ConnectionPage {
    /// What every page shows.
    pub frame: Frame,
    /// In a few words.
    pub head: AttemptHead,
    /// The MCP server that it is for.
    pub resource: Option<String>,
    /// The first one first.
    pub moments: Vec<TimelineMoment>,
    /// In English, what is likely behind it.
    pub cause: String,
    /// In English, what to do.
    pub advice: String,
}

/// A step. Its text is `connection-step-<what>`.
#[derive(Clone, Serialize)]
pub struct TimelineMoment {
    /// What happened.
    pub what: &'static str,
    /// When.
    pub time: Moment,
    /// What else is known.
    pub detail: Option<String>,
    /// From which network.
    pub source: Option<String>,
}

fn head(state: State, text: Option<&str>) -> AttemptHead {
    let or = |plain: &str| text.unwrap_or(plain).to_owned();
    AttemptHead {
        query: or("id=5f0c3a9e71d2"),
        id: or("5f0c3a9e71d2"),
        state: state.as_str(),
        summary: or("token issued, never came back"),
        began: Some(at(30)),
        source: Some(or("198.51.100.0/24")),
        client_name: Some(or("Claude")),
        client_id: Some(or("https://claude.ai/oauth/metadata")),
        user: Some(or("nora")),
    }
}

impl Page for ConnectionsPage {
    const TEMPLATE: &'static str = "administration_connections.html";

    fn samples() -> Vec<Self> {
        let states = |asked| State::ALL.map(|state| StateChoice::new(state, asked)).into();
        let plain = Self {
            frame: frame("connections"),
            filter: ConnectionFilter::default(),
            states: states(None),
            attempts: Vec::new(),
            next: None,
        };
        let nobody = AttemptHead { client_name: None, user: None, source: None, ..head(State::Waiting, None) };
        let all: Vec<AttemptHead> = State::ALL.map(|state| head(state, None)).into();
        let with = |text: &str, frame| Self {
            frame,
            filter: ConnectionFilter {
                user: text.to_owned(),
                client: text.to_owned(),
                readers: true,
                is_unknown: false,
            },
            attempts: vec![head(State::Stopped, Some(text))],
            next: Some(text.to_owned()),
            ..plain.clone()
        };
        let unknown = ConnectionFilter { user: "nobody".to_owned(), is_unknown: true, ..ConnectionFilter::default() };
        vec![
            plain.clone(),
            Self {
                states: states(Some(State::Stopped)),
                attempts: all.into_iter().chain([nobody.clone(), AttemptHead { client_id: None, ..nobody }]).collect(),
                next: Some("state=stopped&after=as-1".to_owned()),
                ..plain.clone()
            },
            Self { filter: unknown, ..plain.clone() },
            with(LONG_NAME, frame("connections")),
            with(HOSTILE, hostile_frame("connections")),
        ]
    }
}

impl Page for ConnectionPage {
    const TEMPLATE: &'static str = "administration_connection.html";

    fn samples() -> Vec<Self> {
        let moment = |what, detail: Option<&str>, hours| TimelineMoment {
            what,
            time: at(hours),
            detail: detail.map(str::to_owned),
            source: Some("198.51.100.0/24".to_owned()),
        };
        let steps = Step::ALL.into_iter().zip(0..).map(|(step, hours)| moment(step.as_str(), None, hours));
        let around = [moment("challenged", None, 0), moment("first_call", Some("tools/call find 200"), 20)];
        let plain = Self {
            frame: frame("connections"),
            head: head(State::Stopped, None),
            resource: Some("https://mcp.example.com/mcp".to_owned()),
            moments: steps.chain(around).chain([moment("call_refused", Some("403"), 21)]).collect(),
            cause: "The client has its token, and no call with it reached the sidecar.".to_owned(),
            advice: "Look at your CDN, firewall or proxy.".to_owned(),
        };
        let with = |text: &str, frame| Self {
            frame,
            head: head(State::Unknown, Some(text)),
            resource: Some(text.to_owned()),
            moments: vec![TimelineMoment { source: Some(text.to_owned()), ..moment("asked", Some(text), 0) }],
            cause: text.to_owned(),
            advice: text.to_owned(),
        };
        let nobody = AttemptHead { client_name: None, client_id: None, user: None, ..head(State::Waiting, None) };
        vec![
            plain.clone(),
            Self { head: nobody, resource: None, ..plain.clone() },
            with(LONG_NAME, frame("connections")),
            with(HOSTILE, hostile_frame("connections")),
        ]
    }
}
