//! An authorized request on its way to the MCP server, and the answer on its way back. Both are streamed; nothing is kept.
//!
//! Takes a [`Permit`] by value: nothing is forwarded that the gate did not let through. A request is sent once, whatever
//! happens. When the client leaves, actix-web drops the future or the body made here, which closes the connection to the
//! MCP server: to end the stream is how a client cancels.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BodyStream, SizedStream};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{self, Stream};
use tokio::time::timeout;
use url::{Url, form_urlencoded};

use crate::caller::Caller;
use crate::event_stream::{self, kept_alive, until};
use crate::gate::Permit;
use crate::headers::{self, Arrived, ToUpstream};
use crate::identity::Identity;
use crate::legacy_sse::Opening;
use crate::limits::{Held, Room};
use crate::lists::{Asked, Edit, Lists as ListEditor, Rewriter, Unread, Unrewritable, edited, read_whole};
use crate::presented::{Presented, presented};
use crate::respond::Fault;
use crate::right::Right;
use crate::tasks::{Watch, Watched};
use crate::upstream::{AnswerBody, AnswerHead, Client, Failure, Framing, Target};
use crate::view::CallersView;

const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What goes on, beside the headers.
pub struct Onward {
    /// As it was received, to the byte; `None` for requests that have none.
    pub body: Option<Bytes>,
    /// Whether the session that the request names is the caller's.
    pub keep_session: bool,
    /// What is to be done to the lists that the answer brings, and which are awaited.
    pub lists: Lists,
    /// Whose the tasks are that the answer creates.
    pub watch: Option<Watch>,
    /// Whose end ends an event stream too.
    pub right: Option<Right>,
    /// Of HTTP+SSE.
    pub legacy: Legacy,
}

/// What HTTP+SSE (MCP 2024-11-05) needs beside what Streamable HTTP needs.
pub enum Legacy {
    /// Nothing.
    None,
    /// A stream is opened, and its first event says where messages go.
    Stream(Opening),
    /// A message goes to this path and query, whatever the client's are.
    Message(Arc<str>),
}

type Lists = Option<(Rewriter<CallersView>, Asked)>;

/// The way to one MCP server. Each worker has its own, so that a connection stays on the thread that uses it.
pub struct Upstream {
    client: Client,
    path: String,
    host: String,
    identity: Arc<Identity>,
    response_timeout: Duration,
    room: Arc<Room>,
}

impl Upstream {
    /// Opens no connection yet.
    pub fn new(
        url: &Url,
        target: Target,
        identity: Arc<Identity>,
        response_timeout: Duration,
        room: Arc<Room>,
    ) -> Self {
        let (path, host) = (url.path().to_owned(), authority(url));
        Self { client: Client::new(target), path, host, identity, response_timeout, room }
    }

    /// Forwards one request.
    pub async fn forward(
        &self,
        permit: Permit,
        request: &HttpRequest,
        onward: Onward,
        arrived: Arrived<'_>,
    ) -> Result<HttpResponse, Fault> {
        let caller = permit.caller();
        let token = || match presented(request.headers()) {
            Presented::Token(token) => Some(token),
            _ => None,
        };
        let identity = self.identity.lines_for(caller, token).await?;
        let head = self.head(request, &onward, &identity, arrived);
        let Onward { body, lists, watch, right, legacy, .. } = onward;
        match timeout(self.response_timeout, self.client.send(head, body.unwrap_or_default())).await {
            Ok(Ok((head, _))) if head.status == StatusCode::UNAUTHORIZED => Err(self.refused(caller)),
            Ok(Ok((head, body))) => match answer(head, (body, watch), lists, right, legacy, &self.room)? {
                Answer::Now(response) => Ok(response),
                // Only a list is waited for: it is read whole before it goes on.
                Answer::List(list) => timeout(self.response_timeout, list).await.unwrap_or_else(|_| Err(too_slow())),
            },
            Ok(Err(failure)) => Err(fault_of(&failure)),
            Err(_) => Err(too_slow()),
        }
    }

    /// A key that was passed through is for the MCP server to judge. Any other refusal is between the two of us: its
    /// challenge names another authorization server, and the client has already satisfied ours.
    fn refused(&self, caller: &Caller) -> Fault {
        if !matches!(caller, Caller::Anonymous) && !caller.is_known() {
            return Fault::KeyRefused;
        }
        self.identity.rejected(caller);
        tracing::warn!("the MCP server asks for authorization itself; it must accept what this sidecar sends");
        Fault::UpstreamUnavailable
    }

