//! RFC 6750 §3 and RFC 9728 §5.1: who is told what, in the one shape that every client reads.

use gatelodge_oauth::access_token::Claims;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::time::Timestamp;
use reqwest::Method;

use crate::support::authority::new_key;
use crate::support::{CHALLENGE, World, header};

/// Proves RFC 9728 §5.1: the challenge names the resource metadata.
#[actix_web::test]
async fn without_a_token_every_method_is_challenged_before_anything_else() {
    let world = World::start().await;
    for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE, Method::PUT, Method::PATCH] {
        let request = world.request(method.clone()).header("MCP-Protocol-Version", "1999-01-01").body("not json");
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 401, "{method}");
        assert_eq!(header(&response, "www-authenticate"), CHALLENGE, "{method}");
        assert_eq!(header(&response, "cache-control"), "no-store");
        let body = response.text().await.expect("a body");
        if method == Method::HEAD {
            assert_eq!(body, "");
        } else {
            assert_eq!(body, "{\"error\":\"unauthorized\",\"error_description\":\"an access token is required\"}");
        }
    }
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn other_schemes_and_empty_tokens_count_as_no_token() {
    let world = World::start().await;
    for value in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "bearer    ", "DPoP abc", "", "Token x", "BearerX abc"] {
        let response = world.request(Method::POST).header("Authorization", value).send().await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), header(&response, "www-authenticate")),
            (401, CHALLENGE.to_owned()),
            "{value:?}"
        );
    }
    assert!(world.upstream.seen().is_empty());
}

