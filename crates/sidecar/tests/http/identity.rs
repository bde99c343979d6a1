//! What the MCP server learns: who calls, from the token and from nothing else; and never the token.

use gatelodge_oauth::access_token::Claims;
use reqwest::Method;

use crate::support::{PING, Seen, World};

/// A hundred ways to write the names of our headers, as header names allow.
fn forged_names() -> Vec<String> {
    let mut names = Vec::new();
    for words in [
        &["x", "mcp", "auth", "sub"][..],
        &["x", "mcp", "auth", "client", "id"],
        &["x", "mcp", "auth", "scope"],
        &["x", "mcp", "auth"],
    ] {
        for joint in ["-", "_", ".", "--", "__", "-_", "_-", "~", "!", "'", "|", "+"] {
            names.push(words.join(joint));
            names.push(words.join(joint).to_uppercase());
        }
        names.push(words.join("-").replacen('-', "_", 1));
        names.push(words.join("_").replacen('_', "-", 1));
    }
    names.extend(
        ["X-Mcp-Auth-Scopes", "x-mcp-auth-admin", "X_MCP_AUTH_GROUPS", "x-mcp-authenticated"].map(str::to_owned),
    );
    assert!(names.len() >= 100, "{}", names.len());
    names
}

fn assert_only_our_identity(seen: &Seen) {
    assert_eq!(seen.all("x-mcp-auth-sub"), ["user_1"]);
    assert_eq!(seen.all("x-mcp-auth-client-id"), ["client_1"]);
    assert_eq!(seen.all("x-mcp-auth-scopes"), ["mcp:use tickets:read"]);
    let squash = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let alike = seen.headers.iter().filter(|(name, _)| squash(name).starts_with("xmcpauth")).count();
    assert_eq!(seen.all("x-mcp-auth-issuer"), ["https://mcp.example.com"]);
    assert_eq!(alike, 4, "{:?}", seen.headers);
    assert!(!seen.everything().contains("forged"), "{seen:?}");
}

#[actix_web::test]
async fn no_spelling_of_a_forged_identity_arrives() {
    let world = World::start().await;
    for names in forged_names().chunks(40) {
        let mut request = world.authorized(Method::POST);
        for name in names {
            request = request.header(name, "forged");
        }
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }
    for name in forged_names() {
        assert_eq!(
            world.authorized(Method::POST).header(&name, "forged").send().await.expect("an answer").status(),
            200,
            "{name}"
        );
    }
    world.upstream.seen().iter().for_each(assert_only_our_identity);
}

#[actix_web::test]
async fn connection_cannot_remove_our_headers_and_hop_by_hop_headers_stay_behind() {
    let world = World::start().await;
    let request = world
        .authorized(Method::POST)
        .header("Connection", "keep-alive, x-mcp-auth-sub, X-Mcp-Auth-Scopes, x-secret")
        .header("Connection", "X-Mcp-Auth-Client-Id, authorization, x-forwarded-for")
        .header("X-Secret", "dropped")
        .header("X-Kept", "kept")
        .header("Keep-Alive", "timeout=5")
        .header("TE", "trailers")
        .header("Trailer", "x-late")
        .header("Proxy-Connection", "close")
        .header("Proxy-Authorization", "Basic proxy")
        .header("Upgrade", "h2c")
        .header("HTTP2-Settings", "AAMAAABk")
        .header("X-Mcp-Auth-Sub", "forged");
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let seen = world.upstream.only();
    assert_only_our_identity(&seen);
    assert_eq!(seen.all("x-kept"), ["kept"]);
    assert_eq!(seen.all("x-forwarded-for"), ["127.0.0.1"]);
    for name in [
        "x-secret",
        "keep-alive",
        "te",
        "trailer",
        "proxy-connection",
        "proxy-authorization",
        "upgrade",
        "http2-settings",
        "connection",
    ] {
        assert!(seen.all(name).is_empty(), "{name} in {seen:?}");
    }
}

