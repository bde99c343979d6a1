//! draft-ietf-oauth-status-list: tokens that were revoked before their end, and what happens while nobody can say which.

use std::time::Duration;

use gatelodge_oauth::status_list::{MAX_LENGTH, PackedList, StatusList, StatusListClaims, TYPE};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use reqwest::Method;
use serde_json::json;

use crate::support::authority::{STATUS_LIST_URI, new_key};
use crate::support::{World, header, part, soon};

/// A sidecar that looks at the status list each second, with more lines in the same table.
async fn world(more: &str) -> World {
    World::with(|toml| {
        let url = toml.lines().find_map(|line| line.strip_prefix("jwks_url = ")).expect("the place of the keys");
        let list = url.replace("/keys", "/status-list");
        let lines = format!("jwks_url = {url}\nstatus_list_url = {list}\nstatus_list_interval = \"1s\"\n{more}");
        toml.replace(&format!("jwks_url = {url}"), &lines)
    })
    .await
}

fn claims(revoked: &[u64]) -> StatusListClaims {
    let now = Clock::system().now();
    StatusListClaims {
        sub: STATUS_LIST_URI.into(),
        iat: now,
        exp: Some(now.plus(Duration::from_secs(3600))),
        ttl: Some(1),
        status_list: PackedList { bits: 1, lst: StatusList::new(1000, revoked.iter().copied()).compressed() },
    }
}

async fn status(world: &World, token: &str) -> u16 {
    world.request(Method::POST).bearer_auth(token).send().await.expect("an answer").status().as_u16()
}

async fn until_status(world: &World, token: &str, wanted: u16) {
    soon("the sidecar hears of it", async {
        while status(world, token).await != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Until the list was asked for once more, and the answer has had its effect.
async fn until_looked_at(world: &World) {
    let (before, _) = world.authority.status_list_fetches();
    soon("the sidecar looks again", async {
        while world.authority.status_list_fetches().0 < before + 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

fn publish(world: &World, revoked: &[u64]) {
    world.authority.publish_status_list(world.authority.key.sign_as(TYPE, &claims(revoked)).expect("signed"));
}

/// Proves draft-ietf-oauth-status-list §8.3: a resource server refuses a token whose bit is set.
#[actix_web::test]
async fn a_revoked_token_is_refused_and_the_others_are_not_and_no_request_waits_for_the_list() {
    let world = world("").await;
    let (three, four) = (world.authority.token_at(3), world.authority.token_at(4));
    assert_eq!(status(&world, &three).await, 200, "before the first list");
    publish(&world, &[3]);
    until_status(&world, &three, 401).await;
    let response = world.request(Method::POST).bearer_auth(&three).send().await.expect("an answer");
    let challenge = header(&response, "www-authenticate");
    assert!(challenge.contains("error=\"invalid_token\"") && challenge.contains("was revoked"), "{challenge}");
    assert_eq!(status(&world, &four).await, 200);
    assert_eq!(status(&world, &world.authority.token_at(1_000_000)).await, 200, "younger than the list");
    assert_eq!(status(&world, &world.authority.token()).await, 200, "a token without a status");

    until_looked_at(&world).await;
    let (asked, unchanged) = world.authority.status_list_fetches();
    assert!(unchanged >= 1, "{asked} fetches, and nothing changed in between");
    for _ in 0..50 {
        assert_eq!(status(&world, &four).await, 200);
    }
    let (asked_after, _) = world.authority.status_list_fetches();
    assert!(asked_after < asked + 50, "requests cause no fetches: {asked} {asked_after}");
}

#[actix_web::test]
async fn an_open_stream_ends_when_its_token_is_revoked_and_the_others_go_on() {
    let world = world("").await;
    let open = async |idx: u64| {
        let request = world.request(Method::GET).bearer_auth(world.authority.token_at(idx));
        let mut response = request.header("x-test", "endless events").send().await.expect("an answer");
        assert!(part(&mut response).await.is_some());
        response
    };
    let (mut three, mut four) = (open(3).await, open(4).await);
    publish(&world, &[3]);
    assert!(soon("the end", part(&mut three)).await.is_none());
    assert!(tokio::time::timeout(Duration::from_millis(500), part(&mut four)).await.is_err());
}

/// Proves draft-ietf-oauth-status-list §8.3: a forged, foreign or expired list is not believed.
#[actix_web::test]
async fn a_list_that_cannot_be_believed_never_replaces_the_last_one() {
    let world = world("").await;
    let (three, four) = (world.authority.token_at(3), world.authority.token_at(4));
    publish(&world, &[3]);
    until_status(&world, &three, 401).await;
    let key = &world.authority.key;
    let long_ago = Timestamp::from_unix(1_600_000_000);
    let foreign = StatusListClaims { sub: "https://evil.example/status-list".into(), ..claims(&[4]) };
    let stale = StatusListClaims { iat: long_ago, exp: Some(long_ago), ..claims(&[4]) };
    let wide =
        StatusListClaims { status_list: PackedList { bits: 2, lst: claims(&[4]).status_list.lst }, ..claims(&[]) };
    for (what, document) in [
        ("forged", new_key().sign_as(TYPE, &claims(&[4])).expect("signed")),
        ("foreign", key.sign_as(TYPE, &foreign).expect("signed")),
        ("stale", key.sign_as(TYPE, &stale).expect("signed")),
        ("of two bits", key.sign_as(TYPE, &wide).expect("signed")),
        ("an access token", key.sign_as("at+jwt", &claims(&[4])).expect("signed")),
        ("without claims", key.sign_as(TYPE, &json!({})).expect("signed")),
        ("too large", "x".repeat(MAX_LENGTH + 1)),
        ("no JWT", "<html>".into()),
    ] {
        world.authority.publish_status_list(document);
        until_looked_at(&world).await;
        assert_eq!((status(&world, &three).await, status(&world, &four).await), (401, 200), "{what}");
    }
    publish(&world, &[3, 4]);
    until_status(&world, &four, 401).await;
}

#[actix_web::test]
async fn while_the_authorization_server_is_away_what_was_revoked_stays_revoked() {
    let world = world("").await;
    let three = world.authority.token_at(3);
    publish(&world, &[3]);
    until_status(&world, &three, 401).await;
    world.authority.set_away(true);
    until_looked_at(&world).await;
    assert_eq!(status(&world, &three).await, 401);
    assert_eq!(status(&world, &world.authority.token_at(4)).await, 200);
}

#[actix_web::test]
async fn where_a_status_is_required_nothing_passes_before_there_is_a_list() {
    let world = world("require_status = true").await;
    let four = world.authority.token_at(4);
    let response = world.request(Method::POST).bearer_auth(&four).send().await.expect("an answer");
    assert_eq!(response.status(), 503, "never 401: the client would throw a good token away");
    assert_eq!(header(&response, "retry-after"), "5");
    publish(&world, &[3]);
    until_status(&world, &four, 200).await;
    assert_eq!(status(&world, &world.authority.token_at(3)).await, 401);
    assert_eq!(status(&world, &world.authority.token()).await, 401, "a token without a status");
}

#[actix_web::test]
async fn where_the_list_is_switched_off_nobody_asks_for_it() {
    let world = world("status_list = \"off\"").await;
    publish(&world, &[3]);
    assert_eq!(status(&world, &world.authority.token_at(3)).await, 200);
    assert_eq!(world.authority.status_list_fetches(), (0, 0));
}
