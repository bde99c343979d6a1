//! `account_delete.html`: everything that is lost with an account; `account_deleted.html`: it is gone. Shown and answered by
//! `endpoints/account_data.rs`.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::{HOSTILE, LONG_NAME, Page};

/// What the page shows. It POSTs `csrf_token` and `username` to `/account/delete`.
#[derive(Clone, Serialize)]
pub struct DeleteAccountPage {
    /// Ties the form to the browser session.
    pub csrf_token: String,
    /// Who is signed in.
    pub account: String,
    /// Why it was not deleted.
    pub problem: Option<DeletionProblem>,
}

/// Why an account was not deleted.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionProblem {
    /// Another name was typed.
    Name,
    /// Nobody else administers this server.
    LastAdministrator,
}

impl DeletionProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Name => StatusCode::BAD_REQUEST,
            Self::LastAdministrator => StatusCode::CONFLICT,
        }
    }
}

/// What the page shows: nothing of anybody.
#[derive(Clone, Serialize)]
pub struct AccountDeletedPage {}

impl Page for DeleteAccountPage {
    const TEMPLATE: &'static str = "account_delete.html";
    const ROOT: &'static str = "../";
    const FIELDS: &'static [&'static str] = &["csrf_token", "username"];

    fn samples() -> Vec<Self> {
        let plain = Self { csrf_token: "sample".to_owned(), account: "nora".to_owned(), problem: None };
        vec![
            plain.clone(),
            Self { problem: Some(DeletionProblem::Name), ..plain.clone() },
            Self { problem: Some(DeletionProblem::LastAdministrator), ..plain.clone() },
            Self { account: LONG_NAME.to_owned(), ..plain.clone() },
            Self { csrf_token: HOSTILE.to_owned(), account: HOSTILE.to_owned(), ..plain },
        ]
    }
}

impl Page for AccountDeletedPage {
    const TEMPLATE: &'static str = "account_deleted.html";
    const ROOT: &'static str = "../";

    fn samples() -> Vec<Self> {
        vec![Self {}]
    }
}
