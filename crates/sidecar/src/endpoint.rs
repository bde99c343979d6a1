//! One request to the path of an MCP server, from its arrival to its answer. Routed here by `app.rs`.
//!
//! 1. Is the page it comes from allowed? (`cors.rs`)
//! 2. A preflight is answered.
//! 3. The gate decides (`gate.rs`); once more when the token names a key that had to be fetched.
//! 4. The decision is logged.
//! 5. Challenge, refuse, or forward (`forward.rs`).

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_service::clock::Clock;

use crate::api_keys::{ApiKeys, Found};
use crate::cors::{self, Origin, Origins};
use crate::forward::Upstream;
use crate::gate::{self, Because, Decision, Policy, Presented};
use crate::headers::Arrival;
use crate::jwks::Jwks;
use crate::respond::{self, Fault};
use crate::status_list::Statuses;

/// One path of one resource; the form with a trailing slash has its own.
pub struct Endpoint {
    /// What its requests need.
    pub policy: Policy,
    /// Which pages may call it.
    pub origins: Origins,
    /// Keys that work beside access tokens.
    pub api_keys: Option<Arc<ApiKeys>>,
    /// Where its requests go.
    pub upstream: Arc<Upstream>,
    /// The keys that tokens are checked with.
    pub jwks: Arc<Jwks>,
    /// Which of them were revoked; `None` where nobody looks.
    pub statuses: Option<Arc<Statuses>>,
    /// The time that tokens are checked against.
    pub clock: Clock,
    /// How clients reach us.
    pub arrival: Arrival,
}

/// Answers one request.
pub async fn handle(request: HttpRequest, payload: Payload, endpoint: Data<Endpoint>) -> HttpResponse {
    let origin = endpoint.origins.judge(request.headers());
    if origin == Origin::Foreign {
        tracing::info!(outcome = "refused", reason = Fault::ForeignOrigin.code(), "decision");
        return cors::expose_to(&origin, respond::fault(Fault::ForeignOrigin));
    }
    if *request.method() == Method::OPTIONS {
        return cors::expose_to(&origin, cors::preflight(request.headers(), &origin));
    }
    let decision = endpoint.decide(&request).await;
    log(&decision, &endpoint.policy);
    let answer = match decision {
        Decision::Challenge(challenge, _) => respond::challenge(&challenge),
        Decision::Refuse(fault) => respond::fault(fault),
        Decision::Forward(permit) => {
            let arrival = endpoint.arrival.of(&request);
            match endpoint.upstream.forward(permit, &request, payload, &arrival).await {
                Ok(answer) => answer,
                Err(Fault::KeyRefused) => endpoint.key_refused(),
                Err(fault) => respond::fault(fault),
            }
        }
    };
    cors::expose_to(&origin, answer)
}

impl Endpoint {
    async fn decide(&self, request: &HttpRequest) -> Decision {
        let found = self.api_keys.as_ref().map_or(Found::None, |keys| keys.find(request.headers()));
        if let Some(decision) = gate::decide_key(found, request.method(), &self.policy) {
            return decision;
        }
        let presented = gate::presented(request.headers());
        let keys = match presented {
            Presented::Token(_) => self.jwks.current().await,
            _ => None,
        };
        let statuses = self.statuses.as_ref().map(|statuses| statuses.snapshot());
        let decide =
            |keys| gate::decide(&presented, request.method(), &self.policy, keys, statuses.as_ref(), self.clock.now());
        let decision = decide(keys.as_deref());
        if decision.names_an_unknown_key() {
            return decide(self.jwks.refetched().await.as_deref());
        }
        decision
    }

    /// The MCP server does not know the key that was passed through to it.
    fn key_refused(&self) -> HttpResponse {
        let (reason, resource) = ("the MCP server refused the API key", self.policy.expected.audience.as_str());
        tracing::info!(outcome = "challenged", reason, resource, "decision");
        match self.policy.bad_key() {
            Decision::Challenge(challenge, _) => respond::challenge(&challenge),
            _ => respond::fault(Fault::KeyRefused),
        }
    }
}

/// One line for each decision. Request id, method and path are in the span; the token, the query and cookies nowhere.
fn log(decision: &Decision, policy: &Policy) {
    let resource = policy.expected.audience.as_str();
    match decision {
        Decision::Forward(permit) => {
            let caller = permit.caller();
            let (subject, client_id, api_key) = (caller.subject(), caller.client_id(), caller.api_key());
            tracing::info!(outcome = "forwarded", subject, client_id, api_key, resource, "decision");
        }
        Decision::Challenge(_, Because::MissingScope { caller }) => {
            let (subject, client_id, api_key) = (caller.subject(), caller.client_id(), caller.api_key());
            let needed = policy.scope.to_string();
            tracing::info!(
                outcome = "challenged",
                reason = "insufficient_scope",
                subject,
                client_id,
                api_key,
                needed,
                resource,
                "decision"
            );
        }
        Decision::Challenge(_, because) => {
            let reason = match because {
                Because::NoToken => "no access token".to_owned(),
                Because::BadToken(refusal) => refusal.to_string(),
                Because::BadKey => "unknown API key".to_owned(),
                _ => "more than one credential".to_owned(),
            };
            tracing::info!(outcome = "challenged", reason, resource, "decision");
        }
        Decision::Refuse(fault) => tracing::info!(outcome = "refused", reason = fault.code(), resource, "decision"),
    }
}
