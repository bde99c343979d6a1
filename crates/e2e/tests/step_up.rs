//! Public tools without a login, a login when the first protected one is called, and another consent when the token does not
//! reach far enough: the official SDKs before the real binaries, with a person in real Chromium. MCP authorization, "Scope
//! Challenge Handling".

use std::io::Write as _;

use gatelodge_e2e::{
    clients::{Client, Person, Sdk},
    requirements::available_or_skip,
    stack::{Settings, Stack},
};
use serde_json::{Value, json};

const USERNAME: &str = "alice";
const PASSWORD: &str = "correct horse battery staple";

const LAZY: &str = "login = \"lazy\"";
const RULES: &str = r#"
[resource.access]
public_tools = ["list_notes"]
[[resource.access.rule]]
tools = ["add_note"]
scopes = ["notes:write"]
[[resource.access.rule]]
tools = ["clear_notes"]
scopes = ["notes:delete"]
"#;

/// What the log says of one call: tool, outcome, status, what it needed, what the caller held.
type Told = (&'static str, &'static str, u64, &'static str, &'static str);

const PUBLIC: Told = ("list_notes", "forwarded", 200, "", "");
const LOGIN: Told = ("add_note", "challenged", 401, "mcp:use notes:write", "");
const LOGGED_IN: Told = ("add_note", "forwarded", 200, "mcp:use notes:write", "mcp:use notes:write");
const MORE: Told = ("clear_notes", "challenged", 403, "mcp:use notes:delete", "mcp:use notes:write");
const DELETES: Told = ("clear_notes", "forwarded", 200, "mcp:use notes:delete", "mcp:use notes:delete notes:write");
const KEEPS: Told = ("add_note", "forwarded", 200, "mcp:use notes:write", "mcp:use notes:delete notes:write");
const PUBLIC_AS_USER: Told = ("list_notes", "forwarded", 200, "", "mcp:use notes:delete notes:write");

#[test]
fn typescript_sdk_v2_logs_in_late_and_steps_up() {
    logs_in_late_and_steps_up("step_up_typescript_sdk_v2", Sdk::TypeScriptV2, &[]);
}

#[test]
fn typescript_sdk_v2_logs_in_late_and_steps_up_without_a_handshake() {
    let name = "step_up_typescript_sdk_v2_without_handshake";
    logs_in_late_and_steps_up(name, Sdk::TypeScriptV2, &[("VERSION_NEGOTIATION", "auto")]);
}

#[test]
fn python_sdk_v1_logs_in_late_and_steps_up() {
    logs_in_late_and_steps_up("step_up_python_sdk_v1", Sdk::PythonV1, &[]);
}

#[test]
fn python_sdk_v2_logs_in_late_and_steps_up() {
    logs_in_late_and_steps_up("step_up_python_sdk_v2", Sdk::PythonV2, &[]);
}

/// It cannot step up by itself (it refreshes, and gives up); a late login it can.
#[test]
fn typescript_sdk_v1_logs_in_late() {
    let name = "step_up_typescript_sdk_v1";
    let variables = [("CALLS", "list_notes add_note")];
    let Some((stack, report)) = run(name, Sdk::TypeScriptV1, "http", &variables) else { return };
    assert_eq!(challenged(&report), [("list_notes", false), ("add_note", true)], "{report}");
    assert_eq!(
        (&report["asked"], &report["granted"]),
        (&json!(["mcp:use notes:write"]), &json!(["mcp:use notes:write"]))
    );
    assert_log(&stack, &report, &[PUBLIC, LOGIN, LOGGED_IN]);
    // Not println!: the test runner would swallow the line of a test that passes.
    writeln!(
        std::io::stderr(),
        "NOT PLAYED: {name}: the second consent: this SDK refreshes its token instead, and gives up"
    )
    .expect("standard error takes a line");
    stack.stop();
}

/// With a tool result as the body, what the SDK does is the same.
#[test]
fn typescript_sdk_v2_steps_up_by_the_header_when_the_body_is_a_tool_result() {
    let name = "step_up_header_and_tool_result";
    let variables = [("CALLS", "list_notes add_note clear_notes")];
    let Some((stack, report)) = run(name, Sdk::TypeScriptV2, "http_and_result", &variables) else { return };
    assert_eq!(challenged(&report), [("list_notes", false), ("add_note", true), ("clear_notes", true)], "{report}");
    assert_log(&stack, &report, &[PUBLIC, LOGIN, LOGGED_IN, MORE, DELETES]);
    stack.stop();
}

