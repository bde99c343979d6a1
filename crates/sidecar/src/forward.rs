//! An authorized request on its way to the MCP server, and the answer on its way back. Both are streamed; nothing is kept.
//!
//! Takes a [`Permit`] by value: nothing is forwarded that the gate did not let through. A request is sent once, whatever
//! happens. When the client leaves, actix-web drops the future or the body made here, which closes the connection to the
//! MCP server: to end the stream is how a client cancels.

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BodyStream, SizedStream};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::TryStreamExt as _;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::{Client, Method, Response};
use tokio::time::timeout;
use url::{Url, form_urlencoded};

use crate::caller::Caller;
use crate::config::Resource;
use crate::event_stream::{self, kept_alive};
use crate::gate::{self, Permit, Presented};
use crate::headers::{self, Arrival};
use crate::identity::Identity;
use crate::respond::Fault;
use crate::upload;

const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The way to one MCP server. Each worker has its own, so that a connection stays on the thread that uses it.
pub struct Upstream {
    client: Client,
    url: Url,
    response_timeout: Duration,
    identity: Arc<Identity>,
}

impl Upstream {
    /// Opens no connection yet.
    pub fn new(resource: &Resource, identity: Arc<Identity>) -> Result<Self, reqwest::Error> {
        let client = http_client::build(&HttpClientOptions {
            // Streams have no end; the head of the answer is bounded below.
            response_timeout: None,
            tls: Tls::for_urls([resource.upstream.as_str()]),
            ..HttpClientOptions::default()
        })?;
        Ok(Self { client, url: resource.upstream.clone(), response_timeout: resource.response_timeout, identity })
    }

    /// Forwards one request.
    pub async fn forward(
        &self,
        permit: Permit,
        request: &HttpRequest,
        payload: Payload,
        arrival: &Arrival,
    ) -> Result<HttpResponse, Fault> {
        let caller = permit.caller();
        let mut url = self.url.clone();
        url.set_query(without_tokens(request.query_string()).as_deref());
        let method = Method::from_bytes(request.method().as_str().as_bytes()).map_err(|_| Fault::MethodNotAllowed)?;
        let token = match gate::presented(request.headers()) {
            Presented::Token(token) => Some(token),
            _ => None,
        };
        let identity = self.identity.headers_for(caller, token).await?;
        let onward = headers::to_upstream(request.headers(), self.identity.reserved(), identity, arrival);
        let onward = self.client.request(method, url).headers(onward);
        let onward = upload::attach(onward, request.headers(), payload)?;
        match timeout(self.response_timeout, onward.send()).await {
            Ok(Ok(response)) if response.status() == StatusCode::UNAUTHORIZED.as_u16() => Err(self.refused(caller)),
            Ok(Ok(response)) => answer(response),
            Ok(Err(error)) => Err(fault_of(&error)),
            Err(_) => {
                tracing::warn!("the MCP server did not answer in time");
                Err(Fault::UpstreamTimeout)
            }
        }
    }

    /// A key that was passed through is for the MCP server to judge. Any other refusal is between the two of us: its
    /// challenge names another authorization server, and the client has already satisfied ours.
    fn refused(&self, caller: &Caller) -> Fault {
        if matches!(caller, Caller::Key(key) if key.passed_through().is_some()) {
            return Fault::KeyRefused;
        }
        self.identity.rejected(caller);
        tracing::warn!("the MCP server asks for authorization itself; it must accept what this sidecar sends");
        Fault::UpstreamUnavailable
    }
}

fn fault_of(error: &reqwest::Error) -> Fault {
    if let Some(fault) = upload::fault_of(error) {
        return fault;
    }
    tracing::warn!(cause = http_client::cause(error), "the MCP server cannot be reached");
    if error.is_timeout() { Fault::UpstreamTimeout } else { Fault::UpstreamUnavailable }
}

/// RFC 6750 §2.3 allows tokens in the query; we do not, and never pass one on. The rest stays as it was written.
fn without_tokens(query: &str) -> Option<String> {
    let is_token = |pair: &&str| {
        form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name.eq_ignore_ascii_case("access_token"))
    };
    // Some servers part a query at semicolons too.
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.split(';').any(|part| is_token(&part))).collect();
    let kept = kept.join("&");
    (!kept.is_empty()).then_some(kept)
}

fn answer(response: Response) -> Result<HttpResponse, Fault> {
    let status = StatusCode::from_u16(response.status().as_u16()).map_err(|_| Fault::UpstreamUnavailable)?;
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.and_then(|text| text.split(['?', '#']).next());
        tracing::warn!(location, "the MCP server redirects; set the upstream of the resource to where it points");
        return Err(Fault::UpstreamUnavailable);
    }
    let mut builder = HttpResponse::build(status);
    for header in headers::from_upstream(response.headers()) {
        builder.append_header(header);
    }
    if is_event_stream(&response) {
        return Ok(events(builder.finish(), response));
    }
    Ok(with_body(builder, response))
}

/// Streams the body; a length that is known stays known. An answer that breaks ends the connection, so that the client
/// sees that it broke.
pub fn with_body(mut head: HttpResponseBuilder, response: Response) -> HttpResponse {
    let length = response.content_length();
    // actix-web logs these errors, and a URL has a query.
    let stream = response.bytes_stream().map_err(reqwest::Error::without_url);
    match length {
        Some(length) => head.body(SizedStream::new(length, stream)),
        None => head.body(BodyStream::new(stream)),
    }
}

fn is_event_stream(response: &Response) -> bool {
    let content_type = response.headers().get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("text/event-stream")
}

fn events(mut head: HttpResponse, response: Response) -> HttpResponse {
    let headers = head.headers_mut();
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    // Asked not to, it compresses all the same: then nothing can be added.
    let encoded = headers.contains_key(header::CONTENT_ENCODING);
    let stream = response.bytes_stream().map_err(reqwest::Error::without_url);
    if encoded {
        return head.set_body(BodyStream::new(stream)).map_into_boxed_body();
    }
    let stream = kept_alive(Box::pin(stream), event_stream::SILENCE);
    head.set_body(BodyStream::new(Box::pin(stream))).map_into_boxed_body()
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
