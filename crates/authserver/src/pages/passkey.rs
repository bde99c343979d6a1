//! `passkey.html`: the browser is asked for a passkey. Shown and answered by `endpoints/passkey.rs`. It needs its script: browsers ask
//! for passkeys in no other way.

use serde::Serialize;

use super::{HOSTILE, LONG_NAME, Page};

/// What the page shows. It POSTs `csrf_token`, `transaction` if there is one, and `credential` to where it was shown.
#[derive(Clone, Serialize)]
pub struct PasskeyPage {
    /// The pending authorization that the sign-in is for; none: it is for the account page.
    pub transaction: Option<String>,
    /// Ties the form to the browser session.
    pub csrf_token: String,
    /// Who is half-way; none: whoever it is.
    pub account: Option<String>,
    /// What the browser is asked, as JSON (`PublicKeyCredentialRequestOptionsJSON`).
    pub options: String,
}

impl Page for PasskeyPage {
    const TEMPLATE: &'static str = "passkey.html";
    const ROOT: &'static str = "../";
    const FIELDS: &'static [&'static str] = &["csrf_token", "credential"];

    fn samples() -> Vec<Self> {
        let plain = Self {
            transaction: None,
            csrf_token: "sample".to_owned(),
            account: None,
            options: r#"{"challenge":"AAAA","rpId":"mcp.example.com","allowCredentials":[]}"#.to_owned(),
        };
        vec![
            plain.clone(),
            Self {
                transaction: Some("gatelodge_txn_sample".to_owned()),
                account: Some("nora".to_owned()),
                ..plain.clone()
            },
            Self { account: Some(LONG_NAME.to_owned()), ..plain },
            Self {
                transaction: Some(HOSTILE.to_owned()),
                csrf_token: HOSTILE.to_owned(),
                account: Some(HOSTILE.to_owned()),
                options: HOSTILE.to_owned(),
            },
        ]
    }
}
