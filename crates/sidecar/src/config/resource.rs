//! The tables `[[resource]]`: the protected MCP servers.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::scope::Scope;
use gatelodge_service::config::{HumanDuration, HumanSize, Problems, PublicUrl};
use serde::Deserialize;
use url::{Host, Url};

use super::access::{self, RawAccess, RawLogin};
use super::api_keys::{ApiKeysConfig, RawApiKeys};
use super::bounds;
use super::http_url;
use super::identity::{IdentityConfig, RawIdentity};
use super::issuer;
use super::legacy_sse::{self, LegacySse, RawLegacySse};
use super::tools::{self, ToolChallenges, ToolConfig};
use crate::front_door;
use crate::holders::Unknown;
use crate::lists::Overlay;
use crate::policy::Policy;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawResource {
    path: String,
    upstream: String,
    upstream_socket: Option<PathBuf>,
    upstream_ca_file: Option<PathBuf>,
    name: Option<String>,
    documentation_url: Option<String>,
    policy_url: Option<String>,
    terms_url: Option<String>,
    #[serde(default)]
    audiences: Vec<String>,
    #[serde(default = "defaults::scopes")]
    scopes: Vec<String>,
    #[serde(default)]
    allowed_origins: Vec<String>,
    #[serde(default = "defaults::response_timeout")]
    response_timeout: HumanDuration,
    #[serde(default = "defaults::body_limit")]
    body_limit: HumanSize,
    #[serde(default = "defaults::stream_grace")]
    stream_grace: HumanDuration,
    #[serde(default)]
    login: RawLogin,
    #[serde(default)]
    tool_challenges: ToolChallenges,
    #[serde(default)]
    tools_on_consent: bool,
    #[serde(default)]
    unknown_sessions: RawUnknownSessions,
    #[serde(default)]
    access: RawAccess,
    #[serde(default)]
    implies: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    tools: BTreeMap<String, ToolConfig>,
    #[serde(default)]
    identity: RawIdentity,
    api_keys: Option<RawApiKeys>,
    legacy_sse: Option<RawLegacySse>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawUnknownSessions {
    #[default]
    Refuse,
    Adopt,
}

mod defaults {
    use super::{HumanDuration, HumanSize};

    /// What the SDKs' own servers take.
    pub fn body_limit() -> HumanSize {
        HumanSize::from_mib(4)
    }

    pub fn stream_grace() -> HumanDuration {
        HumanDuration::from_secs(0)
    }

    pub fn scopes() -> Vec<String> {
        vec!["mcp:use".into()]
    }

    /// What the most patient of the known clients waits for a tool.
    pub fn response_timeout() -> HumanDuration {
        HumanDuration::from_secs(300)
    }
}

/// One protected MCP server.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its path on the public origin: `/`, or without a slash at the end.
    pub path: String,
    /// Its identifier and the audience of its tokens (RFC 8707 §2): what people type.
    pub id: ResourceId,
    /// Other names of it in the `aud` of tokens.
    pub audiences: Vec<String>,
    /// Where requests are forwarded to.
    pub upstream: Url,
    /// The file that it listens on, where it has no port.
    pub upstream_socket: Option<PathBuf>,
    /// Certificates that it is believed with, beside those of the machine.
    pub upstream_ca_file: Option<PathBuf>,
    /// Its name for people.
    pub name: Option<String>,
    /// Pages about it, for its metadata (RFC 9728 §2).
    pub pages: Pages,
    /// Who may do what.
    pub policy: Arc<Policy>,
    /// Where a tool call is challenged.
    pub tool_challenges: ToolChallenges,
    /// Whether the consent page shows the tools behind each scope.
    pub tools_on_consent: bool,
    /// Whose the sessions are that were begun elsewhere.
    pub unknown_sessions: Unknown,
    /// Web pages that may call it, beside those of the public origin.
    pub allowed_origins: Vec<String>,
    /// How many bytes a request body may have.
    pub body_limit: usize,
    /// How long the head of an answer may take.
    pub response_timeout: Duration,
    /// How long an event stream may go on after its access token has ended.
    pub stream_grace: Duration,
    /// What is said of single tools, by name.
    pub overlay: Arc<Overlay>,
    /// What the MCP server is told about the caller.
    pub identity: IdentityConfig,
    /// Keys that work beside access tokens.
    pub api_keys: Option<ApiKeysConfig>,
    /// The transport of before, beside Streamable HTTP.
    pub legacy_sse: Option<LegacySse>,
}

