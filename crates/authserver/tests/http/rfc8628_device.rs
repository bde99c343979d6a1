//! The device grant from the device's side: RFC 8628 §3.1, §3.2, §3.4 and §3.5.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Answer, Browser, Database, Form, ISSUER, McpClient, Page, RESOURCE, Server, Settings, TWO_RESOURCES, Tokens,
    claims, on_any_database, on_both_databases,
};

on_both_databases! {
    a_device_is_connected_and_stays_connected,
    a_device_that_asks_too_often_must_wait_longer,
    a_denial_reaches_the_device,
    the_codes_end_in_time,
    of_many_devices_with_one_code_one_gets_tokens,
    a_code_belongs_to_its_client,
    a_person_who_was_disabled_gives_nothing,
}

on_any_database! {
    it_is_off_unless_the_operator_turns_it_on,
    it_is_announced_when_it_is_on,
    a_client_must_be_registered_for_it,
    what_cannot_be_granted_is_refused_before_anybody_types,
    a_device_code_opens_no_other_door_and_nothing_else_opens_this_one,
    a_client_without_refresh_gets_none,
}

pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub async fn server(database: &Database) -> Server {
    Server::start_with(database, Settings { more: "[grants]\ndevice_code = true\n", ..Settings::default() }).await
}

pub async fn device_client(server: &Server) -> McpClient<'_> {
    let grant_types = json!(["authorization_code", "refresh_token", DEVICE_CODE]);
    McpClient::register_with(server, json!({ "client_name": "Robot", "grant_types": grant_types })).await
}

/// The answer to a device that begins.
#[derive(Debug)]
pub struct Codes {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri_complete: String,
}

pub async fn begin(client: &McpClient<'_>, server: &Server) -> Codes {
    let form = Form::new([("client_id", client.id.as_str()), ("scope", "notes:read openid"), ("resource", RESOURCE)]);
    let answer = server.post("/device_authorization", &form).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.assert_no_null();
    assert_eq!((&answer.json()["expires_in"], &answer.json()["interval"]), (&json!(600), &json!(5)));
    assert_eq!(answer.member("verification_uri"), format!("{ISSUER}/device"));
    Codes {
        device_code: answer.member("device_code"),
        user_code: answer.member("user_code"),
        verification_uri_complete: answer.member("verification_uri_complete"),
    }
}

pub fn poll_request(client: &McpClient<'_>, device_code: &str) -> Form {
    Form::new([("grant_type", DEVICE_CODE), ("client_id", &client.id), ("device_code", device_code)])
}

pub async fn poll(client: &McpClient<'_>, server: &Server, codes: &Codes) -> Answer {
    server.post("/token", &poll_request(client, &codes.device_code)).await
}

/// Types the code and signs in: the consent page.
pub async fn consent_page(browser: &mut Browser<'_>, user_code: &str) -> Page {
    let page = browser.open("/device").await;
    let next = browser.submit(&page.action("device"), &page.form("device").with("user_code", user_code)).await;
    if next.has("sign-in") { browser.sign_in(&next, "ada").await } else { next }
}

/// Proves RFC 8628 §3.4: a device gets tokens after a person allowed it.
async fn a_device_is_connected_and_stays_connected(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    poll(&client, &server, &codes).await.assert_refused(400, "authorization_pending", "nobody typed yet");
    let mut browser = Browser::new(&server);
    let consent = consent_page(&mut browser, &codes.user_code).await;
    consent.assert_consent();
    assert_eq!(
        (consent.text_of("redirect-host"), consent.text_of("client-name")),
        (codes.user_code.clone(), "Robot".into())
    );
    server.advance(5);
    poll(&client, &server, &codes).await.assert_refused(400, "authorization_pending", "nobody decided yet");
    let done = browser.allow(&consent).await;
    assert_eq!((done.answer.status, done.left_for.is_none()), (200, true));
    assert!(done.text_of("done").contains("go back to your device"), "{done:?}");
    let tokens = Tokens::of(&poll(&client, &server, &codes).await);
    assert_eq!(tokens.scope, "notes:read");
    let claims = claims(&tokens.access_token);
    assert_eq!((&claims["aud"], &claims["client_id"]), (&json!(RESOURCE), &json!(client.id)));
    assert!(claims["sub"].as_str().is_some_and(|sub| sub.starts_with("user_")));
    let next = client.refreshed(&tokens.refresh_token).await;
    assert_eq!(client.refreshed(&next.refresh_token).await.scope, "notes:read");
    poll(&client, &server, &codes).await.assert_refused(400, "invalid_grant", "a second time");
    // Using the device code twice costs the device nothing: it may not have got the first answer whole.
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0);
    browser.allow(&consent).await.assert_error(400, "request_ended");
}

