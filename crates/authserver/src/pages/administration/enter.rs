//! `administration_enter.html`: the page behind the link that lets an administrator in.

use serde::Serialize;

use super::{HOSTILE, LONG_NAME};
use crate::pages::Page;

/// What the page shows. It POSTs `secret` to `/enter`.
#[derive(Clone, Serialize)]
pub struct EnterPage {
    /// Of the link.
    pub secret: String,
    /// Whom it lets in.
    pub account: String,
    /// For how many hours.
    pub hours: u64,
}

impl Page for EnterPage {
    const TEMPLATE: &'static str = "administration_enter.html";
    const FIELDS: &'static [&'static str] = &["secret"];

    fn samples() -> Vec<Self> {
        let of =
            |secret: &str, account: &str| Self { secret: secret.to_owned(), account: account.to_owned(), hours: 4 };
        vec![of("gatelodge_enter_sample", "nora"), of("gatelodge_enter_sample", LONG_NAME), of(HOSTILE, HOSTILE)]
    }
}
