//! Sign-in at an OpenID provider (OpenID Connect Core 1.0 §3.1), as it works: alone, in two tabs, for somebody new, and when the
//! provider is away. Who must not come in: `oidc_forgery.rs`.

use crate::support::mcp_client::path_of;
use crate::support::openid_provider::{OpenIdProvider, query};
use crate::support::{Browser, Database, McpClient, Page, Server, Tokens, on_any_database, on_both_databases};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;

on_both_databases! {
    whoever_signs_in_there_is_asked_for_consent_here_and_is_the_same_user_the_next_time,
    two_tabs_can_both_sign_in_there,
    somebody_new_is_one_user_however_often_they_come_at_once,
    whoever_was_disabled_does_not_come_in_through_a_provider,
    where_users_are_not_made_only_those_come_in_whom_the_operator_linked,
}

on_any_database! {
    a_provider_that_is_away_harms_no_other_way_to_sign_in,
    a_provider_that_rotates_its_keys_is_asked_for_the_new_ones,
    whoever_cancels_there_is_led_back,
    a_provider_that_does_not_say_who_its_answers_are_from_works_too,
    a_client_that_asks_for_a_new_sign_in_gets_one_there,
}

pub const EXAMPLE_COM: &str = "allow.domains = [\"example.com\"]";

fn clock() -> Clock {
    Clock::manual(Timestamp::from_unix(1_800_000_000))
}

/// A provider, and a server that lets its people in by this rule.
pub async fn started(database: &Database, rule: &str) -> (OpenIdProvider, Server) {
    let clock = clock();
    let provider = OpenIdProvider::start(&clock);
    let server = Server::start_at(database, provider.settings(rule), clock).await;
    (provider, server)
}

/// Presses the button of the provider.
pub async fn go_there(browser: &mut Browser<'_>, login: &Page) -> Page {
    browser.submit(&login.action("provider-idp"), &login.form("provider-idp")).await
}

/// The consent page, through the provider.
pub async fn sign_in_there(
    provider: &OpenIdProvider,
    browser: &mut Browser<'_>,
    client: &McpClient<'_>,
    subject: &str,
) -> Page {
    let login = browser.open(&client.authorize_path()).await;
    let away = go_there(browser, &login).await;
    browser.open(&provider.answer(&away, subject)).await
}

/// Proves OpenID Connect Core 1.0 §3.1.2: the code flow at another provider, and RFC 7636 with it.
async fn whoever_signs_in_there_is_asked_for_consent_here_and_is_the_same_user_the_next_time(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let before = browser.session().1.to_owned();
    let away = go_there(&mut browser, &login).await;
    let asked = provider.request_of(&away);
    assert_eq!(query(&asked, "redirect_uri"), "https://mcp.example.com/login/oidc/idp/callback");
    assert_eq!(query(&asked, "scope"), "openid profile email");
    let consent = browser.open(&provider.answer(&away, "lin")).await;
    consent.assert_consent();
    assert_eq!(consent.text_of("account"), "lin@example.com");
    assert_ne!(browser.session().1, before, "a sign-in renews the session");
    Tokens::of(&client.exchange(&browser.allow(&consent).await.answered("code")).await);
    // Another browser, another day.
    server.advance(90_000);
    let mut browser = Browser::new(&server);
    let consent = sign_in_there(&provider, &mut browser, &client, "lin").await;
    assert_eq!(consent.text_of("account"), "lin@example.com");
    assert_eq!(database.count("users WHERE username LIKE 'lin%'"), 1);
    assert_eq!(database.count("upstream_identities"), 1);
    assert_eq!(database.count("upstream_sign_ins"), 0);
}

async fn two_tabs_can_both_sign_in_there(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let (first, second) = (browser.open(&client.authorize_path()).await, browser.open(&client.authorize_path()).await);
    let first_away = go_there(&mut browser, &first).await;
    let second_away = go_there(&mut browser, &second).await;
    let second_consent = browser.open(&provider.answer(&second_away, "lin")).await;
    second_consent.assert_consent();
    // The cookie is another one by now.
    let first_consent = browser.open(&provider.answer(&first_away, "lin")).await;
    first_consent.assert_consent();
    let first_code = browser.allow(&first_consent).await.answered("code");
    let again = browser.open(&second_consent.path).await;
    assert_ne!(browser.allow(&again).await.answered("code"), first_code);
    // The Back button: the page of the first tab still shows the provider's button.
    let third = browser.open(&client.authorize_path()).await;
    third.assert_consent();
    browser.submit(&first.action("provider-idp"), &first.form("provider-idp")).await.assert_error(400, "request_ended");
}

async fn somebody_new_is_one_user_however_often_they_come_at_once(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let mut callbacks = Vec::new();
    for _ in 0..8 {
        let mut browser = Browser::new(&server);
        let login = browser.open(&client.authorize_path()).await;
        let away = go_there(&mut browser, &login).await;
        callbacks.push((browser, provider.answer(&away, "lin")));
    }
    let all = callbacks.iter_mut().map(|(browser, callback)| browser.open(callback));
    for page in futures_util::future::join_all(all).await {
        page.assert_consent();
        assert_eq!(page.text_of("account"), "lin@example.com");
    }
    assert_eq!((database.count("upstream_identities"), database.count("users WHERE username LIKE 'lin%'")), (1, 1));
    assert_eq!(database.count("audit_events WHERE outcome = 'account_added' AND reason = 'oidc'"), 1);
}

