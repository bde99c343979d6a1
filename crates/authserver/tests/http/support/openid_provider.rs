//! A persona: an OpenID provider that people sign in at. It checks what a good one checks, and the test decides what it says
//! in its ID tokens and who signs them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use gatelodge_oauth::secret::random_base62;
use gatelodge_service::clock::Clock;
use serde_json::{Value, json};
use url::Url;

use super::mcp_client::challenge;
use super::{Form, Page, Settings};

pub const CLIENT_ID: &str = "gatelodge-at-idp";
pub const CLIENT_SECRET: &str = "a secret/of ours+there";

/// Who signs an ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedBy {
    TheProvider,
    /// A key that it does not publish, under the name of one that it does.
    SomebodyElse,
    /// `alg` is `none`.
    Nobody,
    /// HS256 with the public key as everybody can read it.
    ThePublicKey,
    /// HS256 with our secret there.
    TheClientSecret,
}

/// A provider. It goes away at the end.
pub struct OpenIdProvider {
    pub address: SocketAddr,
    state: Data<State>,
    handle: ServerHandle,
}

struct State {
    address: SocketAddr,
    clock: Clock,
    script: Mutex<Script>,
}

struct Script {
    key: EcdsaKeyPair,
    kid: String,
    codes: HashMap<String, Prepared>,
    token_requests: usize,
    iss_in_answers: bool,
}

struct Prepared {
    challenge: String,
    redirect_uri: String,
    claims: Value,
    signed_by: SignedBy,
}

impl OpenIdProvider {
    pub fn start(clock: &Clock) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        Self::on(listener, address, clock)
    }

    fn on(listener: std::net::TcpListener, address: SocketAddr, clock: &Clock) -> Self {
        let key = new_key();
        let script =
            Script { key, kid: random_base62(8), codes: HashMap::new(), token_requests: 0, iss_in_answers: true };
        let state = Data::new(State { address, clock: clock.clone(), script: Mutex::new(script) });
        let shared = state.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .route("/.well-known/openid-configuration", web::get().to(metadata))
                .route("/jwks", web::get().to(jwks))
                .route("/token", web::post().to(token))
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("it listens").run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { address, state, handle }
    }

    /// Another one that stands where this one stood, with keys of its own.
    pub async fn replaced(self) -> Self {
        let (address, clock) = (self.address, self.state.clock.clone());
        self.handle.stop(false).await;
        let listener = std::net::TcpListener::bind(address).expect("its port is free again");
        Self::on(listener, address, &clock)
    }

    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }

    pub fn issuer(&self) -> String {
        self.state.issuer()
    }

    /// New signing keys; the old ones are gone.
    pub fn rotate(&self) {
        self.state.script(|script| (script.key, script.kid) = (new_key(), random_base62(8)));
    }

    /// An old provider, whose answers do not say who they are from.
    pub fn without_iss(self) -> Self {
        self.state.script(|script| script.iss_in_answers = false);
        self
    }

    /// How often somebody asked for a token.
    pub fn token_requests(&self) -> usize {
        self.state.script(|script| script.token_requests)
    }

    /// `[[login.oidc]]` with more keys.
    pub fn settings(&self, more: &str) -> Settings {
        let table = format!(
            "[[login.oidc]]\nid = \"idp\"\nname = \"Example IdP\"\nissuer = \"{}\"\nclient_id = \"{CLIENT_ID}\"\n\
             client_secret = \"{CLIENT_SECRET}\"\n{more}\n",
            self.issuer()
        );
        Settings { more: table.leak(), ..Settings::default() }
    }

    /// Claims about somebody, for the request that a browser brought here.
    pub fn claims(&self, request: &Url, subject: &str) -> Value {
        let now = self.state.clock.now().as_unix();
        json!({ "iss": self.issuer(), "sub": subject, "aud": CLIENT_ID, "iat": now, "exp": now + 300,
            "nonce": query(request, "nonce"), "email": format!("{subject}@example.com"), "email_verified": true })
    }

    /// The person signs in: where the browser is sent back to.
    pub fn answer(&self, page: &Page, subject: &str) -> String {
        let request = self.request_of(page);
        self.answer_with(&request, self.claims(&request, subject), SignedBy::TheProvider)
    }

    /// The same with claims and a signature that the test made up.
    pub fn answer_with(&self, request: &Url, claims: Value, signed_by: SignedBy) -> String {
        let code = random_base62(22);
        let prepared = Prepared {
            challenge: query(request, "code_challenge"),
            redirect_uri: query(request, "redirect_uri"),
            claims,
            signed_by,
        };
        self.state.script(|script| script.codes.insert(code.clone(), prepared));
        self.back(request, &Form::new([("code", &code)]))
    }

    /// The person does not, or something is wrong.
    pub fn refuse(&self, page: &Page, error: &str) -> String {
        self.back(&self.request_of(page), &Form::new([("error", error)]))
    }

    /// The path of the callback with these parameters, `state` and `iss`.
    pub fn back(&self, request: &Url, answer: &Form) -> String {
        let callback = Url::parse(&query(request, "redirect_uri")).expect("a URL");
        let answer = answer.clone().with("state", &query(request, "state"));
        let answer =
            if self.state.script(|script| script.iss_in_answers) { answer.with("iss", &self.issuer()) } else { answer };
        format!("{}?{}", callback.path(), answer.encoded())
    }

    /// What the browser was sent here with, as OpenID Connect Core 1.0 §3.1.2.1 and RFC 7636 §4.3 want it.
    #[track_caller]
    pub fn request_of(&self, page: &Page) -> Url {
        let url = page.left_for.clone().unwrap_or_else(|| panic!("not sent to a provider: {page:?}"));
        assert_eq!(&url[..url::Position::AfterPath], format!("{}/authorize", self.issuer()));
        assert_eq!((query(&url, "response_type"), query(&url, "client_id")), ("code".into(), CLIENT_ID.to_owned()));
        assert_eq!(query(&url, "code_challenge_method"), "S256");
        assert!(query(&url, "scope").split(' ').any(|scope| scope == "openid"), "{url}");
        assert!(query(&url, "nonce").len() >= 43 && query(&url, "state").len() >= 43, "{url}");
        url
    }
}

