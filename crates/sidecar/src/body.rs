//! The body of a request that a client posts: read whole before anything is decided, because what is authorized must be what
//! is forwarded. Called by `endpoint.rs`.

use std::time::Duration;

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};

use crate::respond::Fault;
use crate::upload::LIMIT;

/// A body may take its time as long as this much of it arrives in each [`WINDOW`]: slower is nobody's network.
const LEAST_PER_WINDOW: usize = 10 * 1024;
const WINDOW: Duration = Duration::from_secs(10);

/// Whether a body is announced (RFC 9112 §6.3).
pub fn is_announced(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || declared_length(headers).is_some_and(|length| length > 0)
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads it. One that arrives in one piece is not copied.
pub async fn read(headers: &HeaderMap, payload: Payload) -> Result<Bytes, Fault> {
    if declared_length(headers).is_some_and(|length| length > LIMIT) {
        return Err(Fault::BodyTooLarge);
    }
    let mut chunks = Chunks { payload, window_ends: Instant::now() + WINDOW, in_window: 0 };
    let Some(first) = chunks.next().await? else { return Ok(Bytes::new()) };
    let Some(second) = chunks.next().await? else { return within_limit(first) };
    let mut whole = BytesMut::with_capacity(first.len() + second.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&second);
    while let Some(chunk) = chunks.next().await? {
        if (whole.len() + chunk.len()) as u64 > LIMIT {
            return Err(Fault::BodyTooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    within_limit(whole.freeze())
}

fn within_limit(body: Bytes) -> Result<Bytes, Fault> {
    if body.len() as u64 > LIMIT { Err(Fault::BodyTooLarge) } else { Ok(body) }
}

struct Chunks {
    payload: Payload,
    window_ends: Instant,
    in_window: usize,
}

impl Chunks {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let left = self.window_ends.saturating_duration_since(Instant::now());
            match timeout(left, self.payload.next()).await {
                Ok(Some(Ok(chunk))) => {
                    self.in_window += chunk.len();
                    return Ok(Some(chunk));
                }
                Ok(Some(Err(_))) => return Err(Fault::BodyBroken),
                Ok(None) => return Ok(None),
                Err(_) if self.in_window < LEAST_PER_WINDOW => return Err(Fault::BodyTooSlow),
                Err(_) => (self.window_ends, self.in_window) = (Instant::now() + WINDOW, 0),
            }
        }
    }
}
