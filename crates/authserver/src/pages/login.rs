//! `login.html`: who are you. Shown and answered by `endpoints/login.rs` when a request meets no signed-in session.

use serde::Serialize;

use actix_web::http::StatusCode;

use super::{Destination, HOSTILE, LONG_NAME, Page, SignInMethod, Wait};

/// What the page shows. Its forms are those of [`SignInMethod`].
#[derive(Clone, Serialize)]
pub struct LoginPage {
    /// The pending authorization that the sign-in is for.
    pub transaction: String,
    /// Ties the form to the browser session.
    pub csrf_token: String,
    /// What the client calls itself.
    pub client_name: Option<String>,
    /// Nobody vouches for that name: the client registered itself.
    pub unverified: bool,
    /// Where the answer goes.
    pub destination: Destination,
    /// The MCP server it wants to use.
    pub resource_name: String,
    /// How people may sign in.
    pub methods: Vec<SignInMethod>,
    /// What was typed before; empty at first.
    pub username: String,
    /// Why the last attempt failed.
    pub problem: Option<LoginProblem>,
    /// How long to wait before the next one.
    pub wait: Option<Wait>,
}

/// Why a sign-in failed, without a hint whether the user exists.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginProblem {
    /// Unknown user, disabled user or wrong password.
    CredentialsWrong,
    /// Slowed down for a while.
    TooManyAttempts,
    /// Right, and of somebody else than who is signed in and was to be proven again.
    OtherAccount,
}

impl LoginProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::CredentialsWrong => StatusCode::UNAUTHORIZED,
            Self::OtherAccount => StatusCode::FORBIDDEN,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl Page for LoginPage {
    const TEMPLATE: &'static str = "login.html";
    const FIELDS: &'static [&'static str] = &["transaction", "csrf_token"];

    fn samples() -> Vec<Self> {
        let website = |host: &str| Destination::Website { host: host.to_owned() };
        let local = |host: &str| Destination::ThisComputer { host: host.to_owned(), port: 53280 };
        let plain = Self {
            transaction: "gatelodge_txn_sample".to_owned(),
            csrf_token: "sample".to_owned(),
            client_name: Some("Claude Code".to_owned()),
            unverified: true,
            destination: local("localhost"),
            resource_name: "Acme MCP".to_owned(),
            methods: SignInMethod::password(),
            username: String::new(),
            problem: None,
            wait: None,
        };
        vec![
            plain.clone(),
            Self {
                username: "nora".to_owned(),
                problem: Some(LoginProblem::CredentialsWrong),
                methods: SignInMethod::by_mail(),
                ..plain.clone()
            },
            Self {
                username: "nora".to_owned(),
                problem: Some(LoginProblem::TooManyAttempts),
                wait: Some(Wait { count: 15, unit: "minutes" }),
                ..plain.clone()
            },
            Self { client_name: None, problem: Some(LoginProblem::CredentialsWrong), ..plain.clone() },
            Self {
                methods: [
                    SignInMethod::password(),
                    vec![SignInMethod::provider("google", "Google"), SignInMethod::provider("acme", "Acme Staff")],
                ]
                .concat(),
                ..plain.clone()
            },
            Self { methods: SignInMethod::provider_first("Acme Staff"), ..plain.clone() },
            Self {
                client_name: Some("Acme Desk".to_owned()),
                unverified: false,
                destination: website("desk.example.com"),
                ..plain.clone()
            },
            Self { destination: Destination::Program { scheme: "cursor".to_owned() }, ..plain.clone() },
            Self { destination: Destination::Device { user_code: "BCDF-GHJK".to_owned() }, ..plain.clone() },
            Self {
                client_name: Some(LONG_NAME.to_owned()),
                destination: website(&format!("{}.example", "a".repeat(63))),
                resource_name: LONG_NAME.to_owned(),
                methods: SignInMethod::provider_first(LONG_NAME),
                username: LONG_NAME.to_owned(),
                ..plain
            },
            Self {
                transaction: HOSTILE.to_owned(),
                csrf_token: HOSTILE.to_owned(),
                client_name: Some(HOSTILE.to_owned()),
                unverified: true,
                destination: local(HOSTILE),
                resource_name: HOSTILE.to_owned(),
                methods: SignInMethod::hostile(),
                username: HOSTILE.to_owned(),
                problem: None,
                wait: None,
            },
        ]
    }
}
