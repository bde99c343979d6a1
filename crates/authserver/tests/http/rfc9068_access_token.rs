//! The access token: a JWT as RFC 9068 §2 has it, which tells the client nothing about the person.

use std::time::Duration;

use gatelodge_oauth::access_token::{Expectation, Refusal, VerifyingKeys, verify};
use gatelodge_oauth::resource::ResourceId;
use serde_json::json;

use crate::support::{Database, ISSUER, McpClient, RESOURCE, Server, Settings, claims, on_both_databases, segment};

on_both_databases! {
    an_access_token_says_what_rfc_9068_requires_and_no_more,
    a_resource_server_accepts_it_with_the_published_key,
    a_subject_is_stable_and_its_own,
    the_lifetime_is_the_configured_one,
}

/// Proves RFC 9068 §2.2: an access token has the required claims.
async fn an_access_token_says_what_rfc_9068_requires_and_no_more(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let jwks = server.get("/jwks").await.json();
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": jwks["keys"][0]["kid"] });
    assert_eq!(segment(&tokens.access_token, 0), header);

    let mut claims = claims(&tokens.access_token);
    let now = server.clock.now().as_unix();
    let jti = claims["jti"].take();
    assert!(jti.as_str().is_some_and(|jti| jti.len() >= 22), "{jti}");
    let sub = claims["sub"].take();
    let opaque = |sub: &str| sub.starts_with("user_") && !sub.contains("ada") && sub != client.id;
    assert!(sub.as_str().is_some_and(opaque), "{sub}");
    let expected = json!({
        "iss": ISSUER, "aud": RESOURCE, "client_id": client.id, "scope": "mcp:use",
        "iat": now, "exp": now + 3600, "jti": null, "sub": null,
        "status": { "status_list": { "idx": 1, "uri": "https://mcp.example.com/status-list" } },
    });
    assert_eq!(claims, expected);
    assert!(tokens.access_token.len() < 4096);
}

/// Proves RFC 9068 §4: a resource server verifies it with the published key.
async fn a_resource_server_accepts_it_with_the_published_key(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let token = client.connect().await.access_token;
    let keys = VerifyingKeys::from_jwks(server.get("/jwks").await.body.as_bytes()).expect("keys");
    let expected = |issuer: &str, audience: &str| Expectation {
        issuer: issuer.into(),
        audience: ResourceId::from_config(audience).expect("a resource"),
        leeway: Duration::ZERO,
    };
    let now = server.clock.now();
    assert!(verify(&token, &keys, &expected(ISSUER, RESOURCE), now).is_ok());
    let end = now.plus(Duration::from_secs(3600));
    assert_eq!(verify(&token, &keys, &expected(ISSUER, RESOURCE), end), Err(Refusal::Expired));
    assert_eq!(verify(&token, &keys, &expected("https://other.example", RESOURCE), now), Err(Refusal::WrongIssuer));
    let other = expected(ISSUER, "https://mcp.example.com/other");
    assert_eq!(verify(&token, &keys, &other, now), Err(Refusal::WrongAudience));
}

/// Proves RFC 9068 §5: a subject is never the identifier of a client.
async fn a_subject_is_stable_and_its_own(database: &Database) {
    let server = Server::start(database).await;
    let (first, second) = (McpClient::register(&server).await, McpClient::register(&server).await);
    let subject = |token: &str| claims(token)["sub"].as_str().expect("a subject").to_owned();
    let (one, two) = (first.connect().await, second.connect().await);
    assert_eq!(subject(&one.access_token), subject(&two.access_token), "the same person with two clients");
    assert_ne!(claims(&one.access_token)["jti"], claims(&two.access_token)["jti"]);
    let refreshed = first.refreshed(&one.refresh_token).await;
    assert_eq!(subject(&one.access_token), subject(&refreshed.access_token));
}

async fn the_lifetime_is_the_configured_one(database: &Database) {
    let more = "[tokens]\naccess_token_lifetime = \"15m\"";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let claims = claims(&tokens.access_token);
    assert_eq!((tokens.expires_in, claims["exp"].as_i64()), (900, claims["iat"].as_i64().map(|iat| iat + 900)));
}
