//! The table `[resource.identity.credential]`: the header, and the one source of what stands in it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use gatelodge_service::config::{HumanDuration, Problems, secret};
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::{Hidden, header_name};
use crate::config::http_url;
use crate::identity::{Entries, Format};

/// Longer lets somebody keep what was taken away; shorter makes the requests of one caller wait for each other.
const SAFE_CACHE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCredential {
    header: String,
    format: String,
    anonymous: Option<Hidden>,
    anonymous_file: Option<PathBuf>,
    value: Option<Hidden>,
    value_file: Option<PathBuf>,
    map: Option<RawMap>,
    webhook: Option<RawWebhook>,
    exchange: Option<RawExchange>,
}

impl Default for RawCredential {
    fn default() -> Self {
        Self {
            header: "Authorization".into(),
            format: "Bearer {credential}".into(),
            anonymous: None,
            anonymous_file: None,
            value: None,
            value_file: None,
            map: None,
            webhook: None,
            exchange: None,
        }
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawMap {
    entries: Option<BTreeMap<String, Hidden>>,
    entries_file: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWebhook {
    url: String,
    secret: Option<Hidden>,
    secret_file: Option<PathBuf>,
    #[serde(default = "cache_for")]
    cache_for: HumanDuration,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExchange {
    token_endpoint: String,
    client_id: String,
    client_secret: Option<Hidden>,
    client_secret_file: Option<PathBuf>,
    audience: Option<String>,
    resource: Option<String>,
    scope: Option<String>,
    #[serde(default = "cache_for")]
    cache_for: HumanDuration,
}

fn cache_for() -> HumanDuration {
    HumanDuration::from_secs(300)
}

/// The upstream's own kind of credential.
#[derive(Debug, Clone)]
pub struct CredentialConfig {
    /// Where it is sent.
    pub header: HeaderName,
    /// How it is written there.
    pub format: Format,
    /// What is sent there for callers that nobody knows.
    pub anonymous: Option<HeaderValue>,
    /// Where it comes from.
    pub source: CredentialSource,
}

/// Where credentials come from.
#[derive(Debug, Clone)]
pub enum CredentialSource {
    /// The same for everybody.
    Static(HeaderValue),
    /// What the operator wrote down.
    Map(MapConfig),
    /// The operator's program.
    Webhook(WebhookConfig),
    /// RFC 8693.
    Exchange(ExchangeConfig),
}

/// Credentials by name.
#[derive(Debug, Clone)]
pub struct MapConfig {
    /// What is there at the start.
    pub entries: Entries,
    /// Where it is read again.
    pub file: Option<PathBuf>,
}

/// A program that is asked.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// Where.
    pub url: Url,
    /// How it knows us.
    pub secret: SecretString,
    /// The longest that an answer is used.
    pub cache_for: Duration,
}

/// An authorization server that exchanges tokens.
#[derive(Debug, Clone)]
pub struct ExchangeConfig {
    /// Where.
    pub token_endpoint: Url,
    /// Who we are there.
    pub client_id: String,
    /// How it knows us.
    pub client_secret: SecretString,
    /// RFC 8693 §2.1, as the next two.
    pub audience: Option<String>,
    /// The same.
    pub resource: Option<String>,
    /// The same.
    pub scope: Option<String>,
    /// The longest that a token is used.
    pub cache_for: Duration,
}

impl RawCredential {
    /// Converts, or notes what is wrong.
    pub fn check(self, key: &str, problems: &mut Problems) -> Option<CredentialConfig> {
        let header = header_name(&self.header, &format!("{key}.header"), problems);
        let format = Format::new(&self.format);
        if format.is_none() {
            let hint = "write {credential} once where it goes: \"Bearer {credential}\"";
            problems.add(format!("{key}.format"), "cannot be used", hint);
        }
        let format = format?;
        let anonymous = (self.anonymous, self.anonymous_file);
        let anonymous = value(anonymous, &format!("{key}.anonymous"), &format, problems);
        let has_value = self.value.is_some() || self.value_file.is_some();
        let tables = [self.map.is_some(), self.webhook.is_some(), self.exchange.is_some()];
        if usize::from(has_value) + tables.iter().filter(|there| **there).count() != 1 {
            let hint = "give exactly one of: value (or value_file), and the tables map, webhook and exchange";
            problems.add(key, "does not say where credentials come from, or says it twice", hint);
            return None;
        }
        let source = if let Some(map) = self.map {
            CredentialSource::Map(map.check(&format!("{key}.map"), &format, problems)?)
        } else if let Some(webhook) = self.webhook {
            CredentialSource::Webhook(webhook.check(&format!("{key}.webhook"), problems)?)
        } else if let Some(exchange) = self.exchange {
            CredentialSource::Exchange(exchange.check(&format!("{key}.exchange"), problems)?)
        } else {
            let given = (self.value, self.value_file);
            CredentialSource::Static(value(given, &format!("{key}.value"), &format, problems)?)
        };
        Some(CredentialConfig { header: header?, format, anonymous, source })
    }
}

/// A secret that is the same for many, as its header.
fn value(
    (given, file): (Option<Hidden>, Option<PathBuf>),
    key: &str,
    format: &Format,
    problems: &mut Problems,
) -> Option<HeaderValue> {
    let secret = secret(given.map(|hidden| hidden.0), file, key, problems)?;
    let value = format.value(secret.expose_secret());
    if value.is_none() {
        problems.add(key, "has characters that a header cannot hold", "write visible ASCII in one line");
    }
    value
}

impl RawMap {
    fn check(self, key: &str, format: &Format, problems: &mut Problems) -> Option<MapConfig> {
        let key = format!("{key}.entries");
        match (self.entries, self.entries_file) {
            (Some(entries), None) => {
                let pairs = entries.iter().map(|(name, hidden)| (name.as_str(), hidden.0.expose_secret()));
                match Entries::new(pairs, format) {
                    Ok(entries) => return Some(MapConfig { entries, file: None }),
                    Err(says) => problems.add(key, says, "write one line for each: \"user_1\" = \"…\""),
                }
            }
            (None, Some(file)) => {
                let entries = Entries::read(&file, format, &key, problems)?;
                return Some(MapConfig { entries, file: Some(file) });
            }
            _ => {
                let hint = "write either entries, or entries_file with the path of a file that holds them";
                problems.add(key, "is missing, or there beside entries_file", hint);
            }
        }
        None
    }
}

impl RawWebhook {
    fn check(self, key: &str, problems: &mut Problems) -> Option<WebhookConfig> {
        let url = http_url(&self.url, &format!("{key}.url"), problems);
        let secret = required((self.secret, self.secret_file), &format!("{key}.secret"), problems);
        let cache_for = safe_cache(self.cache_for, key, problems);
        Some(WebhookConfig { url: url?, secret: secret?, cache_for })
    }
}

impl RawExchange {
    fn check(self, key: &str, problems: &mut Problems) -> Option<ExchangeConfig> {
        let url = http_url(&self.token_endpoint, &format!("{key}.token_endpoint"), problems);
        let secret = (self.client_secret, self.client_secret_file);
        let client_secret = required(secret, &format!("{key}.client_secret"), problems);
        let cache_for = safe_cache(self.cache_for, key, problems);
        Some(ExchangeConfig {
            token_endpoint: url?,
            client_id: self.client_id,
            client_secret: client_secret?,
            audience: self.audience,
            resource: self.resource,
            scope: self.scope,
            cache_for,
        })
    }
}

fn required(
    (given, file): (Option<Hidden>, Option<PathBuf>),
    key: &str,
    problems: &mut Problems,
) -> Option<SecretString> {
    if given.is_none() && file.is_none() {
        problems.add(key, "is missing", format!("write the secret here, or the path of its file as {key}_file"));
    }
    secret(given.map(|hidden| hidden.0), file, key, problems)
}

fn safe_cache(cache_for: HumanDuration, key: &str, problems: &mut Problems) -> Duration {
    if !SAFE_CACHE.contains(&cache_for.get()) {
        let says = format!("\"{cache_for}\" is not between \"1s\" and \"1h\"");
        problems.add(format!("{key}.cache_for"), says, "write \"5m\"");
    }
    cache_for.get()
}
