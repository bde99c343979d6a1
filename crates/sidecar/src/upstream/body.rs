//! The body of an answer as it arrives. Read to its end, it gives its connection back; dropped before, it closes it, which
//! tells the MCP server that nobody listens any more.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::Stream;

use super::Failure;
use super::chunked::Chunked;
use super::connection::Connection;
use super::head::Framing;
use super::pool::Pool;

/// Of a body whose length is known, as much is read at once; else a buffer that a quiet stream can keep.
const MOST_AT_ONCE: u64 = 64 * 1024;
const QUIET: usize = 4 * 1024;

/// A stream of the bytes of one answer.
pub struct AnswerBody {
    connection: Option<Connection>,
    left: Left,
    keep_alive: bool,
    pool: Rc<Pool>,
}

#[derive(Debug)]
enum Left {
    Length(u64),
    Chunked(Chunked),
    UntilClosed,
}

impl AnswerBody {
    pub(super) fn new(framing: Framing, connection: Connection, keep_alive: bool, pool: Rc<Pool>) -> Self {
        let left = match framing {
            Framing::Length(length) => Left::Length(length),
            Framing::Chunked => Left::Chunked(Chunked::Size),
            Framing::UntilClosed => Left::UntilClosed,
        };
        let mut body = Self { connection: Some(connection), left, keep_alive, pool };
        if framing == Framing::Length(0) {
            body.finish();
        }
        body
    }

    /// The whole body, if it has arrived with its head.
    pub fn at_hand(&mut self) -> Option<Bytes> {
        let Left::Length(length) = self.left else { return None };
        let Some(connection) = &mut self.connection else { return Some(Bytes::new()) };
        let length = usize::try_from(length).ok().filter(|length| *length <= connection.read.len())?;
        let whole = connection.read.split_to(length).freeze();
        self.finish();
        Some(whole)
    }

    /// Nothing may follow an answer: whoever speaks out of turn is not listened to again.
    fn finish(&mut self) {
        self.left = Left::Length(0);
        if let Some(connection) = self.connection.take().filter(|c| self.keep_alive && c.read.is_empty()) {
            self.pool.put(connection);
        }
    }

    /// What has arrived; `None` while nothing has.
    fn arrived(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(connection) = &mut self.connection else { return Ok(None) };
        let read = &mut connection.read;
        match &mut self.left {
            Left::Chunked(chunked) => chunked.next(read),
            _ if read.is_empty() => Ok(None),
            Left::UntilClosed => Ok(Some(read.split().freeze())),
            Left::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(read.len());
                *left -= here as u64;
                Ok(Some(read.split_to(here).freeze()))
            }
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self.left, Left::Length(0) | Left::Chunked(Chunked::End))
    }

    fn room(&self) -> usize {
        match self.left {
            Left::Length(left) => usize::try_from(left.min(MOST_AT_ONCE)).unwrap_or(QUIET),
            Left::Chunked(Chunked::Data(left)) => usize::try_from(left.min(MOST_AT_ONCE)).unwrap_or(QUIET).max(QUIET),
            Left::Chunked(_) | Left::UntilClosed => QUIET,
        }
    }
}

impl Stream for AnswerBody {
    type Item = Result<Bytes, Failure>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match this.arrived() {
                Ok(Some(bytes)) => {
                    if this.is_whole() {
                        this.finish();
                    }
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Ok(None) if this.is_whole() => {
                    this.finish();
                    return Poll::Ready(None);
                }
                Ok(None) => {}
                Err(failure) => return Poll::Ready(Some(Err(this.broken(failure)))),
            }
            let room = this.room();
            let Some(connection) = &mut this.connection else { return Poll::Ready(None) };
            match ready!(connection.poll_more(room, context)) {
                Ok(0) if matches!(this.left, Left::UntilClosed) => {
                    this.connection = None;
                    return Poll::Ready(None);
                }
                Ok(0) => return Poll::Ready(Some(Err(this.broken(Failure::Closed)))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(this.broken(Failure::Broken(error))))),
            }
        }
    }
}

impl AnswerBody {
    fn broken(&mut self, failure: Failure) -> Failure {
        self.connection = None;
        failure
    }
}
