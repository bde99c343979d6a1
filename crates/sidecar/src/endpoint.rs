//! One request to the path of an MCP server, from its arrival to its answer. Routed here by `app.rs`.
//!
//! 1. Is the page it comes from allowed? A preflight is answered. (`cors.rs`)
//! 2. Who calls? Without a token, where one is needed for everything, nothing else is looked at. (`presented.rs`)
//! 3. What is asked? The body is read whole, and strictly. (`body.rs`, `mcp/`)
//! 4. The gate decides. (`gate.rs`, `policy.rs`)
//! 5. Are the session and the tasks that it names the caller's? (`sessions.rs`, `tasks/`)
//! 6. Forward. (`forward.rs`)
//! 7. One line in the log, and in the audit trail. (`audit.rs`, `trail.rs`)
//!
//! The paths of HTTP+SSE go the same way; what is different there is in `legacy_sse.rs`.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::access_token::Refusal as TokenRefusal;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_service::clock::Clock;
use gatelodge_service::http::source::subscriber;

use crate::api_keys::{ApiKeys, Found};
use crate::audit::Record;
use crate::body::{self, Bodies};
use crate::caller::{Caller, Holder, Viewer};
use crate::config::ToolChallenges;
use crate::cors::{self, Origin, Origins};
use crate::forward::{Legacy, Onward, Upstream};
use crate::gate::{Decided, Decision, Gate, Permit, Wanted};
use crate::headers::Arrival;
use crate::legacy_sse::Role;
use crate::limits::{OpenRequests, Rates, SMALL};
use crate::listed_tools::ListedTools;
use crate::lists::{Asked, List, Overlay};
use crate::mcp::{self, Id, Kind, Message, Operations, Revision};
use crate::presented::{Presented, presented};
use crate::respond::{self, Fault, Refusal, ToolCallChallenge};
use crate::right::{Right, TokenRight};
use crate::sessions::{self, Named, Sessions};
use crate::tasks::Tasks;
use crate::tokens::{Audiences, Rejection, Tokens};
use crate::trail::Trail;

/// With it a stream is resumed (WHATWG HTML §9.2.4).
const LAST_EVENT_ID: &str = "last-event-id";

/// One path of one resource; the form with a trailing slash has its own.
pub struct Endpoint {
    /// Its name.
    pub resource: ResourceId,
    /// Which tokens are good.
    pub tokens: Arc<Tokens>,
    /// What tokens for this resource name.
    pub audiences: Audiences,
    /// What its requests need.
    pub gate: Gate,
    /// Which pages may call it.
    pub origins: Origins,
    /// How long event streams may go on after their access token.
    pub stream_grace: Duration,
    /// Where a tool call is challenged.
    pub tool_challenges: ToolChallenges,
    /// What is under way.
    pub open_requests: OpenRequests,
    /// How many requests follow each other.
    pub rates: Arc<Rates>,
    /// How much of what is posted is taken.
    pub bodies: Bodies,
    /// Keys that work beside access tokens.
    pub api_keys: Option<Arc<ApiKeys>>,
    /// Where its requests go.
    pub upstream: Rc<Upstream>,
    /// What the path is in HTTP+SSE, where it belongs to that transport.
    pub legacy: Option<Role>,
    /// How tools are described, in place of what the MCP server says.
    pub overlay: Arc<Overlay>,
    /// What the consent page shows of its tools.
    pub listed_tools: Option<Arc<ListedTools>>,
    /// Whose sessions are whose.
    pub sessions: Arc<Sessions>,
    /// Whose tasks are whose.
    pub tasks: Arc<Tasks>,
    /// The time that both end by.
    pub clock: Clock,
    /// Where decisions are kept.
    pub trail: Option<Trail>,
    /// How clients reach us.
    pub arrival: Arrival,
}

