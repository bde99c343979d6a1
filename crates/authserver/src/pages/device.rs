//! `device.html`: which device is it, and `device_done.html`: what became of it. RFC 8628 §3.3; shown by `endpoints/device.rs`
//! and, after the decision, by `endpoints/consent.rs`.

use serde::Serialize;

use super::{HOSTILE, LONG_NAME, Page};

/// What the page shows. It POSTs `user_code` to `/device`.
#[derive(Clone, Serialize)]
pub struct DevicePage {
    /// What was typed before or came with the link; empty at first.
    pub user_code: String,
    /// Why the last attempt failed.
    pub problem: Option<DeviceProblem>,
}

/// Why a code leads nowhere, without a hint whether it ever did.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceProblem {
    /// No device waits with this code.
    CodeUnknown,
    /// Slowed down for a while.
    TooManyAttempts,
}

/// The end, in this browser.
#[derive(Clone, Serialize)]
pub struct DeviceDonePage {
    /// The answer.
    pub allowed: bool,
    /// What the client calls itself.
    pub client_name: Option<String>,
    /// The MCP server, as the operator calls it.
    pub resource_name: String,
}

impl Page for DevicePage {
    const TEMPLATE: &'static str = "device.html";
    const FIELDS: &'static [&'static str] = &["user_code"];

    fn samples() -> Vec<Self> {
        let page = |user_code: &str, problem| Self { user_code: user_code.to_owned(), problem };
        vec![
            page("", None),
            page("BCDF-GHJK", None),
            page("BCDF-GHJX", Some(DeviceProblem::CodeUnknown)),
            page("BCDF-GHJX", Some(DeviceProblem::TooManyAttempts)),
            page(LONG_NAME, Some(DeviceProblem::CodeUnknown)),
            page(HOSTILE, None),
        ]
    }
}

impl Page for DeviceDonePage {
    const TEMPLATE: &'static str = "device_done.html";

    fn samples() -> Vec<Self> {
        let plain =
            Self { allowed: true, client_name: Some("Acme Robot".to_owned()), resource_name: "Acme MCP".to_owned() };
        vec![
            plain.clone(),
            Self { allowed: false, ..plain.clone() },
            Self { client_name: None, ..plain },
            Self { allowed: true, client_name: Some(HOSTILE.to_owned()), resource_name: HOSTILE.to_owned() },
        ]
    }
}
