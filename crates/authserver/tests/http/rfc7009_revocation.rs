//! Revocation: RFC 7009. What a client gives back is worth nothing afterwards, all of it; nobody gives back what is another's;
//! and an answer that says so is true.

use futures_util::future::join_all;
use gatelodge_oauth::secret::{Kind, Secret};
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Answer, Database, Form, McpClient, Server, Settings, TWO_RESOURCES, on_any_database, on_both_databases,
};

on_both_databases! {
    any_token_of_a_chain_ends_the_grant_and_no_other,
    an_access_token_ends_its_grant,
    another_clients_token_is_refused_and_goes_on_living,
    a_revocation_among_refreshes_leaves_no_living_token,
}

on_any_database! {
    what_is_unknown_is_as_good_as_revoked,
    a_wrong_hint_changes_nothing,
    a_secret_that_is_no_token_is_refused_and_goes_on_living,
    clients_prove_themselves_as_at_the_token_endpoint,
    a_request_that_cannot_be_read_is_refused,
}

fn revocation(client: &McpClient<'_>, token: &str) -> Form {
    Form::new([("client_id", client.id.as_str()), ("token", token)])
}

#[track_caller]
fn assert_revoked(answer: &Answer) {
    assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// Proves RFC 7009 §2.1: revoking a refresh token ends its grant.
async fn any_token_of_a_chain_ends_the_grant_and_no_other(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let bystander = client.connect().await;
    for given_back in 0..3 {
        let first = client.connect().await.refresh_token;
        let second = client.refreshed(&first).await.refresh_token;
        let third = client.refreshed(&second).await.refresh_token;
        let chain = [first, second, third];
        assert_revoked(&server.post("/revoke", &revocation(&client, &chain[given_back])).await);
        for token in &chain {
            client.refresh(token).await.assert_refused(400, "invalid_grant", "it was given back");
        }
        // Once more: it is as revoked as before.
        assert_revoked(&server.post("/revoke", &revocation(&client, &chain[given_back])).await);
    }
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 3);
    client.refreshed(&bystander.refresh_token).await;
}

