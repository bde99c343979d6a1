//! The code grant at the token endpoint: RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 8707 §2.2, and what a second use of a code means
//! (RFC 6749 §4.1.2 and §10.5).

use serde_json::json;

use crate::support::{
    Browser, Database, McpClient, RESOURCE, Server, Settings, TWO_RESOURCES, Tokens, on_both_databases,
};

on_both_databases! {
    a_code_and_its_verifier_get_tokens,
    a_request_with_one_wrong_value_is_refused_and_the_code_survives,
    a_request_with_two_wrong_values_is_refused_and_the_code_survives,
    five_failures_burn_a_code,
    failures_that_prove_nothing_about_the_code_do_not_count,
    a_repeated_exchange_within_ten_seconds_is_refused_and_ends_nothing,
    a_later_replay_with_the_verifier_ends_the_grant,
    a_later_replay_without_proof_of_possession_ends_nothing,
    wrong_attempts_do_not_hide_a_replay,
    a_code_lives_for_sixty_seconds,
    a_code_for_one_resource_gives_no_token_for_another,
    the_spellings_of_a_resource_give_the_one_audience,
    a_client_without_the_refresh_grant_gets_no_refresh_token,
    a_code_of_somebody_who_was_disabled_meanwhile_is_refused,
    secrets_of_one_kind_open_no_other_door,
    every_secret_has_the_form_that_scanners_look_for,
}

/// Proves RFC 6749 §5.1: the answer has a token, its type, lifetime and scope, and is not cached.
async fn a_code_and_its_verifier_get_tokens(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;

    let tokens = Tokens::of(&client.exchange(&client.code().await).await);
    assert_eq!((tokens.scope.as_str(), tokens.expires_in), ("mcp:use", 3600));

    // OAuth 2.1 §10.2: clients of the new kind leave redirect_uri out; of the old revisions of MCP, resource.
    let bare = client.code_request(&client.code().await).without("redirect_uri").without("resource");
    Tokens::of(&server.post("/token", &bare).await);
}

/// Name of the case, what is wrong with the request, and the answer.
fn wrong_values(other_client: &str) -> Vec<(&'static str, &'static str, &str, u16, &'static str)> {
    vec![
        (
            "verifier of another flow",
            "code_verifier",
            "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong",
            400,
            "invalid_grant",
        ),
        ("verifier too short", "code_verifier", "short", 400, "invalid_grant"),
        ("no verifier", "code_verifier", "", 400, "invalid_request"),
        ("another client", "client_id", other_client, 400, "invalid_grant"),
        ("unknown client", "client_id", "client_nobody", 401, "invalid_client"),
        ("another path", "redirect_uri", "https://client.example/callback/", 400, "invalid_grant"),
        ("another port", "redirect_uri", "https://client.example:8443/callback", 400, "invalid_grant"),
        ("another resource", "resource", "https://other.example.com/mcp", 400, "invalid_target"),
    ]
}

/// Proves RFC 6749 §4.1.3: a code is exchanged only by its client, with its redirect URI and for its resource.
async fn a_request_with_one_wrong_value_is_refused_and_the_code_survives(database: &Database) {
    let server = Server::start(database).await;
    let (client, other) = (McpClient::register(&server).await, McpClient::register(&server).await);
    for (why, name, value, status, error) in wrong_values(&other.id) {
        let code = client.code().await;
        let before = database.facts();
        let answer = server.post("/token", &client.code_request(&code).with(name, value)).await;
        answer.assert_refused(status, error, why);
        assert_eq!(database.facts(), before, "{why}");
        Tokens::of(&client.exchange(&code).await);
    }
}

async fn a_request_with_two_wrong_values_is_refused_and_the_code_survives(database: &Database) {
    let server = Server::start(database).await;
    let (client, other) = (McpClient::register(&server).await, McpClient::register(&server).await);
    let wrong = wrong_values(&other.id);
    for (first, (why, name, value, ..)) in wrong.iter().enumerate() {
        let code = client.code().await;
        // At most four failures of one code: the fifth would burn it.
        for (other_why, other_name, other_value, ..) in wrong.iter().skip(first + 1).filter(|w| w.1 != *name).take(4) {
            let form = client.code_request(&code).with(name, value).with(other_name, other_value);
            let answer = server.post("/token", &form).await;
            assert!(matches!(answer.status, 400 | 401), "{why} and {other_why}: {answer:?}");
        }
        Tokens::of(&client.exchange(&code).await);
    }
}

