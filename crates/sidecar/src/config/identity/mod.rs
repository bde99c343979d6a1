//! The table `[resource.identity]`: what the MCP server is told about the caller.

use std::path::PathBuf;

use gatelodge_service::config::Problems;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::headers::squash;
use credential::RawCredential;

pub use credential::{CredentialConfig, CredentialSource, ExchangeConfig, MapConfig, WebhookConfig};

mod credential;

/// The only header of our own prefix that an assertion may be sent in.
const ASSERTION_HEADER: &str = "X-Mcp-Auth-Assertion";

/// What a configured header must not be, nor be the beginning of, squashed: it is the protocol's, the connection's or ours.
const TAKEN: [&str; 21] = [
    "accept",
    "baggage",
    "cachecontrol",
    "connection",
    "content",
    "expect",
    "forwarded",
    "host",
    "lasteventid",
    "mcp",
    "origin",
    "proxy",
    "traceparent",
    "tracestate",
    "trailer",
    "transferencoding",
    "upgrade",
    "useragent",
    "xforwarded",
    "xmcpauth",
    "xrealip",
];

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawIdentity {
    kind: RawKind,
    assertion: Option<RawAssertion>,
    credential: Option<RawCredential>,
    context: Vec<RawContextRule>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawKind {
    #[default]
    Headers,
    Assertion,
    Credential,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawAssertion {
    key_file: PathBuf,
    audience: Option<String>,
    header: String,
}

impl Default for RawAssertion {
    fn default() -> Self {
        let key_file = PathBuf::from("data/identity-key.pem");
        Self { key_file, audience: None, header: ASSERTION_HEADER.into() }
    }
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawContextRule {
    value: String,
    issuer: Option<String>,
    subject: Option<String>,
    client_id: Option<String>,
    scope: Option<String>,
    api_key: Option<String>,
    #[serde(default)]
    anonymous: bool,
}

/// A secret as written; never shown.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
struct Hidden(SecretString);

impl PartialEq for Hidden {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

/// What the MCP server is told.
#[derive(Debug, Clone)]
pub struct IdentityConfig {
    /// In which form.
    pub kind: IdentityKind,
    /// The operator's own word for callers: the first rule that fits counts.
    pub context: Vec<ContextRule>,
}

/// The form.
#[derive(Debug, Clone)]
pub enum IdentityKind {
    /// `X-Mcp-Auth-Sub` and its like.
    Headers,
    /// A JWT.
    Assertion(AssertionConfig),
    /// What the MCP server accepts already.
    Credential(Box<CredentialConfig>),
}

/// How assertions are signed and sent.
#[derive(Debug, Clone)]
pub struct AssertionConfig {
    /// The private key; made at the first start.
    pub key_file: PathBuf,
    /// The `aud` of each.
    pub audience: String,
    /// Where each is sent.
    pub header: HeaderName,
}

/// One value for callers of whom all of this holds; what is `None` holds for everybody.
#[derive(Debug, Clone)]
pub struct ContextRule {
    /// What the MCP server gets.
    pub value: HeaderValue,
    /// Whose names the next three are; `None` for `authorization_server.issuer`.
    pub issuer: Option<String>,
    /// The caller's subject.
    pub subject: Option<String>,
    /// Its client.
    pub client_id: Option<String>,
    /// One scope that it has.
    pub scope: Option<String>,
    /// The name of its API key.
    pub api_key: Option<String>,
    /// For callers that nobody knows, and for no others.
    pub anonymous: bool,
}

impl RawIdentity {
    /// Converts, or notes what is wrong. `upstream` is the audience of assertions where nothing else is said, `api_keys` are
    /// the names of the keys that rules can mean.
    pub fn check(
        self,
        upstream: &str,
        api_keys: &[&str],
        key: &str,
        problems: &mut Problems,
    ) -> Option<IdentityConfig> {
        for (table, is_there, belongs_to) in [
            ("assertion", self.assertion.is_some(), RawKind::Assertion),
            ("credential", self.credential.is_some(), RawKind::Credential),
        ] {
            if is_there && self.kind != belongs_to {
                let hint = format!("write kind = \"{table}\" in {key}, or remove the table");
                problems.add(format!("{key}.{table}"), "is there, and kind says something else", hint);
            }
        }
        let rules = self.context.into_iter().enumerate();
        let rules = rules.map(|(i, rule)| rule.check(api_keys, &format!("{key}.context[{i}]"), problems));
        let context: Vec<Option<ContextRule>> = rules.collect();
        let kind = match self.kind {
            RawKind::Headers => IdentityKind::Headers,
            RawKind::Assertion => {
                let raw = self.assertion.unwrap_or_default();
                IdentityKind::Assertion(raw.check(upstream, &format!("{key}.assertion"), problems)?)
            }
            RawKind::Credential => {
                let Some(raw) = self.credential else {
                    let hint = "add [resource.identity.credential] with value, or a table of it for another source";
                    problems.add(format!("{key}.credential"), "is missing, and kind is \"credential\"", hint);
                    return None;
                };
                IdentityKind::Credential(Box::new(raw.check(&format!("{key}.credential"), problems)?))
            }
        };
        Some(IdentityConfig { kind, context: context.into_iter().collect::<Option<_>>()? })
    }
}

impl RawAssertion {
    fn check(self, upstream: &str, key: &str, problems: &mut Problems) -> Option<AssertionConfig> {
        let at = format!("{key}.header");
        let header = if self.header.eq_ignore_ascii_case(ASSERTION_HEADER) {
            HeaderName::from_bytes(ASSERTION_HEADER.as_bytes()).ok()
        } else {
            header_name(&self.header, &at, problems)
        };
        let audience = self.audience.unwrap_or_else(|| upstream.to_owned());
        if audience.is_empty() {
            problems.add(format!("{key}.audience"), "is empty", "remove it: the URL of the MCP server is assumed");
        }
        Some(AssertionConfig { key_file: self.key_file, audience, header: header? })
    }
}

impl RawContextRule {
    fn check(self, api_keys: &[&str], key: &str, problems: &mut Problems) -> Option<ContextRule> {
        let names = [&self.issuer, &self.subject, &self.client_id, &self.scope, &self.api_key];
        if self.anonymous && names.iter().any(|name| name.is_some()) {
            let hint = "write a rule of its own for callers without a token";
            problems.add(format!("{key}.anonymous"), "stands beside what only known callers have", hint);
            return None;
        }
        if let Some(name) = self.api_key.as_deref().filter(|name| !api_keys.contains(name)) {
            let hint =
                "write the name of one [[resource.api_keys.key]]; keys that are passed through get no context value";
            problems.add(format!("{key}.api_key"), format!("there is no API key {name:?}"), hint);
            return None;
        }
        let is_plain = !self.value.is_empty() && self.value.bytes().all(|byte| byte.is_ascii_graphic());
        let Some(value) = HeaderValue::try_from(&self.value).ok().filter(|_| is_plain) else {
            let says = format!("{:?} is not one word of visible ASCII", self.value);
            problems.add(
                format!("{key}.value"),
                says,
                "write what the MCP server calls such callers, for instance \"agent\"",
            );
            return None;
        };
        let Self { issuer, subject, client_id, scope, api_key, anonymous, .. } = self;
        Some(ContextRule { value, issuer, subject, client_id, scope, api_key, anonymous })
    }
}

/// A header that the operator chose for a credential or a key.
pub(super) fn header_name(text: &str, key: &str, problems: &mut Problems) -> Option<HeaderName> {
    let Ok(name) = HeaderName::from_bytes(text.as_bytes()) else {
        problems.add(key, format!("{text:?} is not the name of a header"), "write it like \"X-Api-Key\"");
        return None;
    };
    let squashed = squash(name.as_str());
    // Whatever begins like it is dropped from requests, so it must not be short.
    let takes = TAKEN.iter().any(|taken| squashed.starts_with(taken) || taken.starts_with(&squashed));
    if squashed.len() < 4 || takes {
        let says = format!("{text:?} is a header of the protocol, of the connection or of this sidecar's own");
        problems.add(key, says, "choose another, for instance \"Authorization\" or \"X-Api-Key\"");
        return None;
    }
    Some(name)
}