/// Proves RFC 7009 §2.1: an access token can be revoked.
async fn an_access_token_ends_its_grant(database: &Database) {
    let server = Server::start_with(database, Settings { resources: TWO_RESOURCES, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let (tokens, bystander) = (client.connect().await, client.connect().await);
    for tampered in [format!("{}x", tokens.access_token), tokens.access_token.to_uppercase()] {
        assert_revoked(&server.post("/revoke", &revocation(&client, &tampered)).await);
    }
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0, "nobody can say that these were ours");
    assert_revoked(&server.post("/revoke", &revocation(&client, &tokens.access_token)).await);
    client.refresh(&tokens.refresh_token).await.assert_refused(400, "invalid_grant", "it was given back");
    let next = client.refreshed(&bystander.refresh_token).await;
    server.advance(3_700);
    assert_revoked(&server.post("/revoke", &revocation(&client, &next.access_token)).await);
    client.refreshed(&next.refresh_token).await;
}

/// Proves RFC 7009 §2.1: the token of another client is refused.
async fn another_clients_token_is_refused_and_goes_on_living(database: &Database) {
    let server = Server::start(database).await;
    let (client, other) = (McpClient::register(&server).await, McpClient::register(&server).await);
    let first = client.connect().await;
    let second = client.refreshed(&first.refresh_token).await;
    let before = database.facts();
    for token in [&first.refresh_token, &second.refresh_token, &second.access_token] {
        let answer = server.post("/revoke", &revocation(&other, token)).await;
        answer.assert_refused(400, "invalid_request", "it is another client's");
        assert_eq!(database.facts(), before);
    }
    client.refreshed(&second.refresh_token).await;
}

async fn a_revocation_among_refreshes_leaves_no_living_token(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for round in 0..4 {
        let token = client.connect().await.refresh_token;
        let revocation = revocation(&client, &token);
        let refreshes = join_all((0..16).map(|_| client.refresh(&token)));
        let (answers, revoked) = tokio::join!(refreshes, server.post("/revoke", &revocation));
        assert_revoked(&revoked);
        for answer in answers {
            assert!(matches!(answer.status, 200 | 400), "{answer:?}");
            if answer.status == 200 {
                let next = answer.member("refresh_token");
                client.refresh(&next).await.assert_refused(400, "invalid_grant", "the grant has ended");
            }
        }
        assert_eq!(database.count("grants WHERE revoked_at IS NULL"), 0, "round {round}");
    }
}

/// Proves RFC 7009 §2.2: an unknown token is answered with 200.
async fn what_is_unknown_is_as_good_as_revoked(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let never_issued = Secret::generate(Kind::RefreshToken);
    for token in ["x", "\u{e9}", "a.b.c", "gatelodge_rt_x", never_issued.expose(), "' OR 1=1", &"x".repeat(9_000)] {
        assert_revoked(&server.post("/revoke", &revocation(&client, token)).await);
    }
    let tokens = client.connect().await;
    server.advance(40 * 86_400);
    for token in [&tokens.refresh_token, &tokens.access_token] {
        assert_revoked(&server.post("/revoke", &revocation(&client, token)).await);
    }
}

/// Proves RFC 7009 §2.1: a wrong token_type_hint changes nothing.
async fn a_wrong_hint_changes_nothing(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for hint in ["access_token", "refresh_token", "id_token", ""] {
        let tokens = client.connect().await;
        for token in [&tokens.access_token, &tokens.refresh_token] {
            let form = revocation(&client, token).with("token_type_hint", hint);
            assert_revoked(&server.post("/revoke", &form).await);
            client.refresh(&tokens.refresh_token).await.assert_refused(400, "invalid_grant", hint);
        }
    }
    assert_eq!(database.count("grants WHERE revoked_at IS NULL"), 0);
}

/// Proves RFC 7009 §2.2.1: what cannot be revoked is told.
async fn a_secret_that_is_no_token_is_refused_and_goes_on_living(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let others = [Kind::ClientSecret, Kind::RegistrationAccessToken, Kind::DeviceCode, Kind::PushedRequest];
    let others = others.map(|kind| Secret::generate(kind).expose().to_owned());
    for secret in others.iter().chain([&code]) {
        let answer = server.post("/revoke", &revocation(&client, secret)).await;
        answer.assert_refused(400, "unsupported_token_type", secret);
    }
    assert_eq!(client.exchange(&code).await.status, 200);
}

/// Proves RFC 7009 §2.1: clients authenticate.
async fn clients_prove_themselves_as_at_the_token_endpoint(database: &Database) {
    let server = Server::start(database).await;
    let method = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let client = McpClient::register_with(&server, method).await;
    let secret = client.secret.clone().expect("a secret");
    let exchange = client.code_request(&client.code().await).with("client_secret", &secret);
    let token = server.post("/token", &exchange).await.member("refresh_token");
    let form = revocation(&client, &token);
    let before = database.facts();
    for (form, why) in [
        (form.clone(), "no secret"),
        (form.clone().with("client_secret", "x"), "a wrong secret"),
        (form.clone().with("client_id", "client_nobody"), "an unknown client"),
    ] {
        server.post("/revoke", &form).await.assert_refused(401, "invalid_client", why);
    }
    server.post("/revoke", &form.clone().without("client_id")).await.assert_refused(400, "invalid_request", "nobody");
    let wrong = server.request(Method::POST, "/revoke").basic_auth(&client.id, Some("x")).form(&[("token", &token)]);
    let wrong = Answer::of(wrong).await;
    wrong.assert_refused(401, "invalid_client", "a wrong secret in the header");
    assert!(wrong.header("www-authenticate").is_some());
    assert_eq!(database.facts(), before);
    let right =
        server.request(Method::POST, "/revoke").basic_auth(&client.id, Some(&secret)).form(&[("token", &token)]);
    assert_revoked(&Answer::of(right).await);
}

async fn a_request_that_cannot_be_read_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let form = revocation(&client, "x");
    for (form, why) in [
        (form.clone().without("token"), "no token"),
        (form.clone().with("token", ""), "an empty token"),
        (form.clone().and("token", "y"), "two tokens"),
        (form.clone().with("token_type_hint", "a").and("token_type_hint", "b"), "two hints"),
    ] {
        server.post("/revoke", &form).await.assert_refused(400, "invalid_request", why);
    }
    let in_url = server.post("/revoke?token=x", &form).await;
    in_url.assert_refused(400, "invalid_request", "a token in the URL");
    let json = server.post_bytes("/revoke", "application/json", json!({ "token": "x" }).to_string()).await;
    json.assert_refused(400, "invalid_request", "JSON");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = Answer::of(server.request(method, "/revoke")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
}
