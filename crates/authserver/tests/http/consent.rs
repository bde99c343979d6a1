//! What a person leaves ticked is what is granted (RFC 6749 §3.3), and nothing that was not asked for.

use serde_json::json;

use crate::support::mcp_client::path_of;
use crate::support::{
    Browser, Database, Form, McpClient, Page, Server, Settings, TWO_RESOURCES, Tokens, on_both_databases,
};

on_both_databases! {
    what_is_unticked_is_not_granted_and_the_answer_says_what_is,
    what_was_denied_comes_back_by_no_refresh,
    nothing_can_be_ticked_that_was_not_asked_for,
    scopes_of_another_resource_cannot_be_ticked,
    what_is_required_cannot_be_unticked,
    with_nothing_ticked_the_question_is_asked_again,
    whoever_switches_accounts_answers_the_same_request,
    a_client_that_cannot_refresh_is_said_to_ask_again_soon,
    on_a_step_up_the_page_says_what_is_new,
    what_somebody_else_allowed_or_allows_no_more_is_no_step_up,
}

/// `mcp:use` is required; `notes:write` includes `notes:read`.
const NOTES: &str = r#"
[[resource]]
id = "https://mcp.example.com/mcp"
name = "Acme MCP"
default_scopes = ["mcp:use"]
[[resource.scope]]
name = "mcp:use"
title = "Use the tools of this server"
required = true
[[resource.scope]]
name = "notes:read"
title = "Read notes"
[[resource.scope]]
name = "notes:write"
title = "Write notes"
implies = ["notes:read"]
"#;

async fn asked<'s>(server: &'s Server, client: &McpClient<'s>, scope: &str) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let login = browser.open(&path_of(&client.authorization_request().with("scope", scope))).await;
    let consent = browser.sign_in(&login, "ada").await;
    consent.assert_consent();
    (browser, consent)
}

/// Allow, with only these boxes ticked.
fn ticking(consent: &Page, scopes: &[&str]) -> Form {
    let form = consent.form("consent").without("scope").with("decision", "allow");
    scopes.iter().fold(form, |form, scope| form.and("scope", scope))
}

fn boxes(page: &Page) -> Vec<String> {
    let one = |(name, ticked, free): (String, bool, bool)| match (ticked, free) {
        (true, true) => format!("{name} ticked"),
        (false, true) => format!("{name} unticked"),
        (true, false) => format!("{name} fixed"),
        (false, false) => panic!("{name} cannot be ticked"),
    };
    page.scopes().into_iter().map(one).collect()
}

/// Proves RFC 6749 §3.3: the answer says what was granted when it is less than was asked for.
async fn what_is_unticked_is_not_granted_and_the_answer_says_what_is(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let all = "mcp:use notes:read notes:write";
    for (ticked, granted) in [
        (&["mcp:use", "notes:read", "notes:write"][..], all),
        (&["notes:write", "mcp:use"], "mcp:use notes:write"),
        (&["notes:read"], "notes:read"),
    ] {
        let (mut browser, consent) = asked(&server, &client, all).await;
        assert_eq!(boxes(&consent), ["mcp:use ticked", "notes:read ticked", "notes:write ticked"]);
        let allowed = browser.submit("/consent", &ticking(&consent, ticked)).await;
        let tokens = Tokens::of(&client.exchange(&allowed.answered("code")).await);
        assert_eq!(tokens.scope, granted);
        assert_eq!(crate::support::claims(&tokens.access_token)["scope"], granted);
        assert_eq!(client.refreshed(&tokens.refresh_token).await.scope, granted);
    }
}

/// Proves RFC 6749 §6: a refresh goes no further than what the person granted.
async fn what_was_denied_comes_back_by_no_refresh(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let (mut browser, consent) = asked(&server, &client, "mcp:use notes:read notes:write").await;
    let allowed = browser.submit("/consent", &ticking(&consent, &["mcp:use", "notes:read"])).await;
    let mut token = Tokens::of(&client.exchange(&allowed.answered("code")).await).refresh_token;
    for scope in ["mcp:use notes:read notes:write", "notes:write", "notes:read", ""] {
        let answer = server.post("/token", &client.refresh_request(&token).with("scope", scope)).await;
        if answer.status == 200 {
            let tokens = Tokens::of(&answer);
            assert!(!tokens.scope.contains("notes:write"), "{scope}: {tokens:?}");
            token = tokens.refresh_token;
        } else {
            assert_eq!(answer.error(), "invalid_scope", "{scope}");
        }
    }
    assert_eq!(client.refreshed(&token).await.scope, "mcp:use notes:read");
    assert_eq!(database.count("grants WHERE scope LIKE '%write%'"), 0);
}

