//! The account page: signing in without a client, seeing and ending what was allowed, another password, and signing out; and what
//! the operator does to people.

use std::io::Write as _;
use std::process::Stdio;

use reqwest::Method;
use serde_json::json;

use crate::support::binary::Workplace;
use crate::support::mcp_client::McpClient;
use crate::support::{Answer, Browser, Database, Form, PASSWORD, Page, Server, Settings, Tokens, on_both_databases};

on_both_databases! {
    signing_in_without_a_client_leads_to_the_account_and_makes_a_new_session,
    a_parameter_is_never_where_a_sign_in_leads,
    every_form_of_the_account_needs_its_token_and_our_own_page,
    what_is_disconnected_is_refused_at_the_next_refresh,
    people_see_from_where_their_apps_came_last_and_where_messages_go,
    nobody_ends_what_is_somebody_elses,
    browsers_are_seen_and_signed_out,
    somebody_ends_everything_of_theirs_at_once,
    another_password_ends_everything_else_and_renews_the_session,
    another_password_needs_the_old_one_and_a_recent_sign_in,
    guesses_of_the_old_password_are_counted_with_the_sign_ins,
    signing_out_ends_the_session,
    whoever_is_disabled_or_removed_has_nothing_any_more,
    a_password_that_the_operator_sets_ends_what_the_old_one_began,
}

const NEW: &str = "another long password";

async fn signed_in<'s>(server: &'s Server, username: &str) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let page = browser.sign_in(&login, username).await;
    assert!(page.path == "/account" && page.answer.status == 200, "{page:?}");
    assert_eq!(page.text_of("account"), username);
    (browser, page)
}

/// Proves RFC 6265 §8.4: a session is not carried over into a sign-in without a client.
async fn signing_in_without_a_client_leads_to_the_account_and_makes_a_new_session(database: &Database) {
    let server = Server::start(database).await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.open("/account").await.path, "/login");
    let login = browser.open("/login").await;
    login.assert_login();
    let mut thief = browser.second_tab();
    let before = browser.session().1.to_owned();
    let page = browser.sign_in(&login, "ada").await;
    assert_eq!((page.path.as_str(), page.text_of("account").as_str()), ("/account", "ada"));
    assert_ne!(browser.session().1, before);
    assert_eq!(thief.open("/account").await.path, "/login");
    assert_eq!(browser.open("/login").await.path, "/account", "nothing is asked again right away");
}

async fn a_parameter_is_never_where_a_sign_in_leads(database: &Database) {
    let server = Server::start(database).await;
    for name in ["next", "redirect", "redirect_uri", "return_to", "url"] {
        let mut browser = Browser::new(&server);
        let path = format!("/login?{name}=https://evil.example/");
        let login = browser.open(&path).await;
        assert!(!login.answer.body.contains("evil.example"));
        let form = login.form("login").with("username", "ada").with("password", PASSWORD);
        let page = browser.submit("/login", &form.with(name, "https://evil.example/")).await;
        assert!(page.left_for.is_none() && page.path == "/account", "{page:?}");
    }
}

async fn every_form_of_the_account_needs_its_token_and_our_own_page(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    client.connect().await;
    let (mut browser, page) = signed_in(&server, "ada").await;
    let (_, of_stranger) = signed_in(&server, "bob").await;
    let consent = browser.open(&client.authorize_path()).await;
    let token = page.form("sign-out").get("csrf_token").to_owned();
    let of_request = consent.form("consent").get("csrf_token").to_owned();
    let of_stranger = of_stranger.form("sign-out").get("csrf_token").to_owned();
    let sessions = database.count("browser_sessions");
    let forms = [
        ("/login", Form::new([("username", "ada"), ("password", PASSWORD)])),
        ("/account", Form::new([("end", "apps")])),
        ("/account", Form::new([("end", "other_sessions")])),
        ("/password", Form::new([("old_password", PASSWORD), ("new_password", NEW), ("new_password_again", NEW)])),
        ("/logout", Form::default()),
    ];
    for (path, form) in &forms {
        for wrong in ["", "x", &token[1..], &format!("{token}A"), &of_request, &of_stranger] {
            let answer = browser.submit(path, &form.clone().with("csrf_token", wrong)).await;
            answer.assert_error(403, "form_refused");
        }
        browser.submit(path, form).await.assert_error(403, "form_refused");
        for (origin, site) in [("null", "cross-site"), ("https://evil.example", "same-origin"), ("null", "same-site")] {
            let post = browser.form_post(path).header("origin", origin).header("sec-fetch-site", site);
            let good = form.clone().with("csrf_token", &token);
            assert_eq!(browser.send(post.form(good.pairs())).await.status, 403, "{path}");
        }
    }
    assert_eq!(database.count("grants WHERE revoked_at IS NULL"), 1);
    assert_eq!(database.count("browser_sessions"), sessions);
    assert_eq!(browser.open("/account").await.path, "/account");
}

