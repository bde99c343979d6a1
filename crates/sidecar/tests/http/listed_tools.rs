//! What the authorization server is told of the tools behind each scope, for its consent page: what everybody may be asked for, by the
//! rules, and nothing that is hidden.

use serde_json::{Value, json};

use crate::support::World;
use crate::support::trail::Trail;

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

const RULES: &str = r#"
tools_on_consent = true
login = "lazy"
[resource.access]
public_tools = ["ping"]
[[resource.access.rule]]
tools = ["drop_*"]
deny = true
[[resource.access.rule]]
tools = ["write", "wipe"]
scopes = ["notes:write"]
[resource.tools.find]
title = "Find notes"
read_only = true
[resource.tools.erase]
destructive = true
[resource.tools.secret]
hide = true
"#;

const TOOLS: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[
    {"name":"find","title":"Its own title","inputSchema":{}},
    {"name":"drop_table","title":"Denied"},
    {"name":"erase","annotations":{"readOnlyHint":true,"destructiveHint":false}},
    {"name":"secret","title":"Hidden"},
    {"name":"ping","title":"Public"},
    {"name":"write","annotations":{"title":"Write\u202e notes","destructiveHint":false}},
    {"name":"wipe","title":7,"annotations":{"destructiveHint":true}},
    {"name":"odd","annotations":"none"}]}}"#;

async fn list(world: &World, answer: &str, content_type: &str) {
    let request = world.post(Some(("u", "mcp:use")), LIST).header("x-test", "say").header("x-say", answer);
    assert_eq!(request.header("x-say-type", content_type).send().await.expect("an answer").status(), 200);
}

fn names(told: &Value) -> Vec<&str> {
    told["tools"].as_array().expect("a list").iter().map(|tool| tool["name"].as_str().expect("a name")).collect()
}

#[actix_web::test]
async fn the_tools_of_a_list_are_told_by_scope_and_what_nobody_is_asked_for_is_not() {
    let trail = Trail::start();
    let world = World::with(|toml| format!("{toml}{RULES}{}", trail.toml)).await;
    trail.until_told("there are none at first", |told| names(told).is_empty()).await;
    list(&world, &TOOLS.replace('\n', ""), "application/json").await;
    let told = trail.until_told("they are told", |told| !names(told).is_empty()).await;
    let expected = json!({
        "resource": "https://mcp.example.com/mcp",
        "tools": [
            // The operator says so, whatever the MCP server says.
            { "name": "erase", "read_only": false, "destructive": true, "scope": "mcp:use" },
            { "name": "find", "title": "Find notes", "read_only": true, "destructive": false, "scope": "mcp:use" },
            { "name": "odd", "read_only": false, "destructive": false, "scope": "mcp:use" },
            { "name": "wipe", "read_only": false, "destructive": false, "scope": "notes:write" },
            { "name": "write", "title": "Write notes", "read_only": false, "destructive": false, "scope": "notes:write" },
        ],
    });
    assert_eq!(told.last(), Some(&expected));

    // The same in a stream, with one tool more; what was listed before stays.
    let more =
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"wipe","annotations":{"destructiveHint":true}}]}}"#;
    list(&world, &format!("data: {more}||"), "text/event-stream").await;
    let told = trail.until_told("it is told", |told| told["tools"][3]["destructive"] == true).await;
    assert_eq!(names(told.last().expect("told")), ["erase", "find", "odd", "wipe", "write"]);
    assert!(!format!("{told:?}").contains("Denied") && !format!("{told:?}").contains("Hidden"), "{told:?}");
}

#[actix_web::test]
async fn without_the_word_of_the_operator_nothing_is_told() {
    let trail = Trail::start();
    let quiet = RULES.replace("tools_on_consent = true", "");
    let world = World::with(|toml| format!("{toml}{quiet}{}", trail.toml)).await;
    list(&world, &TOOLS.replace('\n', ""), "application/json").await;
    // What goes the same way arrives: the trail is there, and was told nothing else.
    trail.until("the call is kept", |kept| kept.len() == 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert!(trail.told().is_empty());
}
