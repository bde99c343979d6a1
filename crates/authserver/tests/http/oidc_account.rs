//! Sign-in at an OpenID provider (OpenID Connect Core 1.0 §3.1) for the account page, and once more before something that matters:
//! in the browser that began, once, and as the same person.

use std::time::Duration;

use serde_json::json;

use crate::support::mcp_client::path_of;
use crate::support::openid_provider::{OpenIdProvider, SignedBy, query};
use crate::support::{Browser, Database, Form, McpClient, Page, Server, on_any_database, on_both_databases};

use super::oidc_sign_in::{EXAMPLE_COM, go_there, started};

on_both_databases! {
    whoever_signs_in_there_sees_their_account,
    whoever_has_to_confirm_can_do_it_there_and_as_nobody_else,
    an_answer_counts_once_in_the_browser_that_left_and_for_what_it_was_for,
}

on_any_database! {
    the_button_needs_its_token_and_our_own_page,
    a_provider_that_says_when_must_have_asked_again,
    a_password_of_somebody_else_confirms_nobody,
    what_a_client_asks_of_the_sign_in_is_asked_of_the_provider,
}

async fn sign_in_there<'s>(provider: &OpenIdProvider, server: &'s Server, subject: &str) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let away = go_there(&mut browser, &login).await;
    let page = browser.open(&provider.answer(&away, subject)).await;
    (browser, page)
}