/// Proves RFC 6749 §10.10: a code cannot be attacked by trying.
async fn five_failures_burn_a_code(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let wrong = client.code_request(&code).with("code_verifier", &"x".repeat(43));
    for _ in 0..5 {
        server.post("/token", &wrong).await.assert_refused(400, "invalid_grant", "a guess");
    }
    client.exchange(&code).await.assert_refused(400, "invalid_grant", "after five guesses");
    assert_eq!(database.count("refresh_tokens"), 0);
}

async fn failures_that_prove_nothing_about_the_code_do_not_count(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let good = client.code_request(&code);
    for _ in 0..6 {
        server.post("/token", &good.clone().without("code_verifier")).await.assert_refused(
            400,
            "invalid_request",
            "none",
        );
        server.post("/token", &good.clone().with("client_id", "nobody")).await.assert_refused(
            401,
            "invalid_client",
            "?",
        );
        server.post("/token", &good.clone().and("code", &code)).await.assert_refused(400, "invalid_request", "twice");
        server.post("/token", &good.clone().with("resource", "x:y")).await.assert_refused(400, "invalid_target", "?");
    }
    Tokens::of(&client.exchange(&code).await);
}

async fn a_repeated_exchange_within_ten_seconds_is_refused_and_ends_nothing(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let tokens = Tokens::of(&client.exchange(&code).await);
    for seconds in [0, 1, 9] {
        server.advance(seconds);
        client.exchange(&code).await.assert_refused(400, "invalid_grant", "a second use");
    }
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0);
    client.refreshed(&tokens.refresh_token).await;
}

/// Proves RFC 6749 §4.1.2: a code used twice is refused, and what was issued for it is revoked.
async fn a_later_replay_with_the_verifier_ends_the_grant(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let (tokens, bystander) = (Tokens::of(&client.exchange(&code).await), client.connect().await);
    server.advance(30);
    client.exchange(&code).await.assert_refused(400, "invalid_grant", "a replay by somebody with the verifier");
    client.refresh(&tokens.refresh_token).await.assert_refused(400, "invalid_grant", "the grant has ended");
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 1);
    assert_eq!(
        database.count("audit_events WHERE outcome = 'revoked' AND reason = 'replayed'"),
        1,
        "its owner sees why"
    );
    client.refreshed(&bystander.refresh_token).await;
}

/// A thief who was faster tries to have the code burnt, so that its owner is not heard.
async fn wrong_attempts_do_not_hide_a_replay(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let stolen = Tokens::of(&client.exchange(&code).await);
    for _ in 0..6 {
        let wrong = client.code_request(&code).with("code_verifier", &"x".repeat(43));
        server.post("/token", &wrong).await.assert_refused(400, "invalid_grant", "a wrong verifier");
    }
    server.advance(11);
    client.exchange(&code).await.assert_refused(400, "invalid_grant", "the owner comes later");
    client.refresh(&stolen.refresh_token).await.assert_refused(400, "invalid_grant", "the grant has ended");
}

/// Proves RFC 9700 §4.5.3.1: who has only a code cannot end the grant of its owner.
async fn a_later_replay_without_proof_of_possession_ends_nothing(database: &Database) {
    let server = Server::start(database).await;
    let (client, other) = (McpClient::register(&server).await, McpClient::register(&server).await);
    for (why, name, value, status, error) in wrong_values(&other.id) {
        if name == "resource" {
            continue; // Whoever has client, redirect URI and verifier right has proven possession.
        }
        let code = client.code().await;
        let tokens = Tokens::of(&client.exchange(&code).await);
        server.advance(30);
        server.post("/token", &client.code_request(&code).with(name, value)).await.assert_refused(status, error, why);
        client.refreshed(&tokens.refresh_token).await;
    }
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0);
}

/// Proves RFC 6749 §4.1.2: a code is short-lived.
async fn a_code_lives_for_sixty_seconds(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let (in_time, late) = (client.code().await, client.code().await);
    server.advance(59);
    Tokens::of(&client.exchange(&in_time).await);
    server.advance(1);
    client.exchange(&late).await.assert_refused(400, "invalid_grant", "after sixty seconds");
    server.advance(30 * 86_400);
    client.exchange(&late).await.assert_refused(400, "invalid_grant", "after a month");
}

