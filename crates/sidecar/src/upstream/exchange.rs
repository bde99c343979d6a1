//! One request is written, and meanwhile the head of its answer is read: a server may answer before it has read everything,
//! and one that waits for its answer to be read must not wait for ever.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite as _;
use tokio_util::io::poll_write_buf;

use super::Failure;
use super::connection::Connection;
use super::head::{AnswerHead, parse};

/// A head is read in portions of this size.
const PORTION: usize = 4 * 1024;

/// Bodies up to this size are written together with the head, in one packet where it fits.
const SMALL: usize = 16 * 1024;

/// Sends the request and waits for the head of its answer. Informational answers (RFC 9110 §15.2) are passed over.
pub(super) async fn exchange(
    mut connection: Connection,
    mut head: Vec<u8>,
    mut body: Bytes,
) -> Result<(AnswerHead, Connection), Failure> {
    if body.len() <= SMALL {
        head.extend_from_slice(&body);
        body.clear();
    }
    let mut request = head.as_slice().chain(body);
    let mut sending = Ok(());
    let answer = poll_fn(|context| {
        if sending.is_ok() {
            // A server that has enough may close its side, and still has an answer for us.
            if let Poll::Ready(Err(error)) = poll_send(&mut connection, &mut request, context) {
                sending = Err(error);
            }
        }
        poll_head(&mut connection, context)
    })
    .await;
    match (answer, sending) {
        (Ok(mut answer), sent) => {
            // The rest of a request that nobody read would be taken for the next one.
            answer.keep_alive &= sent.is_ok() && !request.has_remaining();
            connection.idle = answer.idle;
            Ok((answer, connection))
        }
        (Err(Failure::Closed), Err(error)) => Err(Failure::Broken(error)),
        (Err(failure), _) => Err(failure),
    }
}

fn poll_send(connection: &mut Connection, request: &mut impl Buf, context: &mut Context<'_>) -> Poll<io::Result<()>> {
    while request.has_remaining() {
        if ready!(poll_write_buf(Pin::new(&mut connection.io), context, request))? == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
    }
    Pin::new(&mut connection.io).poll_flush(context)
}

fn poll_head(connection: &mut Connection, context: &mut Context<'_>) -> Poll<Result<AnswerHead, Failure>> {
    loop {
        // Mostly there is nothing yet.
        let parsed = if connection.read.is_empty() { Ok(None) } else { parse(&mut connection.read) };
        match parsed {
            Ok(Some(head)) if head.status.is_informational() => continue,
            Ok(Some(head)) => return Poll::Ready(Ok(head)),
            Ok(None) => {}
            Err(failure) => return Poll::Ready(Err(failure)),
        }
        match ready!(connection.poll_more(PORTION, context)) {
            Ok(0) => return Poll::Ready(Err(Failure::Closed)),
            Ok(_) => {}
            Err(error) => return Poll::Ready(Err(Failure::Broken(error))),
        }
    }
}
