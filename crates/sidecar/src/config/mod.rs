//! What the operator writes (`RawConfig`) and what the rest works with (`Config`). Every problem is reported, not the first.
//!
//! `config/sidecar.toml` documents each key; a test holds it to the defaults here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use gatelodge_service::config::{Problems, PublicUrl, listeners, public_url};
use gatelodge_service::http::source::TrustedProxies;
use gatelodge_service::logs::LogsConfig;
use serde::Deserialize;
use url::Url;

use crate::relay;
use audit::RawAudit;
use authorization_server::RawAuthorizationServer;
use issuer::RawIssuer;
use limits::RawLimits;
use resource::RawResource;

pub use api_keys::ApiKeysConfig;
pub use audit::AuditConfig;
pub use identity::{
    AssertionConfig, ContextRule, CredentialConfig, CredentialSource, ExchangeConfig, IdentityConfig, IdentityKind,
    MapConfig, WebhookConfig,
};
pub use issuer::{IntrospectionConfig, IssuerConfig, KeySource, StatusListConfig};
pub use legacy_sse::LegacySse;
pub use limits::Limits;
pub use resource::Resource;
pub use tools::{ToolChallenges, ToolConfig};

mod access;
mod api_keys;
mod audit;
mod authorization_server;
mod bounds;
mod identity;
mod issuer;
mod legacy_sse;
mod limits;
mod resource;
mod tools;
mod well_known;

/// `GATELODGE_SIDECAR__PUBLIC_URL` overrides `public_url`.
pub const ENV_PREFIX: &str = "GATELODGE_SIDECAR";

/// Longer lets tokens live on that should have ended.
const MAX_CLOCK_LEEWAY: Duration = Duration::from_secs(120);

/// The file, as written.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    public_url: String,
    #[serde(default = "defaults::listen")]
    listen: String,
    #[serde(default = "defaults::health_listen")]
    health_listen: String,
    #[serde(default)]
    trusted_proxies: Vec<String>,
    #[serde(default)]
    authorization_server: RawAuthorizationServer,
    #[serde(default)]
    issuer: Vec<RawIssuer>,
    #[serde(default)]
    resource: Vec<RawResource>,
    #[serde(default)]
    well_known: BTreeMap<String, String>,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    audit: RawAudit,
    #[serde(default)]
    logs: LogsConfig,
    #[serde(default)]
    development: RawDevelopment,
}

#[derive(Debug, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawDevelopment {
    allow_unsafe_values: bool,
}

mod defaults {
    pub fn listen() -> String {
        "127.0.0.1:8080".into()
    }

    pub fn health_listen() -> String {
        "127.0.0.1:8081".into()
    }
}

/// The configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The origin that people connect to.
    pub public_url: PublicUrl,
    /// Where requests arrive.
    pub listen: SocketAddr,
    /// Where `/health/*` is answered.
    pub health_listen: SocketAddr,
    /// The proxies in front, whose word on the address of a client counts.
    pub trusted_proxies: TrustedProxies,
    /// The authorization server that clients are sent to, byte for byte.
    pub issuer: String,
    /// Whose tokens count, at least one: the authorization server, then the others.
    pub issuers: Vec<IssuerConfig>,
    /// How far their clocks may be off (RFC 7519 §4.1.4).
    pub clock_leeway: Duration,
    /// Where the authorization server is reached; its own paths are forwarded there.
    pub relay: Option<Url>,
    /// The protected MCP servers, at least one.
    pub resources: Vec<Resource>,
    /// Texts under `/.well-known/`, by name.
    pub well_known: BTreeMap<String, String>,
    /// What clients may hold.
    pub limits: Limits,
    /// Where decisions are sent beside the log.
    pub audit: Option<AuditConfig>,
    /// The logs.
    pub logs: LogsConfig,
    /// Said again at each start.
    pub unsafe_values_allowed: bool,
}

impl Config {
    /// How much of the memory for bodies one user may fill: a quarter, and one body in any case.
    pub fn body_share(&self) -> usize {
        let largest = self.resources.iter().map(|resource| resource.body_limit).max().unwrap_or_default();
        largest.max(self.limits.body_memory / 4)
    }
}

