//! MCP transports, "Session Management", and security best practices, "Session Hijacking": a session id is no credential.

use std::time::Duration;

use gatelodge_service::clock::Clock;
use reqwest::Method;

use crate::support::{Authority, PING, World, header, part, soon};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;
const ADA: Option<(&str, &str)> = Some(("ada", "mcp:use"));
const BOB: Option<(&str, &str)> = Some(("bob", "mcp:use"));

/// The MCP server begins a session with this id.
async fn begin(world: &World, user: Option<(&str, &str)>, id: &str) -> u16 {
    let request = world.post(user, INITIALIZE).header("x-test", "say").header("x-say-session", id);
    let response = request.send().await.expect("an answer");
    if response.status() == 200 {
        assert_eq!(header(&response, "mcp-session-id"), id);
    }
    response.status().as_u16()
}

/// What each method of the path is answered within the session.
async fn use_it(world: &World, user: Option<(&str, &str)>, id: &str) -> [u16; 3] {
    let mut answers = [0; 3];
    for (answer, method) in answers.iter_mut().zip([Method::POST, Method::GET, Method::DELETE]) {
        let mut request = world.request(method.clone()).header("Mcp-Session-Id", id);
        if let Some((sub, scope)) = user {
            request = request.bearer_auth(world.authority.token_of(sub, scope));
        }
        // The MCP server refuses to end it, so that it stays.
        let request = if method == Method::DELETE { request.header("x-test", "405") } else { request };
        *answer = request.send().await.expect("an answer").status().as_u16();
    }
    answers
}

#[actix_web::test]
async fn a_session_exists_for_whoever_began_it_and_for_nobody_else() {
    let world = World::start().await;
    assert_eq!(begin(&world, ADA, "session-of-ada").await, 200);
    let before = world.upstream.seen().len();
    assert_eq!(use_it(&world, BOB, "session-of-ada").await, [404; 3]);
    assert_eq!(use_it(&world, BOB, "session-of-nobody").await, [404; 3]);
    assert_eq!(use_it(&world, ADA, "Session-Of-Ada").await, [404; 3], "case counts");
    assert_eq!(use_it(&world, ADA, &"x".repeat(600)).await, [404; 3]);
    assert_eq!(world.upstream.seen().len(), before, "the MCP server heard nothing of it");
    assert_eq!(use_it(&world, ADA, "session-of-ada").await, [200, 200, 405]);

    let two = world.authorized(Method::POST).header("Mcp-Session-Id", "a").header("Mcp-Session-Id", "session-of-ada");
    assert_eq!(two.send().await.expect("an answer").status(), 404, "two ids are none");
}

/// Proves MCP authorization, token handling: every request has a token, also within a session.
#[actix_web::test]
async fn the_id_of_a_session_is_no_token() {
    let world = World::start().await;
    assert_eq!(begin(&world, ADA, "session-of-ada").await, 200);
    let before = world.upstream.seen().len();
    assert_eq!(use_it(&world, None, "session-of-ada").await, [401; 3]);
    assert_eq!(world.upstream.seen().len(), before);
}

#[actix_web::test]
async fn another_client_of_the_same_user_is_somebody_else() {
    let world = World::start().await;
    assert_eq!(begin(&world, ADA, "s").await, 200);
    let claims = gatelodge_oauth::access_token::Claims {
        sub: "ada".into(),
        client_id: gatelodge_oauth::client::ClientId::new("client_2"),
        ..world.authority.claims()
    };
    let request = world.request(Method::POST).bearer_auth(world.authority.sign(&claims)).header("Mcp-Session-Id", "s");
    assert_eq!(request.send().await.expect("an answer").status(), 404);
}

#[actix_web::test]
async fn an_id_that_somebody_holds_is_not_handed_over() {
    let world = World::start().await;
    assert_eq!(begin(&world, ADA, "same").await, 200);
    assert_eq!(begin(&world, BOB, "same").await, 502);
    assert_eq!(use_it(&world, ADA, "same").await[0], 200);
    assert_eq!(use_it(&world, BOB, "same").await[0], 404);
}

#[actix_web::test]
async fn a_session_that_was_ended_is_nobodys() {
    let world = World::start().await;
    assert_eq!(begin(&world, ADA, "s").await, 200);
    let token = world.authority.token_of("ada", "mcp:use");
    let end = world.request(Method::DELETE).bearer_auth(token).header("Mcp-Session-Id", "s");
    assert_eq!(end.send().await.expect("an answer").status(), 200);
    assert_eq!(use_it(&world, ADA, "s").await, [404; 3]);
    assert_eq!(begin(&world, BOB, "s").await, 200);
}

