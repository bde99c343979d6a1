//! `account.html`: what a person allowed and where they are signed in; `password.html`: another password. Shown and answered by
//! `endpoints/account.rs` and `endpoints/password.rs`.

use actix_web::http::StatusCode;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::grants::LastUse;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{HOSTILE, LONG_NAME, Page, ScopeLine, ShownTool, ShownTools, Wait};

/// A personal token of this name, for samples.
pub(super) fn sample_token(name: &str) -> PersonalToken {
    let at = |hours: i64| Moment::from(Timestamp::from_unix(1_795_000_000 + hours * 3_600));
    let title = "Use the tools of this server";
    PersonalToken {
        grant: "grant_3".to_owned(),
        name: name.to_owned(),
        resource_name: "Acme MCP".to_owned(),
        scopes: vec![ScopeLine { name: "mcp:use".to_owned(), title: title.to_owned() }],
        created: at(1),
        last_used: None,
        expires: at(24 * 90),
    }
}

/// What the page shows. It POSTs `csrf_token`, `end` and `id` to `/account`.
#[derive(Clone, Serialize)]
pub struct AccountPage {
    /// Ties the forms to the browser session.
    pub csrf_token: String,
    /// Who is signed in.
    pub account: String,
    /// Where messages to them go, which the operator alone can change.
    pub email: Option<String>,
    /// This server sends messages.
    pub is_written_to: bool,
    /// They have a password, which they may change.
    pub has_password: bool,
    /// And may change it: people sign in with passwords here.
    pub may_change_password: bool,
    /// What their sign-in asks for besides.
    pub second_factor: SecondFactorLine,
    /// What may act for them.
    pub apps: Vec<ConnectedApp>,
    /// What was made for them, by themselves or the operator.
    pub tokens: Vec<PersonalToken>,
    /// They may make more.
    pub may_make_tokens: bool,
    /// They may delete the account.
    pub may_delete: bool,
    /// Where they are signed in.
    pub sessions: Vec<SignedInBrowser>,
}

/// What stands on the page of the second step.
#[derive(Clone, Serialize)]
pub struct SecondFactorLine {
    /// Since when there is an authenticator app.
    pub app_since: Option<Moment>,
    /// How many recovery codes are left.
    pub codes_left: i64,
    /// How many passkeys there are; none: they may have none.
    pub passkeys: Option<usize>,
}

/// A client with a grant.
#[derive(Clone, Serialize)]
pub struct ConnectedApp {
    /// The grant.
    pub grant: String,
    /// What the client calls itself.
    pub name: Option<String>,
    /// The host that describes it.
    pub host: Option<String>,
    /// Nobody vouches for its name.
    pub unverified: bool,
    /// The MCP server, as the operator calls it.
    pub resource_name: String,
    /// What it may do.
    pub scopes: Vec<ScopeLine>,
    /// With which tools, as far as they are known.
    pub tools: ShownTools,
    /// When it was allowed.
    pub created: Moment,
    /// Nobody was asked for it, because the same was allowed before.
    pub remembered: bool,
    /// How many others end with it, which came from the same answer.
    pub others: usize,
    /// When it last got a token, and from where.
    pub last_used: Option<Use>,
    /// When it ends by itself.
    pub expires: Moment,
}

/// A personal token; the token itself is not kept.
#[derive(Clone, Serialize)]
pub struct PersonalToken {
    /// The grant.
    pub grant: String,
    /// What its owner calls it.
    pub name: String,
    /// The MCP server, as the operator calls it.
    pub resource_name: String,
    /// What it allows.
    pub scopes: Vec<ScopeLine>,
    /// When it was made.
    pub created: Moment,
    /// When it was last seen here, and from where.
    pub last_used: Option<Use>,
    /// When it ends.
    pub expires: Moment,
}

/// A browser session.
#[derive(Clone, Serialize)]
pub struct SignedInBrowser {
    /// What the form calls it.
    pub id: String,
    /// When somebody signed in.
    pub begun: Moment,
    /// When it was last used.
    pub last_seen: Moment,
    /// It is the one that looks at the page.
    pub this: bool,
}

/// When and from where something was used.
#[derive(Clone, Serialize)]
pub struct Use {
    /// When.
    pub time: Moment,
    /// From which network.
    pub source: Option<String>,
}

impl From<LastUse> for Use {
    fn from(last_use: LastUse) -> Self {
        Self { time: last_use.at.into(), source: last_use.source }
    }
}

/// A time for people, in UTC: `2026-11-27 14:05`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment(String);

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        let date = OffsetDateTime::from_unix_timestamp(time.as_unix()).ok().and_then(|date| date.format(&Rfc3339).ok());
        let shown = date.and_then(|date| Some(format!("{} {}", date.get(..10)?, date.get(11..16)?)));
        Self(shown.unwrap_or_else(|| time.to_string()))
    }
}

/// What the page shows. It POSTs `csrf_token`, `old_password`, `new_password` and `new_password_again` to `/password`.
#[derive(Clone, Serialize)]
pub struct PasswordPage {
    /// Ties the form to the browser session.
    pub csrf_token: String,
    /// Who is signed in.
    pub account: String,
    /// How many characters a password has at least.
    pub shortest: usize,
    /// Why it was not changed.
    pub problem: Option<PasswordProblem>,
    /// How long to wait before the next attempt.
    pub wait: Option<Wait>,
    /// It was changed.
    pub done: bool,
}

/// Why a password was not changed.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordProblem {
    /// The old one.
    Wrong,
    /// Slowed down for a while.
    TooManyAttempts,
    /// The new one is too short or too long.
    Length,
    /// The two new ones.
    Differ,
}

