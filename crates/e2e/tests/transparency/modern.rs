//! The script for 2026-07-28: no handshake, no session, everything is one request and its answer (MCP specification,
//! basic/transports/streamable-http).

use serde_json::{Value, json};

use crate::{player::Player, upstreams::Step};

/// Plays what `offered` says that the server has.
pub fn play(player: &mut Player<'_>, offered: &dyn Fn(Step) -> bool) {
    calls(player, offered(Step::Progress));
    if offered(Step::ServerRequest) {
        input_required(player);
    }
    errors(player);
    if offered(Step::Listen) {
        listen(player);
    }
    if offered(Step::CancelByLeaving) {
        leave(player);
    }
}

/// A server that knows only the legacy revisions: what it answers is how a client finds out.
pub fn play_refused(player: &mut Player<'_>) {
    let discover = player.request("server/discover", json!({}));
    let answer = player.post("server/discover, refused", &discover);
    assert!(answer.status >= 400 || answer.body.contains("error"), "{answer:?}");
}

fn calls(player: &mut Player<'_>, has_progress: bool) {
    let discover = player.request("server/discover", json!({}));
    player.post_and_expect("server/discover", &discover, "2026-07-28");
    let list = player.request("tools/list", json!({}));
    player.post_and_expect("tools/list", &list, r#""announce""#);
    let echo = player.tool("echo", json!({ "text": "0.10 ☂ \u{1F980} \"\\u0041\" \u{2028}" }));
    player.post_and_expect("tools/call", &echo, "0.10 ");
    let long = player.tool("echo", json!({ "text": "long ".repeat(60_000) + "end" }));
    player.post_and_expect("a long answer", &long, "long end");
    let count = player.tool("count", json!({ "to": 3 }));
    let answer = player.post_and_expect("progress", &count, "counted to 3");
    assert_eq!(answer.body.contains("progress of count"), has_progress, "whether there is progress: {answer:?}");
}

/// The call is answered with a question, and made once more with the answer.
fn input_required(player: &mut Player<'_>) {
    let ask = player.tool("ask", json!({}));
    let question = player.post_and_expect("call that needs input", &ask, "input_required");
    let mut again = player.tool("ask", json!({}));
    again["params"]["inputResponses"] = json!({ "roots": { "roots": [{ "uri": "file:///srv/one" }] } });
    again["params"]["requestState"] = result(&question.body)["requestState"].clone();
    player.post_and_expect("call with the input", &again, "file:///srv/one");
}

fn result(body: &str) -> Value {
    let json = body.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim());
    let message =
        json.filter_map(|line| serde_json::from_str::<Value>(line).ok()).find(|message| message["result"].is_object());
    message.expect("there is a result")["result"].take()
}

/// What clients read to tell the eras apart must reach them unchanged.
fn errors(player: &mut Player<'_>) {
    let unknown = player.request("no/such/method", json!({}));
    player.post_and_expect("a method that nobody knows", &unknown, "-32601");
    let nothing = player.tool("nothing", json!({}));
    player.post_and_expect("a tool that is not there", &nothing, "no tool nothing");
    let mut incapable = player.request("tools/list", json!({}));
    incapable["params"]["_meta"]
        .as_object_mut()
        .expect("an object")
        .remove("io.modelcontextprotocol/clientCapabilities");
    player.post_and_expect("a client that says nothing of its capabilities", &incapable, "error");
    let mut future = player.request("tools/list", json!({}));
    future["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01".into();
    let mut headers = player.headers_for(&future);
    headers.retain(|(name, _)| name != "mcp-protocol-version");
    headers.push(("mcp-protocol-version".to_owned(), "2099-01-01".to_owned()));
    let refused = player.send_with(&future, &headers).head();
    player.finish("a revision of the future", refused);
    for method in ["GET", "DELETE"] {
        let refused = player.bare(method, "text/event-stream", &[]);
        player.finish(method, refused);
    }
}

fn listen(player: &mut Player<'_>) {
    let listen = player.request("subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }));
    let mut stream = player.send(&listen).head();
    stream.event_with("notifications/subscriptions/acknowledged");
    let announce = player.tool("announce", json!({}));
    player.post_and_expect("announce", &announce, "announced");
    stream.event_with("notifications/tools/list_changed");
    player.leave("subscriptions/listen", stream);
}

/// To close the connection is to cancel.
pub fn leave(player: &mut Player<'_>) {
    let label = player.label("leave");
    let wait = player.tool("wait", json!({ "label": label }));
    let open = player.send(&wait);
    player.server_says(&format!("waiting {label}"));
    drop(open);
    player.server_says(&format!("cancelled {label}"));
}
