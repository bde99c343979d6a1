//! The audit trail: what sidecars send to the health listener is kept once, and an operator finds it by the command line.

use std::time::Duration;

use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use gatelodge_store::{PoolOptions, Store, audit_events};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::binary::Workplace;
use crate::support::{Answer, Database, Server, Settings, http_client, on_any_database, on_both_databases};

on_both_databases! {
    what_a_sidecar_sends_is_found_by_the_operator,
    a_batch_that_is_sent_twice_is_kept_once,
    what_is_no_event_is_refused_and_nothing_of_its_batch_is_kept,
    an_export_is_everything_in_the_order_of_time,
    events_are_deleted_once_they_are_as_old_as_the_operator_says,
}

on_any_database! {
    without_the_secret_nothing_is_taken,
    the_public_cannot_reach_it,
    a_batch_has_an_end,
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

const AUDIT: &str = "[audit]\nsecret = \"0123456789abcdef0123456789abcdef\"\n";

fn settings() -> Settings {
    Settings { more: AUDIT, ..Settings::default() }
}

fn to(server: &Server) -> RequestBuilder {
    typed(server, "application/x-ndjson")
}

fn typed(server: &Server, media_type: &str) -> RequestBuilder {
    http_client().post(format!("http://{}/audit/events", server.health_address)).header("content-type", media_type)
}

async fn send(server: &Server, body: impl Into<String>) -> u16 {
    Answer::of(to(server).bearer_auth(SECRET).body(body.into())).await.status
}

fn event(id: &str, at: i64, subject: &str, tool: &str) -> Value {
    json!({
        "id": id, "at": at, "outcome": "forwarded", "subject": subject, "client_id": "client_1",
        "mcp_method": "tools/call", "mcp_name": tool, "status": 200,
    })
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

fn said(database: &Database, arguments: &[&str]) -> String {
    let workplace = Workplace::new(&settings().toml(&database.url));
    // Read while it writes: an export is longer than a pipe holds.
    let output = workplace.command(arguments, &[]).output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn listed(database: &Database, arguments: &[&str]) -> Vec<String> {
    let said = said(database, &[&["audit", "list", "--json"], arguments].concat());
    let events: Vec<Value> = serde_json::from_str(&said).expect("JSON");
    events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

async fn what_a_sidecar_sends_is_found_by_the_operator(database: &Database) {
    let server = Server::start_with(database, settings()).await;
    let sent = [
        event("a", 1_800_000_000, "ada", "find"),
        event("b", 1_800_000_060, "bob", "find"),
        event("c", 1_800_000_120, "ada", "drop"),
    ];
    assert_eq!(send(&server, lines(&sent)).await, 204);
    for (arguments, expected) in [
        (&[][..], &["c", "b", "a"][..]),
        (&["--limit", "1"], &["c"]),
        (&["--subject", "ada"], &["c", "a"]),
        (&["--tool", "find", "--client", "client_1"], &["b", "a"]),
        (&["--since", "2027-01-15T08:01:00Z", "--until", "2027-01-15T08:02:00Z"], &["b"]),
        (&["--client", "other"], &[]),
    ] {
        assert_eq!(listed(database, arguments), expected, "{arguments:?}");
    }
    let said = said(database, &["audit", "list", "--subject", "bob"]);
    let words: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(words, ["2027-01-15T08:01:00Z", "forwarded", "200", "bob", "client_1", "tools/call", "find"]);
}

async fn a_batch_that_is_sent_twice_is_kept_once(database: &Database) {
    let server = Server::start_with(database, settings()).await;
    let batch = lines(&[event("a", 1, "ada", "find"), event("b", 2, "ada", "find")]);
    let (first, second) = tokio::join!(send(&server, batch.clone()), send(&server, batch.clone()));
    assert_eq!((first, second, send(&server, batch).await), (204, 204, 204));
    assert_eq!(listed(database, &[]), ["b", "a"]);
}

async fn what_is_no_event_is_refused_and_nothing_of_its_batch_is_kept(database: &Database) {
    let server = Server::start_with(database, settings()).await;
    let good = event("a", 1, "ada", "find").to_string();
    for bad in [
        "",
        "[]",
        "not json",
        r#"{"id":"b","at":1}"#,
        r#"{"id":"b","at":"now","outcome":"forwarded"}"#,
        r#"{"id":"b","at":1,"outcome":"forwarded","token":"x"}"#,
        r#"{"id":"b","id":"c","at":1,"outcome":"forwarded"}"#,
        r#"{"id":"","at":1,"outcome":"forwarded"}"#,
        r#"{"id":"b","at":1,"outcome":"revoked","actor":"user_1"}"#,
        r#"{"id":"b","at":1,"outcome":"forwarded","subject":"a\u0000b"}"#,
        r#"{"id":"b","at":1,"outcome":"forwarded"} {"id":"c","at":1,"outcome":"forwarded"}"#,
    ] {
        assert_eq!(send(&server, format!("{good}\n{bad}\n")).await, 400, "{bad}");
    }
    let answer = Answer::of(typed(&server, "application/json").bearer_auth(SECRET).body(good)).await;
    assert_eq!(answer.status, 415);
    assert!(listed(database, &[]).is_empty());
}

async fn an_export_is_everything_in_the_order_of_time(database: &Database) {
    let server = Server::start_with(database, settings()).await;
    // More than one page of the command, and more than one request.
    let all: Vec<Value> = (0..1100).map(|i| event(&format!("{i:04}"), i / 100, "ada", "find")).collect();
    for batch in all.chunks(500) {
        assert_eq!(send(&server, lines(batch)).await, 204);
    }
    let exported = said(database, &["audit", "export"]);
    let exported: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ids = |events: &[Value]| events.iter().map(|event| event["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&exported), ids(&all));
    assert_eq!(exported[0]["at"], "1970-01-01T00:00:00Z");
}

async fn events_are_deleted_once_they_are_as_old_as_the_operator_says(database: &Database) {
    const DAY: i64 = 86_400;
    let now = 1_800_000_000;
    let kept = [("old", now - 31 * DAY), ("young", now - 29 * DAY)]
        .map(|(id, at)| AuditEvent::new(id.into(), Timestamp::from_unix(at), "forwarded"));
    let url = database.url.parse().expect("a URL");
    let store = Store::open(&url, PoolOptions::command()).await.expect("opens");
    store.write(move |tx| audit_events::insert(tx, &kept)).await.expect("kept");
    assert_eq!(listed(database, &[]), ["young", "old"]);
    let settings = Settings { more: "[audit]\nretention = \"30d\"\n", ..Settings::default() };
    // A server sweeps when it starts.
    let _server = Server::start_at(database, settings, Clock::manual(Timestamp::from_unix(now))).await;
    while listed(database, &[]) != ["young"] {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn without_the_secret_nothing_is_taken(database: &Database) {
    let server = Server::start_with(database, settings()).await;
    let body = lines(&[event("a", 1, "ada", "find")]);
    let with = |secret: &str| to(&server).header("authorization", secret).body(body.clone());
    for request in [
        to(&server).body(body.clone()),
        with("Bearer "),
        with("Bearer 0123456789abcdef0123456789abcdeg"),
        with(&format!("Basic {SECRET}")),
        with(SECRET),
        with(&format!("Bearer {SECRET}")).header("authorization", format!("Bearer {SECRET}")),
    ] {
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
    }
    assert!(listed(database, &[]).is_empty());
    assert_eq!(Answer::of(with(&format!("Bearer {SECRET}"))).await.status, 204);
}

async fn the_public_cannot_reach_it(database: &Database) {
    let server = Server::start_with(database, settings()).await;
    let body = lines(&[event("a", 1, "ada", "find")]);
    let request = server.request(Method::POST, "/audit/events").header("content-type", "application/x-ndjson");
    assert_eq!(Answer::of(request.bearer_auth(SECRET).body(body)).await.status, 404);
    assert!(listed(database, &[]).is_empty());
}

async fn a_batch_has_an_end(database: &Database) {
    let server = Server::start_with(database, settings()).await;
    let many: Vec<Value> = (0..501).map(|i| event(&i.to_string(), 1, "ada", "find")).collect();
    assert_eq!(send(&server, lines(&many)).await, 413);
    let long = format!("{}\n", " ".repeat(1024 * 1024));
    assert_eq!(send(&server, long).await, 413);
    assert_eq!(send(&server, lines(&many[..500])).await, 204);
}