impl RawConfig {
    /// Converts, or says everything that is wrong.
    pub fn check(self) -> Result<Config, Problems> {
        let mut problems = Problems::default();
        let origin = public_origin(&self.public_url, &mut problems);
        let listeners = listeners(&self.listen, &self.health_listen, &mut problems);
        let trusted_proxies = TrustedProxies::from_config(&self.trusted_proxies, "trusted_proxies", &mut problems);
        let server = self.authorization_server.check(&self.public_url, origin.as_ref(), &mut problems);
        let unsafe_values_allowed = self.development.allow_unsafe_values;
        let clock_leeway = self.authorization_server.clock_leeway.get();
        if !unsafe_values_allowed && clock_leeway > MAX_CLOCK_LEEWAY {
            let says = format!("\"{}\" is not between \"0s\" and \"2m\"", self.authorization_server.clock_leeway);
            problems.add("authorization_server.clock_leeway", says, "write \"30s\", and keep both clocks right");
        }
        let audit = self.audit.check(&mut problems);
        let has_audit = audit.is_some();
        well_known::check(&self.well_known, &mut problems);
        let limits = self.limits.check(unsafe_values_allowed, &mut problems);
        let issuers = issuer::further(&self.issuer, server.as_ref().map(|server| &server.issuer), &mut problems);
        let resources = resource::check(self.resource, origin.as_ref(), unsafe_values_allowed, &mut problems);
        limits.hold(&resources, &mut problems);
        audit::needed_for_tools(&resources, has_audit, &mut problems);
        api_keys::apart_from_tokens(&resources, &issuers, &mut problems);
        if let (Some(server), Some(origin)) = (&server, &origin)
            && server.relay.is_some()
        {
            apart_from_relay(&resources, &relay::paths(&server.issuer.issuer, origin), &mut problems);
        }
        match (origin, listeners, server) {
            (Some(public_url), Some((listen, health_listen)), Some(server)) if problems.is_empty() => {
                let (issuer, relay, logs) = (server.issuer.issuer, server.relay, self.logs);
                Ok(Config {
                    public_url,
                    listen,
                    health_listen,
                    trusted_proxies,
                    issuer,
                    issuers,
                    clock_leeway,
                    relay,
                    resources,
                    well_known: self.well_known,
                    limits,
                    audit,
                    logs,
                    unsafe_values_allowed,
                })
            }
            _ => Err(problems),
        }
    }
}

fn public_origin(text: &str, problems: &mut Problems) -> Option<PublicUrl> {
    let url = public_url(text, "public_url", problems)?;
    if !url.path().is_empty() {
        let hint = format!("write \"{}\" here, and the path as path of a [[resource]]", url.origin());
        problems.add("public_url", format!("{text:?} has a path"), hint);
        return None;
    }
    Some(url)
}

fn http_url(text: &str, key: &str, problems: &mut Problems) -> Option<Url> {
    let example = "write a URL as this machine reaches it, for instance \"http://my-mcp:3000/mcp\"";
    let Some(url) = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    else {
        problems.add(key, format!("{text:?} is not an http or https URL"), example);
        return None;
    };
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        // Not shown: what stands before the @ may be a password.
        problems.add(key, "has a user name, a password or a fragment", example);
        return None;
    }
    Some(url)
}

fn apart_from_relay(resources: &[Resource], paths: &relay::Paths, problems: &mut Problems) {
    for (index, resource) in resources.iter().enumerate() {
        let legacy = resource.legacy_sse.iter();
        let legacy =
            legacy.flat_map(|l| [("legacy_sse.sse_path", &l.sse_path), ("legacy_sse.message_path", &l.message_path)]);
        for (name, path) in [("path", &resource.path)].into_iter().chain(legacy) {
            if paths.contain(path) {
                let says = format!("{path:?} is a path of the authorization server");
                problems.add(format!("resource[{index}].{name}"), says, "choose another, for instance \"/mcp\"");
            }
        }
    }
}
