//! The durable audit trail: what was decided arrives there, whatever happens there changes no call, and what cannot arrive is
//! counted.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::support::trail::{Trail, configured};
use crate::support::{PING, World, closed_port, header};

const CALL: &str =
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"find","arguments":{"q":"s3cret"}}}"#;

const ADA: Option<(&str, &str)> = Some(("ada", "mcp:use"));

async fn before(trail: &Trail) -> World {
    World::with(|toml| format!("{toml}{}", trail.toml)).await
}

async fn called(world: &World) -> u16 {
    world.post(ADA, CALL).send().await.expect("an answer").status().as_u16()
}

fn ids(events: &[Value]) -> BTreeSet<&str> {
    events.iter().filter_map(|event| event["id"].as_str()).collect()
}

#[actix_web::test]
async fn a_call_is_kept_with_who_made_it_by_which_client_and_without_token_and_arguments() {
    let trail = Trail::start();
    let world = before(&trail).await;
    let answer = world.post(ADA, CALL).send().await.expect("an answer");
    let refused = world.post(Some(("bob", "other")), CALL).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), refused.status().as_u16()), (200, 403));
    let kept = trail.until("both are kept", |kept| kept.len() == 2).await;
    let event = &kept[0];
    for (name, value) in [
        ("outcome", "forwarded"),
        ("subject", "ada"),
        ("mcp_method", "tools/call"),
        ("mcp_name", "find"),
        ("resource", "https://mcp.example.com/mcp"),
        ("issuer", "https://mcp.example.com"),
        ("needed", "mcp:use"),
        ("held", "mcp:use"),
        ("request_id", &header(&answer, "x-request-id")),
    ] {
        assert_eq!(event[name], value, "{name} in {event}");
    }
    assert!(event["client_id"].is_string() && event["at"].is_i64() && event["latency_us"].is_u64(), "{event}");
    assert_eq!((&event["status"], &kept[1]["status"]), (&200.into(), &403.into()));
    assert_eq!((&kept[1]["subject"], &kept[1]["mcp_name"]), (&"bob".into(), &"find".into()));
    let all = format!("{kept:?}");
    assert!(!all.contains("s3cret") && !all.contains("eyJ"), "{all}");
}

#[actix_web::test]
async fn each_call_of_a_batch_is_kept_by_its_own_name() {
    let trail = Trail::start();
    let world = before(&trail).await;
    let names: Vec<String> = (0..20).map(|i| format!("tool_{i}")).collect();
    let calls: Vec<String> = names.iter().map(|name| CALL.replace("find", name)).collect();
    let answer = world.post(ADA, format!("[{}]", calls.join(","))).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let kept = trail.until("all are kept", |kept| kept.len() == 20).await;
    assert_eq!(kept.iter().filter_map(|event| event["mcp_name"].as_str()).collect::<Vec<_>>(), names);
    assert_eq!(ids(&kept).len(), 20);
}

#[actix_web::test]
async fn calls_of_strangers_are_kept_only_where_the_operator_wants_them() {
    for (wanted, expected) in [(false, 1), (true, 3)] {
        let trail = Trail::start();
        let world = World::with(|toml| {
            let login = "login = \"lazy\"\n[resource.access]\npublic_tools = [\"find\"]\n";
            format!("{toml}{login}{}public_calls = {wanted}\n", trail.toml)
        })
        .await;
        let other = CALL.replace("find", "other");
        for (user, body, status) in [(None, CALL, 200), (None, &other, 401), (ADA, PING, 200)] {
            assert_eq!(world.post(user, body).send().await.expect("an answer").status(), status, "{body}");
        }
        // The last one is kept in both cases, behind all others.
        let kept = trail.until("ada's call", |kept| kept.iter().any(|event| event["subject"] == "ada")).await;
        assert_eq!(kept.len(), expected, "{kept:?}");
    }
}

#[actix_web::test]
async fn a_key_that_somebody_made_up_is_not_kept_and_one_that_the_mcp_server_takes_is() {
    let trail = Trail::start();
    let world = World::with(|toml| {
        let keys = "[resource.api_keys]\nprefixes = [\"acme_key_\"]\npass_through = true\n";
        format!("{toml}{keys}{}", trail.toml)
    })
    .await;
    for (key, plan, status) in [("acme_key_made_up", "401", 401), ("acme_key_good", "echo", 200)] {
        let request = world.request(Method::POST).bearer_auth(key).header("x-test", plan).body(CALL);
        assert_eq!(request.send().await.expect("an answer").status(), status, "{key}");
    }
    let kept = trail.until("one is kept", |kept| !kept.is_empty()).await;
    assert_eq!((kept.len(), &kept[0]["outcome"], &kept[0]["status"]), (1, &"forwarded".into(), &200.into()));
}

#[actix_web::test]
async fn a_trail_that_is_nowhere_or_silent_delays_no_call() {
    let nowhere = format!("http://{}/audit/events", closed_port());
    let world = World::with(|toml| toml + &configured(&nowhere)).await;
    assert_eq!(called(&world).await, 200);

    let silent = Trail::start();
    silent.hold();
    let world = before(&silent).await;
    for _ in 0..20 {
        assert_eq!(called(&world).await, 200);
    }
    assert!(silent.kept().is_empty());
    silent.go_on();
    silent.until("all arrive later", |kept| ids(kept).len() == 20).await;
}

#[actix_web::test]
async fn what_a_trail_in_trouble_did_not_take_arrives_later() {
    for trouble in [500, 503, 401, 404] {
        let trail = Trail::start();
        trail.answer(trouble);
        let world = before(&trail).await;
        assert_eq!(called(&world).await, 200);
        trail.until_refused().await;
        assert_eq!(called(&world).await, 200, "{trouble}");
        trail.answer(204);
        let kept = trail.until("both arrive", |kept| ids(kept).len() == 2).await;
        assert!(kept.iter().all(|event| event["lost"].is_null()), "{trouble}: {kept:?}");
    }
}

#[actix_web::test]
async fn what_the_trail_will_never_take_is_counted_and_holds_nothing_up() {
    let trail = Trail::start();
    trail.answer(400);
    let world = before(&trail).await;
    assert_eq!(called(&world).await, 200);
    trail.until_refused().await;
    trail.answer(204);
    assert_eq!(called(&world).await, 200);
    let is_told = |kept: &[Value]| kept.iter().any(|event| event["outcome"] == "events_lost");
    let kept = trail.until("the count arrives", |kept| kept.len() == 2 && is_told(kept)).await;
    let lost: u64 = kept.iter().filter_map(|event| event["lost"].as_u64()).sum();
    assert_eq!(lost, 1, "{kept:?}");
}
