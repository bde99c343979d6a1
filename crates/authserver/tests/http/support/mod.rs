//! What the tests share: a [`Server`] in this process on a real socket with a clock that the test moves, the two personas
//! [`Browser`] and [`McpClient`], and [`on_both_databases`], which makes two tests of each body.

pub mod administrator;
pub mod answer;
pub mod authenticator;
pub mod binary;
pub mod browser;
pub mod database;
pub mod form;
pub mod load;
pub mod mcp_client;
pub mod openid_provider;
pub mod program;
pub mod proxy;
pub mod seed;
pub mod signer;
pub mod website;

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatelodge::config;
use gatelodge::server::Application;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::{Client, Method, RequestBuilder};

pub use answer::Answer;
pub use browser::{Browser, Page};
pub use database::Database;
pub use form::Form;
pub use mcp_client::{McpClient, Tokens};
pub use signer::Signer;

pub const ISSUER: &str = "https://mcp.example.com";
pub const RESOURCE: &str = "https://mcp.example.com/mcp";
/// The password of everybody in the test database: `ada`, `bob`, and `carol`, who is disabled.
pub const PASSWORD: &str = "correct horse battery staple";

const A_MOMENT: Duration = Duration::from_millis(10);

/// Of every server on PostgreSQL.
pub const ENCRYPTION_KEY: &str = "encryption_key = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"";

/// What differs between servers under test.
pub struct Settings {
    pub public_url: &'static str,
    /// `[[resource]]` tables.
    pub resources: &'static str,
    /// More tables.
    pub more: &'static str,
    /// `[limits]`: tests ask for more, and from one address, than anybody else.
    pub limits: &'static str,
    /// The addresses of proxies in front, as TOML.
    pub trusted_proxies: &'static str,
}

pub const NO_LIMITS: &str = "registrations_per_source = 1000000\nregistrations = 1000000\n\
                         requests_per_source = 1000000\nrequests = 1000000\n\
                         documents_per_source = 1000000\ndocuments = 1000000";

pub const ONE_RESOURCE: &str = r#"
[[resource]]
id = "https://mcp.example.com/mcp"
name = "Acme MCP"
default_scopes = ["mcp:use"]
[[resource.scope]]
name = "mcp:use"
title = "Use the tools of this server"
[[resource.scope]]
name = "notes:read"
title = "Read notes"
[[resource.scope]]
name = "notes:write"
title = "Write notes"
"#;

/// A client of the operator at a website, of which a yes is remembered.
pub const REMEMBERED_WIKI: &str = r#"
[[client]]
id = "wiki"
name = "Company Wiki"
redirect_uris = ["https://wiki.example/callback"]
token_endpoint_auth_method = "none"
[consent]
remember = "30d"
"#;

pub const TWO_RESOURCES: &str = r#"
[[resource]]
id = "https://mcp.example.com/mcp"
name = "Acme MCP"
default_scopes = ["mcp:use"]
[[resource.scope]]
name = "mcp:use"
title = "Use the tools of this server"
[[resource]]
id = "https://mcp.example.com/other"
name = "Other MCP"
default_scopes = ["other:use"]
[[resource.scope]]
name = "other:use"
title = "Use the other tools"
"#;

impl Default for Settings {
    fn default() -> Self {
        Self { public_url: ISSUER, resources: ONE_RESOURCE, more: "", limits: NO_LIMITS, trusted_proxies: "[]" }
    }
}

impl Settings {
    /// The configuration file that an operator would write.
    pub fn toml(&self, database_url: &str) -> String {
        let Self { public_url, resources, more, limits, trusted_proxies } = self;
        // With SQLite the key has its default place; with PostgreSQL it must be given.
        let keys = match database_url.starts_with("sqlite://") || more.contains("encryption_key") {
            true => "",
            false => ENCRYPTION_KEY,
        };
        let more = match more.contains("[keys]") {
            true => more.replacen("[keys]", &format!("[keys]\n{keys}"), 1),
            false => format!("{more}\n[keys]\n{keys}"),
        };
        format!(
            "public_url = \"{public_url}\"\nlisten = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
             trusted_proxies = {trusted_proxies}\n[database]\nurl = \"{database_url}\"\n{resources}\n\
             [limits]\n{limits}\n{more}\n"
        )
    }
}