/// Proves MCP authorization (access token usage): a token in the query is no token.
#[actix_web::test]
async fn a_token_in_the_query_or_the_body_counts_as_no_token() {
    let world = World::start().await;
    let token = world.authority.token();
    let url = world.url(&format!("/mcp?access_token={token}"));
    let response = world.client.post(url).form(&[("access_token", &token)]).send().await.expect("an answer");
    assert_eq!((response.status().as_u16(), header(&response, "www-authenticate")), (401, CHALLENGE.to_owned()));
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn two_tokens_are_a_bad_request_even_when_both_are_good() {
    let world = World::start().await;
    let token = world.authority.token();
    let one = format!("Bearer {token}");
    for values in [
        vec![one.clone(), one.clone()],
        vec![one.clone(), "Basic x".into()],
        vec![format!("{one}, {one}")],
        vec![format!("{one} x")],
    ] {
        let mut request = world.request(Method::POST);
        for value in &values {
            request = request.header("Authorization", value);
        }
        let response = request.send().await.expect("an answer");
        let expected = format!(
            "{CHALLENGE}, error=\"invalid_request\", error_description=\"send one access token in one Authorization header\""
        );
        assert_eq!((response.status().as_u16(), header(&response, "www-authenticate")), (400, expected), "{values:?}");
    }
    assert!(world.upstream.seen().is_empty());
}

async fn refused(world: &World, token: &str) -> String {
    let response = world.request(Method::POST).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(response.status(), 401, "{token}");
    let challenge = header(&response, "www-authenticate");
    let description = challenge.strip_prefix(&format!("{CHALLENGE}, error=\"invalid_token\", error_description=\""));
    description.and_then(|rest| rest.strip_suffix('"')).unwrap_or_else(|| panic!("{challenge}")).to_owned()
}

/// Proves RFC 6750 §3.1: a bad token is answered with invalid_token.
#[actix_web::test]
async fn bad_tokens_are_invalid_tokens() {
    let world = World::start().await;
    let authority = &world.authority;
    let good = authority.token();
    let (head, signature) = good.rsplit_once('.').expect("a token");
    let another_signature = authority.sign(&Claims { jti: "token_2".into(), ..authority.claims() });
    let another_signature = another_signature.rsplit_once('.').expect("a token").1;
    let foreign = new_key().sign(&authority.claims()).expect("a token");
    let future = Timestamp::from_unix(4_000_000_000);
    let later = authority.sign(&Claims { iat: future, exp: Timestamp::from_unix(4_000_003_600), ..authority.claims() });
    let issuer = authority.sign(&Claims { iss: "https://mcp.example.com/".into(), ..authority.claims() });
    for (token, says) in [
        (authority.expired(), "the access token expired"),
        (foreign, "the access token is signed with an unknown key"),
        (format!("{head}.{another_signature}"), "the signature of the access token is wrong"),
        (later, "the access token is not valid yet"),
        (issuer, "the access token is from another issuer"),
        ("garbage".into(), "the access token is malformed"),
        (format!("{good}.x"), "the access token is malformed"),
        (head.to_owned(), "the access token is malformed"),
        (format!(".{head}.{signature}"), "the access token is malformed"),
        ("..".into(), "the access token is malformed"),
        ("a".repeat(9 * 1024), "the access token is malformed"),
        ("\u{e9}".into(), "the access token is malformed"),
    ] {
        assert_eq!(refused(&world, &token).await, says, "{token}");
    }
    assert!(world.upstream.seen().is_empty());
}

/// Proves RFC 9068 §4: a token for another audience is refused.
#[actix_web::test]
async fn a_token_for_anything_but_this_resource_is_refused() {
    let world = World::start().await;
    for audience in [
        "https://mcp.example.com",
        "https://mcp.example.com/",
        "https://mcp.example.com/mc",
        "https://mcp.example.com/mcp2",
        "https://mcp.example.com/mcp//",
        "https://mcp.example.com/mcp/x",
        "https://mcp.example.com/MCP",
        "https://MCP.example.com/mcp",
        "https://mcp.example.com:443/mcp",
        "https://mcp.example.com:8443/mcp",
        "http://mcp.example.com/mcp",
        "https://other.example.com/mcp",
        "https://mcp.example.com.evil.example/mcp",
        "https://mcp.example.com/other",
        "mcp",
        "",
    ] {
        let aud = ResourceId::from_stored(audience.into());
        let token = world.authority.sign(&Claims { aud, ..world.authority.claims() });
        assert_eq!(refused(&world, &token).await, "the access token is not for this resource", "{audience}");
    }
    assert!(world.upstream.seen().is_empty());
}

/// Proves RFC 6750 §3.1: a token without the scope is answered with insufficient_scope.
#[actix_web::test]
async fn a_token_without_the_scope_is_told_every_scope_to_ask_for() {
    let world = World::start().await;
    for (granted, named) in [
        ("tickets:read offline_access", "mcp:use tickets:read"),
        ("", "mcp:use"),
        ("mcp:used MCP:USE", "mcp:use mcp:used MCP:USE"),
    ] {
        let scope = granted.parse().expect("a scope");
        let token = world.authority.sign(&Claims { scope, ..world.authority.claims() });
        let response = world.request(Method::POST).bearer_auth(token).send().await.expect("an answer");
        assert_eq!(response.status(), 403);
        assert_eq!(
            header(&response, "www-authenticate"),
            format!(
                "Bearer resource_metadata=\"https://mcp.example.com/.well-known/oauth-protected-resource/mcp\", \
                 scope=\"{named}\", error=\"insufficient_scope\", error_description=\"this needs the scope mcp:use\""
            )
        );
        let body = response.text().await.expect("a body");
        let start = "{\"error\":\"insufficient_scope\",\"error_description\":\"this needs the scope mcp:use, which was";
        assert!(body.starts_with(start), "{body}");
    }
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn a_good_token_opens_both_forms_of_the_path_and_nothing_else() {
    let world = World::start().await;
    for (path, status) in [
        ("/mcp", 200),
        ("/mcp/", 200),
        ("/", 404),
        ("/mcp2", 404),
        ("/mcp/x", 404),
        ("/MCP", 404),
        ("/internal/mcp", 404),
        ("/health/ready", 404),
    ] {
        let request = world.client.get(world.url(path)).bearer_auth(world.authority.token());
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), status, "{path}");
        if status == 404 {
            assert_eq!(
                response.text().await.expect("a body"),
                "{\"error\":\"not_found\",\"error_description\":\"nothing is served at this path\"}"
            );
        }
    }
    let seen = world.upstream.seen();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter().all(|seen| (seen.method.as_str(), seen.target.as_str()) == ("GET", "/internal/mcp")),
        "{seen:?}"
    );
}

#[actix_web::test]
async fn the_form_with_a_slash_names_its_own_metadata() {
    let world = World::start().await;
    let response = world.client.post(world.url("/mcp/")).send().await.expect("an answer");
    assert_eq!(header(&response, "www-authenticate"), CHALLENGE.replace("/mcp\"", "/mcp/\""));
}

#[actix_web::test]
async fn methods_the_resource_does_not_have_are_refused_only_after_the_token() {
    let world = World::start().await;
    for method in [Method::PUT, Method::PATCH, Method::HEAD] {
        let response = world.authorized(method).send().await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), header(&response, "allow")),
            (405, "GET, POST, DELETE, OPTIONS".into())
        );
    }
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn the_scheme_may_be_written_in_any_case() {
    let world = World::start().await;
    for scheme in ["bearer", "BEARER", "BeArEr", "Bearer "] {
        let value = format!("{scheme} {}", world.authority.token());
        let response = world.request(Method::POST).header("Authorization", value).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{scheme}");
    }
}
