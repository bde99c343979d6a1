//! Guessing passwords (OAuth 2.1 §7.7): how many are looked at, who has to wait, who does not, and that the answer tells nobody
//! who has an account.

use std::time::Duration;

use gatelodge_service::clock::Clock;
use reqwest::header::HeaderMap;

use crate::support::binary::{Workplace, free_addresses};
use crate::support::{
    Answer, Browser, Database, ENCRYPTION_KEY, Form, ISSUER, NO_LIMITS, ONE_RESOURCE, PASSWORD, Page, Server, Settings,
    on_any_database, on_both_databases,
};

on_both_databases! {
    of_a_thousand_guesses_at_most_twenty_are_looked_at,
    many_guesses_at_once_are_no_more,
    the_wait_grows_and_ends_and_is_told,
    whoever_has_to_wait_learns_nothing,
    strangers_keep_nobody_out_who_signed_in_from_there_before,
    another_password_keeps_its_owner_in_and_strangers_out,
    one_source_waits_whatever_the_account,
    whoever_is_known_there_makes_nobody_else_wait,
    mistakes_before_a_right_password_are_forgiven,
    servers_count_together,
}

on_any_database! {
    whoever_is_named_costs_one_check,
}

const SPELLINGS: [&str; 5] = ["ada", "Ada", "ADA", " ada", "aDa "];

/// Behind a proxy that says where a request comes from.
fn behind_a_proxy() -> Settings {
    Settings { trusted_proxies: "[\"127.0.0.1\"]", ..Settings::default() }
}

/// Types a name and a password at `address`.
async fn try_from(server: &Server, address: &str, username: &str, password: &str) -> Answer {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let form = login.form("login").with("username", username).with("password", password);
    let post = browser.form_post("/login").header("x-forwarded-for", address).header("sec-fetch-site", "same-origin");
    browser.send(post.form(form.pairs())).await
}

async fn statuses(server: &Server, address: &str, username: &str, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        statuses.push(try_from(server, address, username, "wrong").await.status);
    }
    statuses
}

/// Counted by the program itself, in its log. Nothing depends on how fast it is: a day of guessing would not reach twenty in the
/// first hour.
async fn of_a_thousand_guesses_at_most_twenty_are_looked_at(database: &Database) {
    let [listen, health] = free_addresses();
    let workplace = Workplace::new(&format!(
        "public_url = \"{ISSUER}\"\nlisten = \"{listen}\"\nhealth_listen = \"{health}\"\n[database]\nurl = \"{}\"\n\
         {ONE_RESOURCE}\n[limits]\n{NO_LIMITS}\n[keys]\n{ENCRYPTION_KEY}\n[logs]\nlevel = \"debug\"\n",
        database.url
    ));
    workplace.add_ada();
    let (mut looked_at, mut refused) = (0, 0);
    for _ in 0..4 {
        let (mut process, server) = workplace.serve(listen, health, ISSUER);
        let mut browser = Browser::new(&server);
        let form = browser.open("/login").await.form("login");
        for guess in 0..250 {
            let form = form.clone().with("username", SPELLINGS[guess % 5]).with("password", &format!("guess {guess}"));
            match browser.submit_without_following("/login", &form).await.status {
                401 => {}
                429 => refused += 1,
                status => panic!("{status}"),
            }
        }
        assert!(process.stop().success());
        looked_at += process.log().matches("a password is checked").count();
    }
    assert!((5..=20).contains(&looked_at) && refused >= 980, "{looked_at} looked at, {refused} refused");
}

/// Proves OAuth 2.1 §7.7: how long an answer takes says nothing about who there is, because the same work is done for everybody.
async fn whoever_is_named_costs_one_check(database: &Database) {
    let [listen, health] = free_addresses();
    let workplace = Workplace::new(&format!(
        "public_url = \"{ISSUER}\"\nlisten = \"{listen}\"\nhealth_listen = \"{health}\"\n[database]\nurl = \"{}\"\n\
         {ONE_RESOURCE}\n[limits]\n{NO_LIMITS}\n[keys]\n{ENCRYPTION_KEY}\n[logs]\nlevel = \"debug\"\n",
        database.url
    ));
    workplace.add_ada();
    for arguments in [
        ["user", "add", "bob", "--invite"].as_slice(),
        &["user", "add", "carol", "--invite"],
        &["user", "disable", "carol"],
    ] {
        assert!(workplace.run(arguments, &[]).status.success());
    }
    let (mut process, server) = workplace.serve(listen, health, ISSUER);
    // Somebody; somebody without a password; somebody who is shut out; nobody; what cannot be a name.
    for named in ["ada", "bob", "carol", "nobody", "not a name!"] {
        assert_eq!(try_from(&server, "192.0.2.1", named, "wrong").await.status, 401, "{named}");
    }
    assert!(process.stop().success());
    assert_eq!(process.log().matches("a password is checked").count(), 5);
}