/// A running authorization server. It stops at the end of the test, with its database.
pub struct Server {
    pub address: SocketAddr,
    pub health_address: SocketAddr,
    /// Where administrators are let in, if they are.
    pub administration_address: Option<SocketAddr>,
    pub clock: Clock,
    pub issuer: &'static str,
    http: Client,
}

impl Server {
    pub async fn start(database: &Database) -> Self {
        Self::start_with(database, Settings::default()).await
    }

    pub async fn start_with(database: &Database, settings: Settings) -> Self {
        Self::start_at(database, settings, Clock::manual(Timestamp::from_unix(1_800_000_000))).await
    }

    /// Starts with the clock of an earlier server, as after a restart or beside it.
    pub async fn start_at(database: &Database, settings: Settings, clock: Clock) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), settings.toml(&database.url)).expect("the configuration can be written");
        let config = config::load(file.path()).unwrap_or_else(|error| panic!("{error}"));
        database.add_people(&config).await;
        let application = Application::build(config, clock.clone()).await.expect("the server starts");
        let (address, health_address) = (application.address, application.health_address);
        let administration_address = application.administration_address;
        database.stop_at_the_end(application.handle(), actix_web::rt::spawn(application.run()));
        let issuer = settings.public_url;
        Self { address, health_address, administration_address, clock, issuer, http: http_client() }
    }

    /// A server in another process, with the time of the machine.
    pub fn elsewhere(address: SocketAddr, health_address: SocketAddr, issuer: &'static str) -> Self {
        let (administration_address, clock) = (None, Clock::system());
        Self { address, health_address, administration_address, clock, issuer, http: http_client() }
    }

    /// The path of an endpoint, which lies under the path of the issuer.
    pub fn at(&self, endpoint: &str) -> String {
        let base = self.issuer.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
        format!("{base}{endpoint}")
    }

    /// A request to `path`, which may have a query.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    /// The same where administrators are let in.
    pub fn administration_request(&self, method: Method, path: &str) -> RequestBuilder {
        let address = self.administration_address.expect("there is an administration");
        self.http.request(method, format!("http://{address}{path}"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, form: &Form) -> Answer {
        Answer::of(self.request(Method::POST, path).form(form.pairs())).await
    }

    /// A post of bytes as they are.
    pub async fn post_bytes(&self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::of(self.request(Method::POST, path).header("content-type", content_type).body(body)).await
    }

    /// Whether the health listener says that the server can do its work.
    pub async fn is_ready(&self) -> bool {
        Answer::of(self.http.get(format!("http://{}/health/ready", self.health_address))).await.status == 200
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// Follows no redirects and keeps no cookies. Its patience is for machines under load; no test measures time.
pub fn http_client() -> Client {
    let options = HttpClientOptions {
        tls: Tls::PlainHttpOnly,
        connect_timeout: Duration::from_secs(60),
        response_timeout: Some(Duration::from_secs(60)),
        ..HttpClientOptions::default()
    };
    http_client::build(&options).expect("a client for plain http")
}

/// Two tests from each `async fn(&Database)`: `sqlite::<name>` and `postgres::<name>`.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { crate::support::database::on_sqlite(super::$name) })+
        }
        mod postgres {
            $(#[test] fn $name() {
                let name = concat!(module_path!(), "::", stringify!($name));
                crate::support::database::on_postgres(name, super::$name)
            })+
        }
    };
}

/// One test from each `async fn(&Database)`, for what the kind of database cannot change.
macro_rules! on_any_database {
    ($($name:ident),+ $(,)?) => {
        mod any_database {
            $(#[test] fn $name() { crate::support::database::on_sqlite(super::$name) })+
        }
    };
}
pub(crate) use {on_any_database, on_both_databases};

/// The claims of an access token, which its client may read but has no use for.
pub fn claims(access_token: &str) -> serde_json::Value {
    segment(access_token, 1)
}

/// A part of a JWT (RFC 7515 §7.1): 0 the header, 1 the claims.
pub fn segment(jwt: &str, index: usize) -> serde_json::Value {
    let encoded = jwt.split('.').nth(index).expect("three segments");
    let json = BASE64_URL_SAFE_NO_PAD.decode(encoded).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}
