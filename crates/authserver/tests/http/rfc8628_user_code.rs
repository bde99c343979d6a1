//! The device grant from the person's side: RFC 8628 §3.3 and §5. The code may be typed as people type, guesses are counted,
//! and nobody is led past the question.

use futures_util::future::join_all;
use reqwest::Method;

use crate::rfc8628_device::{begin, consent_page, device_client, poll, server};
use crate::support::{
    Answer, Browser, Database, Form, ISSUER, Page, Server, Settings, Tokens, on_any_database, on_both_databases,
};

on_both_databases! {
    a_code_works_however_it_is_typed,
    a_link_with_the_code_fills_the_form_and_nothing_more,
    only_one_answer_counts,
    a_page_of_another_browser_decides_nothing,
    guesses_are_counted,
    guesses_at_once_are_counted_like_guesses_in_a_row,
    a_right_code_begins_no_more_than_may_begin,
}

on_any_database! {
    a_wrong_code_says_the_same_whatever_is_wrong,
    a_form_from_another_site_is_refused,
    a_hostile_code_is_shown_as_text,
    the_page_works_under_a_path,
    the_sign_in_of_the_browser_is_used,
}

async fn type_code(browser: &mut Browser<'_>, user_code: &str) -> Page {
    let form = Form::new([("user_code", user_code)]);
    browser.submit("/device", &form).await
}

/// Proves RFC 8628 §6.1: a user code is read in any case, with or without separators.
async fn a_code_works_however_it_is_typed(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    let plain = codes.user_code.replace('-', "");
    for typed in [
        codes.user_code.clone(),
        codes.user_code.to_lowercase(),
        plain.clone(),
        format!(" {} ", plain.to_lowercase()),
        plain.chars().map(|c| format!("{c} ")).collect(),
    ] {
        let page = type_code(&mut Browser::new(&server), &typed).await;
        page.assert_login();
    }
}

/// Proves RFC 8628 §3.3.1: a link with the code does not spare the comparison.
async fn a_link_with_the_code_fills_the_form_and_nothing_more(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    let mut browser = Browser::new(&server);
    let path = codes.verification_uri_complete.strip_prefix(ISSUER).expect("our own URL").to_owned();
    let before = database.facts();
    let page = browser.open(&path).await;
    assert_eq!(page.form("device").get("user_code"), codes.user_code);
    assert!(browser.cookies.is_empty() && database.facts() == before, "opening a link begins nothing");
    let login = browser.submit(&page.action("device"), &page.form("device")).await;
    let consent = browser.sign_in(&login, "ada").await;
    assert_eq!(consent.text_of("redirect-host"), codes.user_code);
    assert!(consent.has("device-warning"));
    browser.allow(&consent).await;
    Tokens::of(&poll(&client, &server, &codes).await);
}

async fn only_one_answer_counts(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    let (mut ada, mut other) = (Browser::new(&server), Browser::new(&server));
    let (first, second) =
        (consent_page(&mut ada, &codes.user_code).await, consent_page(&mut other, &codes.user_code).await);
    let third = consent_page(&mut ada, &codes.user_code).await;
    other.deny(&second).await;
    ada.allow(&first).await.assert_error(400, "request_ended");
    ada.allow(&third).await.assert_error(400, "request_ended");
    assert_eq!(database.count("grants"), 0, "a refused answer leaves nothing behind");
    poll(&client, &server, &codes).await.assert_refused(400, "access_denied", "the first answer stands");
}

async fn a_page_of_another_browser_decides_nothing(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    let (mut browser, mut thief) = (Browser::new(&server), Browser::new(&server));
    let consent = consent_page(&mut browser, &codes.user_code).await;
    thief.consent_page(&client).await.assert_consent();
    thief.open(&consent.path).await.assert_error(400, "browser_changed");
    thief.allow(&consent).await.assert_error(400, "browser_changed");
    let without_token = consent.form("consent").with("decision", "allow").without("csrf_token");
    browser.submit("/consent", &without_token).await.assert_error(403, "form_refused");
    poll(&client, &server, &codes).await.assert_refused(400, "authorization_pending", "nothing was decided");
}

/// Proves RFC 8628 §5.1: wrong user codes are limited.
async fn guesses_are_counted(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    let mut browser = Browser::new(&server);
    for _ in 0..10 {
        // What cannot be a code is a mistake, and no guess.
        assert_eq!(type_code(&mut browser, "AAAA-AAAA").await.answer.status, 400);
        let wrong = if codes.user_code == "XXXX-XXXX" { "ZZZZ-ZZZZ" } else { "XXXX-XXXX" };
        assert_eq!(type_code(&mut browser, wrong).await.answer.status, 400);
    }
    let refused = type_code(&mut browser, &codes.user_code).await;
    assert_eq!(refused.answer.status, 429, "a right code is not looked up either: {refused:?}");
    assert!(refused.has("problem"));
    server.advance(60);
    type_code(&mut browser, &codes.user_code).await.assert_login();
}

