//! A tool call that is challenged, for clients that read the header and for clients that read the result of the tool: MCP
//! authorization ("Scope Challenge Handling"), OpenAI Apps SDK ("Authentication").

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{World, header};

const META: &str = "Bearer resource_metadata=\"https://mcp.example.com/.well-known/oauth-protected-resource/mcp\"";
const LACKS_QR: &str = r#"error="insufficient_scope", error_description="this needs the scope mcp:use qr:generate""#;

const DIALECTS: [(&str, bool, bool); 3] =
    [("http", true, false), ("http_and_result", true, true), ("result", false, true)];

async fn world(dialect: &str) -> World {
    let resource = format!("login = \"lazy\"\ntool_challenges = \"{dialect}\"\n");
    let rules = r#"
[resource.access]
public_tools = ["search_*"]
[[resource.access.rule]]
tools = ["generate_qr_url"]
scopes = ["qr:generate"]
[[resource.access.rule]]
tools = ["drop_*"]
deny = true
"#;
    World::with(|toml| toml + &resource + rules).await
}

fn call(id: &str, tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#)
}

async fn sent(request: RequestBuilder) -> (u16, String, Value) {
    let response: Response = request.send().await.expect("an answer");
    assert_eq!(header(&response, "cache-control"), "no-store");
    assert_eq!(header(&response, "content-type"), "application/json");
    let (status, challenge) = (response.status().as_u16(), header(&response, "www-authenticate"));
    (status, challenge, response.json().await.expect("JSON"))
}

fn tool_result(id: &Value, challenge: &str, body: &Value) {
    assert_eq!((&body["jsonrpc"], &body["id"], body.get("error")), (&json!("2.0"), id, None), "{body}");
    let result = &body["result"];
    assert_eq!((&result["isError"], &result["_meta"]), (&json!(true), &json!({"mcp/www_authenticate": [challenge]})));
    assert_eq!(result["content"][0]["type"], "text");
    assert_eq!(result.get("resultType"), None, "revisions before 2026-07-28 know none: {body}");
}

#[actix_web::test]
async fn a_stranger_is_told_to_log_in_where_the_client_looks_for_it() {
    for (dialect, in_header, in_result) in DIALECTS {
        let world = world(dialect).await;
        let (status, challenge, body) = sent(world.post(None, call("\"7\"", "generate_qr_url"))).await;
        let plain = format!("{META}, scope=\"mcp:use qr:generate\"");
        let expected = if in_header { (401, plain.clone()) } else { (200, String::new()) };
        assert_eq!((status, challenge), expected, "{dialect}");
        if in_result {
            let named = r#"error="insufficient_scope", error_description="this tool needs a login""#;
            tool_result(&json!("7"), &format!("{plain}, {named}"), &body);
            let text = "this tool needs a login: connect to this server, and allow mcp:use qr:generate";
            assert_eq!(body["result"]["content"][0]["text"], text);
        } else {
            assert_eq!(body["error"], "unauthorized");
        }
        assert!(world.upstream.seen().is_empty(), "{dialect}");
    }
}

#[actix_web::test]
async fn a_token_that_lacks_a_scope_is_told_so_in_words_too() {
    let words = "this needs the scope mcp:use qr:generate, which was not allowed so far: connect to this server again, and \
                 allow mcp:use qr:generate notes:read. Refreshing the access token does not help";
    for (dialect, in_header, in_result) in DIALECTS {
        let world = world(dialect).await;
        let user = Some(("u", "mcp:use notes:read"));
        let (status, challenge, body) =
            sent(world.post(user, call("12345678901234567890123", "generate_qr_url"))).await;
        let told = format!("{META}, scope=\"mcp:use qr:generate notes:read\", {LACKS_QR}");
        let expected = if in_header { (403, told.clone()) } else { (200, String::new()) };
        assert_eq!((status, challenge), expected, "{dialect}");
        if in_result {
            tool_result(&body["id"], &told, &body);
            assert_eq!(body["result"]["content"][0]["text"], words);
        } else {
            assert_eq!(body, json!({"error": "insufficient_scope", "error_description": words}));
        }
        assert!(world.upstream.seen().is_empty(), "{dialect}");
    }
}