/// Proves RFC 8628 §3.5: a device that asks too often waits five seconds longer each time.
async fn a_device_that_asks_too_often_must_wait_longer(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    // Five seconds at first, and five more after each request that came too soon.
    for (seconds, error) in [
        (0, "authorization_pending"),
        (4, "slow_down"),
        (9, "slow_down"),
        (15, "authorization_pending"),
        (14, "slow_down"),
        (20, "authorization_pending"),
    ] {
        server.advance(seconds);
        poll(&client, &server, &codes).await.assert_refused(400, error, &format!("after {seconds}"));
    }
    // Whoever has waited for a decision gets it at once.
    let mut browser = Browser::new(&server);
    let consent = consent_page(&mut browser, &codes.user_code).await;
    browser.allow(&consent).await;
    Tokens::of(&poll(&client, &server, &codes).await);
}

/// Proves RFC 8628 §3.5: a denial is told as access_denied.
async fn a_denial_reaches_the_device(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    let mut browser = Browser::new(&server);
    let consent = consent_page(&mut browser, &codes.user_code).await;
    let done = browser.deny(&consent).await;
    assert_eq!((done.answer.status, done.text_of("done").as_str()), (200, "Access denied"));
    poll(&client, &server, &codes).await.assert_refused(400, "access_denied", "denied");
    poll(&client, &server, &codes).await.assert_refused(400, "access_denied", "and again");
    assert_eq!((database.count("grants"), database.count("refresh_tokens")), (0, 0));
    browser.allow(&consent).await.assert_error(400, "request_ended");
    let again = consent_page(&mut browser, &codes.user_code).await;
    assert!(again.has("problem"), "{again:?}");
}

/// Proves RFC 8628 §3.5: codes expire.
async fn the_codes_end_in_time(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let (codes, late) = (begin(&client, &server).await, begin(&client, &server).await);
    let mut browser = Browser::new(&server);
    server.advance(599);
    let consent = consent_page(&mut browser, &codes.user_code).await;
    let consent_of_late = consent_page(&mut browser, &late.user_code).await;
    browser.allow(&consent).await;
    server.advance(1);
    // The page is still open, the device has given up.
    browser.allow(&consent_of_late).await.assert_error(400, "request_ended");
    poll(&client, &server, &late).await.assert_refused(400, "expired_token", "never allowed");
    poll(&client, &server, &codes).await.assert_refused(400, "expired_token", "allowed, and not fetched in time");
    assert_eq!(database.count("grants"), 1);
    assert!(consent_page(&mut browser, &late.user_code).await.has("problem"));
}

/// Proves RFC 8628 §3.5: of parallel requests with one device code one succeeds.
async fn of_many_devices_with_one_code_one_gets_tokens(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let mut browser = Browser::new(&server);
    for _ in 0..4 {
        let codes = begin(&client, &server).await;
        let consent = consent_page(&mut browser, &codes.user_code).await;
        browser.allow(&consent).await;
        let answers = join_all((0..16).map(|_| poll(&client, &server, &codes))).await;
        let (good, bad): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!(good.len(), 1);
        bad.iter().for_each(|answer| answer.assert_refused(400, "invalid_grant", "the others"));
    }
    assert_eq!(database.count("refresh_tokens"), 4);
}

async fn a_code_belongs_to_its_client(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    let thief = McpClient::register_with(
        &server,
        json!({ "client_name": "Thief", "grant_types": ["authorization_code", DEVICE_CODE] }),
    )
    .await;
    poll(&thief, &server, &codes).await.assert_refused(400, "invalid_grant", "waiting");
    let mut browser = Browser::new(&server);
    let consent = consent_page(&mut browser, &codes.user_code).await;
    browser.allow(&consent).await;
    poll(&thief, &server, &codes).await.assert_refused(400, "invalid_grant", "allowed");
    let elsewhere = poll_request(&client, &codes.device_code).with("resource", "https://mcp.example.com/other");
    server.post("/token", &elsewhere).await.assert_refused(400, "invalid_target", "another resource");
    Tokens::of(&poll(&client, &server, &codes).await);
}

async fn a_person_who_was_disabled_gives_nothing(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    let mut browser = Browser::new(&server);
    let consent = consent_page(&mut browser, &codes.user_code).await;
    browser.allow(&consent).await;
    database.execute("UPDATE users SET disabled_at = 1 WHERE username = 'ada'");
    poll(&client, &server, &codes).await.assert_refused(400, "invalid_grant", "disabled");
    assert_eq!(database.count("refresh_tokens"), 0);
}

