//! The tables `[[issuer]]`, and what `[authorization_server]` has in common with them: whose tokens count beside those of
//! the authorization server, and how each issuer's tokens are checked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::access_token::Wording;
use gatelodge_oauth::resource::is_loopback;
use gatelodge_service::config::{HumanDuration, Problems, public_url, secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{Resource, http_url};

/// Another issuer whose tokens count.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIssuer {
    issuer: String,
    jwks_url: Option<String>,
    #[serde(default)]
    discovery: bool,
    status_list_url: Option<String>,
    #[serde(default = "status_list_interval")]
    status_list_interval: HumanDuration,
    #[serde(default)]
    require_status: bool,
    #[serde(default)]
    tokens: RawTokens,
    introspection: Option<RawIntrospection>,
}

/// For a server of others a longer pause than for ours.
fn status_list_interval() -> HumanDuration {
    HumanDuration::from_secs(10)
}

/// How its tokens are worded.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTokens {
    types: Vec<String>,
    client_id_claim: String,
    scope_claim: String,
}

impl Default for RawTokens {
    fn default() -> Self {
        let Wording { types, client_id_claim, scope_claim } = Wording::default();
        Self { types, client_id_claim, scope_claim }
    }
}

/// Where it is asked about opaque tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIntrospection {
    url: String,
    client_id: String,
    client_secret: Option<SecretString>,
    client_secret_file: Option<PathBuf>,
    #[serde(default)]
    token_prefix: String,
}

/// Secrets do not compare by themselves.
impl PartialEq for RawIntrospection {
    fn eq(&self, other: &Self) -> bool {
        let secret = |of: &Self| of.client_secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        secret(self) == secret(other)
            && (&self.url, &self.client_id, &self.client_secret_file, &self.token_prefix)
                == (&other.url, &other.client_id, &other.client_secret_file, &other.token_prefix)
    }
}

/// An issuer whose tokens count.
#[derive(Debug, Clone)]
pub struct IssuerConfig {
    /// The `iss` of its tokens, byte for byte.
    pub issuer: String,
    /// Where its keys are; `None` where it is asked about every token.
    pub keys: Option<KeySource>,
    /// Where it is told which of its tokens were revoked; `None` where nobody looks.
    pub status_list: Option<StatusListConfig>,
    /// How its tokens are worded.
    pub wording: Wording,
    /// Where it is asked about opaque tokens; `None` where it has none.
    pub introspection: Option<IntrospectionConfig>,
}

/// Where the keys of an issuer are (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// There.
    At(Url),
    /// Where its metadata says (RFC 8414, OpenID Connect Discovery 1.0).
    Discovered,
}

/// The status list of an issuer.
#[derive(Debug, Clone)]
pub struct StatusListConfig {
    /// How its tokens name it.
    pub uri: Arc<str>,
    /// Where it is.
    pub url: Url,
    /// Between two looks at it.
    pub interval: Duration,
    /// Whether only tokens pass that are known not to be revoked.
    pub is_required: bool,
}

/// An introspection endpoint (RFC 7662), and who we are there.
#[derive(Debug, Clone)]
pub struct IntrospectionConfig {
    /// The endpoint.
    pub url: Url,
    /// Our name.
    pub client_id: String,
    /// Our secret.
    pub client_secret: SecretString,
    /// How the tokens begin that it is asked about; empty: all.
    pub token_prefix: String,
}

impl RawIssuer {
    fn check(&self, key: &dyn Fn(&str) -> String, problems: &mut Problems) -> Option<IssuerConfig> {
        let issuer = identifier(&self.issuer, &key("issuer"), problems);
        let introspection = introspection(self.introspection.as_ref(), key, problems);
        let keys = match (&self.jwks_url, self.discovery) {
            (Some(_), true) => {
                problems.add(key("jwks_url"), "and discovery are both set", "remove one of the two");
                return None;
            }
            (Some(text), false) => Some(KeySource::At(http_url(text, &key("jwks_url"), problems)?)),
            (None, true) => Some(KeySource::Discovered),
            (None, false) if self.introspection.is_some() => None,
            (None, false) => {
                let hint = "set discovery = true, or name the place of its keys, or where it is asked about tokens";
                problems.add(key("jwks_url"), "is missing, and so are discovery and introspection", hint);
                return None;
            }
        };
        let status_list = self.status_list(keys.is_some(), key, problems);
        let wording = wording(&self.tokens, key, problems);
        Some(IssuerConfig { issuer: issuer?, keys, status_list, wording, introspection })
    }

    fn status_list(
        &self,
        has_keys: bool,
        key: &dyn Fn(&str) -> String,
        problems: &mut Problems,
    ) -> Option<StatusListConfig> {
        let interval = checked_interval(self.status_list_interval, &key("status_list_interval"), problems);
        let Some(text) = &self.status_list_url else {
            if self.require_status {
                let hint = "say with status_list_url where the status list is, or remove require_status";
                problems.add(key("require_status"), "is on, and nothing says which tokens were revoked", hint);
            }
            return None;
        };
        let url = http_url(text, &key("status_list_url"), problems)?;
        if !has_keys {
            let hint = "set jwks_url or discovery: the list is signed with the keys of the issuer";
            problems.add(key("status_list_url"), "cannot be checked without keys", hint);
        }
        Some(StatusListConfig { uri: text.as_str().into(), url, interval, is_required: self.require_status })
    }
}