/// Proves RFC 6749 §10.13: what the form of the page never offered changes nothing.
async fn nothing_can_be_ticked_that_was_not_asked_for(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for extra in [
        &["notes:write"][..],
        &["notes:read notes:write"],
        &["mcp:use notes:read notes:write"],
        &["", "notes:write", ""],
        &["NOTES:READ", "notes:read ", " notes:read", "*", "notes:*", "\"", "\u{1f600}"],
        &["mcp:use", "mcp:use", "mcp:use"],
        &["offline_access", "admin"],
    ] {
        let (mut browser, consent) = asked(&server, &client, "mcp:use notes:read").await;
        let form = extra.iter().fold(ticking(&consent, &["mcp:use"]), |form, scope| form.and("scope", scope));
        let allowed = browser.submit("/consent", &form).await;
        assert_eq!(Tokens::of(&client.exchange(&allowed.answered("code")).await).scope, "mcp:use", "{extra:?}");
        // A single scope is all there is to allow.
        let (mut browser, consent) = asked(&server, &client, "notes:read").await;
        assert_eq!(boxes(&consent), ["notes:read fixed"]);
        let allowed = browser.submit("/consent", &ticking(&consent, extra)).await;
        assert_eq!(Tokens::of(&client.exchange(&allowed.answered("code")).await).scope, "notes:read", "{extra:?}");
    }
}

async fn scopes_of_another_resource_cannot_be_ticked(database: &Database) {
    let settings = Settings { resources: TWO_RESOURCES, ..Settings::default() };
    let server = Server::start_with(database, settings).await;
    let client = McpClient::register(&server).await;
    let (mut browser, consent) = asked(&server, &client, "mcp:use other:use").await;
    assert_eq!(boxes(&consent), ["mcp:use fixed"]);
    let allowed = browser.submit("/consent", &ticking(&consent, &["mcp:use", "other:use"])).await;
    assert_eq!(Tokens::of(&client.exchange(&allowed.answered("code")).await).scope, "mcp:use");
}

async fn what_is_required_cannot_be_unticked(database: &Database) {
    let settings = Settings { resources: NOTES, ..Settings::default() };
    let server = Server::start_with(database, settings).await;
    let client = McpClient::register(&server).await;
    let (mut browser, consent) = asked(&server, &client, "notes:write mcp:use").await;
    assert_eq!(boxes(&consent), ["notes:write ticked", "mcp:use fixed"]);
    for words in ["needed for everything else", "Includes: <bdi>Read notes</bdi>"] {
        assert!(consent.answer.body.contains(words), "{words}");
    }
    let allowed = browser.submit("/consent", &ticking(&consent, &[])).await;
    assert_eq!(Tokens::of(&client.exchange(&allowed.answered("code")).await).scope, "mcp:use");
    // Who did not ask for it does not get it either.
    let (mut browser, consent) = asked(&server, &client, "notes:read notes:write").await;
    let allowed = browser.submit("/consent", &ticking(&consent, &["notes:read"])).await;
    assert_eq!(Tokens::of(&client.exchange(&allowed.answered("code")).await).scope, "notes:read");
}

async fn with_nothing_ticked_the_question_is_asked_again(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let (mut browser, consent) = asked(&server, &client, "mcp:use notes:read").await;
    for nothing in [&[][..], &["notes:write"], &["", "x"]] {
        let again = browser.submit("/consent", &ticking(&consent, nothing)).await;
        assert_eq!(again.answer.status, 400);
        assert!(again.has("problem") && again.left_for.is_none(), "{again:?}");
        assert_eq!(boxes(&again), ["mcp:use unticked", "notes:read unticked"]);
        assert_eq!((database.count("grants"), database.count("authorization_codes")), (0, 0));
    }
    let again = browser.submit("/consent", &ticking(&consent, &[])).await;
    let allowed = browser.submit("/consent", &ticking(&again, &["notes:read"])).await;
    assert_eq!(Tokens::of(&client.exchange(&allowed.answered("code")).await).scope, "notes:read");
    let (mut browser, consent) = asked(&server, &client, "mcp:use notes:read").await;
    let denied = browser.submit("/consent", &ticking(&consent, &[]).with("decision", "deny")).await;
    assert_eq!(denied.answered("error"), "access_denied");
}

async fn whoever_switches_accounts_answers_the_same_request(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let (mut browser, consent) = asked(&server, &client, "mcp:use notes:read").await;
    let login = browser.submit(&consent.action("switch-account"), &consent.form("switch-account")).await;
    let consent = browser.sign_in(&login, "bob").await;
    assert_eq!(consent.text_of("account"), "bob");
    assert_eq!(boxes(&consent), ["mcp:use ticked", "notes:read ticked"]);
    let allowed = browser.submit("/consent", &ticking(&consent, &["notes:read"])).await;
    assert_eq!(allowed.answered("state"), "state-of-the-client");
    assert_eq!(Tokens::of(&client.exchange(&allowed.answered("code")).await).scope, "notes:read");
}