/// Proves RFC 8707 §2.2: a token request asks for no resource beyond what was granted.
async fn a_code_for_one_resource_gives_no_token_for_another(database: &Database) {
    let settings = Settings { resources: TWO_RESOURCES, ..Settings::default() };
    let server = Server::start_with(database, settings).await;
    let client = McpClient::register(&server).await;
    let (first, second) = (RESOURCE, "https://mcp.example.com/other");
    let request = client.authorization_request().with("resource", second);
    let code = client.code_of(&request).await;
    for wrong in [first, "https://mcp.example.com", "https://mcp.example.com/other/x", "/other", "other", "%", "urn:x"]
    {
        let form = client.code_request(&code).with("resource", wrong);
        server.post("/token", &form).await.assert_refused(400, "invalid_target", wrong);
    }
    let both = client.code_request(&code).with("resource", second).and("resource", first);
    server.post("/token", &both).await.assert_refused(400, "invalid_target", "one token has one audience");
    let tokens = Tokens::of(&server.post("/token", &client.code_request(&code).without("resource")).await);
    assert_eq!(tokens.scope, "other:use");
    let wrong = client.refresh_request(&tokens.refresh_token).with("resource", first);
    server.post("/token", &wrong).await.assert_refused(400, "invalid_target", "at the refresh");
}

/// Proves RFC 8707 §2: the resource becomes the audience.
async fn the_spellings_of_a_resource_give_the_one_audience(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for spelling in
        [RESOURCE, "https://mcp.example.com/mcp/", "HTTPS://MCP.EXAMPLE.COM/mcp", "https://mcp.example.com:443/mcp"]
    {
        let code = client.code_of(&client.authorization_request().with("resource", spelling)).await;
        let form = client.code_request(&code).with("resource", spelling).and("resource", RESOURCE);
        let tokens = Tokens::of(&server.post("/token", &form).await);
        assert_eq!(crate::support::claims(&tokens.access_token)["aud"], json!(RESOURCE), "{spelling}");
    }
}

async fn a_client_without_the_refresh_grant_gets_no_refresh_token(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register_with(&server, json!({ "grant_types": ["authorization_code"] })).await;
    let answer = client.exchange(&client.code().await).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json().get("refresh_token").is_none(), "{answer:?}");
    assert_eq!(database.count("refresh_tokens"), 0);
    client.refresh("x").await.assert_refused(400, "unauthorized_client", "not registered for it");
}

async fn a_code_of_somebody_who_was_disabled_meanwhile_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    database.execute("UPDATE users SET disabled_at = 1 WHERE username = 'ada'");
    client.exchange(&code).await.assert_refused(400, "invalid_grant", "the user is disabled");
    assert_eq!(database.count("refresh_tokens"), 0);
    database.execute("UPDATE users SET disabled_at = NULL WHERE username = 'ada'");
    Tokens::of(&client.exchange(&code).await);
}

async fn secrets_of_one_kind_open_no_other_door(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let tokens = client.connect().await;
    for door in ["code", "refresh_token"] {
        let request = |secret: &str| match door {
            "code" => client.code_request(secret),
            _ => client.refresh_request(secret),
        };
        let own = if door == "code" { &code } else { &tokens.refresh_token };
        let truncated = own[..own.len() - 1].to_owned();
        let longer = format!("{own}0");
        let other_case = own.to_uppercase();
        let strangers =
            [&code, &tokens.refresh_token, &tokens.access_token, &client.id, &truncated, &longer, &other_case];
        for secret in strangers.into_iter().filter(|secret| *secret != own) {
            server.post("/token", &request(secret)).await.assert_refused(400, "invalid_grant", door);
        }
    }
    Tokens::of(&client.exchange(&code).await);
    client.refreshed(&tokens.refresh_token).await;
}

async fn every_secret_has_the_form_that_scanners_look_for(database: &Database) {
    let server = Server::start(database).await;
    let metadata = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let client = McpClient::register_with(&server, metadata).await;
    let secret = client.secret.clone().expect("a secret");
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    let session = browser.session().1.to_owned();
    let code = browser.allow(&consent).await.answered("code");
    let form = client.code_request(&code).with("client_secret", &secret);
    let tokens = Tokens::of(&server.post("/token", &form).await);
    for (kind, value) in [
        ("cs", &secret),
        ("code", &code),
        ("rt", &tokens.refresh_token),
        ("session", &session),
        ("txn", &consent.form("consent").get("transaction").to_owned()),
    ] {
        let rest = value.strip_prefix(&format!("gatelodge_{kind}_")).unwrap_or_else(|| panic!("{value}"));
        assert!(rest.len() == 49 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{value}");
    }
}
