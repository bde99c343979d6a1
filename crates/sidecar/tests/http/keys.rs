//! RFC 7517 §5: the keys of the authorization server, and what happens while they cannot be had.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatelodge_oauth::access_token::{SigningAlgorithm, SigningKey, jwks};
use gatelodge_service::clock::Clock;
use reqwest::Method;
use serde_json::json;

use crate::support::authority::new_key;
use crate::support::{Authority, CHALLENGE, World, header, part, soon};

#[actix_web::test]
async fn before_the_first_keys_a_token_is_neither_good_nor_bad() {
    let world = World::with(|toml| toml.replace("/keys", "/no-such-document")).await;
    for _ in 0..3 {
        let response = world.authorized(Method::POST).send().await.expect("an answer");
        assert_eq!(response.status(), 503, "never 401: the client would throw a good token away");
        assert_eq!(
            (header(&response, "www-authenticate"), header(&response, "retry-after")),
            (String::new(), "5".into())
        );
        assert!(response.text().await.expect("a body").contains("\"temporarily_unavailable\""));
    }
    let response = world.request(Method::POST).send().await.expect("an answer");
    assert_eq!(
        (response.status().as_u16(), header(&response, "www-authenticate")),
        (401, CHALLENGE.into()),
        "that needs no keys"
    );
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn when_the_authorization_server_goes_away_known_keys_stay_good_and_of_others_nobody_can_say() {
    let world = World::start().await;
    assert_eq!(world.authorized(Method::POST).send().await.expect("an answer").status(), 200);
    world.authority.set_away(true);
    let foreign = new_key().sign(&world.authority.claims()).expect("a token");
    for _ in 0..3 {
        let response = world.request(Method::POST).bearer_auth(&foreign).send().await.expect("an answer");
        assert_eq!(response.status(), 503, "it may have been published a moment ago");
        assert_eq!(
            (header(&response, "www-authenticate"), header(&response, "retry-after")),
            (String::new(), "5".into())
        );
    }
    assert_eq!(world.authorized(Method::POST).send().await.expect("an answer").status(), 200);
}

#[actix_web::test]
async fn a_storm_of_unknown_keys_fetches_once() {
    let world = World::start().await;
    assert_eq!(world.authorized(Method::POST).send().await.expect("an answer").status(), 200);
    let before = world.authority.fetches();
    let storm = (0..200).map(|_| {
        let token = new_key().sign(&world.authority.claims()).expect("a token");
        world.request(Method::POST).bearer_auth(token).send()
    });
    for answer in futures_util::future::join_all(storm.collect::<Vec<_>>()).await {
        assert_eq!(answer.expect("an answer").status(), 401);
    }
    assert_eq!((before, world.authority.fetches()), (1, 2));
}

#[actix_web::test]
async fn a_new_key_is_found_by_the_first_token_that_uses_it() {
    let world = World::start().await;
    assert_eq!(world.authorized(Method::POST).send().await.expect("an answer").status(), 200);
    let key = new_key();
    world.authority.publish(serde_json::to_string(&jwks([&key, &world.authority.key])).expect("JSON"));
    let token = key.sign(&world.authority.claims()).expect("a token");
    let many = (0..20).map(|_| world.request(Method::POST).bearer_auth(&token).send());
    for answer in futures_util::future::join_all(many.collect::<Vec<_>>()).await {
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    assert_eq!(world.authorized(Method::POST).send().await.expect("an answer").status(), 200, "the old key too");
}

#[actix_web::test]
async fn ten_thousand_made_up_key_names_cause_one_fetch() {
    let world = World::start().await;
    assert_eq!(world.status(&world.authority.token()).await, 200);
    let encode = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = encode(json!({"iss": "https://mcp.example.com"}));
    for hundred in 0..100 {
        let requests = (0..100).map(|number| {
            let header = encode(json!({"alg": "ES256", "typ": "at+jwt", "kid": format!("{hundred}-{number}")}));
            let token = format!("{header}.{claims}.AAAA");
            let request = world.request(Method::POST).bearer_auth(token);
            async move { request.send().await.expect("an answer").status() }
        });
        let answers = futures_util::future::join_all(requests.collect::<Vec<_>>()).await;
        assert!(answers.iter().all(|status| *status == 401), "{answers:?}");
    }
    let fetches = world.authority.fetches();
    assert!(fetches <= 3, "{fetches}: the first one, one for all those names, and on a slow machine one by the clock");
    assert_eq!(world.status(&world.authority.token()).await, 200);
}

#[actix_web::test]
async fn a_sidecar_that_starts_alone_recovers_by_itself() {
    let authority = Authority::start();
    authority.set_away(true);
    let world = World::around(authority, Clock::system(), |toml| toml).await;
    let token = world.authority.token();
    assert_eq!(world.status(&token).await, 503);
    world.authority.set_away(false);
    soon("the keys are fetched", async {
        while world.status(&token).await != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Proves RFC 8725 §3.10: a token does not say where its key is. Whoever asks there asks what an attacker wants asked.
#[actix_web::test]
async fn keys_that_a_token_brings_or_points_at_are_neither_believed_nor_fetched() {
    let world = World::start().await;
    assert_eq!(world.status(&world.authority.token()).await, 200);
    let bait = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/keys", bait.local_addr().expect("an address"));
    let pkcs8 = SigningKey::generate(SigningAlgorithm::Es256).expect("a key");
    let own = SigningKey::from_pkcs8(SigningAlgorithm::Es256, &pkcs8).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).expect("a key");
    let certificate = rcgen::generate_simple_self_signed(["mcp.example.com".to_owned()]).expect("a certificate");
    let x5c = base64::prelude::BASE64_STANDARD.encode(certificate.cert.der());
    let claims = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&world.authority.claims()).expect("JSON"));
    for kid in [own.kid(), world.authority.key.kid(), &url] {
        for (name, value) in [
            ("jku", json!(url)),
            ("x5u", json!(url)),
            ("x5c", json!([x5c])),
            ("jwk", serde_json::to_value(own.public_jwk()).expect("JSON")),
        ] {
            let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": kid, name: value});
            let signed = format!("{}.{claims}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string()));
            let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
            let token = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
            assert_eq!(world.status(&token).await, 401, "{name} with {kid}");
        }
    }
    assert_eq!(world.upstream.seen().len(), 1);
    let asked = tokio::time::timeout(std::time::Duration::from_millis(300), bait.accept()).await;
    assert!(asked.is_err(), "the address was asked");
}

/// Proves MCP authorization: a stream does not outlive the right to it.
#[actix_web::test]
async fn a_stream_ends_when_the_key_of_its_token_is_withdrawn() {
    let world = World::start().await;
    let mut response =
        world.authorized(Method::GET).header("x-test", "endless events").send().await.expect("an answer");
    assert_eq!(part(&mut response).await.expect("an event"), "data: 1\n\n");
    let key = new_key();
    let mut of_the_new = world.request(Method::GET).bearer_auth(key.sign(&world.authority.claims()).expect("a token"));
    of_the_new = of_the_new.header("x-test", "endless events");
    world.authority.publish(serde_json::to_string(&jwks([&key])).expect("JSON"));
    // The first token of the new key makes the keys be fetched.
    let mut goes_on = of_the_new.send().await.expect("an answer");
    assert_eq!(goes_on.status(), 200);
    assert!(soon("the end", part(&mut response)).await.is_none());
    assert_eq!(part(&mut goes_on).await.expect("an event"), "data: 1\n\n");
    assert!(tokio::time::timeout(std::time::Duration::from_secs(3), part(&mut goes_on)).await.is_err(), "it goes on");
}
