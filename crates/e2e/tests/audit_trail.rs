//! Both binaries: who called a tool through the sidecar, and by which client, an operator reads from the authorization server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use gatelodge_e2e::on_both_databases;
use gatelodge_e2e::process::Process;
use gatelodge_e2e::stack::{Settings, Stack};
use serde_json::Value;

/// For machines under load.
const PATIENCE: Duration = Duration::from_secs(60);

on_both_databases!(a_tool_call_is_found_by_the_operator, each_call_is_shown_once_as_it_comes);

fn a_tool_call_is_found_by_the_operator(settings: &Settings) {
    let stack = Stack::start(settings);
    let token = &token(&stack);
    call(&stack, token);

    let event = found(&stack, &["--tool", "add_note"]);
    let users = stack.gatelodge(&["user", "list"]);
    let subject = event["subject"].as_str().expect("a subject");
    assert!(users.lines().any(|line| line.starts_with("ada ") && line.ends_with(subject)), "{subject} in {users}");
    for (name, value) in [
        ("client_id", "personal_token"),
        ("mcp_method", "tools/call"),
        ("mcp_name", "add_note"),
        ("outcome", "forwarded"),
        ("resource", &stack.mcp_url),
        ("held", "mcp:use"),
    ] {
        assert_eq!(event[name], value, "{name} in {event}");
    }
    let request_id = event["request_id"].as_str().expect("a request id");
    let logs = stack.logs();
    assert!(logs.iter().any(|(name, log)| *name == "gatelodge-sidecar" && log.contains(request_id)));

    let exported = stack.gatelodge(&["audit", "export", "--subject", subject, "--client", "personal_token"]);
    assert!(exported.contains(request_id), "{exported}");
    assert!(!exported.contains(token) && !exported.contains("my s3cret"), "{exported}");
    stack.stop();
}

fn each_call_is_shown_once_as_it_comes(settings: &Settings) {
    let stack = Stack::start(settings);
    let token = token(&stack);
    call(&stack, &token);
    call(&stack, &token);
    while stack.gatelodge(&["audit", "export"]).lines().count() < 2 {
        sleep(Duration::from_millis(100));
    }
    let tail = ["audit", "tail", "--last", "1", "--tool", "add_note", "--outcome", "forwarded", "--json"];
    let mut tail = stack.begin_gatelodge("tail", &tail);
    shown(&stack, &mut tail, 1);
    for number in 2..5 {
        call(&stack, &token);
        shown(&stack, &mut tail, number);
    }
    let mut ids: Vec<String> = shown(&stack, &mut tail, 4).iter().map(|event| event["id"].to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "the first two were there before, and one of them was asked for");
    assert_eq!(tail.log().lines().count(), 4, "{}", tail.log());
    stack.stop();
}

/// What is shown, once it is so many.
fn shown(stack: &Stack, tail: &mut Process, number: usize) -> Vec<Value> {
    let log = stack.artifacts.join("tail.log");
    tail.wait_until(|| {
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        let events: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if events.len() < number { Err(format!("{number} events")) } else { Ok(events) }
    })
}

fn token(stack: &Stack) -> String {
    stack.add_user("ada", "correct horse battery staple");
    let made = stack.gatelodge(&["token", "create", "--user", "ada", "--name", "laptop", "--json"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    made["access_token"].as_str().expect("a token").to_owned()
}

/// Waits until the trail has it.
fn found(stack: &Stack, search: &[&str]) -> Value {
    let begun = Instant::now();
    loop {
        let said = stack.gatelodge(&[&["audit", "list", "--json"], search].concat());
        let events: Vec<Value> = serde_json::from_str(&said).expect("JSON");
        if let Some(event) = events.into_iter().next() {
            return event;
        }
        assert!(begun.elapsed() < PATIENCE, "the call never arrived in the trail");
        sleep(Duration::from_millis(100));
    }
}

fn call(stack: &Stack, token: &str) {
    let authority = stack.public_url.strip_prefix("http://").expect("loopback");
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note","arguments":{"text":"my s3cret"}}}"#;
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(authority).expect("the sidecar listens");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
}
