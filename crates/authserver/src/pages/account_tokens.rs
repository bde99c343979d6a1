//! `account_tokens.html`: a personal token, asked for and then shown once. Shown and answered by `endpoints/account_tokens.rs`.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::account::sample_token;
use super::{HOSTILE, LONG_NAME, Page, PersonalToken, long_url};
use crate::grants::personal_token::NotPossible;

/// What the page shows. It POSTs `csrf_token`, `form`, `name`, `resource`, `scope` for each that is ticked, and `lifetime` to
/// `/account/tokens`.
#[derive(Clone, Serialize)]
pub struct AccountTokensPage {
    /// Ties the forms to the browser session.
    pub csrf_token: String,
    /// Who is signed in.
    pub account: String,
    /// What this copy of the form is called, so that it makes one token however often it is sent.
    pub form: String,
    /// What was typed before; empty at first.
    pub name: String,
    /// What there is to choose from: a form for each.
    pub resources: Vec<TokenResource>,
    /// How long it may live.
    pub lifetimes: Vec<Lifetime>,
    /// Why there is no token.
    pub problem: Option<TokenProblem>,
    /// The new token, in place of the forms.
    pub made: Option<MadeToken>,
}

/// A resource that a token may be for.
#[derive(Clone, Serialize)]
pub struct TokenResource {
    /// Its identifier.
    pub id: String,
    /// The MCP server, as the operator calls it.
    pub name: String,
    /// It was chosen before.
    pub open: bool,
    /// What it may allow.
    pub scopes: Vec<TokenScope>,
}

/// One scope, to be ticked.
#[derive(Clone, Serialize)]
pub struct TokenScope {
    /// Its name on the wire.
    pub name: String,
    /// What it allows, in the operator's words.
    pub title: String,
    /// Whether it is.
    pub ticked: bool,
}

/// How long a token may live.
#[derive(Clone, Serialize)]
pub struct Lifetime {
    /// In the form.
    value: String,
    count: u64,
    unit: &'static str,
    chosen: bool,
}

impl Lifetime {
    /// In the largest unit that leaves no rest.
    pub fn new(seconds: u64, chosen: bool) -> Self {
        let units = [(86_400, "days", 'd'), (3_600, "hours", 'h'), (60, "minutes", 'm')];
        let fits = units.into_iter().find(|(length, ..)| seconds > 0 && seconds.is_multiple_of(*length));
        let (length, unit, letter) = fits.unwrap_or((1, "seconds", 's'));
        Self { value: format!("{}{letter}", seconds / length), count: seconds / length, unit, chosen }
    }
}

/// The new token, for the only time.
#[derive(Clone, Serialize)]
pub struct MadeToken {
    /// What its owner has to keep.
    pub token: String,
    /// What is listed of it from now on.
    pub entry: PersonalToken,
}

/// Why there is no token.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenProblem {
    /// The name is missing, or too long.
    Name,
    /// The resource is not there any more.
    Resource,
    /// Nothing is ticked, or something that is not there any more.
    Scope,
    /// Longer than it may live.
    Lifetime,
    /// This very form made one.
    SentBefore,
    /// There are too many.
    TooMany,
}

impl TokenProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Name | Self::Resource | Self::Scope | Self::Lifetime => StatusCode::BAD_REQUEST,
            Self::SentBefore | Self::TooMany => StatusCode::CONFLICT,
        }
    }
}

impl From<NotPossible> for TokenProblem {
    fn from(why: NotPossible) -> Self {
        match why {
            NotPossible::Name => Self::Name,
            NotPossible::Resource => Self::Resource,
            NotPossible::Scope => Self::Scope,
            NotPossible::Lifetime => Self::Lifetime,
        }
    }
}

impl Page for AccountTokensPage {
    const TEMPLATE: &'static str = "account_tokens.html";
    const ROOT: &'static str = "../";

    fn samples() -> Vec<Self> {
        let scope = |name: &str, title: &str, ticked| TokenScope { name: name.into(), title: title.into(), ticked };
        let acme = TokenResource {
            id: "https://mcp.example.com/mcp".to_owned(),
            name: "Acme MCP".to_owned(),
            open: false,
            scopes: vec![
                scope("mcp:use", "Use the tools of this server", true),
                scope("tickets:write", "Create and change tickets", false),
            ],
        };
        let day = 86_400;
        let plain = Self {
            csrf_token: "sample".to_owned(),
            account: "nora".to_owned(),
            form: "0123456789abcdefghijkl".to_owned(),
            name: String::new(),
            resources: vec![acme.clone()],
            lifetimes: vec![
                Lifetime::new(day, false),
                Lifetime::new(7 * day, false),
                Lifetime::new(30 * day, true),
                Lifetime::new(90 * day, false),
            ],
            problem: None,
            made: None,
        };
        let other = TokenResource { name: "Other MCP".to_owned(), open: true, ..acme.clone() };
        let failed = |problem| Self { name: "laptop".to_owned(), problem: Some(problem), ..plain.clone() };
        let made = |token: &str, entry| Self {
            resources: Vec::new(),
            made: Some(MadeToken { token: token.to_owned(), entry }),
            ..plain.clone()
        };
        let jwt = format!("eyJ{}.eyJ{}.{}", "a".repeat(60), "b".repeat(500), "c".repeat(86));
        let long = TokenResource {
            id: long_url(),
            name: LONG_NAME.to_owned(),
            open: true,
            scopes: vec![scope(LONG_NAME, LONG_NAME, true)],
        };
        let hostile = TokenResource {
            id: HOSTILE.to_owned(),
            name: HOSTILE.to_owned(),
            open: true,
            scopes: vec![scope(HOSTILE, HOSTILE, true)],
        };
        vec![
            plain.clone(),
            Self { resources: vec![acme, other], ..plain.clone() },
            failed(TokenProblem::Name),
            failed(TokenProblem::Resource),
            failed(TokenProblem::Scope),
            failed(TokenProblem::Lifetime),
            failed(TokenProblem::SentBefore),
            failed(TokenProblem::TooMany),
            Self { name: LONG_NAME.to_owned(), resources: vec![long], ..plain.clone() },
            Self {
                csrf_token: HOSTILE.to_owned(),
                account: HOSTILE.to_owned(),
                form: HOSTILE.to_owned(),
                name: HOSTILE.to_owned(),
                resources: vec![hostile],
                ..plain.clone()
            },
            made(&jwt, sample_token("laptop")),
            made(HOSTILE, sample_token(HOSTILE)),
        ]
    }
}
