//! The table `[authorization_server]`: whose tokens count, and where its keys and its status list are.

use gatelodge_service::config::{HumanDuration, Problems, PublicUrl};
use serde::Deserialize;
use url::Url;

use super::http_url;
use super::issuer::{self, IssuerConfig, KeySource, RawIntrospection, RawTokens, StatusListConfig};
use crate::{front_door, relay};

/// Below the issuer.
const STATUS_LIST: &str = "/status-list";

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAuthorizationServer {
    issuer: Option<String>,
    relay: Option<String>,
    jwks_url: Option<String>,
    discovery: bool,
    pub(super) clock_leeway: HumanDuration,
    status_list: StatusListSwitch,
    status_list_url: Option<String>,
    status_list_interval: HumanDuration,
    require_status: bool,
    tokens: RawTokens,
    introspection: Option<RawIntrospection>,
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
            discovery: false,
            clock_leeway: HumanDuration::from_secs(30),
            status_list: StatusListSwitch::default(),
            status_list_url: None,
            status_list_interval: HumanDuration::from_secs(2),
            require_status: false,
            tokens: RawTokens::default(),
            introspection: None,
        }
    }
}

/// The table, checked.
pub(super) struct AuthorizationServer {
    pub relay: Option<Url>,
    pub issuer: IssuerConfig,
}

impl RawAuthorizationServer {
    /// Converts, or notes what is wrong.
    pub fn check(
        &self,
        own_url: &str,
        origin: Option<&PublicUrl>,
        problems: &mut Problems,
    ) -> Option<AuthorizationServer> {
        let key = |name: &str| format!("authorization_server.{name}");
        let issuer = match &self.issuer {
            Some(text) => issuer::identifier(text, &key("issuer"), problems),
            None => Some(own_url.to_owned()),
        };
        let relay = self.relay.as_deref().and_then(|text| relay_url(text, problems));
        if let (Some(_), Some(issuer), Some(origin)) = (&relay, &issuer, origin)
            && !relay::is_own(issuer, origin)
        {
            let says =
                format!("puts the sign-in pages of {issuer} on {} too: they belong on one origin", origin.origin());
            let hint = "remove relay, and set discovery = true (with status_list_url for revocations); or give the \
                        authorization server this public_url";
            problems.add(key("relay"), says, hint);
        }
        let own_path = issuer.as_deref().zip(origin).map_or("", |(issuer, origin)| relay::own_path(issuer, origin));
        // A star at its end would be every path below to the framework.
        if relay.is_some() && !own_path.is_empty() && (!front_door::is_plain_path(own_path) || own_path.contains('*')) {
            let says = format!("has the path {own_path:?}, which could be read in two ways here");
            problems.add(key("issuer"), says, "use letters, digits, - . _ ~ between slashes");
        }
        let introspection = issuer::introspection(self.introspection.as_ref(), &key, problems);
        let keys = keys(self, relay.as_ref(), own_path, problems);
        let status_list = status_list(self, relay.as_ref(), issuer.as_deref(), own_path, problems);
        if keys == Some(None) && (status_list.is_some() || self.require_status) {
            let hint = "set jwks_url or discovery: the list is signed with the keys of the issuer";
            problems.add(key("status_list_url"), "cannot be checked without keys", hint);
        }
        let wording = issuer::wording(&self.tokens, &key, problems);
        let issuer = IssuerConfig { issuer: issuer?, keys: keys?, status_list, wording, introspection };
        Some(AuthorizationServer { relay, issuer })
    }
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

/// `Some(None)` where there are none, and it is asked about every token.
fn keys(
    raw: &RawAuthorizationServer,
    relay: Option<&Url>,
    own_path: &str,
    problems: &mut Problems,
) -> Option<Option<KeySource>> {
    let key = "authorization_server.jwks_url";
    match (&raw.jwks_url, raw.discovery, relay) {
        (Some(_), true, _) => {
            problems.add(key, "and discovery are both set", "remove one of the two");
            None
        }
        (Some(text), false, _) => Some(Some(KeySource::At(http_url(text, key, problems)?))),
        (None, true, _) => Some(Some(KeySource::Discovered)),
        (None, false, Some(relay)) => Some(Some(KeySource::At(relay.join(&format!("{own_path}/jwks")).ok()?))),
        (None, false, None) if raw.relay.is_some() => None,
        (None, false, None) if raw.introspection.is_some() => Some(None),
        (None, false, None) => {
            let hint = "name the authorization server with relay, or the place of its keys with jwks_url, or set \
                        discovery = true";
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
    let interval = issuer::checked_interval(raw.status_list_interval, &key("status_list_interval"), problems);
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
    Some(StatusListConfig { uri, url: url?, interval, is_required: raw.require_status })
}