/// Pages about an MCP server.
#[derive(Debug, Clone)]
pub struct Pages {
    /// For developers.
    pub documentation_url: Option<Url>,
    /// What may be done with what it gives.
    pub policy_url: Option<Url>,
    /// The terms of service.
    pub terms_url: Option<Url>,
}

impl Resource {
    /// Whether the MCP server looks as if everybody could reach it. Then nobody needs this sidecar, and no token.
    pub fn looks_public(&self) -> bool {
        if self.upstream_socket.is_some() {
            return false;
        }
        match self.upstream.host() {
            Some(Host::Ipv4(ip)) => !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || is_shared(ip)),
            Some(Host::Ipv6(ip)) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let is_private = PRIVATE_NAMES.iter().any(|end| name.ends_with(end));
                name.contains('.') && !is_private
            }
            None => false,
        }
    }
}

/// Carrier-grade NAT and overlay networks (RFC 6598).
fn is_shared(ip: Ipv4Addr) -> bool {
    ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1])
}

/// Names that no public DNS has (RFC 6761, RFC 6762, RFC 8375), and those of clusters.
const PRIVATE_NAMES: [&str; 7] = [".internal", ".local", ".localhost", ".svc", ".home.arpa", ".lan", ".test"];

/// Converts all of them, or notes what is wrong.
pub(super) fn check(
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
        checked.extend(raw.check(origin, unsafe_values_allowed, &key, problems));
    }
    issuer::audiences_apart(&checked, problems);
    legacy_sse::apart(&checked, problems);
    checked
}

impl RawResource {
    fn check(
        self,
        origin: Option<&PublicUrl>,
        unsafe_values_allowed: bool,
        key: &impl Fn(&str) -> String,
        problems: &mut Problems,
    ) -> Option<Resource> {
        if !unsafe_values_allowed {
            bounds::check((self.response_timeout, self.stream_grace, self.body_limit), key, problems);
        }
        tools::check(&self.tools, &key("tools"), problems);
        let id = resource_id(&self.path, origin, &key("path"), problems);
        let upstream = self.upstream(key, problems);
        let place = (self.path.as_str(), self.upstream_socket.is_some());
        let legacy = self.legacy_sse.as_ref().and_then(|legacy| legacy.check(place, origin, key, problems));
        let origins = self.allowed_origins.iter().enumerate();
        let allowed_origins = origins
            .filter_map(|(i, origin)| allowed_origin(origin, &key(&format!("allowed_origins[{i}]")), problems))
            .collect();
        let policy = self.policy(key, problems);
        let pages = self.pages(key, problems);
        let caller = caller(self.identity, self.api_keys, &self.upstream, key, problems);
        let (identity, api_keys) = caller?;
        Some(Resource {
            path: self.path,
            id: id?,
            audiences: self.audiences,
            upstream: upstream?,
            upstream_socket: self.upstream_socket,
            upstream_ca_file: self.upstream_ca_file,
            name: self.name,
            pages,
            policy: Arc::new(policy),
            overlay: Arc::new(Overlay::new(&self.tools)),
            tool_challenges: self.tool_challenges,
            tools_on_consent: self.tools_on_consent,
            unknown_sessions: match self.unknown_sessions {
                RawUnknownSessions::Refuse => Unknown::Refuse,
                RawUnknownSessions::Adopt => Unknown::Adopt,
            },
            allowed_origins,
            body_limit: self.body_limit.get(),
            response_timeout: self.response_timeout.get(),
            stream_grace: self.stream_grace.get(),
            identity,
            api_keys,
            legacy_sse: legacy,
        })
    }