    /// RFC 9112 §3.1. The method is one of three, the path is the operator's or the MCP server's own, and the query was found
    /// to be plain.
    fn head(&self, request: &HttpRequest, onward: &Onward, identity: &[u8], arrived: Arrived<'_>) -> Vec<u8> {
        let mut head = Vec::with_capacity(2048);
        head.extend_from_slice(request.method().as_str().as_bytes());
        head.push(b' ');
        if let Legacy::Message(address) = &onward.legacy {
            head.extend_from_slice(address.as_bytes());
        } else {
            head.extend_from_slice(self.path.as_bytes());
            if let Some(query) = without_tokens(request.query_string()) {
                head.push(b'?');
                head.extend_from_slice(query.as_bytes());
            }
        }
        head.extend_from_slice(b" HTTP/1.1\r\n");
        headers::line(&mut head, "host", self.host.as_bytes());
        let (received, reserved, keep_session) = (request.headers(), self.identity.reserved(), onward.keep_session);
        ToUpstream { received, identity, reserved, arrived, keep_session }.write(&mut head);
        if let Some(body) = &onward.body {
            headers::line(&mut head, "content-length", body.len().to_string().as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        head
    }
}

/// Host and, where it is not the default, port.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn too_slow() -> Fault {
    tracing::warn!("the MCP server did not answer in time");
    Fault::UpstreamTimeout
}

fn fault_of(failure: &Failure) -> Fault {
    tracing::warn!(cause = %failure, "the MCP server gives no answer");
    Fault::UpstreamUnavailable
}

/// RFC 6750 §2.3 allows tokens in the query; we do not, and never pass one on. The rest stays as it was written.
fn without_tokens(query: &str) -> Option<String> {
    if query.is_empty() {
        return None;
    }
    let is_token = |pair: &&str| {
        form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name.eq_ignore_ascii_case("access_token"))
    };
    // Some servers part a query at semicolons too.
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.split(';').any(|part| is_token(&part))).collect();
    let kept = kept.join("&");
    (!kept.is_empty()).then_some(kept)
}

/// What becomes of an answer.
enum Answer {
    /// It goes on as it comes.
    Now(HttpResponse),
    /// It must be read first.
    List(LocalBoxFuture<'static, Result<HttpResponse, Fault>>),
}

fn answer(
    head: AnswerHead,
    (body, watch): (AnswerBody, Option<Watch>),
    lists: Lists,
    right: Option<Right>,
    legacy: Legacy,
    room: &Arc<Room>,
) -> Result<Answer, Fault> {
    let status = head.status;
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        let location = head.headers.iter().find(|(name, _)| *name == header::LOCATION);
        let location =
            location.and_then(|(_, value)| value.to_str().ok()).and_then(|text| text.split(['?', '#']).next());
        tracing::warn!(location, "the MCP server redirects; set the upstream of the resource to where it points");
        return Err(Fault::UpstreamUnavailable);
    }
    let mut response = HttpResponse::new(status);
    let connection = head.headers.iter().filter(|(name, _)| *name == header::CONNECTION);
    let connection: Vec<HeaderValue> = connection.map(|(_, value)| value.clone()).collect();
    let listed = headers::listed(&connection);
    for (name, value) in head.headers {
        if headers::is_passed_back(name.as_str(), &listed) {
            response.headers_mut().append(name, value);
        }
    }
    let (is_compressed, is_events) = (is_compressed(&response), event_stream::is_one(response.headers()));
    let length = if let Framing::Length(length) = head.framing { Some(length) } else { None };
    let body = Watched::new(body, watch, is_events, length);
    match (legacy, is_events) {
        (Legacy::Stream(opening), true) if !is_compressed => {
            return Ok(Answer::Now(opened(response, body, opening.with(lists), right, room)));
        }
        // What answers a message comes on the stream; servers write a word here, or nothing. Where lists are changed, nobody
        // reads it.
        (Legacy::Message(_), _) if lists.is_some() && status.is_success() => {
            response.headers_mut().remove(header::CONTENT_TYPE);
            return Ok(Answer::Now(response));
        }
        _ => {}
    }
    // A page or a text in place of a stream: who asked for a list elsewhere does not look for it there.
    let lists = lists.filter(|(_, asked)| is_events || !asked.is_elsewhere() || may_be_json(&response));
    Ok(Answer::Now(match (lists, is_events) {
        // Asked not to, it compresses all the same: nobody can see what is in it, nor where a stream can be ended.
        (Some(_), _) | (_, true) if is_compressed => return Err(unusable(Unrewritable::Encoded)),
        (None, false) => with_body(response, head.framing, body),
        (None, true) => events(response, body, right),
        (Some(lists), false) => {
            return Ok(Answer::List(Box::pin(list(response, head.framing, body, lists, Held::of(room)))));
        }
        (Some((rewriter, asked)), true) => {
            events(response, Box::pin(edited(body, ListEditor { rewriter, asked }, Held::of(room))), right)
        }
    }))
}

/// The stream of HTTP+SSE.
fn opened(
    response: HttpResponse,
    body: Watched<AnswerBody>,
    editor: impl Edit + 'static,
    right: Option<Right>,
    room: &Arc<Room>,
) -> HttpResponse {
    events(response, Box::pin(edited(body, editor, Held::of(room))), right)
}

