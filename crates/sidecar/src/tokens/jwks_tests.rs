//! What HTTP tests cannot show without waiting: the cool-downs, the end of the last good set, and bad documents.

use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, HttpServer, guard, web};
use gatelodge_oauth::access_token::{SigningAlgorithm, SigningKey, jwks};

use super::*;

struct Server {
    url: Url,
    document: Arc<RwLock<Option<String>>>,
    fetches: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let (document, fetches) = (Arc::new(RwLock::new(Some(good()))), Arc::new(AtomicUsize::new(0)));
        let shared = (Arc::clone(&document), Arc::clone(&fetches));
        let server = HttpServer::new(move || {
            let (document, fetches) = shared.clone();
            App::new().route(
                    "/jwks",
                    // Asked in any other way, a cache in between could answer.
                    web::get().guard(guard::Header("cache-control", "no-cache")).to(move || {
                        fetches.fetch_add(1, Ordering::SeqCst);
                        let document = document.read().expect("unpoisoned").clone();
                        async move {
                            document.map_or(HttpResponse::NotFound().finish(), |text| HttpResponse::Ok().body(text))
                        }
                    }),
                )
        })
        .workers(1)
        .bind("127.0.0.1:0")
        .expect("a port");
        let url = format!("http://{}/jwks", server.addrs()[0]).parse().expect("a URL");
        actix_web::rt::spawn(server.run());
        Self { url, document, fetches }
    }

    fn publish(&self, document: Option<String>) {
        *self.document.write().expect("unpoisoned") = document;
    }

    fn keys(&self, timing: Timing) -> Arc<Jwks> {
        Arc::new(Jwks::new(Place::At(self.url.clone()), timing).expect("a client"))
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

fn good() -> String {
    let key =
        SigningKey::from_pkcs8(SigningAlgorithm::Es256, &SigningKey::generate(SigningAlgorithm::Es256).expect("a key"))
            .expect("a key");
    serde_json::to_string(&jwks([&key])).expect("JSON")
}

/// Proves RFC 7517 §5 as the operator is promised it: a key that is withdrawn is believed for a minute at most.
#[test]
fn keys_are_fetched_again_in_time_for_the_minute_that_is_promised() {
    // Some seconds are the authorization server's, until each of its processes knows.
    assert!(Timing::default().refresh <= Duration::from_secs(55), "{:?}", Timing::default().refresh);
}

fn eager() -> Timing {
    Timing { miss_cool_down: Duration::ZERO, cold_cool_down: Duration::ZERO, ..Timing::default() }
}

#[actix_web::test]
async fn requests_that_wait_for_the_first_keys_share_one_fetch() {
    let server = Server::start();
    let keys = server.keys(Timing::default());
    let waiting = futures_util::future::join_all((0..50).map(|_| keys.current())).await;
    assert!(waiting.iter().all(Option::is_some));
    assert_eq!(server.fetches(), 1);
    assert!(keys.is_ready());
}

#[actix_web::test]
async fn a_failed_first_fetch_is_not_repeated_for_every_request() {
    let server = Server::start();
    server.publish(None);
    let keys = server.keys(Timing { cold_cool_down: Duration::from_secs(3600), ..Timing::default() });
    for _ in 0..10 {
        assert!(keys.current().await.is_none());
    }
    assert_eq!(server.fetches(), 1);
    let impatient = server.keys(eager());
    assert!(impatient.current().await.is_none());
    server.publish(Some(good()));
    assert!(impatient.current().await.is_some(), "after the cool-down it is tried again");
}

#[actix_web::test]
async fn unknown_keys_wait_for_their_cool_down() {
    let server = Server::start();
    let (patient, impatient) = (server.keys(Timing::default()), server.keys(eager()));
    for _ in 0..5 {
        assert!(patient.refetched().await.is_some());
    }
    assert_eq!(server.fetches(), 1);
    for _ in 0..5 {
        assert!(impatient.refetched().await.is_some());
    }
    assert_eq!(server.fetches(), 6);
}

#[actix_web::test]
async fn a_document_that_cannot_be_used_never_replaces_the_last_good_one() {
    let server = Server::start();
    let keys = server.keys(eager());
    let first = keys.current().await.expect("keys");
    let too_large = format!("{{\"keys\":[],\"padding\":\"{}\"}}", "x".repeat(document::LARGEST));
    for bad in [
        None,
        Some("{\"keys\":[]}".into()),
        Some("<html>".into()),
        Some("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}".into()),
        Some(too_large),
    ] {
        server.publish(bad.clone());
        assert!(keys.refetched().await.is_none(), "of a key that is not there nobody can say anything: {bad:?}");
        assert!(Arc::ptr_eq(&first, &keys.current().await.expect("keys")), "{bad:?}");
    }
}

#[actix_web::test]
async fn the_last_good_set_has_an_end() {
    let server = Server::start();
    let keys = server.keys(Timing { keep_last_good: Duration::ZERO, ..eager() });
    assert!(keys.current().await.is_none());
    assert!(!keys.is_ready());
}

#[actix_web::test]
async fn keys_are_fetched_in_the_background_until_they_are_there_and_afterwards() {
    let server = Server::start();
    server.publish(None);
    let keys = server.keys(Timing {
        refresh: Duration::from_millis(5),
        cold_cool_down: Duration::from_millis(1),
        ..Timing::default()
    });
    let task = tokio::spawn(Arc::clone(&keys).keep_fresh());
    let patience = Duration::from_secs(20);
    let until = async |wanted: usize| {
        while server.fetches() < wanted {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(patience, until(3)).await.expect("it tries again");
    assert!(!keys.is_ready());
    server.publish(Some(good()));
    let so_far = server.fetches();
    tokio::time::timeout(patience, until(so_far + 3)).await.expect("it goes on");
    assert!(keys.is_ready());
    task.abort();
}

#[actix_web::test]
async fn only_another_document_is_another_generation() {
    let server = Server::start();
    let keys = server.keys(eager());
    let first = keys.current().await.expect("keys");
    let again = keys.refetched().await.expect("keys");
    assert!(Arc::ptr_eq(&first.keys, &again.keys));
    assert_eq!((again.generation, keys.generation()), (first.generation, Some(first.generation)));
    server.publish(Some(good()));
    let other = keys.refetched().await.expect("keys");
    assert_ne!(other.generation, first.generation);
    server.publish(None);
    assert!(keys.refetched().await.is_none());
    assert_eq!(keys.generation(), Some(other.generation), "what cannot be had changes nothing");
}

#[actix_web::test]
async fn keys_that_nobody_confirms_are_not_at_hand_for_ever() {
    let server = Server::start();
    let keys = server.keys(Timing { keep_last_good: Duration::ZERO, ..eager() });
    keys.current().await;
    assert_eq!(keys.generation(), None);
}

#[actix_web::test]
async fn an_hour_without_the_authorization_server_changes_nothing_and_a_day_ends_it() {
    let server = Server::start();
    let keys = server.keys(eager());
    assert!(keys.current().await.is_some());
    server.publish(None);
    let hours = async |hours: u64| {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(hours * 3600)).await;
        tokio::time::resume();
    };
    hours(1).await;
    assert!(keys.refetched().await.is_none() && keys.current().await.is_some() && keys.is_ready());
    hours(23).await;
    assert!(keys.current().await.is_none() && !keys.is_ready());
    server.publish(Some(good()));
    assert!(keys.current().await.is_some(), "and it comes back by itself");
}

#[actix_web::test]
async fn a_key_is_withdrawn_once_a_set_without_it_is_at_hand_and_never_for_want_of_one() {
    let server = Server::start();
    let keys = server.keys(eager());
    assert!(!keys.withdrew("any"), "nothing is known");
    let document: serde_json::Value = serde_json::from_str(&good()).expect("JSON");
    let kid = document["keys"][0]["kid"].as_str().expect("a name").to_owned();
    server.publish(Some(document.to_string()));
    keys.current().await.expect("keys");
    assert!(!keys.withdrew(&kid) && keys.withdrew("any"));
    server.publish(None);
    keys.refetched().await;
    assert!(!keys.withdrew(&kid));
    server.publish(Some(good()));
    keys.refetched().await.expect("keys");
    assert!(keys.withdrew(&kid));
}
