//! `forgot.html`: a link for another password, by e-mail. Shown and answered by `endpoints/forgot.rs`.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::{HOSTILE, LONG_NAME, Page, Wait};

/// What the page shows. It POSTs `csrf_token`, `transaction` and `username` to `/forgot`.
#[derive(Clone, Serialize)]
pub struct ForgotPage {
    /// Ties the form to the browser session.
    pub csrf_token: String,
    /// The request that the sign-in was for, to lead back to.
    pub transaction: Option<String>,
    /// What was typed.
    pub username: String,
    /// How long a link works.
    pub minutes: u64,
    /// Why nothing is sent.
    pub problem: Option<ForgotProblem>,
    /// How long to wait.
    pub wait: Option<Wait>,
    /// If there is somebody, a link is on its way.
    pub done: bool,
}

/// Why nothing is sent, without a hint whether there is anybody.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ForgotProblem {
    /// Slowed down for a while.
    TooManyAttempts,
    /// Too many messages wait.
    Busy,
}

impl ForgotProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Page for ForgotPage {
    const TEMPLATE: &'static str = "forgot.html";

    fn samples() -> Vec<Self> {
        let plain = Self {
            csrf_token: "sample".to_owned(),
            transaction: None,
            username: String::new(),
            minutes: 60,
            problem: None,
            wait: None,
            done: false,
        };
        let typed = Self { username: "nora".to_owned(), ..plain.clone() };
        vec![
            plain.clone(),
            Self { transaction: Some("gatelodge_txn_sample".to_owned()), ..plain.clone() },
            Self { done: true, ..typed.clone() },
            Self { problem: Some(ForgotProblem::Busy), ..typed.clone() },
            Self {
                problem: Some(ForgotProblem::TooManyAttempts),
                wait: Some(Wait { count: 15, unit: "minutes" }),
                ..typed
            },
            Self { username: LONG_NAME.to_owned(), ..plain.clone() },
            Self {
                csrf_token: HOSTILE.to_owned(),
                transaction: Some(HOSTILE.to_owned()),
                username: HOSTILE.to_owned(),
                ..plain
            },
        ]
    }
}
