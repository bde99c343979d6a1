//! An authorization server as the sidecar knows one: it signs tokens and publishes keys. Can go away and come back.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use gatelodge_oauth::access_token::{Claims, SigningKey, jwks};
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;

pub struct Authority {
    pub key: SigningKey,
    pub jwks_url: String,
    shared: Arc<Shared>,
}

struct Shared {
    document: Mutex<String>,
    away: AtomicBool,
    fetches: AtomicUsize,
}

impl Authority {
    pub fn start() -> Self {
        let key = new_key();
        let document = serde_json::to_string(&jwks(&[&key])).expect("JSON");
        let shared =
            Shared { document: Mutex::new(document), away: AtomicBool::new(false), fetches: AtomicUsize::new(0) };
        let shared = Arc::new(shared);
        let data = web::Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || App::new().app_data(data.clone()).route("/keys", web::get().to(keys)))
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
    SigningKey::from_pkcs8(&SigningKey::generate_es256().expect("a key")).expect("a key")
}

async fn keys(shared: web::Data<Shared>) -> HttpResponse {
    shared.fetches.fetch_add(1, Ordering::SeqCst);
    if shared.away.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    HttpResponse::Ok().content_type("application/json").body(shared.document.lock().expect("unpoisoned").clone())
}
