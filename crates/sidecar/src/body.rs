//! The body of a request that a client posts: read whole before anything is decided, because what is authorized must be what
//! is forwarded. Called by `endpoint.rs`; `limits/` sees to it that it does not take for ever.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use crate::caller::Holder;
use crate::limits::{Full, Held, Room};
use crate::respond::Fault;

/// A larger body that was refused is not read.
const MOST_DRAINED: u64 = 64 * 1024;

/// Nor one that is slower; many clients send it in a packet of its own.
const DRAINED_WITHIN: Duration = Duration::from_millis(500);

/// What is taken of bodies at one resource.
#[derive(Debug, Clone)]
pub struct Bodies {
    /// The length of one.
    pub limit: usize,
    /// All together, wherever they go, and of one holder.
    pub room: Arc<Room>,
}

/// Whether a body is announced (RFC 9112 §6.3).
pub fn is_announced(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || declared_length(headers).is_some_and(|length| length > 0)
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl Bodies {
    /// Reads it, for whom it counts. One that arrives in one piece is not copied.
    pub async fn read(
        &self,
        headers: &HeaderMap,
        payload: &mut Payload,
        holder: impl Fn() -> Holder,
    ) -> Result<Bytes, Fault> {
        if declared_length(headers).is_some_and(|length| length > self.limit as u64) {
            return Err(Fault::BodyTooLarge);
        }
        let mut held = Held::of(&self.room);
        let Some(first) = next(payload).await? else { return Ok(Bytes::new()) };
        self.hold(&mut held, &holder, first.len())?;
        let Some(second) = next(payload).await? else { return Ok(held.with(first)) };
        let mut whole = BytesMut::with_capacity(first.len() + second.len());
        whole.extend_from_slice(&first);
        let mut chunk = Some(second);
        while let Some(part) = chunk {
            self.hold(&mut held, &holder, whole.len() + part.len())?;
            whole.extend_from_slice(&part);
            chunk = next(payload).await?;
        }
        Ok(held.with(whole.freeze()))
    }

    fn hold(&self, held: &mut Held, holder: impl Fn() -> Holder, length: usize) -> Result<(), Fault> {
        if length > self.limit {
            return Err(Fault::BodyTooLarge);
        }
        held.set_for(holder, length).map_err(|full| match full {
            Full::All => Fault::NoRoom,
            Full::Holder => Fault::TooManyRequests,
        })
    }
}

/// Reads what nobody wants any more, so that the connection stays good for the next request (RFC 9112 §9.3): the framework
/// closes it where a part of the body is still to come. For a large body, or one that does not come at once, that is right.
pub async fn drain(headers: &HeaderMap, payload: &mut Payload) {
    if declared_length(headers).is_some_and(|length| length <= MOST_DRAINED) {
        timeout(DRAINED_WITHIN, async { while let Ok(Some(_)) = next(payload).await {} }).await.ok();
    }
}

async fn next(payload: &mut Payload) -> Result<Option<Bytes>, Fault> {
    payload.next().await.transpose().map_err(|_| Fault::BodyBroken)
}