async fn a_client_that_cannot_refresh_is_said_to_ask_again_soon(database: &Database) {
    let server = Server::start(database).await;
    for (grant_types, words) in [
        (json!(["authorization_code", "refresh_token"]), "up to 90 days"),
        (json!(["authorization_code"]), "up to 60 minutes"),
    ] {
        let client = McpClient::register_with(&server, json!({ "grant_types": grant_types })).await;
        let (_, consent) = asked(&server, &client, "mcp:use").await;
        assert!(consent.answer.body.contains(words), "{consent:?}");
        assert_eq!(consent.answer.body.contains("about every 60 minutes"), words.contains("days"));
    }
}

/// What the page says of what is new: the sentence, and what stands beside each scope.
fn compared(page: &Page) -> (Option<String>, Vec<(String, &'static str)>) {
    let lines = page.answer.body.split("<li>").skip(1).map(|line| {
        let name = line.split("<code>").nth(1).and_then(|rest| rest.split("</code>").next()).expect("a scope");
        let mark = match (line.contains(">New</span>"), line.contains("allowed before")) {
            (true, false) => "new",
            (false, true) => "had",
            (false, false) => "",
            (true, true) => panic!("{line}"),
        };
        (name.to_owned(), mark)
    });
    (page.has("step-up").then(|| page.text_of("step-up")), lines.collect())
}

fn marked(scopes: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    scopes.iter().map(|(name, mark)| ((*name).to_owned(), *mark)).collect()
}

/// Proves MCP authorization "Step-Up Authorization Flow": whoever is asked for more sees what is more, and grants what is ticked.
async fn on_a_step_up_the_page_says_what_is_new(database: &Database) {
    let server = Server::start_with(database, Settings { resources: NOTES, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let (mut browser, first) = asked(&server, &client, "mcp:use").await;
    assert_eq!(compared(&first), (None, marked(&[("mcp:use", "")])));
    browser.allow(&first).await;

    let mut ask =
        async |scope: &str| browser.open(&path_of(&client.authorization_request().with("scope", scope))).await;
    let nothing = ask("mcp:use").await;
    assert_eq!(
        compared(&nothing),
        (Some("It has all of this already. Nothing is new.".into()), marked(&[("mcp:use", "")]))
    );
    let other = ask("notes:read").await;
    assert_eq!(
        compared(&other),
        (Some("It has access already. All of this is new.".into()), marked(&[("notes:read", "")]))
    );
    let more = ask("mcp:use notes:write").await;
    let some = Some("It has some of this already. What is new is marked.".to_owned());
    assert_eq!(compared(&more), (some.clone(), marked(&[("notes:write", "new"), ("mcp:use", "had")])));
    // Asked once more because nothing was ticked, it says the same.
    let more = ask("notes:write notes:read").await;
    let again = browser.submit("/consent", &ticking(&more, &[])).await;
    let all_new = Some("It has access already. All of this is new.".to_owned());
    assert_eq!(compared(&again), (all_new, marked(&[("notes:write", ""), ("notes:read", "")])));
    let allowed = browser.submit("/consent", &ticking(&again, &["notes:write"])).await;
    assert_eq!(Tokens::of(&client.exchange(&allowed.answered("code")).await).scope, "notes:write");

    // What a scope includes is had with it.
    let page =
        browser.open(&path_of(&client.authorization_request().with("scope", "mcp:use notes:read notes:write"))).await;
    let nothing = Some("It has all of this already. Nothing is new.".to_owned());
    let unmarked = marked(&[("mcp:use", ""), ("notes:read", ""), ("notes:write", "")]);
    assert_eq!(compared(&page), (nothing, unmarked));
}

/// Proves MCP authorization "Step-Up Authorization Flow": what counts as had is what this person still allows this client here.
async fn what_somebody_else_allowed_or_allows_no_more_is_no_step_up(database: &Database) {
    let server = Server::start_with(database, Settings { resources: TWO_RESOURCES, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let (mut browser, consent) = asked(&server, &client, "mcp:use").await;
    browser.allow(&consent).await;
    let request = client.authorization_request().with("scope", "mcp:use");
    let consent = browser.open(&path_of(&request)).await;
    assert!(consent.has("step-up"));

    let elsewhere =
        client.authorization_request().with("resource", "https://mcp.example.com/other").with("scope", "other:use");
    let stranger = McpClient::register(&server).await;
    for other in [elsewhere, stranger.authorization_request().with("scope", "mcp:use")] {
        let page = browser.open(&path_of(&other)).await;
        page.assert_consent();
        assert!(!page.has("step-up"), "{page:?}");
    }
    let login = browser.submit(&consent.action("switch-account"), &consent.form("switch-account")).await;
    let of_bob = browser.sign_in(&login, "bob").await;
    of_bob.assert_consent();
    assert!(!of_bob.has("step-up"), "{of_bob:?}");
    let (mut browser, again) = asked(&server, &client, "mcp:use").await;
    assert!(again.has("step-up"));
    database.execute("UPDATE grants SET revoked_at = 1");
    assert!(!browser.open(&path_of(&request)).await.has("step-up"));
    database.execute("UPDATE grants SET revoked_at = NULL, expires_at = 1");
    assert!(!browser.open(&path_of(&request)).await.has("step-up"));
}
