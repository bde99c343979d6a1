//! `[login] methods`: which ways to sign in there are, and in which order. What is not named is neither shown nor taken.

use crate::support::binary::Workplace;
use crate::support::openid_provider::OpenIdProvider;
use crate::support::{Browser, Database, Form, McpClient, PASSWORD, Server, Settings, on_any_database};
use gatelodge_e2e::mail_server::MailServer;
use gatelodge_service::clock::Clock;

use super::oidc_sign_in::{sign_in_there, started};

on_any_database! {
    the_page_shows_the_methods_in_the_order_of_the_configuration,
    where_providers_are_alone_no_password_is_taken_or_made,
    a_code_by_email_may_be_the_only_way,
    the_operator_adds_people_without_passwords_where_there_are_none,
}

/// `[login] methods`, in the table of a provider that lets everybody in.
fn with_provider(methods: &str) -> String {
    format!("allow_everybody = true\n[login]\nmethods = {methods}\n{}", MailServer::start().toml(""))
}

/// Proves RFC 6749 §3.1: how people are authenticated is the server's to say, here the operator's.
async fn the_page_shows_the_methods_in_the_order_of_the_configuration(database: &Database) {
    let (_provider, server) = started(database, &with_provider(r#"["oidc", "passkey", "password"]"#)).await;
    let client = McpClient::register(&server).await;
    for path in ["/login".to_owned(), client.authorize_path()] {
        let page = Browser::new(&server).open(&path).await;
        let places = ["provider-idp", "passkey", "password"].map(|id| page.answer.body.find(&format!(" id=\"{id}\"")));
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{path}: {places:?}");
        assert!(!page.has("email-code"), "{path}: {page:?}");
    }
}

/// Proves RFC 6749 §10.10: a way in that is not on offer is not there, whoever knows its address.
async fn where_providers_are_alone_no_password_is_taken_or_made(database: &Database) {
    let (provider, server) = started(database, &with_provider(r#"["oidc"]"#)).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    assert!(!login.has("login") && !login.has("forgot") && !login.has("passkey"), "{login:?}");
    let form = login.form("provider-idp").with("username", "ada").with("password", PASSWORD);
    assert_eq!(browser.submit("/login", &form).await.answer.status, 405);
    for path in ["/password", "/setup", "/reset", "/forgot", "/login/code", "/login/passkey"] {
        assert_eq!(browser.open(path).await.answer.status, 404, "{path}");
        assert_eq!(browser.submit(path, &Form::default()).await.answer.status, 404, "{path}");
    }
    let consent = sign_in_there(&provider, &mut browser, &client, "ada-there").await;
    consent.assert_consent();
    assert!(!browser.open("/account").await.has("change-password"), "there is none to change");
}

/// Proves RFC 6749 §3.1: how people are authenticated is the server's to say, here the operator's.
async fn a_code_by_email_may_be_the_only_way(database: &Database) {
    let mail = MailServer::start();
    let more = mail.toml("[login]\nmethods = [\"email_code\"]");
    let server = Server::start_with(database, Settings { more: more.leak(), ..Settings::default() }).await;
    database.execute("INSERT INTO email_addresses SELECT id, 'ada@example.org', 0 FROM users WHERE username = 'ada'");
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let sent = browser.submit(&login.action("login"), &login.form("login").with("username", "ada")).await;
    let letter = mail.wait_for(1).await;
    let form = sent.form("email-code").with("code", &super::email_code::code_of(&letter));
    let account = browser.submit(&sent.action("email-code"), &form).await;
    assert_eq!(account.path, "/account");
    assert!(!account.has("change-password"), "nobody signs in with one: {account:?}");
}

/// Proves RFC 6749 §10.10: no password is made that nobody asks for, and the operator is told what to do instead.
async fn the_operator_adds_people_without_passwords_where_there_are_none(database: &Database) {
    let provider = OpenIdProvider::start(&Clock::system());
    let settings = provider.settings("allow_everybody = true\n[login]\nmethods = [\"oidc\"]");
    let operator = Workplace::new(&settings.toml(&database.url));
    let said = |arguments: &[&str]| {
        let output = operator.run(arguments, &[]);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (success, notes) = said(&["user", "add", "zoe"]);
    assert!(success && !notes.to_lowercase().contains("password"), "{notes}");
    assert_eq!(database.count("users WHERE username = 'zoe' AND password_hash IS NULL"), 1);
    for refused in [&["user", "add", "yan", "--invite"][..], &["user", "reset-password", "zoe", "--link"]] {
        let (success, why) = said(refused);
        assert!(!success && why.contains("login.methods") && why.contains("gatelodge user link"), "{why}");
    }
    let (success, why) = said(&["user", "setup-link"]);
    assert!(!success && why.contains("set-admin"), "{why}");
}