#[actix_web::test]
async fn who_logs_in_keeps_the_session_that_was_begun_without_a_token() {
    let world = World::with(|toml| toml + "login = \"lazy\"\n[resource.access]\npublic_tools = [\"a\"]\n").await;
    assert_eq!(begin(&world, None, "s").await, 200);
    assert_eq!(use_it(&world, None, "s").await, [200, 200, 405]);
    for method in [Method::GET, Method::DELETE] {
        let outside = world.request(method).send().await.expect("an answer");
        assert_eq!((outside.status().as_u16(), header(&outside, "allow")), (405, "POST, OPTIONS".into()));
    }
    assert_eq!(use_it(&world, ADA, "s").await, [200, 200, 405]);
    assert_eq!(use_it(&world, BOB, "s").await, [404; 3]);
    assert_eq!(use_it(&world, None, "s").await, [404; 3], "and it is not a stranger's any more");
}

/// Proves MCP authorization: a stream does not outlive the right to it.
#[actix_web::test]
async fn the_stream_that_a_stranger_opened_ends_when_somebody_logs_in() {
    let world = World::with(|toml| toml + "login = \"lazy\"\n[resource.access]\npublic_tools = [\"a\"]\n").await;
    assert_eq!(begin(&world, None, "s").await, 200);
    let open = async |method: Method, user: Option<(&str, &str)>| {
        let mut request = world.request(method).header("Mcp-Session-Id", "s").header("x-test", "endless events");
        if let Some((sub, scope)) = user {
            request = request.bearer_auth(world.authority.token_of(sub, scope));
        }
        let mut response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(part(&mut response).await.expect("an event"), "data: 1\n\n");
        response
    };
    let mut strangers = [open(Method::GET, None).await, open(Method::POST, None).await];
    assert_eq!(use_it(&world, None, "s").await, [200, 200, 405]);
    for stream in &mut strangers {
        assert!(tokio::time::timeout(Duration::from_millis(300), part(stream)).await.is_err(), "it goes on");
    }
    assert_eq!(use_it(&world, ADA, "s").await, [200, 200, 405]);
    for stream in &mut strangers {
        assert!(soon("the end", part(stream)).await.is_none());
    }
    for method in [Method::GET, Method::POST] {
        let mut adas = open(method, ADA).await;
        assert!(tokio::time::timeout(Duration::from_millis(300), part(&mut adas)).await.is_err(), "hers goes on");
    }
}

/// Some servers keep a session in its id, signed.
#[actix_web::test]
async fn an_id_may_have_eight_kibibytes() {
    let world = World::start().await;
    let (longest, longer) = ("x".repeat(8 * 1024), "x".repeat(8 * 1024 + 1));
    assert_eq!(begin(&world, ADA, &longest).await, 200);
    assert_eq!(use_it(&world, ADA, &longest).await, [200, 200, 405]);
    assert_eq!(use_it(&world, BOB, &longest).await, [404; 3]);
    assert_eq!(use_it(&world, ADA, &longest[1..]).await, [404; 3], "all of it counts");
    assert_eq!(begin(&world, ADA, &longer).await, 502);
}

#[actix_web::test]
async fn sessions_of_before_are_adopted_where_the_operator_wants_it() {
    let world = World::with(|toml| toml + "unknown_sessions = \"adopt\"\n").await;
    assert_eq!(use_it(&world, ADA, "from-before").await, [200, 200, 405]);
    assert_eq!(use_it(&world, BOB, "from-before").await, [404; 3]);
}

/// Proves MCP 2026-07-28, transports: there are no sessions.
#[actix_web::test]
async fn the_new_revision_has_no_sessions_and_smuggles_none_to_an_older_server() {
    let world = World::start().await;
    assert_eq!(begin(&world, ADA, "s").await, 200);
    for (user, arrives) in [(BOB, vec![]), (ADA, vec!["s"])] {
        let request = world.post(user, PING).header("Mcp-Session-Id", "s");
        let request = request.header("MCP-Protocol-Version", "2026-07-28").header("Mcp-Method", "ping");
        assert_eq!(request.send().await.expect("an answer").status(), 200);
        assert_eq!(world.upstream.seen().last().expect("one").all("mcp-session-id"), arrives);
    }
}

