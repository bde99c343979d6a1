//! The configuration of the authorization server: `RawConfig` as written, `Config` as checked. Read by every command.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatelodge_oauth::client::Client;
use gatelodge_oauth::client_assertion::AssertionAudience;
use gatelodge_oauth::resource::Resource;
use gatelodge_service::config::{
    ConfigError, HumanDuration, Problems, PublicUrl, listeners, load_checked, public_url, secret,
};
use gatelodge_service::http::source::TrustedProxies;
use gatelodge_service::logs::LogsConfig;
use gatelodge_store::DatabaseUrl;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::account::AccountConfig;
use crate::administration::config::{AdministrationConfig, RawAdministration};
use crate::audit::{AuditConfig, RawAudit};
use crate::branding::{Branding, RawBranding};
use crate::clients::configured::{self, RawClient, RawClients};
use crate::clients::document_config::ClientDocuments;
use crate::clients::registration::{RawRegistration, RegistrationConfig};
use crate::flight_recorder::config::RawConnections;
use crate::keys::config::{KeysConfig, RawKeys};
use crate::limits::{LimitsConfig, RawLimits};
use crate::login::config::{LoginConfig, RawLogin};
use crate::mail::config::{EmailConfig, RawEmail};
use crate::remembered_consent::RawConsent;
use crate::resources::{self, RawResource};

/// Environment variables that begin so override the file: `GATELODGE__DATABASE__URL`.
const ENV_PREFIX: &str = "GATELODGE";

/// Reads and checks the configuration.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    load_checked(path, ENV_PREFIX, |raw: RawConfig| raw.check())
}

/// Everything the server needs to know, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The issuer (RFC 8414 §2), byte for byte.
    pub public_url: PublicUrl,
    /// Where requests are taken.
    pub listen: SocketAddr,
    /// Where the health listener is.
    pub health_listen: SocketAddr,
    /// The store.
    pub database: DatabaseUrl,
    /// How many connections the store keeps.
    pub max_connections: u32,
    /// The protected resources.
    pub resources: Vec<Resource>,
    /// Who may register, and what.
    pub registration: RegistrationConfig,
    /// How often those who are not known yet may ask.
    pub limits: LimitsConfig,
    /// The proxies in front, whose word on the address of a client counts.
    pub trusted_proxies: TrustedProxies,
    /// The clients of `[[client]]`.
    pub clients: Vec<Client>,
    /// What the assertions of clients may name as their audience.
    pub assertion_audience: AssertionAudience,
    /// Clients that documents describe.
    pub client_documents: ClientDocuments,
    /// Whether devices may ask for tokens by a code that people type (RFC 8628).
    pub device_grant: bool,
    /// How people prove who they are.
    pub login: LoginConfig,
    /// How messages go out to people; `None`: none do.
    pub email: Option<EmailConfig>,
    /// What people may do for themselves.
    pub account: AccountConfig,
    /// Administration in the browser; `None`: there is none.
    pub administration: Option<AdministrationConfig>,
    /// Lifetimes and windows.
    pub tokens: Tokens,
    /// How tokens are signed.
    pub keys: KeysConfig,
    /// The audit trail.
    pub audit: AuditConfig,
    /// For how long nobody is asked again for what they allowed; `None`: everybody is, every time.
    pub remember_consent: Option<Duration>,
    /// How long it is kept how far each connection came; `None`: that is not recorded.
    pub connections: Option<Duration>,
    /// What the pages look like.
    pub branding: Branding,
    /// How to log.
    pub logs: LogsConfig,
    /// Whether values outside the safe ranges were allowed.
    pub unsafe_values_allowed: bool,
}

