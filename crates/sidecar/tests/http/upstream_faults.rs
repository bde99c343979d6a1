//! What clients see of an MCP server that is away, slow, or asks for authorization itself.

use reqwest::Method;

use crate::support::upstream::scripted;
use crate::support::{World, closed_port, header, part, soon};

const BAD_GATEWAY: &str = "{\"error\":\"bad_gateway\",\"error_description\":\"the MCP server gave no usable answer\"}";

#[actix_web::test]
async fn an_unreachable_server_is_a_bad_gateway_without_internal_names() {
    let closed = closed_port();
    let world = World::before(&format!("http://{closed}/secret-name")).await;
    let response = world.authorized(Method::POST).send().await.expect("an answer");
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (502, "application/json".into()));
    assert!(!format!("{:?}", response.headers()).contains("secret-name"));
    assert_eq!(response.text().await.expect("a body"), BAD_GATEWAY);
}

#[actix_web::test]
async fn a_server_that_does_not_answer_in_time_is_a_gateway_timeout_and_is_let_go() {
    let mut world =
        World::with(|toml| toml + "response_timeout = \"1s\"\n[development]\nallow_unsafe_values = true\n").await;
    let request = world.authorized(Method::POST).header("x-test", "never");
    let response = soon("an answer", request.send()).await.expect("an answer");
    assert_eq!(response.status(), 504);
    assert!(response.text().await.expect("a body").contains("\"gateway_timeout\""));
    assert_eq!(soon("the server learns it", world.upstream.hung_up.recv()).await, Some("answer"));
    assert_eq!(world.upstream.seen().len(), 1, "and the request is not sent again");
}

/// A list goes on when it is whole, so that nobody could cut it off otherwise.
#[actix_web::test]
async fn a_list_that_stands_still_in_the_middle_is_a_gateway_timeout_and_is_let_go() {
    let hiding = "[resource.tools.hidden]\nhide = true\n";
    let world = World::with(|toml| {
        format!("{toml}response_timeout = \"1s\"\n{hiding}[limits]\nlist_memory = \"4MiB\"\n[development]\nallow_unsafe_values = true\n")
    })
    .await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    // A second one would find no room, were the first one still held.
    for _ in 0..2 {
        let request = world.authorized(Method::POST).body(list).header("x-test", "stalling list");
        let response = soon("an answer", request.send()).await.expect("an answer");
        assert_eq!(response.status(), 504);
        assert!(response.text().await.expect("a body").contains("\"gateway_timeout\""));
    }
}

#[actix_web::test]
async fn once_the_head_has_arrived_a_stream_may_take_any_time() {
    let world =
        World::with(|toml| toml + "response_timeout = \"1s\"\n[development]\nallow_unsafe_values = true\n").await;
    let request = world.authorized(Method::POST).header("x-test", "two events");
    let mut response = request.send().await.expect("an answer");
    assert!(part(&mut response).await.is_some());
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    world.upstream.shared.go_on.notify_one();
    assert!(soon("the second event", part(&mut response)).await.is_some());
}

#[actix_web::test]
async fn the_servers_own_challenge_never_reaches_the_client() {
    let world = World::start().await;
    for (plan, status) in [("401", 502), ("403", 403), ("404", 404), ("400", 400), ("500", 500)] {
        let response = world.authorized(Method::POST).header("x-test", plan).send().await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), header(&response, "www-authenticate")),
            (status, String::new()),
            "{plan}"
        );
        let body = response.text().await.expect("a body");
        assert_eq!(body, if plan == "401" { BAD_GATEWAY } else { "{\"jsonrpc\":\"2.0\"}" }, "{plan}");
    }
}

#[actix_web::test]
async fn a_redirect_is_neither_followed_nor_passed_on() {
    let world = World::start().await;
    let response = world.authorized(Method::POST).header("x-test", "redirect").send().await.expect("an answer");
    assert_eq!((response.status().as_u16(), header(&response, "location")), (502, String::new()));
    assert_eq!(world.upstream.seen().len(), 1);
}

#[actix_web::test]
async fn headers_of_the_answer_that_belong_to_our_origin_stay_behind() {
    let world = World::start().await;
    let response = world.authorized(Method::POST).header("x-test", "headers").send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    for name in ["www-authenticate", "access-control-allow-origin", "set-cookie"] {
        assert_eq!(header(&response, name), "", "{name}");
    }
    assert_eq!((header(&response, "mcp-session-id"), header(&response, "x-custom")), ("abc".into(), "kept".into()));
    assert_eq!(header(&response, "x-request-id").len(), 36);
}

/// Proves MCP transports: what only notifies or answers is 202 without a body.
#[actix_web::test]
async fn an_empty_accepted_answer_stays_empty() {
    let world = World::start().await;
    for body in [r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#]
    {
        let request = world.authorized(Method::POST).body(body).header("x-test", "accepted");
        let response = request.send().await.expect("an answer");
        let said = (response.status().as_u16(), header(&response, "content-type"));
        assert_eq!((said, response.text().await.expect("a body")), ((202, String::new()), String::new()), "{body}");
    }
}

#[actix_web::test]
async fn headers_of_the_servers_connection_stay_behind() {
    let answer = "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: dropped\r\nKeep-Alive: timeout=5\r\nTrailer: x\r\n\
                  Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nX-Custom: kept\r\nContent-Length: 2\r\n\r\n{}";
    let world = World::before(&scripted(answer)).await;
    let response = world.authorized(Method::POST).send().await.expect("an answer");
    for name in ["connection", "x-hop", "keep-alive", "trailer", "proxy-authenticate", "upgrade"] {
        assert_eq!(header(&response, name), "", "{name}");
    }
    assert_eq!((header(&response, "x-custom"), header(&response, "content-length")), ("kept".into(), "2".into()));
}

#[actix_web::test]
async fn an_answer_that_is_no_http_is_a_bad_gateway_and_the_request_is_not_sent_again() {
    for answer in ["", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let world = World::before(&scripted(answer)).await;
        let response = world.authorized(Method::POST).send().await.expect("an answer");
        assert_eq!(response.status(), 502, "{answer:?}");
    }
}
