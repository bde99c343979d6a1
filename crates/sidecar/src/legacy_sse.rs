//! HTTP+SSE, the transport of MCP 2024-11-05, where the operator switches it on. A GET opens the stream on which everything
//! arrives; its event `endpoint` names the URI that messages are posted to. Both paths go through `endpoint.rs`, which calls
//! this for what is different.
//!
//! Clients demand that this URI has the origin of the stream, so they are given one of ours: the path that the operator chose,
//! and an id that nobody can guess. What the MCP server named stays here, beside whose stream it is, and ends with the stream.
//! Nothing that a client writes into the URI of a message reaches the MCP server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use tokio::sync::oneshot;
use url::{Position, Url};
use uuid::Uuid;

use crate::audit::Record;
use crate::body;
use crate::caller::{Caller, Principal, Viewer};
use crate::config::LegacySse;
use crate::endpoint::Endpoint;
use crate::forward::{Legacy, Onward};
use crate::gate::{Permit, Wanted};
use crate::lists::{Asked, Edit, Lists, Rewriter, Unrewritable};
use crate::mcp::{HeaderMismatch, Mismatch, Revision};
use crate::respond::{Fault, Refusal};
use crate::right::{Right, TokenRight};
use crate::view::CallersView;

/// As the TypeScript SDK names it; others look for it too.
const ID: &str = "sessionId=";

/// Longer URIs are refused: each is kept as long as its stream.
const LONGEST_ADDRESS: usize = 4096;

/// What a path is in this transport.
pub enum Role {
    /// Where streams are opened.
    Stream(Arc<Addresses>),
    /// Where messages are posted.
    Messages(Arc<Addresses>),
}

/// Where the messages of each open stream go; shared by all workers. There are no more of them than requests under way.
pub struct Addresses {
    upstream: Url,
    message_path: String,
    by_id: Mutex<HashMap<Uuid, Address>>,
}

struct Address {
    /// Path and query at the MCP server.
    target: Arc<str>,
    holder: Option<Principal>,
    /// Who takes it over brings the right that the stream then lives by.
    taker: Option<oneshot::Sender<TokenRight>>,
    viewer: Viewer,
}

impl Addresses {
    /// None yet.
    pub fn new(config: &LegacySse) -> Self {
        Self { upstream: config.upstream.clone(), message_path: config.message_path.clone(), by_id: Mutex::default() }
    }

    /// Where the messages of a stream go, if it is the caller's. One that was opened without a token becomes, once, that of
    /// the first who posts with one, as sessions do: that is what logging in means. From then on it lives by that token's `right`.
    fn find(
        &self,
        id: Option<Uuid>,
        caller: &Caller,
        right: impl FnOnce() -> Option<TokenRight>,
    ) -> Result<Arc<str>, Fault> {
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        let address = id.and_then(|id| by_id.get_mut(&id)).ok_or(Fault::UnknownSession)?;
        if address.holder.is_none() && caller.is_known() {
            address.holder = caller.principal();
            if let Viewer::Taker(taker) = &address.viewer {
                taker.set(caller.clone()).ok();
            }
            if let (Some(taker), Some(right)) = (address.taker.take(), right()) {
                taker.send(right).ok();
            }
        }
        if caller.is(address.holder.as_ref()) { Ok(Arc::clone(&address.target)) } else { Err(Fault::UnknownSession) }
    }

    /// Path and query of a URI that an event names: relative, with a path, or absolute, on the host of the stream only.
    fn target(&self, data: &[u8]) -> Option<Arc<str>> {
        let url = self.upstream.join(std::str::from_utf8(data).ok()?).ok()?;
        let is_own = url.origin() == self.upstream.origin() && url.username().is_empty() && url.password().is_none();
        let target = &url[Position::BeforePath..Position::AfterQuery];
        (is_own && target.len() <= LONGEST_ADDRESS).then(|| target.into())
    }
}

/// A stream on its way to whoever opened it. Dropped, nobody can post to it any more.
pub struct Opening {
    addresses: Arc<Addresses>,
    id: Uuid,
    holder: Option<Principal>,
    taker: Option<oneshot::Sender<TokenRight>>,
    viewer: Viewer,
}

impl Opening {
    /// And how it is learnt what right it lives by once somebody has taken it over.
    fn new(addresses: &Arc<Addresses>, caller: &Caller) -> (Self, oneshot::Receiver<TokenRight>) {
        let (taker, taken) = oneshot::channel();
        let (addresses, holder) = (Arc::clone(addresses), caller.principal());
        // What comes on it later, is for whoever has taken it over by then.
        let viewer = match caller {
            Caller::Anonymous => Viewer::Taker(Arc::new(OnceLock::new())),
            caller => Viewer::One(caller.clone()),
        };
        (Self { addresses, id: Uuid::new_v4(), holder, taker: Some(taker), viewer }, taken)
    }

