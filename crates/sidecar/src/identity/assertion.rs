//! The caller as a short-lived JWT (RFC 7519) that the MCP server checks with a key of this sidecar's own.
//!
//! Its type is its own too (RFC 8725 §3.11), and its audience the MCP server: it can never pass for an access token.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatelodge_oauth::access_token::{InvalidSigningKey, SigningAlgorithm, SigningKey, pem};
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use gatelodge_service::config::{Problems, secret};
use quick_cache::sync::Cache;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use uuid::Uuid;

use super::principal::{Key, Principal};
use crate::config::AssertionConfig;
use crate::respond::Fault;

/// The `typ` of every assertion.
const TYPE: &str = "gatelodge-identity+jwt";

/// How long one is good.
const LIFETIME: Duration = Duration::from_secs(60);

/// How long one is sent again for the same caller, so that not every request pays for a signature.
const REUSED_FOR: Duration = Duration::from_secs(10);

/// How many are kept.
const KEPT: usize = 4096;

/// Signs for one MCP server.
pub struct Assertion {
    key: SigningKey,
    issuer: String,
    audience: String,
    header: HeaderName,
    clock: Clock,
    kept: Cache<Key, Kept>,
}

#[derive(Clone)]
struct Kept {
    value: HeaderValue,
    signed_at: Timestamp,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
    iat: Timestamp,
    exp: Timestamp,
    jti: String,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum AssertionError {
    /// None can be made.
    #[error(
        "the key of the assertions cannot be written to {}: {source}\n  hint: make the directory, and let this process write there, or put a key there: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        path.display()
    )]
    NotWritten {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be read, or others can read it.
    #[error("{0}")]
    NotRead(Problems),
    /// It is no such key.
    #[error("{}: {source}\n  hint: write an ES256 key: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", path.display())]
    NoKey {
        /// Where.
        path: PathBuf,
        /// Why.
        source: InvalidSigningKey,
    },
}

impl Assertion {
    /// Reads the key; makes it at the first start.
    pub fn new(config: &AssertionConfig, issuer: &str, clock: Clock) -> Result<Self, AssertionError> {
        let path = &config.key_file;
        let key = read_or_make(path)?;
        let (issuer, audience, header) = (issuer.to_owned(), config.audience.clone(), config.header.clone());
        Ok(Self { key, issuer, audience, header, clock, kept: Cache::new(KEPT) })
    }

    /// What it signs with.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The header that says who calls.
    pub fn header(&self, principal: &Principal<'_>) -> Result<(HeaderName, HeaderValue), Fault> {
        let (now, name) = (self.clock.now(), principal.key());
        // A clock that was set back makes a new one too.
        let kept = self.kept.get(&name).filter(|kept| now >= kept.signed_at && now < kept.signed_at.plus(REUSED_FOR));
        let value = match kept {
            Some(kept) => kept.value,
            None => {
                let value = self.signed(principal, now)?;
                self.kept.insert(name, Kept { value: value.clone(), signed_at: now });
                value
            }
        };
        Ok((self.header.clone(), value))
    }

    fn signed(&self, principal: &Principal<'_>, now: Timestamp) -> Result<HeaderValue, Fault> {
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.audience,
            sub: principal.subject,
            token_issuer: principal.issuer,
            client_id: principal.client_id,
            scope: principal.scope,
            context: principal.context,
            iat: now,
            exp: now.plus(LIFETIME),
            jti: Uuid::new_v4().to_string(),
        };
        let signed = self.key.sign_as(TYPE, &claims).map_err(|error| {
            tracing::error!(%error, "an assertion cannot be signed");
            Fault::CredentialUnavailable
        })?;
        let text = if self.header == AUTHORIZATION { format!("Bearer {signed}") } else { signed };
        let mut value = HeaderValue::try_from(text).map_err(|_| Fault::CredentialUnavailable)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn read_or_make(path: &Path) -> Result<SigningKey, AssertionError> {
    if !path.exists() {
        make(path).map_err(|source| AssertionError::NotWritten { path: path.into(), source })?;
    }
    let mut problems = Problems::default();
    let text = secret(None, Some(path.into()), "resource.identity.assertion.key", &mut problems);
    let text = text.ok_or(AssertionError::NotRead(problems))?;
    SigningKey::from_es256_pem(text.expose_secret().as_bytes())
        .map_err(|source| AssertionError::NoKey { path: path.into(), source })
}

/// Written whole beside its place, then linked to it: of several processes that start at once one makes the key, and
/// nobody ever reads half of it.
fn make(path: &Path) -> io::Result<()> {
    let pkcs8 = SigningKey::generate(SigningAlgorithm::Es256).map_err(io::Error::other)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", Uuid::new_v4()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let written = file.write_all(pem(&pkcs8).as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&beside, path));
    fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
