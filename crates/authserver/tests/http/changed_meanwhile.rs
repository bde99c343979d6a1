//! Somebody is shut out, or given another password, in the very moment in which they are given something: it waits for the change, and
//! is refused. Only PostgreSQL lets two transactions run at the same time; SQLite has one writer.

use gatelodge_e2e::mail_server::MailServer;

use crate::email_code::code_of;
use crate::support::database::{Unfinished, on_postgres};
use crate::support::mcp_client::path_of;
use crate::support::{Browser, Database, McpClient, PASSWORD, Page, REMEMBERED_WIKI, Server, Settings};

/// Proves OAuth 2.1 §7.7: a sign-in, a yes, a remembered yes and a link by e-mail do not overtake the end of an account.
#[test]
fn whoever_is_shut_out_meanwhile_gets_nothing() {
    on_postgres("whoever_is_shut_out_meanwhile_gets_nothing", shut_out);
}

/// Proves RFC 6265 §8.4: a session that is ended gives nothing any more, not even to what was on its way.
#[test]
fn nothing_outlives_a_session_that_is_ended_meanwhile() {
    on_postgres("nothing_outlives_a_session_that_is_ended_meanwhile", signed_out);
}

/// Proves OAuth 2.1 §7.7: a code that was right a moment ago makes no session once a new password ended it.
#[test]
fn a_right_code_does_not_outlive_what_ends_it_meanwhile() {
    on_postgres("a_right_code_does_not_outlive_what_ends_it_meanwhile", code_ended);
}

async fn start(database: &Database, mail: &MailServer) -> Server {
    let more = Box::leak(
        format!("{REMEMBERED_WIKI}{}", mail.toml("[login]\nmethods = [\"password\", \"email_code\"]")).into_boxed_str(),
    );
    Server::start_with(database, Settings { more, ..Settings::default() }).await
}

fn wiki(server: &Server) -> McpClient<'_> {
    McpClient::known(server, "wiki", None, "https://wiki.example/callback")
}

fn shut_out_now(database: &Database) -> Unfinished {
    database.begin("UPDATE users SET disabled_at = 1 WHERE username = 'ada'")
}

fn let_in_again(database: &Database) {
    database.execute("UPDATE users SET disabled_at = NULL WHERE username = 'ada'");
}

async fn signed_in<'s>(server: &'s Server) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let account = browser.sign_in(&login, "ada").await;
    assert_eq!(account.path, "/account");
    (browser, account)
}

async fn shut_out(database: &Database) {
    let mail = MailServer::start();
    let server = start(database, &mail).await;
    let client = wiki(&server);
    database.execute("INSERT INTO email_addresses SELECT id, 'ada@example.org', 0 FROM users WHERE username = 'ada'");

    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let refused = shut_out_now(database).while_waited_for(browser.sign_in(&login, "ada")).await;
    refused.assert_error(403, "form_refused");
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
    let_in_again(database);

    let consent = browser.consent_page(&client).await;
    consent.assert_consent();
    let refused = shut_out_now(database).while_waited_for(browser.allow(&consent)).await;
    assert!(refused.left_for.is_none() && refused.answer.status >= 400, "{refused:?}");
    assert_eq!(database.count("grants"), 0);
    let_in_again(database);

    let consent = browser.open(&client.authorize_path()).await;
    browser.allow(&consent).await.answered("code");
    browser.open(&client.authorize_path()).await.answered("code");
    let again = path_of(&client.authorization_request());
    let question = shut_out_now(database).while_waited_for(browser.open(&again)).await;
    question.assert_login();
    assert_eq!(database.count("grants"), 2);
    let_in_again(database);

    let page = browser.open("/forgot").await;
    let form = page.form("forgot").with("username", "ada");
    let forgotten = async {
        assert!(browser.submit("/forgot", &form).await.has("done"));
        // The server stops when its messages are sent.
        database.stop_servers().await;
    };
    shut_out_now(database).while_waited_for(forgotten).await;
    assert!(mail.taken().is_empty());
    assert_eq!(database.count("password_links"), 0);
}

async fn signed_out(database: &Database) {
    let mail = MailServer::start();
    let server = start(database, &mail).await;
    let client = wiki(&server);
    let ended = || database.begin("DELETE FROM browser_sessions WHERE user_id IS NOT NULL");

    let (mut browser, _) = signed_in(&server).await;
    let consent = browser.open(&client.authorize_path()).await;
    browser.allow(&consent).await.answered("code");
    browser.open(&client.authorize_path()).await.answered("code");
    let question = ended().while_waited_for(browser.open(&client.authorize_path())).await;
    question.assert_login();
    assert_eq!(database.count("grants"), 2);

    // Somebody else ends every session while this one ends every other: it has nothing to say any more.
    let (mut browser, account) = signed_in(&server).await;
    let form = account.form("disconnect-all");
    let refused = ended().while_waited_for(browser.submit("/account", &form)).await;
    assert!(refused.has("sign-in") || refused.answer.status == 403, "{refused:?}");
    assert_eq!(database.count("grants WHERE revoked_at IS NULL"), 2);

    // Another password takes a while to be looked at. Who is held meanwhile, so that it is not the deletion that is waited for.
    let (mut browser, _) = signed_in(&server).await;
    let page = browser.open("/password").await;
    let new = "another long password";
    let form = page.form("password").with("old_password", PASSWORD).with("new_password", new);
    let form = form.with("new_password_again", new);
    let held = database.begin("UPDATE users SET is_admin = is_admin WHERE username = 'ada'");
    let ended = held.ending_with("DELETE FROM browser_sessions");
    ended.while_waited_for(browser.submit("/password", &form)).await.assert_error(403, "form_refused");
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
    let (mut browser, _) = signed_in(&server).await;
    assert_eq!(browser.open("/account").await.path, "/account", "the password is the old one");
}

async fn code_ended(database: &Database) {
    let mail = MailServer::start();
    let more = mail.toml("[login]\nmethods = [\"password\", \"email_code\"]").leak();
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    database.execute("INSERT INTO email_addresses SELECT id, 'ada@example.org', 0 FROM users WHERE username = 'ada'");
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let page = browser.submit("/login/code", &login.form("login").with("username", "ada").without("password")).await;
    let form = page.form("email-code").with("code", &code_of(&mail.wait_for(1).await));
    let change = database.begin("UPDATE users SET password_hash = 'another' WHERE username = 'ada'");
    let change = change.ending_with("DELETE FROM email_codes");
    change.while_waited_for(browser.submit("/login/code", &form)).await.assert_error(403, "form_refused");
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);

    // A code that is asked for while the address changes goes to the new one.
    let login = browser.open("/login").await;
    let form = login.form("login").with("username", "ada").without("password");
    let change = database.begin("UPDATE users SET is_admin = is_admin WHERE username = 'ada'");
    let change = change.ending_with("UPDATE email_addresses SET address = 'new@example.org'");
    change.while_waited_for(browser.submit("/login/code", &form)).await;
    assert_eq!(mail.wait_for(2).await.to, "new@example.org");
}