    /// What is done to its events.
    pub fn with(self, lists: Option<(Rewriter<CallersView>, Asked)>) -> impl Edit {
        Events { opening: self, lists: lists.map(|(rewriter, asked)| Lists { rewriter, asked }) }
    }

    /// The event as the client gets it. A server that names another URI later means the same stream.
    fn named(&mut self, data: &[u8]) -> Result<String, Unrewritable> {
        let target = self.addresses.target(data).ok_or(Unrewritable::ForeignAddress)?;
        let mut by_id = self.addresses.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        let address = by_id.entry(self.id).or_insert_with(|| Address {
            target: Arc::clone(&target),
            holder: self.holder.clone(),
            taker: self.taker.take(),
            viewer: self.viewer.clone(),
        });
        address.target = target;
        // With its path alone: all clients resolve it, and a public origin would be foreign to those that came by another name.
        Ok(format!("{}?{ID}{}", self.addresses.message_path, self.id))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.addresses.by_id.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

struct Events {
    opening: Opening,
    lists: Option<Lists<CallersView>>,
}

impl Edit for Events {
    /// An address that comes late is one all the same.
    fn is_over(&self) -> bool {
        false
    }

    fn edit(&mut self, kind: &[u8], data: &[u8]) -> Result<Option<String>, Unrewritable> {
        if kind == b"endpoint" {
            return self.opening.named(data).map(Some).inspect_err(|error| {
                tracing::warn!(%error, "a stream ends: let the MCP server name the URI without scheme and host");
            });
        }
        self.lists.as_mut().map_or(Ok(None), |lists| lists.edit(kind, data))
    }
}

/// The id in the query of a message: once, as we write it.
fn id_in(query: &str) -> Option<Uuid> {
    let mut ids = query.split('&').filter_map(|pair| pair.strip_prefix(ID));
    let (id, None) = (ids.next()?, ids.next()) else { return None };
    Uuid::try_parse(id).ok().filter(|uuid| uuid.hyphenated().to_string() == id)
}

impl Endpoint {
    /// This transport has no headers that repeat the body. A client that tries a later revision here sends none: the MCP server
    /// says on the stream that it knows no such thing, and the client goes on as before; refused here, it would give up.
    pub fn excuse<'a>(&self, mismatch: HeaderMismatch<'a>) -> Result<Revision, HeaderMismatch<'a>> {
        match (&self.legacy, mismatch.what) {
            (Some(Role::Messages(_)), Mismatch::Missing(_)) => Ok(Revision::Legacy),
            _ => Err(mismatch),
        }
    }

    /// A stream is opened. It begins a session, which is nobody's before: where there is something to do without a token, it
    /// needs none, because all answers come by it. What is posted is decided message by message.
    pub async fn legacy_stream(
        &self,
        request: &HttpRequest,
        caller: Caller,
        addresses: &Arc<Addresses>,
        record: &mut Record<'_>,
    ) -> Result<HttpResponse, Refusal> {
        if body::is_announced(request.headers()) {
            return Err(Fault::UnexpectedBody.into());
        }
        let permit = self.decide(caller, Wanted::Session, true, record)?;
        let (opening, taken) = Opening::new(addresses, permit.caller());
        let right = self.right(permit.caller()).or(Some(Right::Taker(taken)));
        let viewer = opening.viewer.clone();
        self.legacy_forward(request, permit, viewer, (None, right), Legacy::Stream(opening)).await
    }

    /// A message that was let through. It goes where the stream said, if the stream is the caller's.
    pub async fn legacy_message(
        &self,
        request: &HttpRequest,
        permit: Permit,
        addresses: &Addresses,
        body: Bytes,
    ) -> Result<HttpResponse, Refusal> {
        let caller = permit.caller();
        let target = addresses.find(id_in(request.query_string()), caller, || self.token_right(caller))?;
        let (right, viewer) = (self.right(caller), Viewer::One(caller.clone()));
        self.legacy_forward(request, permit, viewer, (Some(body), right), Legacy::Message(target)).await
    }

    /// Sessions of the other transport have no meaning here. Lists come on the stream, whoever asked.
    async fn legacy_forward(
        &self,
        request: &HttpRequest,
        permit: Permit,
        viewer: Viewer,
        (body, right): (Option<Bytes>, Option<Right>),
        legacy: Legacy,
    ) -> Result<HttpResponse, Refusal> {
        let (lists, watch) = (self.lists(&viewer, Asked::elsewhere(), false), Some(self.watch(&viewer)));
        self.forward(request, permit, Onward { body, keep_session: false, lists, watch, right, legacy }).await
    }
}

#[cfg(test)]
#[path = "legacy_sse_tests.rs"]
mod tests;
