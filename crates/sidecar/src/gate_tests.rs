//! What is decided for whom, and which reason counts when there are several.

use gatelodge_oauth::access_token::AccessToken;
use gatelodge_oauth::time::Timestamp;

use super::*;
use crate::mcp;
use crate::policy::{Pattern, Rules, Verdict};

fn scope(text: &str) -> Scope {
    text.parse().expect("a scope")
}

fn gate(login: Login, dry_run: bool) -> Gate {
    let tools = Rules::new(vec![
        (Pattern::new("search_*"), Verdict::Public),
        (Pattern::new("write_note"), Verdict::Scope(scope("notes:write"))),
        (Pattern::new("drop_*"), Verdict::Denied),
    ]);
    let policy = Policy {
        login,
        scope: scope("mcp:use"),
        methods: Rules::default(),
        tools,
        prompts: Rules::default(),
        resources: Rules::default(),
        implied_by: [("notes:write".to_owned(), scope("notes:admin"))].into(),
        dry_run,
        list_only_permitted: false,
    };
    Gate::new(policy.into(), "https://h.example/meta".into()).expect("a header")
}

fn holder(granted: &str) -> Caller {
    Caller::Token(std::sync::Arc::new(AccessToken {
        issuer: "https://h.example".into(),
        subject: "user_1".into(),
        client_id: "client_1".into(),
        scope: scope(granted),
        issued_at: Timestamp::from_unix(0),
        expires_at: Timestamp::from_unix(1),
        id: "token_1".into(),
        status: None,
        kid: None,
    }))
}

fn call(tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#)
}

/// The outcome, with the scope that a challenge names.
fn outcome(decision: &Decision) -> String {
    match decision {
        Decision::Forward(permit) => {
            format!("forward{}", permit.exception().map(|e| format!(", {}", e.as_str())).unwrap_or_default())
        }
        Decision::Challenge(challenge) => {
            format!("{} {}", crate::respond::challenge(challenge).status().as_u16(), challenge.scope)
        }
        Decision::Refuse(fault) => fault.code().to_owned(),
    }
}

fn decide(gate: &Gate, caller: &Caller, body: &str, in_session: bool) -> String {
    let message = mcp::read(body.as_bytes()).expect("a message");
    outcome(&gate.decide(caller.clone(), Wanted::Operations(message.operations()), in_session).decision)
}

#[test]
fn each_caller_is_told_what_would_help() {
    let (eager, lazy) = (gate(Login::Eager, false), gate(Login::Lazy, false));
    let (stranger, user, writer, admin) =
        (Caller::Anonymous, holder("mcp:use"), holder("mcp:use notes:write"), holder("mcp:use notes:admin"));
    let poor = holder("other offline_access");
    for (gate, caller, tool, expected) in [
        (&eager, &user, "any", "forward"),
        (&eager, &poor, "any", "403 mcp:use other"),
        (&eager, &user, "write_note", "403 mcp:use notes:write"),
        (&eager, &writer, "write_note", "forward"),
        (&eager, &admin, "write_note", "forward"),
        (&eager, &poor, "search_notes", "403 mcp:use other"),
        (&eager, &writer, "drop_all", "forbidden"),
        (&lazy, &stranger, "search_notes", "forward"),
        (&lazy, &poor, "search_notes", "forward"),
        (&lazy, &stranger, "any", "401 mcp:use"),
        (&lazy, &stranger, "write_note", "401 mcp:use notes:write"),
        (&lazy, &stranger, "Search_notes", "401 mcp:use"),
        (&lazy, &stranger, "drop_all", "forbidden"),
    ] {
        assert_eq!(decide(gate, caller, &call(tool), false), expected, "{tool} for {caller:?}");
    }
}

#[test]
fn strangers_may_begin_and_look_and_nothing_else() {
    let lazy = gate(Login::Lazy, false);
    for method in [
        "initialize",
        "server/discover",
        "ping",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "logging/setLevel",
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        assert_eq!(decide(&lazy, &Caller::Anonymous, &body, false), "forward", "{method}");
    }
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tasks/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"x/unknown"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"Ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"search_notes"}}"#,
        r#"{"jsonrpc":"2.0","method":"x/unknown"}"#,
        // Without an id, and executed all the same by some servers.
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"any"}}"#,
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"any"}}]"#,
        // An answer to nobody's question.
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
    ] {
        assert_eq!(decide(&lazy, &Caller::Anonymous, body, false), "401 mcp:use", "{body}");
    }
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(decide(&lazy, &Caller::Anonymous, answer, true), "forward");
    let done = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(decide(&lazy, &Caller::Anonymous, done, false), "forward");
}

/// Proves MCP 2025-03-26, transports: every element of a batch is authorized.
#[test]
fn a_batch_passes_as_a_whole_or_not_at_all() {
    let eager = gate(Login::Eager, false);
    let batch = |tools: &[&str]| format!("[{}]", tools.iter().map(|tool| call(tool)).collect::<Vec<_>>().join(","));
    let user = holder("mcp:use");
    assert_eq!(decide(&eager, &user, &batch(&["a", "b"]), false), "forward");
    assert_eq!(decide(&eager, &user, &batch(&["a", "write_note"]), false), "403 mcp:use notes:write");
    assert_eq!(decide(&eager, &user, &batch(&["write_note", "drop_x", "a"]), false), "forbidden");
    let lazy = gate(Login::Lazy, false);
    assert_eq!(
        decide(&lazy, &Caller::Anonymous, &batch(&["search_a", "write_note"]), false),
        "401 mcp:use notes:write"
    );
}

#[test]
fn a_stranger_has_a_stream_only_within_a_session() {
    let lazy = gate(Login::Lazy, false);
    let ask = |caller: &Caller, in_session| outcome(&lazy.decide(caller.clone(), Wanted::Session, in_session).decision);
    assert_eq!(ask(&Caller::Anonymous, false), "method_not_allowed");
    assert_eq!(ask(&Caller::Anonymous, true), "forward");
    assert_eq!(ask(&holder("mcp:use"), false), "forward");
    assert_eq!(ask(&holder("other"), false), "403 mcp:use other");
}

#[test]
fn rules_that_are_only_tried_refuse_nothing_and_what_the_resource_needs_is_needed_all_the_same() {
    let dry = gate(Login::Eager, true);
    let user = holder("mcp:use");
    assert_eq!(decide(&dry, &user, &call("write_note"), false), "forward, insufficient_scope");
    assert_eq!(decide(&dry, &user, &call("drop_all"), false), "forward, denied");
    assert_eq!(decide(&dry, &user, &call("any"), false), "forward");
    assert_eq!(decide(&dry, &holder("other"), &call("drop_all"), false), "403 mcp:use other");
    let dry = gate(Login::Lazy, true);
    assert_eq!(decide(&dry, &Caller::Anonymous, &call("write_note"), false), "401 mcp:use notes:write");
    assert_eq!(decide(&dry, &Caller::Anonymous, &call("drop_all"), false), "401 mcp:use");
}