async fn guesses_at_once_are_counted_like_guesses_in_a_row(database: &Database) {
    let server = server(database).await;
    let guess = || async { type_code(&mut Browser::new(&server), "XXXX-XXXX").await.answer.status };
    let statuses = join_all((0..200).map(|_| guess())).await;
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 10, "so many were looked up");
    assert!(statuses.iter().all(|status| [400, 429].contains(status)));
}

/// Proves RFC 6585 §4: whoever has one right code begins no more with it than others may.
async fn a_right_code_begins_no_more_than_may_begin(database: &Database) {
    let settings = Settings {
        more: "[grants]\ndevice_code = true\n",
        limits: "requests_per_source = 5\nrequests = 1000",
        ..Settings::default()
    };
    let server = Server::start_with(database, settings).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    server.advance(12);
    let form = Form::new([("user_code", codes.user_code.as_str())]);
    for number in 1..=20 {
        let answer = Browser::new(&server).submit_without_following("/device", &form).await;
        assert_eq!(answer.status, if number <= 5 { 303 } else { 429 }, "{number}: {answer:?}");
        if number > 5 {
            assert_eq!((answer.header("retry-after"), answer.header("set-cookie")), (Some("12"), None));
        }
    }
    assert_eq!((database.count("browser_sessions"), database.count("pending_authorizations")), (5, 5));
    server.advance(12);
    type_code(&mut Browser::new(&server), &codes.user_code).await.assert_login();
}

async fn a_wrong_code_says_the_same_whatever_is_wrong(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let (denied, expired) = (begin(&client, &server).await, begin(&client, &server).await);
    let mut browser = Browser::new(&server);
    let consent = consent_page(&mut browser, &denied.user_code).await;
    browser.deny(&consent).await;
    let of_denied = type_code(&mut browser, &denied.user_code).await;
    server.advance(600);
    let texts = [
        (of_denied, denied.user_code),
        (type_code(&mut browser, &expired.user_code).await, expired.user_code),
        (type_code(&mut browser, "XXXX-XXXX").await, "XXXX-XXXX".to_owned()),
        (type_code(&mut browser, "what?").await, "what?".to_owned()),
        (type_code(&mut browser, "").await, String::new()),
    ]
    .map(|(page, typed)| {
        assert_eq!(page.answer.status, 400, "{page:?}");
        assert_eq!(page.form("device").get("user_code"), typed);
        page.text_of("problem")
    });
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}

async fn a_form_from_another_site_is_refused(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let codes = begin(&client, &server).await;
    let before = database.facts();
    for (origin, site) in [("https://evil.example", "cross-site"), ("null", "cross-site"), ("null", "same-site")] {
        let request = server.request(Method::POST, "/device").header("origin", origin).header("sec-fetch-site", site);
        let answer = Answer::of(request.form(&[("user_code", &codes.user_code)])).await;
        let page = Page { answer, path: "/device".to_owned(), left_for: None };
        page.assert_error(403, "form_refused");
    }
    assert_eq!(database.facts(), before);
}

async fn a_hostile_code_is_shown_as_text(database: &Database) {
    let server = server(database).await;
    let mut browser = Browser::new(&server);
    let hostile = "\"><script>alert(1)</script>";
    let page = type_code(&mut browser, hostile).await;
    assert_eq!(page.form("device").get("user_code"), hostile);
    assert!(!page.answer.body.contains("<script>"), "{page:?}");
    // What comes with a link is shown only when it can be a code.
    let linked = browser.open("/device?user_code=%22%3E%3Cscript%3E").await;
    assert_eq!(linked.form("device").get("user_code"), "");
    let twice = browser.open("/device?user_code=BCDF-GHJK&user_code=BCDF-GHJK").await;
    assert_eq!(twice.form("device").get("user_code"), "");
}

async fn the_page_works_under_a_path(database: &Database) {
    let settings = Settings {
        public_url: "https://mcp.example.com/auth",
        more: "[grants]\ndevice_code = true\n",
        ..Settings::default()
    };
    let server = Server::start_with(database, settings).await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/auth/device").await;
    assert_eq!(page.action("device"), "/auth/device");
    assert_eq!(server.get("/device").await.status, 404);
}

async fn the_sign_in_of_the_browser_is_used(database: &Database) {
    let server = server(database).await;
    let client = device_client(&server).await;
    let mut browser = Browser::new(&server);
    browser.consent_page(&client).await.assert_consent();
    let codes = begin(&client, &server).await;
    let consent = type_code(&mut browser, &codes.user_code).await;
    consent.assert_consent();
    assert_eq!(consent.text_of("account"), "ada");
}