/// A parameter that must be there once.
#[track_caller]
pub fn query(url: &Url, name: &str) -> String {
    let values: Vec<_> = url.query_pairs().filter(|(own, _)| own == name).map(|(_, value)| value).collect();
    assert_eq!(values.len(), 1, "{name} in {url}");
    values[0].clone().into_owned()
}

impl State {
    fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    fn script<T>(&self, work: impl FnOnce(&mut Script) -> T) -> T {
        work(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Script {
    fn jwks(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": "ES256", "x": x, "y": y }] })
    }

    fn sign(&self, claims: &Value, signed_by: SignedBy) -> String {
        let (algorithm, secret) = match signed_by {
            SignedBy::TheProvider | SignedBy::SomebodyElse => ("ES256", Vec::new()),
            SignedBy::Nobody => ("none", Vec::new()),
            SignedBy::ThePublicKey => ("HS256", self.key.public_key().as_ref().to_vec()),
            SignedBy::TheClientSecret => ("HS256", CLIENT_SECRET.as_bytes().to_vec()),
        };
        let header = json!({ "alg": algorithm, "kid": self.kid, "typ": "JWT" });
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let es256 = |key: &EcdsaKeyPair| {
            encode(key.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature").as_ref())
        };
        let signature = match signed_by {
            SignedBy::TheProvider => es256(&self.key),
            SignedBy::SomebodyElse => es256(&new_key()),
            SignedBy::Nobody => String::new(),
            _ => encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes())),
        };
        format!("{message}.{signature}")
    }
}

async fn metadata(state: Data<State>) -> HttpResponse {
    let issuer = state.issuer();
    let iss = state.script(|script| script.iss_in_answers);
    HttpResponse::Ok().json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        "authorization_response_iss_parameter_supported": iss,
    }))
}

async fn jwks(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.script(|script| script.jwks()))
}

/// OpenID Connect Core 1.0 §3.1.3, with the secret by HTTP Basic (RFC 6749 §2.3.1) and PKCE (RFC 7636 §4.6).
async fn token(request: HttpRequest, form: web::Form<HashMap<String, String>>, state: Data<State>) -> HttpResponse {
    let refused = |error: &str| HttpResponse::BadRequest().json(json!({ "error": error }));
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = BASE64_STANDARD.encode(format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET)));
    let sent = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    if sent != Some(&format!("Basic {basic}")) {
        return HttpResponse::Unauthorized().json(json!({ "error": "invalid_client" }));
    }
    state.script(|script| {
        script.token_requests += 1;
        let value = |name: &str| form.get(name).cloned().unwrap_or_default();
        let Some(prepared) = script.codes.remove(&value("code")) else { return refused("invalid_grant") };
        let fits = challenge(&value("code_verifier")) == prepared.challenge
            && value("redirect_uri") == prepared.redirect_uri
            && value("grant_type") == "authorization_code";
        if !fits {
            return refused("invalid_grant");
        }
        let id_token = script.sign(&prepared.claims, prepared.signed_by);
        HttpResponse::Ok()
            .json(json!({ "access_token": "an access token", "token_type": "Bearer", "id_token": id_token }))
    })
}

fn new_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key")
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
