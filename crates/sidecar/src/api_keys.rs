//! Keys that the MCP server gave out before there was OAuth: found in a request, and told apart from access tokens.
//! Asked by `endpoint.rs` before the gate looks for a token.
//!
//! A mapped key is one that the operator listed by its SHA-256; it stands for a subject and ends here. A key that is passed
//! through is known to the MCP server only, which checks it; nothing is said in its holder's name.

use std::sync::Arc;

use actix_web::http::header::{self as incoming, HeaderMap};
use aws_lc_rs::digest::{SHA256, digest};
use gatelodge_oauth::scope::Scope;
use reqwest::header::{HeaderName, HeaderValue};
use subtle::ConstantTimeEq as _;

use crate::config::ApiKeysConfig;
use crate::presented::{Presented, presented};

/// How much of the hash of a key that is passed through names its holder: enough to tell keys apart in a log.
const FINGERPRINT: usize = 4;

/// A key that may come in.
#[derive(Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// What the log calls it.
    pub name: String,
    /// Whom it stands for.
    pub subject: String,
    /// What it may do; `None` where only the MCP server limits it.
    pub scope: Option<Scope>,
    /// The hash of the key.
    pub sha256: [u8; 32],
    onward: Option<(HeaderName, HeaderValue)>,
}

impl ApiKey {
    /// A key that the operator listed.
    pub fn mapped(name: String, subject: String, scope: Scope, sha256: [u8; 32]) -> Self {
        Self { name, subject, scope: Some(scope), sha256, onward: None }
    }

    /// The header that takes the key itself to the MCP server, when nobody else can check it.
    pub fn passed_through(&self) -> Option<&(HeaderName, HeaderValue)> {
        self.onward.as_ref()
    }
}

/// What a request has in the place for keys.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// No key: perhaps an access token.
    None,
    /// One for the MCP server to check.
    PassThrough(Arc<ApiKey>),
    /// One that the operator listed.
    Mapped(Arc<ApiKey>),
    /// What looks like a key, and is none.
    Unknown,
    /// More than one credential.
    Several,
}

/// The keys of one resource.
pub struct ApiKeys {
    config: ApiKeysConfig,
}

impl ApiKeys {
    /// Of a checked configuration.
    pub fn new(config: ApiKeysConfig) -> Self {
        Self { config }
    }

    /// Looks for a key.
    pub fn find(&self, headers: &HeaderMap) -> Found {
        if self.config.header == reqwest::header::AUTHORIZATION {
            self.in_authorization(headers)
        } else {
            self.in_own_header(headers)
        }
    }

    /// Whatever is not plainly one bearer token is for the gate to refuse.
    fn in_authorization(&self, headers: &HeaderMap) -> Found {
        match (presented(headers), headers.get(incoming::AUTHORIZATION)) {
            (Presented::Token(key), Some(value)) if self.has_prefix(key) => self.judge(key, value),
            _ => Found::None,
        }
    }

    fn in_own_header(&self, headers: &HeaderMap) -> Found {
        let mut values = headers.get_all(self.config.header.as_str());
        let (first, second) = (values.next(), values.next());
        let Some(value) = first.filter(|value| !value.as_bytes().trim_ascii().is_empty()) else {
            // What an unset variable leaves behind is no key.
            return if second.is_some() { Found::Several } else { Found::None };
        };
        let Ok(key) = value.to_str().map(str::trim) else { return Found::Unknown };
        // RFC 9110 §5.3: a comma is how two fields of one name are written as one.
        if second.is_some() || key.contains([' ', ',', '\t']) || presented(headers) != Presented::Nothing {
            return Found::Several;
        }
        let known = self.config.prefixes.is_empty() || self.has_prefix(key);
        if known { self.judge(key, value) } else { Found::Unknown }
    }

    fn has_prefix(&self, key: &str) -> bool {
        self.config.prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }

    /// Every listed hash is compared, and in full: how long that takes says nothing of any.
    fn judge(&self, key: &str, value: &incoming::HeaderValue) -> Found {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
        let mut found = None;
        for listed in &self.config.keys {
            if bool::from(listed.sha256.ct_eq(&hash)) {
                found = Some(Arc::clone(listed));
            }
        }
        match (found, self.config.pass_through) {
            (Some(key), _) => Found::Mapped(key),
            (None, true) => self.passed_through(hash, value).map_or(Found::Unknown, Found::PassThrough),
            (None, false) => Found::Unknown,
        }
    }

    fn passed_through(&self, sha256: [u8; 32], value: &incoming::HeaderValue) -> Option<Arc<ApiKey>> {
        let fingerprint: String = sha256.iter().take(FINGERPRINT).map(|byte| format!("{byte:02x}")).collect();
        let mut value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        value.set_sensitive(true);
        let subject = format!("key:{fingerprint}");
        let name = subject.clone();
        let onward = Some((self.config.header.clone(), value));
        Some(Arc::new(ApiKey { name, subject, scope: self.config.scope.clone(), sha256, onward }))
    }
}

#[cfg(test)]
#[path = "api_keys_tests.rs"]
mod tests;