async fn whoever_signs_in_there_sees_their_account(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let before = browser.session().1.to_owned();
    let away = go_there(&mut browser, &login).await;
    assert!(!provider.request_of(&away).query_pairs().any(|(name, _)| name == "prompt"));
    let page = browser.open(&provider.answer(&away, "lin")).await;
    assert_eq!((page.path.as_str(), page.text_of("account").as_str()), ("/account", "lin@example.com"));
    assert_ne!(browser.session().1, before, "a sign-in renews the session");
    assert!(!page.answer.body.contains("href=\"password\""), "there is no password to change");
    let cancelled = browser.submit("/logout", &page.form("sign-out")).await;
    let away = go_there(&mut browser, &cancelled).await;
    let refused = browser.open(&provider.refuse(&away, "access_denied")).await;
    refused.assert_error(403, "sign_in_cancelled");
    assert_eq!(refused.resolved(&refused.link("back")), "/login");
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: prompt=login where somebody has to prove themselves again.
async fn whoever_has_to_confirm_can_do_it_there_and_as_nobody_else(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let (mut browser, page) = sign_in_there(&provider, &server, "lin").await;
    assert_eq!(page.path, "/account");
    sign_in_there(&provider, &server, "kim").await;
    let users = database.count("users");
    server.advance(600);
    let login = browser.open("/account/tokens").await;
    assert_eq!((login.path.as_str(), login.text_of("account").as_str()), ("/login", "lin@example.com"));
    // Somebody who has an account here, and somebody who would get one.
    for other in ["kim", "new"] {
        let away = go_there(&mut browser, &login).await;
        assert_eq!(query(&provider.request_of(&away), "prompt"), "login");
        browser.open(&provider.answer(&away, other)).await.assert_error(403, "sign_in_other_user");
        assert_eq!(browser.open("/account").await.text_of("account"), "lin@example.com");
        assert_eq!(browser.open("/account/tokens").await.path, "/login", "{other} proved nothing");
    }
    assert_eq!(database.count("users"), users);
    let before = browser.session().1.to_owned();
    let away = go_there(&mut browser, &login).await;
    assert_eq!(browser.open(&provider.answer(&away, "lin")).await.path, "/account");
    assert_ne!(browser.session().1, before);
    assert_eq!(browser.open("/account/tokens").await.path, "/account/tokens");
}

async fn an_answer_counts_once_in_the_browser_that_left_and_for_what_it_was_for(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let away = go_there(&mut browser, &login).await;
    let callback = provider.answer(&away, "lin");
    // The attack: somebody gets another person to finish what they began.
    let mut victim = Browser::new(&server);
    victim.open("/login").await;
    victim.open(&callback).await.assert_error(403, "sign_in_elsewhere");
    assert_eq!(victim.open("/account").await.path, "/login");
    assert_eq!(browser.open(&callback).await.path, "/account");
    browser.open(&callback).await.assert_error(400, "sign_in_ended");
    // Signed in as somebody else meanwhile, in another tab.
    server.advance(600);
    let login = browser.open("/login").await;
    let away = go_there(&mut browser, &login).await;
    let mut tab = browser.second_tab();
    let out = tab.submit("/logout", &login.form("sign-out")).await;
    tab.sign_in(&out, "ada").await;
    let late = tab.open(&provider.answer(&away, "lin")).await;
    late.assert_error(403, "sign_in_other_user");
    assert_eq!(tab.open("/account").await.text_of("account"), "ada");
    // Too late.
    let (mut browser, _) = sign_in_there(&provider, &server, "lin").await;
    server.advance(601);
    let login = browser.open("/login").await;
    let away = go_there(&mut browser, &login).await;
    let callback = provider.answer(&away, "lin");
    server.advance(600);
    browser.open(&callback).await.assert_error(400, "sign_in_ended");
}

async fn the_button_needs_its_token_and_our_own_page(database: &Database) {
    let (_provider, server) = started(database, EXAMPLE_COM).await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let path = login.action("provider-idp");
    let token = login.form("provider-idp").get("csrf_token").to_owned();
    for wrong in ["", "x", &token[1..]] {
        browser.submit(&path, &Form::new([("csrf_token", wrong)])).await.assert_error(403, "form_refused");
    }
    browser.submit(&path, &Form::default()).await.assert_error(403, "form_refused");
    let good = Form::new([("csrf_token", token.as_str())]);
    for (origin, site) in [("null", "cross-site"), ("https://evil.example", "same-origin")] {
        let post = browser.form_post(&path).header("origin", origin).header("sec-fetch-site", site);
        assert_eq!(browser.send(post.form(good.pairs())).await.status, 403);
    }
    browser.submit("/login/oidc/other", &good).await.assert_error(403, "form_refused");
    assert_eq!(database.count("upstream_sign_ins"), 0);
    assert!(go_there(&mut browser, &login).await.left_for.is_some());
}

/// Proves OpenID Connect Core 1.0 §2: auth_time, where it is there, is when the person proved themselves.
async fn a_provider_that_says_when_must_have_asked_again(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let (mut browser, _) = sign_in_there(&provider, &server, "lin").await;
    server.advance(600);
    let now = server.clock.now().as_unix();
    for (at, path) in [(now - 3_600, None), (now, Some("/account"))] {
        let login = browser.open("/login").await;
        let away = go_there(&mut browser, &login).await;
        let request = provider.request_of(&away);
        let mut claims = provider.claims(&request, "lin");
        claims["auth_time"] = json!(at);
        let page = browser.open(&provider.answer_with(&request, claims, SignedBy::TheProvider)).await;
        match path {
            Some(path) => assert_eq!(page.path, path),
            None => page.assert_error(403, "sign_in_failed"),
        }
    }
}

async fn a_password_of_somebody_else_confirms_nobody(database: &Database) {
    let server = Server::start(database).await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    browser.sign_in(&login, "ada").await;
    server.advance(600);
    let again = browser.open("/password").await;
    assert_eq!((again.path.as_str(), again.text_of("account").as_str()), ("/login", "ada"));
    let refused = browser.sign_in(&again, "bob").await;
    assert!(refused.answer.status == 403 && refused.has("problem"), "{refused:?}");
    // Bob hears that somebody has his password.
    let written = "audit_events WHERE outcome = 'sign_in_failed' AND reason = 'somebody_else'";
    while database.count(written) == 0 {
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(browser.open("/account").await.text_of("account"), "ada");
    assert_eq!(browser.open("/password").await.path, "/login");
    let out = browser.submit("/logout", &refused.form("sign-out")).await;
    assert_eq!(browser.sign_in(&out, "bob").await.text_of("account"), "bob");
    assert!(browser.open("/account/activity").await.answer.body.contains("typed your right password"));
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: a client that asks for a new sign-in gets none of before, where the provider says when it was.
async fn what_a_client_asks_of_the_sign_in_is_asked_of_the_provider(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let now = server.clock.now().as_unix();
    for (asked, at, is_let_in) in
        [("max_age", now - 3_600, false), ("max_age", now, true), ("state", now - 3_600, true)]
    {
        let request = client.authorization_request();
        let request = if asked == "max_age" { request.and("max_age", "0") } else { request };
        let mut browser = Browser::new(&server);
        let login = browser.open(&path_of(&request)).await;
        let away = go_there(&mut browser, &login).await;
        let request = provider.request_of(&away);
        let mut claims = provider.claims(&request, "lin");
        claims["auth_time"] = json!(at);
        let page = browser.open(&provider.answer_with(&request, claims, SignedBy::TheProvider)).await;
        match is_let_in {
            true => page.assert_consent(),
            false => page.assert_error(403, "sign_in_failed"),
        }
    }
}
