//! Forward, challenge or refuse: the decision about one request, as a pure function. Called by `endpoint.rs`.
//!
//! The only place that makes a [`Permit`], and `forward.rs` takes nothing without one.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use gatelodge_oauth::access_token::{self, AccessToken, MAX_LENGTH};
use gatelodge_oauth::challenge::{Challenge, ChallengeError};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::scope::Scope;

use crate::respond::Fault;
use crate::tokens::{Answer, Rejection};

/// What a resource demands, and how it words its challenges.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The resource, for the log.
    pub resource: ResourceId,
    /// What every request needs.
    pub scope: Scope,
    /// The URL of the metadata document, in the form of the path that was asked (RFC 9728 §3.3).
    pub resource_metadata: String,
}

/// The proof that a request was authorized.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    token: Arc<AccessToken>,
}

impl Permit {
    /// Who consented.
    pub fn subject(&self) -> &str {
        &self.token.subject
    }

    /// Who holds the token.
    pub fn client_id(&self) -> &str {
        &self.token.client_id
    }

    /// What the token allows.
    pub fn scope(&self) -> &Scope {
        &self.token.scope
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
    /// Its token does not reach far enough.
    MissingScope { subject: String, client_id: String },
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

/// Decides about a request that presents no token. RFC 6750 §3.1: such a request is told nothing else; so it is answered
/// first, whatever its method.
pub fn without_token(presented: &Presented<'_>, policy: &Policy) -> Decision {
    match presented {
        Presented::Nothing => policy.challenge(None, Because::NoToken),
        Presented::Several => {
            let error = (ChallengeError::InvalidRequest, "send one access token in one Authorization header".into());
            policy.challenge(Some(error), Because::UnclearToken)
        }
        Presented::Garbage | Presented::Token(_) => policy.bad_token(access_token::Refusal::Malformed),
    }
}

/// Decides about a request whose token was judged.
pub fn decide(judged: Answer, method: &Method, policy: &Policy) -> Decision {
    let token = match judged {
        Ok(token) => token,
        Err(Rejection::Bad(refusal)) => return policy.bad_token(refusal),
        // Not a challenge: a client would throw a good token away.
        Err(Rejection::Unavailable(fault)) => return Decision::Refuse(fault),
    };
    if !policy.scope.is_subset_of(&token.scope) {
        return policy.missing_scope(&token);
    }
    if !matches!(*method, Method::GET | Method::POST | Method::DELETE) {
        return Decision::Refuse(Fault::MethodNotAllowed);
    }
    Decision::Forward(Permit { token })
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

    /// RFC 6750 §3.1 `insufficient_scope`. The challenge names what is needed **and** what the token has: many clients ask
    /// for exactly what it names, and would lose the rest.
    fn missing_scope(&self, token: &AccessToken) -> Decision {
        let granted = token.scope.iter().filter(|name| *name != "offline_access").map(str::to_owned).collect();
        let scope = self.scope.union(&granted);
        let error = (ChallengeError::InsufficientScope, format!("this needs the scope {}", self.scope));
        let because = Because::MissingScope { subject: token.subject.clone(), client_id: token.client_id.clone() };
        self.challenge_for(scope, Some(error), because)
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
