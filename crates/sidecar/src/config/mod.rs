//! What the operator writes (`RawConfig`) and what the rest works with (`Config`). Every problem is reported, not the first.
//!
//! `config/sidecar.toml` documents each key; a test holds it to the defaults here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::scope::Scope;
use gatelodge_service::config::{HumanDuration, Problems, PublicUrl, listeners, public_url};
use gatelodge_service::http::source::TrustedProxies;
use gatelodge_service::logs::LogsConfig;
use serde::Deserialize;
use url::Url;

use crate::front_door;
use crate::policy::Policy;
use crate::relay;
use crate::sessions;
use access::{RawAccess, RawLogin};
use authorization_server::{AuthorizationServer, RawAuthorizationServer};
use limits::RawLimits;

pub use authorization_server::StatusListConfig;
pub use limits::Limits;

mod access;
mod authorization_server;
mod limits;

/// `GATELODGE_SIDECAR__PUBLIC_URL` overrides `public_url`.
pub const ENV_PREFIX: &str = "GATELODGE_SIDECAR";

/// Longer lets tokens live on that should have ended.
const MAX_CLOCK_LEEWAY: Duration = Duration::from_secs(120);

/// Shorter cuts off tools that people wait for; longer keeps dead connections.
const SAFE_RESPONSE_TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_secs(3600);

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
    resource: Vec<RawResource>,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    logs: LogsConfig,
    #[serde(default)]
    development: RawDevelopment,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawResource {
    path: String,
    upstream: String,
    upstream_socket: Option<PathBuf>,
    upstream_ca_file: Option<PathBuf>,
    name: Option<String>,
    #[serde(default = "defaults::scopes")]
    scopes: Vec<String>,
    #[serde(default)]
    allowed_origins: Vec<String>,
    #[serde(default = "defaults::response_timeout")]
    response_timeout: HumanDuration,
    #[serde(default)]
    login: RawLogin,
    #[serde(default)]
    unknown_sessions: RawUnknownSessions,
    #[serde(default)]
    access: RawAccess,
    #[serde(default)]
    implies: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawUnknownSessions {
    #[default]
    Refuse,
    Adopt,
}

#[derive(Debug, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawDevelopment {
    allow_unsafe_values: bool,
}

mod defaults {
    use super::HumanDuration;

    pub fn listen() -> String {
        "127.0.0.1:8080".into()
    }

    pub fn health_listen() -> String {
        "127.0.0.1:8081".into()
    }

    pub fn scopes() -> Vec<String> {
        vec!["mcp:use".into()]
    }

