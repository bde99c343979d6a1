//! The directories under `examples/`: each starts as it stands, and does what its README says. What is asserted is what a client
//! is answered and what reached the MCP server.

use std::thread::sleep;
use std::time::{Duration, Instant};

use gatelodge_e2e::examples::{AUDIT_SECRET, Example};
use serde_json::{Value, json};

/// For machines under load.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn existing_tokens_reach_the_mcp_server_one_for_each_user_and_no_access_token_does() {
    let echo = ["--mint-secret-file", "webhook-secret", "list_entries"];
    let example = Example::start("existing-tokens", &["webhook-secret"], &echo, |_, upstream| {
        let key = "GATELODGE_SIDECAR__RESOURCE__0__IDENTITY__CREDENTIAL__WEBHOOK__URL";
        vec![(key, format!("{upstream}/internal/mint"))]
    });

    let refused = example.mcp("initialize", &json!({}), None);
    assert_eq!((refused.status, refused.scope()), (401, Some("mcp:use")), "{refused:?}");
    assert!(!refused.challenge.as_deref().unwrap_or_default().contains("error="), "{refused:?}");

    let [ada, bob] = ["ada", "bob"].map(|user| {
        example.add_user(user);
        let arrived = example.call("list_entries", Some(&example.token(user, &[]))).arrived();
        assert_eq!(arrived.as_object().map(serde_json::Map::len), Some(1), "nothing else is said: {arrived}");
        arrived["authorization"].as_str().expect("a credential").to_owned()
    });
    assert!(ada.starts_with("Bearer acme_token_of_") && bob.starts_with("Bearer acme_token_of_"), "{ada} {bob}");
    assert_ne!(ada, bob, "each user has a token of their own");

    let own = example.call("list_entries", ada.strip_prefix("Bearer "));
    assert_eq!(own.status, 401, "the sidecar is asked for access tokens, not for those of the server behind it");
}

#[test]
fn keys_in_parallel_go_on_working_beside_access_tokens_and_what_nobody_may_nobody_may() {
    let tools = ["list_agents", "delete_agent", "pay_invoice", "generate_image"];
    let echo = [&["--token", "acme_key_of_before"][..], &tools].concat();
    let example = Example::start("keys-in-parallel", &["nightly-agent-secret", AUDIT_SECRET], &echo, |_, _| Vec::new());
    let key = Some("acme_key_of_before");

    let arrived = example.call("delete_agent", key).arrived();
    assert_eq!(arrived, json!({ "authorization": "Bearer acme_key_of_before" }), "as it came, and nothing in its name");
    let unknown = example.call("list_agents", Some("acme_key_of_nobody"));
    assert_eq!((unknown.status, unknown.scope()), (401, Some("mcp:use")), "the MCP server has refused it: {unknown:?}");

    example.add_user("ada");
    let (user, admin) = (example.token("ada", &[]), example.token("ada", &["--scope", "mcp:use system:admin"]));
    let agent = nightly_agent(&example);
    for (token, context) in [(&user, "user"), (&admin, "system"), (&agent, "agent")] {
        let arrived = example.call("list_agents", Some(token)).arrived();
        assert_eq!(arrived["x-mcp-auth-context"], context);
        assert!(arrived.get("authorization").is_none(), "no access token is passed on: {arrived}");
    }

    let missing = example.call("delete_agent", Some(&user));
    assert_eq!((missing.status, missing.scope()), (403, Some("mcp:use agents:write")), "{missing:?}");
    assert_eq!(example.call("delete_agent", Some(&admin)).status, 200, "system:admin implies agents:write");
    for tool in ["pay_invoice", "generate_image"] {
        for bearer in [Some(admin.as_str()), key] {
            let denied = example.call(tool, bearer);
            assert_eq!((denied.status, &denied.challenge), (403, &None), "{tool}: {denied:?}");
        }
    }
    // Whoever makes keys up cannot fill the trail: what is refused to a key that only the MCP server knows is in the log alone.
    kept(&example, &["--tool", "pay_invoice", "--outcome", "refused"]);

    assert_listed_as_directories_want_it(&example.mcp("tools/list", &json!({}), Some(&user)).body);
}

