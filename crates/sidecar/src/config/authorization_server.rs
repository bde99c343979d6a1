//! The table `[authorization_server]`: whose tokens count, and where its keys and its status list are.

use std::sync::Arc;
use std::time::Duration;

use gatelodge_service::config::{HumanDuration, Problems, PublicUrl, public_url};
use serde::Deserialize;
use url::Url;

use super::http_url;
use crate::relay;

/// Below the issuer.
const STATUS_LIST: &str = "/status-list";

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAuthorizationServer {
    issuer: Option<String>,
    relay: Option<String>,
    jwks_url: Option<String>,
    pub(super) clock_leeway: HumanDuration,
    status_list: StatusListSwitch,
    status_list_url: Option<String>,
    status_list_interval: HumanDuration,
    require_status: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StatusListSwitch {
    #[default]
    Auto,
    Off,
}

impl Default for RawAuthorizationServer {
    fn default() -> Self {
        Self {
            issuer: None,
            relay: None,
            jwks_url: None,
            clock_leeway: HumanDuration::from_secs(30),
            status_list: StatusListSwitch::default(),
            status_list_url: None,
            status_list_interval: HumanDuration::from_secs(2),
            require_status: false,
        }
    }
}

/// The status list of the authorization server.
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

/// The table, checked.
pub(super) struct AuthorizationServer {
    pub issuer: String,
    pub relay: Option<Url>,
    pub jwks_url: Url,
    pub status_list: Option<StatusListConfig>,
}

impl RawAuthorizationServer {
    /// Converts, or notes what is wrong.
    pub fn check(
        &self,
        own_url: &str,
        origin: Option<&PublicUrl>,
        problems: &mut Problems,
    ) -> Option<AuthorizationServer> {
        let issuer = issuer(self.issuer.as_deref(), own_url, problems);
        let relay = self.relay.as_deref().and_then(|text| relay_url(text, problems));
        let own_path = issuer.as_deref().zip(origin).map_or("", |(issuer, origin)| relay::own_path(issuer, origin));
        let jwks_url = jwks_url(self, relay.as_ref(), own_path, problems);
        let status_list = status_list(self, relay.as_ref(), issuer.as_deref(), own_path, problems);
        Some(AuthorizationServer { issuer: issuer?, relay, jwks_url: jwks_url?, status_list })
    }
}

/// Not held to our own canonical form: issuers of others may end in a slash, and only equality counts (RFC 8414 §3.3).
fn issuer(text: Option<&str>, default: &str, problems: &mut Problems) -> Option<String> {
    let Some(text) = text else { return Some(default.to_owned()) };
    let key = "authorization_server.issuer";
    // The slash is the only liberty: everything else is as strict as for our own public URL (RFC 8414 §2).
    public_url(text.strip_suffix('/').unwrap_or(text), key, problems).map(|_| text.to_owned())
}

fn relay_url(text: &str, problems: &mut Problems) -> Option<Url> {
    let key = "authorization_server.relay";
    let url = http_url(text, key, problems)?;
    if url.path() != "/" || url.query().is_some() {
        problems.add(
            key,
            format!("{text:?} has a path"),
            "write scheme, host and port only: \"http://gatelodge:4000\"",
        );
        return None;
    }
    Some(url)
}

fn jwks_url(raw: &RawAuthorizationServer, relay: Option<&Url>, own_path: &str, problems: &mut Problems) -> Option<Url> {
    let key = "authorization_server.jwks_url";
    match (&raw.jwks_url, relay) {
        (Some(text), _) => http_url(text, key, problems),
        (None, Some(relay)) => relay.join(&format!("{own_path}/jwks")).ok(),
        (None, None) if raw.relay.is_some() => None,
        (None, None) => {
            let hint = "name the authorization server with relay, or the place of its keys with jwks_url";
            problems.add(key, "is missing, and so is relay", hint);
            None
        }
    }
}

/// Looked at where the authorization server is known to have one: behind the relay, or where the operator says.
fn status_list(
    raw: &RawAuthorizationServer,
    relay: Option<&Url>,
    issuer: Option<&str>,
    own_path: &str,
    problems: &mut Problems,
) -> Option<StatusListConfig> {
    let key = |name: &str| format!("authorization_server.{name}");
    let interval = raw.status_list_interval;
    if !(Duration::from_secs(1)..=Duration::from_secs(30)).contains(&interval.get()) {
        let says = format!("\"{interval}\" is not between \"1s\" and \"30s\"");
        problems.add(key("status_list_interval"), says, "write \"2s\"");
    }
    let url = match (raw.status_list, &raw.status_list_url, relay) {
        (StatusListSwitch::Off, _, _) => None,
        (StatusListSwitch::Auto, Some(text), _) => Some(http_url(text, &key("status_list_url"), problems)?),
        (StatusListSwitch::Auto, None, Some(relay)) => relay.join(&format!("{own_path}{STATUS_LIST}")).ok(),
        (StatusListSwitch::Auto, None, None) => None,
    };
    if url.is_none() && raw.require_status {
        let hint = "say with status_list_url where the status list is, or remove require_status";
        problems.add(key("require_status"), "is on, and nothing says which tokens were revoked", hint);
    }
    let uri = format!("{}{STATUS_LIST}", issuer?.trim_end_matches('/')).into();
    Some(StatusListConfig { uri, url: url?, interval: interval.get(), is_required: raw.require_status })
}
