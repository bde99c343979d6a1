//! RFC 9068 §4 on the second look: a token that was good a moment ago is judged by what may have changed since.

use std::time::Duration;

use gatelodge_oauth::access_token::{Claims, jwks};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_service::clock::Clock;

use crate::support::authority::new_key;
use crate::support::{Authority, World};

#[actix_web::test]
async fn a_known_token_ends_in_the_second_of_its_end() {
    let clock = Clock::manual(Clock::system().now());
    let world = World::around(Authority::start(), clock.clone(), |toml| {
        toml.replace("[authorization_server]", "[authorization_server]\nclock_leeway = \"5s\"")
    })
    .await;
    let exp = clock.now().plus(Duration::from_secs(20));
    let token = world.authority.sign(&Claims { exp, ..world.authority.claims() });
    assert_eq!(world.status(&token).await, 200);
    clock.advance(Duration::from_secs(24));
    assert_eq!(world.status(&token).await, 200, "the last second of the leeway");
    clock.advance(Duration::from_secs(1));
    assert_eq!(world.status(&token).await, 401);
}

#[actix_web::test]
async fn two_tokens_that_are_equal_in_the_signed_part_only_are_two() {
    let world = World::start().await;
    let good = world.authority.token();
    let other = world.authority.sign(&Claims { jti: "token_2".into(), ..world.authority.claims() });
    let (signed, _) = good.rsplit_once('.').expect("a token");
    let (_, signature) = other.rsplit_once('.').expect("a token");
    let mixed = format!("{signed}.{signature}");
    assert_eq!(world.status(&mixed).await, 401, "before the good one is known");
    assert_eq!(world.status(&good).await, 200);
    assert_eq!((world.status(&mixed).await, world.status(&format!("{signed}.")).await), (401, 401));
    assert_eq!(world.status(&good).await, 200, "and what is refused takes nothing from it");
}

#[actix_web::test]
async fn with_the_keys_go_the_tokens_that_were_known_by_them() {
    let world = World::start().await;
    let token = world.authority.token();
    assert_eq!(world.status(&token).await, 200);
    let key = new_key();
    world.authority.publish(serde_json::to_string(&jwks([&key])).expect("JSON"));
    assert_eq!(world.status(&token).await, 200, "nobody has looked yet");
    let new = key.sign(&world.authority.claims()).expect("a token");
    assert_eq!(world.status(&new).await, 200, "it makes the keys be fetched");
    assert_eq!(world.status(&token).await, 401, "its key was withdrawn");
    assert_eq!(world.status(&new).await, 200);
}

#[actix_web::test]
async fn a_token_that_is_known_at_one_resource_is_unknown_at_the_next() {
    let world = World::with(|toml| {
        let upstream = toml.lines().find(|line| line.starts_with("upstream")).expect("an upstream").to_owned();
        format!("{toml}[[resource]]\npath = \"/other\"\n{upstream}\n")
    })
    .await;
    let (mcp, other) = (world.authority.token(), {
        let aud = ResourceId::from_stored("https://mcp.example.com/other".into());
        world.authority.sign(&Claims { aud, ..world.authority.claims() })
    });
    let at = async |path: &str, token: &str| {
        let request = world.client.get(world.url(path)).bearer_auth(token);
        request.send().await.expect("an answer").status().as_u16()
    };
    for _ in 0..2 {
        assert_eq!((at("/mcp", &mcp).await, at("/other", &other).await), (200, 200));
        assert_eq!((at("/other", &mcp).await, at("/mcp", &other).await), (401, 401));
    }
}