async fn many_guesses_at_once_are_no_more(database: &Database) {
    let server = Server::start(database).await;
    let guesses = (0..40).map(|_| try_from(&server, "192.0.2.1", "ada", "wrong"));
    let answers = futures_util::future::join_all(guesses).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!((looked_at, answers.iter().filter(|answer| answer.status == 429).count()), (5, 35));
}

async fn the_wait_grows_and_ends_and_is_told(database: &Database) {
    let server = Server::start(database).await;
    assert_eq!(statuses(&server, "192.0.2.1", "ada", 7).await, [401, 401, 401, 401, 401, 429, 429]);
    let refused = try_from(&server, "192.0.2.1", "ada", PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("15")));
    assert!(refused.body.contains("Wait 15 seconds"), "{}", refused.body);
    server.advance(14);
    assert_eq!(try_from(&server, "192.0.2.1", "ada", PASSWORD).await.header("retry-after"), Some("1"));
    server.advance(1);
    assert_eq!(statuses(&server, "192.0.2.1", "ada", 2).await, [401, 429]);
    server.advance(29);
    assert_eq!(try_from(&server, "192.0.2.1", "ada", PASSWORD).await.header("retry-after"), Some("1"));
    server.advance(1);
    assert_eq!(try_from(&server, "192.0.2.1", "ada", PASSWORD).await.status, 303);
}

/// The answer without what differs between any two pages.
fn plain(answer: &Answer, typed: &str) -> (u16, String, Vec<String>) {
    let page = Page { answer: answer.clone(), path: "/login".to_owned(), left_for: None };
    let body = answer.body.replace(page.form("login").get("csrf_token"), "C");
    let names = |headers: &HeaderMap| headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    (answer.status, body.replace(&format!("value=\"{typed}\""), "value=\"N\""), names(&answer.headers))
}

/// Proves OAuth 2.1 §7.7: an attacker learns from no answer whether there is such a user.
async fn whoever_has_to_wait_learns_nothing(database: &Database) {
    let server = Server::start_with(database, behind_a_proxy()).await;
    let mut all = Vec::new();
    for (number, username) in ["ada", "nobody", "carol", "not a name!"].into_iter().enumerate() {
        let address = format!("192.0.2.{number}");
        let mut answers = Vec::new();
        for _ in 0..6 {
            answers.push(plain(&try_from(&server, &address, username, "wrong").await, username));
        }
        all.push(answers);
    }
    for answers in &all {
        assert_eq!(answers, &all[0]);
    }
    assert_eq!(all[0].iter().map(|answer| answer.0).collect::<Vec<_>>(), [401, 401, 401, 401, 401, 429]);
}

async fn strangers_keep_nobody_out_who_signed_in_from_there_before(database: &Database) {
    let server = Server::start_with(database, behind_a_proxy()).await;
    assert_eq!(try_from(&server, "198.51.100.1", "ada", PASSWORD).await.status, 303);
    assert_eq!(try_from(&server, "2001:db8:1:2::1", "ada", PASSWORD).await.status, 303);
    for address in 0..10 {
        statuses(&server, &format!("203.0.113.{address}"), "ada", 2).await;
    }
    assert_eq!(try_from(&server, "203.0.113.200", "ada", PASSWORD).await.status, 429, "from a place that is new");
    assert_eq!(try_from(&server, "198.51.100.1", "Ada", PASSWORD).await.status, 303);
    assert_eq!(try_from(&server, "2001:db8:1:2:ffff::9", "ada", PASSWORD).await.status, 303, "the same subscriber");
    assert_eq!(try_from(&server, "2001:db8:1:3::1", "ada", PASSWORD).await.status, 429, "another one");
    assert_eq!(try_from(&server, "198.51.100.1", "bob", PASSWORD).await.status, 303);
    // Whoever guesses from there waits all the same.
    assert_eq!(statuses(&server, "198.51.100.1", "ada", 6).await, [401, 401, 401, 401, 401, 429]);
}

