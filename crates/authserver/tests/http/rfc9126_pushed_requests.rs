//! Pushed authorization requests: RFC 9126. A reference works for its own client, until it expires, and for one decision.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::mcp_client::path_of;
use crate::support::website::{Website, desktop_client};
use crate::support::{
    Answer, Browser, Database, Form, ISSUER, McpClient, Page, Server, Settings, Tokens, on_any_database,
    on_both_databases,
};

on_both_databases! {
    a_pushed_request_leads_to_a_code,
    opening_it_again_is_harmless_and_one_code_at_most_comes_of_it,
    of_many_parallel_approvals_of_one_reference_one_gives_a_code,
    a_denial_spends_the_reference_too,
    a_reference_ends_in_time_but_not_under_the_eyes_of_the_reader,
    a_reference_of_another_client_is_refused,
    a_client_proves_itself_as_at_the_token_endpoint,
}

on_any_database! {
    parameters_beside_the_reference_count_for_nothing,
    a_reference_that_is_not_one_is_refused_on_a_page,
    what_would_be_refused_later_is_refused_when_it_is_pushed,
    nothing_is_kept_that_is_not_read,
    a_secret_in_the_url_is_refused,
    the_lifetime_is_what_the_operator_says,
    browsers_may_push,
    a_client_that_a_document_describes_may_begin_here,
}

async fn push(server: &Server, form: &Form) -> Answer {
    server.post(&server.at("/par"), form).await
}

/// A request that is taken.
#[track_caller]
fn reference(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.json()["expires_in"], 300);
    let uri = answer.member("request_uri");
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:gatelodge_par_"), "{uri}");
    uri
}

async fn pushed(client: &McpClient<'_>, server: &Server) -> Form {
    let uri = reference(&push(server, &client.authorization_request()).await);
    Form::new([("client_id", &client.id), ("request_uri", &uri)])
}

async fn open(browser: &mut Browser<'_>, request: &Form) -> Page {
    browser.open(&path_of(request)).await
}

/// Proves RFC 9126 §2.2: a pushed request is answered with a reference that the browser brings.
async fn a_pushed_request_leads_to_a_code(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let request = pushed(&client, &server).await;
    let mut browser = Browser::new(&server);
    let login = open(&mut browser, &request).await;
    let consent = browser.sign_in(&login, "ada").await;
    let allowed = browser.allow(&consent).await;
    assert_eq!((allowed.answered("state").as_str(), allowed.answered("iss").as_str()), ("state-of-the-client", ISSUER));
    Tokens::of(&client.exchange(&allowed.answered("code")).await);
    assert_eq!(database.count("pushed_authorization_requests"), 0);
}

/// Proves RFC 9126 §4: one reference is good for one code.
async fn opening_it_again_is_harmless_and_one_code_at_most_comes_of_it(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let request = pushed(&client, &server).await;
    // A preview without cookies, the browser twice, and the window of another person.
    server.get(&path_of(&request)).await;
    let (mut browser, mut other) = (Browser::new(&server), Browser::new(&server));
    let (first, second) = (open(&mut browser, &request).await, open(&mut browser, &request).await);
    let of_other = open(&mut other, &request).await;
    let consent_of_other = other.sign_in(&of_other, "bob").await;
    let consent = browser.sign_in(&first, "ada").await;
    let code = browser.allow(&consent).await.answered("code");
    Tokens::of(&client.exchange(&code).await);
    let consent = browser.open(&second.path).await;
    consent.assert_consent();
    browser.allow(&consent).await.assert_error(400, "request_ended");
    other.allow(&consent_of_other).await.assert_error(400, "request_ended");
    open(&mut browser, &request).await.assert_error(400, "request_ended");
    assert_eq!((database.count("grants"), database.count("authorization_codes")), (1, 1));
}

async fn of_many_parallel_approvals_of_one_reference_one_gives_a_code(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let request = pushed(&client, &server).await;
    let mut browser = Browser::new(&server);
    let login = open(&mut browser, &request).await;
    let mut consents = vec![browser.sign_in(&login, "ada").await];
    for _ in 0..15 {
        consents.push(open(&mut browser, &request).await);
    }
    let browser = &browser;
    let allow = async |consent: &Page| {
        let form = consent.form("consent").with("decision", "allow");
        browser.second_tab().submit_without_following("/consent", &form).await
    };
    let answers = join_all(consents.iter().map(allow)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 400)), "{answers:?}");
    assert_eq!((database.count("grants"), database.count("authorization_codes")), (1, 1));
}

