//! What the tests share: [`World`] is a running sidecar with everything around it.

pub mod authority;
pub mod minter;
pub mod raw;
pub mod site;
pub mod trail;
pub mod upstream;
pub mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use actix_web::web::Bytes;
use gatelodge_service::clock::Clock;
use gatelodge_service::config::load_checked;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use gatelodge_sidecar::Application;
use gatelodge_sidecar::config::{Config, RawConfig};
use reqwest::{Client, Method, RequestBuilder, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub use authority::Authority;
pub use minter::Minter;
pub use site::Site;
pub use upstream::{Seen, Upstream};

/// How long a test waits for something that must happen; never how long something takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const CHALLENGE: &str =
    "Bearer resource_metadata=\"https://mcp.example.com/.well-known/oauth-protected-resource/mcp\", scope=\"mcp:use\"";

/// A request that needs nothing but what the resource itself needs.
pub const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

pub struct World {
    pub address: SocketAddr,
    pub authority: Authority,
    pub upstream: Upstream,
    pub client: Client,
}

impl World {
    pub async fn start() -> World {
        Self::with(|toml| toml).await
    }

    /// Starts with a configuration that the test has changed.
    pub async fn with(change: impl FnOnce(String) -> String) -> World {
        Self::around(Authority::start(), Clock::system(), change).await
    }

    /// Starts beside an authorization server that the test has made, at the test's own time.
    pub async fn around(authority: Authority, clock: Clock, change: impl FnOnce(String) -> String) -> World {
        let upstream = Upstream::start();
        let toml = format!(
            "public_url = \"https://mcp.example.com\"\nlisten = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
             [authority]\n[[resource]]\npath = \"/mcp\"\nupstream = \"{}\"\nname = \"Test MCP\"\n\
             allowed_origins = [\"https://app.example.com\"]\n",
            upstream.url
        );
        let authority_section = format!("[authorization_server]\njwks_url = \"{}\"", authority.jwks_url);
        let application = run_at(&change(toml.replace("[authority]", &authority_section)), clock);
        World { address: application, authority, upstream, client: client() }
    }

    /// Starts in front of another MCP server.
    pub async fn before(upstream: &str) -> World {
        Self::with(|toml| {
            let lines = toml.lines().map(|line| match line.starts_with("upstream") {
                true => format!("upstream = \"{upstream}\"\n"),
                false => format!("{line}\n"),
            });
            lines.collect()
        })
        .await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request to the MCP path without a token. A POST asks for something harmless, until it is given another body.
    pub fn request(&self, method: Method) -> RequestBuilder {
        let request = self.client.request(method.clone(), self.url("/mcp"));
        if method == Method::POST { request.header("content-type", "application/json").body(PING) } else { request }
    }

    /// Posts a body, with a token of this user and scope, or without one.
    pub fn post(&self, user: Option<(&str, &str)>, body: impl Into<String>) -> RequestBuilder {
        let request = self.request(Method::POST).body(body.into());
        match user {
            Some((sub, scope)) => request.bearer_auth(self.authority.token_of(sub, scope)),
            None => request,
        }
    }

    /// A request to the MCP path with a good token.
    pub fn authorized(&self, method: Method) -> RequestBuilder {
        self.request(method).bearer_auth(self.authority.token())
    }

    /// How a request to the MCP path with this token is answered.
    pub async fn status(&self, token: &str) -> u16 {
        let answer = self.request(Method::POST).bearer_auth(token).send().await.expect("an answer");
        answer.status().as_u16()
    }

    /// Sends bytes as they are on a connection of their own; what comes back until the server closes it.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(bytes).await.expect("sent");
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "the connection stays open after {:?}", String::from_utf8_lossy(bytes));
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A raw GET of `target` with a good token.
    pub async fn raw_get(&self, target: &str) -> String {
        let (host, token) = (self.address, self.authority.token());
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        self.raw(head.as_bytes()).await
    }
}

/// A checked configuration from TOML.
pub fn config(toml: &str) -> Config {
    let dir = tempfile::tempdir().expect("a directory");
    let path: PathBuf = dir.path().join("sidecar.toml");
    std::fs::write(&path, toml).expect("a file");
    load_checked(&path, "GATELODGE_SIDECAR_TEST", RawConfig::check).expect("a good configuration")
}

/// Runs a sidecar in this process until the test ends.
pub fn run(toml: &str) -> SocketAddr {
    run_at(toml, Clock::system())
}

/// The same at another time.
pub fn run_at(toml: &str, clock: Clock) -> SocketAddr {
    let application = Application::build(config(toml), clock).expect("a sidecar");
    let address = application.address;
    actix_web::rt::spawn(application.run());
    SocketAddr::from(([127, 0, 0, 1], address.port()))
}

pub fn client() -> Client {
    let options = HttpClientOptions { tls: Tls::PlainHttpOnly, response_timeout: None, ..HttpClientOptions::default() };
    http_client::build(&options).expect("a client")
}

/// The value of a header, or nothing.
pub fn header(response: &Response, name: &str) -> String {
    let values: Vec<&str> = response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(" | ")
}

/// The next part of a stream, without the comments that keep it alive.
pub async fn part(response: &mut Response) -> Option<Bytes> {
    loop {
        let part = response.chunk().await.expect("no error");
        if part.as_deref() != Some(b":\n\n") {
            return part;
        }
    }
}

/// A whole stream, without them.
pub async fn events(mut response: Response) -> String {
    let mut events = String::new();
    while let Some(part) = part(&mut response).await {
        events.push_str(std::str::from_utf8(&part).expect("text"));
    }
    events
}

/// Waits for something that must happen.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// An address where nothing listens.
pub fn closed_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}
