//! The table `[resource.api_keys]`: keys from before, which go on working beside access tokens.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatelodge_oauth::scope::Scope;
use gatelodge_service::config::Problems;
use reqwest::header::{AUTHORIZATION, HeaderName};
use serde::Deserialize;

use super::identity::header_name;
use super::issuer::IssuerConfig;
use super::resource::{Resource, scope};
use crate::api_keys::ApiKey;

/// Shorter, and access tokens could begin with it by chance.
const SHORTEST_PREFIX: usize = 4;

/// How every secret of the authorization server begins.
const OUR_SECRETS: &str = "gatelodge_";

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawApiKeys {
    header: String,
    prefixes: Vec<String>,
    pass_through: bool,
    scopes: Option<Vec<String>>,
    key: Vec<RawApiKey>,
}

impl Default for RawApiKeys {
    fn default() -> Self {
        let header = "authorization".into();
        Self { header, prefixes: Vec::new(), pass_through: false, scopes: None, key: Vec::new() }
    }
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawApiKey {
    name: String,
    sha256: String,
    subject: String,
    scopes: Vec<String>,
}

/// The keys of one resource.
#[derive(Debug, Clone)]
pub struct ApiKeysConfig {
    /// Where they come.
    pub header: HeaderName,
    /// How they begin.
    pub prefixes: Vec<String>,
    /// Whether those that are not listed are for the MCP server to check.
    pub pass_through: bool,
    /// What such may do; `None` where only the MCP server limits them.
    pub scope: Option<Scope>,
    /// Those that are listed.
    pub keys: Vec<Arc<ApiKey>>,
}

impl RawApiKeys {
    /// The names of the listed keys.
    pub fn names(&self) -> Vec<&str> {
        self.key.iter().map(|key| key.name.as_str()).collect()
    }

    /// Converts, or notes what is wrong.
    pub fn check(self, key: &str, problems: &mut Problems) -> Option<ApiKeysConfig> {
        let header = header_name(&self.header, &format!("{key}.header"), problems);
        for (i, prefix) in self.prefixes.iter().enumerate() {
            check_prefix(prefix, &format!("{key}.prefixes[{i}]"), problems);
        }
        if self.prefixes.is_empty() && header.as_ref() == Some(&AUTHORIZATION) {
            let hint =
                "name how your keys begin, for instance \"acme_key_\", or the header of their own that they come in";
            problems.add(format!("{key}.prefixes"), "is empty, so nothing tells a key from an access token", hint);
        }
        if !self.pass_through && self.key.is_empty() {
            let hint =
                "list keys as [[resource.api_keys.key]], or write pass_through = true: then the MCP server checks them";
            problems.add(format!("{key}.key"), "there is no key", hint);
        }
        if !self.pass_through && self.scopes.is_some() {
            let hint = "remove it: each [[resource.api_keys.key]] has scopes of its own";
            problems.add(format!("{key}.scopes"), "is for keys that are passed through", hint);
        }
        let limit = self.scopes.map(|names| scope(&names, &format!("{key}.scopes"), problems));
        let keys = mapped(self.key, key, problems)?;
        let limit = limit.map_or(Some(None), |scope| scope.map(Some))?;
        let (prefixes, pass_through) = (self.prefixes, self.pass_through);
        Some(ApiKeysConfig { header: header?, prefixes, pass_through, scope: limit, keys })
    }
}

fn check_prefix(prefix: &str, key: &str, problems: &mut Problems) {
    let is_plain = prefix.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    if prefix.len() < SHORTEST_PREFIX || !is_plain {
        let says =
            format!("{prefix:?} is shorter than {SHORTEST_PREFIX} characters, or has some that a key cannot have");
        problems.add(key, says, "write all that your keys begin with, for instance \"acme_key_\"");
    } else if begins_a_jwt(prefix) || prefix.starts_with(OUR_SECRETS) || OUR_SECRETS.starts_with(prefix) {
        let says = format!("{prefix:?} is how tokens begin");
        problems.add(key, says, "only keys of the MCP server's own can be let in here, not tokens");
    }
}

/// RFC 7515 §3.1: a JWT begins with a JSON object in base64url, most often `eyJ`, with white space in it otherwise.
fn begins_a_jwt(prefix: &str) -> bool {
    let first = prefix.get(..4).and_then(|four| URL_SAFE_NO_PAD.decode(four).ok());
    matches!(first.as_deref(), Some([b'{', b'"' | b' ' | b'\t' | b'\r' | b'\n' | b'}', ..]))
}

/// With a prefix that every token of an issuer has, all of them would be taken for keys. A longer one is good: no token has it but
/// by chance.
pub(super) fn apart_from_tokens(resources: &[Resource], issuers: &[IssuerConfig], problems: &mut Problems) {
    let of_tokens: Vec<&str> = issuers
        .iter()
        .filter_map(|issuer| Some(issuer.introspection.as_ref()?.token_prefix.as_str()))
        .filter(|prefix| !prefix.is_empty())
        .collect();
    for (index, resource) in resources.iter().enumerate() {
        let keys = resource.api_keys.iter().filter(|keys| keys.header == AUTHORIZATION);
        for (i, prefix) in keys.flat_map(|keys| &keys.prefixes).enumerate() {
            if let Some(tokens) = of_tokens.iter().find(|tokens| tokens.starts_with(prefix.as_str())) {
                let says = format!("{prefix:?} is how tokens begin too: a token_prefix is {tokens:?}");
                let hint = "write more of what your keys begin with, so that no token does";
                problems.add(format!("resource[{index}].api_keys.prefixes[{i}]"), says, hint);
            }
        }
    }
}

fn mapped(raw: Vec<RawApiKey>, key: &str, problems: &mut Problems) -> Option<Vec<Arc<ApiKey>>> {
    let mut keys: Vec<Arc<ApiKey>> = Vec::new();
    let mut are_good = true;
    for (i, raw) in raw.into_iter().enumerate() {
        let key = |name: &str| format!("{key}.key[{i}].{name}");
        if raw.name.is_empty() || keys.iter().any(|other| other.name == raw.name) {
            problems.add(
                key("name"),
                format!("{:?} is empty or there twice", raw.name),
                "give each key a name for the log",
            );
        }
        if raw.subject.is_empty() {
            problems.add(key("subject"), "is empty", "write whom the key stands for");
        }
        let sha256 = sha256(&raw.sha256);
        if sha256.is_none_or(|sha256| keys.iter().any(|other| other.sha256 == sha256)) {
            let hint = "write the 64 hexadecimal digits of: printf %s \"$KEY\" | sha256sum";
            problems.add(key("sha256"), "is not the SHA-256 of a key, or there twice", hint);
        }
        match (sha256, scope(&raw.scopes, &key("scopes"), problems)) {
            (Some(sha256), Some(scope)) => {
                keys.push(Arc::new(ApiKey::mapped(raw.name, raw.subject, scope, sha256)));
            }
            _ => are_good = false,
        }
    }
    are_good.then_some(keys)
}

fn sha256(hex: &str) -> Option<[u8; 32]> {
    let digits = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut bytes = [0; 32];
    for (i, byte) in bytes.iter_mut().enumerate().filter(|_| digits) {
        *byte = u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    digits.then_some(bytes)
}
