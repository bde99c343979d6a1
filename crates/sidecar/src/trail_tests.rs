//! The queue and what becomes of it: more than it holds, an end at once, an end while nobody takes it.

use std::sync::Mutex;

use actix_web::{App, HttpResponse, HttpServer, web};

use super::*;

type Kept = web::Data<Mutex<Vec<AuditEvent>>>;

fn event(name: &str) -> AuditEvent {
    AuditEvent { mcp_name: Some(name.into()), ..AuditEvent::new(event_id(), Timestamp::from_unix(0), "forwarded") }
}

/// A trail that keeps everything, and where it is.
fn keeping() -> (Kept, String) {
    async fn take(body: String, kept: Kept) -> HttpResponse {
        let events = body.lines().map(|line| serde_json::from_str(line).expect("an event"));
        kept.lock().expect("unpoisoned").extend(events);
        HttpResponse::NoContent().finish()
    }
    let kept: Kept = web::Data::new(Mutex::default());
    let data = kept.clone();
    let server = HttpServer::new(move || {
        let limit = web::PayloadConfig::new(MAX_BODY);
        App::new().app_data(data.clone()).app_data(limit).default_service(web::to(take))
    });
    let server = server.workers(1).bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    (kept, url)
}

fn begin(url: &str) -> (Trail, Sending) {
    let config = AuditConfig { url: url.parse().expect("a URL"), secret: "s".into(), public_calls: false };
    Trail::begin(config, Clock::system()).expect("a client")
}

#[test]
fn a_request_holds_no_more_than_the_authorization_server_takes() {
    assert_eq!(lines(&vec![event("find"); MAX_EVENTS + 1]).1, MAX_EVENTS);
    // The longest that an event can be: each quote is two bytes in JSON.
    let long = event(&"\"".repeat(100_000)).keepable();
    let (body, count) = lines(&vec![long; MAX_EVENTS]);
    assert!(body.len() <= MAX_BODY && (1..MAX_EVENTS).contains(&count), "{} {count}", body.len());
    assert_eq!(body.iter().filter(|byte| **byte == b'\n').count(), count);
}

#[actix_web::test]
async fn what_finds_no_room_is_counted_and_the_count_arrives() {
    const TOO_MANY: usize = 5;
    let (kept, url) = keeping();
    let (trail, _sending) = begin(&url);
    // Nothing else runs on this thread meanwhile, so nothing is taken out.
    for _ in 0..QUEUE + TOO_MANY {
        trail.keep(event("find"));
    }
    while kept.lock().expect("unpoisoned").len() <= QUEUE {
        sleep(Duration::from_millis(20)).await;
    }
    let kept = kept.lock().expect("unpoisoned");
    let (told, calls): (Vec<_>, Vec<_>) = kept.iter().partition(|event| event.outcome == EVENTS_LOST);
    assert_eq!(calls.len(), QUEUE);
    assert_eq!(told.iter().map(|event| event.lost).collect::<Vec<_>>(), [Some(5)]);
}

#[actix_web::test]
async fn what_was_decided_last_is_sent_before_the_end() {
    let (kept, url) = keeping();
    let (trail, sending) = begin(&url);
    trail.keep(event("last"));
    sending.finish().await;
    let names: Vec<_> = kept.lock().expect("unpoisoned").iter().map(|event| event.mcp_name.clone()).collect();
    assert_eq!(names, [Some("last".to_owned())]);
}

#[actix_web::test]
async fn an_end_is_not_held_up_by_a_trail_that_says_nothing() {
    // Connections are made, and nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let (trail, sending) = begin(&format!("http://{}/", silent.local_addr().expect("an address")));
    trail.keep(event("last"));
    sending.finish().await;
}
