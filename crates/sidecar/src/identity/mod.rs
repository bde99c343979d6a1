//! Who the MCP server is told the caller is, in the form that the operator chose for it. Asked by `forward.rs` for each
//! request, after `headers.rs` dropped everything inbound that could pass for it.
//!
//! | file | form |
//! |---|---|
//! | `mod.rs` | plain headers, and the context value that goes with every form |
//! | `assertion` | a JWT that the MCP server can check |
//! | `credential` | what the MCP server already accepts; where it comes from is in `map`, `webhook` and `exchange` |
//! | `minted` | credentials at hand, each asked for once |
//! | `principal` | the caller as all of these see it |

use std::borrow::Cow;
use std::sync::Arc;

use gatelodge_oauth::access_token::SigningKey;
use gatelodge_oauth::scope::Scope;
use gatelodge_service::clock::Clock;
use reqwest::header::{HeaderName, HeaderValue};
use tokio::task::JoinHandle;

use crate::caller::Caller;
use crate::config::{Config, ContextRule, IdentityKind, Resource};
use crate::headers::{line, squash};
use crate::respond::Fault;
use assertion::Assertion;
use credential::Credential;
use principal::Principal;

pub use assertion::AssertionError;
pub use format::Format;
pub use map::Entries;

mod assertion;
mod credential;
mod exchange;
mod format;
mod map;
mod minted;
mod principal;
mod webhook;

const ISSUER: &str = "x-mcp-auth-issuer";
const SUBJECT: &str = "x-mcp-auth-sub";
const CLIENT_ID: &str = "x-mcp-auth-client-id";
const SCOPE: &str = "x-mcp-auth-scopes";
const CONTEXT: &str = "x-mcp-auth-context";

/// Of all these lines together, and more.
const USUAL_LENGTH: usize = 512;

/// Where the keys of the assertions are published: on the health listener, which the private network alone can reach.
/// Beside the authorization server's keys on the public origin they would be one mistake away from being taken for these.
pub const JWKS_PATH: &str = "/.well-known/gatelodge-identity-jwks";

/// A header for the MCP server.
type Header = (HeaderName, HeaderValue);

/// What one MCP server is told. Shared by all workers, so that each credential is fetched once.
pub struct Identity {
    /// Whose subjects, clients and scopes the operator's rules mean.
    issuer: String,
    rules: Vec<ContextRule>,
    form: Form,
    reserved: Vec<String>,
}

enum Form {
    Headers,
    Assertion(Box<Assertion>),
    Credential(Credential),
}

/// Why identities cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The key of the assertions.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    /// For https the machine needs certificates.
    #[error("no HTTP client can be made: {0}\n  hint: an https URL is configured; install the package ca-certificates")]
    HttpClient(#[from] reqwest::Error),
}

impl Identity {
    /// Makes the key of the assertions when there is none yet; asks nobody.
    pub fn new(config: &Config, resource: &Resource, clock: &Clock) -> Result<Self, IdentityError> {
        let mut names: Vec<&str> = resource.api_keys.iter().map(|keys| keys.header.as_str()).collect();
        let form = match &resource.identity.kind {
            IdentityKind::Headers => Form::Headers,
            IdentityKind::Assertion(assertion) => {
                names.push(assertion.header.as_str());
                Form::Assertion(Box::new(Assertion::new(assertion, config.public_url.as_str(), clock.clone())?))
            }
            IdentityKind::Credential(credential) => {
                names.push(credential.header.as_str());
                Form::Credential(Credential::new(credential, &config.issuer, &resource.id)?)
            }
        };
        let reserved = names.into_iter().map(squash).collect();
        Ok(Self { issuer: config.issuer.clone(), rules: resource.identity.context.clone(), form, reserved })
    }