#[actix_web::test]
async fn the_id_comes_back_as_it_was_written() {
    let world = world("result").await;
    for id in ["1.50", "12345678901234567890123", "\"\\u0061\\\"\"", "-0", "\"\""] {
        let response = world.post(None, call(id, "generate_qr_url")).send().await.expect("an answer");
        let body = response.text().await.expect("a body");
        assert!(body.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"#)), "{body}");
    }
}

/// Proves MCP 2026-07-28 basic, "ResultType": every result has one.
#[actix_web::test]
async fn a_result_of_the_new_revision_says_that_it_is_complete() {
    let world = world("result").await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"generate_qr_url","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let request = world.post(None, body).header("MCP-Protocol-Version", "2026-07-28");
    let request = request.header("Mcp-Method", "tools/call").header("Mcp-Name", "generate_qr_url");
    let (status, _, body) = sent(request).await;
    assert_eq!((status, &body["result"]["resultType"]), (200, &json!("complete")), "{body}");
}

/// A client that believes a 200 keeps a dead token, calls twice, or waits for an answer to something else.
#[actix_web::test]
async fn nothing_but_the_challenge_of_one_call_is_said_in_a_result() {
    for dialect in ["http_and_result", "result"] {
        let world = world(dialect).await;
        let qr = call("1", "generate_qr_url");
        let list = r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a://b"}}"#;
        let notification = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"generate_qr_url"}}"#;
        let expired = world.post(None, qr.clone()).bearer_auth(world.authority.expired());
        for (what, request, status, error) in [
            ("an expired token", expired, 401, "invalid_token"),
            ("a token that is none", world.post(None, qr.clone()).bearer_auth("x"), 401, "invalid_token"),
            ("a batch", world.post(None, format!("[{qr}]")), 401, "unauthorized"),
            ("a batch of two", world.post(Some(("u", "mcp:use")), format!("[{qr},{qr}]")), 403, "insufficient_scope"),
            ("another method", world.post(None, list), 401, "unauthorized"),
            ("a notification", world.post(None, notification), 401, "unauthorized"),
            ("what nobody may", world.post(None, call("1", "drop_table")), 403, "forbidden"),
        ] {
            let (told, _, body) = sent(request).await;
            assert_eq!((told, &body["error"]), (status, &json!(error)), "{what}, {dialect}");
        }
        assert!(world.upstream.seen().is_empty());
    }
}

#[actix_web::test]
async fn where_the_first_request_is_challenged_it_is_challenged_as_ever() {
    let world = World::with(|toml| toml + "tool_challenges = \"result\"\n").await;
    let (status, challenge, body) = sent(world.post(None, call("1", "any"))).await;
    assert_eq!((status, challenge), (401, format!("{META}, scope=\"mcp:use\"")));
    assert_eq!(body["error"], "unauthorized", "nothing is read of a request without a token");
}

#[actix_web::test]
async fn the_list_says_what_calling_each_tool_needs() {
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let tools = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"search_a"},{"name":"generate_qr_url","securitySchemes":[{"type":"noauth"}]},{"name":"other"},{"name":"drop_table"}]}}"#;
    let needs = |scopes: Value| json!([{"type": "oauth2", "scopes": scopes}]);
    for (dialect, expected) in [
        ("http", [Value::Null, json!([{"type": "noauth"}]), Value::Null]),
        ("result", [json!([{"type": "noauth"}]), needs(json!(["mcp:use", "qr:generate"])), needs(json!(["mcp:use"]))]),
    ] {
        let world = world(dialect).await;
        for user in [None, Some(("u", "mcp:use"))] {
            let request = world.post(user, list).header("x-test", "say").header("x-say", tools);
            let body: Value = request.send().await.expect("an answer").json().await.expect("JSON");
            let listed = body["result"]["tools"].as_array().expect("a list");
            let schemes: Vec<Value> = listed.iter().map(|tool| tool["securitySchemes"].clone()).collect();
            assert_eq!(schemes, expected, "{dialect}, {user:?}");
        }
    }
}
