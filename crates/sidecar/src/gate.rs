//! Forward, challenge or refuse: the decision about one request, as a pure function of who calls, what is asked, and what the
//! resource demands. Called by `endpoint.rs`.
//!
//! The only place that makes a [`Permit`], and `forward.rs` takes nothing without one.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::{HeaderValue, InvalidHeaderValue};
use gatelodge_oauth::access_token;
use gatelodge_oauth::challenge::{Challenge, ChallengeError};
use gatelodge_oauth::scope::Scope;

use crate::caller::Caller;
use crate::mcp::{Kind, Operation};
use crate::policy::{Login, Need, Policy};
use crate::respond::Fault;

/// What is left of the methods of an MCP path for whoever has neither a token nor a session.
const WITHOUT_SESSION: &str = "POST, OPTIONS";

/// How one resource words its challenges, for one form of its path.
#[derive(Debug, Clone)]
pub struct Gate {
    /// What its operations need.
    pub policy: Arc<Policy>,
    /// The URL of the metadata document, in the form of the path that was asked (RFC 9728 §3.3).
    resource_metadata: String,
    /// What whoever comes without a token is told most.
    first_login: HeaderValue,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// The stream of the server, or the end of a session: no operation is named.
    Session,
    /// What a client posts; more than one in a batch.
    Operations(&'a [Operation<'a>]),
}

/// The proof that a request was authorized.
#[derive(Debug)]
pub struct Permit {
    caller: Caller,
    exception: Option<Exception>,
}

/// What the rules would have refused, had they been in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    /// Nobody may.
    Denied,
    /// The scope does not reach far enough.
    MissingScope,
}

impl Exception {
    /// For the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Exception::Denied => "denied",
            Exception::MissingScope => "insufficient_scope",
        }
    }
}

impl Permit {
    /// Who may.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Why it would not have been given.
    pub fn exception(&self) -> Option<Exception> {
        self.exception
    }
}

/// What was decided, and by what.
#[derive(Debug)]
pub struct Decided<'g> {
    /// What all that was asked for needs together.
    pub need: Need<'g>,
    /// The outcome.
    pub decision: Decision,
}

/// The outcome.
#[derive(Debug)]
pub enum Decision {
    /// The request goes to the MCP server.
    Forward(Permit),
    /// The client is told what to do (RFC 6750 §3).
    Challenge(Challenge),
    /// No token would help.
    Refuse(Fault),
}

impl Gate {
    /// For one form of the path of a resource.
    ///
    /// # Errors
    /// The challenge cannot be written in a header.
    pub fn new(policy: Arc<Policy>, resource_metadata: String) -> Result<Self, InvalidHeaderValue> {
        let mut gate = Self { policy, resource_metadata, first_login: HeaderValue::from_static("") };
        gate.first_login = HeaderValue::try_from(gate.login(&gate.policy.scope).header_value())?;
        Ok(gate)
    }

    /// To whoever has no token where everything needs one: the challenge that [`Gate::login`] makes for the resource, ready to
    /// be sent.
    pub fn first_login(&self) -> HeaderValue {
        self.first_login.clone()
    }

    /// Before anything is read of a request without a token: whether it may go on. RFC 6750 §3.1: it is told nothing else;
    /// so it is answered first, whatever its method.
    pub fn admits_strangers(&self) -> bool {
        self.policy.login == Login::Lazy
    }

