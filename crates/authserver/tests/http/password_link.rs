//! A password by link: for somebody who forgot theirs, and for somebody new, so that no operator ever knows one.

use std::time::Duration;

use futures_util::future::join_all;
use gatelodge_oauth::secret::{Kind, Secret};

use crate::support::binary::Workplace;
use crate::support::mcp_client::McpClient;
use crate::support::{Answer, Browser, Database, Form, ISSUER, PASSWORD, Page, Server, Settings, on_both_databases};

on_both_databases! {
    a_link_sets_one_password_and_ends_what_the_old_one_began,
    somebody_who_is_invited_chooses_the_password,
    of_twenty_that_hold_a_link_one_sets_the_password,
    a_newer_link_kills_the_older_and_so_does_another_password,
    a_wrong_an_old_and_a_disabled_users_link_change_nothing,
    what_is_wrong_with_a_new_password_is_said_and_the_link_goes_on_working,
}

const NEW: &str = "another long password";

fn operator(database: &Database) -> Workplace {
    // The clock of the tests is not that of the command: a link of the command works at both.
    Workplace::new(&Settings::default().toml(&database.url))
}

/// Runs a command that prints a link; its path and query.
fn link_of(operator: &Workplace, arguments: &[&str]) -> String {
    let said = operator.run(arguments, &[]);
    let printed = String::from_utf8(said.stdout).expect("text");
    let link = printed.lines().find_map(|line| line.strip_prefix(ISSUER));
    link.unwrap_or_else(|| panic!("no link: {printed} {}", String::from_utf8_lossy(&said.stderr))).to_owned()
}

/// The server's clock as the command has it: it says until when a link works.
async fn server(database: &Database) -> Server {
    let now = gatelodge_service::clock::Clock::system().now();
    Server::start_at(database, Settings::default(), gatelodge_service::clock::Clock::manual(now)).await
}

fn filled(page: &Page) -> Form {
    page.form("reset").with("new_password", NEW).with("new_password_again", NEW)
}

async fn sign_in<'s>(server: &'s Server, username: &str, password: &str) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let page = browser.sign_in_with(&login, username, password).await;
    (browser, page)
}

async fn a_link_sets_one_password_and_ends_what_the_old_one_began(database: &Database) {
    let server = server(database).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let (mut signed_in, _) = sign_in(&server, "ada", PASSWORD).await;
    let link = link_of(&operator(database), &["user", "reset-password", "Ada", "--link"]);
    let secret = link.split_once('=').expect("a parameter").1.to_owned();
    assert!(Secret::parse(Kind::PasswordReset, &secret).is_some());
    let mut browser = Browser::new(&server);
    for _ in 0..3 {
        assert_eq!(browser.open(&link).await.text_of("account"), "ada");
    }
    assert_eq!(signed_in.open("/account").await.path, "/account", "a link alone changes nothing");
    let page = browser.open(&link).await;
    assert!(page.answer.body.contains("every connected app"));
    let done = browser.submit(&page.action("reset"), &filled(&page)).await;
    assert!(done.answer.status == 200 && done.has("done") && !done.answer.body.contains(&secret), "{done:?}");
    assert!(browser.cookies.is_empty(), "who has the link is not signed in by it");
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    assert_eq!(signed_in.open("/account").await.path, "/login");
    assert_eq!(sign_in(&server, "ada", PASSWORD).await.1.answer.status, 401);
    assert_eq!(sign_in(&server, "ada", NEW).await.1.path, "/account");
    browser.open(&link).await.assert_error(400, "password_link_ended");
    browser.submit("/reset", &filled(&page)).await.assert_error(400, "password_link_ended");
}

async fn somebody_who_is_invited_chooses_the_password(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let link = link_of(&operator, &["user", "add", "nora", "--invite"]);
    assert_eq!(database.count("users WHERE username = 'nora' AND password_hash IS NULL"), 1);
    assert_eq!(sign_in(&server, "nora", "").await.1.answer.status, 401);
    let mut browser = Browser::new(&server);
    let page = browser.open(&link).await;
    assert!(page.text_of("account") == "nora" && !page.answer.body.contains("every connected app"));
    assert!(browser.submit("/reset", &filled(&page)).await.has("done"));
    assert_eq!(sign_in(&server, "nora", NEW).await.1.path, "/account");
    for arguments in [
        ["user", "add", "nora", "--invite"].as_slice(),
        &["user", "reset-password", "nobody", "--link"],
        &["user", "add", "mia", "--invite", "--password-stdin"],
    ] {
        let said = operator.run(arguments, &[]);
        assert!(!said.status.success() && !String::from_utf8_lossy(&said.stdout).contains("secret="), "{said:?}");
    }
    assert_eq!(database.count("password_links"), 0);
}

