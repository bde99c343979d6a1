//! Sign-in at an OpenID provider (OpenID Connect Core 1.0 §3.1), and every way in which somebody could come in who should not.

use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use serde_json::{Value, json};
use url::Url;

use crate::support::openid_provider::{OpenIdProvider, SignedBy, query};
use crate::support::{Browser, Database, Form, McpClient, Page, Server, Tokens, on_any_database, on_both_databases};

on_both_databases! {
    whoever_signs_in_there_is_asked_for_consent_here_and_is_the_same_user_the_next_time,
    a_callback_opened_in_another_browser_is_refused_and_changes_nothing,
    a_callback_works_once,
    an_id_token_that_is_not_for_this_sign_in_lets_nobody_in,
    an_existing_user_of_the_same_name_is_not_taken_over,
    two_tabs_can_both_sign_in_there,
    somebody_new_is_one_user_however_often_they_come_at_once,
    whoever_was_disabled_does_not_come_in_through_a_provider,
    where_users_are_not_made_only_those_come_in_whom_the_operator_linked,
}

on_any_database! {
    an_id_token_that_the_provider_did_not_sign_lets_nobody_in,
    only_those_who_are_allowed_come_in,
    a_provider_that_is_away_harms_no_other_way_to_sign_in,
    a_provider_that_rotates_its_keys_is_asked_for_the_new_ones,
    whoever_cancels_there_is_led_back,
    an_answer_of_another_issuer_is_not_taken,
    a_provider_that_does_not_say_who_its_answers_are_from_works_too,
    a_sign_in_that_took_too_long_is_over,
    a_forged_way_to_a_provider_is_refused,
    a_client_that_asks_for_a_new_sign_in_gets_one_there,
}

const EXAMPLE_COM: &str = "allow.domains = [\"example.com\"]";

fn clock() -> Clock {
    Clock::manual(Timestamp::from_unix(1_800_000_000))
}

/// A provider, and a server that lets its people in by this rule.
async fn started(database: &Database, rule: &str) -> (OpenIdProvider, Server) {
    let clock = clock();
    let provider = OpenIdProvider::start(&clock);
    let server = Server::start_at(database, provider.settings(rule), clock).await;
    (provider, server)
}

/// Presses the button of the provider.
async fn go_there(browser: &mut Browser<'_>, login: &Page) -> Page {
    browser.submit(&login.action("provider-idp"), &login.form("provider-idp")).await
}

