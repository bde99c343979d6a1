//! `second_step.html`: prove one thing more, or set up what will prove it. Shown and answered by `endpoints/second_step.rs`.

use actix_web::http::StatusCode;
use gatelodge_oauth::secret::Secret;
use serde::Serialize;

use super::{HOSTILE, LONG_NAME, Page, Wait};
use crate::app::App;
use crate::login::totp::TotpKey;
use crate::sealing::CannotSeal;

/// What the page shows. It POSTs `csrf_token`, `transaction` if there is one, and `code` or `recovery_code` to `/second-step`;
/// where something is to be set up, `key` and `code`.
#[derive(Clone, Serialize)]
pub struct SecondStepPage {
    /// The pending authorization that the sign-in is for; none: it is for the account page.
    pub transaction: Option<String>,
    /// Ties the forms to the browser session.
    pub csrf_token: String,
    /// Who is half-way.
    pub account: String,
    /// There is an authenticator app.
    pub has_app: bool,
    /// There is a passkey.
    pub has_passkey: bool,
    /// There is nothing yet, and there must be.
    pub set_up: Option<TotpSetUp>,
    /// It was set up: the recovery codes, for the only time.
    pub codes: Option<Vec<String>>,
    /// Why the last attempt failed.
    pub problem: Option<SecondStepProblem>,
    /// How long to wait before the next one.
    pub wait: Option<Wait>,
}

/// What an authenticator app is set up with.
#[derive(Clone, Serialize)]
pub struct TotpSetUp {
    /// For its camera: the URL of an image.
    pub picture: Option<String>,
    /// For those who type it.
    pub text: String,
    /// The hidden field that brings it back.
    pub key: String,
}

impl TotpSetUp {
    /// Of a key, in a browser session.
    pub fn new(app: &App, key: &TotpKey, account: &str, session: &Secret) -> Result<Self, CannotSeal> {
        Ok(Self {
            picture: key.picture(&app.config.branding.name, account),
            text: key.text(),
            key: key.offer(session, app.keys.sealing())?,
        })
    }

    /// For samples.
    pub(super) fn sample(picture: Option<&str>, text: &str) -> Self {
        Self { picture: picture.map(str::to_owned), text: text.to_owned(), key: text.to_owned() }
    }
}

/// For samples: an image of one dot.
pub(super) const SAMPLE_PICTURE: &str =
    "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSI0IiBoZWlnaHQ9IjQiLz4=";

/// Why somebody is not signed in yet.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondStepProblem {
    /// It did not match, or was used before.
    CodeWrong,
    /// Slowed down for a while.
    TooManyAttempts,
    /// The app that is set up shows another code.
    SetUpWrong,
}

impl SecondStepProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::CodeWrong => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::SetUpWrong => StatusCode::BAD_REQUEST,
        }
    }
}

impl Page for SecondStepPage {
    const TEMPLATE: &'static str = "second_step.html";

    fn samples() -> Vec<Self> {
        let plain = Self {
            transaction: None,
            csrf_token: "sample".to_owned(),
            account: "nora".to_owned(),
            has_app: true,
            has_passkey: false,
            set_up: None,
            codes: None,
            problem: None,
            wait: None,
        };
        let failed = |problem| Self { problem: Some(problem), ..plain.clone() };
        let set_up = |problem| Self {
            set_up: Some(TotpSetUp::sample(Some(SAMPLE_PICTURE), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ")),
            problem,
            ..plain.clone()
        };
        let codes = vec!["0123-4567-89AB-CDEF".to_owned(), "GHJK-MNPQ-RSTV-WXYZ".to_owned()];
        let transaction = || Some("gatelodge_txn_sample".to_owned());
        vec![
            plain.clone(),
            Self { transaction: transaction(), ..failed(SecondStepProblem::CodeWrong) },
            Self { wait: Some(Wait { count: 15, unit: "minutes" }), ..failed(SecondStepProblem::TooManyAttempts) },
            Self { has_passkey: true, ..plain.clone() },
            Self { has_app: false, has_passkey: true, transaction: transaction(), ..plain.clone() },
            set_up(None),
            Self { transaction: transaction(), ..set_up(Some(SecondStepProblem::SetUpWrong)) },
            Self { codes: Some(codes.clone()), ..plain.clone() },
            Self { codes: Some(codes), transaction: transaction(), ..plain.clone() },
            Self { account: LONG_NAME.to_owned(), set_up: Some(TotpSetUp::sample(None, LONG_NAME)), ..plain },
            Self {
                transaction: Some(HOSTILE.to_owned()),
                csrf_token: HOSTILE.to_owned(),
                account: HOSTILE.to_owned(),
                has_app: true,
                has_passkey: true,
                set_up: None,
                codes: None,
                problem: None,
                wait: None,
            },
        ]
    }
}