async fn a_denial_spends_the_reference_too(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let request = pushed(&client, &server).await;
    let mut browser = Browser::new(&server);
    let login = open(&mut browser, &request).await;
    let consent = browser.sign_in(&login, "ada").await;
    assert_eq!(browser.deny(&consent).await.answered("error"), "access_denied");
    open(&mut browser, &request).await.assert_error(400, "request_ended");
    assert_eq!(database.count("grants"), 0);
}

async fn a_reference_ends_in_time_but_not_under_the_eyes_of_the_reader(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let request = pushed(&client, &server).await;
    server.advance(299);
    let mut browser = Browser::new(&server);
    let login = open(&mut browser, &request).await;
    login.assert_login();
    server.advance(1);
    open(&mut browser, &request).await.assert_error(400, "request_ended");
    server.advance(590);
    let consent = browser.sign_in(&login, "ada").await;
    browser.allow(&consent).await.answered("code");
}

/// Proves RFC 9126 §4: a reference works for the client that pushed it.
async fn a_reference_of_another_client_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let (client, thief) =
        (McpClient::register(&server).await, McpClient::register_with(&server, json!({"client_name": "Thief"})).await);
    let request = pushed(&client, &server).await;
    let mut browser = Browser::new(&server);
    let before = database.facts();
    open(&mut browser, &request.clone().with("client_id", &thief.id)).await.assert_error(400, "request_ended");
    open(&mut browser, &request.clone().with("client_id", "nobody")).await.assert_error(400, "client_unknown");
    open(&mut browser, &request.clone().without("client_id")).await.assert_error(400, "request_invalid");
    assert_eq!(database.facts(), before);
    open(&mut browser, &request).await.assert_login();
}

/// Proves RFC 9126 §2: clients authenticate as at the token endpoint.
async fn a_client_proves_itself_as_at_the_token_endpoint(database: &Database) {
    let server = Server::start(database).await;
    let confidential = McpClient::register_with(
        &server,
        json!({ "redirect_uris": ["https://client.example/cb"], "token_endpoint_auth_method": "client_secret_basic" }),
    )
    .await;
    let secret = confidential.secret.clone().expect("a secret");
    let request = confidential.authorization_request();
    let before = database.facts();
    push(&server, &request).await.assert_refused(401, "invalid_client", "without its secret");
    push(&server, &request.clone().with("client_secret", "x")).await.assert_refused(
        401,
        "invalid_client",
        "a wrong one",
    );
    push(&server, &request.clone().with("client_id", "nobody")).await.assert_refused(401, "invalid_client", "unknown");
    push(&server, &request.clone().without("client_id")).await.assert_refused(400, "invalid_request", "nobody");
    assert_eq!(database.facts(), before);
    reference(&push(&server, &request.clone().with("client_secret", &secret)).await);
    let basic = server.request(Method::POST, "/par").basic_auth(&confidential.id, Some(&secret)).form(request.pairs());
    reference(&Answer::of(basic).await);
    let wrong = server.request(Method::POST, "/par").basic_auth(&confidential.id, Some("x")).form(request.pairs());
    let answer = Answer::of(wrong).await;
    answer.assert_refused(401, "invalid_client", "wrong, by header");
    assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Basic ")));
}

/// Proves RFC 9101 §5: nothing beside the reference counts but the client_id.
async fn parameters_beside_the_reference_count_for_nothing(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let request = pushed(&client, &server).await;
    let tampered = request
        .and("redirect_uri", "https://evil.example/")
        .and("state", "evil")
        .and("scope", "notes:write")
        .and("code_challenge", &"x".repeat(43))
        .and("response_type", "token")
        .and("prompt", "none")
        .and("resource", "https://evil.example/");
    let mut browser = Browser::new(&server);
    let login = open(&mut browser, &tampered).await;
    let consent = browser.sign_in(&login, "ada").await;
    let allowed = browser.allow(&consent).await;
    assert_eq!(allowed.answered("state"), "state-of-the-client");
    assert_eq!(Tokens::of(&client.exchange(&allowed.answered("code")).await).scope, "mcp:use");
}

