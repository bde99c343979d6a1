//! Clients that their operator knows, as `[[client]]` of the configuration and `gatelodge client add` describe them. They are
//! checked by the same rules; those of the configuration stay in memory, and no page calls either of them unverified.

use std::fs;
use std::path::{Path, PathBuf};

use gatelodge_oauth::client::{
    Client, ClientId, ClientKeys, GrantType, PERSONAL_TOKEN, Registration, TokenEndpointAuthMethod,
};
use gatelodge_oauth::client_assertion::AssertionAudience;
use gatelodge_oauth::client_keys::ClientKeySet;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::redirect_uri::RedirectPolicy;
use gatelodge_oauth::resource::{Resource, ResourceId};
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::config::{Problems, secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::config::Config;

/// RFC 6749 §10.10 asks for 128 bits; a shorter text has fewer even when every character of it is random.
const MIN_SECRET_LENGTH: usize = 22;

/// The longest identifier, in bytes: it comes with every request and stands in every token.
const MAX_ID_LENGTH: usize = 512;

/// A client as it is written down, not checked yet.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawClient {
    /// `client_id`.
    pub id: String,
    /// What people read on the consent page.
    pub name: String,
    /// Where answers may go.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Left out: authorization_code and refresh_token.
    pub grant_types: Option<Vec<String>>,
    /// Left out: what fits the secret or the keys.
    pub token_endpoint_auth_method: Option<String>,
    /// The secret, in any form.
    pub secret: Option<SecretString>,
    /// Where the secret is.
    pub secret_file: Option<PathBuf>,
    /// Or its SHA-256, in hexadecimal.
    pub secret_sha256: Option<String>,
    /// Its public keys: a JWK set (RFC 7517 §5).
    pub jwks_file: Option<PathBuf>,
    /// Or where the set is fetched.
    pub jwks_uri: Option<String>,
    /// The most it may be granted.
    pub scopes: Option<Vec<String>>,
    /// What it may ask for, and about.
    pub resources: Option<Vec<String>>,
    /// Whether it may ask about tokens (RFC 7662).
    #[serde(default)]
    pub introspection: bool,
}

/// The client of the configuration that has this name.
pub fn find<'a>(config: &'a Config, id: &ClientId) -> Option<&'a Client> {
    config.clients.iter().find(|client| client.id == *id)
}

/// `[clients]`: what holds for all of them.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawClients {
    /// What the assertions of clients may name as their audience.
    pub assertion_audience: AssertionAudience,
}

/// Checks every `[[client]]`; notes what is wrong.
pub fn check_all(
    raw: Vec<RawClient>,
    policy: &RedirectPolicy,
    resources: &[Resource],
    problems: &mut Problems,
) -> Vec<Client> {
    let mut clients: Vec<Client> = Vec::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let key = format!("client[{index}]");
        if clients.iter().any(|other| other.id.as_str() == raw.id) {
            problems.add(format!("{key}.id"), format!("{:?} is configured twice", raw.id), "remove one of the two");
        }
        // Configured clients have no day of registration.
        clients.extend(raw.check(&key, policy, resources, Timestamp::from_unix(0), problems));
    }
    clients
}

impl RawClient {
    /// The client, or `None` with every problem noted. `key` is where it stands.
    pub fn check(
        self,
        key: &str,
        policy: &RedirectPolicy,
        resources: &[Resource],
        now: Timestamp,
        problems: &mut Problems,
    ) -> Option<Client> {
        let before = problems.0.len();
        check_id(&self.id, key, problems);
        if self.name.trim().is_empty() {
            problems.add(format!("{key}.name"), "is empty", "name the client as people know it");
        }
        let grant_types = self.grant_types(key, problems);
        self.check_redirect_uris(key, policy, grant_types.contains(&GrantType::AuthorizationCode), problems);
        let keys = self.keys(key, problems);
        let scope = self.scope(key, resources, problems);
        let permitted = self.resources(key, resources, problems);
        let asked_method = self.token_endpoint_auth_method;
        let secret = hashed_secret(self.secret, self.secret_file, self.secret_sha256, key, problems);
        let method = auth_method(asked_method.as_deref(), secret.is_some(), keys.is_some(), key, problems);
        if self.introspection && method == Some(TokenEndpointAuthMethod::None) {
            let hint =
                "give it a secret or keys: whoever asks about tokens must prove who it is (RFC 7662 section 2.1)";
            problems.add(format!("{key}.introspection"), "is on for a client that proves nothing", hint);
        }
        (problems.0.len() == before).then_some(Client {
            name: Some(self.name.trim().to_owned()),
            redirect_uris: self.redirect_uris,
            grant_types,
            auth_methods: vec![method?],
            secret,
            keys,
            scope,
            resources: permitted,
            may_introspect: self.introspection,
            ..Client::new(ClientId::new(self.id), Registration::Configured, now)
        })
    }