/// The consent page, through the provider.
async fn sign_in_there(
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

/// Proves RFC 6749 §10.12: nobody is made to use an account of somebody else.
async fn a_callback_opened_in_another_browser_is_refused_and_changes_nothing(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let (mut attacker, mut victim) = (Browser::new(&server), Browser::new(&server));
    let login = attacker.open(&client.authorize_path()).await;
    let away = go_there(&mut attacker, &login).await;
    let callback = provider.answer(&away, "mallory");
    let before = (database.facts(), database.count("users"), database.count("upstream_sign_ins"));
    // A browser that was never here, one in the middle of its own sign-in, and one that is signed in.
    victim.open(&callback).await.assert_error(403, "sign_in_elsewhere");
    assert_eq!((database.facts(), database.count("users"), database.count("upstream_sign_ins")), before);
    let own = victim.open(&client.authorize_path()).await;
    victim.open(&callback).await.assert_error(403, "sign_in_elsewhere");
    let consent = victim.sign_in(&own, "ada").await;
    victim.open(&callback).await.assert_error(403, "sign_in_elsewhere");
    assert_eq!(victim.open(&consent.path).await.text_of("account"), "ada");
    assert_eq!((provider.token_requests(), database.count("users WHERE username LIKE 'mallory%'")), (0, 0));
    // Where it began it still works.
    attacker.open(&callback).await.assert_consent();
}

async fn a_callback_works_once(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let away = go_there(&mut browser, &login).await;
    let callback = provider.answer(&away, "lin");
    let mut old = browser.second_tab();
    let consent = browser.open(&callback).await;
    consent.assert_consent();
    // The Back button, or the history.
    browser.open(&callback).await.assert_error(400, "sign_in_ended");
    old.open(&callback).await.assert_error(400, "sign_in_ended");
    assert_eq!(provider.token_requests(), 1);
    // The request that was waiting is not harmed.
    browser.allow(&consent).await.answered("code");
    for state in ["", "x", "gatelodge_state_x"] {
        let path = format!("/login/oidc/idp/callback?code=x&state={state}");
        browser.open(&path).await.assert_error(400, "sign_in_ended");
    }
    browser.open("/login/oidc/other/callback?code=x&state=x").await.assert_error(400, "sign_in_ended");
}

/// What a callback with such claims leads to.
async fn with_claims(
    provider: &OpenIdProvider,
    server: &Server,
    client: &McpClient<'_>,
    signed_by: SignedBy,
    change: impl Fn(&mut Value),
) -> Page {
    let mut browser = Browser::new(server);
    let login = browser.open(&client.authorize_path()).await;
    let asked: Url = provider.request_of(&go_there(&mut browser, &login).await);
    let mut claims = provider.claims(&asked, "lin");
    change(&mut claims);
    browser.open(&provider.answer_with(&asked, claims, signed_by)).await
}

/// Proves OpenID Connect Core 1.0 §3.1.3.7: every check of an ID token.
async fn an_id_token_that_is_not_for_this_sign_in_lets_nobody_in(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let now = server.clock.now().as_unix();
    let wrong: Vec<(&str, Value)> = vec![
        ("nonce", json!("another")),
        ("nonce", json!("")),
        ("nonce", Value::Null),
        ("aud", json!("another-client")),
        ("aud", json!(["gatelodge-at-idp", "another-client"])),
        ("aud", json!([])),
        ("azp", json!("another-client")),
        ("iss", json!("https://other.example")),
        ("iss", json!(format!("{}/", provider.issuer()))),
        ("exp", json!(now)),
        ("exp", json!(now - 3_600)),
        ("iat", json!(now + 120)),
        ("iat", json!(now - 3_600)),
        ("sub", json!("")),
        ("sub", json!("a".repeat(256))),
        ("sub", json!("a\nb")),
        ("sub", json!(17)),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ];
    for (name, value) in wrong {
        let page = with_claims(&provider, &server, &client, SignedBy::TheProvider, |claims| {
            claims[name] = value.clone();
        })
        .await;
        assert_eq!(page.text_of("error-code"), "sign_in_failed", "{name} {value}");
        page.assert_error(403, "sign_in_failed");
    }
    for name in ["nonce", "aud", "iss", "exp", "iat", "sub"] {
        let page = with_claims(&provider, &server, &client, SignedBy::TheProvider, |claims| {
            claims.as_object_mut().expect("an object").remove(name);
        })
        .await;
        page.assert_error(403, "sign_in_failed");
    }
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
    assert_eq!(database.count("upstream_identities"), 0);
    let good = with_claims(&provider, &server, &client, SignedBy::TheProvider, |claims| {
        claims["azp"] = json!("gatelodge-at-idp");
        claims["aud"] = json!(["gatelodge-at-idp"]);
        claims["email_verified"] = json!("true");
    })
    .await;
    good.assert_consent();
}

/// Proves RFC 8725 §3.1: the algorithms are ours to choose.
async fn an_id_token_that_the_provider_did_not_sign_lets_nobody_in(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    for signed_by in [SignedBy::SomebodyElse, SignedBy::Nobody, SignedBy::ThePublicKey, SignedBy::TheClientSecret] {
        let page = with_claims(&provider, &server, &client, signed_by, |_| ()).await;
        page.assert_error(403, "sign_in_failed");
    }
    with_claims(&provider, &server, &client, SignedBy::TheProvider, |_| ()).await.assert_consent();
}

async fn only_those_who_are_allowed_come_in(database: &Database) {
    let rule =
        "allow.domains = [\"Example.com\"]\nallow.groups = [\"staff\"]\nallow.addresses = [\"bob@other.example\"]";
    let (provider, server) = started(database, rule).await;
    let client = McpClient::register(&server).await;
    let cases = [
        (json!({ "email": "lin@EXAMPLE.COM" }), true),
        (json!({ "email": "Bob@other.example" }), true),
        (json!({ "email": "x@other.example", "groups": ["people", "staff"] }), true),
        (json!({ "email_verified": false, "groups": ["staff"] }), true),
        (json!({ "email": "x@evilexample.com" }), false),
        (json!({ "email": "x@sub.example.com" }), false),
        (json!({ "email": "x@example.com.evil.example" }), false),
        (json!({ "email": "x@evil.example@example.com" }), false),
        (json!({ "email_verified": false }), false),
        (json!({ "email_verified": null }), false),
        (json!({ "email": "bob@other.example", "email_verified": false }), false),
        (json!({ "email": "x@other.example", "groups": ["Staff", "staff2"] }), false),
        (json!({ "email": "x@other.example", "roles": ["staff"] }), false),
    ];
    for (index, (changes, allowed)) in cases.into_iter().enumerate() {
        let page = with_claims(&provider, &server, &client, SignedBy::TheProvider, |claims| {
            claims["sub"] = json!(format!("person-{index}"));
            for (name, value) in changes.as_object().expect("an object") {
                claims[name] = value.clone();
            }
        })
        .await;
        if allowed {
            page.assert_consent();
        } else {
            page.assert_error(403, "sign_in_not_allowed");
            assert!(!page.answer.body.to_lowercase().contains("staff"), "{changes}: the rule is nobody's business");
        }
    }
    assert_eq!(database.count("upstream_identities"), 4);
}

/// Proves OpenID Connect Core 1.0 §5.7: nothing but issuer and sub says who somebody is.
async fn an_existing_user_of_the_same_name_is_not_taken_over(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    database.execute("UPDATE users SET username = 'lin@example.com' WHERE username = 'bob'");
    let mut browser = Browser::new(&server);
    let consent = sign_in_there(&provider, &mut browser, &client, "lin").await;
    consent.assert_consent();
    assert_eq!(consent.text_of("account"), "lin@example.com-idp");
    let of_bob =
        "upstream_identities JOIN users ON users.id = upstream_identities.user_id WHERE username = 'lin@example.com'";
    assert_eq!(database.count(of_bob), 0);
    // Somebody else who got the same address later is somebody else.
    let page = with_claims(&provider, &server, &client, SignedBy::TheProvider, |claims| {
        claims["sub"] = json!("another-lin");
        claims["email"] = json!("LIN@example.com");
    })
    .await;
    page.assert_consent();
    assert!(page.text_of("account").starts_with("lin@example.com-idp-"), "{}", page.text_of("account"));
    assert_eq!(database.count("upstream_identities"), 2);
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

/// Proves RFC 9207 §2.4: an answer of another authorization server is thrown away, and its code goes nowhere.
async fn an_answer_of_another_issuer_is_not_taken(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    for wrong in [Some("https://evil.example"), Some(""), None] {
        let mut browser = Browser::new(&server);
        let login = browser.open(&client.authorize_path()).await;
        let callback = provider.answer(&go_there(&mut browser, &login).await, "lin");
        let (path, parameters) = callback.split_once('?').expect("a query");
        let form = url::form_urlencoded::parse(parameters.as_bytes());
        let form = form.fold(Form::default(), |form, (name, value)| form.with(&name, &value)).without("iss");
        let form = wrong.iter().fold(form, |form, issuer| form.with("iss", issuer));
        browser.open(&format!("{path}?{}", form.encoded())).await.assert_error(403, "sign_in_failed");
    }
    assert_eq!(provider.token_requests(), 0);
}

async fn a_provider_that_does_not_say_who_its_answers_are_from_works_too(database: &Database) {
    let clock = clock();
    let provider = OpenIdProvider::start(&clock).without_iss();
    let server = Server::start_at(database, provider.settings(EXAMPLE_COM), clock).await;
    let client = McpClient::register(&server).await;
    sign_in_there(&provider, &mut Browser::new(&server), &client, "lin").await.assert_consent();
}

async fn a_sign_in_that_took_too_long_is_over(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    // A session that lives longer than ten minutes: somebody is signed in, and asked to do it again.
    browser.consent_page(&client).await.assert_consent();
    let request = client.authorization_request().with("prompt", "login");
    let login = browser.open(&crate::support::mcp_client::path_of(&request)).await;
    let away = go_there(&mut browser, &login).await;
    server.advance(600);
    browser.open(&provider.answer(&away, "lin")).await.assert_error(400, "sign_in_ended");
    assert_eq!(provider.token_requests(), 0);
}

async fn a_forged_way_to_a_provider_is_refused(database: &Database) {
    let (_provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let form = login.form("provider-idp");
    let other = browser.open(&client.authorize_path()).await.form("provider-idp").get("csrf_token").to_owned();
    for wrong in [form.clone().without("csrf_token"), form.clone().with("csrf_token", &other)] {
        browser.submit("/login/oidc/idp", &wrong).await.assert_error(403, "form_refused");
    }
    let foreign = browser.form_post("/login/oidc/idp").header("sec-fetch-site", "cross-site").form(form.pairs());
    assert_eq!(browser.send(foreign).await.status, 403);
    browser.submit("/login/oidc/none", &form).await.assert_error(403, "form_refused");
    let by_link = browser.open(&format!("/login/oidc/idp?{}", form.encoded())).await;
    assert_eq!((by_link.answer.status, by_link.left_for), (405, None));
    assert_eq!(database.count("upstream_sign_ins"), 0);
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: prompt=login is passed on.
async fn a_client_that_asks_for_a_new_sign_in_gets_one_there(database: &Database) {
    let (provider, server) = started(database, "allow_everybody = true\nprompt = \"select_account\"").await;
    let client = McpClient::register(&server).await;
    for (asked, passed_on) in [(None, "select_account"), (Some("login"), "login")] {
        let request = asked.iter().fold(client.authorization_request(), |form, prompt| form.with("prompt", prompt));
        let mut browser = Browser::new(&server);
        let login = browser.open(&crate::support::mcp_client::path_of(&request)).await;
        let away = go_there(&mut browser, &login).await;
        assert_eq!(query(&provider.request_of(&away), "prompt"), passed_on);
        browser.open(&provider.answer(&away, "lin")).await.assert_consent();
    }
}