/// Proves OAuth 2.1 §7.7: who is under attack and chooses another password gets in with it, from where it was chosen alone.
async fn another_password_keeps_its_owner_in_and_strangers_out(database: &Database) {
    let (settings, now) = (behind_a_proxy(), Clock::manual(Clock::system().now()));
    let server = Server::start_at(database, settings, now).await;
    let operator = Workplace::new(&Settings::default().toml(&database.url));
    assert_eq!(try_from(&server, "198.51.100.1", "ada", PASSWORD).await.status, 303);
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in(&login, "ada").await.path, "/account");
    for address in 0..10 {
        statuses(&server, &format!("203.0.113.{address}"), "ada", 2).await;
    }
    let page = browser.open("/password").await;
    let chosen = |form: Form, new: &str| form.with("new_password", new).with("new_password_again", new);
    let form = chosen(page.form("password").with("old_password", PASSWORD), "another long password");
    assert!(browser.submit("/password", &form).await.has("done"));
    let mut again = Browser::new(&server);
    let login = again.open("/login").await;
    assert_eq!(again.sign_in_with(&login, "ada", "another long password").await.path, "/account");
    // Whoever was in elsewhere may have been somebody else.
    assert_eq!(try_from(&server, "198.51.100.1", "ada", "another long password").await.status, 429);

    let said = operator.run(&["user", "reset-password", "ada", "--link"], &[]);
    let said = String::from_utf8(said.stdout).expect("text");
    let link = said.lines().find_map(|line| line.strip_prefix(ISSUER)).expect("a link");
    let page = again.open(link).await;
    assert!(again.submit("/reset", &chosen(page.form("reset"), "yet another password")).await.has("done"));
    let mut last = Browser::new(&server);
    let login = last.open("/login").await;
    assert_eq!(last.sign_in_with(&login, "ada", "yet another password").await.path, "/account");
}

async fn one_source_waits_whatever_the_account(database: &Database) {
    let server = Server::start_with(database, behind_a_proxy()).await;
    for account in 0..20 {
        assert_eq!(try_from(&server, "192.0.2.1", &format!("user{account}"), "wrong").await.status, 401);
    }
    assert_eq!(try_from(&server, "192.0.2.1", "ada", PASSWORD).await.status, 429);
    assert_eq!(try_from(&server, "192.0.2.2", "ada", PASSWORD).await.status, 303);
}

/// Proves OAuth 2.1 §7.7: where many people share an address, those who sign in there every day keep nobody out who is new.
async fn whoever_is_known_there_makes_nobody_else_wait(database: &Database) {
    let server = Server::start_with(database, behind_a_proxy()).await;
    assert_eq!(try_from(&server, "192.0.2.1", "ada", PASSWORD).await.status, 303);
    for account in 0..20 {
        assert_eq!(try_from(&server, "192.0.2.1", &format!("user{account}"), "wrong").await.status, 401);
    }
    for _ in 0..3 {
        server.advance(14);
        assert_eq!(try_from(&server, "192.0.2.1", "ada", PASSWORD).await.status, 303);
        assert_eq!(statuses(&server, "192.0.2.1", "ada", 1).await, [401]);
    }
    server.advance(1);
    assert_eq!(try_from(&server, "192.0.2.1", "bob", PASSWORD).await.status, 303);
    // What ada mistyped was not counted there, so that nothing is taken back for it either.
    server.advance(15);
    assert_eq!(try_from(&server, "192.0.2.1", "user20", "wrong").await.status, 401);
    assert_eq!(try_from(&server, "192.0.2.1", "user21", "wrong").await.status, 429);
}

async fn mistakes_before_a_right_password_are_forgiven(database: &Database) {
    let server = Server::start_with(database, behind_a_proxy()).await;
    for round in 0..10 {
        let address = format!("192.0.2.{round}");
        assert_eq!(statuses(&server, &address, "ada", 4).await, [401; 4]);
        assert_eq!(try_from(&server, &address, "ada", PASSWORD).await.status, 303, "{round}");
    }
    // Those of a stranger are not.
    assert_eq!(statuses(&server, "203.0.113.1", "ada", 4).await, [401; 4]);
    assert_eq!(try_from(&server, "192.0.2.1", "ada", PASSWORD).await.status, 303);
    assert_eq!(statuses(&server, "203.0.113.2", "ada", 2).await, [401, 429]);
}

async fn servers_count_together(database: &Database) {
    if database.is_sqlite() {
        // One server for each file. What a restart keeps is the same.
        let server = Server::start(database).await;
        let clock = server.clock.clone();
        assert_eq!(statuses(&server, "192.0.2.1", "ada", 5).await, [401; 5]);
        database.stop_servers().await;
        let again = Server::start_at(database, Settings::default(), clock).await;
        assert_eq!(statuses(&again, "192.0.2.1", "ada", 1).await, [429]);
        return;
    }
    let one = Server::start(database).await;
    let other = Server::start_at(database, Settings::default(), Clock::manual(one.clock.now())).await;
    assert_eq!(statuses(&one, "192.0.2.1", "ada", 3).await, [401; 3]);
    assert_eq!(statuses(&other, "192.0.2.1", "ada", 3).await, [401, 401, 429]);
    assert_eq!(statuses(&one, "192.0.2.1", "ada", 1).await, [429]);
    other.clock.advance(Duration::from_secs(15));
    assert_eq!(statuses(&other, "192.0.2.1", "ada", 1).await, [401]);
}
