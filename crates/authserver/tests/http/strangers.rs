//! What whoever is not known may cause: rows, and fetches from other websites. Both are limited by source and for all together
//! (RFC 6585 §4), and none of it reaches a client that was allowed something.

use gatelodge_e2e::documents::Answer as Document;
use reqwest::Method;
use serde_json::json;

use crate::support::website::{Website, desktop_client};
use crate::support::{
    Answer, Browser, Database, Form, McpClient, Page, Server, Settings, Signer, Tokens, on_any_database,
};

on_any_database! {
    requests_beyond_the_limit_are_told_when_to_come_back_and_keep_nothing,
    documents_beyond_the_limit_are_not_asked_for,
    a_source_that_asks_for_too_many_documents_takes_none_from_others,
    keys_that_are_held_are_good_while_none_may_be_asked_for,
    a_host_that_does_not_answer_is_asked_for_no_other_document,
    who_may_not_register_uses_up_nothing_of_what_there_is_for_all,
}

const REDIRECT: &str = "http://127.0.0.1:53280/callback";
const BEHIND_A_PROXY: &str = "[\"127.0.0.0/8\", \"::1\"]";

async fn requests_beyond_the_limit_are_told_when_to_come_back_and_keep_nothing(database: &Database) {
    let limits = "requests_per_source = 6\nrequests = 1000";
    let more = "[grants]\ndevice_code = true\n";
    let server = Server::start_with(database, Settings { limits, more, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    for _ in 0..3 {
        assert_eq!(server.post("/par", &client.authorization_request()).await.status, 201);
    }
    server.post("/device_authorization", &Form::new([("client_id", &client.id)])).await;
    Browser::new(&server).open(&client.authorize_path()).await.assert_login();

    let rows = || {
        ["pushed_authorization_requests", "device_authorizations", "pending_authorizations"]
            .map(|table| database.count(table))
    };
    let before = rows();
    for path in ["/par", "/device_authorization"] {
        let refused = server.post(path, &client.authorization_request()).await;
        refused.assert_refused(429, "too_many_requests", path);
        assert_eq!(refused.header("retry-after"), Some("10"));
    }
    let page = Browser::new(&server).open(&client.authorize_path()).await;
    page.assert_error(429, "too_many_requests");
    assert_eq!((page.answer.header("retry-after"), &page.left_for), (Some("10"), &None));
    assert_eq!(rows(), before, "a refused request does not reach the database");
    let tokens = client.refreshed(&tokens.refresh_token).await;
    server.advance(10);
    Browser::new(&server).open(&client.authorize_path()).await.assert_login();
    client.refreshed(&tokens.refresh_token).await;
}

/// A website, and a server that asks it no more than four times a minute for one source.
async fn sparing(database: &Database, website: &Website) -> Server {
    let limits = "documents_per_source = 4\ndocuments = 1000";
    Server::start_with(database, Settings { limits, trusted_proxies: BEHIND_A_PROXY, ..website.settings("") }).await
}

async fn open(server: &Server, website: &Website, path: &str) -> Page {
    let url = website.documents.put_client(path, desktop_client());
    let client = McpClient::described(server, &url, REDIRECT);
    Browser::new(server).open(&client.authorize_path()).await
}

/// Asks for one document after the other until no more are asked for.
async fn use_up(server: &Server, website: &Website, round: &str) {
    for number in 0..=4 {
        let page = open(server, website, &format!("/{round}/{number}")).await;
        if page.answer.status == 429 {
            return;
        }
    }
    panic!("documents are asked for without end");
}

async fn documents_beyond_the_limit_are_not_asked_for(database: &Database) {
    let website = Website::start();
    let server = sparing(database, &website).await;
    for number in 0..4 {
        open(&server, &website, &format!("/{number}")).await.assert_login();
    }
    let page = open(&server, &website, "/late").await;
    page.assert_error(429, "too_many_requests");
    assert_eq!((page.answer.header("retry-after"), &page.left_for), (Some("15"), &None));
    let late = McpClient::described(&server, &website.documents.url("/late"), REDIRECT);
    let refused = server.post("/par", &late.authorization_request()).await;
    refused.assert_refused(503, "temporarily_unavailable", "no fault of the client");
    assert_eq!(website.documents.connections(), 4);

    // Who is known costs nothing, and the refusal is not remembered.
    open(&server, &website, "/0").await.assert_login();
    server.advance(15);
    open(&server, &website, "/late").await.assert_login();
    assert_eq!(website.documents.connections(), 5);

    // Also when the host should be asked again.
    server.advance(86_400);
    use_up(&server, &website, "again").await;
    let asked = website.documents.connections();
    open(&server, &website, "/0").await.assert_login();
    assert_eq!(website.documents.connections(), asked);
}

async fn a_source_that_asks_for_too_many_documents_takes_none_from_others(database: &Database) {
    let website = Website::start();
    let server = sparing(database, &website).await;
    use_up(&server, &website, "flood").await;
    let url = website.documents.put_client("/honest", desktop_client());
    let path = McpClient::described(&server, &url, REDIRECT).authorize_path();
    let other = server.request(Method::GET, &path).header("x-forwarded-for", "198.51.100.1");
    assert_eq!(Answer::of(other).await.status, 303);
    assert_eq!(server.get(&path).await.status, 303, "known by now");
}

async fn keys_that_are_held_are_good_while_none_may_be_asked_for(database: &Database) {
    let website = Website::start();
    let server = sparing(database, &website).await;
    let signer = Signer::new(&server);
    website.documents.put("/jwks.json", Document::json(&signer.jwks()));
    let mut document = desktop_client();
    document["token_endpoint_auth_method"] = json!("private_key_jwt");
    document["jwks_uri"] = json!(website.documents.url("/jwks.json"));
    let client = McpClient::described(&server, &website.documents.put_client("/client.json", document), REDIRECT);
    let exchange = signer.signed(&client.code_request(&client.code().await));
    let tokens = Tokens::of(&server.post("/token", &exchange).await);

    server.advance(3_600);
    use_up(&server, &website, "an-hour-later").await;
    let asked = website.documents.connections();
    let refresh = signer.signed(&client.refresh_request(&tokens.refresh_token));
    let tokens = Tokens::of(&server.post("/token", &refresh).await);
    assert_eq!(website.documents.connections(), asked);

    // Too old to be believed, and nobody may be asked: the client tries again, and soon.
    server.advance(2 * 86_400);
    use_up(&server, &website, "days-later").await;
    let refresh = client.refresh_request(&tokens.refresh_token);
    let answer = server.post("/token", &signer.signed(&refresh)).await;
    answer.assert_refused(503, "temporarily_unavailable", "no fault of the client");
    server.advance(15);
    Tokens::of(&server.post("/token", &signer.signed(&refresh)).await);
}

async fn a_host_that_does_not_answer_is_asked_for_no_other_document(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    website.documents.put("/refused", Document::status(403));
    let refused = McpClient::described(&server, &website.documents.url("/refused"), REDIRECT);
    Browser::new(&server).open(&refused.authorize_path()).await.assert_error(503, "client_document_unreachable");
    open(&server, &website, "/one").await.assert_login();

    website.documents.set_down(true);
    open(&server, &website, "/two").await.assert_error(503, "client_document_unreachable");
    let asked = website.documents.connections();
    for number in 0..5 {
        let page = open(&server, &website, &format!("/{number}")).await;
        page.assert_error(503, "client_document_unreachable");
    }
    open(&server, &website, "/one").await.assert_login();
    website.documents.set_down(false);
    open(&server, &website, "/three").await.assert_error(503, "client_document_unreachable");
    assert_eq!(website.documents.connections(), asked);
    server.advance(30);
    open(&server, &website, "/three").await.assert_login();
}

async fn who_may_not_register_uses_up_nothing_of_what_there_is_for_all(database: &Database) {
    const TOKEN: &str = "an initial access token of the operator";
    let settings = Settings {
        limits: "registrations_per_source = 3\nregistrations = 2",
        more: "[registration]\ndcr = \"token\"\ninitial_access_token = \"an initial access token of the operator\"",
        trusted_proxies: BEHIND_A_PROXY,
        ..Settings::default()
    };
    let server = Server::start_with(database, settings).await;
    let ask = async |method: Method, path: &str, source: &str, token: &str| {
        let request = server.request(method, path).header("content-type", "application/json");
        let request = request.header("x-forwarded-for", source).bearer_auth(token);
        let body = json!({ "client_name": source, "redirect_uris": ["https://client.example/callback"] });
        Answer::of(request.body(body.to_string())).await.status
    };
    let forged = format!("gatelodge_rat_{}", "A".repeat(43));
    for number in 0..10 {
        let source = format!("198.51.100.{number}");
        assert_eq!(ask(Method::POST, "/register", &source, "a guess").await, 401);
        assert_eq!(ask(Method::PUT, "/register/x", &source, "a guess").await, 401);
        assert_eq!(ask(Method::PUT, "/register/x", &source, &forged).await, 401);
        assert_eq!(ask(Method::POST, "/register", &source, "a guess").await, 429, "one source guesses so often");
    }
    for (source, expected) in [("203.0.113.1", 201), ("203.0.113.2", 201), ("203.0.113.3", 429)] {
        assert_eq!(ask(Method::POST, "/register", source, TOKEN).await, expected);
    }
}
