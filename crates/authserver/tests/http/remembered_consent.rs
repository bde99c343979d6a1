//! Remembered consent: who allowed a client of the operator's something is not asked for it again for a while, and in every other case
//! the question comes.

use reqwest::Method;
use serde_json::json;

use super::rfc8628_device::{begin, consent_page};
use crate::support::binary::Workplace;
use crate::support::mcp_client::path_of;
use crate::support::website::{Website, desktop_client};
use crate::support::{
    Answer, Browser, Database, Form, McpClient, Page, Server, Settings, Tokens, on_any_database, on_both_databases,
};

on_both_databases! {
    the_same_or_less_is_not_asked_again_and_more_is,
    a_memory_ends_by_time_and_by_revocation_and_renews_nothing,
    the_last_answer_counts_and_whatever_ends_ends_the_memory,
    what_came_from_an_answer_ends_with_it,
}

on_any_database! {
    only_the_person_themselves_is_spared_the_question,
    only_clients_of_the_operator_at_a_website_are_remembered,
    without_the_word_of_the_operator_everybody_is_asked,
}

const CLIENTS: &str = r#"
[[client]]
id = "wiki"
name = "Company Wiki"
redirect_uris = ["https://wiki.example/callback", "http://127.0.0.1/callback", "wiki-app://callback"]
token_endpoint_auth_method = "none"
grant_types = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
[[client]]
id = "desk"
name = "Desk"
redirect_uris = ["https://desk.example/callback"]
token_endpoint_auth_method = "none"
[registration]
extra_redirect_schemes = ["wiki-app"]
[grants]
device_code = true
[tokens]
session_lifetime = "60d"
session_idle_lifetime = "60d"
"#;

const REMEMBER: &str = "[consent]\nremember = \"30d\"\n";

const DAY: u64 = 86_400;

async fn start(database: &Database) -> Server {
    let more = Box::leak(format!("{CLIENTS}{REMEMBER}").into_boxed_str());
    Server::start_with(database, Settings { more, ..Settings::default() }).await
}

fn wiki(server: &Server) -> McpClient<'_> {
    McpClient::known(server, "wiki", None, "https://wiki.example/callback")
}

fn asking(client: &McpClient<'_>, scope: &str) -> Form {
    client.authorization_request().with("scope", scope)
}

/// Allows it, as somebody who is asked.
async fn allowed(browser: &mut Browser<'_>, client: &McpClient<'_>, scope: &str) -> Page {
    let page = browser.open(&path_of(&asking(client, scope))).await;
    let consent = if page.has("sign-in") { browser.sign_in(&page, "ada").await } else { page };
    consent.assert_consent();
    browser.allow(&consent).await
}

async fn the_same_or_less_is_not_asked_again_and_more_is(database: &Database) {
    let server = start(database).await;
    let client = wiki(&server);
    let mut browser = Browser::new(&server);
    allowed(&mut browser, &client, "mcp:use notes:read").await.answered("code");
    for scope in ["mcp:use notes:read", "notes:read"] {
        let back = browser.open(&path_of(&asking(&client, scope))).await;
        assert_eq!(back.answered("state"), "state-of-the-client");
        let tokens = Tokens::of(&client.exchange(&back.answered("code")).await);
        assert_eq!(tokens.scope, scope);
        assert_eq!(client.refreshed(&tokens.refresh_token).await.scope, scope);
    }
    for more in ["notes:write", "mcp:use notes:read notes:write"] {
        browser.open(&path_of(&asking(&client, more))).await.assert_consent();
    }
    // Two consents, each for a part, are none for the whole.
    allowed(&mut browser, &client, "notes:write").await;
    browser.open(&path_of(&asking(&client, "mcp:use notes:write"))).await.assert_consent();
    assert_eq!(database.count("audit_events WHERE outcome = 'granted' AND reason = 'remembered'"), 2);
    assert_eq!(database.count("pending_authorizations WHERE client_id = 'wiki'"), 3, "only questions wait");
}

async fn a_memory_ends_by_time_and_by_revocation_and_renews_nothing(database: &Database) {
    let server = start(database).await;
    let client = wiki(&server);
    let mut browser = Browser::new(&server);
    let path = path_of(&asking(&client, "mcp:use"));
    allowed(&mut browser, &client, "mcp:use").await;
    server.advance(29 * DAY);
    browser.open(&path).await.answered("code");
    let same_end = "grants WHERE remembered_from IS NOT NULL AND expires_at = (SELECT expires_at FROM grants WHERE spares_question)";
    assert_eq!(database.count(same_end), 1, "it ends when the person was told that it ends");
    server.advance(DAY);
    browser.open(&path).await.assert_consent();
    allowed(&mut browser, &client, "mcp:use").await;
    browser.open(&path).await.answered("code");
    database.execute("UPDATE grants SET revoked_at = 1 WHERE spares_question");
    browser.open(&path).await.assert_consent();
}

