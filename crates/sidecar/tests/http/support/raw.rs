//! Requests as bytes: what is sent, what comes back, what arrived behind.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::{Manner, Way, Wire};
use super::{PATIENCE, World};

/// After an answer, for a second one that must not come. Nothing is asserted about it: shorter only sees less.
const QUIET: Duration = Duration::from_millis(60);

/// A body that the sidecar forwards: 30 bytes, 1e in hexadecimal.
pub const GOOD: &str = r#"{"jsonrpc":"2.0","method":"x"}"#;

/// A sidecar with a [`Wire`] behind it.
pub struct Bench {
    pub world: World,
    pub wire: Wire,
    pub token: String,
    /// What its requests are posted to.
    target: String,
    /// Of HTTP+SSE: the stream that they belong to.
    _stream: Option<TcpStream>,
}

/// What came back on one connection.
pub struct Answers {
    pub text: String,
    pub closed: bool,
}

impl Answers {
    /// The status of each answer, in order; interim ones (100) are left out.
    pub fn statuses(&self) -> Vec<u16> {
        let parts = self.text.split("HTTP/1.1 ").skip(1);
        parts.filter_map(|part| part.get(..3)?.parse().ok()).filter(|status| *status != 100).collect()
    }

    /// Refused or cut, and answered at most so often.
    pub fn are_refusals(&self, most: usize, name: &str) {
        let (statuses, said) = (self.statuses(), &self.text);
        assert!(statuses.len() <= most, "{name}: answered more than once: {said}");
        assert!(statuses.iter().skip(1).all(|status| *status == 400), "{name}: {said}");
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{name}: {said}");
        assert!(!statuses.is_empty() || self.closed, "{name}: neither answered nor closed: {said}");
    }
}

impl Bench {
    pub async fn start(manner: Manner) -> Self {
        Self::with(manner, "").await
    }

    /// With more configuration behind it.
    pub async fn with(manner: Manner, more: &str) -> Self {
        Self::over(Way::Tcp, manner, more).await
    }

    /// With an MCP server that is reached in this way.
    pub async fn over(way: Way, manner: Manner, more: &str) -> Self {
        let wire = Wire::start(way, manner);
        let place = wire.configuration();
        let world = World::with(|toml| {
            let lines: Vec<&str> = toml
                .lines()
                .map(|line| match line.starts_with("upstream") {
                    true => place.as_str(),
                    false => line,
                })
                .collect();
            format!("{}\n{more}\n{}", lines.join("\n"), wire.tables())
        })
        .await;
        let token = world.authority.token();
        let mut bench = Self { world, wire, token, target: "/mcp".into(), _stream: None };
        if way == Way::LegacySse {
            bench.open_stream().await;
        }
        bench
    }

    /// MCP 2024-11-05: what is posted belongs to a stream, whose first event says where it goes.
    async fn open_stream(&mut self) {
        let mut stream = TcpStream::connect(self.world.address).await.expect("a connection");
        let token = &self.token;
        let head = format!("GET /mcp/sse HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut text = Vec::new();
        while !text.windows(2).any(|two| two == b"\n\n") {
            assert!(timeout(PATIENCE, stream.read_buf(&mut text)).await.expect("soon").expect("read") > 0);
        }
        let text = String::from_utf8_lossy(&text);
        let target = text.split("data: ").nth(1).and_then(|rest| rest.lines().next());
        self.target = target.unwrap_or_else(|| panic!("{text}")).to_owned();
        self._stream = Some(stream);
    }

    /// A good POST up to the end of its own header fields; `fields` end in CR LF.
    pub fn post(&self, fields: &str, body: &str) -> Vec<u8> {
        let Self { token, target, .. } = self;
        format!("POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{fields}\r\n{body}").into()
    }

    /// What an attacker hides: a good request of its own, which nobody may see.
    pub fn smuggled(&self) -> String {
        String::from_utf8(self.post("X-Smuggled: 1\r\nContent-Length: 30\r\n", GOOD)).expect("ASCII")
    }

    pub async fn send(&self, bytes: &[u8]) -> Answers {
        send(self.world.address, bytes).await
    }

    /// Nothing of it may arrive: refused or cut, and answered at most once.
    pub async fn refused(&self, name: &str, bytes: &[u8]) {
        self.refused_with(1, name, bytes).await;
    }

    /// As `refused`; bytes behind it that are no request may get an answer of their own, which says so.
    pub async fn refused_with(&self, most: usize, name: &str, bytes: &[u8]) {
        self.send(bytes).await.are_refusals(most, name);
        assert_eq!(self.wire.deliveries(), 0, "{name}: {:?}", self.wire.requests());
        assert!(!self.wire.bytes().to_ascii_lowercase().contains("smuggled"), "{name}: {}", self.wire.bytes());
        assert!(self.wire.strays().is_empty(), "{name}: {:?}", self.wire.strays());
    }
}

/// Sends bytes as they are; reads until the server hangs up, or says no more.
pub async fn send(address: SocketAddr, bytes: &[u8]) -> Answers {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // A server that refuses early may close before everything is sent.
    stream.write_all(bytes).await.ok();
    let mut text = Vec::new();
    let mut patience = PATIENCE;
    loop {
        let mut buffer = [0; 16 * 1024];
        match timeout(patience, stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return Answers { text: String::from_utf8_lossy(&text).into_owned(), closed: true },
            Ok(Ok(received)) => text.extend_from_slice(&buffer[..received]),
            Err(_) => return Answers { text: String::from_utf8_lossy(&text).into_owned(), closed: false },
        }
        if !text.ends_with(b"100 Continue\r\n\r\n") {
            patience = QUIET;
        }
    }
}