    fn pages(&self, key: &impl Fn(&str) -> String, problems: &mut Problems) -> Pages {
        let mut page = |name: &str, text: &Option<String>| {
            let text = text.as_ref()?;
            let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            if url.is_none() {
                let hint = "write a URL that everybody can open, for instance \"https://example.com/docs\"";
                problems.add(key(name), format!("{text:?} is not an http or https URL"), hint);
            }
            url
        };
        Pages {
            documentation_url: page("documentation_url", &self.documentation_url),
            policy_url: page("policy_url", &self.policy_url),
            terms_url: page("terms_url", &self.terms_url),
        }
    }

    fn policy(&self, key: &impl Fn(&str) -> String, problems: &mut Problems) -> Policy {
        let scope = scope(&self.scopes, &key("scopes"), problems).unwrap_or_else(Scope::empty);
        let hidden_tools = self.tools.iter().filter(|(_, tool)| tool.hide).map(|(name, _)| name.clone()).collect();
        let rest = access::Rest { login: self.login, scope, hidden_tools };
        self.access.check(&self.implies, rest, key, problems)
    }

    fn upstream(&self, key: &impl Fn(&str) -> String, problems: &mut Problems) -> Option<Url> {
        let url = upstream(&self.upstream, &key("upstream"), problems)?;
        if url.scheme() == "http" && self.upstream_ca_file.is_some() {
            let says = "has no effect: upstream is not https";
            problems.add(key("upstream_ca_file"), says, "remove it, or write https://");
        }
        if url.scheme() == "https" && self.upstream_socket.is_some() {
            let hint =
                "write http:// and the name that the server expects as Host, for instance \"http://localhost/mcp\"";
            problems.add(key("upstream"), "is https, and upstream_socket is a file of this machine", hint);
        }
        Some(url)
    }
}

/// What the MCP server is told about callers, and the keys that some of them have.
fn caller(
    identity: RawIdentity,
    api_keys: Option<RawApiKeys>,
    upstream: &str,
    key: impl Fn(&str) -> String,
    problems: &mut Problems,
) -> Option<(IdentityConfig, Option<ApiKeysConfig>)> {
    let names = api_keys.as_ref().map(RawApiKeys::names).unwrap_or_default();
    let identity = identity.check(upstream, &names, &key("identity"), problems);
    let api_keys = api_keys.map(|keys| keys.check(&key("api_keys"), problems));
    Some((identity?, api_keys.flatten()))
}

pub(super) fn resource_id(
    path: &str,
    origin: Option<&PublicUrl>,
    key: &str,
    problems: &mut Problems,
) -> Option<ResourceId> {
    let mut complain = |says: &str, hint: &str| problems.add(key, format!("{path:?} {says}"), hint);
    if !path.starts_with('/') {
        complain("does not begin with a slash", "write it like \"/mcp\"");
    } else if path.len() > 1 && path.ends_with('/') {
        complain("ends in a slash", "remove the last slash; both forms are served");
    // A star at its end would be every path below to the framework.
    } else if !front_door::is_plain_path(path) || path.contains('*') {
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

pub(super) fn upstream(text: &str, key: &str, problems: &mut Problems) -> Option<Url> {
    let url = http_url(text, key, problems)?;
    if url.query().is_some() {
        problems.add(key, format!("{text:?} has a query"), "remove it: the query of each request is forwarded");
        return None;
    }
    Some(url)
}

pub(super) fn scope(names: &[String], key: &str, problems: &mut Problems) -> Option<Scope> {
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

#[cfg(test)]
#[path = "resource_tests.rs"]
mod tests;
