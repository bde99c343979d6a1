//! What a client may ask of the sign-in: `prompt`, `max_age` and `login_hint` (OpenID Connect Core 1.0 §3.1.2.1).

use serde_json::json;

use crate::support::mcp_client::path_of;
use crate::support::{
    Browser, Database, Form, ISSUER, McpClient, PASSWORD, Page, Server, Tokens, on_any_database, on_both_databases,
};

on_both_databases! {
    a_sign_in_is_asked_for_again_although_there_is_a_session,
    a_sign_in_that_is_too_old_does_not_count,
    nothing_is_decided_before_the_sign_in_that_was_asked_for,
    a_sign_in_in_another_tab_counts_for_every_request_that_waits,
    another_password_is_no_sign_in_that_a_client_asked_for,
}

on_any_database! {
    other_prompts_change_nothing,
    a_hint_fills_the_form_and_is_shown_as_text,
    a_hint_that_cannot_be_a_username_is_dropped,
    an_answer_without_a_question_is_refused_on_a_page,
    an_answer_without_a_question_is_refused_by_redirect_for_a_website_that_the_operator_configured,
    what_contradicts_itself_is_refused,
    what_belongs_to_other_protocols_is_ignored_also_when_repeated,
}

async fn signed_in<'s>(client: &McpClient<'_>, server: &'s Server) -> Browser<'s> {
    let mut browser = Browser::new(server);
    browser.consent_page(client).await.assert_consent();
    browser
}

