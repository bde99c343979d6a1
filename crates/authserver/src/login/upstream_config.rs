//! The tables `[[login.oidc]]` of the configuration: OpenID providers at which people may sign in, and which of their people
//! may. Read by `login/config.rs`, used by `login/upstream/`.

use std::path::PathBuf;

use gatelodge_service::config::{Problems, secret};
use secrecy::SecretString;
use serde::Deserialize;
use url::{Host, Url};

use super::upstream::allow::Allow;

/// The longest `id`: it stands in URLs.
const MAX_ID: usize = 32;

/// A provider, checked.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name in our URLs.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its issuer (OpenID Connect Discovery 1.0 §3), byte for byte.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; without one we are a public client, and PKCE protects the code.
    pub client_secret: Option<SecretString>,
    /// What is asked for, with `openid` among it.
    pub scopes: Vec<String>,
    /// Who may come in.
    pub allow: Allow,
    /// Which claim holds the groups of a person.
    pub groups_claim: String,
    /// Which claim names a new user; `None`: the verified address, or else `preferred_username`.
    pub username_claim: Option<String>,
    /// Whether somebody who is allowed and not known yet becomes a user.
    pub create_users: bool,
    /// What the provider is to ask (OpenID Connect Core 1.0 §3.1.2.1).
    pub prompt: Option<Prompt>,
}

/// `prompt` at the provider. `none` is not among them: it would answer without a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// A new sign-in, also for whoever is signed in there.
    Login,
    /// Consent to what we are told.
    Consent,
    /// Which account.
    SelectAccount,
}

impl Prompt {
    /// As the provider takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProvider {
    id: String,
    name: String,
    issuer: String,
    client_id: String,
    client_secret: Option<SecretString>,
    client_secret_file: Option<PathBuf>,
    #[serde(default = "default_scopes")]
    scopes: Vec<String>,
    #[serde(default)]
    allow: RawAllow,
    #[serde(default)]
    allow_everybody: bool,
    #[serde(default = "default_groups_claim")]
    groups_claim: String,
    username_claim: Option<String>,
    #[serde(default = "default_create_users")]
    create_users: bool,
    prompt: Option<Prompt>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawAllow {
    domains: Vec<String>,
    groups: Vec<String>,
    addresses: Vec<String>,
}

fn default_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).into()
}

fn default_groups_claim() -> String {
    "groups".into()
}

fn default_create_users() -> bool {
    true
}

/// Converts them all, or notes what is wrong.
pub fn check_all(raw: Vec<RawProvider>, problems: &mut Problems) -> Vec<ProviderConfig> {
    let mut providers: Vec<ProviderConfig> = Vec::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let key = format!("login.oidc[{index}]");
        if providers.iter().any(|other| other.id == raw.id) {
            problems.add(format!("{key}.id"), format!("{:?} is configured twice", raw.id), "give one another id");
        }
        if let Some(provider) = raw.check(&key, problems) {
            providers.push(provider);
        }
    }
    providers
}

impl RawProvider {
    fn check(self, key: &str, problems: &mut Problems) -> Option<ProviderConfig> {
        self.check_words(key, problems);
        check_issuer(&self.issuer, key, problems);
        let client_secret =
            secret(self.client_secret, self.client_secret_file, &format!("{key}.client_secret"), problems);
        let allow = self.allow.check(self.allow_everybody, key, problems)?;
        Some(ProviderConfig {
            id: self.id,
            name: self.name,
            issuer: self.issuer,
            client_id: self.client_id,
            client_secret,
            scopes: self.scopes,
            allow,
            groups_claim: self.groups_claim,
            username_claim: self.username_claim,
            create_users: self.create_users,
            prompt: self.prompt,
        })
    }

