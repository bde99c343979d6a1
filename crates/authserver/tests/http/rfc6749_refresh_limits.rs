//! What a refresh may ask for and how long it goes on: scope (RFC 6749 §6), resource (RFC 8707 §2.2), idle and absolute
//! lifetimes, and people who may not sign in any more.

use std::time::Duration;

use gatelodge_oauth::access_token::{Expectation, VerifyingKeys, verify};
use gatelodge_oauth::resource::ResourceId;

use crate::support::{Database, ISSUER, McpClient, RESOURCE, Server, Settings, Tokens, on_both_databases};

on_both_databases! {
    a_narrower_scope_lasts_for_one_access_token,
    a_wider_scope_is_refused,
    unknown_scopes_are_dropped,
    the_resource_may_be_named_again_or_left_out,
    an_idle_token_ends_after_thirty_days,
    every_second_of_the_last_two_minutes_gives_a_token_that_ends_with_the_grant,
    a_grant_ends_after_ninety_days_however_often_it_is_used,
    somebody_who_is_disabled_loses_nothing_but_time,
    earlier_access_tokens_stay_valid,
    without_windows_the_second_use_of_a_token_ends_the_grant,
}

const DAY: u64 = 86_400;

/// Proves RFC 6749 §6: a refresh may narrow the scope, and the refresh token keeps it.
async fn a_narrower_scope_lasts_for_one_access_token(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let request = client.authorization_request().with("scope", "mcp:use notes:read notes:write");
    let mut tokens = client.connect_with(&request).await;
    assert_eq!(tokens.scope, "mcp:use notes:read notes:write");
    for (asked, granted) in [
        ("notes:read", "notes:read"),
        ("", "mcp:use notes:read notes:write"),
        ("notes:write mcp:use", "notes:write mcp:use"),
        ("notes:read notes:read", "notes:read"),
        ("mcp:use notes:read notes:write", "mcp:use notes:read notes:write"),
    ] {
        let form = client.refresh_request(&tokens.refresh_token).with("scope", asked);
        tokens = Tokens::of(&server.post("/token", &form).await);
        assert_eq!(tokens.scope, granted, "{asked}");
        assert_eq!(crate::support::claims(&tokens.access_token)["scope"], granted, "{asked}");
    }
}

/// Proves RFC 6749 §6: a refresh never widens the scope.
async fn a_wider_scope_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let request = client.authorization_request().with("scope", "notes:read");
    let tokens = client.connect_with(&request).await;
    for wider in ["notes:write", "notes:read notes:write", "notes:write offline_access", "mcp:use"] {
        let form = client.refresh_request(&tokens.refresh_token).with("scope", wider);
        server.post("/token", &form).await.assert_refused(400, "invalid_scope", wider);
    }
    assert_eq!(client.refreshed(&tokens.refresh_token).await.scope, "notes:read");
}

async fn unknown_scopes_are_dropped(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut token = client.connect().await.refresh_token;
    for asked in ["mcp:use offline_access", "openid profile email", "MCP:USE", "mcp:use \"\\ \u{e9}", "   "] {
        let form = client.refresh_request(&token).with("scope", asked);
        let tokens = Tokens::of(&server.post("/token", &form).await);
        assert_eq!(tokens.scope, "mcp:use", "{asked}");
        token = tokens.refresh_token;
    }
}

/// Proves RFC 8707 §2.2: a refresh asks for no resource beyond what was granted.
async fn the_resource_may_be_named_again_or_left_out(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut token = client.connect().await.refresh_token;
    for spelling in [RESOURCE, "https://mcp.example.com/mcp/", "https://MCP.example.com/mcp", ""] {
        let form = client.refresh_request(&token).with("resource", spelling);
        let tokens = Tokens::of(&server.post("/token", &form).await);
        assert_eq!(crate::support::claims(&tokens.access_token)["aud"], RESOURCE, "{spelling}");
        token = tokens.refresh_token;
    }
    for other in [
        "https://mcp.example.com",
        "https://mcp.example.com/mcp/x",
        "https://mcp.example.com/MCP",
        "http://mcp.example.com/mcp",
    ] {
        let form = client.refresh_request(&token).with("resource", other);
        server.post("/token", &form).await.assert_refused(400, "invalid_target", other);
    }
}

