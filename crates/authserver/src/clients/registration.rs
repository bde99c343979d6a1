//! Who may register, what, and how many: `[registration]` of the configuration. RFC 7591 §3 and §5.

use std::path::PathBuf;
use std::time::Duration;

use gatelodge_oauth::redirect_uri::{DANGEROUS_SCHEMES, RedirectPolicy};
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_service::config::{HumanDuration, Problems, secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::clients::document_config::{ClientDocuments, RawClientDocuments};

/// RFC 6750 §5.2: it cannot be guessed.
const MIN_TOKEN_LENGTH: usize = 22;

/// `[registration]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawRegistration {
    dcr: Mode,
    client_id_metadata_documents: RawClientDocuments,
    initial_access_token: Option<SecretString>,
    initial_access_token_file: Option<PathBuf>,
    extra_redirect_schemes: Vec<String>,
    http_redirect_hosts: Vec<String>,
    max_unused_clients: u32,
    unused_client_lifetime: HumanDuration,
}

#[derive(Debug, Clone, Copy, Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Open,
    Off,
    Token,
}

/// `[registration]` as checked.
#[derive(Debug, Clone)]
pub struct RegistrationConfig {
    /// Who may register.
    pub dynamic: DynamicRegistration,
    /// Where answers may go.
    pub redirects: RedirectPolicy,
    /// How many clients are kept that were never allowed anything.
    pub max_unused_clients: u32,
    /// For how long.
    pub unused_client_lifetime: Duration,
}

/// Who may register (RFC 7591 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DynamicRegistration {
    /// Everybody.
    Open,
    /// Nobody.
    Off,
    /// Whoever has the initial access token.
    Token(HashedSecret),
}

impl DynamicRegistration {
    /// Whether anybody may.
    pub fn is_on(self) -> bool {
        self != Self::Off
    }
}

impl Default for RawRegistration {
    fn default() -> Self {
        Self {
            dcr: Mode::Open,
            client_id_metadata_documents: RawClientDocuments::default(),
            initial_access_token: None,
            initial_access_token_file: None,
            extra_redirect_schemes: Vec::new(),
            http_redirect_hosts: Vec::new(),
            max_unused_clients: 10_000,
            unused_client_lifetime: HumanDuration::from_secs(24 * 3_600),
        }
    }
}

impl RawRegistration {
    /// Notes what is wrong.
    pub fn check(self, unsafe_values_allowed: bool, problems: &mut Problems) -> (RegistrationConfig, ClientDocuments) {
        let documents = self.client_id_metadata_documents.check(problems);
        let redirects =
            RedirectPolicy { extra_schemes: self.extra_redirect_schemes, http_hosts: self.http_redirect_hosts };
        check_schemes(&redirects.extra_schemes, problems);
        check_hosts(&redirects.http_hosts, problems);
        if !(10..=1_000_000).contains(&self.max_unused_clients) && !unsafe_values_allowed {
            let says = format!("{} is not between 10 and 1000000", self.max_unused_clients);
            problems.add("registration.max_unused_clients", says, "write 10000");
        }
        let (from, to) = (HumanDuration::from_secs(3_600), HumanDuration::from_secs(400 * 24 * 3_600));
        if !(from..=to).contains(&self.unused_client_lifetime) && !unsafe_values_allowed {
            let says = format!("\"{}\" is not between \"{from}\" and \"{to}\"", self.unused_client_lifetime);
            problems.add("registration.unused_client_lifetime", says, "write \"24h\"");
        }
        let registration = RegistrationConfig {
            dynamic: dynamic(self.dcr, self.initial_access_token, self.initial_access_token_file, problems),
            redirects,
            max_unused_clients: self.max_unused_clients,
            unused_client_lifetime: self.unused_client_lifetime.get(),
        };
        (registration, documents)
    }
}

fn dynamic(
    mode: Mode,
    token: Option<SecretString>,
    file: Option<PathBuf>,
    problems: &mut Problems,
) -> DynamicRegistration {
    const KEY: &str = "registration.initial_access_token";
    let given = token.is_some() || file.is_some();
    let token = secret(token, file, KEY, problems);
    match (mode, token) {
        (Mode::Token, Some(token)) if token.expose_secret().len() < MIN_TOKEN_LENGTH => {
            let says = format!("is shorter than {MIN_TOKEN_LENGTH} characters");
            problems.add(KEY, says, "make one with: openssl rand -hex 32");
            DynamicRegistration::Off
        }
        (Mode::Token, Some(token)) => DynamicRegistration::Token(HashedSecret::of(token.expose_secret())),
        (Mode::Token, None) => {
            if !given {
                let hint =
                    "add initial_access_token_file, or initial_access_token; make one with: openssl rand -hex 32";
                problems.add("registration.dcr", "is \"token\", and there is no token", hint);
            }
            DynamicRegistration::Off
        }
        (_, _) if given => {
            problems.add(KEY, "is there, and nobody is asked for it", "write dcr = \"token\", or remove it");
            DynamicRegistration::Off
        }
        (Mode::Open, _) => DynamicRegistration::Open,
        (Mode::Off, _) => DynamicRegistration::Off,
    }
}

fn check_schemes(schemes: &[String], problems: &mut Problems) {
    const KEY: &str = "registration.extra_redirect_schemes";
    for scheme in schemes {
        let first_is_letter = scheme.starts_with(|c: char| c.is_ascii_lowercase());
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
        if !first_is_letter || !scheme.chars().all(plain) {
            let hint = "write it in small letters and without the colon, for instance \"myeditor\"";
            problems.add(KEY, format!("{scheme:?} is not a URI scheme"), hint);
        } else if DANGEROUS_SCHEMES.contains(&scheme.as_str()) || matches!(scheme.as_str(), "http" | "https") {
            let hint = "remove it; for plain http there is http_redirect_hosts";
            problems.add(KEY, format!("{scheme:?} never leads back to a program"), hint);
        }
    }
}

fn check_hosts(hosts: &[String], problems: &mut Problems) {
    let policy = RedirectPolicy { http_hosts: hosts.to_vec(), ..RedirectPolicy::default() };
    for host in hosts {
        // The rule itself says whether the name is written as it would be compared.
        if policy.check(&format!("http://{host}/")).is_err() || host.contains(['/', ':', '?']) && !host.starts_with('[')
        {
            let hint = "write the host alone, in small letters, without a port: \"192.168.1.20\" or \"chat.lan\"";
            problems.add("registration.http_redirect_hosts", format!("{host:?} is not a host"), hint);
        }
    }
}
