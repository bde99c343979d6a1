//! The audit trail of an authorization server, as the sidecar meets it: it notes what it is sent, and is away when the test
//! wants that.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::soon;

pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub struct Trail {
    /// What stands in `[audit]`.
    pub toml: String,
    shared: Arc<Shared>,
}

struct Shared {
    status: Mutex<u16>,
    kept: Mutex<Vec<Value>>,
    told: Mutex<Vec<Value>>,
    refused: Mutex<usize>,
    may_answer: Semaphore,
}

impl Trail {
    pub fn start() -> Self {
        let shared = Arc::new(Shared {
            status: Mutex::new(204),
            kept: Mutex::default(),
            told: Mutex::default(),
            refused: Mutex::default(),
            may_answer: Semaphore::new(Semaphore::MAX_PERMITS),
        });
        let data = web::Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(1024 * 1024))
                .route("/audit/events", web::post().to(take))
                .route("/audit/tools", web::put().to(hear))
        })
        .workers(1)
        .bind("127.0.0.1:0")
        .expect("a port");
        let toml = configured(&format!("http://{}/audit/events", server.addrs()[0]));
        actix_web::rt::spawn(server.run());
        Self { toml, shared }
    }

    /// What it answers from now on; it keeps what it answers 204.
    pub fn answer(&self, status: u16) {
        *self.shared.status.lock().expect("unpoisoned") = status;
    }

    /// From now on it says nothing at all.
    pub fn hold(&self) {
        self.shared.may_answer.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Answers what waits, and what comes.
    pub fn go_on(&self) {
        self.shared.may_answer.add_permits(Semaphore::MAX_PERMITS);
    }

    pub fn kept(&self) -> Vec<Value> {
        self.shared.kept.lock().expect("unpoisoned").clone()
    }

    /// Waits until the trail is as the test wants it.
    pub async fn until(&self, what: &str, is_there: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let look = async {
            while !is_there(&self.kept()) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        soon(what, look).await;
        self.kept()
    }

    pub fn told(&self) -> Vec<Value> {
        self.shared.told.lock().expect("unpoisoned").clone()
    }

    /// What it is told of tools, one request after the other, once the last one is as the test wants it.
    pub async fn until_told(&self, what: &str, is_there: impl Fn(&Value) -> bool) -> Vec<Value> {
        let look = async {
            while !self.told().last().is_some_and(&is_there) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        soon(what, look).await;
        self.told()
    }

    /// Waits until it has turned a batch away.
    pub async fn until_refused(&self) {
        let look = async {
            while *self.shared.refused.lock().expect("unpoisoned") == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        soon("a batch is turned away", look).await;
    }
}

/// `[audit]` for a trail there.
pub fn configured(url: &str) -> String {
    format!("[audit]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n")
}

async fn take(request: HttpRequest, body: String, shared: web::Data<Shared>) -> HttpResponse {
    let _turn = shared.may_answer.acquire().await.expect("never closed");
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!(header("authorization"), format!("Bearer {SECRET}"));
    assert_eq!(header("content-type"), "application/x-ndjson");
    let status = *shared.status.lock().expect("unpoisoned");
    if status == 204 {
        let events = body.lines().map(|line| serde_json::from_str(line).expect("each line is JSON"));
        shared.kept.lock().expect("unpoisoned").extend(events);
    } else {
        *shared.refused.lock().expect("unpoisoned") += 1;
    }
    HttpResponse::build(status.try_into().expect("a status")).finish()
}

async fn hear(request: HttpRequest, body: web::Json<Value>, shared: web::Data<Shared>) -> HttpResponse {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!(header, format!("Bearer {SECRET}"));
    shared.told.lock().expect("unpoisoned").push(body.into_inner());
    HttpResponse::NoContent().finish()
}
