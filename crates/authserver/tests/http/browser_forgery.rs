//! Forms that a page of the server did not send: forged requests (RFC 6749 §10.12) change nothing, and whatever a person does
//! with tabs and the Back button still works.

use crate::support::{Answer, Browser, Database, Form, McpClient, PASSWORD, Page, Server, on_both_databases};

on_both_databases! {
    a_form_without_its_token_is_refused,
    a_form_with_the_token_of_another_session_or_request_is_refused,
    a_form_from_another_site_is_refused,
    a_form_of_our_own_pages_is_accepted_from_every_kind_of_browser,
    reading_changes_nothing_that_matters,
    two_tabs_work,
    two_tabs_that_both_sign_in_work,
}

/// The three forms of the server, each at a browser in the right state for it.
async fn forms<'s>(server: &'s Server, client: &McpClient<'_>) -> Vec<(&'static str, Browser<'s>, Form)> {
    let mut at_login = Browser::new(server);
    let login = at_login.open(&client.authorize_path()).await;
    let (mut at_consent, mut at_logout) = (Browser::new(server), Browser::new(server));
    let consent = at_consent.consent_page(client).await;
    let logout = at_logout.consent_page(client).await;
    vec![
        ("/login", at_login, login.form("login").with("username", "ada").with("password", PASSWORD)),
        ("/consent", at_consent, consent.form("consent").with("decision", "allow")),
        ("/logout", at_logout, logout.form("switch-account")),
    ]
}

#[track_caller]
fn assert_refused(answer: &Answer, why: &str) {
    let page = Page { answer: answer.clone(), path: why.to_owned(), left_for: None };
    page.assert_error(403, "form_refused");
    assert_eq!(answer.header("set-cookie"), None, "{why}");
}

/// Proves RFC 6749 §10.12: no other site can consent for a person.
async fn a_form_without_its_token_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for (path, mut browser, form) in forms(&server, &client).await {
        let before = database.facts();
        let token = form.get("csrf_token").to_owned();
        let mut flipped = token.clone();
        flipped.replace_range(..1, if token.starts_with('A') { "B" } else { "A" });
        for wrong in
            ["", "x", "null", &token[1..], &format!("{token}A"), &format!(" {token}"), &token.to_uppercase(), &flipped]
        {
            let answer = browser.submit_without_following(path, &form.clone().with("csrf_token", wrong)).await;
            assert_refused(&answer, path);
        }
        assert_refused(&browser.submit_without_following(path, &form.clone().without("csrf_token")).await, path);
        assert_refused(&browser.submit_without_following(path, &form.clone().and("csrf_token", &token)).await, path);
        assert_eq!(database.facts(), before, "{path}");
        assert_eq!(browser.submit_without_following(path, &form).await.status, 303, "{path}");
    }
}

async fn a_form_with_the_token_of_another_session_or_request_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut stranger = Browser::new(&server);
    let of_stranger = stranger.consent_page(&client).await.form("consent").get("csrf_token").to_owned();
    for (path, mut browser, form) in forms(&server, &client).await {
        let second = browser.open(&client.authorize_path()).await;
        let of_second =
            second.form(if second.has("sign-in") { "login" } else { "consent" }).get("csrf_token").to_owned();
        let before = database.facts();
        for wrong in [&of_stranger, &of_second] {
            let answer = browser.submit_without_following(path, &form.clone().with("csrf_token", wrong)).await;
            assert_refused(&answer, path);
        }
        assert_eq!(database.facts(), before, "{path}");
        assert_eq!(browser.submit_without_following(path, &form).await.status, 303, "{path}");
    }
}

/// Proves RFC 6749 §10.12: a form from another site is refused.
async fn a_form_from_another_site_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for (path, mut browser, form) in forms(&server, &client).await {
        let before = database.facts();
        for (origin, site) in [
            (Some("https://evil.example"), Some("cross-site")),
            (Some("null"), Some("cross-site")),
            (Some("https://mcp.example.com"), Some("cross-site")),
            (None, Some("cross-site")),
            (Some("https://other.example.com"), Some("same-site")),
            (Some("null"), Some("same-site")),
            (None, Some("none")),
            (Some("https://evil.example"), Some("same-origin")),
            (Some("https://evil.example"), None),
            (Some("http://mcp.example.com"), None),
            (Some("https://mcp.example.com:8443"), None),
            (Some("https://mcp.example.com.evil.example"), None),
            (Some("https://mcp.example.com/"), None),
            (Some(""), None),
        ] {
            let headers = [("origin", origin), ("sec-fetch-site", site)];
            let request = headers.iter().fold(browser.form_post(path), |request, (name, value)| match value {
                Some(value) => request.header(*name, *value),
                None => request,
            });
            let answer = browser.send(request.form(form.pairs())).await;
            assert_refused(&answer, &format!("{path} {origin:?} {site:?}"));
        }
        assert_eq!(database.facts(), before, "{path}");
    }
}

async fn a_form_of_our_own_pages_is_accepted_from_every_kind_of_browser(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    // Chromium, Safari, Firefox before it knew Sec-Fetch-Site, and a browser whose proxy takes headers away.
    for (origin, site) in [
        (Some("null"), Some("same-origin")),
        (Some("https://mcp.example.com"), Some("same-origin")),
        (Some("null"), None),
        (Some("https://mcp.example.com"), None),
        (None, Some("same-origin")),
        (None, None),
    ] {
        for (path, mut browser, form) in forms(&server, &client).await {
            let mut request = browser.form_post(path);
            for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                request = if let Some(value) = value { request.header(name, value) } else { request };
            }
            let answer = browser.send(request.form(form.pairs())).await;
            assert_eq!(answer.status, 303, "{path} {origin:?} {site:?}: {answer:?}");
        }
    }
}

async fn reading_changes_nothing_that_matters(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for (path, mut browser, form) in forms(&server, &client).await {
        let before = database.facts();
        let answer = browser.open(&format!("{path}?{}", form.encoded())).await;
        assert!(answer.left_for.is_none() && matches!(answer.answer.status, 200 | 405), "{path}: {answer:?}");
        assert_eq!(database.facts(), before, "{path}");
    }
}

async fn two_tabs_work(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let (first, second) = (browser.open(&client.authorize_path()).await, browser.open(&client.authorize_path()).await);
    // The same page a second time: the first copy's token still fits.
    browser.open(&first.path).await.assert_login();
    let first_consent = browser.sign_in(&first, "ada").await;
    let second_consent = browser.open(&second.path).await;
    second_consent.assert_consent();
    browser.open(&first_consent.path).await.assert_consent();
    assert_ne!(
        browser.allow(&second_consent).await.answered("code"),
        browser.allow(&first_consent).await.answered("code")
    );
}

async fn two_tabs_that_both_sign_in_work(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let (first, second) = (browser.open(&client.authorize_path()).await, browser.open(&client.authorize_path()).await);
    let first_consent = browser.sign_in(&first, "ada").await;
    // The second tab still shows the sign-in page, whose token belongs to the session before.
    let second_consent = browser.sign_in(&second, "ada").await;
    second_consent.assert_consent();
    browser.allow(&first_consent).await.answered("code");
    browser.allow(&second_consent).await.answered("code");
}
