//! Tasks of a real MCP server that cannot tell its callers apart: behind the sidecar each sees, and ends, their own. MCP 2025-11-25
//! "Tasks".

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use gatelodge_e2e::clients;
use gatelodge_e2e::process::Process;
use gatelodge_e2e::requirements::available_or_skip;
use gatelodge_e2e::stack::{Settings, Stack, artifacts_directory, listening_address};
use serde_json::Value;

#[test]
fn each_caller_sees_and_ends_their_own_tasks_where_answers_are_json() {
    with_answers_in("json");
}

#[test]
fn each_caller_sees_and_ends_their_own_tasks_where_answers_are_event_streams() {
    with_answers_in("sse");
}

fn with_answers_in(form: &str) {
    let test = format!("tasks_in_{form}");
    let Some(servers) = available_or_skip(&test, clients::install_from_npm("servers")) else { return };
    let (_server, upstream) = server(&servers, form, &artifacts_directory(&format!("{test}_server")));
    let stack = Stack::start(&Settings { upstream: Some(upstream), ..Settings::new(&test) });
    let (ada, bob) = (token(&stack, "ada"), token(&stack, "bob"));
    let of_ada = [create(&stack, &ada), create(&stack, &ada)];
    let of_bob = create(&stack, &bob);

    let answer = about(&stack, &ada, "tasks/get", &of_ada[0]);
    assert!(answer.contains(r#""status":"working""#), "{answer}");
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        let (foreign, made_up) = (about(&stack, &bob, method, &of_ada[0]), about(&stack, &bob, method, "made-up"));
        assert!(foreign.contains(r#""code":-32602,"message":"Failed to retrieve task: Task not found""#), "{foreign}");
        assert_eq!(without_head(&foreign), without_head(&made_up), "{method}");
    }
    for (token, own, others) in
        [(&ada, &of_ada[..], std::slice::from_ref(&of_bob)), (&bob, std::slice::from_ref(&of_bob), &of_ada[..])]
    {
        let list = post(&stack, token, r#"{"jsonrpc":"2.0","id":4,"method":"tasks/list"}"#);
        assert!(own.iter().all(|id| list.contains(id)) && !others.iter().any(|id| list.contains(id)), "{list}");
    }
    let cancelled = about(&stack, &ada, "tasks/cancel", &of_ada[1]);
    assert!(cancelled.contains(r#""status":"cancelled""#), "{cancelled}");
    post(&stack, &bob, r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"finish","arguments":{}}}"#);
    for (token, id) in [(&ada, &of_ada[0]), (&bob, &of_bob)] {
        let result = about(&stack, token, "tasks/result", id);
        assert!(result.contains(&format!("kept {id}")), "{result}");
    }
    stack.stop();
}

/// The server, and its MCP endpoint.
fn server(servers: &Path, form: &str, artifacts: &Path) -> (Process, String) {
    let mut command = Command::new("node");
    command.arg(servers.join("typescript-v1-tasks.mjs")).arg(form);
    let mut process = Process::start("tasks_server", &mut command, artifacts);
    let log = artifacts.join("tasks_server.log");
    let url = process.wait_until(|| listening_address(&fs::read_to_string(&log).unwrap_or_default()));
    (process, url)
}

fn token(stack: &Stack, user: &str) -> String {
    stack.add_user(user, "correct horse battery staple");
    let made = stack.gatelodge(&["token", "create", "--user", user, "--name", "laptop", "--json"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    made["access_token"].as_str().expect("a token").to_owned()
}

/// The id of a new task.
fn create(stack: &Stack, token: &str) -> String {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note","arguments":{},"task":{"ttl":600000}}}"#;
    let answer = post(stack, token, call);
    let id = answer.split(r#""taskId":""#).nth(1).and_then(|rest| rest.split('"').next());
    id.unwrap_or_else(|| panic!("no task: {answer}")).to_owned()
}

fn about(stack: &Stack, token: &str, method: &str, id: &str) -> String {
    let body = format!(r#"{{"jsonrpc":"2.0","id":2,"method":"{method}","params":{{"taskId":"{id}"}}}}"#);
    post(stack, token, &body)
}

fn without_head(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("a head").1
}

/// Head and body of the answer to a message.
fn post(stack: &Stack, token: &str, body: &str) -> String {
    let authority = stack.public_url.strip_prefix("http://").expect("loopback");
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(authority).expect("the sidecar listens");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