#[test]
fn public_tools_need_no_token_and_the_protected_one_is_challenged_with_its_scope() {
    let tools = ["ping", "search_products", "generate_qr_url"];
    let example = Example::start("public-tools", &[AUDIT_SECRET], &tools, |origin, _| {
        vec![
            ("GATELODGE__PUBLIC_URL", format!("{origin}/o")),
            ("GATELODGE__RESOURCE__1__ID", format!("{origin}/api")),
            ("GATELODGE_SIDECAR__AUTHORIZATION_SERVER__ISSUER", format!("{origin}/o")),
        ]
    });
    assert_issuer_has_a_path(&example);

    for tool in ["ping", "search_products"] {
        assert_eq!(example.call(tool, None).arrived(), json!({}), "nobody is known, and nothing is said");
    }
    let challenged = example.call("generate_qr_url", None);
    let needed = Some("catalog:read qr:generate");
    assert_eq!((challenged.status, challenged.scope()), (401, needed), "{challenged:?}");

    example.add_user("ada");
    let [plain, qr] = [&[][..], &["--scope", "catalog:read qr:generate"]]
        .map(|scope| example.token("ada", &[&["--resource", &format!("{}/mcp", example.origin)], scope].concat()));
    let refused = example.call("generate_qr_url", Some(&plain));
    assert_eq!((refused.status, refused.scope()), (403, needed), "{refused:?}");
    assert!(refused.challenge.as_deref().unwrap_or_default().contains(r#"error="insufficient_scope""#));
    assert_eq!(example.call("generate_qr_url", Some(&qr)).arrived()["x-mcp-auth-scopes"], "catalog:read qr:generate");
    assert_eq!(example.call("ping", Some(&qr)).status, 200);

    let rest = example.token("ada", &["--resource", &format!("{}/api", example.origin)]);
    let statuses = ["ping", "generate_qr_url"].map(|tool| example.call(tool, Some(&rest)).status);
    assert_eq!(statuses, [401, 401], "a token for another resource is no token here, for public tools neither");

    assert_each_call_has_its_line(&example.decisions());
    let row = kept(&example, &["--tool", "generate_qr_url", "--outcome", "forwarded"]);
    assert!(row["subject"].as_str().is_some_and(|subject| subject.starts_with("user_")), "who called it: {row}");
    assert!(row["client_id"].is_string(), "by which client: {row}");
}

/// The first such event of the audit trail, as soon as there is one.
fn kept(example: &Example, wanted: &[&str]) -> Value {
    let begun = Instant::now();
    loop {
        if let Some(event) = example.audit_trail(wanted).lines().next() {
            return serde_json::from_str(event).expect("a JSON object in each line");
        }
        assert!(begun.elapsed() < PATIENCE, "it never arrived in the trail: {}", example.audit_trail(&[]));
        sleep(Duration::from_millis(100));
    }
}

fn assert_listed_as_directories_want_it(answer: &Value) {
    let listed = answer["result"]["tools"].as_array().expect("a list");
    assert_eq!(listed.iter().map(|tool| &tool["name"]).collect::<Vec<_>>(), ["list_agents", "delete_agent"]);
    assert_eq!(listed[0]["annotations"]["readOnlyHint"], true, "{}", listed[0]);
    assert_eq!(listed[1]["annotations"]["destructiveHint"], true, "{}", listed[1]);
    assert_eq!(listed[1]["title"], "Delete an agent");
}

fn assert_issuer_has_a_path(example: &Example) {
    let document = |path: &str| example.send("GET", path, "", "").body;
    let issuer = format!("{}/o", example.origin);
    assert_eq!(document("/.well-known/oauth-protected-resource/mcp")["authorization_servers"], json!([issuer]));
    let metadata = document("/.well-known/oauth-authorization-server/o");
    assert_eq!(metadata["token_endpoint"], format!("{issuer}/token"), "{metadata}");
}

fn assert_each_call_has_its_line(decisions: &[Value]) {
    let told: Vec<(String, bool, String)> = decisions.iter().filter_map(told).collect();
    let line = |tool: &str, known: bool, outcome: &str| (tool.to_owned(), known, outcome.to_owned());
    for expected in [
        line("ping", false, "forwarded"),
        line("generate_qr_url", false, "challenged"),
        line("generate_qr_url", true, "forwarded"),
        line("ping", true, "forwarded"),
    ] {
        assert!(told.contains(&expected), "{expected:?} is not among {told:?}");
    }
}

/// Of a line of the log: the tool, whether it says for whom and by which client, and what was decided.
fn told(line: &Value) -> Option<(String, bool, String)> {
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    Some((text("mcp_name")?, text("subject").is_some() && text("client_id").is_some(), text("outcome")?))
}

/// A token of the client credentials grant (RFC 6749 §4.4).
fn nightly_agent(example: &Example) -> String {
    let form = format!(
        "grant_type=client_credentials&client_id=nightly-agent&client_secret={}&resource={}/mcp",
        example.secret("nightly-agent-secret"),
        example.origin
    );
    let answer = example.send("POST", "/token", "Content-Type: application/x-www-form-urlencoded\r\n", &form);
    answer.body["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer:?}")).to_owned()
}