#[actix_web::test]
async fn the_token_reaches_the_mcp_server_by_no_way() {
    let world = World::start().await;
    let token = world.authority.token();
    let url = world.url(&format!("/mcp?a=1&access_token={token}&%61ccess_token={token}&b=%2F"));
    let request = world
        .client
        .post(url)
        .bearer_auth(&token)
        .header("Cookie", format!("token={token}"))
        .header("DPoP", &token)
        .header("Proxy-Authorization", &token)
        .header("Proxy_Authorization", &token)
        .header("Content-Type", "application/json")
        .body(PING);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let seen = world.upstream.only();
    assert!(!seen.everything().contains(&token), "{seen:?}");
    assert_eq!(seen.target, "/internal/mcp?a=1&b=%2F");
    for name in ["authorization", "cookie", "dpop", "proxy-authorization", "proxy_authorization"] {
        assert!(seen.all(name).is_empty(), "{name}");
    }
}

#[actix_web::test]
async fn host_origin_and_forwarding_headers_are_ours_and_the_rest_is_the_clients() {
    let world = World::start().await;
    // As it is written, to the byte: spelling of numbers, space, order.
    let body = "{\"method\":\"ping\", \"jsonrpc\":\"2.0\",\"id\":1.0e0 }";
    let request = world
        .authorized(Method::POST)
        .header("Origin", "https://app.example.com")
        .header("X-Forwarded-For", "6.6.6.6")
        .header("X_Forwarded_Host", "evil.example")
        .header("X-Forwarded-Prefix", "/evil")
        .header("X-Forwarded-Proto", "gopher")
        .header("Forwarded", "for=6.6.6.6")
        .header("X-Real-IP", "6.6.6.6")
        .header("X-Original-URL", "/admin")
        .header("Accept", "application/json, text/event-stream")
        .header("Accept-Encoding", "gzip")
        .header("MCP-Protocol-Version", "2025-11-25")
        .header("Mcp-Param-City", "=?base64?WsO8cmljaA==?=")
        .header("traceparent", "00-1-2-3");
    assert_eq!(request.body(body).send().await.expect("an answer").status(), 200);
    let seen = world.upstream.only();
    let authority = world.upstream.url.trim_start_matches("http://").trim_end_matches("/internal/mcp");
    for (name, values) in [
        ("host", &[authority][..]),
        ("origin", &[]),
        ("x-forwarded-for", &["127.0.0.1"]),
        ("x-forwarded-proto", &["https"]),
        ("x-forwarded-host", &["mcp.example.com"]),
        ("x_forwarded_host", &[]),
        ("x-forwarded-prefix", &[]),
        ("forwarded", &[]),
        ("x-real-ip", &[]),
        ("x-original-url", &[]),
        ("accept", &["application/json, text/event-stream"]),
        ("accept-encoding", &["identity"]),
        ("content-type", &["application/json"]),
        ("content-length", &["46"]),
        ("mcp-protocol-version", &["2025-11-25"]),
        ("mcp-param-city", &["=?base64?WsO8cmljaA==?="]),
        ("traceparent", &["00-1-2-3"]),
    ] {
        assert_eq!(seen.all(name), values, "{name}");
    }
    assert_eq!(seen.body, body.as_bytes());
}

#[actix_web::test]
async fn identities_that_no_header_can_hold_arrive_encoded() {
    let world = World::start().await;
    let sub = "J\u{f6}rg\r\nX-Admin: 1".to_owned();
    let token = world.authority.sign(&Claims { sub, ..world.authority.claims() });
    assert_eq!(world.request(Method::POST).bearer_auth(token).send().await.expect("an answer").status(), 200);
    let seen = world.upstream.only();
    assert_eq!(seen.all("x-mcp-auth-sub"), ["J%C3%B6rg%0D%0AX-Admin:%201"]);
    assert!(seen.all("x-admin").is_empty());
}