/// Proves RFC 9700 §4.14.2: an unused refresh token expires.
async fn an_idle_token_ends_after_thirty_days(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let token = client.connect().await.refresh_token;
    server.advance(30 * DAY - 1);
    let token = client.refreshed(&token).await.refresh_token;
    server.advance(30 * DAY);
    client.refresh(&token).await.assert_refused(400, "invalid_grant", "idle for thirty days");
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0, "an expired token is no sign of theft");
}

/// Uses the token often enough to live until `day`.
async fn keep_alive_until(day: u64, server: &Server, client: &McpClient<'_>) -> Tokens {
    let mut tokens = client.connect().await;
    for _ in 0..day / 10 {
        server.advance(10 * DAY);
        tokens = client.refreshed(&tokens.refresh_token).await;
    }
    tokens
}

async fn every_second_of_the_last_two_minutes_gives_a_token_that_ends_with_the_grant(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut tokens = keep_alive_until(80, &server, &client).await;
    server.advance(10 * DAY - 121);
    for remaining in (1..=120).rev() {
        server.advance(1);
        tokens = client.refreshed(&tokens.refresh_token).await;
        assert_eq!(tokens.expires_in, remaining);
        let claims = crate::support::claims(&tokens.access_token);
        let left = claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(exp, iat)| exp - iat);
        assert_eq!(left, Some(remaining));
    }
    for _ in 0..3 {
        server.advance(1);
        client.refresh(&tokens.refresh_token).await.assert_refused(400, "invalid_grant", "the end of the grant");
    }
}

async fn a_grant_ends_after_ninety_days_however_often_it_is_used(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let tokens = keep_alive_until(80, &server, &client).await;
    let lost = client.refreshed(&tokens.refresh_token).await;
    server.advance(10 * DAY);
    client.refresh(&lost.refresh_token).await.assert_refused(400, "invalid_grant", "the newest token");
    client.refresh(&tokens.refresh_token).await.assert_refused(400, "invalid_grant", "the token before");
}

async fn somebody_who_is_disabled_loses_nothing_but_time(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let first = client.connect().await.refresh_token;
    let second = client.refreshed(&first).await.refresh_token;
    let before = database.facts();
    database.execute("UPDATE users SET disabled_at = 1 WHERE username = 'ada'");
    for token in [&second, &first] {
        client.refresh(token).await.assert_refused(400, "invalid_grant", "the user is disabled");
    }
    assert_eq!(database.facts(), before);
    database.execute("UPDATE users SET disabled_at = NULL WHERE username = 'ada'");
    client.refreshed(&second).await;
}

async fn earlier_access_tokens_stay_valid(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let first = client.connect().await;
    server.advance(1800);
    let second = client.refreshed(&first.refresh_token).await;
    let keys = VerifyingKeys::from_jwks(server.get("/jwks").await.body.as_bytes()).expect("keys");
    let audience = ResourceId::from_config(RESOURCE).expect("a resource");
    let expected = Expectation { issuer: ISSUER.into(), audience, leeway: Duration::ZERO };
    let valid = |tokens: &Tokens| verify(&tokens.access_token, &keys, &expected, server.clock.now()).is_ok();
    assert!(valid(&first) && valid(&second));
    server.advance(1800);
    assert!(!valid(&first) && valid(&second));
}

async fn without_windows_the_second_use_of_a_token_ends_the_grant(database: &Database) {
    let more = "[tokens]\nlost_response_window = \"0s\"\nstale_sibling_window = \"0s\"";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let first = client.connect().await.refresh_token;
    let second = client.refreshed(&first).await.refresh_token;
    server.advance(1);
    client.refresh(&first).await.assert_refused(400, "invalid_grant", "the second use");
    client.refresh(&second).await.assert_refused(400, "invalid_grant", "the grant has ended");
}