async fn it_is_off_unless_the_operator_turns_it_on(database: &Database) {
    let server = Server::start(database).await;
    let client = device_client(&server).await;
    let form = Form::new([("client_id", client.id.as_str())]);
    assert_eq!(server.post("/device_authorization", &form).await.status, 404);
    assert_eq!((server.get("/device").await.status, server.post("/device", &form).await.status), (404, 404));
    let poll = poll_request(&client, "x");
    server.post("/token", &poll).await.assert_refused(400, "unsupported_grant_type", "off");
    let metadata = server.get("/.well-known/oauth-authorization-server").await;
    assert!(!metadata.body.contains("device"), "{metadata:?}");
    assert_eq!(database.count("clients WHERE grant_types LIKE '%device%'"), 0, "nobody is registered for it");
}

async fn it_is_announced_when_it_is_on(database: &Database) {
    let server = server(database).await;
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["device_authorization_endpoint"], format!("{ISSUER}/device_authorization"));
    assert!(metadata["grant_types_supported"].as_array().is_some_and(|types| types.contains(&json!(DEVICE_CODE))));
    let request = server.request(Method::POST, "/device_authorization").header("origin", "https://inspector.example");
    assert_eq!(Answer::of(request).await.header("access-control-allow-origin"), Some("*"));
    let page = server.request(Method::GET, "/device").header("origin", "https://inspector.example");
    assert_eq!(Answer::of(page).await.header("access-control-allow-origin"), None);
}

async fn a_client_must_be_registered_for_it(database: &Database) {
    let server = server(database).await;
    let client = McpClient::register(&server).await;
    let form = Form::new([("client_id", client.id.as_str())]);
    server.post("/device_authorization", &form).await.assert_refused(400, "unauthorized_client", "not registered");
    server.post("/token", &poll_request(&client, "x")).await.assert_refused(
        400,
        "unauthorized_client",
        "not registered",
    );
    let nobody = Form::new([("client_id", "nobody")]);
    server.post("/device_authorization", &nobody).await.assert_refused(401, "invalid_client", "unknown");
    assert_eq!(database.count("device_authorizations"), 0);
}

async fn what_cannot_be_granted_is_refused_before_anybody_types(database: &Database) {
    let settings = Settings { more: "[grants]\ndevice_code = true\n", resources: TWO_RESOURCES, ..Settings::default() };
    let server = Server::start_with(database, settings).await;
    let client = device_client(&server).await;
    let form = Form::new([("client_id", client.id.as_str()), ("resource", RESOURCE)]);
    for (form, error) in [
        (form.clone().without("resource"), "invalid_target"),
        (form.clone().with("resource", "https://evil.example/"), "invalid_target"),
        (form.clone().and("scope", "a").and("scope", "b"), "invalid_request"),
        (form.clone().without("client_id"), "invalid_request"),
    ] {
        server.post("/device_authorization", &form).await.assert_refused(400, error, &format!("{form:?}"));
    }
    let answer = server.post("/device_authorization?client_id=x", &form).await;
    answer.assert_refused(400, "invalid_request", "in the URL");
    assert_eq!(database.count("device_authorizations"), 0);
}

async fn a_device_code_opens_no_other_door_and_nothing_else_opens_this_one(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    let as_code = client.code_request(&codes.device_code);
    server.post("/token", &as_code).await.assert_refused(400, "invalid_grant", "as a code");
    client.refresh(&codes.device_code).await.assert_refused(400, "invalid_grant", "as a refresh token");
    let transaction = format!("/consent?transaction={}", codes.device_code);
    Browser::new(&server).open(&transaction).await.assert_error(400, "request_invalid");
    let (code, tokens) = (client.code().await, client.connect().await);
    for other in [&code, &tokens.refresh_token, &tokens.access_token, &codes.user_code, "x", &codes.device_code[1..]] {
        server.post("/token", &poll_request(&client, other)).await.assert_refused(
            400,
            "invalid_grant",
            "as a device code",
        );
    }
    let without = poll_request(&client, "x").without("device_code");
    server.post("/token", &without).await.assert_refused(400, "invalid_request", "none");
    Tokens::of(&client.exchange(&code).await);
}

async fn a_client_without_refresh_gets_none(database: &Database) {
    let server = server(database).await;
    let grant_types = json!({ "grant_types": ["authorization_code", DEVICE_CODE] });
    let client = McpClient::register_with(&server, grant_types).await;
    let codes = begin(&client, &server).await;
    let mut browser = Browser::new(&server);
    let consent = consent_page(&mut browser, &codes.user_code).await;
    browser.allow(&consent).await;
    let answer = poll(&client, &server, &codes).await;
    assert_eq!((answer.status, answer.json().get("refresh_token")), (200, None), "{answer:?}");
}
