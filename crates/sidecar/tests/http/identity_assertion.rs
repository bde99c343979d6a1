//! The caller as a signed assertion: what it says, who can check it, and that it passes for nothing else.

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatelodge_oauth::access_token::{self, Expectation, Refusal, VerifyingKeys};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_service::clock::Clock;
use reqwest::Method;
use serde_json::Value;

use crate::support::{World, client, closed_port};

const JWKS: &str = "/.well-known/gatelodge-identity-jwks";

/// A sidecar that signs, and where its health is asked.
async fn signing(dir: &Path, more: &str) -> (World, String) {
    let health = closed_port();
    let key_file = dir.join("key.pem");
    let world = World::with(|toml| {
        let toml = toml.replace("health_listen = \"127.0.0.1:0\"", &format!("health_listen = \"{health}\""));
        format!(
            "{toml}[resource.identity]\nkind = \"assertion\"\n[resource.identity.assertion]\nkey_file = {key_file:?}\n{more}"
        )
    })
    .await;
    (world, format!("http://{health}"))
}

fn part(jwt: &str, index: usize) -> Value {
    let part = jwt.split('.').nth(index).expect("a part");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// Checks the signature as RFC 7518 §3.4 says, without the library that made it.
fn is_signed_by(jwt: &str, jwk: &Value) -> bool {
    let bytes = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap_or_default()).expect("base64url");
    let point = [vec![4], bytes("x"), bytes("y")].concat();
    let (signed, signature) = jwt.rsplit_once('.').expect("a signature");
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &signature).is_ok()
}

#[actix_web::test]
async fn the_mcp_server_can_check_who_calls_with_the_published_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let (world, health) = signing(dir.path(), "").await;
    let before = Clock::system().now().as_unix();
    let sent =
        world.authorized(Method::POST).header("X-Mcp-Auth-Assertion", "forged").header("X_Mcp_Auth_Sub", "forged");
    assert_eq!(sent.send().await.expect("an answer").status(), 200);
    let seen = world.upstream.only();
    let [assertion] = seen.all("x-mcp-auth-assertion")[..] else { panic!("{seen:?}") };
    assert!(!seen.everything().contains("forged") && seen.all("authorization").is_empty(), "{seen:?}");
    assert!(seen.all("x-mcp-auth-sub").is_empty(), "what is not signed is not sent beside it");

    let published = client().get(format!("{health}{JWKS}")).send().await.expect("an answer");
    assert_eq!(published.headers()["content-type"], "application/jwk-set+json");
    let published: Value = serde_json::from_slice(&published.bytes().await.expect("a body")).expect("JSON");
    let [jwk] = &published["keys"].as_array().expect("keys")[..] else { panic!("{published}") };
    assert!(jwk.get("d").is_none(), "{jwk}");
    let header = part(assertion, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&"ES256".into(), &"gatelodge-identity+jwt".into()));
    assert_eq!(header["kid"], jwk["kid"]);
    assert!(is_signed_by(assertion, jwk));
    assert!(!is_signed_by(&world.authority.token(), jwk));

    let claims = part(assertion, 1);
    for (name, expected) in [
        ("iss", "https://mcp.example.com"),
        ("aud", world.upstream.url.as_str()),
        ("sub", "user_1"),
        ("token_issuer", "https://mcp.example.com"),
        ("client_id", "client_1"),
        ("scope", "mcp:use tickets:read"),
    ] {
        assert_eq!(claims[name], expected, "{claims}");
    }
    let issued_at = claims["iat"].as_i64().expect("a time");
    assert!(issued_at >= before && claims["exp"] == issued_at + 60, "{claims}");
    assert!(claims["jti"].as_str().is_some_and(|id| id.len() == 36) && claims.get("context").is_none(), "{claims}");
}

#[actix_web::test]
async fn an_assertion_is_no_access_token_even_where_its_key_is_believed() {
    let dir = tempfile::tempdir().expect("a directory");
    let (world, health) = signing(dir.path(), "audience = \"https://mcp.example.com/mcp\"\n").await;
    assert_eq!(world.authorized(Method::POST).send().await.expect("an answer").status(), 200);
    let seen = world.upstream.only();
    let assertion = seen.all("x-mcp-auth-assertion")[0].to_owned();
    assert_eq!(world.request(Method::POST).bearer_auth(&assertion).send().await.expect("an answer").status(), 401);
    let published =
        client().get(format!("{health}{JWKS}")).send().await.expect("an answer").bytes().await.expect("a body");
    let keys = VerifyingKeys::from_jwks(&published).expect("keys");
    let expected = Expectation {
        issuer: "https://mcp.example.com".into(),
        audience: ResourceId::from_stored("https://mcp.example.com/mcp".into()),
        leeway: std::time::Duration::ZERO,
    };
    let refusal = access_token::verify(&assertion, &keys, &expected, Clock::system().now());
    assert_eq!(refusal, Err(Refusal::NotAnAccessToken));
}

#[actix_web::test]
async fn the_key_is_not_published_to_the_world_and_stays_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let (world, health) = signing(dir.path(), "header = \"Authorization\"\n").await;
    let public = client().get(world.url(JWKS)).send().await.expect("an answer");
    assert_eq!(public.status(), 404);
    assert_eq!(world.authorized(Method::POST).send().await.expect("an answer").status(), 200);
    let seen = world.upstream.only();
    let bearer = seen.all("authorization")[0].strip_prefix("Bearer ").expect("a bearer token").to_owned();

    let (replica, other_health) = signing(dir.path(), "").await;
    let key = |health: String| async move {
        let answer = client().get(format!("{health}{JWKS}")).send().await.expect("an answer");
        let published: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
        published["keys"][0].clone()
    };
    assert_eq!(key(health).await, key(other_health.clone()).await, "two replicas, one key file");
    assert!(is_signed_by(&bearer, &key(other_health).await));
    drop(replica);
}

#[actix_web::test]
async fn without_assertions_there_are_no_keys_to_publish() {
    let health = closed_port();
    let _world =
        World::with(|toml| toml.replace("health_listen = \"127.0.0.1:0\"", &format!("health_listen = \"{health}\"")))
            .await;
    assert_eq!(client().get(format!("http://{health}{JWKS}")).send().await.expect("an answer").status(), 404);
}