    fn check_words(&self, key: &str, problems: &mut Problems) {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if self.id.is_empty() || self.id.len() > MAX_ID || !self.id.bytes().all(plain) {
            let says = format!("{:?} cannot stand in a URL", self.id);
            let hint = "use up to 32 small letters, digits and hyphens, for instance \"google\"; it is part of the redirect URI";
            problems.add(format!("{key}.id"), says, hint);
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            let hint = "add \"openid\": without it the provider does not say who somebody is";
            problems.add(format!("{key}.scopes"), "does not contain \"openid\"", hint);
        }
        for (name, value, hint) in [
            ("name", Some(&self.name), "write what people call the provider: it stands on the button"),
            ("client_id", Some(&self.client_id), "write the client ID that the provider gave you"),
            ("groups_claim", Some(&self.groups_claim), "write the name of a claim, for instance \"groups\""),
            ("username_claim", self.username_claim.as_ref(), "write the name of a claim, or leave the key out"),
        ] {
            if value.is_some_and(|value| value.trim().is_empty()) {
                problems.add(format!("{key}.{name}"), "is empty", hint);
            }
        }
        if self.scopes.iter().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
            problems.add(
                format!("{key}.scopes"),
                "holds something that is not one word",
                "write each scope on its own",
            );
        }
    }
}

/// OpenID Connect Discovery 1.0 §4.1: https, without query and fragment. Plain http on this machine only: whoever sits between
/// could be anybody.
fn check_issuer(issuer: &str, key: &str, problems: &mut Problems) {
    let wrong = match Url::parse(issuer) {
        Err(_) => Some("is not a URL"),
        Ok(url) if url.query().is_some() || url.fragment().is_some() => Some("has a query or a fragment"),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => Some("holds a user name or a password"),
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => None,
        Ok(_) => Some("is not https"),
    };
    if let Some(wrong) = wrong {
        let hint = "write the member \"issuer\" of the provider's /.well-known/openid-configuration, byte for byte";
        problems.add(format!("{key}.issuer"), format!("{issuer:?} {wrong}"), hint);
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl RawAllow {
    fn check(self, everybody: bool, key: &str, problems: &mut Problems) -> Option<Allow> {
        let nothing = self.domains.is_empty() && self.groups.is_empty() && self.addresses.is_empty();
        match (everybody, nothing) {
            (true, true) => Some(Allow::Everybody),
            (true, false) => {
                let hint = "remove allow_everybody, or what stands under allow";
                problems.add(format!("{key}.allow_everybody"), "makes what stands under allow worthless", hint);
                None
            }
            (false, true) => {
                let says = "nobody is allowed: every account of this provider would otherwise come in, and at a public \
                            provider anybody can make one";
                let hint =
                    "write allow.domains, allow.groups or allow.addresses; or, if you mean it, allow_everybody = true";
                problems.add(format!("{key}.allow"), says, hint);
                None
            }
            (false, false) => Some(self.checked(key, problems)),
        }
    }

    fn checked(self, key: &str, problems: &mut Problems) -> Allow {
        let domain = |text: &str| {
            !text.starts_with('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        };
        for (index, name) in self.domains.iter().enumerate() {
            if name.is_empty() || !domain(name) {
                let hint = "write what follows the @, whole: \"example.com\"; a name below it is another domain";
                problems.add(format!("{key}.allow.domains[{index}]"), format!("{name:?} is not a domain"), hint);
            }
        }
        for (index, address) in self.addresses.iter().enumerate() {
            let is_one = address.split_once('@').is_some_and(|(local, at)| !local.is_empty() && domain(at));
            if !is_one {
                let hint = "write it whole: \"ada@example.com\"";
                problems.add(format!("{key}.allow.addresses[{index}]"), format!("{address:?} is no address"), hint);
            }
        }
        if self.groups.iter().any(|group| group.trim().is_empty()) {
            problems.add(format!("{key}.allow.groups"), "holds an empty name", "write a group as the claim names it");
        }
        let small = |list: Vec<String>| list.into_iter().map(|text| text.to_ascii_lowercase()).collect();
        Allow::Only { domains: small(self.domains), groups: self.groups, addresses: small(self.addresses) }
    }
}
