//! RFC 6585 §4: how many requests follow each other, of one caller and of the strangers at one address.

use std::time::Duration;

use gatelodge_service::clock::Clock;
use reqwest::{Method, RequestBuilder};

use crate::support::{Authority, PING, World, header};

const LAZY: &str = "login = \"lazy\"\n[resource.access]\npublic_tools = [\"free\"]\n";
const FREE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free"}}"#;
const COSTLY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"costly"}}"#;

async fn world(change: impl FnOnce(String) -> String) -> (World, Clock) {
    let clock = Clock::manual(Clock::system().now());
    (World::around(Authority::start(), clock.clone(), change).await, clock)
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.expect("an answer").status().as_u16()
}

#[actix_web::test]
async fn who_asks_too_often_is_told_when_to_come_back_and_nobody_else_is() {
    let (world, clock) = world(|toml| toml + "[limits]\nrequests_per_caller = 3\n").await;
    let ada = || world.post(Some(("ada", "mcp:use")), PING);
    for _ in 0..3 {
        assert_eq!(status(ada()).await, 200);
    }
    let refused = ada().header("Origin", "https://app.example.com").send().await.expect("an answer");
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (429, "20".into()));
    assert_eq!(header(&refused, "access-control-allow-origin"), "https://app.example.com");
    assert!(header(&refused, "access-control-expose-headers").to_lowercase().contains("retry-after"));
    assert_eq!(header(&refused, "www-authenticate"), "");
    assert!(refused.text().await.expect("a body").contains("\"too_often\""));
    assert_eq!(status(world.post(Some(("bob", "mcp:use")), PING)).await, 200, "somebody else");
    let claims = gatelodge_oauth::access_token::Claims {
        sub: "ada".into(),
        client_id: gatelodge_oauth::client::ClientId::new("client_2"),
        ..world.authority.claims()
    };
    let elsewhere = world.request(Method::POST).bearer_auth(world.authority.sign(&claims));
    assert_eq!(status(elsewhere).await, 200, "another client of hers");
    assert_eq!(world.upstream.seen().len(), 5, "nothing of it arrived");
    clock.advance(Duration::from_secs(20));
    assert_eq!((status(ada()).await, status(ada()).await), (200, 429));
}

#[actix_web::test]
async fn strangers_use_up_what_strangers_have_and_neither_a_callers_share_nor_the_way_to_log_in() {
    let (world, clock) =
        world(|toml| format!("{toml}{LAZY}[limits]\nrequests_per_stranger = 2\nrequests_per_caller = 2\n")).await;
    for expected in [200, 200, 429, 429, 429] {
        assert_eq!(status(world.post(None, FREE)).await, expected);
    }
    for _ in 0..5 {
        assert_eq!(status(world.post(None, COSTLY)).await, 401, "whoever is at the same address may log in");
        assert_eq!(status(world.request(Method::POST).bearer_auth("garbage")).await, 401);
    }
    assert_eq!(status(world.post(Some(("ada", "mcp:use")), FREE)).await, 200);
    assert_eq!(status(world.post(Some(("ada", "mcp:use")), FREE)).await, 200, "and has a share of her own");
    clock.advance(Duration::from_secs(30));
    assert_eq!((status(world.post(None, FREE)).await, status(world.post(None, FREE)).await), (200, 429));
}

/// Proves RFC 6819 §4.4.1.11: what costs much to be judged is counted before it is.
#[actix_web::test]
async fn what_a_stranger_sends_that_is_large_counts_also_when_it_is_refused() {
    let (world, _) = world(|toml| format!("{toml}{LAZY}[limits]\nrequests_per_stranger = 2\n")).await;
    let large = COSTLY.to_owned() + &" ".repeat(64 * 1024);
    for expected in [401, 401, 429] {
        assert_eq!(status(world.post(None, large.clone())).await, expected);
    }
    assert_eq!(status(world.post(None, COSTLY)).await, 401, "a login can begin");
    assert_eq!(status(world.post(Some(("ada", "mcp:use")), large)).await, 200);
}

#[actix_web::test]
async fn a_stranger_is_an_ipv4_address_or_a_64_as_trusted_proxies_name_them() {
    let limits = "[limits]\nrequests_per_stranger = 1\n";
    let (world, _) = world(|toml| format!("trusted_proxies = [\"127.0.0.0/8\"]\n{toml}{LAZY}{limits}")).await;
    for (address, expected) in [
        ("198.51.100.1", 200),
        ("198.51.100.1", 429),
        ("6.6.6.6, 198.51.100.1", 429),
        ("198.51.100.2", 200),
        ("2001:db8::1", 200),
        ("2001:db8::2", 429),
        ("2001:db8:0:1::1", 200),
    ] {
        assert_eq!(status(world.post(None, FREE).header("X-Forwarded-For", address)).await, expected, "{address}");
    }
}

/// Whoever makes keys up would be somebody new each time.
#[actix_web::test]
async fn keys_that_nobody_has_checked_are_strangers() {
    let keys =
        "[resource.api_keys]\nheader = \"X-Api-Key\"\npass_through = true\n[limits]\nrequests_per_stranger = 2\n";
    let (world, _) = world(|toml| toml + keys).await;
    let with_key = |key: &str| world.request(Method::POST).header("x-api-key", key);
    let answers = [status(with_key("a")).await, status(with_key("b")).await, status(with_key("c")).await];
    assert_eq!(answers, [200, 200, 429]);
    assert_eq!(status(world.authorized(Method::POST)).await, 200);
}

#[actix_web::test]
async fn with_the_defaults_an_agent_that_calls_in_parallel_is_never_told_to_wait() {
    let (world, _) = world(|toml| toml).await;
    let calls = (0..1_000).map(|_| world.authorized(Method::POST)).collect::<Vec<_>>();
    for some in calls.chunks(100) {
        let some = some.iter().map(|call| status(call.try_clone().expect("a body at hand")));
        let answers = futures_util::future::join_all(some).await;
        assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    }
}
