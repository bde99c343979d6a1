//! What every page for people carries, and what it shows: no other site may frame it (RFC 9700 §4.16), no cache keeps it, no
//! referrer tells of it, and the redirects after a form are 303 (RFC 9700 §4.12).

use reqwest::Method;
use serde_json::json;

use crate::support::mcp_client::path_of;
use crate::support::{
    Answer, Browser, Database, Form, McpClient, Page, Server, Settings, on_any_database, on_both_databases,
};

on_both_databases! {
    every_answer_of_every_route_keeps_to_itself,
    consent_is_asked_every_time,
    consent_shows_what_is_asked_by_whom_for_where,
    a_hostile_name_is_shown_as_text,
    a_page_of_another_browser_is_refused,
    a_page_ends_after_ten_minutes,
    a_page_that_was_answered_is_over,
    twenty_parallel_approvals_give_one_code,
    edited_fields_are_refused_or_change_nothing,
}

on_any_database! {
    assets_may_be_kept_for_ever,
    over_plain_http_on_loopback_the_whole_flow_works,
    under_a_path_the_whole_flow_works,
}

/// Headers that RFC 9700 and the browsers' own documents ask for.
pub fn assert_private(answer: &Answer, what: &str) {
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}: {answer:?}");
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{what}: {answer:?}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}: {answer:?}");
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"), "{what}: {answer:?}");
    assert!(answer.header("x-request-id").is_some_and(|id| !id.is_empty()), "{what}: {answer:?}");
    if !answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
        return;
    }
    assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{what}: {answer:?}");
    let policy = answer.header("content-security-policy").expect("a policy");
    let expected = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    // And nothing more: Chromium applies form-action to the redirects after a form, which end at the client.
    assert_eq!(policy, expected, "{what}");
    let everything = answer.body.to_ascii_lowercase();
    for loaded_from in
        ["src=\"http", "src=\"//", "href=\"http", "href=\"//", "javascript:", "<style", " onclick", " onload", "url("]
    {
        assert!(!everything.contains(loaded_from), "{what} has {loaded_from}: {}", answer.body);
    }
    for script in everything.split("<script").skip(1) {
        let source = script.strip_prefix(" src=\"").map(|source| source.trim_start_matches("../"));
        assert!(source.is_some_and(|source| source.starts_with("assets/")), "{what}: <script{script}");
    }
}

/// Proves RFC 6749 §10.13: no page can be framed.
async fn every_answer_of_every_route_keeps_to_itself(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let wrong = browser.sign_in_with(&login, "ada", "wrong").await;
    assert_eq!(wrong.answer.status, 401);
    let consent = browser.sign_in(&login, "ada").await;
    let answers = [
        ("sign-in", login.answer.clone()),
        ("wrong password", wrong.answer),
        ("consent", consent.answer.clone()),
        ("to sign-in", server.get(&client.authorize_path()).await),
        (
            "to the client with an error",
            server.get(&path_of(&client.authorization_request().with("state", "").without("response_type"))).await,
        ),
        ("unknown client", server.get("/authorize?client_id=x").await),
        ("no client", server.get("/authorize").await),
        ("another browser", server.get(&consent.path).await),
        ("no transaction", server.get("/login").await),
        ("no transaction", server.get("/consent").await),
        ("a form without anything", server.post("/login", &Form::default()).await),
        ("a form without anything", server.post("/consent", &Form::default()).await),
        ("a form without anything", server.post("/logout", &Form::default()).await),
        ("not a form", server.post_bytes("/login", "application/json", "{}").await),
        ("too large", server.post("/consent", &Form::default().with("x", &"x".repeat(20_000))).await),
        ("wrong method", Answer::of(server.request(Method::DELETE, "/consent")).await),
        ("wrong method", server.get("/logout").await),
        ("nothing there", server.get("/nothing").await),
        ("no asset", server.get("/assets/nothing.css").await),
        ("token", server.post("/token", &Form::default()).await),
        ("pushed request", server.post("/par", &client.authorization_request()).await),
        ("pushed request", server.post("/par", &Form::default()).await),
        ("token by GET", server.get("/token").await),
        ("register", server.post_bytes("/register", "application/json", "{}").await),
        ("to the client with a code", browser.allow(&consent).await.answer),
        ("over", browser.allow(&consent).await.answer),
    ];
    for (what, answer) in answers {
        assert_private(&answer, what);
        assert!(answer.status < 500, "{what}: {answer:?}");
    }
}