async fn whoever_was_disabled_does_not_come_in_through_a_provider(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    sign_in_there(&provider, &mut browser, &client, "lin").await.assert_consent();
    database.execute("UPDATE users SET disabled_at = 1 WHERE username LIKE 'lin%'");
    let mut browser = Browser::new(&server);
    let refused = sign_in_there(&provider, &mut browser, &client, "lin").await;
    refused.assert_error(403, "sign_in_not_allowed");
    assert_eq!(database.count("users WHERE username LIKE 'lin%'"), 1);
}

async fn where_users_are_not_made_only_those_come_in_whom_the_operator_linked(database: &Database) {
    let (provider, server) = started(database, "create_users = false\nallow_everybody = true").await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let unknown = sign_in_there(&provider, &mut browser, &client, "lin").await;
    unknown.assert_error(403, "sign_in_not_linked");
    assert_eq!(unknown.text_of("error-detail"), "Example IdP: lin");
    assert_eq!(database.count("users WHERE username LIKE 'lin%'"), 0);
    let issuer = provider.issuer();
    database.execute(&format!(
        "INSERT INTO upstream_identities SELECT '{issuer}', 'lin', id, 1 FROM users WHERE username = 'bob'"
    ));
    let consent = sign_in_there(&provider, &mut browser, &client, "lin").await;
    assert_eq!(consent.text_of("account"), "bob");
    // The same sub of another issuer is somebody else.
    database.execute("UPDATE upstream_identities SET issuer = 'https://other.example'");
    let mut browser = Browser::new(&server);
    let other = sign_in_there(&provider, &mut browser, &client, "lin").await;
    other.assert_error(403, "sign_in_not_linked");
}

async fn a_provider_that_is_away_harms_no_other_way_to_sign_in(database: &Database) {
    let clock = clock();
    let provider = OpenIdProvider::start(&clock);
    provider.stop().await;
    let server = Server::start_at(database, provider.settings(EXAMPLE_COM), clock.clone()).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    for _ in 0..2 {
        let away = go_there(&mut browser, &login).await;
        away.assert_error(503, "provider_unreachable");
        assert!(away.answer.header("retry-after").is_some());
        assert_eq!(database.count("upstream_sign_ins"), 0);
    }
    // The way back, and another way to sign in.
    let back = login.resolved(&go_there(&mut browser, &login).await.link("back"));
    let login = browser.open(&back).await;
    browser.sign_in(&login, "ada").await.assert_consent();
    let provider = provider.replaced().await;
    server.advance(10);
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let away = go_there(&mut browser, &login).await;
    let callback = provider.answer(&away, "lin");
    // It goes away while the person is there: that passes, and nobody is logged out.
    provider.stop().await;
    browser.open(&callback).await.assert_error(503, "provider_unreachable");
    browser.open(&login.path).await.assert_login();
}

/// Proves OpenID Connect Core 1.0 §10.1.1: keys are fetched again for a signature of a new one.
async fn a_provider_that_rotates_its_keys_is_asked_for_the_new_ones(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    sign_in_there(&provider, &mut Browser::new(&server), &client, "lin").await.assert_consent();
    provider.rotate();
    // Asked a moment ago: nobody can make this server ask again and again.
    let early = sign_in_there(&provider, &mut Browser::new(&server), &client, "lin").await;
    early.assert_error(403, "sign_in_failed");
    server.advance(10);
    sign_in_there(&provider, &mut Browser::new(&server), &client, "lin").await.assert_consent();
}

async fn whoever_cancels_there_is_led_back(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    for (error, status, code) in [
        ("access_denied", 403, "sign_in_cancelled"),
        ("login_required", 403, "sign_in_failed"),
        ("temporarily_unavailable", 503, "provider_unreachable"),
        ("<script>alert(1)</script>", 403, "sign_in_failed"),
    ] {
        let login = browser.open(&client.authorize_path()).await;
        let away = go_there(&mut browser, &login).await;
        let page = browser.open(&provider.refuse(&away, error)).await;
        page.assert_error(status, code);
        assert!(!page.answer.body.contains("<script>alert"));
        let back = browser.open(&page.resolved(&page.link("back"))).await;
        back.assert_login();
        assert_eq!(back.form("login").get("transaction"), login.form("login").get("transaction"));
    }
    assert_eq!((provider.token_requests(), database.count("upstream_sign_ins")), (0, 0));
}

async fn a_provider_that_does_not_say_who_its_answers_are_from_works_too(database: &Database) {
    let clock = clock();
    let provider = OpenIdProvider::start(&clock).without_iss();
    let server = Server::start_at(database, provider.settings(EXAMPLE_COM), clock).await;
    let client = McpClient::register(&server).await;
    sign_in_there(&provider, &mut Browser::new(&server), &client, "lin").await.assert_consent();
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: prompt=login is passed on.
async fn a_client_that_asks_for_a_new_sign_in_gets_one_there(database: &Database) {
    let (provider, server) = started(database, "allow_everybody = true\nprompt = \"select_account\"").await;
    let client = McpClient::register(&server).await;
    for (asked, passed_on) in [(None, "select_account"), (Some("login"), "login")] {
        let request = asked.iter().fold(client.authorization_request(), |form, prompt| form.with("prompt", prompt));
        let mut browser = Browser::new(&server);
        let login = browser.open(&path_of(&request)).await;
        let away = go_there(&mut browser, &login).await;
        assert_eq!(query(&provider.request_of(&away), "prompt"), passed_on);
        browser.open(&provider.answer(&away, "lin")).await.assert_consent();
    }
}