/// Answers one request.
pub async fn handle(request: HttpRequest, mut payload: Payload, endpoint: Data<Endpoint>) -> HttpResponse {
    let origin = endpoint.origins.judge(request.headers());
    let mut record = Record::begin(endpoint.resource.as_str(), endpoint.trail.as_ref());
    if origin == Origin::Foreign {
        record.refused(&Fault::ForeignOrigin.into());
        let answer = respond::fault(Fault::ForeignOrigin);
        record.log(answer.status());
        return cors::expose_to(&origin, answer);
    }
    if *request.method() == Method::OPTIONS {
        return cors::expose_to(&origin, cors::preflight(request.headers(), &origin, endpoint.methods()));
    }
    let answer = match endpoint.answer(&request, &mut payload, &mut record).await {
        Ok(answer) => answer,
        Err(refusal) => {
            record.refused(&refusal);
            body::drain(request.headers(), &mut payload).await;
            respond::refusal(&refusal)
        }
    };
    record.log(answer.status());
    cors::expose_to(&origin, answer)
}

impl Endpoint {
    async fn answer(
        &self,
        request: &HttpRequest,
        payload: &mut Payload,
        record: &mut Record<'_>,
    ) -> Result<HttpResponse, Refusal> {
        let caller = self.authenticate(request).await?;
        record.caller(&caller);
        self.rates.count_caller(&caller).map_err(Fault::too_often)?;
        // Before its body is read: that takes memory.
        let open = self.open_requests.begin(self.holder(request, &caller)).map_err(|_| Fault::TooManyRequests)?;
        let answer = match (request.method().as_str(), &self.legacy) {
            ("POST", _) => self.post(request, payload, caller, record).await,
            ("GET", Some(Role::Stream(addresses))) => self.legacy_stream(request, caller, addresses, record).await,
            ("GET" | "DELETE", None) => self.session(request, caller, record).await,
            _ => Err(Fault::MethodNotAllowed(self.methods()).into()),
        }?;
        Ok(open.until_sent(answer))
    }

