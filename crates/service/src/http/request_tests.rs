//! Every request has an id, and an answer.

use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::{App, HttpServer, test, web};
use tracing::subscriber::set_default;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::http_client::{self, HttpClientOptions, Tls};

async fn fails() -> HttpResponse {
    tokio::task::yield_now().await;
    panic!("on purpose");
}

async fn says_its_id() -> String {
    tokio::task::yield_now().await;
    id_of_current()
}

/// A body that says whose it is, once it is read.
struct Late;

impl MessageBody for Late {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        tracing::info!("late");
        Poll::Ready(None)
    }
}

/// How grave each event is, and of which request.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<(Level, String)>>>);

impl<S: Subscriber> Layer<S> for Said {
    fn on_event(&self, event: &Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        self.0.lock().expect("unpoisoned").push((*event.metadata().level(), id_of_current()));
    }
}

fn id_in(headers: &actix_web::http::header::HeaderMap) -> String {
    let ids: Vec<_> = headers.get_all(REQUEST_ID).map(|id| id.to_str().expect("text").to_owned()).collect();
    assert_eq!((ids.len(), ids[0].len()), (1, 36), "{ids:?}");
    ids[0].clone()
}

#[actix_web::test]
async fn the_answer_and_its_body_belong_to_the_request() {
    let said = Said::default();
    let _guard = set_default(tracing_subscriber::registry().with(said.clone()));
    let late = web::to(|| async { HttpResponse::Ok().body(actix_web::body::BoxBody::new(Late)) });
    let app = App::new().wrap(Requests).route("/", web::to(says_its_id)).route("/late", late);
    let app = test::init_service(app).await;
    let answer = test::call_service(&app, test::TestRequest::get().to_request()).await;
    let id = id_in(answer.headers());
    assert_eq!(test::read_body(answer).await, id);
    let answer = test::call_service(&app, test::TestRequest::get().uri("/late").to_request()).await;
    let late = id_in(answer.headers());
    test::read_body(answer).await;
    assert_ne!(id, late, "another request, another id");
    assert_eq!(*said.0.lock().expect("unpoisoned"), [(Level::INFO, late)]);
    assert_eq!(id_of_current(), "", "nothing is left of it");
}

#[actix_web::test]
async fn a_panic_is_a_logged_500_that_names_its_request() {
    let said = Said::default();
    let _guard = set_default(tracing_subscriber::registry().with(said.clone()));
    let app = test::init_service(App::new().wrap(Requests).route("/", web::to(fails))).await;
    let error = test::try_call_service(&app, test::TestRequest::get().to_request()).await.expect_err("it panicked");
    let answer = error.error_response();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.headers().get(CACHE_CONTROL).map(HeaderValue::as_bytes), Some(b"no-store".as_slice()));
    let id = id_in(answer.headers());
    let ours: Vec<_> =
        said.0.lock().expect("unpoisoned").iter().filter(|(level, _)| *level == Level::ERROR).cloned().collect();
    assert_eq!(ours, [(Level::ERROR, id)]);
}

#[actix_web::test]
async fn after_a_panic_the_server_still_answers() {
    let app = || App::new().wrap(Requests).route("/", web::to(fails)).route("/id", web::to(says_its_id));
    let server = HttpServer::new(app).workers(1).bind("127.0.0.1:0").expect("a free port");
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    let options = HttpClientOptions { tls: Tls::PlainHttpOnly, ..HttpClientOptions::default() };
    let client = http_client::build(&options).expect("a client");
    for (path, status) in [("", 500), ("id", 200), ("", 500), ("id", 200)] {
        let request = client.post(format!("http://{address}/{path}")).body("x");
        let answer = request.send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.headers()["x-request-id"].len()), (status, 36), "{path}");
    }
}