/// Proves OAuth 2.1 §7.3: a narrower yes, a no and an end are not passed over for a wider yes of before.
async fn the_last_answer_counts_and_whatever_ends_ends_the_memory(database: &Database) {
    let server = start(database).await;
    let client = wiki(&server);
    let mut browser = Browser::new(&server);
    let (both, one) = (asking(&client, "mcp:use notes:read"), asking(&client, "notes:read"));
    allowed(&mut browser, &client, "mcp:use notes:read").await;
    allowed(&mut browser, &client, "notes:write").await;
    browser.open(&path_of(&one)).await.assert_consent();

    allowed(&mut browser, &client, "mcp:use notes:read").await;
    browser.open(&path_of(&both)).await.answered("code");
    let asked = browser.open(&path_of(&both.clone().with("prompt", "consent"))).await;
    assert_eq!(browser.deny(&asked).await.answered("error"), "access_denied");
    browser.open(&path_of(&one)).await.assert_consent();

    allowed(&mut browser, &client, "mcp:use notes:read").await;
    let silent = browser.open(&path_of(&one)).await.answered("code");
    let tokens = Tokens::of(&client.exchange(&silent).await);
    let revocation = Form::new([("token", &tokens.refresh_token), ("client_id", "wiki")]);
    assert_eq!(server.post("/revoke", &revocation).await.status, 200);
    browser.open(&path_of(&one)).await.assert_consent();
}

/// Proves RFC 9700 §4.11: what another website starts is never answered without the person.
async fn only_the_person_themselves_is_spared_the_question(database: &Database) {
    let server = start(database).await;
    let client = wiki(&server);
    let mut browser = Browser::new(&server);
    allowed(&mut browser, &client, "mcp:use").await;
    let (name, value) = browser.session();
    let cookie = format!("{name}={value}");
    let ask = async |method: Method, request: &Form, sites: &[&str]| {
        let request = server.request(method, &path_of(request)).header("cookie", &cookie);
        let request = request.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "document");
        let answer =
            Answer::of(sites.iter().fold(request, |request, site| request.header("sec-fetch-site", *site))).await;
        answer.header("location").is_some_and(|location| location.starts_with("https://wiki.example/"))
    };
    let request = asking(&client, "mcp:use");
    let answered = async |headers: &[(&str, &str)]| {
        let opened = server.request(Method::GET, &path_of(&request)).header("cookie", &cookie);
        let answer =
            Answer::of(headers.iter().fold(opened, |opened, (name, value)| opened.header(*name, *value))).await;
        answer.header("location").is_some_and(|location| location.starts_with("https://wiki.example/"))
    };
    assert!(ask(Method::GET, &request, &["none"]).await);
    assert!(ask(Method::GET, &request, &["same-origin"]).await);
    for sites in
        [&[][..], &["cross-site"], &["same-site"], &["none", "cross-site"], &["none", "none"], &["None"], &[""]]
    {
        assert!(!ask(Method::GET, &request, sites).await, "{sites:?}");
    }
    // Neither in a frame, nor by a script, nor before anybody wants it; and a browser that does not say is not believed.
    for headers in [
        &[("sec-fetch-site", "none")][..],
        &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
        &[("sec-fetch-site", "none"), ("sec-fetch-dest", "document")],
        &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "empty")],
        &[("sec-fetch-site", "none"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "document")],
    ] {
        assert!(!answered(headers).await, "{headers:?}");
    }
    let navigation = [("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    assert!(answered(&navigation).await);
    for early in [
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
    ] {
        assert!(!answered(&[&navigation[..], &[early]].concat()).await, "{early:?}");
    }
    assert!(!ask(Method::HEAD, &request, &["none"]).await, "nobody receives the code of a HEAD");
    for prompt in ["consent", "login", "select_account", "login consent"] {
        assert!(!ask(Method::GET, &request.clone().with("prompt", prompt), &["none"]).await, "{prompt}");
    }
    assert!(!ask(Method::GET, &request.clone().with("max_age", "0"), &["none"]).await);
    let before = database.count("grants");
    // Somebody else in front of the same browser, and nobody.
    let consent = browser.open(&path_of(&request.with("prompt", "consent"))).await;
    let login = browser.submit(&consent.action("switch-account"), &consent.form("switch-account")).await;
    browser.open(&client.authorize_path()).await.assert_login();
    browser.sign_in(&login, "bob").await.assert_consent();
    browser.open(&path_of(&asking(&client, "mcp:use"))).await.assert_consent();
    assert_eq!(database.count("grants"), before);
}

async fn only_clients_of_the_operator_at_a_website_are_remembered(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings(&format!("{CLIENTS}{REMEMBER}"))).await;
    let remembered = "within 30 days";
    let registered = McpClient::register(&server).await;
    let callback = "https://app.example/callback";
    let mut document = desktop_client();
    document["redirect_uris"] = json!([callback]);
    let url = website.documents.put_client("/client.json", document);
    let described = McpClient::described(&server, &url, callback);
    let at = |uri: &str| McpClient::known(&server, "wiki", None, uri);
    let (local, program) = (at("http://127.0.0.1:4000/callback"), at("wiki-app://callback"));
    let mut browser = Browser::new(&server);
    for client in [&registered, &described, &local, &program] {
        allowed(&mut browser, client, "mcp:use").await;
        let again = browser.open(&path_of(&asking(client, "mcp:use"))).await;
        again.assert_consent();
        assert!(!again.answer.body.contains(remembered), "{again:?}");
    }
    // Nor by a device that asks in its name.
    let codes = begin(&wiki(&server), &server).await;
    let typed = consent_page(&mut browser, &codes.user_code).await;
    assert!(!typed.answer.body.contains(remembered), "{typed:?}");
    assert!(browser.allow(&typed).await.has("done"));
    // What it was allowed there says nothing about the website, and another client has nothing from it.
    for scope in ["mcp:use", "notes:read"] {
        browser.open(&path_of(&asking(&wiki(&server), scope))).await.assert_consent();
    }
    let desk = McpClient::known(&server, "desk", None, "https://desk.example/callback");
    let question = browser.open(&path_of(&asking(&desk, "mcp:use"))).await;
    question.assert_consent();
    assert!(question.answer.body.contains(remembered), "whoever is asked reads it: {question:?}");
    allowed(&mut browser, &wiki(&server), "mcp:use").await;
    browser.open(&path_of(&asking(&wiki(&server), "mcp:use"))).await.answered("code");
    // And the other way round.
    for client in [&local, &program] {
        browser.open(&path_of(&asking(client, "mcp:use"))).await.assert_consent();
    }
}

