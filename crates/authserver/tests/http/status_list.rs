//! draft-ietf-oauth-status-list: who polls the list learns within a second or two which tokens were revoked.

use std::time::Duration;

use gatelodge_oauth::access_token::VerifyingKeys;
use gatelodge_oauth::status_list::{StatusList, verify};
use reqwest::Method;

use crate::support::{Answer, Database, McpClient, Server, Tokens, claims, on_both_databases, segment};

on_both_databases! {
    the_list_is_a_signed_document_of_its_own_type,
    a_revoked_grant_has_its_bit_set_and_the_others_do_not,
    who_has_the_list_is_told_that_nothing_changed,
    what_has_expired_leaves_the_list,
    a_list_that_cannot_be_made_is_tried_again_after_a_second,
}

const URI: &str = "https://mcp.example.com/status-list";

async fn list(server: &Server) -> StatusList {
    server.advance(1);
    let answer = server.get("/status-list").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/statuslist+jwt")), "{answer:?}");
    let keys = VerifyingKeys::from_jwks(server.get("/jwks").await.body.as_bytes()).expect("keys");
    verify(&answer.body, &keys, URI, Duration::ZERO, server.clock.now()).expect("a list").list
}

fn index(tokens: &Tokens) -> u64 {
    let status = &claims(&tokens.access_token)["status"]["status_list"];
    assert_eq!(status["uri"], URI);
    status["idx"].as_u64().expect("an index")
}

/// Proves draft-ietf-oauth-status-list §5.1: the list is a signed JWT of type statuslist+jwt.
async fn the_list_is_a_signed_document_of_its_own_type(database: &Database) {
    let server = Server::start(database).await;
    let answer = server.get("/status-list").await;
    let (header, body) = (segment(&answer.body, 0), segment(&answer.body, 1));
    assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("statuslist+jwt"), Some("ES256")));
    assert_eq!(header["kid"], server.get("/jwks").await.json()["keys"][0]["kid"]);
    let now = server.clock.now().as_unix();
    assert_eq!((body["sub"].as_str(), body["iat"].as_i64()), (Some(URI), Some(now)));
    assert!(body["exp"].as_i64() > Some(now) && body["ttl"].as_u64() > Some(0), "{body}");
    assert_eq!(body["status_list"]["bits"], 1);
    let page = server.request(Method::GET, "/status-list").header("origin", "https://page.example");
    assert_eq!(Answer::of(page).await.header("access-control-allow-origin"), Some("*"));
    assert_eq!(server.post_bytes("/status-list", "text/plain", "").await.status, 405);
}

/// Proves draft-ietf-oauth-status-list §4.1: the bit of a revoked token is set, and no other.
async fn a_revoked_grant_has_its_bit_set_and_the_others_do_not(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let (one, other) = (client.connect().await, client.connect().await);
    assert_ne!(index(&one), index(&other), "each grant has its own");
    let refreshed = client.refreshed(&one.refresh_token).await;
    assert_eq!(index(&refreshed), index(&one), "all tokens of a grant share one");
    assert_eq!(list(&server).await.is_set(index(&one)), Some(false));

    // A replaced token that comes back after both windows counts as stolen.
    server.advance(3600 + 1);
    assert_eq!(client.refresh(&one.refresh_token).await.status, 400);
    let list = list(&server).await;
    assert_eq!((list.is_set(index(&one)), list.is_set(index(&other))), (Some(true), Some(false)));
}

async fn who_has_the_list_is_told_that_nothing_changed(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    client.connect().await;
    let first = server.get("/status-list").await;
    let etag = first.header("etag").expect("a tag").to_owned();
    let ask =
        async |etag: &str| Answer::of(server.request(Method::GET, "/status-list").header("if-none-match", etag)).await;
    server.advance(2);
    for same in [etag.as_str(), etag.trim_start_matches("W/"), &format!("\"x\", {etag}"), "*"] {
        let answer = ask(same).await;
        assert_eq!(
            (answer.status, answer.body.as_str(), answer.header("etag")),
            (304, "", Some(etag.as_str())),
            "{same}"
        );
    }
    assert_eq!(ask("\"x\"").await.body, first.body, "the same document while nothing changed");
    database.execute("UPDATE grants SET revoked_at = 1");
    server.advance(1);
    assert_eq!(ask(&etag).await.status, 200);
    server.advance(600);
    let again = server.get("/status-list").await;
    assert!(segment(&again.body, 1)["iat"].as_i64() > segment(&first.body, 1)["iat"].as_i64(), "it stays fresh");
}

async fn what_has_expired_leaves_the_list(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    database.execute("UPDATE grants SET revoked_at = 1");
    assert_eq!(list(&server).await.is_set(index(&tokens)), Some(true));
    server.advance(90 * 86_400 + 600);
    assert_eq!(list(&server).await.is_set(index(&tokens)), Some(false), "no token of it can be alive");
}

async fn a_list_that_cannot_be_made_is_tried_again_after_a_second(database: &Database) {
    let server = Server::start(database).await;
    database.execute("ALTER TABLE status_indices RENAME TO out_of_reach");
    let refused = server.get("/status-list").await;
    refused.assert_refused(503, "temporarily_unavailable", "the database is away");
    database.execute("ALTER TABLE out_of_reach RENAME TO status_indices");
    assert_eq!(server.get("/status-list").await.status, 503, "all who ask within a second are told the same");
    server.advance(1);
    assert_eq!(server.get("/status-list").await.status, 200);
}