    /// Decides, once it is known who calls and what for. `in_session`: whether the request names a session; whose it is, is
    /// another question (`sessions.rs`).
    pub fn decide(&self, caller: Caller, wanted: Wanted<'_>, in_session: bool) -> Decided<'_> {
        let need = self.need(wanted, in_session);
        let decision = match &need {
            Need::Public => self.forward_public(caller, wanted, in_session),
            Need::Scope(needed) => self.demand(caller, wanted, needed),
            Need::Denied if self.policy.dry_run => match self.demand(caller, wanted, &self.policy.scope) {
                Decision::Forward(permit) => Decision::Forward(Permit { exception: Some(Exception::Denied), ..permit }),
                other => other,
            },
            Need::Denied => Decision::Refuse(Fault::Forbidden),
        };
        Decided { need, decision }
    }

    /// What all of it needs together: a batch is allowed as a whole or not at all.
    fn need(&self, wanted: Wanted<'_>, in_session: bool) -> Need<'_> {
        match wanted {
            Wanted::Session => self.policy.need_of_session(in_session),
            Wanted::Operations(operations) => {
                operations.iter().map(|operation| self.policy.need(operation)).fold(Need::Public, Need::and)
            }
        }
    }

    /// Without a session there is nobody whom an answer could be for.
    fn forward_public(&self, caller: Caller, wanted: Wanted<'_>, in_session: bool) -> Decision {
        let answers = |operation: &Operation<'_>| operation.kind == Kind::Response;
        let is_answer = matches!(wanted, Wanted::Operations(operations) if operations.iter().any(answers));
        if is_answer && !in_session && matches!(caller, Caller::Anonymous) {
            return Decision::Challenge(self.login(&self.policy.scope));
        }
        Decision::Forward(Permit { caller, exception: None })
    }

    fn demand(&self, caller: Caller, wanted: Wanted<'_>, needed: &Scope) -> Decision {
        if matches!(caller, Caller::Anonymous) {
            // RFC 6750 §3.1; but a client that is told 401 for the stream that it need not have would log in for it.
            return match wanted {
                Wanted::Session => Decision::Refuse(Fault::MethodNotAllowed(WITHOUT_SESSION)),
                Wanted::Operations(_) => Decision::Challenge(self.login(needed)),
            };
        }
        // A key that only the MCP server limits has no scope here.
        let reaches = |needed: &Scope| caller.scope().is_none_or(|granted| self.policy.is_met(needed, granted));
        let exception = match reaches(needed) {
            true => None,
            false if self.policy.dry_run && reaches(&self.policy.scope) => Some(Exception::MissingScope),
            false => return Decision::Challenge(self.missing_scope(needed, caller.scope())),
        };
        Decision::Forward(Permit { caller, exception })
    }

    /// To whoever has no token: RFC 6750 §3.1, without an error.
    pub fn login(&self, needed: &Scope) -> Challenge {
        self.challenge(Cow::Borrowed(needed), None)
    }

    /// To whoever sent more than one token or key, or something that is none.
    pub fn unclear(&self, says: &str) -> Challenge {
        let error = (ChallengeError::InvalidRequest, says.into());
        self.challenge(Cow::Borrowed(&self.policy.scope), Some(error))
    }

    /// To whoever sent a token that is no good.
    pub fn bad_token(&self, refusal: &access_token::Refusal) -> Challenge {
        let error = (ChallengeError::InvalidToken, refusal.to_string());
        self.challenge(Cow::Borrowed(&self.policy.scope), Some(error))
    }

    /// To whoever sent an API key that is not listed, or that the MCP server refused.
    pub fn bad_key(&self) -> Challenge {
        let error = (ChallengeError::InvalidToken, "the API key is not known".into());
        self.challenge(Cow::Borrowed(&self.policy.scope), Some(error))
    }

    /// RFC 6750 §3.1 `insufficient_scope`. The challenge names what is needed **and** what the token has: many clients ask
    /// for exactly what it names, and would lose the rest.
    fn missing_scope(&self, needed: &Scope, granted: Option<&Scope>) -> Challenge {
        let granted = granted.into_iter().flat_map(Scope::iter);
        let granted = granted.filter(|name| *name != "offline_access").map(str::to_owned).collect();
        let error = (ChallengeError::InsufficientScope, format!("this needs the scope {needed}"));
        self.challenge(Cow::Owned(needed.union(&granted)), Some(error))
    }

    fn challenge(&self, scope: Cow<'_, Scope>, error: Option<(ChallengeError, String)>) -> Challenge {
        Challenge { resource_metadata: self.resource_metadata.clone(), scope: scope.into_owned(), error }
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
