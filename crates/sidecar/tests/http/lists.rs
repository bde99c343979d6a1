//! What comes back of `tools/list`: MCP server/tools.

use reqwest::{Method, Response};

use crate::support::{World, events, header};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const TOOLS: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"find","inputSchema":{"maximum":1e400}},{"name":"drop_table"},{"name":"write"}],"nextCursor":"c"}}"#;

const RULES: &str = r#"
[[resource.access.rule]]
tools = ["drop_*"]
deny = true
[[resource.access.rule]]
tools = ["write"]
scopes = ["notes:write"]
[resource.tools.find]
title = "Find notes"
read_only = true
"#;

const FIND: &str = r#"{"name":"find","inputSchema":{"maximum":1e400},"title":"Find notes","annotations":{"title":"Find notes","readOnlyHint":true}}"#;

async fn asked(world: &World, scope: &str, answer: &str, content_type: &str) -> Response {
    let request = world.post(Some(("u", scope)), LIST).header("x-test", "say");
    request.header("x-say", answer).header("x-say-type", content_type).send().await.expect("an answer")
}

fn expected(tools: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tools}],"nextCursor":"c"}}}}"#)
}

#[actix_web::test]
async fn nobody_sees_what_nobody_may_and_tools_are_described_as_the_operator_wants() {
    let world = World::with(|toml| toml + RULES).await;
    let response = asked(&world, "mcp:use", TOOLS, "application/json").await;
    for name in ["etag", "digest", "content-digest", "repr-digest"] {
        assert_eq!(header(&response, name), "", "{name} was of other bytes");
    }
    let list = expected(&format!(r#"{FIND},{{"name":"write"}}"#));
    assert_eq!(response.text().await.expect("a body"), list);

    let sent = format!(": hello||event: message|id: 1|data: {TOOLS}||data: {{\"more\":1}}||");
    let response = asked(&world, "mcp:use", &sent, "text/event-stream").await;
    let passed = format!(": hello\n\nevent: message\nid: 1\ndata: {list}\n\ndata: {{\"more\":1}}\n\n");
    assert_eq!(events(response).await, passed);
}

#[actix_web::test]
async fn who_lacks_a_scope_sees_what_it_is_for_unless_the_operator_wants_it_otherwise() {
    let world = World::with(|toml| toml + "[resource.access]\nlist_only_permitted = true\n" + RULES).await;
    for (scope, tools) in
        [("mcp:use", FIND.to_owned()), ("mcp:use notes:write", format!(r#"{FIND},{{"name":"write"}}"#))]
    {
        let response = asked(&world, scope, TOOLS, "application/json").await;
        assert_eq!(response.text().await.expect("a body"), expected(&tools), "{scope}");
    }
}

#[actix_web::test]
async fn a_list_that_cannot_be_changed_is_not_passed_on_and_a_refusal_is() {
    let world = World::with(|toml| toml + RULES).await;
    for answer in ["not json", r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[{"name":"drop_table"}]}}"#] {
        let response = asked(&world, "mcp:use", answer, "application/json").await;
        assert_eq!(response.status(), 502, "{answer}");
    }
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no tools"}}"#;
    assert_eq!(asked(&world, "mcp:use", error, "application/json").await.text().await.expect("a body"), error);
    let request = world.post(Some(("u", "mcp:use")), LIST).header("x-test", "404");
    let response = request.send().await.expect("an answer");
    assert_eq!(
        (response.status().as_u16(), response.text().await.expect("a body")),
        (404, "{\"jsonrpc\":\"2.0\"}".into())
    );
}

#[actix_web::test]
async fn an_error_in_place_of_a_list_passes_byte_for_byte_with_its_type() {
    let error = "{ \"jsonrpc\":\"2.0\",\"id\":1, \"error\":{\"code\":-32022,\"message\":\"x\",\"data\":{\"tools\":[{\"name\":\"drop_table\"}]}} }";
    let world = World::with(|toml| toml + RULES).await;
    for status in ["400", "404"] {
        for content_type in ["application/json", "application/json; charset=utf-8"] {
            let request = world.post(Some(("u", "mcp:use")), LIST).header("x-test", "say").header("x-say", error);
            let request = request.header("x-say-type", content_type).header("x-say-status", status);
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status().as_str(), status);
            assert_eq!(header(&response, "content-type"), content_type);
            assert_eq!(response.text().await.expect("a body"), error);
        }
    }
}

#[actix_web::test]
async fn a_list_in_a_form_that_nobody_can_look_into_is_not_passed_on() {
    let world = World::with(|toml| toml + RULES).await;
    for content_type in ["text/plain", "application/json; charset=utf-16", "application/jsonx"] {
        assert_eq!(asked(&world, "mcp:use", TOOLS, content_type).await.status(), 502, "{content_type}");
    }
    for content_type in ["application/json; charset=UTF-8", "Application/JSON"] {
        assert_eq!(asked(&world, "mcp:use", TOOLS, content_type).await.status(), 200, "{content_type}");
    }
}

#[actix_web::test]
async fn a_list_that_arrives_on_another_stream_is_changed_too() {
    let world = World::with(|toml| toml + RULES).await;
    let request = world.authorized(Method::GET).header("x-test", "say");
    let request = request.header("x-say", format!("data: {TOOLS}||")).header("x-say-type", "text/event-stream");
    let response = request.send().await.expect("an answer");
    let list = expected(&format!(r#"{FIND},{{"name":"write"}}"#));
    assert_eq!(events(response).await, format!("data: {list}\n\n"));
}

#[actix_web::test]
async fn where_nothing_is_to_be_changed_not_a_byte_is() {
    let world = World::start().await;
    let response = asked(&world, "mcp:use", TOOLS, "application/json").await;
    assert_eq!(header(&response, "etag"), "\"as it came\"");
    assert_eq!(response.text().await.expect("a body"), TOOLS);
}

#[actix_web::test]
async fn a_stream_that_is_compressed_all_the_same_is_not_passed_on() {
    let world = World::with(|toml| toml + RULES).await;
    let request = world.post(Some(("u", "mcp:use")), LIST).header("x-test", "say").header("x-say", "not to be read");
    let request = request.header("x-say-type", "text/event-stream").header("x-say-encoding", "gzip");
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 502);
}

#[actix_web::test]
async fn a_list_that_is_asked_for_without_an_id_is_changed_too() {
    let world = World::with(|toml| toml + RULES).await;
    let request = world.post(Some(("u", "mcp:use")), r#"{"jsonrpc":"2.0","method":"tools/list"}"#);
    let request = request.header("x-test", "say").header("x-say", TOOLS.replace("\"id\":1", "\"id\":null"));
    let body = request.send().await.expect("an answer").text().await.expect("a body");
    assert!(body.contains("write") && !body.contains("drop_table"), "{body}");
}

/// Proves MCP 2026-07-28, caching: what depends on the caller is for no shared cache.
#[actix_web::test]
async fn a_list_that_depends_on_the_caller_says_so_to_caches() {
    let rules = "[resource.access]\nlist_only_permitted = true\n".to_owned() + RULES;
    for (rules, private) in [(rules.as_str(), r#","cacheScope":"private""#), (RULES, "")] {
        let world = World::with(|toml| toml + rules).await;
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let request = world.post(Some(("u", "mcp:use notes:write")), body).header("MCP-Protocol-Version", "2026-07-28");
        let request = request.header("Mcp-Method", "tools/list").header("x-test", "say");
        let answer = request.header("x-say", TOOLS).send().await.expect("an answer").text().await.expect("a body");
        assert_eq!(
            answer,
            expected(&format!(r#"{FIND},{{"name":"write"}}"#)).replace("\"c\"", &format!("\"c\"{private}"))
        );
    }
}

/// Proves MCP transports: what answers a GET is the MCP server's to say.
#[actix_web::test]
async fn what_answers_a_get_and_is_no_stream_passes_unless_it_is_a_list() {
    let world = World::with(|toml| toml + RULES).await;
    let ask = async |content_type: &str, text: &str| {
        let request = world.authorized(Method::GET).header("x-test", "say").header("x-say", text);
        let answer = request.header("x-say-type", content_type).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    };
    for content_type in ["text/plain", "text/html; charset=utf-8"] {
        assert_eq!(ask(content_type, "<h1>up</h1>").await, (200, "<h1>up</h1>".into()), "{content_type}");
    }
    let list = expected(&format!(r#"{FIND},{{"name":"write"}}"#));
    assert_eq!(ask("application/json", TOOLS).await, (200, list));
    for content_type in ["text/json", "application/JSON; charset=utf-16", "application/x.y+json"] {
        assert_eq!(ask(content_type, TOOLS).await.0, 502, "{content_type}");
    }
}
