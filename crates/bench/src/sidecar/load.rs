//! `tools/call` requests over connections that stay open: one after another, or with so many under way at any time.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use crate::wire::message_length;

/// How many connections in a row may be closed without an answer.
const ATTEMPTS: usize = 10;

/// Which answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Some 300 bytes of JSON.
    Small,
    /// 64 KiB of JSON.
    Large,
    /// Server-sent events.
    Watch,
}

impl Tool {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "find_ticket",
            Self::Large => "list_tickets",
            Self::Watch => "watch_ticket",
        }
    }
}

/// What the SDKs send on connections that stay open. A token is sent if there is one.
pub fn request(tool: Tool, token: Option<&str>) -> Vec<u8> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{}","arguments":{{"number":4711,"language":"en","fields":["state","assignee","attachments"],"with_history":true}},"_meta":{{"progressToken":7,"trace":"4bf92f3577b34da6"}}}}}}"#,
        tool.name()
    );
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "POST /mcp HTTP/1.1\r\nhost: mcp.example.com\r\nconnection: keep-alive\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-06-18\r\n\
         mcp-session-id: {}\r\n{authorization}accept-language: *\r\n\
         sec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate\r\ncontent-length: {}\r\n\r\n{body}",
        session(token.unwrap_or_default()),
        body.len()
    )
    .into_bytes()
}

/// As long as most are. A session is that of one user, so each token has its own.
fn session(token: &str) -> String {
    let signature = token.rsplit('.').next().unwrap_or_default();
    format!("{signature:0>36.36}")
}

/// The stream that a client keeps open for what the server has to say on its own.
pub fn listening(token: &str) -> Vec<u8> {
    format!(
        "GET /mcp HTTP/1.1\r\nhost: mcp.example.com\r\nconnection: keep-alive\r\naccept: text/event-stream\r\n\
         mcp-protocol-version: 2025-06-18\r\nmcp-session-id: {}\r\n\
         authorization: Bearer {token}\r\nuser-agent: node\r\n\r\n",
        session(token)
    )
    .into_bytes()
}

/// Requests that are sent in turn, and the status of their answers.
#[derive(Debug, Clone)]
pub struct Requests {
    /// What is asked for, in words.
    pub what: &'static str,
    pub texts: Rc<Vec<Vec<u8>>>,
    pub status: u16,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Tally {
    pub latencies: Vec<Duration>,
    pub time: Duration,
    /// How many connections were closed by the server.
    pub closed: usize,
}

impl Tally {
    /// How many in a second, and the time within which 99 of 100 were answered.
    pub fn summary(&self) -> (f64, Duration) {
        let mut latencies = self.latencies.clone();
        latencies.sort_unstable();
        let ninety_ninth = latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default();
        (latencies.len() as f64 / self.time.as_secs_f64(), ninety_ninth)
    }
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// So long, the requests again and again.
    Elapsed(Duration),
    /// Each request was sent once.
    Exhausted,
}

/// So many connections, each of which sends the next request as soon as its last one was answered.
pub async fn closed_loop(server: SocketAddr, requests: &Requests, connections: usize, until: Until) -> Tally {
    let (begin, next) = (Instant::now(), Rc::new(Cell::new(0)));
    let work = |requests: Requests, next: Rc<Cell<usize>>| async move {
        let (mut connection, mut latencies) = (Connection::open(server).await, Vec::new());
        loop {
            let number = next.replace(next.get() + 1);
            let is_over = match until {
                Until::Elapsed(time) => begin.elapsed() >= time,
                Until::Exhausted => number >= requests.texts.len(),
            };
            if is_over {
                return (latencies, connection.reopened);
            }
            let start = Instant::now();
            connection.exchange(&requests.texts[number % requests.texts.len()], requests.status).await;
            latencies.push(start.elapsed());
        }
    };
    let tasks: Vec<_> = (0..connections).map(|_| spawn_local(work(requests.clone(), Rc::clone(&next)))).collect();
    let mut tally = Tally::default();
    for task in tasks {
        let (latencies, closed) = task.await.expect("no panic");
        tally.latencies.extend(latencies);
        tally.closed += closed;
    }
    Tally { time: begin.elapsed(), ..tally }
}

/// So many requests, one at a time, on four connections in turn: the same work each time.
pub async fn sequence(server: SocketAddr, requests: &Requests, number: usize) {
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(Connection::open(server).await);
    }
    for number in 0..number {
        let text = &requests.texts[number % requests.texts.len()];
        connections[number % 4].exchange(text, requests.status).await;
    }
}

/// One connection to a proxy; a new one whenever it is closed.
pub struct Connection {
    server: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
    reopened: usize,
}

impl Connection {
    pub async fn open(server: SocketAddr) -> Self {
        Self { server, stream: connect(server).await, buffer: vec![0; 128 * 1_024], reopened: 0 }
    }

    /// Sends a request and reads the whole answer.
    pub async fn exchange(&mut self, request: &[u8], status: u16) {
        let length = self.send(request, |bytes| message_length(bytes).is_some()).await;
        let answer = &self.buffer[..length];
        let has_status = answer.get(9..12) == Some(status.to_string().as_bytes());
        assert!(has_status, "not {status}: {}", String::from_utf8_lossy(answer));
    }

    /// Sends a request for a stream, and waits for its first event.
    pub async fn first_event(&mut self, request: &[u8]) {
        self.send(request, |bytes| bytes.windows(5).any(|window| window == b"data:")).await;
    }

    /// The status of the answer; `None` when the server cannot be reached.
    pub async fn status(server: SocketAddr, request: &[u8]) -> Option<u16> {
        let mut stream = TcpStream::connect(server).await.ok()?;
        stream.write_all(request).await.ok()?;
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.ok()?;
        std::str::from_utf8(&start[9..]).ok()?.parse().ok()
    }

    /// A connection that the server has closed since the last answer is no fault, but it has its price. One that is closed as
    /// soon as it is opened is: the server takes no more of them.
    async fn send(&mut self, request: &[u8], is_whole: impl Fn(&[u8]) -> bool) -> usize {
        for _ in 0..ATTEMPTS {
            if let Some(length) = self.try_send(request, &is_whole).await {
                return length;
            }
            self.stream = connect(self.server).await;
            self.reopened += 1;
        }
        panic!("the server closes every connection")
    }

    async fn try_send(&mut self, request: &[u8], is_whole: impl Fn(&[u8]) -> bool) -> Option<usize> {
        self.stream.write_all(request).await.ok()?;
        let mut length = 0;
        while !is_whole(&self.buffer[..length]) {
            match self.stream.read(&mut self.buffer[length..]).await {
                Ok(read @ 1..) => length += read,
                _ if length == 0 => return None,
                _ => panic!("an answer broke off: {}", String::from_utf8_lossy(&self.buffer[..length])),
            }
        }
        Some(length)
    }
}

async fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket option");
    stream
}
