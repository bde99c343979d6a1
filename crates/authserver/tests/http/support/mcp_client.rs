//! A persona: an MCP client with its registration and its PKCE verifier.

use std::cell::Cell;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use gatelodge_oauth::secret::random_base62;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Browser, Form, RESOURCE, Server};

pub const REDIRECT_URI: &str = "https://client.example/callback";

/// A registered client. Each `authorize…` and `exchange…` uses its one verifier, as if every flow were its first.
pub struct McpClient<'s> {
    server: &'s Server,
    pub id: String,
    pub secret: Option<String>,
    pub redirect_uri: String,
    pub verifier: String,
    /// Where `ada` signs in, once.
    browser: Cell<Option<Browser<'s>>>,
}

/// What a successful answer of the token endpoint holds.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
    pub scope: String,
    pub expires_in: u64,
}

impl<'s> McpClient<'s> {
    /// A public client with both grant types, as nearly all MCP clients are.
    pub async fn register(server: &'s Server) -> Self {
        Self::register_with(server, json!({ "client_name": "Test Client" })).await
    }

    /// Registers with more or other members than usual.
    pub async fn register_with(server: &'s Server, changes: Value) -> Self {
        let mut metadata = json!({
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
            // A client of its own: the same registration again would be the same client.
            "software_id": random_base62(22),
        });
        for (name, value) in changes.as_object().expect("an object") {
            metadata[name] = value.clone();
        }
        let answer = server.post_bytes(&server.at("/register"), "application/json", metadata.to_string()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let registered = answer.json();
        Self {
            server,
            id: answer.member("client_id"),
            secret: registered["client_secret"].as_str().map(str::to_owned),
            redirect_uri: registered["redirect_uris"][0].as_str().expect("a redirect URI").to_owned(),
            verifier: random_base62(64),
            browser: Cell::new(Some(Browser::new(server))),
        }
    }

    /// A client that the operator knows.
    pub fn known(server: &'s Server, id: &str, secret: Option<&str>, redirect_uri: &str) -> Self {
        Self {
            server,
            id: id.to_owned(),
            secret: secret.map(str::to_owned),
            redirect_uri: redirect_uri.to_owned(),
            verifier: random_base62(64),
            browser: Cell::new(Some(Browser::new(server))),
        }
    }

    /// A public client with this `client_id`, which the server knows or finds out about.
    pub fn described(server: &'s Server, id: &str, redirect_uri: &str) -> Self {
        Self {
            server,
            id: id.to_owned(),
            secret: None,
            redirect_uri: redirect_uri.to_owned(),
            verifier: random_base62(64),
            browser: Cell::new(Some(Browser::new(server))),
        }
    }

    /// RFC 6749 §4.1.1 with PKCE (RFC 7636 §4.3) and a resource indicator (RFC 8707 §2.1).
    pub fn authorization_request(&self) -> Form {
        Form::new([
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect_uri),
            ("state", "state-of-the-client"),
            ("code_challenge", &challenge(&self.verifier)),
            ("code_challenge_method", "S256"),
            ("resource", RESOURCE),
        ])
    }

    /// Where the browser is sent.
    pub fn authorize_path(&self) -> String {
        self.server.at(&path_of(&self.authorization_request()))
    }

    /// RFC 6749 §4.1.3.
    pub fn code_request(&self, code: &str) -> Form {
        Form::new([
            ("grant_type", "authorization_code"),
            ("client_id", &self.id),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &self.verifier),
            ("resource", RESOURCE),
        ])
    }

    /// RFC 6749 §6.
    pub fn refresh_request(&self, refresh_token: &str) -> Form {
        Form::new([("grant_type", "refresh_token"), ("client_id", &self.id), ("refresh_token", refresh_token)])
    }

    pub async fn exchange(&self, code: &str) -> Answer {
        self.server.post(&self.server.at("/token"), &self.code_request(code)).await
    }

    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        self.server.post(&self.server.at("/token"), &self.refresh_request(refresh_token)).await
    }

    /// A refresh that succeeds.
    #[track_caller]
    pub fn refreshed(&self, refresh_token: &str) -> impl Future<Output = Tokens> {
        let answer = self.refresh(refresh_token);
        async move { Tokens::of(&answer.await) }
    }

    /// The code that `ada` gives this client.
    pub async fn code(&self) -> String {
        self.code_of(&self.authorization_request()).await
    }

    /// The same for a request that the test has changed.
    pub async fn code_of(&self, request: &Form) -> String {
        let mut browser = self.browser.take().expect("one flow after another");
        let page = browser.open(&self.server.at(&path_of(request))).await;
        let consent = if page.has("sign-in") { browser.sign_in(&page, "ada").await } else { page };
        let code = browser.allow(&consent).await.answered("code");
        self.browser.set(Some(browser));
        code
    }

    /// The whole flow.
    pub async fn connect(&self) -> Tokens {
        self.connect_with(&self.authorization_request()).await
    }

    pub async fn connect_with(&self, request: &Form) -> Tokens {
        Tokens::of(&self.exchange(&self.code_of(request).await).await)
    }

    /// A token request with HTTP Basic authentication (RFC 7617 §2).
    pub async fn post_with_basic(&self, form: &Form, user: &str, password: &str) -> Answer {
        let header = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
        let request = self.server.request(Method::POST, &self.server.at("/token")).header("authorization", header);
        Answer::of(request.form(form.pairs())).await
    }
}

impl Tokens {
    /// RFC 6749 §5.1.
    #[track_caller]
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("pragma"), Some("no-cache"));
        assert_eq!(answer.member("token_type"), "Bearer");
        answer.assert_no_null();
        Self {
            access_token: answer.member("access_token"),
            refresh_token: answer.member("refresh_token"),
            scope: answer.member("scope"),
            expires_in: answer.json()["expires_in"].as_u64().expect("a number"),
        }
    }
}

pub fn path_of(request: &Form) -> String {
    format!("/authorize?{}", request.encoded())
}

/// RFC 7636 §4.2.
pub fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}