/// The form of an entry: the page has several without an id.
fn ending(page: &Page, of: &str, id: Option<&str>) -> Form {
    let form = Form::new([("csrf_token", page.form("sign-out").get("csrf_token")), ("end", of)]);
    match id {
        Some(id) => form.with("id", id),
        None => form,
    }
}

/// The values of the hidden fields named `id`.
fn ids(page: &Page) -> Vec<String> {
    let values = page.answer.body.split("name=\"id\" value=\"").skip(1);
    values.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

async fn what_is_disconnected_is_refused_at_the_next_refresh(database: &Database) {
    let server = Server::start(database).await;
    let named = async |name: &str| McpClient::register_with(&server, json!({ "client_name": name })).await;
    let (first, second) = (named("First App").await, named("Second App").await);
    let (one, other) = (first.connect().await, second.connect().await);
    let (mut browser, page) = signed_in(&server, "ada").await;
    for shown in ["First App", "Second App", "Unverified", "Acme MCP", "Use the tools of this server"] {
        assert!(page.answer.body.contains(shown), "{shown}");
    }
    let grants: Vec<String> = ids(&page).into_iter().filter(|id| id.starts_with("grant_")).collect();
    assert_eq!(grants.len(), 2);
    let page = browser.submit("/account", &ending(&page, "grant", Some(&grants[0]))).await;
    assert_eq!(page.path, "/account");
    let errors = [first.refresh(&one.refresh_token).await.status, second.refresh(&other.refresh_token).await.status];
    assert!(errors == [400, 200] || errors == [200, 400], "{errors:?}");
    let page = browser.submit("/account", &ending(&page, "apps", None)).await;
    assert!(page.answer.body.contains("No app is connected"));
    assert_eq!(database.count("grants WHERE revoked_at IS NULL"), 0);
    assert_eq!(first.refresh(&one.refresh_token).await.error(), "invalid_grant");
}

/// Proves RFC 6819 §5.1.5.3: whoever looks sees where a token is used, so that a stolen one is noticed.
async fn people_see_from_where_their_apps_came_last_and_where_messages_go(database: &Database) {
    let settings = Settings { trusted_proxies: "[\"127.0.0.1\"]", ..Settings::default() };
    let server = Server::start_with(database, settings).await;
    let client = McpClient::register(&server).await;
    let from = async |address: &str, form: &Form| {
        let request = server.request(Method::POST, "/token").header("x-forwarded-for", address);
        Tokens::of(&Answer::of(request.form(form.pairs())).await)
    };
    let code = client.code().await;
    let (mut browser, page) = signed_in(&server, "ada").await;
    assert!(page.answer.body.contains("not used yet") && !page.has("email"), "{page:?}");
    let tokens = from("203.0.113.9", &client.code_request(&code)).await;
    assert!(browser.open("/account").await.answer.body.contains("203.0.113.0/24"));
    from("2001:db8:1:2::3", &client.refresh_request(&tokens.refresh_token)).await;
    database.execute("INSERT INTO email_addresses SELECT id, 'ada@example.org', 0 FROM users WHERE username = 'ada'");
    let page = browser.open("/account").await;
    assert!(page.answer.body.contains("2001:db8:1::/48") && !page.answer.body.contains("203.0.113"), "{page:?}");
    assert!(!page.answer.body.contains("2001:db8:1:2"), "not the address itself");
    assert!(page.answer.body.contains("ada@example.org") && page.answer.body.contains("Only whoever runs this server"));
}

async fn nobody_ends_what_is_somebody_elses(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    client.connect().await;
    let (mut ada, of_ada) = signed_in(&server, "ada").await;
    let (mut second, _) = signed_in(&server, "ada").await;
    let of_ada = ada.open(&of_ada.path).await;
    let (mut bob, of_bob) = signed_in(&server, "bob").await;
    assert_eq!(ids(&of_bob), Vec::<String>::new());
    for id in ids(&of_ada) {
        for what in ["grant", "session"] {
            bob.submit("/account", &ending(&of_bob, what, Some(&id))).await;
        }
    }
    bob.submit("/account", &ending(&of_bob, "apps", None)).await;
    bob.submit("/account", &ending(&of_bob, "other_sessions", None)).await;
    assert_eq!(database.count("grants WHERE revoked_at IS NULL"), 1);
    assert_eq!(
        (ada.open("/account").await.path, second.open("/account").await.path),
        ("/account".into(), "/account".into())
    );
    for form in [ending(&of_bob, "other", None), ending(&of_bob, "grant", None), ending(&of_bob, "apps", Some("x"))] {
        bob.submit("/account", &form).await.assert_error(400, "request_invalid");
    }
}

async fn browsers_are_seen_and_signed_out(database: &Database) {
    let server = Server::start(database).await;
    let (mut first, _) = signed_in(&server, "ada").await;
    let (mut second, _) = signed_in(&server, "ada").await;
    let (mut third, _) = signed_in(&server, "ada").await;
    let page = first.open("/account").await;
    assert_eq!(page.answer.body.matches("This browser").count(), 1);
    assert_eq!(page.answer.body.matches("Another browser").count(), 2);
    assert!(!page.answer.body.contains(first.session().1), "no session is shown");
    let page = first.submit("/account", &ending(&page, "session", Some(&ids(&page)[0]))).await;
    let left = [second.open("/account").await.path, third.open("/account").await.path];
    assert_eq!(left.iter().filter(|path| *path == "/account").count(), 1, "{left:?}");
    first.submit("/account", &ending(&page, "other_sessions", None)).await;
    assert_eq!(
        (second.open("/account").await.path, third.open("/account").await.path),
        ("/login".into(), "/login".into())
    );
    assert_eq!(first.open("/account").await.path, "/account");
}

/// Proves RFC 6819 §5.1.5.3: whoever finds somebody else in their account ends all of it at once, codes and other browsers too.
async fn somebody_ends_everything_of_theirs_at_once(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let (tokens, code) = (client.connect().await, client.code().await);
    let (mut bob, _) = signed_in(&server, "bob").await;
    let consent = bob.open(&client.authorize_path()).await;
    let of_bob = Tokens::of(&client.exchange(&bob.allow(&consent).await.answered("code")).await);
    let (mut thief, _) = signed_in(&server, "ada").await;
    let (mut ada, page) = signed_in(&server, "ada").await;
    ada.submit("/account", &page.form("end-everything").with("csrf_token", "x"))
        .await
        .assert_error(403, "form_refused");
    assert_eq!(ada.open("/account").await.path, "/account");

    let left = ada.submit("/account", &page.form("end-everything")).await;
    left.assert_login();
    assert_eq!(thief.open("/account").await.path, "/login");
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    assert_eq!(client.exchange(&code).await.error(), "invalid_grant");
    assert_eq!(database.count("audit_events WHERE outcome = 'everything_ended' AND reason = 'owner'"), 1);

    assert_eq!(bob.open("/account").await.path, "/account");
    assert_eq!(client.refresh(&of_bob.refresh_token).await.status, 200);
    assert_eq!(ada.sign_in(&left, "ada").await.path, "/account", "they sign in as before");
    assert!(ada.open("/account/activity").await.answer.body.contains("Everything was ended"));
}

async fn change(browser: &mut Browser<'_>, old: &str, new: &str, again: &str) -> Page {
    let page = browser.open("/password").await;
    let form =
        page.form("password").with("old_password", old).with("new_password", new).with("new_password_again", again);
    browser.submit("/password", &form).await
}

async fn another_password_ends_everything_else_and_renews_the_session(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let (tokens, code) = (client.connect().await, client.code().await);
    let (mut browser, _) = signed_in(&server, "ada").await;
    let (mut other, _) = signed_in(&server, "ada").await;
    let (mut thief, before) = (browser.second_tab(), browser.session().1.to_owned());
    let done = change(&mut browser, PASSWORD, NEW, NEW).await;
    assert!(done.answer.status == 200 && done.has("done"), "{done:?}");
    assert_ne!(browser.session().1, before);
    assert_eq!(browser.open("/account").await.path, "/account");
    assert_eq!(
        (thief.open("/account").await.path, other.open("/account").await.path),
        ("/login".into(), "/login".into())
    );
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    assert_eq!(client.exchange(&code).await.error(), "invalid_grant");
    let login = other.open("/login").await;
    assert_eq!(other.sign_in(&login, "ada").await.answer.status, 401);
    assert_eq!(other.sign_in_with(&login, "ada", NEW).await.path, "/account");
}

async fn another_password_needs_the_old_one_and_a_recent_sign_in(database: &Database) {
    let server = Server::start(database).await;
    let (mut browser, _) = signed_in(&server, "ada").await;
    for (old, new, again, status) in [
        ("wrong", NEW, NEW, 401),
        (PASSWORD, NEW, "something else", 400),
        (PASSWORD, "short", "short", 400),
        (PASSWORD, "", "", 400),
    ] {
        let page = change(&mut browser, old, new, again).await;
        assert!(page.answer.status == status && page.has("problem"), "{page:?}");
    }
    let page = browser.open("/password").await;
    server.advance(600);
    assert_eq!(browser.open("/password").await.path, "/login");
    let form = page.form("password").with("old_password", PASSWORD).with("new_password", NEW);
    assert_eq!(browser.submit("/password", &form.with("new_password_again", NEW)).await.path, "/login");
    let again = browser.open("/login").await;
    again.assert_login();
    let before = browser.session().1.to_owned();
    assert_eq!(browser.sign_in(&again, "ada").await.path, "/account");
    assert_ne!(browser.session().1, before);
    assert!(change(&mut browser, PASSWORD, NEW, NEW).await.has("done"));
}

async fn guesses_of_the_old_password_are_counted_with_the_sign_ins(database: &Database) {
    let server = Server::start(database).await;
    let (mut browser, _) = signed_in(&server, "ada").await;
    for _ in 0..5 {
        assert_eq!(change(&mut browser, "wrong", NEW, NEW).await.answer.status, 401);
    }
    let page = change(&mut browser, PASSWORD, NEW, NEW).await;
    assert_eq!((page.answer.status, page.answer.header("retry-after")), (429, Some("15")));
}

async fn signing_out_ends_the_session(database: &Database) {
    let server = Server::start(database).await;
    let (mut browser, page) = signed_in(&server, "ada").await;
    let mut old = browser.second_tab();
    let left = browser.submit("/logout", &page.form("sign-out")).await;
    left.assert_login();
    assert_eq!(left.path, "/login");
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
    assert_eq!(
        (browser.open("/account").await.path, old.open("/account").await.path),
        ("/login".into(), "/login".into())
    );
}

fn operator(database: &Database) -> Workplace {
    Workplace::new(&Settings::default().toml(&database.url))
}

async fn whoever_is_disabled_or_removed_has_nothing_any_more(database: &Database) {
    let server = Server::start(database).await;
    let operator = operator(database);
    let client = McpClient::register(&server).await;
    for command in ["disable", "remove"] {
        let tokens = client.connect().await;
        let (mut browser, _) = signed_in(&server, "ada").await;
        let said = operator.run(&["user", command, "ADA"], &[]);
        let said = String::from_utf8(said.stdout).expect("text");
        assert!(said.contains("grants ended"), "{said}");
        assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant", "{command}");
        assert_eq!(browser.open("/account").await.path, "/login", "{command}");
        let login = browser.open("/login").await;
        assert_eq!(browser.sign_in(&login, "ada").await.answer.status, 401, "{command}");
        assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
        if command == "disable" {
            assert!(operator.run(&["user", "enable", "ada"], &[]).status.success());
            assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant", "what ended stays ended");
        }
    }
    // Resource servers go on hearing that these tokens ended.
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL AND status_index IS NOT NULL"), 2);
    assert_eq!(database.count("users WHERE username = 'ada'"), 0);
    let said = operator.run(&["user", "disable", "ada"], &[]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("gatelodge user list"));
}

async fn a_password_that_the_operator_sets_ends_what_the_old_one_began(database: &Database) {
    let server = Server::start(database).await;
    let operator = operator(database);
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let (mut browser, _) = signed_in(&server, "ada").await;
    let mut command = operator.command(&["user", "reset-password", "ada", "--password-stdin"], &[]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    writeln!(child.stdin.take().expect("a pipe"), "{NEW}").expect("it reads");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    let login = browser.open("/account").await;
    login.assert_login();
    assert_eq!(browser.sign_in(&login, "ada").await.answer.status, 401);
    assert_eq!(browser.sign_in_with(&login, "ada", NEW).await.path, "/account");
    assert!(operator.run(&["user", "set-admin", "ada"], &[]).status.success());
    let listed = operator.run(&["user", "list"], &[]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("administrator"));
    assert_eq!(database.count("users WHERE is_admin"), 1);
}
