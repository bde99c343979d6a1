//! Token requests over connections that stay open, with as little work at this end as possible: it shares the machine with the
//! server.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::CONNECTIONS;
use crate::data::{Chains, Codes, REDIRECT_URI, VERIFIER};

/// How often something was done, and how long it took.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub per_second: f64,
    median: Duration,
    ninety_ninth: Duration,
}

impl Rate {
    pub fn of(mut latencies: Vec<Duration>, time: Duration) -> Self {
        latencies.sort_unstable();
        let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default();
        let per_second = latencies.len() as f64 / time.as_secs_f64();
        Self { per_second, median: at(50), ninety_ninth: at(99) }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, ninety_ninth] = [self.median, self.ninety_ninth].map(|time| time.as_secs_f64() * 1_000.0);
        write!(f, "{:.0}/s (median {median:.1} ms, 99 % within {ninety_ninth:.1} ms)", self.per_second)
    }
}

/// Each connection walks down a chain of its own, for so long.
pub async fn refreshes(server: SocketAddr, chains: Chains, time: Duration) -> Rate {
    let begin = Instant::now();
    let client_id = chains.client_id;
    let walk = |head: String| {
        let form = format!("grant_type=refresh_token&client_id={client_id}&refresh_token=");
        async move {
            let (mut connection, mut head, mut latencies) = (Connection::open(server).await, head, Vec::new());
            while begin.elapsed() < time {
                let start = Instant::now();
                let answer = connection.post(&format!("{form}{head}")).await;
                latencies.push(start.elapsed());
                head = answer["refresh_token"].as_str().expect("the next token").to_owned();
            }
            latencies
        }
    };
    together(chains.heads.into_iter().map(walk), begin).await
}

/// All connections take from one heap of codes, until the time or the heap ends.
pub async fn exchanges(server: SocketAddr, codes: Codes, time: Duration) -> Rate {
    let begin = Instant::now();
    let heap = Rc::new(RefCell::new(codes.codes));
    let work = |_| {
        let heap = heap.clone();
        let form = format!(
            "grant_type=authorization_code&client_id={}&redirect_uri={REDIRECT_URI}&code_verifier={VERIFIER}&code=",
            codes.client_id
        );
        async move {
            let (mut connection, mut latencies) = (Connection::open(server).await, Vec::new());
            while begin.elapsed() < time {
                let Some(code) = heap.borrow_mut().pop() else { break };
                let start = Instant::now();
                connection.post(&format!("{form}{code}")).await;
                latencies.push(start.elapsed());
            }
            latencies
        }
    };
    together((0..CONNECTIONS).map(work), begin).await
}

async fn together<F: Future<Output = Vec<Duration>> + 'static>(
    connections: impl Iterator<Item = F>,
    begin: Instant,
) -> Rate {
    let local = LocalSet::new();
    let tasks: Vec<_> = connections.map(|connection| local.spawn_local(connection)).collect();
    local.await;
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.expect("no panic"));
    }
    Rate::of(latencies, begin.elapsed())
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, buffer: vec![0; 16 * 1024] }
    }

    /// Posts a form to the token endpoint, which must answer 200.
    async fn post(&mut self, form: &str) -> Value {
        let request = format!(
            "POST /token HTTP/1.1\r\nhost: mcp.example.com\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{form}",
            form.len()
        );
        self.stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut length = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[length..]).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            length += read;
            let answer = std::str::from_utf8(&self.buffer[..length]).expect("text");
            let Some((head, body)) = answer.split_once("\r\n\r\n") else { continue };
            assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
            let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() == announced.and_then(|length| length.parse::<usize>().ok()).expect("a length") {
                return serde_json::from_str(body).expect("JSON");
            }
        }
    }
}
