//! The body of a request that a client posts: read whole before anything is decided, because what is authorized must be what
//! is forwarded. Called by `endpoint.rs`; `limits/` sees to it that it does not take for ever.

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use crate::respond::Fault;
use crate::upload::LIMIT;

/// Whether a body is announced (RFC 9112 §6.3).
pub fn is_announced(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || declared_length(headers).is_some_and(|length| length > 0)
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads it. One that arrives in one piece is not copied.
pub async fn read(headers: &HeaderMap, mut payload: Payload) -> Result<Bytes, Fault> {
    if declared_length(headers).is_some_and(|length| length > LIMIT) {
        return Err(Fault::BodyTooLarge);
    }
    let Some(first) = next(&mut payload).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(&mut payload).await? else { return within_limit(first) };
    let mut whole = BytesMut::with_capacity(first.len() + second.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&second);
    while let Some(chunk) = next(&mut payload).await? {
        if (whole.len() + chunk.len()) as u64 > LIMIT {
            return Err(Fault::BodyTooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    within_limit(whole.freeze())
}

async fn next(payload: &mut Payload) -> Result<Option<Bytes>, Fault> {
    payload.next().await.transpose().map_err(|_| Fault::BodyBroken)
}

fn within_limit(body: Bytes) -> Result<Bytes, Fault> {
    if body.len() as u64 > LIMIT { Err(Fault::BodyTooLarge) } else { Ok(body) }
}