    fn grant_types(&self, key: &str, problems: &mut Problems) -> Vec<GrantType> {
        let Some(names) = &self.grant_types else {
            return vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        };
        let mut known = Vec::new();
        for name in names {
            match name.parse::<GrantType>() {
                Ok(grant_type) => known.push(grant_type),
                Err(_) => {
                    let all: Vec<&str> = GrantType::ALL.into_iter().map(GrantType::as_str).collect();
                    let hint = format!("choose from {}", all.join(", "));
                    problems.add(format!("{key}.grant_types"), format!("{name:?} is not a grant type"), hint);
                }
            }
        }
        if known.is_empty() && !self.introspection {
            let hint = "write [\"authorization_code\", \"refresh_token\"], or leave it out";
            problems.add(format!("{key}.grant_types"), "is empty: the client could not get any token", hint);
        }
        known
    }

    fn check_redirect_uris(&self, key: &str, policy: &RedirectPolicy, needed: bool, problems: &mut Problems) {
        let key = format!("{key}.redirect_uris");
        for uri in &self.redirect_uris {
            if let Err(reason) = policy.check(uri) {
                let hint = "write it exactly as the client sends it; [registration] has extra_redirect_schemes and http_redirect_hosts";
                problems.add(&key, format!("{uri:?} cannot be used: {reason}"), hint);
            }
        }
        if needed && self.redirect_uris.is_empty() {
            let hint = "write where the client takes its answers, for instance [\"https://app.example.com/callback\"]";
            problems.add(&key, "is empty, and authorization_code needs one", hint);
        }
    }

    fn keys(&self, key: &str, problems: &mut Problems) -> Option<ClientKeys> {
        match (&self.jwks_file, &self.jwks_uri) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                let key = format!("{key}.jwks_uri");
                problems.add(key, "jwks_file and jwks_uri are both set", "remove one of the two");
                None
            }
            (Some(path), None) => public_keys(path, &format!("{key}.jwks_file"), problems),
            (None, Some(uri)) => {
                if !uri.starts_with("https://") {
                    let hint = "write the https URL of the JWK set of the client";
                    problems.add(format!("{key}.jwks_uri"), format!("{uri:?} is not an https URL"), hint);
                }
                Some(ClientKeys::Uri(uri.clone()))
            }
        }
    }

    fn scope(&self, key: &str, resources: &[Resource], problems: &mut Problems) -> Option<Scope> {
        let limit: Scope = self.scopes.as_ref()?.iter().cloned().collect();
        let known = resources.iter().fold(Scope::empty(), |all, resource| all.union(&resource.known_scope()));
        if limit.is_empty() || !limit.is_subset_of(&known) {
            let hint = "name scopes defined under [[resource.scope]], or leave it out for all of them";
            problems.add(format!("{key}.scopes"), format!("\"{limit}\" is not part of \"{known}\""), hint);
        }
        Some(limit)
    }

    fn resources(&self, key: &str, resources: &[Resource], problems: &mut Problems) -> Option<Vec<ResourceId>> {
        let names = self.resources.as_ref()?;
        let known = |name: &String| resources.iter().find(|resource| resource.id.as_str() == name);
        let unknown: Vec<&String> = names.iter().filter(|name| known(name).is_none()).collect();
        if names.is_empty() || !unknown.is_empty() {
            let says =
                if names.is_empty() { "is empty".to_owned() } else { format!("{unknown:?} is not a [[resource]]") };
            let hint = "write the id of a [[resource]], or leave it out for all of them";
            problems.add(format!("{key}.resources"), says, hint);
        }
        Some(names.iter().filter_map(known).map(|resource| resource.id.clone()).collect())
    }
}

