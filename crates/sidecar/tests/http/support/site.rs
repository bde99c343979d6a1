//! An issuer that is not ours, as the sidecar meets it: documents at paths, and an introspection endpoint that notes what it
//! is asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::sync::Semaphore;

pub struct Site {
    /// Its origin.
    pub url: String,
    shared: Arc<Shared>,
}

/// One question to the introspection endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub authorization: String,
    pub body: String,
    pub query: String,
}

struct Shared {
    documents: Mutex<HashMap<String, String>>,
    answers: Mutex<HashMap<String, (u16, String)>>,
    questions: Mutex<Vec<Question>>,
    hangs_on: Mutex<Option<String>>,
    may_answer: Semaphore,
    waiting: AtomicUsize,
    most_waiting: AtomicUsize,
}

impl Site {
    pub fn start() -> Self {
        let shared = Arc::new(Shared {
            documents: Mutex::default(),
            answers: Mutex::default(),
            questions: Mutex::default(),
            hangs_on: Mutex::default(),
            may_answer: Semaphore::new(Semaphore::MAX_PERMITS),
            waiting: AtomicUsize::new(0),
            most_waiting: AtomicUsize::new(0),
        });
        let data = web::Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || {
            let app = App::new().app_data(data.clone());
            app.route("/introspect", web::post().to(introspect)).default_service(web::to(document))
        })
        .workers(1)
        .bind("127.0.0.1:0")
        .expect("a port");
        let url = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { url, shared }
    }

    /// What is at a path from now on.
    pub fn publish(&self, path: &str, document: impl ToString) {
        self.shared.documents.lock().expect("unpoisoned").insert(path.into(), document.to_string());
    }

    /// What is said of a token from now on.
    pub fn say(&self, token: &str, answer: &Value) {
        self.answer(token, 200, &answer.to_string());
    }

    /// The same, word for word.
    pub fn answer(&self, token: &str, status: u16, body: &str) {
        self.shared.answers.lock().expect("unpoisoned").insert(token.into(), (status, body.into()));
    }

    /// From now on questions wait for [`Self::go_on`].
    pub fn hold(&self) {
        self.shared.may_answer.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Questions about tokens that begin like this are never answered.
    pub fn hang_on(&self, prefix: &str) {
        *self.shared.hangs_on.lock().expect("unpoisoned") = Some(prefix.into());
    }

    /// Answers what waits, and what comes.
    pub fn go_on(&self) {
        self.shared.may_answer.add_permits(Semaphore::MAX_PERMITS);
    }

    /// How many questions waited for their answers at a time, at most.
    pub fn most_waiting(&self) -> usize {
        self.shared.most_waiting.load(Ordering::SeqCst)
    }

    /// Everything it was asked.
    pub fn questions(&self) -> Vec<Question> {
        self.shared.questions.lock().expect("unpoisoned").clone()
    }
}

async fn document(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let document = shared.documents.lock().expect("unpoisoned").get(request.path()).cloned();
    document.map_or(HttpResponse::NotFound().finish(), |text| HttpResponse::Ok().body(text))
}

/// RFC 7662 §2.2: of a token that it does not know it says that it is not active.
async fn introspect(request: HttpRequest, body: String, shared: web::Data<Shared>) -> HttpResponse {
    let header =
        |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let question =
        Question { authorization: header("authorization"), body: body.clone(), query: request.query_string().into() };
    shared.questions.lock().expect("unpoisoned").push(question);
    let waiting = shared.waiting.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most_waiting.fetch_max(waiting, Ordering::SeqCst);
    let hangs = shared.hangs_on.lock().expect("unpoisoned").clone();
    if hangs.is_some_and(|prefix| body.starts_with(&format!("token={prefix}"))) {
        std::future::pending::<()>().await;
    }
    drop(shared.may_answer.acquire().await.expect("it is never closed"));
    shared.waiting.fetch_sub(1, Ordering::SeqCst);
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let token = fields.iter().find(|(name, _)| name == "token").map(|(_, value)| value.clone()).unwrap_or_default();
    let answers = shared.answers.lock().expect("unpoisoned");
    let (status, text) = answers.get(&token).cloned().unwrap_or((200, "{\"active\":false}".into()));
    let status = actix_web::http::StatusCode::from_u16(status).expect("a status");
    HttpResponse::build(status).content_type("application/json").body(text)
}
