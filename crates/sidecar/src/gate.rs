//! Forward, challenge or refuse: the decision about one request, as a pure function. Called by `endpoint.rs`.
//!
//! The only place that makes a [`Permit`], and `forward.rs` takes nothing without one.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use gatelodge_oauth::access_token::{self, Expectation, MAX_LENGTH, VerifyingKeys};
use gatelodge_oauth::challenge::{Challenge, ChallengeError};
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::time::Timestamp;

use crate::api_keys::Found;
use crate::caller::Caller;
use crate::respond::Fault;
use crate::status_list::{Snapshot, Verdict};

/// What a resource demands, and how it words its challenges.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What the token must say of itself.
    pub expected: Expectation,
    /// What every request needs.
    pub scope: Scope,
    /// The URL of the metadata document, in the form of the path that was asked (RFC 9728 §3.3).
    pub resource_metadata: String,
}

/// The proof that a request was authorized.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    caller: Caller,
}

impl Permit {
    /// Whose request it is.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
}

/// The outcome.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// The request goes to the MCP server.
    Forward(Permit),
    /// The client is told what to do (RFC 6750 §3).
    Challenge(Challenge, Because),
    /// No token would help.
    Refuse(Fault),
}

/// Why a client is challenged, exactly; for the log.
#[derive(Debug, PartialEq, Eq)]
pub enum Because {
    /// It sent no token.
    NoToken,
    /// It sent more than one, or something that is not one.
    UnclearToken,
    /// It sent one that is no good.
    BadToken(access_token::Refusal),
    /// It sent an API key that nobody knows.
    BadKey,
    /// Its token does not reach far enough.
    MissingScope { caller: Caller },
}

impl Decision {
    /// Whether other keys could lead to another decision.
    pub fn names_an_unknown_key(&self) -> bool {
        matches!(self, Decision::Challenge(_, Because::BadToken(access_token::Refusal::UnknownKey { .. })))
    }
}

/// What the request presents (RFC 6750 §2.1: only the header counts).
#[derive(Debug, PartialEq, Eq)]
pub enum Presented<'a> {
    /// No `Authorization` header, one of another scheme, or one without a token.
    Nothing,
    /// One bearer token.
    Token(&'a str),
    /// More than one.
    Several,
    /// Nothing that could be a token.
    Garbage,
}

/// Reads the `Authorization` header.
pub fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    match (values.next(), values.next()) {
        (None, _) => Presented::Nothing,
        (Some(value), None) => bearer(value),
        (Some(_), Some(_)) => Presented::Several,
    }
}

fn bearer(value: &HeaderValue) -> Presented<'_> {
    let Ok(text) = value.to_str() else { return Presented::Garbage };
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let token = rest.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        // What an unset variable leaves behind is no token, and the client should log in.
        return Presented::Nothing;
    }
    if token.contains([' ', ',', '\t']) {
        return Presented::Several;
    }
    if token.len() > MAX_LENGTH { Presented::Garbage } else { Presented::Token(token) }
}

/// Decides. `keys` is `None` while the authorization server could never be asked, `statuses` where nobody looks. RFC 6750 §3.1: a request without a
/// token is told nothing else; so it is answered first, whatever its method.
pub fn decide(
    presented: &Presented<'_>,
    method: &Method,
    policy: &Policy,
    keys: Option<&VerifyingKeys>,
    statuses: Option<&Snapshot>,
    now: Timestamp,
) -> Decision {
    let token = match presented {
        Presented::Nothing => return policy.challenge(None, Because::NoToken),
        Presented::Several => {
            let error = (ChallengeError::InvalidRequest, "send one access token in one Authorization header".into());
            return policy.challenge(Some(error), Because::UnclearToken);
        }
        Presented::Garbage => return policy.bad_token(access_token::Refusal::Malformed),
        Presented::Token(token) => token,
    };
    // Not a challenge: a client would throw a good token away.
    let Some(keys) = keys else { return Decision::Refuse(Fault::KeysUnavailable) };
    let token = match access_token::verify(token, keys, &policy.expected, now) {
        Ok(token) => token,
        Err(refusal) => return policy.bad_token(refusal),
    };
    match statuses.map_or(Verdict::Good, |statuses| statuses.judge(&token)) {
        Verdict::Good => {}
        Verdict::Bad(refusal) => return policy.bad_token(refusal),
        Verdict::Unknown => return Decision::Refuse(Fault::StatusUnavailable),
    }
    admit(Caller::Token(Arc::new(token)), method, policy)
}

/// Decides about a request with a key in the place for API keys; `None` where it has none, and a token may be there.
pub fn decide_key(found: Found, method: &Method, policy: &Policy) -> Option<Decision> {
    match found {
        Found::None => None,
        Found::PassThrough(key) | Found::Mapped(key) => Some(admit(Caller::Key(key), method, policy)),
        Found::Unknown => Some(policy.bad_key()),
        Found::Several => {
            let error = (ChallengeError::InvalidRequest, "send one access token or one API key".into());
            Some(policy.challenge(Some(error), Because::UnclearToken))
        }
    }
}

fn admit(caller: Caller, method: &Method, policy: &Policy) -> Decision {
    if caller.scope().is_some_and(|scope| !policy.scope.is_subset_of(scope)) {
        return policy.missing_scope(&caller);
    }
    if !matches!(*method, Method::GET | Method::POST | Method::DELETE) {
        return Decision::Refuse(Fault::MethodNotAllowed);
    }
    Decision::Forward(Permit { caller })
}

impl Policy {
    fn challenge(&self, error: Option<(ChallengeError, String)>, because: Because) -> Decision {
        self.challenge_for(self.scope.clone(), error, because)
    }

    fn challenge_for(&self, scope: Scope, error: Option<(ChallengeError, String)>, because: Because) -> Decision {
        Decision::Challenge(Challenge { resource_metadata: self.resource_metadata.clone(), scope, error }, because)
    }

    fn bad_token(&self, refusal: access_token::Refusal) -> Decision {
        let error = (ChallengeError::InvalidToken, refusal.to_string());
        self.challenge(Some(error), Because::BadToken(refusal))
    }

    /// The key is not listed, or the MCP server that it was passed through to refused it.
    pub fn bad_key(&self) -> Decision {
        let error = (ChallengeError::InvalidToken, "the API key is not known".into());
        self.challenge(Some(error), Because::BadKey)
    }

    /// RFC 6750 §3.1 `insufficient_scope`. The challenge names what is needed **and** what the token has: many clients ask
    /// for exactly what it names, and would lose the rest.
    fn missing_scope(&self, caller: &Caller) -> Decision {
        let granted = caller
            .scope()
            .into_iter()
            .flat_map(Scope::iter)
            .filter(|name| *name != "offline_access")
            .map(str::to_owned)
            .collect();
        let scope = self.scope.union(&granted);
        let error = (ChallengeError::InsufficientScope, format!("this needs the scope {}", self.scope));
        let because = Because::MissingScope { caller: caller.clone() };
        self.challenge_for(scope, Some(error), because)
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
