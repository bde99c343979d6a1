//! Signing in, staying signed in and changing the account: sessions (RFC 6265bis §4.1.3.2 names their cookie), and that the
//! sign-in page tells nobody who has an account.

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use reqwest::Method;

use crate::support::{
    Answer, Browser, Database, Form, McpClient, PASSWORD, Page, Server, on_any_database, on_both_databases,
};

on_both_databases! {
    signing_in_makes_a_new_session_and_ends_the_old_one,
    an_answer_that_comes_late_puts_no_ended_session_back,
    a_planted_cookie_is_worth_nothing,
    a_wrong_password_keeps_the_name_and_tells_nothing,
    a_name_is_one_person_however_it_is_typed,
    nobody_consents_without_having_signed_in,
    an_unused_session_ends_after_twelve_hours,
    a_used_session_ends_after_seven_days,
    switching_the_account_asks_again_and_ends_the_old_session,
    an_old_consent_page_is_dead_after_switching_the_account,
    somebody_who_was_disabled_is_asked_to_sign_in_and_cannot,
}

on_any_database! {
    a_hash_that_costs_less_than_new_ones_is_replaced_at_the_next_sign_in,
    a_hash_that_cannot_be_read_is_a_fault_of_the_server_and_no_guess,
}

/// Proves RFC 6265 §8.4: a session is not carried over into a sign-in.
async fn signing_in_makes_a_new_session_and_ends_the_old_one(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let mut thief = browser.second_tab();
    let before = browser.session().1.to_owned();
    let consent = browser.sign_in(&login, "ada").await;
    consent.assert_consent();
    assert_ne!(browser.session().1, before);
    thief.open(&consent.path).await.assert_error(400, "browser_changed");
    thief.allow(&consent).await.assert_error(400, "browser_changed");
    thief.open(&client.authorize_path()).await.assert_login();
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 1);
}

/// Proves RFC 6265 §8.4: what another tab asked before does not take the place of the session that somebody signed in to.
async fn an_answer_that_comes_late_puts_no_ended_session_back(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in(&login, "ada").await.path, "/account");
    let mut tab = browser.second_tab();
    let (name, value) = tab.session();
    let cookie = format!("{name}={value}");
    let mut late = Vec::new();
    let asked = client.authorize_path();
    let pages = ["", "/activity", "/second-factor", "/passkeys", "/tokens"].map(|page| format!("/account{page}"));
    for path in pages.iter().map(String::as_str).chain(["/password", "/login", "/second-step", &asked]) {
        let request = server.request(Method::GET, path).header("cookie", &cookie);
        late.push((path.to_owned(), Answer::of(request).await));
    }
    server.advance(601);
    let again = tab.open("/login").await;
    late.push(("/login, again".to_owned(), again.answer.clone()));
    late.push(("a wrong password".to_owned(), tab.sign_in_with(&again, "ada", "wrong").await.answer));
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in(&login, "ada").await.path, "/account");
    let session = browser.session().1.to_owned();
    for (asked, answer) in &late {
        browser.take_cookies(answer);
        assert_eq!(browser.session().1, session, "{asked}: {answer:?}");
    }
    assert_eq!(browser.open("/account").await.path, "/account");
}

async fn a_planted_cookie_is_worth_nothing(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut ada = Browser::new(&server);
    ada.consent_page(&client).await.assert_consent();
    let (name, good) = (ada.session().0.to_owned(), ada.session().1.to_owned());
    let truncated = good[..good.len() - 1].to_owned();
    let of_attacker = "gatelodge_session_0000000000000000000000000000000000000000000000000";
    for planted in
        ["x", "", of_attacker, &truncated, &format!("{good}0"), &good.to_lowercase(), &good.replace("session", "txn")]
    {
        let mut browser = Browser::new(&server);
        browser.cookies.insert(name.clone(), planted.to_owned());
        browser.open(&client.authorize_path()).await.assert_login();
        assert_ne!(browser.session().1, planted);
    }
    // The right value under another name: another host could have set it.
    let mut browser = Browser::new(&server);
    browser.cookies.insert("gatelodge_session".to_owned(), good);
    browser.open(&client.authorize_path()).await.assert_login();
}

/// The page without what differs from page to page.
fn plain(page: &Page, typed: &str) -> (u16, String) {
    let form = page.form("login");
    let body = page.answer.body.replace(form.get("transaction"), "T").replace(form.get("csrf_token"), "C");
    let typed = typed.replace('\'', "&#39;");
    (page.answer.status, body.replace(&format!("value=\"{typed}\""), "value=\"N\""))
}

