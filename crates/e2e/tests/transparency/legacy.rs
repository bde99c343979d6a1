//! The script for 2025-03-26 to 2025-11-25: the handshake, calls with everything that may happen in between, and the end of
//! the session (MCP specification, basic/transports, Streamable HTTP).

use serde_json::json;

use crate::{
    compare::AFTER_THE_END,
    player::{Player, data, event_id},
    upstreams::Step,
};

/// The only revision with batches.
const FIRST: &str = "2025-03-26";
const EVENTS: &str = "text/event-stream";

/// Plays what `offered` says that the server has.
pub fn play(player: &mut Player<'_>, offered: &dyn Fn(Step) -> bool) {
    handshake(player, offered(Step::Session));
    calls(player, offered(Step::Progress));
    errors(player);
    if player.revision == FIRST {
        batch(player, offered(Step::Batch));
    }
    if offered(Step::ServerRequest) {
        server_request(player);
    }
    if offered(Step::GetStream) {
        get_stream(player);
    }
    if offered(Step::CancelByNotification) {
        cancel(player);
    } else {
        crate::modern::leave(player);
    }
    if offered(Step::ResumeLive) {
        resume_live(player);
    }
    if offered(Step::ResumeByReplay) {
        resume_by_replay(player);
    }
    if offered(Step::Session) {
        let ended = player.bare("DELETE", EVENTS, &[]);
        player.finish("end the session", ended);
        let list = player.request("tools/list", json!({}));
        player.post(AFTER_THE_END, &list);
    }
}

fn handshake(player: &mut Player<'_>, has_session: bool) {
    let client = json!({ "name": "transparency", "version": "1" });
    let capabilities = json!({ "roots": {} });
    let parameters = json!({ "protocolVersion": player.revision, "capabilities": capabilities, "clientInfo": client });
    let initialize = player.request("initialize", parameters);
    let version = format!(r#""protocolVersion":"{}""#, player.revision);
    player.post_and_expect("initialize", &initialize, &version);
    assert_eq!(player.session.is_some(), has_session, "whether there is a session");
    player.post("initialized", &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
}

fn calls(player: &mut Player<'_>, has_progress: bool) {
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

fn batch(player: &mut Player<'_>, taken: bool) {
    let batch = json!([player.request("ping", json!({})), player.tool("echo", json!({ "text": "second" }))]);
    let answer = player.post("batch", &batch);
    assert_eq!(answer.body.contains("second\"}"), taken, "whether there are batches: {answer:?}");
}

fn errors(player: &mut Player<'_>) {
    let unknown = player.request("no/such/method", json!({}));
    player.post_and_expect("a method that nobody knows", &unknown, "error");
    let nothing = player.tool("nothing", json!({}));
    player.post_and_expect("a tool that is not there", &nothing, "no tool nothing");
    let list = player.request("tools/list", json!({}));
    let mut headers = player.headers_for(&list);
    headers.push(("mcp-protocol-version".to_owned(), "1999-01-01".to_owned()));
    headers.retain(|(name, value)| name != "mcp-protocol-version" || value == "1999-01-01");
    let refused = player.send_with(&list, &headers).head();
    player.finish("a revision that nobody knows", refused);
    let mut headers = player.headers_for(&list);
    headers.retain(|(name, _)| name != "mcp-session-id");
    let refused = player.send_with(&list, &headers).head();
    player.finish("a request without its session", refused);
    let refused = player.bare("GET", "application/json", &[]);
    player.finish("a stream that nobody accepts", refused);
}

/// The server asks while the call is open, and goes on when it is answered.
fn server_request(player: &mut Player<'_>) {
    let ask = player.tool("ask", json!({}));
    let mut stream = player.send(&ask).head();
    let request = data(&stream.event_with("roots/list"));
    let roots = json!({ "roots": [{ "uri": "file:///srv/one" }] });
    let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": roots });
    player.post("answer to the server's request", &answer);
    let call = player.finish("call with a server's request", stream);
    assert!(call.body.contains("file:///srv/one"), "{call:?}");
}

/// The head comes before the first event, an event as soon as it happens.
fn get_stream(player: &mut Player<'_>) {
    let mut stream = player.bare("GET", EVENTS, &[]);
    assert!(stream.is_event_stream(), "status {}", stream.status);
    let announce = player.tool("announce", json!({}));
    player.post_and_expect("announce", &announce, "announced");
    stream.event_with("notifications/tools/list_changed");
    player.leave("GET stream", stream);
}

fn cancel(player: &mut Player<'_>) {
    let label = player.label("cancel");
    let wait = player.tool("wait", json!({ "label": label }));
    let _open = player.send(&wait);
    player.server_says(&format!("waiting {label}"));
    let parameters = json!({ "requestId": wait["id"], "reason": "no longer needed" });
    let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": parameters });
    player.post("cancel", &cancelled);
    player.server_says(&format!("cancelled {label}"));
}

/// The connection is lost in the middle of a call; what happens later comes on another one.
fn resume_live(player: &mut Player<'_>) {
    let (label, last) = interrupt(player, "live");
    // Until the server has seen that the first connection is gone.
    let mut resumed = player.wait_for("another stream", || {
        let stream = player.bare("GET", EVENTS, &[("last-event-id", &last)]);
        (stream.status == 200).then_some(stream)
    });
    release(player, &label);
    resumed.event_with(r#""released""#);
    player.leave("resumed call", resumed);
}

/// The same, when everything has happened before the client is back.
fn resume_by_replay(player: &mut Player<'_>) {
    let (label, last) = interrupt(player, "replay");
    release(player, &label);
    player.server_says(&format!("released {label}"));
    let replayed = || {
        let mut stream = player.bare("GET", EVENTS, &[("last-event-id", &last)]);
        (stream.status == 200 && stream.events_up_to(r#""released""#).is_some()).then_some(stream)
    };
    // The first may have seen the last event happen; for the second there is nothing but the replay.
    drop(player.wait_for("a replay", replayed));
    let stream = player.wait_for("a second replay", replayed);
    player.leave("replayed call", stream);
}

/// The label of a call that is still going on without its connection, and the last event that came.
fn interrupt(player: &mut Player<'_>, step: &str) -> (String, String) {
    let label = player.label(step);
    let hold = player.tool("hold", json!({ "label": label }));
    let mut stream = player.send(&hold).head();
    let event = stream.event_with("progress of hold");
    let last = event.lines().find_map(event_id).expect("events have ids").to_owned();
    player.leave("call that is interrupted", stream);
    (label, last)
}

fn release(player: &mut Player<'_>, label: &str) {
    let release = player.tool("release", json!({ "label": label }));
    player.post_and_expect("release", &release, "released it");
}
