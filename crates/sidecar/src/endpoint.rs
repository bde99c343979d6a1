//! One request to the path of an MCP server, from its arrival to its answer. Routed here by `app.rs`.
//!
//! 1. Is the page it comes from allowed? (`cors.rs`)
//! 2. A preflight is answered.
//! 3. The token is judged (`tokens/`), and the gate decides (`gate.rs`).
//! 4. The decision is logged.
//! 5. Challenge, refuse, or forward (`forward.rs`).

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use crate::cors::{self, Origin, Origins};
use crate::forward::Upstream;
use crate::gate::{self, Because, Decision, Policy, Presented};
use crate::headers::Arrival;
use crate::respond::{self, Fault};
use crate::tokens::{Audiences, Tokens};

/// One path of one resource; the form with a trailing slash has its own.
pub struct Endpoint {
    /// What its requests need.
    pub policy: Policy,
    /// Which pages may call it.
    pub origins: Origins,
    /// Where its requests go.
    pub upstream: Arc<Upstream>,
    /// Which tokens are good.
    pub tokens: Arc<Tokens>,
    /// What tokens for this resource name.
    pub audiences: Audiences,
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
            endpoint.upstream.forward(permit, &request, payload, &arrival).await
        }
    };
    cors::expose_to(&origin, answer)
}

impl Endpoint {
    async fn decide(&self, request: &HttpRequest) -> Decision {
        let presented = gate::presented(request.headers());
        let judged = match presented {
            Presented::Token(token) => self.tokens.judge(token, &self.audiences).await,
            _ => return gate::without_token(&presented, &self.policy),
        };
        gate::decide(judged, request.method(), &self.policy)
    }
}

/// One line for each decision. Request id, method and path are in the span; the token, the query and cookies nowhere.
fn log(decision: &Decision, policy: &Policy) {
    let resource = policy.resource.as_str();
    match decision {
        Decision::Forward(permit) => {
            let (subject, client_id) = (permit.subject(), permit.client_id());
            tracing::info!(outcome = "forwarded", subject, client_id, resource, "decision");
        }
        Decision::Challenge(_, Because::MissingScope { subject, client_id }) => {
            let needed = policy.scope.to_string();
            tracing::info!(
                outcome = "challenged",
                reason = "insufficient_scope",
                subject,
                client_id,
                needed,
                resource,
                "decision"
            );
        }
        Decision::Challenge(_, because) => {
            let reason = match because {
                Because::NoToken => "no access token".to_owned(),
                Because::BadToken(refusal) => refusal.to_string(),
                _ => "more than one access token".to_owned(),
            };
            tracing::info!(outcome = "challenged", reason, resource, "decision");
        }
        Decision::Refuse(fault) => tracing::info!(outcome = "refused", reason = fault.code(), resource, "decision"),
    }
}