/// RFC 6749 appendix A.1: visible ASCII. No spaces, because nobody sees them, and no colon-free rule for Basic
/// authentication, because identifiers are form-encoded there (RFC 6749 §2.3.1).
fn check_id(id: &str, key: &str, problems: &mut Problems) {
    if id.is_empty() || id.len() > MAX_ID_LENGTH || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        let hint = format!("write up to {MAX_ID_LENGTH} characters of visible ASCII, for instance \"wiki\"");
        problems.add(format!("{key}.id"), format!("{id:?} is not a client identifier"), hint);
    }
    // RFC 9068 §5: the `sub` of a client that acts for itself must never be that of a person.
    if id.starts_with(UserId::PREFIX) || id == PERSONAL_TOKEN {
        let says = format!("{id:?} is a name that this server gives itself");
        problems.add(format!("{key}.id"), says, format!("choose one that does not begin with \"{}\"", UserId::PREFIX));
    }
}

fn hashed_secret(
    value: Option<SecretString>,
    file: Option<PathBuf>,
    sha256: Option<String>,
    key: &str,
    problems: &mut Problems,
) -> Option<HashedSecret> {
    let in_clear = value.is_some() || file.is_some();
    if in_clear && sha256.is_some() {
        problems.add(format!("{key}.secret_sha256"), "stands beside the secret itself", "remove one of the two");
        return None;
    }
    if let Some(hexadecimal) = sha256 {
        let hash = from_hexadecimal(&hexadecimal);
        if hash.is_none() {
            let hint = "write 64 hexadecimal digits, as printf %s \"$SECRET\" | sha256sum prints them";
            problems.add(format!("{key}.secret_sha256"), "is not a SHA-256", hint);
        }
        return hash;
    }
    let secret = secret(value, file, &format!("{key}.secret"), problems)?;
    if secret.expose_secret().len() < MIN_SECRET_LENGTH {
        let says = format!("is shorter than {MIN_SECRET_LENGTH} characters");
        problems.add(format!("{key}.secret"), says, "make one with: openssl rand -hex 32");
        return None;
    }
    Some(HashedSecret::of(secret.expose_secret()))
}

fn from_hexadecimal(text: &str) -> Option<HashedSecret> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0u8; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(HashedSecret::from_bytes(bytes))
}

/// The set as it was written. A private key in it would be one that this server must not have.
fn public_keys(path: &Path, key: &str, problems: &mut Problems) -> Option<ClientKeys> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let hint = "check the path, and that the user this process runs as may read the file";
            problems.add(key, format!("{} cannot be read: {error}", path.display()), hint);
            return None;
        }
    };
    if let Err(reason) = ClientKeySet::parse(text.as_bytes()) {
        let hint = "write {\"keys\": [ … ]} with the public keys of the client and nothing else (RFC 7517 section 5)";
        problems.add(key, format!("{} is not a set of public keys: {reason}", path.display()), hint);
        return None;
    }
    Some(ClientKeys::Inline(text))
}

/// The method that is asked for, or the one that fits what the client has.
fn auth_method(
    asked: Option<&str>,
    has_secret: bool,
    has_keys: bool,
    key: &str,
    problems: &mut Problems,
) -> Option<TokenEndpointAuthMethod> {
    use TokenEndpointAuthMethod::{ClientSecretBasic, ClientSecretPost, None as Public, PrivateKeyJwt};
    if has_secret && has_keys {
        problems.add(format!("{key}.secret"), "stands beside keys", "remove one of the two");
        return None;
    }
    let fitting = match (has_secret, has_keys) {
        (true, _) => ClientSecretBasic,
        (_, true) => PrivateKeyJwt,
        _ => Public,
    };
    let Some(asked) = asked else { return Some(fitting) };
    let method = asked.parse().ok().filter(|method| match method {
        ClientSecretBasic | ClientSecretPost => has_secret,
        PrivateKeyJwt => has_keys,
        Public => fitting == Public,
    });
    if method.is_none() {
        let says = format!(
            "{asked:?} does not fit: the client has {}",
            match fitting {
                Public => "neither secret nor keys",
                PrivateKeyJwt => "keys",
                _ => "a secret",
            }
        );
        let hint = "write \"none\", or \"client_secret_basic\" or \"client_secret_post\" beside a secret, or \"private_key_jwt\" beside keys";
        problems.add(format!("{key}.token_endpoint_auth_method"), says, hint);
    }
    method
}
