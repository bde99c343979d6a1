//! `legal.html`: the privacy policy or the terms, where the operator gives them as a file. Shown by `endpoints/legal.rs`.

use serde::Serialize;

use super::{HOSTILE, LONG_NAME, Page};

/// What the page shows: paragraphs of plain text, in the operator's language.
#[derive(Clone, Serialize)]
pub struct LegalPage {
    /// The text that is its title: `privacy-policy` or `terms-of-service`.
    pub title: &'static str,
    /// Its paragraphs.
    pub paragraphs: Vec<String>,
}

impl Page for LegalPage {
    const TEMPLATE: &'static str = "legal.html";

    fn samples() -> Vec<Self> {
        let page = |title, paragraphs: &[&str]| Self {
            title,
            paragraphs: paragraphs.iter().map(|text| (*text).to_owned()).collect(),
        };
        vec![
            page("privacy-policy", &["We keep what you allow, and no more.", "Write to privacy@example.com."]),
            page("terms-of-service", &["Be kind."]),
            page("privacy-policy", &[LONG_NAME, HOSTILE]),
        ]
    }
}