async fn assets_may_be_kept_for_ever(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let pages = [browser.open(&client.authorize_path()).await, browser.consent_page(&client).await];
    let mut assets: Vec<String> = Vec::new();
    for page in &pages {
        let urls = page.answer.body.split('"').filter(|text| text.starts_with("assets/"));
        assets.extend(urls.map(|url| page.resolved(url)));
    }
    assert!(assets.len() >= 3, "{assets:?}");
    for path in assets {
        let answer = server.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("cache-control").is_some_and(|value| value.contains("immutable")), "{path}");
        assert!(answer.header("etag").is_some() && answer.header("set-cookie").is_none(), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
}

/// Proves RFC 8252 §8.6: nobody is sent on without having been asked.
async fn consent_is_asked_every_time(database: &Database) {
    let server = Server::start(database).await;
    for redirect_uri in ["https://client.example/cb", "http://127.0.0.1/cb"] {
        let client = McpClient::register_with(&server, json!({ "redirect_uris": [redirect_uri] })).await;
        let mut browser = Browser::new(&server);
        let consent = browser.consent_page(&client).await;
        browser.allow(&consent).await.answered("code");
        for prompt in ["", "consent", "create"] {
            let path = path_of(&client.authorization_request().with("prompt", prompt));
            browser.open(&path).await.assert_consent();
        }
        let path = path_of(&client.authorization_request().with("prompt", "none"));
        browser.open(&path).await.assert_error(400, "interaction_required");
        let request = server.request(Method::GET, &client.authorize_path()).header("sec-fetch-site", "cross-site");
        let answer = browser.send(request.header("cookie", cookie_of(&browser))).await;
        assert!(answer.header("location").is_some_and(|to| to.starts_with("/consent?")), "{answer:?}");
    }
}

fn cookie_of(browser: &Browser<'_>) -> String {
    let (name, value) = browser.session();
    format!("{name}={value}")
}

async fn consent_shows_what_is_asked_by_whom_for_where(database: &Database) {
    let server = Server::start(database).await;
    for (redirect_uri, shown, local) in [
        ("https://claude.ai/api/mcp/auth_callback", "claude.ai", false),
        ("http://127.0.0.1:53280/callback", "127.0.0.1", true),
        ("http://localhost:53280/callback", "localhost", true),
        ("cursor://anysphere.cursor-mcp/cb", "cursor:", false),
    ] {
        let metadata = json!({ "redirect_uris": [redirect_uri], "client_name": "Claude" });
        let client = McpClient::register_with(&server, metadata).await;
        let mut browser = Browser::new(&server);
        let request = client.authorization_request().with("scope", "mcp:use notes:write");
        let login = browser.open(&path_of(&request)).await;
        let consent = browser.sign_in(&login, "ada").await;
        consent.assert_consent();
        assert_eq!(consent.text_of("client-name"), "Claude");
        assert_eq!(consent.text_of("redirect-host"), shown);
        assert_eq!(consent.text_of("resource-name"), "Acme MCP");
        assert_eq!(consent.text_of("account"), "ada");
        assert_eq!(consent.has("loopback-warning"), local, "{redirect_uri}");
        let body = &consent.answer.body;
        for words in ["Use the tools of this server", "Write notes", "https://mcp.example.com/mcp", "Unverified"] {
            assert!(body.contains(words), "{words}: {body}");
        }
        assert!(!body.contains("Read notes") && !body.contains("state-of-the-client"), "{body}");
    }
}

async fn a_hostile_name_is_shown_as_text(database: &Database) {
    let server = Server::start(database).await;
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{ 7 * 7 }}{% raw %}",
        "&lt;b&gt;",
        "</title><h1>x",
        "'`${x}`'",
    ] {
        let client = McpClient::register_with(&server, json!({ "client_name": name })).await;
        let mut browser = Browser::new(&server);
        let login = browser.open(&client.authorize_path()).await;
        let consent = browser.sign_in(&login, "ada").await;
        assert_eq!(consent.text_of("client-name"), name);
        for page in [&login, &consent] {
            assert_private(&page.answer, name);
            assert!(!page.answer.body.contains("<img src=x") && !page.answer.body.contains("<h1>x"), "{page:?}");
        }
    }
}

async fn a_page_of_another_browser_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let (mut ada, mut bob, mut nobody) = (Browser::new(&server), Browser::new(&server), Browser::new(&server));
    let login = ada.open(&client.authorize_path()).await;
    let of_bob = bob.open(&client.authorize_path()).await;
    bob.sign_in(&of_bob, "bob").await.assert_consent();
    for other in [&mut bob, &mut nobody] {
        other.open(&login.path).await.assert_error(400, "browser_changed");
        other.sign_in(&login, "bob").await.assert_error(400, "browser_changed");
    }
    let consent = ada.sign_in(&login, "ada").await;
    let before = database.facts();
    for other in [&mut bob, &mut nobody] {
        other.open(&consent.path).await.assert_error(400, "browser_changed");
        other.allow(&consent).await.assert_error(400, "browser_changed");
        other.deny(&consent).await.assert_error(400, "browser_changed");
        other.submit("/logout", &consent.form("consent")).await.assert_error(400, "browser_changed");
    }
    assert_eq!(database.facts(), before);
    ada.allow(&consent).await.answered("code");
}

