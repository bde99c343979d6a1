//! Whoever has an address is told by e-mail what changes about the second step of their sign-in, by whomever; and the operator, who sets
//! a password anew, is told what remains.

use crate::support::binary::Workplace;
use crate::support::{Browser, Database, PASSWORD, Server, Settings, on_any_database};

use super::passkeys::added;
use super::second_step::App;
use gatelodge_e2e::mail_server::MailServer;

on_any_database! {
    whoever_has_an_address_hears_of_every_change_of_their_second_step,
    an_operator_who_sets_a_password_hears_what_remains,
}

async fn signed_in<'s>(server: &'s Server, username: &str, languages: &'static str) -> Browser<'s> {
    let mut browser = Browser::that_prefers(languages, server);
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in(&login, username).await.path, "/account");
    browser
}

async fn set_up_app(browser: &mut Browser<'_>, server: &Server) {
    let page = browser.open("/account/second-factor").await;
    let form = page.form("set-up").with("code", &App::reads(&page).shows(server));
    assert!(browser.submit(&page.action("set-up"), &form).await.has("recovery-codes"));
}

/// Proves NIST SP 800-63B §6.1.2.1: whoever had an authenticator bound to their account is told, so that a stranger cannot do it unseen.
async fn whoever_has_an_address_hears_of_every_change_of_their_second_step(database: &Database) {
    let mail = MailServer::start();
    let settings = Settings { more: mail.toml("").leak(), ..Settings::default() };
    let toml = settings.toml(&database.url);
    let server = Server::start_with(database, settings).await;
    database.execute("INSERT INTO email_addresses SELECT id, 'ada@example.org', 0 FROM users WHERE username = 'ada'");

    // Somebody without an address is told nothing, and it fails nothing.
    let mut bob = signed_in(&server, "bob", "en").await;
    set_up_app(&mut bob, &server).await;

    let mut ada = signed_in(&server, "ada", "de").await;
    set_up_app(&mut ada, &server).await;
    let told = mail.wait_for(1).await;
    assert_eq!(told.to, "ada@example.org");
    assert!(told.text.contains("ada") && told.text.contains("Authenticator-App eingerichtet"), "{}", told.text);
    added(&mut ada, "laptop").await;
    assert!(mail.wait_for(2).await.text.contains("ist ein Passkey hinzugekommen"));
    let page = ada.open("/account/second-factor").await;
    ada.submit(&page.action("new-codes"), &page.form("new-codes")).await;
    let page = ada.open("/account/passkeys").await;
    ada.submit(&page.action("remove-1"), &page.form("remove-1")).await;
    assert!(mail.wait_for(3).await.text.contains("wurde entfernt. Mit ihm meldet sich"));
    let page = ada.open("/account/second-factor").await;
    let remove = page.form("remove");
    ada.submit(&page.action("remove"), &remove).await;
    assert!(mail.wait_for(4).await.text.contains("Nach ihrem Code wird nicht mehr gefragt"));
    // Sent again, it changes nothing.
    assert_eq!(ada.submit("/account/second-factor", &remove).await.answer.status, 403);

    set_up_app(&mut ada, &server).await;
    mail.wait_for(5).await;
    let operator = Workplace::new(&toml);
    let said = operator.run(&["user", "reset-second-factor", "ada"], &[]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("told them at ada@example.org"), "{said:?}");
    assert!(mail.wait_for(6).await.text.contains("has taken away what the second step"));
    assert!(operator.run(&["user", "reset-second-factor", "bob"], &[]).status.success());
    database.stop_servers().await;
    assert!(mail.taken().iter().all(|message| message.to == "ada@example.org"));
    assert_eq!(mail.taken().len(), 6);

    // A mail server that is away keeps no operator from doing it.
    let away = Workplace::new(&toml.replace(&format!("port = {}", mail.address.port()), "port = 1"));
    database.execute("INSERT INTO recovery_codes SELECT X'00', id FROM users WHERE username = 'ada'");
    let said = away.run(&["user", "reset-second-factor", "ada"], &[]);
    assert!(said.status.success() && String::from_utf8_lossy(&said.stderr).contains("they were not told"), "{said:?}");
    assert_eq!(database.count("recovery_codes"), 0);
}

/// Proves NIST SP 800-63B §6.1.2.3: another password gives the account back only where nothing of somebody else's remains.
async fn an_operator_who_sets_a_password_hears_what_remains(database: &Database) {
    let server = Server::start(database).await;
    let operator = Workplace::new(&Settings::default().toml(&database.url));
    operator.write("password", PASSWORD, 0o600);
    let reset = |more: &[&str]| {
        let said = operator.run(&[&["user", "reset-password", "ada"], more].concat(), &[]);
        assert!(said.status.success(), "{said:?}");
        String::from_utf8_lossy(&said.stderr).into_owned()
    };
    let password_file = ["--password-file", "password"];
    assert_eq!(reset(&password_file), "");
    let mut ada = signed_in(&server, "ada", "en").await;
    added(&mut ada, "laptop").await;
    set_up_app(&mut ada, &server).await;
    for more in [password_file.as_slice(), &["--link"]] {
        let said = reset(more);
        assert!(said.contains("1 passkey and an authenticator app"), "{said}");
        assert!(said.contains("gatelodge user reset-second-factor ada"), "{said}");
    }
}