    /// What the path takes.
    fn methods(&self) -> &'static str {
        match self.legacy {
            None => "GET, POST, DELETE, OPTIONS",
            // What clients post there to learn which transport this is, the MCP server answers.
            Some(Role::Stream(_)) => "GET, POST, OPTIONS",
            Some(Role::Messages(_)) => "POST, OPTIONS",
        }
    }

    /// Whom a request counts for. Subjects are names of one issuer's. Strangers are told apart by where they come from, and so
    /// is whoever has a key that nobody has checked yet.
    fn holder(&self, request: &HttpRequest, caller: &Caller) -> Holder {
        if caller.is_known() {
            return Holder::Known(caller.clone());
        }
        Holder::Stranger(self.arrival.of(request).client.map(subscriber))
    }

    /// Who calls. RFC 6750 §3.1: a request without a token is told nothing else, so this comes before its method, its
    /// headers and its body.
    async fn authenticate(&self, request: &HttpRequest) -> Result<Caller, Refusal> {
        match self.api_keys.as_ref().map_or(Found::None, |keys| keys.find(request.headers())) {
            Found::None => {}
            Found::PassThrough(key) | Found::Mapped(key) => return Ok(Caller::Key(key)),
            Found::Unknown => return Err(self.gate.bad_key().into()),
            Found::Several => return Err(self.gate.unclear("send one access token or one API key").into()),
        }
        let token = match presented(request.headers()) {
            Presented::Nothing if self.gate.admits_strangers() => return Ok(Caller::Anonymous),
            Presented::Nothing => return Err(Refusal::Login(self.gate.first_login())),
            Presented::Several => {
                return Err(self.gate.unclear("send one access token in one Authorization header").into());
            }
            Presented::Garbage => return Err(self.bad_token(&TokenRefusal::Malformed)),
            Presented::Token(token) => token,
        };
        let source = || self.arrival.trusted_proxies.source_of(request).map(subscriber);
        match self.tokens.judge(token, &self.audiences, source).await {
            Ok(token) => Ok(Caller::Token(token)),
            Err(Rejection::Bad(refusal)) => Err(self.bad_token(&refusal)),
            // Not a challenge: a client would throw a good token away.
            Err(Rejection::Unavailable(fault)) => Err(fault.into()),
        }
    }

    fn bad_token(&self, refusal: &TokenRefusal) -> Refusal {
        self.gate.bad_token(refusal).into()
    }

    /// What a client posts (MCP transports, "Sending Messages to the Server").
    async fn post(
        &self,
        request: &HttpRequest,
        payload: &mut Payload,
        caller: Caller,
        record: &mut Record<'_>,
    ) -> Result<HttpResponse, Refusal> {
        let headers = request.headers();
        mcp::check_media(headers)?;
        let body = self.bodies.read(headers, payload, || self.holder(request, &caller)).await?;
        if body.len() > SMALL {
            // What is refused costs as much; no client begins a login with it.
            self.rates.count_stranger(&caller, self.arrival.of(request).client).map_err(Fault::too_often)?;
        }
        let message = mcp::read(&body)?;
        let revision = mcp::check_headers(&message, headers).or_else(|mismatch| self.excuse(mismatch))?;
        let operations = message.operations();
        record.operations(operations);
        if let Some(Role::Messages(addresses)) = &self.legacy {
            let permit = self.decide(caller, Wanted::Operations(operations), true, record)?;
            self.tasks.check(operations, permit.caller(), self.clock.now()).map_err(|_| Fault::UnknownTask)?;
            return self.legacy_message(request, permit, addresses, body.clone()).await;
        }
        let session = sessions::named(headers);
        // Revisions without sessions ignore the header: it puts nobody into one.
        let in_session = revision == Revision::Legacy && session != Named::Nothing;
        let permit = self.decide(caller, Wanted::Operations(operations), in_session, record);
        let permit = permit.map_err(|refusal| self.as_tool_result(refusal, &message, revision))?;
        // A server of an earlier revision behind us would not ignore it.
        let (stay, keep_session) = match self.sessions.check(session, permit.caller(), self.clock.now()) {
            Ok(stay) => (stay.filter(|_| in_session), true),
            Err(fault) if revision == Revision::Legacy => return Err(fault.into()),
            Err(_) => (None, false),
        };
        self.tasks.check(operations, permit.caller(), self.clock.now())?;
        let begins = operations.iter().any(|operation| operation.method == "initialize");
        if operations.iter().any(|operation| operation.method == "tasks/list") {
            self.tasks.are_asked_for();
        }
        // Some servers answer also what has no id.
        let lists = operations.iter().filter_map(|operation| {
            let list = List::asked_by(&operation.method)?;
            Some((operation.id.map_or("null", Id::as_json), list))
        });
        let viewer = Viewer::One(permit.caller().clone());
        let lists = self.lists(&viewer, Asked::by(lists), revision == Revision::Modern);
        let right = self.right(permit.caller()).or(stay.map(Right::Stranger));
        let calls = operations.iter().any(|operation| operation.method == "tools/call");
        let watch = calls.then(|| self.watch(&viewer));
        let onward = Onward { body: Some(body.clone()), keep_session, lists, watch, right, legacy: Legacy::None };
        let answer = self.forward(request, permit, onward).await?;
        if begins && let Some(id) = answer.headers().get(sessions::NAME) {
            let id = id.to_str().map_err(|_| Fault::UpstreamUnavailable)?;
            self.sessions.begun(id, viewer.caller(), self.clock.now())?;
        }
        Ok(answer)
    }

    /// GET, the stream of the server, and DELETE, the end of a session (MCP transports, revisions up to 2025-11-25). Whether
    /// there is such a thing, the MCP server says.
    async fn session(
        &self,
        request: &HttpRequest,
        caller: Caller,
        record: &mut Record<'_>,
    ) -> Result<HttpResponse, Refusal> {
        if body::is_announced(request.headers()) {
            return Err(Fault::UnexpectedBody.into());
        }
        let session = sessions::named(request.headers());
        let permit = self.decide(caller, Wanted::Session, session != Named::Nothing, record)?;
        let stay = self.sessions.check(session, permit.caller(), self.clock.now())?;
        // A stream that is resumed, or the one stream of a session, may bring answers to requests that came elsewhere.
        // The end of a session is answered with no list, and by many servers with nothing at all.
        let ends = *request.method() == Method::DELETE;
        let viewer = Viewer::One(permit.caller().clone());
        let mut lists = if ends { None } else { self.lists(&viewer, Asked::elsewhere(), false) };
        if let Some((rewriter, _)) = &mut lists {
            rewriter.view.brings_nothing_old = !request.headers().contains_key(LAST_EVENT_ID);
        }
        let right = self.right(permit.caller()).or(stay.map(Right::Stranger));
        let watch = Some(self.watch(&viewer));
        let onward = Onward { body: None, keep_session: true, lists, watch, right, legacy: Legacy::None };
        let answer = self.forward(request, permit, onward).await?;
        if ends && answer.status().is_success() {
            self.sessions.ended(session);
        }
        Ok(answer)
    }

    /// What the gate says; what it needs is noted.
    pub fn decide(
        &self,
        caller: Caller,
        wanted: Wanted<'_>,
        in_session: bool,
        record: &mut Record<'_>,
    ) -> Result<Permit, Refusal> {
        let Decided { need, decision } = self.gate.decide(caller, wanted, in_session);
        record.need(&need);
        match decision {
            Decision::Forward(permit) => {
                record.exception(permit.exception());
                Ok(permit)
            }
            Decision::Challenge(challenge) => Err(challenge.into()),
            Decision::Refuse(fault) => Err(fault.into()),
        }
    }

    /// A challenge of the gate, for clients that read it in the result of the tool, where the operator has such. It stands for
    /// one call: of a batch it could not be said which one it is about.
    fn as_tool_result(&self, refusal: Refusal, message: &Message<'_>, revision: Revision) -> Refusal {
        let Operations::One(operation) = &message.operations else { return refusal };
        let is_call = operation.kind == Kind::Request && operation.method == "tools/call";
        match (refusal, operation.id) {
            (Refusal::Challenge(challenge), Some(id)) if is_call && self.tool_challenges != ToolChallenges::Http => {
                let (keeps_status, id) = (self.tool_challenges == ToolChallenges::HttpAndResult, id.as_json().into());
                Refusal::ToolCall(ToolCallChallenge { challenge, id, revision, keeps_status })
            }
            (refusal, _) => refusal,
        }
    }

    /// What an event stream of this caller lives by.
    pub fn right(&self, caller: &Caller) -> Option<Right> {
        self.token_right(caller).map(Right::Token)
    }

    /// The same of whoever has a token.
    pub fn token_right(&self, caller: &Caller) -> Option<TokenRight> {
        let Caller::Token(token) = caller else { return None };
        Some(TokenRight { tokens: Arc::clone(&self.tokens), token: Arc::clone(token), grace: self.stream_grace })
    }

    /// Forwards within what the caller may have under way.
    pub async fn forward(
        &self,
        request: &HttpRequest,
        permit: Permit,
        onward: Onward,
    ) -> Result<HttpResponse, Refusal> {
        let arrived = self.arrival.of(request);
        self.rates.count_stranger(permit.caller(), arrived.client).map_err(Fault::too_often)?;
        match self.upstream.forward(permit, request, onward, arrived).await {
            Ok(answer) => Ok(answer),
            Err(Fault::KeyRefused) => Err(self.gate.bad_key().into()),
            Err(fault) => Err(fault.into()),
        }
    }
}
