//! Every way in which somebody could come in through an OpenID provider who should not (OpenID Connect Core 1.0 §3.1.3.7, RFC
//! 9207, RFC 6749 §10.12).

use serde_json::{Value, json};
use url::Url;

use crate::oidc_sign_in::{EXAMPLE_COM, go_there, sign_in_there, started};
use crate::support::mcp_client::path_of;
use crate::support::openid_provider::{OpenIdProvider, SignedBy};
use crate::support::{Browser, Database, Form, McpClient, Page, Server, on_any_database, on_both_databases};

on_both_databases! {
    a_callback_opened_in_another_browser_is_refused_and_changes_nothing,
    a_callback_works_once,
    an_id_token_that_is_not_for_this_sign_in_lets_nobody_in,
    an_existing_user_of_the_same_name_is_not_taken_over,
}

on_any_database! {
    an_id_token_that_the_provider_did_not_sign_lets_nobody_in,
    only_those_who_are_allowed_come_in,
    an_answer_of_another_issuer_is_not_taken,
    a_forged_way_to_a_provider_is_refused,
    a_sign_in_that_took_too_long_is_over,
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

async fn a_sign_in_that_took_too_long_is_over(database: &Database) {
    let (provider, server) = started(database, EXAMPLE_COM).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    // A session that lives longer than ten minutes: somebody is signed in, and asked to do it again.
    browser.consent_page(&client).await.assert_consent();
    let request = client.authorization_request().with("prompt", "login");
    let login = browser.open(&path_of(&request)).await;
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
