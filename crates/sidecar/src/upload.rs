//! The body of a request on its way to the next server: streamed, counted, and never longer than [`LIMIT`].
//!
//! actix-web's payload lives on one thread and the client's body must be able to move, so a small channel joins them.

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::web::Payload;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;
use reqwest::RequestBuilder;
use tokio::sync::mpsc;

use crate::respond::Fault;

/// 4 MiB: what the SDKs' own servers take.
pub const LIMIT: u64 = 4 * 1024 * 1024;

/// Chunks read ahead of the next server; more would only be memory.
const CHUNKS_AHEAD: usize = 2;

/// Why a body was not sent to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Broken {
    #[error("the request body is larger than {LIMIT} bytes")]
    TooLarge,
    #[error("the client did not send the request body to its end")]
    Incomplete,
}

/// Adds the body, if there is one. A body whose declared length is too large is refused before a byte is sent on.
pub fn attach(request: RequestBuilder, headers: &HeaderMap, payload: Payload) -> Result<RequestBuilder, Fault> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > LIMIT) {
        return Err(Fault::BodyTooLarge);
    }
    if declared.is_none() && !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(request);
    }
    let (sender, mut receiver) = mpsc::channel(CHUNKS_AHEAD);
    actix_web::rt::spawn(pump(payload, sender));
    let body = reqwest::Body::wrap_stream(poll_fn(move |context| receiver.poll_recv(context)));
    // A known length stays known: not every server takes chunks.
    Ok(match declared {
        Some(length) => request.header(reqwest::header::CONTENT_LENGTH, length),
        None => request,
    }
    .body(body))
}

async fn pump(mut payload: Payload, sender: mpsc::Sender<Result<Bytes, Broken>>) {
    let mut sent: u64 = 0;
    loop {
        let chunk = tokio::select! {
            () = sender.closed() => return,
            chunk = payload.next() => chunk,
        };
        let item = match chunk {
            None => return,
            Some(Err(_)) => Err(Broken::Incomplete),
            Some(Ok(bytes)) => {
                sent += bytes.len() as u64;
                if sent > LIMIT { Err(Broken::TooLarge) } else { Ok(bytes) }
            }
        };
        let broken = item.is_err();
        if sender.send(item).await.is_err() || broken {
            return;
        }
    }
}

/// Whether sending failed because of the body: the client's fault then, not the next server's.
pub fn fault_of(error: &reqwest::Error) -> Option<Fault> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        match error.downcast_ref::<Broken>() {
            Some(Broken::TooLarge) => return Some(Fault::BodyTooLarge),
            Some(Broken::Incomplete) => return Some(Fault::BodyBroken),
            None => source = error.source(),
        }
    }
    None
}