impl PasswordProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Wrong => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::Length | Self::Differ => StatusCode::BAD_REQUEST,
        }
    }
}

impl Page for AccountPage {
    const TEMPLATE: &'static str = "account.html";
    const FIELDS: &'static [&'static str] = &["csrf_token"];

    fn samples() -> Vec<Self> {
        let at = |hours: i64| Moment::from(Timestamp::from_unix(1_795_000_000 + hours * 3_600));
        let tool =
            |name: &str, destructive: bool| ShownTool { name: name.to_owned(), read_only: !destructive, destructive };
        let scope = |name: &str, title: &str| ScopeLine { name: name.to_owned(), title: title.to_owned() };
        let used = |source: Option<&str>| Some(Use { time: at(30), source: source.map(str::to_owned) });
        let app = ConnectedApp {
            grant: "grant_1".to_owned(),
            name: Some("Claude".to_owned()),
            host: Some("claude.ai".to_owned()),
            unverified: false,
            resource_name: "Acme MCP".to_owned(),
            scopes: vec![scope("mcp:use", "Use the tools of this server"), scope("tickets:read", "Read tickets")],
            tools: ShownTools { first: vec![tool("Delete a ticket", true), tool("Search tickets", false)], more: 3 },
            created: at(0),
            remembered: false,
            others: 0,
            last_used: used(Some("198.51.100.0/24")),
            expires: at(24 * 90),
        };
        let unknown = ConnectedApp {
            grant: "grant_2".to_owned(),
            name: None,
            host: None,
            unverified: true,
            tools: ShownTools::default(),
            last_used: None,
            ..app.clone()
        };
        let token = sample_token("laptop");
        let browser = |id: &str, this| SignedInBrowser { id: id.to_owned(), begun: at(0), last_seen: at(31), this };
        let session = "00f1e2d3c4b5a697";
        let plain = Self {
            csrf_token: "sample".to_owned(),
            account: "nora".to_owned(),
            email: None,
            is_written_to: false,
            has_password: true,
            may_change_password: true,
            second_factor: SecondFactorLine { app_since: None, codes_left: 0, passkeys: None },
            apps: Vec::new(),
            tokens: Vec::new(),
            may_make_tokens: true,
            may_delete: true,
            sessions: vec![browser(session, true)],
        };
        let hostile = || HOSTILE.to_owned();
        vec![
            plain.clone(),
            Self {
                apps: vec![app.clone(), unknown.clone()],
                tokens: vec![token.clone(), PersonalToken { last_used: used(None), ..sample_token("build server") }],
                email: Some("nora@example.com".to_owned()),
                is_written_to: true,
                may_make_tokens: false,
                may_delete: false,
                sessions: vec![browser(session, true), browser("11f1e2d3c4b5a697", false)],
                ..plain.clone()
            },
            Self { is_written_to: true, ..plain.clone() },
            Self {
                account: LONG_NAME.to_owned(),
                email: Some(format!("{}@{}.example", "n".repeat(64), "a".repeat(63))),
                is_written_to: true,
                second_factor: SecondFactorLine { app_since: Some(at(0)), codes_left: 9, passkeys: Some(2) },
                apps: vec![
                    ConnectedApp {
                        name: Some(LONG_NAME.to_owned()),
                        host: Some(format!("{}.example", "a".repeat(63))),
                        resource_name: LONG_NAME.to_owned(),
                        tools: ShownTools { first: vec![tool(LONG_NAME, false)], more: 199 },
                        ..app.clone()
                    },
                    ConnectedApp { host: None, remembered: true, others: 1, ..app.clone() },
                    ConnectedApp { host: None, others: 2, ..app.clone() },
                ],
                tokens: vec![PersonalToken { name: LONG_NAME.to_owned(), ..token.clone() }],
                ..plain
            },
            Self {
                csrf_token: hostile(),
                account: hostile(),
                email: Some(hostile()),
                is_written_to: true,
                has_password: false,
                may_change_password: false,
                second_factor: SecondFactorLine { app_since: None, codes_left: 0, passkeys: None },
                apps: vec![ConnectedApp {
                    grant: hostile(),
                    name: Some(hostile()),
                    host: Some(hostile()),
                    resource_name: hostile(),
                    scopes: vec![scope(HOSTILE, HOSTILE)],
                    tools: ShownTools { first: vec![tool(HOSTILE, false), tool(HOSTILE, true)], more: 0 },
                    last_used: used(Some(HOSTILE)),
                    ..unknown.clone()
                }],
                tokens: vec![PersonalToken { name: hostile(), ..token }],
                may_make_tokens: true,
                may_delete: true,
                sessions: vec![browser(session, true)],
            },
        ]
    }
}

impl Page for PasswordPage {
    const TEMPLATE: &'static str = "password.html";

    fn samples() -> Vec<Self> {
        let plain = Self {
            csrf_token: "sample".to_owned(),
            account: "nora".to_owned(),
            shortest: 8,
            problem: None,
            wait: None,
            done: false,
        };
        let failed = |problem| Self { problem: Some(problem), ..plain.clone() };
        vec![
            plain.clone(),
            failed(PasswordProblem::Wrong),
            failed(PasswordProblem::Length),
            failed(PasswordProblem::Differ),
            Self { wait: Some(Wait { count: 15, unit: "minutes" }), ..failed(PasswordProblem::TooManyAttempts) },
            failed(PasswordProblem::TooManyAttempts),
            Self { done: true, ..plain.clone() },
            Self { csrf_token: HOSTILE.to_owned(), account: HOSTILE.to_owned(), ..plain },
        ]
    }
}