fn logs_in_late_and_steps_up(name: &str, sdk: Sdk, variables: &[(&str, &str)]) {
    let calls = ("CALLS", "list_notes add_note clear_notes add_note list_notes");
    let Some((stack, report)) = run(name, sdk, "http", &[variables, &[calls]].concat()) else { return };

    let expected =
        [("list_notes", false), ("add_note", true), ("clear_notes", true), ("add_note", false), ("list_notes", false)];
    assert_eq!(challenged(&report), expected, "{report}");
    let meta = format!("Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\"", stack.public_url);
    let lacks = r#"error="insufficient_scope", error_description="this needs the scope mcp:use notes:delete""#;
    let challenges = [
        format!("{meta}, scope=\"mcp:use notes:write\""),
        format!("{meta}, scope=\"mcp:use notes:delete notes:write\", {lacks}"),
    ];
    assert_eq!(report["challenges"], json!(challenges));
    assert_eq!(sorted(&report["asked"]), ["mcp:use notes:write", "mcp:use notes:delete notes:write"]);
    assert_eq!(sorted(&report["granted"]), ["mcp:use notes:write", "mcp:use notes:delete notes:write"]);
    let grants: Vec<&Value> = list(&report["token_requests"]).iter().map(|request| &request["grant_type"]).collect();
    assert_eq!(grants, ["authorization_code", "authorization_code"]);
    assert_log(&stack, &report, &[PUBLIC, LOGIN, LOGGED_IN, MORE, DELETES, KEEPS, PUBLIC_AS_USER]);
    stack.stop();
}

fn run(name: &str, sdk: Sdk, tool_challenges: &str, variables: &[(&str, &str)]) -> Option<(Stack, Value)> {
    let client = available_or_skip(name, Client::prepare_step_up(sdk))?;
    let stack = Stack::start(&Settings {
        resource: format!("{LAZY}\ntool_challenges = \"{tool_challenges}\""),
        sidecar: RULES.to_owned(),
        scopes: vec!["notes:write".to_owned(), "notes:delete".to_owned()],
        access_token_lifetime_s: 600,
        ..Settings::new(name)
    });
    stack.add_user(USERNAME, PASSWORD);
    let version = match sdk {
        Sdk::TypeScriptV1 | Sdk::PythonV1 => "v1",
        Sdk::TypeScriptV2 | Sdk::PythonV2 => "v2",
    };
    let person = Person { username: USERNAME, password: PASSWORD, allows: true };
    let report = client.walk(&stack, person, &[variables, &[("SDK", version)]].concat());
    for call in list(&report["calls"]) {
        assert!(call["error"].is_null() && call["result"]["caller"]["authorization_received"] == false, "{call}");
    }
    Some((stack, report))
}

/// Each tool that was called, and whether somebody had to be asked first.
fn challenged(report: &Value) -> Vec<(&str, bool)> {
    let calls = list(&report["calls"]).iter();
    calls.map(|call| (call["tool"].as_str().unwrap_or_default(), call["challenged"] == true)).collect()
}

/// One line for each call, and in each that had a token who called, with which client.
fn assert_log(stack: &Stack, report: &Value, expected: &[Told]) {
    let logs = stack.logs();
    let (_, log) = logs.iter().find(|(name, _)| *name == "gatelodge-sidecar").expect("the log of the sidecar");
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let calls: Vec<Value> =
        lines.filter(|line| line["message"] == "decision" && line["mcp_method"] == "tools/call").collect();
    let text = |line: &Value, member: &str| line[member].as_str().unwrap_or_default().to_owned();
    let told: Vec<_> = calls
        .iter()
        .map(|line| {
            let status = line["status"].as_u64().unwrap_or_default();
            let [name, outcome, needed] = ["mcp_name", "outcome", "needed"].map(|member| text(line, member));
            (name, outcome, status, needed, in_order(&text(line, "held")))
        })
        .collect();
    let owned = |(name, outcome, status, needed, held): &Told| {
        ((*name).to_owned(), (*outcome).to_owned(), *status, (*needed).to_owned(), (*held).to_owned())
    };
    assert_eq!(told, expected.iter().map(owned).collect::<Vec<_>>());

    let subjects: Vec<String> = calls.iter().map(|line| text(line, "subject")).filter(|who| !who.is_empty()).collect();
    assert!(!subjects.is_empty() && subjects.iter().all(|subject| *subject == subjects[0]), "{subjects:?}");
    for line in &calls {
        let is_known = !text(line, "held").is_empty();
        assert_eq!(!text(line, "subject").is_empty(), is_known, "{line}");
        assert_eq!(line["client_id"] == report["client"]["client_id"], is_known, "{line}");
    }
    for secret in list(&report["secrets"]).iter().filter_map(Value::as_str) {
        assert!(!log.contains(secret), "the sidecar logged a secret");
    }
}

/// Clients and servers differ in the order of scopes, which means nothing.
fn in_order(scope: &str) -> String {
    let mut names: Vec<&str> = scope.split(' ').collect();
    names.sort_unstable();
    names.join(" ")
}

fn sorted(scopes: &Value) -> Vec<String> {
    list(scopes).iter().map(|scope| in_order(scope.as_str().unwrap_or_default())).collect()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}
