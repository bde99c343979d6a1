//! `setup.html`: the first administrator; `reset.html`: a password by link. Shown and answered by `endpoints/setup.rs` and
//! `endpoints/reset.rs`.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::{HOSTILE, LONG_NAME, Page};

/// What the page shows. It POSTs `secret`, `username`, `new_password` and `new_password_again` to `/setup`.
#[derive(Clone, Serialize)]
pub struct SetupPage {
    /// Of the link.
    pub secret: String,
    /// What was typed before; at the end the name of the administrator.
    pub username: String,
    /// How many characters a password has at least.
    pub shortest: usize,
    /// Why nobody was created.
    pub problem: Option<NewPasswordProblem>,
    /// The administrator is there.
    pub done: bool,
}

/// What the page shows. It POSTs `secret`, `new_password` and `new_password_again` to `/reset`.
#[derive(Clone, Serialize)]
pub struct ResetPage {
    /// Of the link.
    pub secret: String,
    /// Whose password it is.
    pub account: String,
    /// How many characters a password has at least.
    pub shortest: usize,
    /// It is the first password of somebody new.
    pub is_new: bool,
    /// Why it was not set.
    pub problem: Option<NewPasswordProblem>,
    /// It was set.
    pub done: bool,
}

/// Why a form of these pages changed nothing.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NewPasswordProblem {
    /// It cannot be a user name.
    Name,
    /// The password is too short or too long.
    Length,
    /// The two passwords differ.
    Differ,
    /// Too many passwords are being checked right now.
    Busy,
}

impl NewPasswordProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Name | Self::Length | Self::Differ => StatusCode::BAD_REQUEST,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const ALL: [Self; 4] = [Self::Name, Self::Length, Self::Differ, Self::Busy];
}

impl Page for SetupPage {
    const TEMPLATE: &'static str = "setup.html";

    fn samples() -> Vec<Self> {
        let plain = Self {
            secret: "gatelodge_setup_sample".to_owned(),
            username: String::new(),
            shortest: 8,
            problem: None,
            done: false,
        };
        let mut samples = vec![plain.clone()];
        let failed = |problem| Self { username: "nora".to_owned(), problem: Some(problem), ..plain.clone() };
        samples.extend(NewPasswordProblem::ALL.map(failed));
        samples.push(Self { username: LONG_NAME.to_owned(), done: true, ..plain.clone() });
        samples.push(Self { secret: HOSTILE.to_owned(), username: HOSTILE.to_owned(), ..plain });
        samples
    }
}

impl Page for ResetPage {
    const TEMPLATE: &'static str = "reset.html";

    fn samples() -> Vec<Self> {
        let plain = Self {
            secret: "gatelodge_reset_sample".to_owned(),
            account: "nora".to_owned(),
            shortest: 8,
            is_new: false,
            problem: None,
            done: false,
        };
        let mut samples = vec![plain.clone(), Self { is_new: true, ..plain.clone() }];
        samples.extend(NewPasswordProblem::ALL.map(|problem| Self { problem: Some(problem), ..plain.clone() }));
        samples.push(Self { account: LONG_NAME.to_owned(), done: true, ..plain.clone() });
        samples.push(Self { secret: HOSTILE.to_owned(), account: HOSTILE.to_owned(), ..plain });
        samples
    }
}
