//! The body of a request that a client posts: read whole before anything is decided, because what is authorized must be what
//! is forwarded. Called by `endpoint.rs`; `limits/` sees to it that it does not take for ever.

use std::time::Duration;

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use crate::respond::Fault;
use crate::upload::LIMIT;

/// A larger body that was refused is not read.
const MOST_DRAINED: u64 = 64 * 1024;

/// Nor one that is slower; many clients send it in a packet of its own.
const DRAINED_WITHIN: Duration = Duration::from_millis(500);

/// Whether a body is announced (RFC 9112 §6.3).
pub fn is_announced(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || declared_length(headers).is_some_and(|length| length > 0)
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads it. One that arrives in one piece is not copied.
pub async fn read(headers: &HeaderMap, payload: &mut Payload) -> Result<Bytes, Fault> {
    if declared_length(headers).is_some_and(|length| length > LIMIT) {
        return Err(Fault::BodyTooLarge);
    }
    let Some(first) = next(payload).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(payload).await? else { return within_limit(first) };
    let mut whole = BytesMut::with_capacity(first.len() + second.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&second);
    while let Some(chunk) = next(payload).await? {
        if (whole.len() + chunk.len()) as u64 > LIMIT {
            return Err(Fault::BodyTooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    within_limit(whole.freeze())
}

/// Reads what nobody wants any more, so that the connection stays good for the next request (RFC 9112 §9.3): the framework
/// closes it where a part of the body is still to come. For a large body, or one that does not come at once, that is right.
pub async fn drain(headers: &HeaderMap, payload: &mut Payload) {
    if declared_length(headers).is_some_and(|length| length <= MOST_DRAINED) {
        let rest = async { while let Ok(Some(_)) = next(payload).await {} };
        timeout(DRAINED_WITHIN, rest).await.ok();
    }
}

async fn next(payload: &mut Payload) -> Result<Option<Bytes>, Fault> {
    payload.next().await.transpose().map_err(|_| Fault::BodyBroken)
}

fn within_limit(body: Bytes) -> Result<Bytes, Fault> {
    if body.len() as u64 > LIMIT { Err(Fault::BodyTooLarge) } else { Ok(body) }
}
