//! An authorization server as the sidecar knows one: it signs tokens and publishes keys. Can go away and come back.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Route, guard, web};
use gatelodge_oauth::access_token::{Claims, SigningAlgorithm, SigningKey, Status, StatusReference, jwks};
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;

pub const STATUS_LIST_URI: &str = "https://mcp.example.com/status-list";

pub struct Authority {
    pub key: SigningKey,
    pub jwks_url: String,
    shared: Arc<Shared>,
}

struct Shared {
    document: Mutex<String>,
    away: AtomicBool,
    fetches: AtomicUsize,
    status_list: Mutex<String>,
    status_list_fetches: AtomicUsize,
    status_list_unchanged: AtomicUsize,
}

/// Asked in any other way, a cache in between could answer (RFC 9111 §5.2.1.4).
fn fetched() -> Route {
    web::get().guard(guard::Header("cache-control", "no-cache"))
}

impl Authority {
    pub fn start() -> Self {
        let key = new_key();
        let document = serde_json::to_string(&jwks([&key])).expect("JSON");
        let shared = Arc::new(Shared {
            document: Mutex::new(document),
            away: AtomicBool::new(false),
            fetches: AtomicUsize::new(0),
            status_list: Mutex::default(),
            status_list_fetches: AtomicUsize::new(0),
            status_list_unchanged: AtomicUsize::new(0),
        });
        let data = web::Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/keys", fetched().to(keys))
                .route("/status-list", fetched().to(status_list))
        })
        .workers(1)
        .bind("127.0.0.1:0")
        .expect("a port");
        let jwks_url = format!("http://{}/keys", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { key, jwks_url, shared }
    }

    /// From now on the key server answers with 503, or again.
    pub fn set_away(&self, away: bool) {
        self.shared.away.store(away, Ordering::SeqCst);
    }

    pub fn publish(&self, document: String) {
        *self.shared.document.lock().expect("unpoisoned") = document;
    }

    /// What is answered from now on where the status list is.
    pub fn publish_status_list(&self, document: String) {
        *self.shared.status_list.lock().expect("unpoisoned") = document;
    }

    /// How often the status list was asked for, and how often the answer was that nothing changed.
    pub fn status_list_fetches(&self) -> (usize, usize) {
        let count = |number: &AtomicUsize| number.load(Ordering::SeqCst);
        (count(&self.shared.status_list_fetches), count(&self.shared.status_list_unchanged))
    }

    /// A good token of the grant with this place in the status list.
    pub fn token_at(&self, idx: u64) -> String {
        let status_list = StatusReference { idx, uri: STATUS_LIST_URI.into() };
        self.sign(&Claims { status: Some(Status { status_list }), ..self.claims() })
    }

    /// A good token of somebody.
    pub fn token_of(&self, sub: &str, scope: &str) -> String {
        let scope = scope.parse().expect("a scope");
        self.sign(&Claims { sub: sub.into(), scope, ..self.claims() })
    }

    pub fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }

    /// The claims of a good token.
    pub fn claims(&self) -> Claims {
        let now = Clock::system().now();
        Claims {
            iss: "https://mcp.example.com".into(),
            sub: "user_1".into(),
            aud: ResourceId::from_stored("https://mcp.example.com/mcp".into()),
            client_id: ClientId::new("client_1"),
            scope: "mcp:use tickets:read".parse().expect("a scope"),
            iat: now,
            exp: now.plus(Duration::from_secs(3600)),
            jti: "token_1".into(),
            status: None,
        }
    }

    pub fn sign(&self, claims: &Claims) -> String {
        self.key.sign(claims).expect("a token")
    }

    /// A good token.
    pub fn token(&self) -> String {
        self.sign(&self.claims())
    }

    pub fn expired(&self) -> String {
        self.sign(&Claims {
            exp: Timestamp::from_unix(1_700_000_000),
            iat: Timestamp::from_unix(1_600_000_000),
            ..self.claims()
        })
    }
}

pub fn new_key() -> SigningKey {
    SigningKey::from_pkcs8(SigningAlgorithm::Es256, &SigningKey::generate(SigningAlgorithm::Es256).expect("a key"))
        .expect("a key")
}

async fn keys(shared: web::Data<Shared>) -> HttpResponse {
    shared.fetches.fetch_add(1, Ordering::SeqCst);
    if shared.away.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    HttpResponse::Ok().content_type("application/json").body(shared.document.lock().expect("unpoisoned").clone())
}

/// As the authorization server answers (RFC 9110 §13.1.2).
async fn status_list(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    shared.status_list_fetches.fetch_add(1, Ordering::SeqCst);
    let document = shared.status_list.lock().expect("unpoisoned").clone();
    if shared.away.load(Ordering::SeqCst) || document.is_empty() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let mut hasher = DefaultHasher::new();
    document.hash(&mut hasher);
    let etag = format!("W/\"{}\"", hasher.finish());
    let known = request.headers().get("if-none-match").and_then(|value| value.to_str().ok());
    if known == Some(etag.as_str()) {
        shared.status_list_unchanged.fetch_add(1, Ordering::SeqCst);
        return HttpResponse::NotModified().finish();
    }
    HttpResponse::Ok().insert_header(("etag", etag)).content_type("application/statuslist+jwt").body(document)
}