/// Proves RFC 7009 §2.1: an answer and all that nobody was asked for because of it end together, whichever of them its owner ends.
async fn what_came_from_an_answer_ends_with_it(database: &Database) {
    let server = start(database).await;
    let client = wiki(&server);
    let operator = Workplace::new(&Settings { more: CLIENTS, ..Settings::default() }.toml(&database.url));
    let mut browser = Browser::new(&server);
    let path = path_of(&asking(&client, "mcp:use"));
    let still_held = || database.count("grants WHERE revoked_at IS NULL");
    let mut three = async || {
        let mut tokens = Vec::new();
        tokens.push(Tokens::of(
            &client.exchange(&allowed(&mut browser, &client, "mcp:use").await.answered("code")).await,
        ));
        for _ in 0..2 {
            let code = browser.open(&path).await.answered("code");
            tokens.push(Tokens::of(&client.exchange(&code).await));
            server.advance(1);
        }
        tokens
    };
    let account = async || {
        let mut other = Browser::new(&server);
        let login = other.open("/login").await;
        let page = other.sign_in(&login, "ada").await;
        (other, page)
    };

    let tokens = three().await;
    let (mut other, page) = account().await;
    assert_eq!(page.answer.body.matches("2 other connections that came from the same answer").count(), 3, "{page:?}");
    assert_eq!(page.answer.body.matches("You were not asked for it").count(), 2);
    // The one that was made last stands first.
    let id = page.answer.body.split("name=\"id\" value=\"grant_").nth(1).and_then(|rest| rest.split('"').next());
    let form = page.form("disconnect-all").with("end", "grant").with("id", &format!("grant_{}", id.expect("an id")));
    other.submit("/account", &form).await;
    assert_eq!(still_held(), 0);
    for tokens in tokens {
        assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    }
    assert_eq!(database.count("audit_events WHERE outcome = 'revoked' AND reason = 'owner'"), 3);

    three().await;
    let listed = String::from_utf8(operator.run(&["grant", "list", "--json"], &[]).stdout).expect("text");
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let of_memory = listed.as_array().expect("a list").iter();
    let mut of_memory = of_memory.filter(|grant| grant["state"] == "active" && grant["remembered_from"].is_string());
    let id = of_memory.next_back().expect("one")["id"].as_str().expect("an id");
    let said = String::from_utf8(operator.run(&["grant", "revoke", id], &[]).stdout).expect("text");
    assert!(
        said.contains(&format!("revoked {id}\n")) && said.matches("came from the same answer").count() == 2,
        "{said}"
    );
    assert_eq!(still_held(), 0);

    // A client that signs one browser out ends that one, or, of the one that was asked for, all; and is asked for again.
    for (ends, left) in [(1, 2), (0, 0)] {
        let tokens = three().await;
        let revocation = Form::new([("token", tokens[ends].refresh_token.as_str()), ("client_id", "wiki")]);
        assert_eq!(server.post("/revoke", &revocation).await.status, 200);
        assert_eq!(still_held(), left);
        database.execute("UPDATE grants SET revoked_at = 1 WHERE revoked_at IS NULL");
    }
}

async fn without_the_word_of_the_operator_everybody_is_asked(database: &Database) {
    let server = Server::start_with(database, Settings { more: CLIENTS, ..Settings::default() }).await;
    let client = wiki(&server);
    let mut browser = Browser::new(&server);
    allowed(&mut browser, &client, "mcp:use").await;
    let again = browser.open(&path_of(&asking(&client, "mcp:use"))).await;
    again.assert_consent();
    assert!(!again.answer.body.contains("without asking you"), "{again:?}");
}
