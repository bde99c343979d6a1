//! `account_second_factor.html`: what the second step of somebody's sign-in asks for. Shown and answered by
//! `endpoints/account_second_factor.rs`.

use actix_web::http::StatusCode;
use gatelodge_oauth::time::Timestamp;
use serde::Serialize;

use super::second_step::SAMPLE_PICTURE;
use super::{HOSTILE, LONG_NAME, Moment, Page, TotpSetUp};

/// What the page shows. It POSTs `csrf_token` and `change` to `/account/second-factor`, with `key` and `code` where an app is set
/// up.
#[derive(Clone, Serialize)]
pub struct SecondFactorPage {
    /// Ties the forms to the browser session.
    pub csrf_token: String,
    /// Who is signed in.
    pub account: String,
    /// The authenticator app, if there is one.
    pub app: Option<TotpApp>,
    /// How many recovery codes are left.
    pub codes_left: i64,
    /// For the first app, or another one.
    pub set_up: Option<TotpSetUp>,
    /// Why nothing was changed.
    pub problem: Option<SecondFactorProblem>,
    /// New recovery codes, for the only time, in place of the forms.
    pub codes: Option<Vec<String>>,
}

/// An authenticator app; what it holds is never shown again.
#[derive(Clone, Serialize)]
pub struct TotpApp {
    /// Since when.
    pub since: Moment,
    /// When it last signed somebody in.
    pub last_used: Option<Moment>,
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorProblem {
    /// The app that is set up shows another code.
    SetUpWrong,
    /// The same app is there already.
    SentBefore,
    /// Nobody may be without.
    Required,
}

impl SecondFactorProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::SetUpWrong => StatusCode::BAD_REQUEST,
            Self::SentBefore | Self::Required => StatusCode::CONFLICT,
        }
    }
}

impl Page for SecondFactorPage {
    const TEMPLATE: &'static str = "account_second_factor.html";
    const ROOT: &'static str = "../";

    fn samples() -> Vec<Self> {
        let at = |hours: i64| Moment::from(Timestamp::from_unix(1_795_000_000 + hours * 3_600));
        let plain = Self {
            csrf_token: "sample".to_owned(),
            account: "nora".to_owned(),
            app: None,
            codes_left: 0,
            set_up: Some(TotpSetUp::sample(Some(SAMPLE_PICTURE), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ")),
            problem: None,
            codes: None,
        };
        let with_app =
            Self { app: Some(TotpApp { since: at(0), last_used: Some(at(30)) }), codes_left: 9, ..plain.clone() };
        let failed = |problem| Self { problem: Some(problem), ..with_app.clone() };
        vec![
            plain.clone(),
            Self { problem: Some(SecondFactorProblem::SetUpWrong), ..plain.clone() },
            with_app.clone(),
            Self { app: Some(TotpApp { since: at(0), last_used: None }), codes_left: 1, ..plain.clone() },
            failed(SecondFactorProblem::SetUpWrong),
            failed(SecondFactorProblem::SentBefore),
            failed(SecondFactorProblem::Required),
            Self { set_up: None, codes: Some(vec!["0123-4567-89AB-CDEF".to_owned()]), ..with_app.clone() },
            Self { account: LONG_NAME.to_owned(), set_up: Some(TotpSetUp::sample(None, LONG_NAME)), ..plain },
            Self { csrf_token: HOSTILE.to_owned(), account: HOSTILE.to_owned(), set_up: None, ..with_app },
        ]
    }
}