async fn ask(browser: &mut Browser<'_>, client: &McpClient<'_>, parameters: &[(&str, &str)]) -> Page {
    let request = client.authorization_request();
    let request = parameters.iter().fold(request, |request, (name, value)| request.and(name, value));
    browser.open(&path_of(&request)).await
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: prompt=login asks for a new sign-in.
async fn a_sign_in_is_asked_for_again_although_there_is_a_session(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for (name, value) in
        [("prompt", "login"), ("prompt", "select_account"), ("prompt", "consent login"), ("max_age", "0")]
    {
        let mut browser = signed_in(&client, &server).await;
        let login = ask(&mut browser, &client, &[(name, value)]).await;
        login.assert_login();
        // Opening the other page, or this one again, does not get around it.
        browser.open(&login.path).await.assert_login();
        browser.open(&login.path.replace("/login", "/consent")).await.assert_login();
        // Another request of the same browser is not touched.
        ask(&mut browser, &client, &[]).await.assert_consent();
        browser.sign_in_with(&login, "ada", "wrong").await;
        browser.open(&login.path).await.assert_login();
        // Another person may be the one who signs in.
        let consent = browser.sign_in(&login, "bob").await;
        consent.assert_consent();
        assert_eq!(consent.text_of("account"), "bob", "{name}={value}");
        let code = browser.allow(&consent).await.answered("code");
        Tokens::of(&client.exchange(&code).await);
        // The next request that asks for it asks again.
        ask(&mut browser, &client, &[(name, value)]).await.assert_login();
    }
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: max_age limits the age of the sign-in.
async fn a_sign_in_that_is_too_old_does_not_count(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = signed_in(&client, &server).await;
    server.advance(60);
    ask(&mut browser, &client, &[("max_age", "60")]).await.assert_consent();
    let in_time = ask(&mut browser, &client, &[("max_age", "60")]).await;
    server.advance(1);
    // It was young enough when the request was made; a slow reader is not punished.
    browser.open(&in_time.path).await.assert_consent();
    let login = ask(&mut browser, &client, &[("max_age", "60")]).await;
    login.assert_login();
    ask(&mut browser, &client, &[("max_age", "61")]).await.assert_consent();
    browser.sign_in(&login, "ada").await.assert_consent();
    ask(&mut browser, &client, &[("max_age", "60")]).await.assert_consent();
}

async fn nothing_is_decided_before_the_sign_in_that_was_asked_for(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = signed_in(&client, &server).await;
    let login = ask(&mut browser, &client, &[("prompt", "login")]).await;
    let fields = login.form("login");
    for decision in ["allow", "deny"] {
        let forged = Form::new([("transaction", fields.get("transaction")), ("csrf_token", fields.get("csrf_token"))]);
        browser.submit("/consent", &forged.with("decision", decision)).await.assert_login();
    }
    assert_eq!((database.count("grants"), database.count("authorization_codes")), (0, 0));
    let consent = browser.sign_in(&login, "ada").await;
    browser.allow(&consent).await.answered("code");
}

async fn a_sign_in_in_another_tab_counts_for_every_request_that_waits(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = signed_in(&client, &server).await;
    let first = ask(&mut browser, &client, &[("prompt", "login")]).await;
    let second = ask(&mut browser, &client, &[("prompt", "login")]).await;
    browser.sign_in(&second, "ada").await.assert_consent();
    let consent = browser.open(&first.path).await;
    consent.assert_consent();
    browser.allow(&consent).await.answered("code");
}

async fn other_prompts_change_nothing(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = signed_in(&client, &server).await;
    for prompt in ["consent", "", "create", "LOGIN", "login2", "consent consent"] {
        ask(&mut browser, &client, &[("prompt", prompt)]).await.assert_consent();
    }
}

async fn a_hint_fills_the_form_and_is_shown_as_text(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for hint in ["ada", "Ada@example.com", "\"><script>alert(1)</script>", "zo\u{eb}", &"a".repeat(128)] {
        let mut browser = Browser::new(&server);
        let login = ask(&mut browser, &client, &[("login_hint", hint)]).await;
        assert_eq!(login.form("login").get("username"), hint);
        assert!(!login.answer.body.contains("<script>"), "{login:?}");
        // What was typed stays after a failure, and the hint decides nothing.
        let failed = browser.sign_in_with(&login, "bob", "wrong").await;
        assert_eq!(failed.form("login").get("username"), "bob");
        assert_eq!(browser.sign_in(&login, "bob").await.text_of("account"), "bob");
    }
}

async fn a_hint_that_cannot_be_a_username_is_dropped(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for hint in ["", "a\nb", "\u{7}", &"a".repeat(129), &"a".repeat(5_000)] {
        let login = ask(&mut Browser::new(&server), &client, &[("login_hint", hint)]).await;
        assert_eq!(login.form("login").get("username"), "", "{hint:?}");
    }
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: prompt=none shows no question and gives nothing.
async fn an_answer_without_a_question_is_refused_on_a_page(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register_with(&server, json!({ "redirect_uris": ["https://client.example/cb"] })).await;
    let mut browser = signed_in(&client, &server).await;
    let before = database.facts();
    for visitor in [&mut browser, &mut Browser::new(&server)] {
        ask(visitor, &client, &[("prompt", "none")]).await.assert_error(400, "interaction_required");
    }
    assert_eq!(database.facts(), before);
}

async fn an_answer_without_a_question_is_refused_by_redirect_for_a_website_that_the_operator_configured(
    database: &Database,
) {
    let server = Server::start(database).await;
    let redirect_uris = json!({ "redirect_uris": ["https://client.example/cb", "http://127.0.0.1/cb"] });
    let mut client = McpClient::register_with(&server, redirect_uris).await;
    database.execute("UPDATE clients SET registration = 'configured'");
    let mut browser = signed_in(&client, &server).await;
    for visitor in [&mut browser, &mut Browser::new(&server)] {
        let page = ask(visitor, &client, &[("prompt", "none")]).await;
        // The same answer whether somebody is signed in or not.
        assert_eq!(page.answered("error"), "interaction_required");
        assert_eq!((page.answered("state").as_str(), page.answered("iss").as_str()), ("state-of-the-client", ISSUER));
        assert!(page.left_for.is_some_and(|url| url.as_str().starts_with("https://client.example/cb?")));
    }
    client.redirect_uri = "http://127.0.0.1:4711/cb".to_owned();
    ask(&mut browser, &client, &[("prompt", "none")]).await.assert_error(400, "interaction_required");
}

async fn what_contradicts_itself_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    for parameters in [
        &[("prompt", "none login")][..],
        &[("prompt", "consent none")],
        &[("prompt", "login"), ("prompt", "login")],
        &[("max_age", "-1")],
        &[("max_age", "1h")],
        &[("max_age", "1"), ("max_age", "1")],
        &[("login_hint", "ada"), ("login_hint", "bob")],
    ] {
        let page = ask(&mut browser, &client, parameters).await;
        assert_eq!(page.answered("error"), "invalid_request", "{parameters:?}");
    }
}

async fn what_belongs_to_other_protocols_is_ignored_also_when_repeated(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut request = client.authorization_request();
    for name in ["audience", "id_token_hint", "nonce", "acr_values", "display", "claims", "unknown"] {
        request = request.and(name, "x").and(name, "y");
    }
    Tokens::of(&client.exchange(&client.code_of(&request).await).await);
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: who asks for a new sign-in gets all of its steps, and not the old password alone.
async fn another_password_is_no_sign_in_that_a_client_asked_for(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = signed_in(&client, &server).await;
    let login = ask(&mut browser, &client, &[("prompt", "login")]).await;
    login.assert_login();
    let page = browser.open("/password").await;
    let form = page.form("password").with("old_password", PASSWORD).with("new_password", "another long password");
    assert!(browser.submit("/password", &form.with("new_password_again", "another long password")).await.has("done"));
    browser.open(&login.path).await.assert_login();
    browser.open(&login.path.replace("/login", "/consent")).await.assert_login();
    browser.sign_in_with(&login, "ada", "another long password").await.assert_error(403, "form_refused");
    let again = browser.open(&login.path).await;
    browser.sign_in_with(&again, "ada", "another long password").await.assert_consent();
}