    /// What the most patient of the known clients waits for a tool.
    pub fn response_timeout() -> HumanDuration {
        HumanDuration::from_secs(300)
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
    /// The `iss` of every acceptable token, byte for byte.
    pub issuer: String,
    /// Where its keys are (RFC 7517).
    pub jwks_url: Url,
    /// Where it is told which tokens were revoked; `None` where nobody looks.
    pub status_list: Option<StatusListConfig>,
    /// How far its clock may be off (RFC 7519 §4.1.4).
    pub clock_leeway: Duration,
    /// Where the authorization server is reached; its own paths are forwarded there.
    pub relay: Option<Url>,
    /// The protected MCP servers, at least one.
    pub resources: Vec<Resource>,
    /// What clients may hold.
    pub limits: Limits,
    /// The logs.
    pub logs: LogsConfig,
    /// Said again at each start.
    pub unsafe_values_allowed: bool,
}

/// One protected MCP server.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its path on the public origin: `/`, or without a slash at the end.
    pub path: String,
    /// Its identifier and the audience of its tokens (RFC 8707 §2): what people type.
    pub id: ResourceId,
    /// Where requests are forwarded to.
    pub upstream: Url,
    /// The file that it listens on, where it has no port.
    pub upstream_socket: Option<PathBuf>,
    /// Certificates that it is believed with, beside those of the machine.
    pub upstream_ca_file: Option<PathBuf>,
    /// Its name for people.
    pub name: Option<String>,
    /// Who may do what.
    pub policy: Arc<Policy>,
    /// Whose the sessions are that were begun elsewhere.
    pub unknown_sessions: sessions::Unknown,
    /// Web pages that may call it, beside those of the public origin.
    pub allowed_origins: Vec<String>,
    /// How long the head of an answer may take.
    pub response_timeout: Duration,
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
        let limits = self.limits.check(unsafe_values_allowed, &mut problems);
        let resources = resources(self.resource, origin.as_ref(), unsafe_values_allowed, &mut problems);
        if let (Some(AuthorizationServer { relay: Some(_), issuer, .. }), Some(origin)) = (&server, &origin) {
            apart_from_relay(&resources, &relay::paths(issuer, origin), &mut problems);
        }
        match (origin, listeners, server) {
            (Some(public_url), Some((listen, health_listen)), Some(server)) if problems.is_empty() => {
                let AuthorizationServer { issuer, relay, jwks_url, status_list } = server;
                let logs = self.logs;
                Ok(Config {
                    public_url,
                    listen,
                    health_listen,
                    trusted_proxies,
                    issuer,
                    jwks_url,
                    status_list,
                    clock_leeway,
                    relay,
                    resources,
                    limits,
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

fn resources(
    raw: Vec<RawResource>,
    origin: Option<&PublicUrl>,
    unsafe_values_allowed: bool,
    problems: &mut Problems,
) -> Vec<Resource> {
    if raw.is_empty() {
        problems.add("resource", "there is nothing to protect", "add a [[resource]] with path and upstream");
    }
    let mut checked: Vec<Resource> = Vec::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let key = |name: &str| format!("resource[{index}].{name}");
        if checked.iter().any(|other| other.path == raw.path) {
            problems.add(key("path"), format!("{:?} is used twice", raw.path), "give each resource its own path");
        }
        let timeout = raw.response_timeout;
        if !unsafe_values_allowed && !SAFE_RESPONSE_TIMEOUT.contains(&timeout.get()) {
            let says = format!("\"{timeout}\" is outside the safe range of 30s to 1h");
            problems.add(key("response_timeout"), says, "write \"5m\", or set development.allow_unsafe_values");
        }
        let id = resource_id(&raw.path, origin, &key("path"), problems);
        let upstream = upstream(&raw.upstream, &key("upstream"), problems);
        if upstream.as_ref().is_some_and(|url| url.scheme() == "http") && raw.upstream_ca_file.is_some() {
            problems.add(
                key("upstream_ca_file"),
                "has no effect: upstream is not https",
                "remove it, or write https://",
            );
        }
        if upstream.as_ref().is_some_and(|url| url.scheme() == "https") && raw.upstream_socket.is_some() {
            let hint =
                "write http:// and the name that the server expects as Host, for instance \"http://localhost/mcp\"";
            problems.add(key("upstream"), "is https, and upstream_socket is a file of this machine", hint);
        }
        let scope = scope(&raw.scopes, &key("scopes"), problems);
        let origins = raw.allowed_origins.iter().enumerate();
        let allowed_origins = origins
            .filter_map(|(i, origin)| allowed_origin(origin, &key(&format!("allowed_origins[{i}]")), problems))
            .collect();
        let scope = scope.unwrap_or_else(Scope::empty);
        let rest = access::Rest { login: raw.login, scope, hidden_tools: Vec::new() };
        let policy = Arc::new(raw.access.check(&raw.implies, rest, &key, problems));
        let unknown_sessions = match raw.unknown_sessions {
            RawUnknownSessions::Refuse => sessions::Unknown::Refuse,
            RawUnknownSessions::Adopt => sessions::Unknown::Adopt,
        };
        if let (Some(id), Some(upstream)) = (id, upstream) {
            let (path, name, response_timeout) = (raw.path, raw.name, timeout.get());
            checked.push(Resource {
                path,
                id,
                upstream,
                upstream_socket: raw.upstream_socket,
                upstream_ca_file: raw.upstream_ca_file,
                name,
                policy,
                unknown_sessions,
                allowed_origins,
                response_timeout,
            });
        }
    }
    checked
}

fn resource_id(path: &str, origin: Option<&PublicUrl>, key: &str, problems: &mut Problems) -> Option<ResourceId> {
    let mut complain = |says: &str, hint: &str| problems.add(key, format!("{path:?} {says}"), hint);
    if !path.starts_with('/') {
        complain("does not begin with a slash", "write it like \"/mcp\"");
    } else if path.len() > 1 && path.ends_with('/') {
        complain("ends in a slash", "remove the last slash; both forms are served");
    } else if !front_door::is_plain_path(path) {
        complain("has characters or segments that a path may not have", "use letters, digits, - . _ ~ between slashes");
    } else if path == "/.well-known" || path.starts_with("/.well-known/") {
        complain("belongs to the metadata documents", "choose a path outside /.well-known");
    } else {
        let id = format!("{}{}", origin?.as_str(), path.trim_end_matches('/'));
        match ResourceId::from_config(&id) {
            Ok(id) => return Some(id),
            Err(says) => complain(says, "write it like \"/mcp\""),
        }
    }
    None
}

fn upstream(text: &str, key: &str, problems: &mut Problems) -> Option<Url> {
    let url = http_url(text, key, problems)?;
    if url.query().is_some() {
        problems.add(key, format!("{text:?} has a query"), "remove it: the query of each request is forwarded");
        return None;
    }
    Some(url)
}

fn scope(names: &[String], key: &str, problems: &mut Problems) -> Option<Scope> {
    if names.is_empty() {
        problems.add(
            key,
            "is empty",
            "name at least one scope: clients ask for what is named here, else for everything",
        );
        return None;
    }
    for name in names {
        if name == "offline_access" {
            problems.add(key, "offline_access is not a scope of a resource", "remove it: refresh tokens need no scope");
            return None;
        }
        let one = name.parse::<Scope>().is_ok_and(|scope| scope.iter().count() == 1 && !name.contains(' '));
        if !one {
            let hint = "write one scope in each string: printable ASCII without space, \" and \\";
            problems.add(key, format!("{name:?} is not a scope"), hint);
            return None;
        }
    }
    Some(names.iter().cloned().collect())
}

/// As browsers send it (RFC 6454 §6.2); compared byte for byte.
fn allowed_origin(text: &str, key: &str, problems: &mut Problems) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let canonical = url.map(|url| url.origin().ascii_serialization());
    match canonical {
        Some(origin) if origin == text => Some(origin),
        Some(origin) => {
            problems.add(key, format!("{text:?} is not written as browsers send it"), format!("write \"{origin}\""));
            None
        }
        None => {
            let hint = "name each origin in full, for instance \"https://app.example.com\"; \"*\" and \"null\" cannot be allowed";
            problems.add(key, format!("{text:?} is not an origin"), hint);
            None
        }
    }
}

fn apart_from_relay(resources: &[Resource], paths: &relay::Paths, problems: &mut Problems) {
    for (index, resource) in resources.iter().enumerate() {
        if paths.contain(&resource.path) {
            let says = format!("{:?} is a path of the authorization server", resource.path);
            problems.add(format!("resource[{index}].path"), says, "choose another, for instance \"/mcp\"");
        }
    }
}
