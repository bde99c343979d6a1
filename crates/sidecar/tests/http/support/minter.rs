//! A server of the operator's that mints credentials: notes every question, and answers as the test says.

use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use tokio::sync::Semaphore;

/// One question as it arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    pub authorization: String,
    pub content_type: String,
    pub body: String,
}

pub struct Minter {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    asked: Mutex<Vec<Asked>>,
    answer: Mutex<(u16, String)>,
    /// One for each answer that may leave.
    may_answer: Semaphore,
}

impl Minter {
    /// Answers so, until the test says something else.
    pub fn start(status: u16, body: &str) -> Self {
        let minter = Self::holding(status, body);
        minter.answer_all();
        minter
    }

    /// Keeps everybody waiting until [`Minter::answer_all`].
    pub fn holding(status: u16, body: &str) -> Self {
        let answer = Mutex::new((status, body.to_owned()));
        let shared = Arc::new(Shared { asked: Mutex::default(), answer, may_answer: Semaphore::new(0) });
        let data = Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer_one)))
            .workers(1)
            .bind("127.0.0.1:0")
            .expect("a port");
        let url = format!("http://{}/mint", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { url, shared }
    }

    pub fn answer_all(&self) {
        self.shared.may_answer.add_permits(10_000);
    }

    pub fn set_answer(&self, status: u16, body: &str) {
        *self.shared.answer.lock().expect("unpoisoned") = (status, body.to_owned());
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("unpoisoned").clone()
    }
}

async fn answer_one(request: HttpRequest, body: Bytes, shared: Data<Shared>) -> HttpResponse {
    let header = |name| request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let asked = Asked {
        authorization: header("authorization").unwrap_or_default(),
        content_type: header("content-type").unwrap_or_default(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    shared.asked.lock().expect("unpoisoned").push(asked);
    shared.may_answer.acquire().await.expect("open").forget();
    let (status, body) = shared.answer.lock().expect("unpoisoned").clone();
    HttpResponse::build(StatusCode::from_u16(status).expect("a status")).content_type("application/json").body(body)
}
