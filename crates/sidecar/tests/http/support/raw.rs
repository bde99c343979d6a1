//! Requests as bytes: what is sent, what comes back, what arrived behind.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::{Manner, Wire};
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
}

impl Bench {
    pub async fn start(manner: Manner) -> Self {
        Self::with(manner, "").await
    }

    /// With more configuration behind it.
    pub async fn with(manner: Manner, more: &str) -> Self {
        let wire = Wire::start(manner);
        let url = wire.url.clone();
        let world = World::with(|toml| {
            let lines: Vec<String> = toml
                .lines()
                .map(|line| match line.starts_with("upstream") {
                    true => format!("upstream = \"{url}\""),
                    false => line.to_owned(),
                })
                .collect();
            format!("{}\n{more}\n", lines.join("\n"))
        })
        .await;
        let token = world.authority.token();
        Self { world, wire, token }
    }

    /// A good POST up to the end of its own header fields; `fields` end in CR LF.
    pub fn post(&self, fields: &str, body: &str) -> Vec<u8> {
        let token = &self.token;
        format!("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{fields}\r\n{body}").into()
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
        let answers = self.send(bytes).await;
        let statuses = answers.statuses();
        let said = &answers.text;
        assert!(statuses.len() <= most, "{name}: answered more than once: {said}");
        assert!(statuses.iter().skip(1).all(|status| *status == 400), "{name}: {said}");
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{name}: {said}");
        assert!(!statuses.is_empty() || answers.closed, "{name}: neither answered nor closed: {said}");
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
