//! Who may do what: MCP authorization ("Scope Challenge Handling"), operation by operation.

use reqwest::{Method, Response};

use crate::support::{CHALLENGE, World, header, soon};

const RULES: &str = r#"
login = "lazy"
[resource.access]
public_tools = ["search_*", "ping"]
[[resource.access.rule]]
tools = ["generate_qr_url"]
scopes = ["qr:generate"]
[[resource.access.rule]]
tools = ["drop_*"]
deny = true
[resource.implies]
"qr:admin" = ["qr:generate"]
"#;

async fn lazy() -> World {
    World::with(|toml| toml + RULES).await
}

fn call(tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#)
}

/// Status and challenge, without what is the same for all.
fn told(response: &Response) -> (u16, String) {
    let start = "Bearer resource_metadata=\"https://mcp.example.com/.well-known/oauth-protected-resource/mcp\", ";
    let challenge = header(response, "www-authenticate");
    (response.status().as_u16(), challenge.strip_prefix(start).unwrap_or(&challenge).to_owned())
}

/// Proves MCP authorization: a protected operation beside public ones is challenged when it is asked for, with its scopes.
#[actix_web::test]
async fn public_tools_need_no_token_and_the_first_protected_call_says_what_it_needs() {
    let world = lazy().await;
    let needs_qr = r#"scope="mcp:use qr:generate""#;
    let lacks_qr = |held: &str| {
        format!(
            r#"scope="mcp:use qr:generate{held}", error="insufficient_scope", error_description="this needs the scope mcp:use qr:generate""#
        )
    };
    for (user, tool, expected) in [
        (None, "search_products", (200, String::new())),
        (None, "generate_qr_url", (401, needs_qr.into())),
        (None, "other", (401, r#"scope="mcp:use""#.into())),
        (Some(("u", "mcp:use")), "generate_qr_url", (403, lacks_qr(""))),
        (Some(("u", "mcp:use notes:read")), "generate_qr_url", (403, lacks_qr(" notes:read"))),
        (Some(("u", "mcp:use qr:generate")), "generate_qr_url", (200, String::new())),
        (Some(("u", "mcp:use qr:admin")), "generate_qr_url", (200, String::new())),
        (Some(("u", "unrelated")), "search_products", (200, String::new())),
    ] {
        let response = world.post(user, call(tool)).send().await.expect("an answer");
        assert_eq!(told(&response), expected, "{tool} for {user:?}");
    }
    let seen = world.upstream.seen();
    assert_eq!(seen.len(), 4, "nothing else was forwarded");
    assert!(seen[0].all("x-mcp-auth-sub").is_empty(), "a stranger has no identity");
    assert_eq!(seen[3].all("x-mcp-auth-sub"), ["u"]);
}

#[actix_web::test]
async fn a_bad_token_is_bad_for_public_tools_too() {
    let world = lazy().await;
    let request = world.post(None, call("search_products")).bearer_auth(world.authority.expired());
    let response = request.send().await.expect("an answer");
    let expected = r#"scope="mcp:use", error="invalid_token", error_description="the access token expired""#;
    assert_eq!(told(&response), (401, expected.into()));
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn what_nobody_may_is_refused_without_a_challenge() {
    let world = lazy().await;
    for user in [None, Some(("u", "mcp:use qr:admin"))] {
        let response = world.post(user, call("drop_table")).send().await.expect("an answer");
        assert_eq!(told(&response), (403, String::new()), "a challenge would send the client into a loop");
    }
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn a_stranger_is_told_405_for_the_stream_and_does_not_log_in_for_it() {
    let world = lazy().await;
    for method in [Method::GET, Method::DELETE, Method::HEAD, Method::PUT] {
        let response = world.request(method.clone()).send().await.expect("an answer");
        assert_eq!(told(&response), (405, String::new()), "{method}");
    }
    assert!(world.upstream.seen().is_empty());
}

/// Proves JSON-RPC 2.0 §6 as MCP 2025-03-26 has it: a batch needs what all of its elements need.
#[actix_web::test]
async fn a_batch_needs_the_scopes_of_all_its_elements_whatever_their_order() {
    let more = "[[resource.access.rule]]\ntools = [\"write_note\"]\nscopes = [\"notes:write\"]\n";
    let world = World::with(|toml| toml + RULES + more).await;
    let batch = |tools: [&str; 2]| format!("[{},{}]", call(tools[0]), call(tools[1]));
    for (tools, needed) in [
        (["write_note", "a"], "mcp:use notes:write"),
        (["a", "write_note"], "mcp:use notes:write"),
        (["write_note", "generate_qr_url"], "mcp:use notes:write qr:generate"),
        (["generate_qr_url", "write_note"], "mcp:use notes:write qr:generate"),
        (["search_a", "generate_qr_url"], "mcp:use qr:generate"),
    ] {
        let (status, challenge) =
            told(&world.post(Some(("u", "mcp:use")), batch(tools)).send().await.expect("an answer"));
        let start = r#"scope=""#.len();
        let mut named: Vec<&str> = challenge[start..].split('"').next().unwrap_or_default().split(' ').collect();
        named.sort_unstable();
        assert_eq!((status, named.join(" ").as_str()), (403, needed), "{tools:?}: {challenge}");
        let all = world.post(Some(("u", needed)), batch(tools)).send().await.expect("an answer");
        assert_eq!(all.status(), 200, "{tools:?}");
    }
    assert_eq!(world.upstream.seen().len(), 5);
}

#[actix_web::test]
async fn a_batch_is_forwarded_as_a_whole_or_not_at_all() {
    let world = lazy().await;
    let batch = format!("[{},{}]", call("search_a"), call("generate_qr_url"));
    let response = world.post(None, batch).send().await.expect("an answer");
    assert_eq!(told(&response), (401, r#"scope="mcp:use qr:generate""#.into()));
    let response = world.post(None, format!("[{}]", call("search_a"))).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(world.upstream.only().body, format!("[{}]", call("search_a")).as_bytes());
}

#[actix_web::test]
async fn a_body_that_two_programs_could_read_differently_is_refused() {
    let world = World::start().await;
    let user = Some(("u", "mcp:use"));
    for (body, code) in [
        ("", "not_json"),
        ("not json", "not_json"),
        ("{}", "not_json_rpc"),
        ("[]", "bad_batch"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}"#, "duplicate_name"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#, "ambiguous_name"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, "missing_target"),
        ("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", "not_json"),
    ] {
        let response = world.post(user, body).send().await.expect("an answer");
        assert_eq!(response.status(), 400, "{body}");
        let said = response.text().await.expect("a body");
        assert!(said.starts_with(&format!("{{\"error\":\"{code}\",\"error_description\":\"")), "{body}: {said}");
    }
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-encoding", "gzip"),
    ] {
        let request = world.client.post(world.url("/mcp")).bearer_auth(world.authority.token());
        let request = if name == "content-type" { request } else { request.header("content-type", "application/json") };
        let response = request.header(name, value).body(call("a")).send().await.expect("an answer");
        assert_eq!(response.status(), 415, "{name}: {value}");
    }
    assert!(world.upstream.seen().is_empty());
}

/// Proves MCP 2026-07-28, transports: headers and body say the same.
#[actix_web::test]
async fn headers_of_the_new_revision_say_what_the_body_says() {
    let world = World::start().await;
    let body = r#"{"jsonrpc":"2.0","id":"x-1","method":"tools/call","params":{"name":"find","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let ask = |method: &'static str, name: &'static str| {
        let request = world.post(Some(("u", "mcp:use")), body).header("MCP-Protocol-Version", "2026-07-28");
        request.header("Mcp-Method", method).header("Mcp-Name", name).send()
    };
    assert_eq!(ask("tools/call", "find").await.expect("an answer").status(), 200);
    for (method, name) in [("tools/list", "find"), ("tools/call", "other"), ("Tools/Call", "find")] {
        let response = ask(method, name).await.expect("an answer");
        assert_eq!((response.status().as_u16(), header(&response, "www-authenticate")), (400, String::new()));
        let said: serde_json::Value = response.json().await.expect("JSON");
        assert_eq!((&said["jsonrpc"], &said["id"]), (&"2.0".into(), &"x-1".into()));
        assert_eq!(said["error"]["code"], -32020, "{said}");
    }
    assert_eq!(world.upstream.seen().len(), 1);
}

#[actix_web::test]
async fn rules_that_are_only_tried_let_through() {
    let world = World::with(|toml| {
        toml + "[resource.access]\ndry_run = true\n[[resource.access.rule]]\ntools = [\"drop_*\"]\ndeny = true\n"
    })
    .await;
    let response = world.post(Some(("u", "mcp:use")), call("drop_table")).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let response = world.post(Some(("u", "other")), call("drop_table")).send().await.expect("an answer");
    assert_eq!(response.status(), 403, "what the resource needs is needed all the same");
    let response = world.post(None, call("drop_table")).send().await.expect("an answer");
    assert_eq!(header(&response, "www-authenticate"), CHALLENGE);
}

#[actix_web::test]
async fn a_request_that_takes_no_body_and_has_one_is_refused() {
    let world = World::start().await;
    for method in [Method::GET, Method::DELETE] {
        let response = world.authorized(method.clone()).body("{}").send().await.expect("an answer");
        assert_eq!(response.status(), 400, "{method}");
        assert!(response.text().await.expect("a body").contains("\"unexpected_body\""), "{method}");
    }
    assert!(world.upstream.seen().is_empty(), "nobody had looked into it");
}

#[actix_web::test]
async fn who_has_enough_requests_under_way_is_told_to_wait_and_nobody_else_is() {
    let world = World::with(|toml| toml + "[limits]\nopen_requests_per_user = 2\n").await;
    let ask = |user: &'static str, plan: &'static str| {
        let token = world.authority.token_of(user, "mcp:use");
        world.request(Method::GET).bearer_auth(token).header("x-test", plan).send()
    };
    let first = ask("ada", "endless events").await.expect("an answer");
    let second = ask("ada", "endless events").await.expect("an answer");
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    let third = ask("ada", "echo").await.expect("an answer");
    assert_eq!((third.status().as_u16(), header(&third, "retry-after")), (429, "5".into()));
    assert_eq!(header(&third, "www-authenticate"), "", "logging in again would not help");
    assert_eq!(ask("bob", "echo").await.expect("an answer").status(), 200);
    drop(first);
    let again = async {
        while ask("ada", "echo").await.expect("an answer").status() != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    soon("the place is free again", again).await;
}

/// Proves RFC 6819 §4.4.1.11: whoever comes from many addresses keeps nobody away who has a token.
#[actix_web::test]
async fn strangers_from_everywhere_have_half_of_the_requests_under_way_at_most() {
    let limits = "login = \"lazy\"\n[limits]\nopen_requests = 4\nopen_requests_per_user = 2\n";
    let world = World::with(|toml| format!("trusted_proxies = [\"127.0.0.0/8\"]\n{toml}{limits}")).await;
    let stranger = async |last: u8, plan: &str| {
        let request = world.request(Method::POST).header("X-Forwarded-For", format!("198.51.100.{last}"));
        request.header("x-test", plan).send().await.expect("an answer")
    };
    let held = [stranger(1, "endless events").await, stranger(2, "endless events").await];
    assert!(held.iter().all(|answer| answer.status() == 200), "{held:?}");
    assert_eq!(stranger(3, "echo").await.status(), 429);
    for user in ["ada", "bob"] {
        let answer = world.post(Some((user, "mcp:use")), call("a")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{user}");
    }
    drop(held);
    soon("a place is free again", async { while stranger(3, "echo").await.status() != 200 {} }).await;
}

/// Proves that a rule for resources cannot be passed by another spelling: MCP servers compare URIs after they parsed them.
#[actix_web::test]
async fn a_resource_is_the_same_in_every_spelling_of_its_uri() {
    let rules = r#"
login = "lazy"
[resource.access]
public_resources = ["file:///public/*", "https://docs.example", "Notes://Open/*", "web:https://*", "open://*.md"]
[[resource.access.rule]]
resources = ["file:///secret/*", "notes://secret/*", "Notes://Hidden/*", "file:///vault/key"]
deny = true
"#;
    let world = World::with(|toml| toml + rules).await;
    let read =
        |uri: &str| format!(r#"{{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{{"uri":"{uri}"}}}}"#);
    for uri in [
        "file:///secret/x",
        "FILE:///secret/x",
        "file:/secret/x",
        "file://localhost/secret/x",
        "file:///a/../secret/x",
        "file:///public/../secret/x",
        "file:///public/%2e%2E/secret/x",
        "file:///public/..%2Fsecret/x",
        "file:///public/%252e%252e/secret/x",
        "file:///public/..\\\\secret/x",
        "file:///%73ecret/x",
        "file:///sec\\tret/x",
        " file:///secret/x",
        "notes://SECRET/x",
        "NOTES://Secret/x",
        "notes://%53ecret/x",
        "notes://SECRET/../x",
        "notes://hidden/x",
        "file:///vault/key",
        "file:///vault/key?",
        "file:///vault/key?y",
        "file:///vault/key#",
        "file:///vault/key/",
        "file:////vault//key",
        "file:////secret/x",
        "file:///a//../secret/x",
        "file:///public/x%3F%2F..%2F..%2Fsecret/x",
    ] {
        for user in [None, Some(("ada", "mcp:use"))] {
            let answer = world.post(user, read(uri)).send().await.expect("an answer");
            assert_eq!(answer.status(), 403, "{uri} for {user:?}");
        }
    }
    for (uri, anonymous) in [
        ("file:///public/x", 200),
        ("file:///public/a b", 200),
        ("file:///public/a%20b", 200),
        ("https://docs.example", 200),
        ("Notes://Open/x", 200),
        ("notes://open/x", 200),
        ("notes://OPEN/x", 401),
        ("notes://other/SECRET/x", 401),
        ("file:///public/../private/x", 401),
        ("file:///private/x", 401),
        ("file:///public/x?y#z", 200),
        ("file:///public//x/", 200),
        ("file:///public/a//../../private/x", 401),
        ("web:https://a.example/b", 200),
        ("open://a/x.md", 200),
        ("open://a/x?.md", 401),
    ] {
        let answer = world.post(None, read(uri)).send().await.expect("an answer");
        assert_eq!(answer.status(), anonymous, "{uri}");
    }
}
