//! `account_passkeys.html`: somebody's passkeys, another one, and how to remove one. Shown and answered by
//! `endpoints/account_passkeys.rs`.

use actix_web::http::StatusCode;
use gatelodge_oauth::time::Timestamp;
use serde::Serialize;

use super::{HOSTILE, LONG_NAME, Moment, Page};

/// What the page shows. It POSTs `csrf_token` and `change` to `/account/passkeys`: `add` with `name`, `keep` with `credential`,
/// `rename` with `id` and `name`, `remove` with `id`.
#[derive(Clone, Serialize)]
pub struct PasskeysPage {
    /// Ties the forms to the browser session.
    pub csrf_token: String,
    /// Who is signed in.
    pub account: String,
    /// What there is.
    pub passkeys: Vec<PasskeyEntry>,
    /// What was typed before.
    pub name: String,
    /// What the browser is asked to make, as JSON (`PublicKeyCredentialCreationOptionsJSON`), in place of everything else.
    pub options: Option<String>,
    /// Why nothing was changed.
    pub problem: Option<PasskeyProblem>,
    /// The first recovery codes, for the only time, in place of everything else.
    pub codes: Option<Vec<String>>,
}

/// A passkey.
#[derive(Clone, Serialize)]
pub struct PasskeyEntry {
    /// What the form calls it.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// What they wanted to call it instead, which cannot be a name.
    pub typed: Option<String>,
    /// Since when.
    pub since: Moment,
    /// When it last signed somebody in.
    pub last_used: Option<Moment>,
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PasskeyProblem {
    /// It has no name, or too long a one.
    Name,
    /// What it was to be called instead is none.
    NewName,
    /// There are too many.
    TooMany,
    /// What the browser answered is not what it was asked for, came too late, or was used before.
    Refused,
    /// Nobody may be without a second step.
    Required,
}

impl PasskeyProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Name | Self::NewName | Self::Refused => StatusCode::BAD_REQUEST,
            Self::TooMany | Self::Required => StatusCode::CONFLICT,
        }
    }
}

impl Page for PasskeysPage {
    const TEMPLATE: &'static str = "account_passkeys.html";
    const ROOT: &'static str = "../";

    fn samples() -> Vec<Self> {
        let at = |hours: i64| Moment::from(Timestamp::from_unix(1_795_000_000 + hours * 3_600));
        let entry = |id: &str, name: &str, last_used| PasskeyEntry {
            id: id.to_owned(),
            name: name.to_owned(),
            typed: None,
            since: at(0),
            last_used,
        };
        let renamed = |typed: &str| PasskeyEntry { typed: Some(typed.to_owned()), ..entry("AQ", "laptop", None) };
        let plain = Self {
            csrf_token: "sample".to_owned(),
            account: "nora".to_owned(),
            passkeys: Vec::new(),
            name: String::new(),
            options: None,
            problem: None,
            codes: None,
        };
        let some = Self {
            passkeys: vec![entry("AQ", "laptop", Some(at(30))), entry("Ag", "security key", None)],
            ..plain.clone()
        };
        let failed = |problem| Self { problem: Some(problem), ..some.clone() };
        vec![
            plain.clone(),
            some.clone(),
            failed(PasskeyProblem::Name),
            Self { passkeys: vec![renamed(LONG_NAME), entry("Ag", "key", None)], ..failed(PasskeyProblem::NewName) },
            failed(PasskeyProblem::TooMany),
            failed(PasskeyProblem::Refused),
            failed(PasskeyProblem::Required),
            Self { options: Some(r#"{"challenge":"AAAA","user":{"id":"AAAA"}}"#.to_owned()), ..plain.clone() },
            Self { codes: Some(vec!["0123-4567-89AB-CDEF".to_owned()]), ..plain.clone() },
            Self {
                account: LONG_NAME.to_owned(),
                name: LONG_NAME.to_owned(),
                passkeys: vec![entry("AQ", LONG_NAME, None)],
                ..plain.clone()
            },
            Self {
                csrf_token: HOSTILE.to_owned(),
                account: HOSTILE.to_owned(),
                name: HOSTILE.to_owned(),
                passkeys: vec![PasskeyEntry { typed: Some(HOSTILE.to_owned()), ..entry(HOSTILE, HOSTILE, None) }],
                problem: Some(PasskeyProblem::NewName),
                ..plain
            },
        ]
    }
}