async fn a_wrong_password_keeps_the_name_and_tells_nothing(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let before = database.count("browser_sessions WHERE user_id IS NOT NULL");
    let mut answers = Vec::new();
    let long = "x".repeat(1025);
    for (username, password) in [
        ("ada", "wrong"),
        ("ada", ""),
        ("ada", &long),
        ("ada", &PASSWORD.to_uppercase()),
        ("nobody", PASSWORD),
        ("nobody", "wrong"),
        ("carol", PASSWORD),
        ("carol", "wrong"),
        ("not a name!", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("ada\u{200b}", PASSWORD),
    ] {
        let mut browser = Browser::new(&server);
        let login = browser.open(&client.authorize_path()).await;
        let session = browser.session().1.to_owned();
        let refused = browser.sign_in_with(&login, username, password).await;
        let shown = if username.contains('\u{200b}') { "ada\u{fffd}" } else { username };
        assert_eq!(refused.form("login").get("username"), shown);
        assert_eq!(refused.form("login").get("password"), "");
        assert_eq!(browser.session().1, session);
        let mut names: Vec<&str> = refused.answer.headers.keys().map(reqwest::header::HeaderName::as_str).collect();
        names.sort_unstable();
        answers.push((plain(&refused, shown), names.join(" ")));
        browser.sign_in(&refused, "ada").await.assert_consent();
    }
    assert_eq!(answers[0].0.0, 401);
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    assert_eq!(before, 0);
}

async fn a_name_is_one_person_however_it_is_typed(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for typed in ["ada", "Ada", "ADA", " ada ", "\tada\n"] {
        let mut browser = Browser::new(&server);
        let login = browser.open(&client.authorize_path()).await;
        let consent = browser.sign_in_with(&login, typed, PASSWORD).await;
        assert_eq!(consent.text_of("account"), "ada", "{typed:?}");
    }
}

async fn nobody_consents_without_having_signed_in(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let good = login.form("login");
    let path = login.path.replace("/login", "/consent");
    browser.open(&path).await.assert_login();
    for decision in ["allow", "deny"] {
        browser.submit("/consent", &good.clone().with("decision", decision)).await.assert_login();
    }
    let wrong = browser.sign_in_with(&login, "ada", "wrong").await;
    browser.submit("/consent", &wrong.form("login").with("decision", "allow")).await.assert_login();
    assert_eq!((database.count("authorization_codes"), database.count("grants")), (0, 0));
    browser.sign_in(&login, "ada").await.assert_consent();
}

const HOUR: u64 = 3_600;

async fn an_unused_session_ends_after_twelve_hours(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    browser.consent_page(&client).await.assert_consent();
    server.advance(12 * HOUR - 1);
    browser.open(&client.authorize_path()).await.assert_consent();
    server.advance(12 * HOUR);
    browser.open(&client.authorize_path()).await.assert_login();
}

async fn a_used_session_ends_after_seven_days(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    browser.consent_page(&client).await.assert_consent();
    for _ in 1..14 {
        server.advance(12 * HOUR - 1);
        browser.open(&client.authorize_path()).await.assert_consent();
    }
    server.advance(12 * HOUR - 1);
    let last = browser.open(&client.authorize_path()).await;
    last.assert_consent();
    server.advance(14);
    browser.allow(&last).await.assert_error(400, "browser_changed");
    browser.open(&client.authorize_path()).await.assert_login();
    assert_eq!(database.count("authorization_codes"), 0);
}

async fn switching_the_account_asks_again_and_ends_the_old_session(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    let mut old = browser.second_tab();
    let login = browser.submit("/logout", &consent.form("switch-account")).await;
    login.assert_login();
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
    old.open(&client.authorize_path()).await.assert_login();
    let consent = browser.sign_in(&login, "bob").await;
    assert_eq!(consent.text_of("account"), "bob");
    let code = browser.allow(&consent).await.answered("code");
    crate::support::Tokens::of(&client.exchange(&code).await);
    assert_eq!(database.count("grants JOIN users ON users.id = grants.user_id WHERE username = 'bob'"), 1);
    assert_eq!(database.count("grants"), 1);
}

async fn an_old_consent_page_is_dead_after_switching_the_account(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let of_ada = browser.consent_page(&client).await;
    let login = browser.submit("/logout", &of_ada.form("switch-account")).await;
    browser.sign_in(&login, "bob").await.assert_consent();
    // The Back button leads to a page that says "ada": its answer must not be bob's.
    browser.allow(&of_ada).await.assert_error(403, "form_refused");
    assert_eq!(database.count("authorization_codes"), 0);
}

async fn somebody_who_was_disabled_is_asked_to_sign_in_and_cannot(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    database.execute("UPDATE users SET disabled_at = 1 WHERE username = 'ada'");
    let allowed = browser.allow(&consent).await;
    assert!(allowed.left_for.is_none(), "{allowed:?}");
    assert_eq!((database.count("authorization_codes"), database.count("grants")), (0, 0));
    let page = browser.open(&client.authorize_path()).await;
    page.assert_login();
    let form: Form = page.form("login");
    let refused = browser.submit("/login", &form.with("username", "ada").with("password", PASSWORD)).await;
    assert_eq!(refused.answer.status, 401, "{refused:?}");
    browser.sign_in(&refused, "bob").await.assert_consent();
}

/// Proves NIST SP 800-63B §5.1.1.2: what a guess costs grows with the machines, also for those who keep their password.
async fn a_hash_that_costs_less_than_new_ones_is_replaced_at_the_next_sign_in(database: &Database) {
    let server = Server::start(database).await;
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8_192, 1, 1, None).expect("parameters"));
    let weak = weak.hash_password(PASSWORD.as_bytes()).expect("a hash").to_string();
    database.execute(&format!("UPDATE users SET password_hash = '{weak}' WHERE username = 'ada'"));
    for _ in 0..2 {
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        assert_eq!(browser.sign_in(&login, "ada").await.path, "/account");
        let strong = "users WHERE username = 'ada' AND password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'";
        assert_eq!(database.count(strong), 1);
    }
}

/// Proves RFC 9110 §15.6.1: nobody is told to wait for what waiting does not mend, and what nobody could check counts for nobody.
async fn a_hash_that_cannot_be_read_is_a_fault_of_the_server_and_no_guess(database: &Database) {
    let server = Server::start(database).await;
    database.execute("UPDATE users SET password_hash = 'plain' WHERE username = 'ada'");
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    for _ in 0..12 {
        browser.sign_in(&login, "ada").await.assert_error(500, "server_error");
    }
    let readable = "(SELECT password_hash FROM users WHERE username = 'bob')";
    database.execute(&format!("UPDATE users SET password_hash = {readable} WHERE username = 'ada'"));
    assert_eq!(browser.sign_in(&login, "ada").await.path, "/account");
}
