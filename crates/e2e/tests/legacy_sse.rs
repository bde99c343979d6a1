//! HTTP+SSE, the transport of MCP 2024-11-05, with OAuth: the official SDKs, each with its own client of that time, walk from the
//! first 401 to a refreshed token, past the sidecar to a real server of that time, with a person in real Chromium.

use std::process::Command;

use gatelodge_e2e::{
    clients::{self, Client, Person, Sdk},
    process::Process,
    requirements::available_or_skip,
    stack::{Settings, Stack, artifacts_directory, listening_address},
};
use serde_json::{Value, json};

const USERNAME: &str = "alice";
const PASSWORD: &str = "correct horse battery staple";

#[test]
fn typescript_sdk_v1_walks_the_whole_flow_over_http_and_sse() {
    walk("sse_typescript_sdk_v1", Sdk::TypeScriptV1);
}

#[test]
fn typescript_sdk_v2_walks_the_whole_flow_over_http_and_sse() {
    walk("sse_typescript_sdk_v2", Sdk::TypeScriptV2);
}

#[test]
fn python_sdk_v1_walks_the_whole_flow_over_http_and_sse() {
    walk("sse_python_sdk_v1", Sdk::PythonV1);
}

#[test]
fn python_sdk_v2_walks_the_whole_flow_over_http_and_sse() {
    walk("sse_python_sdk_v2", Sdk::PythonV2);
}

fn walk(name: &str, sdk: Sdk) {
    let needed = Client::prepare(sdk).and_then(|client| Ok((client, clients::python("requirements-v1.txt")?)));
    let Some((client, python)) = available_or_skip(name, needed) else { return };
    let logs = artifacts_directory(&format!("{name}_server"));
    let mut server = Process::start(
        "notes_sse",
        Command::new(python).arg("-B").arg(clients::sources("servers").join("python_v1_notes_sse.py")),
        &logs,
    );
    let log = logs.join("notes_sse.log");
    let upstream = server.wait_until(|| listening_address(&std::fs::read_to_string(&log).unwrap_or_default()));
    let stack =
        Stack::start(&Settings { resource: http_and_sse(&upstream), upstream: Some(upstream), ..Settings::new(name) });
    stack.add_user(USERNAME, PASSWORD);
    let typed = format!("{}/sse", stack.mcp_url);
    let person = Person { username: USERNAME, password: PASSWORD, allows: true };
    let report = client.walk(&stack, person, &[("TRANSPORT", "sse"), ("MCP_URL", &typed)]);

    assert_eq!(report["outcome"], "authorized");
    assert_challenged(&stack, &report);
    assert_tokens_are_for_the_resource(&stack, &report);
    assert_upstream_saw_the_user_and_no_token(&report);
    assert_posts_are_judged(&stack, &report);
    stack.stop();
}

/// A stream ends with the token that opened it. The client of a stream that ends has to begin anew, so this one goes on while
/// the client refreshes.
fn http_and_sse(upstream: &str) -> String {
    let server = upstream.strip_suffix("/mcp").expect("the path of its other transport");
    format!(
        "stream_grace = \"5m\"\n[resource.legacy_sse]\nsse_path = \"/mcp/sse\"\nmessage_path = \"/mcp/messages\"\n\
         upstream = \"{server}/sse\"\n"
    )
}

fn assert_challenged(stack: &Stack, report: &Value) {
    assert_eq!(report["exchanges"][0], "GET /mcp/sse 401");
    let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", stack.public_url);
    assert_eq!(report["challenges"][0], format!("Bearer resource_metadata=\"{metadata}\", scope=\"mcp:use\""));
}

fn assert_tokens_are_for_the_resource(stack: &Stack, report: &Value) {
    let requests = list(&report["token_requests"]);
    let grants: Vec<&Value> = requests.iter().map(|request| &request["grant_type"]).collect();
    assert_eq!(grants, ["authorization_code", "refresh_token", "refresh_token"]);
    for request in requests {
        assert_eq!((&request["status"], &request["resource"]), (&json!(200), &json!(stack.mcp_url)), "{request}");
    }
}

fn assert_upstream_saw_the_user_and_no_token(report: &Value) {
    let calls = list(&report["calls"]);
    let tools: Vec<&Value> = calls.iter().map(|call| &call["tool"]).collect();
    assert_eq!(tools, ["add_note", "list_notes", "list_notes"]);
    let subject = &calls[0]["result"]["note"]["author"];
    assert!(subject.as_str().is_some_and(|subject| !subject.is_empty() && subject != "anonymous"), "{subject}");
    for call in calls {
        let caller = &call["result"]["caller"];
        assert_eq!(&caller["identity"]["x-mcp-auth-sub"], subject);
        assert_eq!(caller["identity"]["x-mcp-auth-client-id"], report["client"]["client_id"]);
        assert_eq!(caller["authorization_received"], false, "the client's token was passed on to the upstream");
    }
    assert_eq!(&calls[2]["result"]["notes"][0]["author"], subject);
}

/// Each call is a post that was looked into, and was for the user; one stream was opened with a token.
fn assert_posts_are_judged(stack: &Stack, report: &Value) {
    let logs = stack.logs();
    let (_, log) = logs.iter().find(|(name, _)| *name == "gatelodge-sidecar").expect("the log of the sidecar");
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let forwarded: Vec<Value> =
        lines.filter(|line| line["message"] == "decision" && line["outcome"] == "forwarded").collect();
    assert!(forwarded.iter().all(|line| line["client_id"] == report["client"]["client_id"]), "{forwarded:#?}");
    let called: Vec<&Value> =
        forwarded.iter().filter(|line| line["mcp_method"] == "tools/call").map(|line| &line["mcp_name"]).collect();
    assert!(called.starts_with(&[&json!("add_note"), &json!("list_notes")]), "{called:?}");
    let opened = list(&report["exchanges"]).iter().filter(|exchange| **exchange == "GET /mcp/sse 200").count();
    assert_eq!(opened, 1, "{}", report["exchanges"]);
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}
