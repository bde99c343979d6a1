//! `email_code.html`: a code to sign in with, by e-mail. Shown and answered by `endpoints/email_code.rs`.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::{HOSTILE, Page, Wait};

/// What the page shows. It POSTs `transaction`, `csrf_token`, and `username` or `code` to `/login/code`.
#[derive(Clone, Serialize)]
pub struct EmailCodePage {
    /// The request that the sign-in is for.
    pub transaction: Option<String>,
    /// Ties the form to the browser session.
    pub csrf_token: String,
    /// A code was asked for, and is to be typed; or else who it is to be sent to.
    pub sent: bool,
    /// How long a code works.
    pub minutes: u64,
    /// Why nobody is signed in.
    pub problem: Option<EmailCodeProblem>,
    /// How long to wait.
    pub wait: Option<Wait>,
}

/// Why nobody is signed in, without a hint whether there is anybody.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailCodeProblem {
    /// It is another one, or there is nobody.
    CodeWrong,
    /// It is over, or too many were wrong.
    CodeEnded,
    /// Slowed down for a while.
    TooManyAttempts,
    /// Too many messages wait.
    Busy,
    /// Right, and of somebody else than who is signed in and was to be proven again.
    OtherAccount,
}

impl EmailCodeProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::CodeWrong | Self::CodeEnded => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::OtherAccount => StatusCode::FORBIDDEN,
        }
    }
}

impl Page for EmailCodePage {
    const TEMPLATE: &'static str = "email_code.html";
    const FIELDS: &'static [&'static str] = &["csrf_token"];
    const ROOT: &'static str = "../";

    fn samples() -> Vec<Self> {
        let asked = Self {
            transaction: None,
            csrf_token: "sample".to_owned(),
            sent: false,
            minutes: 10,
            problem: None,
            wait: None,
        };
        let sent = Self { sent: true, transaction: Some("gatelodge_txn_sample".to_owned()), ..asked.clone() };
        let failed = |page: &Self, problem| Self { problem: Some(problem), ..page.clone() };
        vec![
            asked.clone(),
            sent.clone(),
            failed(&sent, EmailCodeProblem::CodeWrong),
            failed(&asked, EmailCodeProblem::CodeEnded),
            failed(&asked, EmailCodeProblem::Busy),
            failed(&asked, EmailCodeProblem::OtherAccount),
            Self {
                wait: Some(Wait { count: 15, unit: "minutes" }),
                ..failed(&sent, EmailCodeProblem::TooManyAttempts)
            },
            Self { transaction: Some(HOSTILE.to_owned()), csrf_token: HOSTILE.to_owned(), ..sent },
        ]
    }
}