    /// The header lines that say who calls. `token` is the access token as it came.
    pub async fn lines_for<'t>(
        &self,
        caller: &Caller,
        token: impl FnOnce() -> Option<&'t str>,
    ) -> Result<Vec<u8>, Fault> {
        let mut lines = Vec::with_capacity(USUAL_LENGTH);
        let mut add = |(name, value): &Header| line(&mut lines, name.as_str(), value.as_bytes());
        if let Some(header) = passed_through(caller) {
            add(header);
            return Ok(lines);
        }
        let context = self.context_of(caller);
        let principal = Principal::of(caller, context.and_then(|value| value.to_str().ok()));
        match (&self.form, &principal) {
            (Form::Credential(credential), Some(principal)) => add(&credential.header(principal, token()).await?),
            (Form::Credential(credential), None) => credential.anonymous().iter().for_each(add),
            (_, None) => {}
            (Form::Headers, Some(principal)) => plain(principal, &mut lines),
            (Form::Assertion(assertion), Some(principal)) => add(&assertion.header(principal)?),
        }
        if let Some(context) = context {
            line(&mut lines, CONTEXT, context.as_bytes());
        }
        Ok(lines)
    }

    /// The MCP server did not take the credential of this caller: the next request asks for another one.
    pub fn rejected(&self, caller: &Caller) {
        let context = self.context_of(caller).and_then(|value| value.to_str().ok());
        if let (Form::Credential(credential), Some(principal)) = (&self.form, Principal::of(caller, context)) {
            credential.rejected(&principal);
        }
    }

    /// How the names begin, squashed, that no inbound header may have, beside those of `X-Mcp-Auth-*`.
    pub fn reserved(&self) -> &[String] {
        &self.reserved
    }

    /// The key that the MCP server checks assertions with.
    pub fn assertion_key(&self) -> Option<&SigningKey> {
        match &self.form {
            Form::Assertion(assertion) => Some(assertion.key()),
            Form::Headers | Form::Credential(_) => None,
        }
    }

    /// Runs for as long as the process: looks for changes of the operator's file.
    pub fn keep_fresh(&self) -> Option<JoinHandle<()>> {
        match &self.form {
            Form::Credential(credential) => credential.keep_fresh(),
            Form::Headers | Form::Assertion(_) => None,
        }
    }

    fn context_of(&self, caller: &Caller) -> Option<&HeaderValue> {
        self.rules.iter().find(|rule| matches(rule, caller, &self.issuer)).map(|rule| &rule.value)
    }
}

/// The keys of all assertions, as published.
pub fn published_keys<'a>(identities: impl IntoIterator<Item = &'a Arc<Identity>>) -> Option<Vec<u8>> {
    let mut keys: Vec<&SigningKey> = identities.into_iter().filter_map(|identity| identity.assertion_key()).collect();
    keys.sort_by(|a, b| a.kid().cmp(b.kid()));
    keys.dedup_by(|a, b| a.kid() == b.kid());
    if keys.is_empty() { None } else { serde_json::to_vec(&gatelodge_oauth::access_token::jwks(keys)).ok() }
}

/// Nothing more is said than the key itself: nobody has checked it yet.
fn passed_through(caller: &Caller) -> Option<&(HeaderName, HeaderValue)> {
    match caller {
        Caller::Key(key) => key.passed_through(),
        Caller::Anonymous | Caller::Token(_) => None,
    }
}

/// All that a rule names must hold. Subjects, clients and scopes are names of one issuer's, so another's never match.
fn matches(rule: &ContextRule, caller: &Caller, own_issuer: &str) -> bool {
    if rule.anonymous || *caller == Caller::Anonymous {
        return rule.anonymous && *caller == Caller::Anonymous;
    }
    let is = |wanted: &Option<String>, actual: Option<&str>| wanted.as_deref().is_none_or(|name| actual == Some(name));
    let of_its_issuer = match caller.issuer() {
        Some(issuer) => issuer == rule.issuer.as_deref().unwrap_or(own_issuer),
        None => rule.issuer.is_none(),
    };
    passed_through(caller).is_none()
        && of_its_issuer
        && is(&rule.subject, caller.subject())
        && is(&rule.client_id, caller.client_id())
        && is(&rule.api_key, caller.api_key())
        && rule.scope.as_deref().is_none_or(|name| caller.scope().is_some_and(|scope| scope.contains(name)))
}

fn plain(principal: &Principal<'_>, lines: &mut Vec<u8>) {
    let mut add = |name, value: &str| line(lines, name, value.as_bytes());
    add(SUBJECT, &visible(principal.subject));
    if let Some(issuer) = principal.issuer {
        add(ISSUER, &visible(issuer));
    }
    if let Some(client_id) = principal.client_id {
        add(CLIENT_ID, &visible(client_id));
    }
    let scope = principal.scope.map(Scope::as_str).unwrap_or_default();
    // Names of scopes are visible too, and nothing but a space stands between them (RFC 6749 §3.3).
    add(SCOPE, if scope.bytes().all(|byte| matches!(byte, b' '..=b'~')) { scope } else { "" });
}

/// An identity as a header value: visible ASCII as it is, everything else (and `%` itself) percent-encoded, so that two
/// identities never look the same.
fn visible(identity: &str) -> Cow<'_, str> {
    // Most identities are as they are, which is asked of many bytes at once.
    if identity.bytes().fold(true, |all, byte| all & is_visible(byte)) {
        return Cow::Borrowed(identity);
    }
    let mut text = String::with_capacity(identity.len());
    for byte in identity.bytes() {
        if is_visible(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(text)
}

const fn is_visible(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'%'
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
