//! Keys from before OAuth, beside access tokens and on the same URL.

use reqwest::{Method, RequestBuilder};

use crate::support::{World, header};

// printf %s acme_key_listed | sha256sum
const LISTED: &str = "[[resource.api_keys.key]]\nname = \"ci\"\nsubject = \"robot\"\nscopes = [\"mcp:use\"]\nsha256 = \"SHA\"\n\
                      [[resource.api_keys.key]]\nname = \"narrow\"\nsubject = \"robot\"\nscopes = [\"other\"]\nsha256 = \"NARROW\"\n";

async fn with(table: &str) -> World {
    let listed = LISTED.replace("SHA", LISTED_HASH).replace("NARROW", NARROW_HASH);
    World::with(|toml| format!("{toml}[resource.api_keys]\n{}", table.replace("LISTED", &listed))).await
}

const LISTED_HASH: &str = "d7f0b2c9a0f177eadd6ea1b8c7b95cc8365838059d65ef0b1fb923849e5d7cb6";
const NARROW_HASH: &str = "e38f911f981ef584bc8b5f38667e19c2ebd261bc21c003e01305f826ea605e8e";

async fn status(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), header(&answer, "www-authenticate"))
}

#[actix_web::test]
async fn a_listed_key_stands_for_its_subject_and_ends_here() {
    let world = with("prefixes = [\"acme_key_\"]\nLISTED").await;
    assert_eq!(status(world.request(Method::POST).bearer_auth("acme_key_listed")).await.0, 200);
    let seen = world.upstream.only();
    assert_eq!(seen.all("x-mcp-auth-sub"), ["robot"]);
    assert_eq!(seen.all("x-mcp-auth-scopes"), ["mcp:use"]);
    assert!(seen.all("x-mcp-auth-issuer").is_empty() && seen.all("x-mcp-auth-client-id").is_empty());
    assert!(!seen.everything().contains("acme_key"), "{seen:?}");
    assert_eq!(status(world.authorized(Method::POST)).await.0, 200, "tokens work beside it");

    let (code, challenge) = status(world.request(Method::POST).bearer_auth("acme_key_unknown")).await;
    assert_eq!(code, 401);
    assert!(challenge.contains("resource_metadata=") && challenge.contains("error=\"invalid_token\""), "{challenge}");
    let (code, challenge) = status(world.request(Method::POST).bearer_auth("acme_key_narrow")).await;
    assert_eq!(code, 403);
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    assert_eq!(world.upstream.seen().len(), 2);
}

#[actix_web::test]
async fn a_key_that_is_passed_through_arrives_untouched_and_nothing_is_said_in_its_name() {
    let world = with("prefixes = [\"acme_key_\"]\npass_through = true\n").await;
    let request = world.request(Method::POST).header("Authorization", "Bearer acme_key_s3cret");
    let request = request.header("X-Mcp-Auth-Sub", "root").header("X_Authorization", "x").header("Cookie", "a=b");
    assert_eq!(status(request).await.0, 200);
    let seen = world.upstream.only();
    assert_eq!(seen.all("authorization"), ["Bearer acme_key_s3cret"]);
    assert!(seen.headers.iter().all(|(name, _)| !name.starts_with("x-mcp-auth") && name != "cookie"), "{seen:?}");

    let refused = world.request(Method::POST).bearer_auth("acme_key_s3cret").header("x-test", "401");
    let (code, challenge) = status(refused).await;
    assert_eq!(code, 401, "the MCP server does not know the key");
    assert!(challenge.contains("mcp.example.com/.well-known") && !challenge.contains("upstream"), "{challenge}");

    assert_eq!(status(world.authorized(Method::POST)).await.0, 200);
    let seen = world.upstream.seen();
    let with_token = seen.last().expect("one");
    assert!(with_token.all("authorization").is_empty(), "a token is never passed through");
    assert_eq!(with_token.all("x-mcp-auth-sub"), ["user_1"]);
}

#[actix_web::test]
async fn two_credentials_in_one_request_are_refused() {
    let world = with("header = \"X-Api-Key\"\npass_through = true\nLISTED").await;
    for (request, expected) in [
        (world.authorized(Method::POST).header("X-Api-Key", "acme_key_listed"), 400),
        (world.request(Method::POST).header("X-Api-Key", "a").header("X-Api-Key", "acme_key_listed"), 400),
        (world.request(Method::POST).bearer_auth("garbage").header("X-Api-Key", "acme_key_listed"), 400),
        (world.request(Method::POST).bearer_auth("acme_key_listed"), 401),
        (world.request(Method::POST).header("X-Api-Key", "").bearer_auth(world.authority.token()), 200),
        (world.request(Method::POST).header("X-Api-Key", "acme_key_listed"), 200),
    ] {
        let told = format!("{request:?}");
        assert_eq!(status(request).await.0, expected, "{told}");
    }
    assert!(world.upstream.seen().iter().all(|seen| seen.all("x-api-key").is_empty()), "a listed key goes no further");
}

#[actix_web::test]
async fn in_its_own_header_a_key_goes_on_only_as_it_was_judged() {
    let world =
        with("header = \"X-Api-Key\"\nprefixes = [\"acme_key_\"]\npass_through = true\nscopes = [\"mcp:use\"]\n").await;
    let request = world.request(Method::POST).header("X-Api-Key", "acme_key_1").header("X_Api_Key", "acme_key_admin");
    assert_eq!(status(request.header("x.api.key", "acme_key_admin")).await.0, 200);
    let seen = world.upstream.only();
    assert_eq!(seen.all("x-api-key"), ["acme_key_1"]);
    assert!(!seen.everything().contains("acme_key_admin"), "{seen:?}");
    assert_eq!(status(world.request(Method::POST).header("X-Api-Key", "other_key")).await.0, 401);
    assert_eq!(
        status(world.request(Method::POST).header("X_Api_Key", "acme_key_1")).await.0,
        401,
        "no credential at all"
    );
}

#[actix_web::test]
async fn a_passed_through_key_reaches_no_further_than_its_table_says() {
    let world = with("prefixes = [\"acme_key_\"]\npass_through = true\nscopes = [\"other\"]\n").await;
    assert_eq!(status(world.request(Method::POST).bearer_auth("acme_key_1")).await.0, 403);
    assert!(world.upstream.seen().is_empty());
}