async fn a_page_ends_after_ten_minutes(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    server.advance(599);
    let consent = browser.sign_in(&login, "ada").await;
    consent.assert_consent();
    server.advance(1);
    browser.open(&login.path).await.assert_error(400, "request_ended");
    browser.open(&consent.path).await.assert_error(400, "request_ended");
    browser.allow(&consent).await.assert_error(400, "request_ended");
    browser.deny(&consent).await.assert_error(400, "request_ended");
    assert_eq!(database.count("authorization_codes"), 0);
    browser.open(&client.authorize_path()).await.assert_consent();
}

async fn a_page_that_was_answered_is_over(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    browser.allow(&consent).await.answered("code");
    for _ in 0..2 {
        browser.allow(&consent).await.assert_error(400, "request_ended");
        browser.deny(&consent).await.assert_error(400, "request_ended");
        browser.open(&consent.path).await.assert_error(400, "request_ended");
    }
    assert_eq!(database.count("authorization_codes"), 1);
}

async fn twenty_parallel_approvals_give_one_code(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    let mut tabs: Vec<Browser<'_>> = (0..20).map(|_| browser.second_tab()).collect();
    let pages: Vec<Page> = futures_util::future::join_all(tabs.iter_mut().map(|tab| tab.allow(&consent))).await;
    let (allowed, over): (Vec<&Page>, Vec<&Page>) = pages.iter().partition(|page| page.left_for.is_some());
    assert_eq!(allowed.len(), 1);
    for page in over {
        page.assert_error(400, "request_ended");
    }
    assert_eq!((database.count("authorization_codes"), database.count("grants")), (1, 1));
}

async fn edited_fields_are_refused_or_change_nothing(database: &Database) {
    let server = Server::start(database).await;
    let (client, other) = (McpClient::register(&server).await, McpClient::register(&server).await);
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    let foreign = browser.open(&other.authorize_path()).await.form("consent");
    let good = consent.form("consent").with("decision", "allow");
    let transaction = good.get("transaction").to_owned();
    for (form, status, code) in [
        (good.clone().with("transaction", foreign.get("transaction")), 403, "form_refused"),
        (good.clone().with("csrf_token", foreign.get("csrf_token")), 403, "form_refused"),
        (good.clone().without("transaction"), 400, "request_invalid"),
        (good.clone().and("transaction", &transaction), 400, "request_invalid"),
        (good.clone().with("transaction", &transaction.to_uppercase()), 400, "request_invalid"),
        (good.clone().with("transaction", &format!("{transaction}0")), 400, "request_invalid"),
        (good.clone().with("transaction", &transaction.replace("_txn_", "_code_")), 400, "request_invalid"),
        (good.clone().without("decision"), 400, "request_invalid"),
        (good.clone().with("decision", "Allow"), 400, "request_invalid"),
        (good.clone().and("decision", "deny"), 400, "request_invalid"),
    ] {
        browser.submit("/consent", &form).await.assert_error(status, code);
    }
    assert_eq!(database.count("authorization_codes"), 0);
    // What the page never asked for is not looked at.
    let edited = [
        ("client_id", other.id.as_str()),
        ("redirect_uri", "https://evil.example/"),
        ("scope", "mcp:use notes:write"),
        ("resource", "https://evil.example/mcp"),
        ("state", "evil"),
        ("user", "bob"),
        ("username", "bob"),
        ("code_challenge", "evil"),
    ];
    let form = edited.iter().fold(good, |form, (name, value)| form.with(name, value));
    let allowed = browser.submit("/consent", &form).await;
    assert_eq!(allowed.answered("state"), "state-of-the-client");
    let tokens = crate::support::Tokens::of(&client.exchange(&allowed.answered("code")).await);
    assert_eq!(tokens.scope, "mcp:use");
}

async fn over_plain_http_on_loopback_the_whole_flow_works(database: &Database) {
    let server =
        Server::start_with(database, Settings { public_url: "http://localhost:8080", ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    assert_eq!(browser.session().0, "gatelodge_session");
    assert_eq!(consent.answer.header("strict-transport-security"), None, "browsers would lock themselves out");
    let allowed = browser.allow(&consent).await;
    assert_eq!(allowed.answered("iss"), "http://localhost:8080");
    crate::support::Tokens::of(&client.exchange(&allowed.answered("code")).await);
}

async fn under_a_path_the_whole_flow_works(database: &Database) {
    let settings = Settings { public_url: "https://mcp.example.com/auth", ..Settings::default() };
    let server = Server::start_with(database, settings).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    let login = browser.submit(&consent.action("switch-account"), &consent.form("switch-account")).await;
    let consent = browser.sign_in(&login, "bob").await;
    let asset = consent.answer.body.split('"').find(|text| text.contains("assets/style.css")).expect("a stylesheet");
    assert_eq!(server.get(&consent.resolved(asset)).await.status, 200, "{asset}");
    let allowed = browser.allow(&consent).await;
    assert_eq!(allowed.answered("iss"), "https://mcp.example.com/auth");
    crate::support::Tokens::of(&client.exchange(&allowed.answered("code")).await);
}