/// The further issuers. Each must be told from all the others by what its tokens say.
pub(super) fn further(raw: &[RawIssuer], first: Option<&IssuerConfig>, problems: &mut Problems) -> Vec<IssuerConfig> {
    let mut checked: Vec<IssuerConfig> = first.cloned().into_iter().collect();
    for (index, raw) in raw.iter().enumerate() {
        let key = |name: &str| format!("issuer[{index}].{name}");
        if checked.iter().any(|other| other.issuer == raw.issuer) {
            let hint = "give each issuer one table; the authorization server has its own";
            problems.add(key("issuer"), format!("{:?} is there twice", raw.issuer), hint);
            continue;
        }
        let Some(issuer) = raw.check(&key, problems) else { continue };
        if let Some(introspection) = &issuer.introspection {
            let others = checked.iter().filter_map(|other| other.introspection.as_ref());
            if others.into_iter().any(|other| may_be_of_both(&other.token_prefix, &introspection.token_prefix)) {
                let hint = "give each issuer with introspection a token_prefix of its own: nobody is asked about the \
                            tokens of others";
                problems.add(
                    key("introspection.token_prefix"),
                    "leaves open which of two issuers a token is from",
                    hint,
                );
            }
        }
        checked.push(issuer);
    }
    checked
}

fn may_be_of_both(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Not held to our own canonical form: issuers of others may end in a slash, and only equality counts (RFC 8414 §3.3).
pub(super) fn identifier(text: &str, key: &str, problems: &mut Problems) -> Option<String> {
    // The slash is the only liberty: everything else is as strict as for our own public URL (RFC 8414 §2).
    public_url(text.strip_suffix('/').unwrap_or(text), key, problems).map(|_| text.to_owned())
}

pub(super) fn checked_interval(interval: HumanDuration, key: &str, problems: &mut Problems) -> Duration {
    if !(Duration::from_secs(1)..=Duration::from_secs(30)).contains(&interval.get()) {
        problems.add(key, format!("\"{interval}\" is not between \"1s\" and \"30s\""), "write \"2s\"");
    }
    interval.get()
}

/// `key` gives the names of the table that holds `tokens`.
pub(super) fn wording(raw: &RawTokens, key: &dyn Fn(&str) -> String, problems: &mut Problems) -> Wording {
    if raw.types.is_empty() || raw.types.iter().any(|typ| typ.is_empty() || typ.contains('/')) {
        let hint = "write \"at+jwt\", or what the header of its tokens names as typ, without \"application/\"";
        problems.add(key("tokens.types"), "is not a list of token types", hint);
    }
    for (name, claim, example) in [
        ("tokens.client_id_claim", &raw.client_id_claim, "client_id"),
        ("tokens.scope_claim", &raw.scope_claim, "scope"),
    ] {
        // One claim for two things: one of the two would not be checked as what it is.
        if claim.is_empty()
            || ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "status", "cnf"].contains(&claim.as_str())
        {
            let hint = format!("write \"{example}\", or what its tokens have in its place");
            problems.add(key(name), format!("{claim:?} is not the name of such a claim"), hint);
        }
    }
    let RawTokens { types, client_id_claim, scope_claim } = raw.clone();
    Wording { types, client_id_claim, scope_claim }
}

/// `key` gives the names of the table that holds `introspection`.
pub(super) fn introspection(
    raw: Option<&RawIntrospection>,
    key: &dyn Fn(&str) -> String,
    problems: &mut Problems,
) -> Option<IntrospectionConfig> {
    let raw = raw?;
    let url = http_url(&raw.url, &key("introspection.url"), problems).filter(|url| {
        let is_safe = url.scheme() == "https" || is_loopback(url);
        if !is_safe {
            let hint = "write an https URL; http is accepted for localhost only (RFC 7662 section 4)";
            problems.add(key("introspection.url"), format!("{:?} is not https", raw.url), hint);
        }
        is_safe
    });
    if raw.client_id.is_empty() {
        let hint = "write the name under which this server is known there";
        problems.add(key("introspection.client_id"), "is empty", hint);
    }
    let name = key("introspection.client_secret");
    let is_missing = raw.client_secret.is_none() && raw.client_secret_file.is_none();
    let client_secret = secret(raw.client_secret.clone(), raw.client_secret_file.clone(), &name, problems);
    if is_missing {
        let hint = "set client_secret_file, or client_secret by the environment";
        problems.add(name, "is missing: an introspection endpoint answers only those whom it knows", hint);
    }
    let (client_id, token_prefix) = (raw.client_id.clone(), raw.token_prefix.clone());
    Some(IntrospectionConfig { url: url?, client_id, client_secret: client_secret?, token_prefix })
}

/// RFC 9068 §4: a token is for the resource that it names, and so no name may stand for two.
pub(super) fn audiences_apart(resources: &[Resource], problems: &mut Problems) {
    for (index, resource) in resources.iter().enumerate() {
        for (i, audience) in resource.audiences.iter().enumerate() {
            let key = format!("resource[{index}].audiences[{i}]");
            let is_taken = |(other_index, other): (usize, &Resource)| {
                other_index != index
                    && (is_slash_form(other.id.as_str(), audience) || other.audiences.contains(audience))
            };
            if audience.is_empty() {
                problems.add(key, "is empty", "write what tokens for this resource name as aud, or remove it");
            } else if resources.iter().enumerate().any(is_taken) {
                let says = format!("{audience:?} is the name of another resource too");
                problems.add(key, says, "give each resource a name of its own at the issuer");
            }
        }
    }
}

/// Whether both are the same but for one slash at the end.
fn is_slash_form(one: &str, other: &str) -> bool {
    one.strip_suffix('/').unwrap_or(one) == other.strip_suffix('/').unwrap_or(other)
}