/// A response is public within a session, because it belongs to whoever was asked; this revision has neither.
#[actix_web::test]
async fn a_made_up_session_lets_no_strangers_response_through_in_the_new_revision() {
    let world = World::with(|toml| toml + "login = \"lazy\"\n[resource.access]\npublic_tools = [\"a\"]\n").await;
    assert_eq!(begin(&world, ADA, "s").await, 200);
    let before = world.upstream.seen().len();
    for (user, version, session, status) in [
        (None, "2026-07-28", "made-up", 400),
        (None, "2026-07-28", "s", 400),
        (BOB, "2026-07-28", "s", 400),
        (None, "2025-11-25", "s", 404),
        (None, "2025-11-25", "made-up", 404),
    ] {
        let request = world.post(user, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).header("Mcp-Session-Id", session);
        let response = request.header("MCP-Protocol-Version", version).send().await.expect("an answer");
        assert_eq!(response.status(), status, "{version} {session}");
        let body = response.text().await.expect("a body");
        let is_error = body.starts_with(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"#);
        assert_eq!(is_error, status == 400, "{body}");
    }
    assert_eq!(world.upstream.seen().len(), before, "the MCP server heard nothing of it");
}

#[actix_web::test]
async fn events_are_resumed_within_a_session_only() {
    let world = World::start().await;
    assert_eq!(begin(&world, ADA, "s").await, 200);
    for (session, arrives) in [(Some("s"), vec!["7"]), (None, vec![])] {
        let token = world.authority.token_of("ada", "mcp:use");
        let mut request = world.request(Method::GET).bearer_auth(token).header("Last-Event-ID", "7");
        if let Some(id) = session {
            request = request.header("Mcp-Session-Id", id);
        }
        assert_eq!(request.send().await.expect("an answer").status(), 200);
        assert_eq!(world.upstream.seen().last().expect("one").all("last-event-id"), arrives, "{session:?}");
    }
}

/// Nobody has checked it yet: whoever makes one up would be somebody.
#[actix_web::test]
async fn a_key_that_only_the_mcp_server_can_check_takes_over_no_session() {
    let keys = "login = \"lazy\"\nunknown_sessions = \"adopt\"\n[resource.access]\npublic_tools = [\"a\"]\n\
                [resource.api_keys]\nprefixes = [\"acme_key_\"]\npass_through = true\n";
    let world = World::with(|toml| toml + keys).await;
    assert_eq!(begin(&world, None, "s").await, 200);
    let with_key = async |key: &str, id: &str| {
        let request = world.request(Method::POST).bearer_auth(key).header("Mcp-Session-Id", id);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(with_key("acme_key_made_up", "s").await, 404);
    assert_eq!(with_key("acme_key_made_up", "unknown").await, 404);
    // Its own sessions are its own.
    let begun = world.request(Method::POST).bearer_auth("acme_key_1").body(INITIALIZE);
    let begun = begun.header("x-test", "say").header("x-say-session", "mine").send().await.expect("an answer");
    assert_eq!(begun.status(), 200);
    assert_eq!((with_key("acme_key_1", "mine").await, with_key("acme_key_2", "mine").await), (200, 404));
}

#[actix_web::test]
async fn a_session_that_nobody_used_for_a_day_has_ended() {
    let clock = Clock::manual(Clock::system().now());
    let world = World::around(Authority::start(), clock.clone(), |toml| toml).await;
    let claims = gatelodge_oauth::access_token::Claims { sub: "ada".into(), ..world.authority.claims() };
    let token = world.authority.sign(&gatelodge_oauth::access_token::Claims {
        exp: claims.exp.plus(Duration::from_secs(5 * 86_400)),
        ..claims
    });
    let ask = async |body: &'static str, id: Option<&str>| {
        let request = world.request(Method::POST).bearer_auth(&token).body(body);
        let request = request.header("x-test", "say").header("x-say-session", "s");
        let request = if let Some(id) = id { request.header("Mcp-Session-Id", id) } else { request };
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(ask(INITIALIZE, None).await, 200);
    for (later, expected) in [(86_399, 200), (86_399, 200), (86_400, 404)] {
        clock.advance(Duration::from_secs(later));
        assert_eq!(ask(PING, Some("s")).await, expected);
    }
    assert_eq!((ask(INITIALIZE, None).await, ask(PING, Some("s")).await), (200, 200), "a new one is begun");
}
