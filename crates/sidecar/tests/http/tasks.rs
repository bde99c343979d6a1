//! Tasks of the MCP server: shown to, and ended by, whoever created them. MCP 2025-11-25 "Tasks"; the tasks extension of
//! 2026-07-28.

use reqwest::{Method, Response};

use crate::support::{World, events};

const ADA: Option<(&str, &str)> = Some(("ada", "mcp:use"));
const BOB: Option<(&str, &str)> = Some(("bob", "mcp:use"));
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","task":{"ttl":60000}}}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tasks/list"}"#;
const LISTED: &str = r#"{"jsonrpc":"2.0","id":2,"result":{"tasks":[{"taskId":"of-ada","status":"working"},{"taskId":"of-bob"},{"taskId":"of-nobody"}],"nextCursor":"c"}}"#;
const LAZY: &str = "login = \"lazy\"\n[resource.access]\npublic_tools = [\"a\"]\n";
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

fn created(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"task":{{"taskId":"{id}","status":"working","ttl":60000}}}}}}"#)
}

fn listed(tasks: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":2,"result":{{"tasks":[{tasks}],"nextCursor":"c"}}}}"#)
}

/// Posts, and has the MCP server answer this; `|` is a line feed.
async fn told(world: &World, user: Option<(&str, &str)>, body: &str, answer: &str, content_type: &str) -> Response {
    let request = world.post(user, body).header("x-test", "say").header("x-say", answer);
    request.header("x-say-type", content_type).send().await.expect("an answer")
}

/// A tool call that the MCP server makes a task of; whoever calls sees it as it came.
async fn create(world: &World, user: Option<(&str, &str)>, id: &str) {
    let answer = told(world, user, CALL, &created(id), JSON).await;
    assert_eq!(answer.text().await.expect("a body"), created(id));
}

fn about(method: &str, id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":"q","method":"{method}","params":{{"taskId":"{id}"}}}}"#)
}

