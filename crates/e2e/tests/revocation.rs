//! Both binaries: what is revoked at the authorization server stops working at the sidecar within seconds, by the status list
//! alone.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use gatelodge_e2e::on_both_databases;
use gatelodge_e2e::stack::{Settings, Stack};
use serde_json::Value;

/// What is promised.
const WITHIN: Duration = Duration::from_secs(5);

/// For machines under load: a test that fails says that it does not happen, the log of a passing one how long it took.
const PATIENCE: Duration = Duration::from_secs(60);

on_both_databases!(a_revoked_token_stops_working_at_the_sidecar);

fn a_revoked_token_stops_working_at_the_sidecar(settings: &Settings) {
    let stack = Stack::start(settings);
    stack.add_user("ada", "correct horse battery staple");
    let (first, kept) = (token(&stack, "first"), token(&stack, "kept"));
    assert_eq!((initialize(&stack, &first.1), initialize(&stack, &kept.1)), (200, 200));

    stack.gatelodge(&["token", "revoke", &first.0]);
    until_refused(&stack, &first.1);
    assert_eq!(initialize(&stack, &kept.1), 200);

    stack.gatelodge(&["grant", "revoke", "--all-before", "2100-01-01T00:00:00Z"]);
    until_refused(&stack, &kept.1);
    stack.stop();
}

fn token(stack: &Stack, name: &str) -> (String, String) {
    let made = stack.gatelodge(&["token", "create", "--user", "ada", "--name", name, "--json"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let member = |name: &str| made[name].as_str().expect("it is there").to_owned();
    (member("id"), member("access_token"))
}

fn until_refused(stack: &Stack, token: &str) {
    let revoked_at = Instant::now();
    while initialize(stack, token) != 401 {
        assert!(revoked_at.elapsed() < PATIENCE, "the sidecar never heard of it");
        sleep(Duration::from_millis(50));
    }
    println!("refused {:?} after it was revoked; promised are {WITHIN:?}", revoked_at.elapsed());
}

/// The status of an answer to the first request of an MCP client.
fn initialize(stack: &Stack, token: &str) -> u16 {
    let authority = stack.public_url.strip_prefix("http://").expect("loopback");
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(authority).expect("the sidecar listens");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut status_line = [0; 12];
    stream.read_exact(&mut status_line).expect("an answer");
    let status = std::str::from_utf8(&status_line[9..]).expect("digits");
    status.parse().expect("a status")
}