async fn a_reference_that_is_not_one_is_refused_on_a_page(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let good = pushed(&client, &server).await.get("request_uri").to_owned();
    let mut browser = Browser::new(&server);
    for wrong in [
        "x",
        "https://client.example/request.jwt",
        "urn:ietf:params:oauth:request_uri:",
        &good[..good.len() - 1],
        &format!("{good}x"),
        &good.to_uppercase(),
        &good.replace("gatelodge_par_", "gatelodge_code_"),
    ] {
        // Also when everything else of the request is good: nothing falls back to it.
        let request = client.authorization_request().with("request_uri", wrong);
        open(&mut browser, &request).await.assert_error(400, "request_ended");
    }
    let twice = client.authorization_request().and("request_uri", &good).and("request_uri", &good);
    open(&mut browser, &twice).await.assert_error(400, "request_invalid");
    // RFC 6749 §3.1: an empty one is none.
    open(&mut browser, &client.authorization_request().with("request_uri", "")).await.assert_login();
}

/// Proves RFC 9126 §2.1: the request is checked when it is pushed, and must not point to another one.
async fn what_would_be_refused_later_is_refused_when_it_is_pushed(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let good = client.authorization_request();
    let before = database.facts();
    for (form, error) in [
        (good.clone().with("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
        (good.clone().with("redirect_uri", "https://evil.example/"), "invalid_request"),
        (good.clone().and("redirect_uri", &client.redirect_uri), "invalid_request"),
        (good.clone().without("response_type"), "invalid_request"),
        (good.clone().with("response_type", "token"), "unsupported_response_type"),
        (good.clone().without("code_challenge"), "invalid_request"),
        (good.clone().with("code_challenge_method", "plain"), "invalid_request"),
        (good.clone().with("resource", "https://evil.example/"), "invalid_target"),
        (good.clone().with("state", &"x".repeat(4097)), "invalid_request"),
        (good.clone().with("prompt", "none"), "interaction_required"),
        (good.clone().with("max_age", "x"), "invalid_request"),
        (good.clone().with("state", &"x".repeat(17_000)), "invalid_request"),
    ] {
        push(&server, &form).await.assert_refused(400, error, &format!("{form:?}"));
    }
    let json = server.post_bytes("/par", "application/json", "{}").await;
    json.assert_refused(400, "invalid_request", "JSON");
    assert_eq!(database.facts(), before);
}

async fn nothing_is_kept_that_is_not_read(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register_with(
        &server,
        json!({ "redirect_uris": ["https://client.example/cb"], "token_endpoint_auth_method": "client_secret_post" }),
    )
    .await;
    let secret = client.secret.clone().expect("a secret");
    let form = client.authorization_request().with("client_secret", &secret).and("audience", "unread");
    reference(&push(&server, &form).await);
    let holds = |text: &str| database.count(&format!("pushed_authorization_requests WHERE parameters LIKE '%{text}%'"));
    assert_eq!((holds("state-of-the-client"), holds("secret"), holds("unread"), holds("client_id")), (1, 0, 0, 0));
}

async fn a_secret_in_the_url_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let answer = server.post("/par?client_secret=x", &client.authorization_request()).await;
    answer.assert_refused(400, "invalid_request", "in the URL");
}

async fn the_lifetime_is_what_the_operator_says(database: &Database) {
    let more = "[tokens]\npushed_request_lifetime = \"1m\"\n";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let answer = push(&server, &client.authorization_request()).await;
    assert_eq!((answer.status, &answer.json()["expires_in"]), (201, &json!(60)));
}

async fn browsers_may_push(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for form in [client.authorization_request(), Form::default()] {
        let request = server.request(Method::POST, "/par").header("origin", "https://inspector.example");
        let answer = Answer::of(request.form(form.pairs())).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{answer:?}");
    }
    let get = server.get("/par").await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
}

async fn a_client_that_a_document_describes_may_begin_here(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let url = website.documents.put_client("/client.json", desktop_client());
    let client = McpClient::described(&server, &url, "http://127.0.0.1:53280/callback");
    let hopeless = client.authorization_request().without("code_challenge");
    push(&server, &hopeless).await.assert_refused(400, "invalid_request", "nothing is fetched for it");
    assert_eq!(website.documents.connections(), 0);
    let request = pushed(&client, &server).await;
    let mut browser = Browser::new(&server);
    let login = open(&mut browser, &request).await;
    let consent = browser.sign_in(&login, "ada").await;
    Tokens::of(&client.exchange(&browser.allow(&consent).await.answered("code")).await);
}