async fn of_twenty_that_hold_a_link_one_sets_the_password(database: &Database) {
    let server = server(database).await;
    let link = link_of(&operator(database), &["user", "reset-password", "ada", "--link"]);
    let form = Browser::new(&server).open(&link).await.form("reset");
    let posts = (0..20).map(|number| {
        let password = format!("the password of {number}");
        let form = form.clone().with("new_password", &password).with("new_password_again", &password);
        let server = &server;
        async move { Browser::new(server).submit("/reset", &form).await.answer }
    });
    let answers: Vec<Answer> = join_all(posts).await;
    let winners: Vec<usize> = (0..20).filter(|number| answers[*number].status == 200).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    let page = sign_in(&server, "ada", &format!("the password of {}", winners[0])).await.1;
    assert_eq!(page.path, "/account");
}

async fn a_newer_link_kills_the_older_and_so_does_another_password(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let link = || link_of(&operator, &["user", "reset-password", "ada", "--link"]);
    let (older, newer) = (link(), link());
    let mut browser = Browser::new(&server);
    browser.open(&older).await.assert_error(400, "password_link_ended");
    assert_eq!(browser.open(&newer).await.answer.status, 200);
    let (mut owner, _) = sign_in(&server, "ada", PASSWORD).await;
    let change = owner.open("/password").await.form("password");
    let change = change.with("old_password", PASSWORD).with("new_password", NEW).with("new_password_again", NEW);
    assert!(owner.submit("/password", &change).await.has("done"));
    browser.open(&newer).await.assert_error(400, "password_link_ended");
}

async fn a_wrong_an_old_and_a_disabled_users_link_change_nothing(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let link = link_of(&operator, &["user", "reset-password", "ada", "--link"]);
    let mut browser = Browser::new(&server);
    let form = filled(&browser.open(&link).await);
    let wrong = [Secret::generate(Kind::PasswordReset), Secret::generate(Kind::Setup)];
    for secret in ["", "x", wrong[0].expose(), wrong[1].expose()] {
        browser.open(&format!("/reset?secret={secret}")).await.assert_error(400, "password_link_ended");
        browser.submit("/reset", &form.clone().with("secret", secret)).await.assert_error(400, "password_link_ended");
    }
    for (origin, site) in [("null", "cross-site"), ("https://evil.example", "same-origin")] {
        let post = browser.form_post("/reset").header("origin", origin).header("sec-fetch-site", site);
        assert_eq!(browser.send(post.form(form.pairs())).await.status, 403);
    }
    let of_carol = link_of(&operator, &["user", "reset-password", "carol", "--link"]);
    browser.open(&of_carol).await.assert_error(400, "password_link_ended");
    server.clock.advance(Duration::from_secs(24 * 60 * 60 + 60));
    browser.open(&link).await.assert_error(400, "password_link_ended");
    browser.submit("/reset", &form).await.assert_error(400, "password_link_ended");
    assert_eq!(sign_in(&server, "ada", PASSWORD).await.1.path, "/account");
}

async fn what_is_wrong_with_a_new_password_is_said_and_the_link_goes_on_working(database: &Database) {
    let server = server(database).await;
    let link = link_of(&operator(database), &["user", "reset-password", "ada", "--link"]);
    let mut browser = Browser::new(&server);
    let good = filled(&browser.open(&link).await);
    let long = "x".repeat(1025);
    for (new, again) in [("short", "short"), (long.as_str(), long.as_str()), (NEW, "something else"), ("", "")] {
        let form = good.clone().with("new_password", new).with("new_password_again", again);
        let page = browser.submit("/reset", &form).await;
        assert!(page.answer.status == 400 && page.has("problem"), "{page:?}");
    }
    assert!(browser.submit("/reset", &good).await.has("done"));
}