/// Lifetimes and windows.
#[derive(Debug, Clone, Copy)]
pub struct Tokens {
    /// Of an authorization code (RFC 6749 §4.1.2).
    pub authorization_code: Duration,
    /// Of a pushed authorization request (RFC 9126 §2.2).
    pub pushed_request: Duration,
    /// Of a device code and its user code (RFC 8628 §3.2).
    pub device_code: Duration,
    /// Of an access token.
    pub access_token: Duration,
    /// Of a refresh token that nobody uses.
    pub refresh_token_idle: Duration,
    /// Of a grant, and so of all its refresh tokens together.
    pub refresh_token: Duration,
    /// How long a lost answer can be fetched again.
    pub lost_response: Duration,
    /// How long a late sibling process is led to the newest token.
    pub stale_sibling: Duration,
    /// How long a person may take to sign in and consent.
    pub consent: Duration,
    /// Of a browser session that nobody uses.
    pub session_idle: Duration,
    /// Of a browser session in any case.
    pub session: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    public_url: String,
    #[serde(default = "default_listen")]
    listen: String,
    #[serde(default = "default_health_listen")]
    health_listen: String,
    #[serde(default)]
    database: RawDatabase,
    #[serde(default)]
    resource: Vec<RawResource>,
    #[serde(default)]
    registration: RawRegistration,
    #[serde(default)]
    client: Vec<RawClient>,
    #[serde(default)]
    clients: RawClients,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    trusted_proxies: Vec<String>,
    #[serde(default)]
    grants: RawGrants,
    #[serde(default)]
    login: RawLogin,
    email: Option<RawEmail>,
    #[serde(default)]
    account: AccountConfig,
    administration: Option<RawAdministration>,
    #[serde(default)]
    tokens: RawTokens,
    #[serde(default)]
    keys: RawKeys,
    #[serde(default)]
    audit: RawAudit,
    #[serde(default)]
    connections: RawConnections,
    #[serde(default)]
    consent: RawConsent,
    #[serde(default)]
    branding: RawBranding,
    #[serde(default)]
    logs: LogsConfig,
    #[serde(default)]
    development: RawDevelopment,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawDatabase {
    url: Option<SecretString>,
    url_file: Option<PathBuf>,
    max_connections: u32,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawGrants {
    device_code: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTokens {
    authorization_code_lifetime: HumanDuration,
    pushed_request_lifetime: HumanDuration,
    device_code_lifetime: HumanDuration,
    access_token_lifetime: HumanDuration,
    refresh_token_idle_lifetime: HumanDuration,
    refresh_token_lifetime: HumanDuration,
    lost_response_window: HumanDuration,
    stale_sibling_window: HumanDuration,
    consent_lifetime: HumanDuration,
    session_idle_lifetime: HumanDuration,
    session_lifetime: HumanDuration,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawDevelopment {
    allow_unsafe_values: bool,
}

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn default_listen() -> String {
    "127.0.0.1:4000".into()
}

fn default_health_listen() -> String {
    "127.0.0.1:4001".into()
}

impl Default for RawDatabase {
    fn default() -> Self {
        Self { url: None, url_file: None, max_connections: 10 }
    }
}

impl Default for RawTokens {
    fn default() -> Self {
        Self {
            authorization_code_lifetime: HumanDuration::from_secs(60),
            pushed_request_lifetime: HumanDuration::from_secs(300),
            device_code_lifetime: HumanDuration::from_secs(600),
            access_token_lifetime: HumanDuration::from_secs(HOUR),
            refresh_token_idle_lifetime: HumanDuration::from_secs(30 * DAY),
            refresh_token_lifetime: HumanDuration::from_secs(90 * DAY),
            lost_response_window: HumanDuration::from_secs(HOUR),
            stale_sibling_window: HumanDuration::from_secs(300),
            consent_lifetime: HumanDuration::from_secs(600),
            session_idle_lifetime: HumanDuration::from_secs(12 * HOUR),
            session_lifetime: HumanDuration::from_secs(7 * DAY),
        }
    }
}

impl RawConfig {
    fn check(self) -> Result<Config, Problems> {
        let mut problems = Problems::default();
        let unsafe_values_allowed = self.development.allow_unsafe_values;
        let public_url = public_url(&self.public_url, "public_url", &mut problems);
        let database = self.database.check(&mut problems);
        let keys = self.keys.check(database.as_ref().map(|(url, _)| url), unsafe_values_allowed, &mut problems);
        let resources = resources::check_all(self.resource, &mut problems);
        let (registration, client_documents) = self.registration.check(unsafe_values_allowed, &mut problems);
        let clients = configured::check_all(self.client, &registration.redirects, &resources, &mut problems);
        let limits = self.limits.check(&mut problems);
        let trusted_proxies = TrustedProxies::from_config(&self.trusted_proxies, "trusted_proxies", &mut problems);
        let audit = self.audit.check(&mut problems);
        let connections = self.connections.check(&mut problems);
        let remember_consent = self.consent.check(&mut problems);
        let branding = self.branding.check(&mut problems);
        let login = self.login.check(self.email.is_some(), &mut problems);
        let email = self.email.and_then(|email| email.check(&mut problems));
        if !unsafe_values_allowed {
            self.tokens.check_ranges(&mut problems);
        }
        let listeners = listeners(&self.listen, &self.health_listen, &mut problems);
        let taken = listeners.map(|(listen, health_listen)| [listen, health_listen]);
        let administration = self.administration.and_then(|raw| raw.check(taken, &mut problems));
        match (public_url, database, listeners, keys, limits, branding) {
            (
                Some(public_url),
                Some((database, max_connections)),
                Some((listen, health_listen)),
                Some(keys),
                Some(limits),
                Some(branding),
            ) if problems.is_empty() => Ok(Config {
                public_url,
                listen,
                health_listen,
                database,
                max_connections,
                resources,
                clients,
                assertion_audience: self.clients.assertion_audience,
                client_documents,
                device_grant: self.grants.device_code,
                registration,
                limits,
                trusted_proxies,
                login,
                email,
                account: self.account,
                administration,
                tokens: self.tokens.typed(),
                keys,
                audit,
                connections,
                remember_consent,
                branding,
                logs: self.logs,
                unsafe_values_allowed,
            }),
            _ => Err(problems),
        }
    }
}

impl RawDatabase {
    fn check(self, problems: &mut Problems) -> Option<(DatabaseUrl, u32)> {
        if !(1..=1000).contains(&self.max_connections) {
            let says = format!("{} is not between 1 and 1000", self.max_connections);
            problems.add("database.max_connections", says, "write 10");
        }
        let given = self.url.is_some() || self.url_file.is_some();
        let url = if given {
            secret(self.url, self.url_file, "database.url", problems)?
        } else {
            SecretString::from("sqlite://data/gatelodge.db")
        };
        match url.expose_secret().parse::<DatabaseUrl>() {
            Ok(url) => Some((url, self.max_connections)),
            Err(error) => {
                let hint = "write \"sqlite://data/gatelodge.db\" or \"postgres://user:password@host/database\"";
                problems.add("database.url", error.to_string(), hint);
                None
            }
        }
    }
}

impl RawTokens {
    /// Outside these ranges people are logged out without need, or stolen tokens live too long.
    fn check_ranges(&self, problems: &mut Problems) {
        for (key, value, from, to) in [
            ("authorization_code_lifetime", self.authorization_code_lifetime, 10, 600),
            ("pushed_request_lifetime", self.pushed_request_lifetime, 60, 600),
            ("device_code_lifetime", self.device_code_lifetime, 60, 1800),
            ("access_token_lifetime", self.access_token_lifetime, 60, DAY),
            ("refresh_token_idle_lifetime", self.refresh_token_idle_lifetime, HOUR, 400 * DAY),
            ("refresh_token_lifetime", self.refresh_token_lifetime, HOUR, 400 * DAY),
            ("lost_response_window", self.lost_response_window, 0, DAY),
            ("stale_sibling_window", self.stale_sibling_window, 0, DAY),
            ("consent_lifetime", self.consent_lifetime, 60, 1800),
            ("session_idle_lifetime", self.session_idle_lifetime, 300, 400 * DAY),
            ("session_lifetime", self.session_lifetime, 300, 400 * DAY),
        ] {
            let (from, to) = (HumanDuration::from_secs(from), HumanDuration::from_secs(to));
            if value < from || value > to {
                problems.add(
                    format!("tokens.{key}"),
                    format!("\"{value}\" is not between \"{from}\" and \"{to}\""),
                    "choose a value in this range; tests may set development.allow_unsafe_values = true",
                );
            }
        }
    }

    fn typed(&self) -> Tokens {
        Tokens {
            authorization_code: self.authorization_code_lifetime.get(),
            pushed_request: self.pushed_request_lifetime.get(),
            device_code: self.device_code_lifetime.get(),
            access_token: self.access_token_lifetime.get(),
            refresh_token_idle: self.refresh_token_idle_lifetime.get(),
            refresh_token: self.refresh_token_lifetime.get(),
            lost_response: self.lost_response_window.get(),
            stale_sibling: self.stale_sibling_window.get(),
            consent: self.consent_lifetime.get(),
            session_idle: self.session_idle_lifetime.get(),
            session: self.session_lifetime.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that has no default, as the shipped file says it.
    const REQUIRED: &str = r#"
public_url = "https://mcp.example.com"
[[resource]]
id = "https://mcp.example.com/mcp"
name = "Acme MCP"
default_scopes = ["mcp:use"]
[[resource.scope]]
name = "mcp:use"
title = "Use the tools of this server"
"#;

    #[test]
    fn the_shipped_configuration_says_what_the_defaults_are() {
        let shipped = load(Path::new("../../config/gatelodge.toml")).expect("the shipped file is good");
        let minimal = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(minimal.path(), REQUIRED).expect("written");
        let defaults = load(minimal.path()).expect("the required keys are enough");
        assert_eq!(format!("{shipped:?}"), format!("{defaults:?}"));
    }
}
