//! The HTTP/1.1 client for the MCP server: RFC 9112. Called by `forward.rs`, one for each resource and worker thread.
//!
//! | file | what it does |
//! |---|---|
//! | `connection` | TCP, TLS or a Unix socket |
//! | `pool` | connections that wait for their next request |
//! | `exchange` | one request written, and the head of its answer read |
//! | `head` | the head of an answer, and how its body is framed |
//! | `chunked` | the chunked transfer coding |
//! | `body` | the body of an answer, as it arrives |
//!
//! Not one of the general clients, because this is the work of a proxy: the head of a request is written as the caller made
//! it, the body is the bytes that were judged, the answer is handed on as it arrives, and everything stays on one thread. That
//! halves what a forwarded request costs (docs/benchmarks.md). It is as narrow as that: no redirects, no retries, no cookies,
//! no upgrades, no compression; an answer that could be read in two ways is no answer.

mod body;
mod chunked;
mod connection;
mod exchange;
mod head;
mod pool;

use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

pub use body::AnswerBody;
pub use connection::{Target, TlsError};
pub use head::{AnswerHead, Framing};

use pool::Pool;

/// How long a connection may take to come about, TLS included.
const CONNECT: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody is there.
    #[error("it cannot be connected to: {0}")]
    Connect(#[source] io::Error),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[source] io::Error),
    /// The connection was closed before the answer was whole.
    #[error("it closed the connection before its answer was whole")]
    Closed,
    /// What came is no HTTP/1.1 (RFC 9112), or can be read in two ways.
    #[error("its answer is malformed: {0}")]
    Malformed(&'static str),
}

/// The way to one MCP server.
pub struct Client {
    target: Target,
    pool: Rc<Pool>,
}

impl Client {
    /// Opens no connection yet.
    pub fn new(target: Target) -> Self {
        Self { target, pool: Rc::default() }
    }

    /// Sends one request, once: `head` with the empty line at its end, and the body that its `Content-Length` announces. Who
    /// calls bounds the time of the whole.
    ///
    /// # Errors
    /// When there is no answer. Whether the server did what was asked, nobody knows then.
    pub async fn send(&self, head: Vec<u8>, body: Bytes) -> Result<(AnswerHead, AnswerBody), Failure> {
        // A connection that waited may have been closed in the very moment; it is found out before a byte is sent.
        let connection = match self.pool.take() {
            Some(waiting) => waiting,
            None => match timeout(CONNECT, connection::open(&self.target)).await {
                Ok(opened) => opened.map_err(Failure::Connect)?,
                Err(_) => return Err(Failure::Connect(io::ErrorKind::TimedOut.into())),
            },
        };
        let (answer, connection) = exchange::exchange(connection, head, body).await?;
        let body = AnswerBody::new(answer.framing, connection, answer.keep_alive, Rc::clone(&self.pool));
        Ok((answer, body))
    }
}

#[cfg(test)]
mod tests;
