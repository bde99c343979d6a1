//! How clients prove themselves at the token endpoint: RFC 6749 §2.3 and §5.2, RFC 7617 §2. Nothing is spent by a client that
//! does not.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Database, McpClient, Server, Tokens, on_both_databases};

on_both_databases! {
    a_client_with_a_secret_presents_it_in_the_body_or_in_the_header,
    a_wrong_secret_is_refused_and_the_code_survives,
    a_refusal_names_the_scheme_that_was_used,
    a_public_client_presents_no_secret,
    two_ways_at_once_are_refused,
    a_header_that_is_no_basic_authentication_is_refused,
    an_unknown_client_reads_like_every_other_unknown_client,
}

/// Proves RFC 6749 §2.3.1: a secret is taken by HTTP Basic and in the body.
async fn a_client_with_a_secret_presents_it_in_the_body_or_in_the_header(database: &Database) {
    let server = Server::start(database).await;
    for method in ["client_secret_post", "client_secret_basic"] {
        let client = McpClient::register_with(&server, json!({ "token_endpoint_auth_method": method })).await;
        let secret = client.secret.clone().expect("a secret");

        let in_body = client.code_request(&client.code().await).with("client_secret", &secret);
        Tokens::of(&server.post("/token", &in_body).await);

        let without_id = client.code_request(&client.code().await).without("client_id");
        Tokens::of(&client.post_with_basic(&without_id, &client.id, &secret).await);

        // RFC 6749 §2.3.1 wants id and secret form-encoded; many SDKs send the id in the body besides.
        let encoded = secret.replace('_', "%5F");
        let with_id = client.code_request(&client.code().await);
        let tokens = Tokens::of(&client.post_with_basic(&with_id, &client.id.replace('_', "%5f"), &encoded).await);

        let refresh = client.refresh_request(&tokens.refresh_token);
        client.refresh(&tokens.refresh_token).await.assert_refused(
            401,
            "invalid_client",
            "a refresh without the secret",
        );
        Tokens::of(&client.post_with_basic(&refresh, &client.id, &secret).await);
    }
}

/// Proves RFC 6749 §3.2.1: a confidential client authenticates at the token endpoint.
async fn a_wrong_secret_is_refused_and_the_code_survives(database: &Database) {
    let server = Server::start(database).await;
    let client =
        McpClient::register_with(&server, json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
    let other = McpClient::register_with(&server, json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
    let (secret, foreign) = (client.secret.clone().expect("a secret"), other.secret.clone().expect("a secret"));
    let code = client.code().await;
    let form = client.code_request(&code);
    let before = database.facts();
    let upper = secret.to_uppercase();
    for wrong in ["", "wrong", " ", &secret[1..], &secret[..secret.len() - 1], &format!("{secret} "), &upper, &foreign]
    {
        client.post_with_basic(&form, &client.id, wrong).await.assert_refused(401, "invalid_client", "Basic");
        server.post("/token", &form.clone().with("client_secret", wrong)).await.assert_refused(
            401,
            "invalid_client",
            "body",
        );
    }
    assert_eq!(database.facts(), before);
    assert_eq!(database.count("authorization_codes WHERE failures > 0"), 0);
    Tokens::of(&client.post_with_basic(&form, &client.id, &secret).await);
}

/// Proves RFC 6749 §5.2: invalid_client is 401 with the scheme that was used.
async fn a_refusal_names_the_scheme_that_was_used(database: &Database) {
    let server = Server::start(database).await;
    let client =
        McpClient::register_with(&server, json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
    let form = client.refresh_request("x");
    let with_header = client.post_with_basic(&form, &client.id, "wrong").await;
    assert!(
        with_header.header("www-authenticate").is_some_and(|value| value.starts_with("Basic realm=")),
        "{with_header:?}"
    );
    let in_body = server.post("/token", &form.with("client_secret", "wrong")).await;
    in_body.assert_refused(401, "invalid_client", "in the body");
    assert_eq!(in_body.header("www-authenticate"), None);
}

async fn a_public_client_presents_no_secret(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    assert_eq!(client.secret, None);
    let code = client.code().await;
    let form = client.code_request(&code);
    server.post("/token", &form.clone().with("client_secret", "x")).await.assert_refused(401, "invalid_client", "body");
    client.post_with_basic(&form, &client.id, "x").await.assert_refused(401, "invalid_client", "header");
    // The Go OAuth library tries Basic with an empty password first.
    let tokens = Tokens::of(&client.post_with_basic(&form.without("client_id"), &client.id, "").await);
    let refresh = client.refresh_request(&tokens.refresh_token).with("client_secret", "");
    Tokens::of(&server.post("/token", &refresh).await);
}

/// Proves RFC 6749 §2.3: one request authenticates in one way.
async fn two_ways_at_once_are_refused(database: &Database) {
    let server = Server::start(database).await;
    let client =
        McpClient::register_with(&server, json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
    let other = McpClient::register(&server).await;
    let secret = client.secret.clone().expect("a secret");
    let code = client.code().await;
    let form = client.code_request(&code);
    let both = form.clone().with("client_secret", &secret);
    client.post_with_basic(&both, &client.id, &secret).await.assert_refused(400, "invalid_request", "header and body");
    let other_id = form.clone().with("client_id", &other.id);
    client.post_with_basic(&other_id, &client.id, &secret).await.assert_refused(400, "invalid_request", "two clients");
    let header = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{secret}", client.id)));
    let twice =
        server.request(Method::POST, "/token").header("authorization", &header).header("authorization", &header);
    Answer::of(twice.form(form.pairs())).await.assert_refused(400, "invalid_request", "two headers");
    Tokens::of(&client.post_with_basic(&form, &client.id, &secret).await);
}

async fn a_header_that_is_no_basic_authentication_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let encode = |text: &[u8]| format!("Basic {}", BASE64_STANDARD.encode(text));
    for header in [
        String::new(),
        "Basic".into(),
        "Basic ".into(),
        "Basic %%%".into(),
        format!("Bearer {code}"),
        "Digest username=\"x\"".into(),
        encode(b""),
        encode(b":"),
        encode(b":secret"),
        encode(client.id.as_bytes()),
        encode(b"\xff\xfe:x"),
        encode(b"a\0b:c\0d"),
        encode(b"a%00b:"),
        encode(b"a%0D%0Ab:"),
        format!("Basic{}", BASE64_STANDARD.encode(format!("{}:", client.id))),
        format!("{}=", encode(format!("{}:x", client.id).as_bytes())),
    ] {
        let request = server.request(Method::POST, "/token").header("authorization", &header);
        let answer = Answer::of(request.form(client.code_request(&code).without("client_id").pairs())).await;
        answer.assert_refused(401, "invalid_client", &header);
    }
    Tokens::of(&client.exchange(&code).await);
}

async fn an_unknown_client_reads_like_every_other_unknown_client(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut answers = Vec::new();
    let longer = format!("{}x", client.id);
    for id in [
        "x",
        "client_0000000000000000000000",
        &client.id.to_uppercase(),
        &longer,
        "https://client.example/id",
        "' OR 1=1",
    ] {
        let answer = server.post("/token", &client.refresh_request("x").with("client_id", id)).await;
        answer.assert_refused(401, "invalid_client", id);
        answers.push(answer.body);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}