/// Whether a request reaches the MCP server; if not, it is answered as if there were no such task.
async fn reaches(world: &World, user: Option<(&str, &str)>, body: &str) -> bool {
    let before = world.upstream.seen().len();
    let answer = world.post(user, body).send().await.expect("an answer");
    let (status, text) = (answer.status(), answer.text().await.expect("a body"));
    if world.upstream.seen().len() > before {
        return true;
    }
    let error = r#""error":{"code":-32602,"message":"Failed to retrieve task: Task not found"}}"#;
    assert_eq!((status.as_u16(), text), (200, format!(r#"{{"jsonrpc":"2.0","id":"q",{error}"#)), "{body}");
    false
}

/// Proves MCP 2025-11-25, tasks: a task is only for whom it was created.
#[actix_web::test]
async fn a_task_does_not_exist_for_anybody_but_its_creator() {
    let world = World::start().await;
    create(&world, ADA, "of-ada").await;
    for method in ["tasks/get", "tasks/result", "tasks/update", "tasks/cancel"] {
        assert!(!reaches(&world, BOB, &about(method, "of-ada")).await, "{method}");
        assert!(!reaches(&world, BOB, &about(method, "made-up")).await, "nor can he tell the two apart");
        assert!(reaches(&world, ADA, &about(method, "of-ada")).await, "{method}");
    }
    for hidden in ["OF-ADA", " of-ada", r"\u006ff-ada"] {
        assert!(!reaches(&world, BOB, &about("tasks/get", hidden)).await, "{hidden}");
    }
    let both = format!("[{},{}]", about("tasks/get", "of-bob"), about("tasks/cancel", "of-ada"));
    create(&world, BOB, "of-bob").await;
    assert!(!reaches(&world, BOB, &both).await, "all of a batch or nothing");
    create(&world, BOB, "of-ada").await;
    assert!(!reaches(&world, BOB, &about("tasks/get", "of-ada")).await, "it is not handed over");
}

/// Proves the tasks extension of MCP 2026-07-28: a task is only for whom it was created.
#[actix_web::test]
async fn a_task_of_the_extension_is_its_creators_also_where_its_changes_are_listened_to() {
    let world = World::start().await;
    let ask = async |user, method: &str, name: &str, params: &str, answer: &str| {
        let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
        let body = format!(r#"{{"jsonrpc":"2.0","id":"q","method":"{method}","params":{{{params},{meta}}}}}"#);
        let request = world.post(user, body).header("MCP-Protocol-Version", "2026-07-28").header("Mcp-Method", method);
        let request = request.header("Mcp-Name", name).header("x-test", "say").header("x-say", answer);
        request.send().await.expect("an answer").text().await.expect("a body")
    };
    let task = r#"{"jsonrpc":"2.0","id":"q","result":{"resultType":"task","taskId":"t","status":"working"}}"#;
    assert_eq!(ask(ADA, "tools/call", "a", r#""name":"a""#, task).await, task);
    for (method, params) in [
        ("tasks/get", r#""taskId":"t""#),
        ("tasks/update", r#""taskId":"t""#),
        ("tasks/cancel", r#""taskId":"t""#),
        ("subscriptions/listen", r#""notifications":{"taskIds":["t"]}"#),
    ] {
        assert!(ask(BOB, method, "t", params, "yes").await.contains("Task not found"), "{method}");
        assert_eq!(ask(ADA, method, "t", params, "yes").await, "yes", "{method}");
    }
}

#[actix_web::test]
async fn a_task_is_known_however_its_creator_learns_of_it() {
    let world = World::start().await;
    told(&world, ADA, CALL, &format!("data: {}||", created("on-a-stream")), EVENTS).await.text().await.expect("a body");
    assert!(reaches(&world, ADA, &about("tasks/get", "on-a-stream")).await);
    // The stream broke, and is resumed.
    let token = world.authority.token_of("ada", "mcp:use");
    let stream = world.request(Method::GET).bearer_auth(token).header("x-test", "say").header("x-say-type", EVENTS);
    let sent = format!("id: 1|data: {}||", created("resumed"));
    let stream = stream.header("x-say", &sent).send().await.expect("an answer");
    assert_eq!(events(stream).await, sent.replace('|', "\n"));
    assert!(reaches(&world, ADA, &about("tasks/get", "resumed")).await);
    for id in ["on-a-stream", "resumed"] {
        assert!(!reaches(&world, BOB, &about("tasks/get", id)).await, "{id}");
    }
}

#[actix_web::test]
async fn what_only_looks_like_a_new_task_gives_nobody_one() {
    let world = World::start().await;
    let hidden = r#"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"task":{"taskId":"t"}}}}"#;
    told(&world, BOB, CALL, hidden, JSON).await;
    // Nor what another request is answered.
    told(&world, BOB, r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"a"}}"#, &created("t"), JSON)
        .await;
    assert!(!reaches(&world, BOB, &about("tasks/get", "t")).await);
}

/// Proves MCP 2025-11-25, tasks: a list shows one's own.
#[actix_web::test]
async fn a_list_shows_nobody_elses_tasks_whichever_way_it_comes() {
    let world = World::with(|toml| toml + LAZY + "list_only_permitted = false\n").await;
    create(&world, ADA, "of-ada").await;
    create(&world, BOB, "of-bob").await;
    create(&world, None, "of-nobody").await;
    for (user, tasks) in [(ADA, r#"{"taskId":"of-ada","status":"working"}"#), (BOB, r#"{"taskId":"of-bob"}"#)] {
        let answer = told(&world, user, LIST, LISTED, JSON).await;
        assert_eq!(answer.text().await.expect("a body"), listed(tasks));
        let answer = told(&world, user, LIST, &format!("data: {LISTED}||"), EVENTS).await;
        assert_eq!(events(answer).await, format!("data: {}\n\n", listed(tasks)));
        let (sub, scope) = user.expect("somebody");
        let stream = world.request(Method::GET).bearer_auth(world.authority.token_of(sub, scope));
        let stream = stream.header("x-test", "say").header("x-say-type", EVENTS);
        let stream = stream.header("x-say", format!("data: {LISTED}||")).send().await.expect("an answer");
        assert_eq!(events(stream).await, format!("data: {}\n\n", listed(tasks)), "where a stream is resumed");
    }
    for unclear in ["not json", r#"{"jsonrpc":"2.0","id":2,"result":{"tasks":[],"Tasks":[{"taskId":"of-ada"}]}}"#] {
        assert_eq!(told(&world, BOB, LIST, unclear, JSON).await.status(), 502, "{unclear}");
    }
}

/// Proves MCP 2026-07-28, caching: what depends on the caller is for no shared cache.
#[actix_web::test]
async fn no_cache_may_share_a_list_of_tasks() {
    let world = World::start().await;
    let public = LISTED.replace("\"nextCursor\"", "\"cacheScope\":\"public\",\"nextCursor\"");
    let answer = told(&world, ADA, LIST, &public, JSON).await;
    let private = listed("").replace("\"nextCursor\"", "\"cacheScope\":\"private\",\"nextCursor\"");
    assert_eq!(answer.text().await.expect("a body"), private);
}

/// Proves MCP 2025-11-25, tasks: a list shows one's own, also where a stream brings it that began before anybody asked.
#[actix_web::test]
async fn a_stream_that_is_resumed_is_looked_at_though_nobody_asked_here() {
    let world = World::start().await;
    let stream = world.authorized(Method::GET).header("x-test", "say").header("x-say-type", EVENTS);
    let stream = stream.header("x-say", format!("data: {LISTED}||")).header("Last-Event-ID", "1");
    assert_eq!(events(stream.send().await.expect("an answer")).await, format!("data: {}\n\n", listed("")));
}

#[actix_web::test]
async fn whoever_logs_in_keeps_the_task_that_was_created_without_a_token() {
    let world = World::with(|toml| toml + LAZY).await;
    create(&world, None, "t").await;
    // What a stranger may do beside calling public tools is for the rules to say.
    assert!(reaches(&world, ADA, &about("tasks/get", "t")).await);
    assert!(!reaches(&world, BOB, &about("tasks/get", "t")).await);
}

#[actix_web::test]
async fn tasks_of_before_are_refused_or_adopted_as_the_operator_wants() {
    for (configuration, first) in [("", false), ("unknown_sessions = \"adopt\"\n", true)] {
        let world = World::with(|toml| toml + configuration).await;
        assert_eq!(reaches(&world, ADA, &about("tasks/get", "from-before")).await, first);
        assert!(!reaches(&world, BOB, &about("tasks/get", "from-before")).await, "it is hers");
        let answer = told(&world, ADA, LIST, &LISTED.replace("of-ada", "not-asked-about"), JSON).await;
        assert_eq!(answer.text().await.expect("a body"), listed(""), "a list gives nothing away");
    }
}