/// An answer that may be a list, in JSON. It is changed, or not passed on at all: what came would show what is hidden.
async fn list(
    mut response: HttpResponse,
    framing: Framing,
    body: Watched<AnswerBody>,
    (rewriter, asked): (Rewriter<CallersView>, Asked),
    held: Held,
) -> Result<HttpResponse, Fault> {
    // Nobody could look into it, and the client can: what is hidden would be shown.
    if response.status().is_success() && !is_plain_json(&response) {
        return Err(unusable(Unrewritable::NotJson));
    }
    let whole = read_whole(body, held).await.map_err(|unread| match unread {
        Unread::Upstream(failure) => fault_of(&failure),
        Unread::Unrewritable(error) => unusable(error),
    })?;
    let rewritten = match rewriter.json(&whole, asked) {
        Ok(rewritten) => rewritten,
        // A refusal of the MCP server is no list, whatever it looks like.
        Err(_) if !response.status().is_success() => None,
        Err(_) if whole.is_empty() => None,
        Err(error) => return Err(unusable(error)),
    };
    Ok(match (rewritten, framing) {
        (Some(rewritten), _) => {
            forget_digests(response.headers_mut());
            response.set_body(Bytes::from(rewritten)).map_into_boxed_body()
        }
        // Nothing was changed, so it goes on framed as it came.
        (None, framing) => framed(response, framing, stream::once(ready(Ok::<_, Infallible>(whole)))),
    })
}

/// JSON in UTF-8. An empty answer needs no type.
fn is_plain_json(response: &HttpResponse) -> bool {
    let Some(content_type) = response.headers().get(header::CONTENT_TYPE) else {
        return response.status() != StatusCode::OK;
    };
    let Ok(content_type) = content_type.to_str() else { return false };
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next().is_some_and(|essence| essence == "application/json")
        && parts
            .all(|parameter| !parameter.starts_with("charset") || parameter.trim_end_matches('"').ends_with("utf-8"))
}

/// Whether somebody could take it for JSON; what names no type is anything.
fn may_be_json(response: &HttpResponse) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_none_or(|value| value.as_bytes().to_ascii_lowercase().windows(4).any(|four| four == b"json"))
}

fn unusable(error: Unrewritable) -> Fault {
    tracing::warn!(%error, "a list of the MCP server cannot be passed on");
    if error == Unrewritable::NoRoom { Fault::NoRoom } else { Fault::UpstreamUnavailable }
}

/// They are of the bytes as they came (RFC 9110 §8.8.3, RFC 9530).
fn forget_digests(headers: &mut HeaderMap) {
    for name in ["etag", "digest", "content-digest", "repr-digest", "content-md5"] {
        headers.remove(name);
    }
}

/// Streams the body; a length that is known stays known. An answer that breaks ends the connection, so that the client
/// sees that it broke.
fn with_body(response: HttpResponse, framing: Framing, mut body: Watched<AnswerBody>) -> HttpResponse {
    if let Some(whole) = body.at_hand() {
        return response.set_body(whole).map_into_boxed_body();
    }
    framed(response, framing, body)
}

/// The body, with a length where the MCP server gave one.
fn framed<E: Into<Box<dyn std::error::Error>> + 'static>(
    response: HttpResponse,
    framing: Framing,
    body: impl Stream<Item = Result<Bytes, E>> + Unpin + 'static,
) -> HttpResponse {
    match framing {
        Framing::Length(length) => response.set_body(SizedStream::new(length, body)).map_into_boxed_body(),
        Framing::Chunked | Framing::UntilClosed => response.set_body(BodyStream::new(body)).map_into_boxed_body(),
    }
}

/// Some frameworks name `identity` or `none` so that nothing compresses.
fn is_compressed(response: &HttpResponse) -> bool {
    response.headers().get_all(header::CONTENT_ENCODING).any(|value| !matches!(value.as_bytes(), b"identity" | b"none"))
}

fn events<E: std::error::Error + 'static>(
    mut response: HttpResponse,
    body: impl Stream<Item = Result<Bytes, E>> + Unpin + 'static,
    right: Option<Right>,
) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let stream = Box::pin(kept_alive(body, event_stream::SILENCE));
    match right {
        Some(right) => response.set_body(BodyStream::new(until(stream, right.ends()))).map_into_boxed_body(),
        None => response.set_body(BodyStream::new(stream)).map_into_boxed_body(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_leave_the_query_in_every_spelling_and_the_rest_stays_as_written() {
        for (query, kept) in [
            ("", None),
            ("a=1&b=%2F&c", Some("a=1&b=%2F&c")),
            ("access_token=x", None),
            ("a=1&access_token=x&b=2", Some("a=1&b=2")),
            ("%61ccess_token=x&a=1", Some("a=1")),
            ("Access_Token=x&a=1", Some("a=1")),
            ("a=1;access_token=x&b=2", Some("b=2")),
            ("access_token", None),
            ("access_tokens=x", Some("access_tokens=x")),
            ("q=access_token", Some("q=access_token")),
        ] {
            assert_eq!(without_tokens(query).as_deref(), kept, "{query}");
        }
    }
}
