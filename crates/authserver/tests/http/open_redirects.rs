//! The server is no open redirector (RFC 9700 §4.11.2): whatever somebody adds to a link or a form, a sign-in, a yes and every change of
//! an account lead where they always lead.

use gatelodge_e2e::mail_server::MailServer;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;

use crate::email_code::code_of;
use crate::oidc_sign_in::go_there;
use crate::rfc8628_device::{begin, device_client};
use crate::second_step::{App, with_app};
use crate::support::authenticator::{Authenticator, question};
use crate::support::openid_provider::OpenIdProvider;
use crate::support::{Browser, Database, Form, McpClient, PASSWORD, Page, Server, on_any_database};

on_any_database! {
    no_parameter_is_ever_a_target,
    no_parameter_leads_a_sign_in_elsewhere,
    no_parameter_leads_a_change_of_an_account_elsewhere,
}

const NAMES: [&str; 10] = [
    "next",
    "return_to",
    "return",
    "redirect",
    "redirect_to",
    "redirect_uri",
    "url",
    "continue",
    "target",
    "post_logout_redirect_uri",
];

/// Elsewhere, and at another page of ours.
const ELSEWHERE: [&str; 2] = ["https://evil.example/", "/privacy"];

fn with_all(form: Form, target: &str) -> Form {
    NAMES.iter().fold(form, |form, name| form.with(name, target))
}

/// Where a form leads that has all of them, without its query. In its URL there may be none.
async fn post(browser: &mut Browser<'_>, target: &str, path: &str, form: Form) -> (String, Page) {
    arrived(browser.submit(path, &with_all(form, target)).await)
}

fn arrived(page: Page) -> (String, Page) {
    assert!(page.left_for.is_none() && page.answer.status == 200, "{page:?}");
    assert!(!page.answer.body.contains("evil.example"), "{page:?}");
    (page.path.split('?').next().expect("a path").to_owned(), page)
}

/// A server with every way to sign in.
async fn everything_on(database: &Database) -> (OpenIdProvider, MailServer, Server) {
    let clock = Clock::manual(Timestamp::from_unix(1_800_000_000));
    let (provider, mail) = (OpenIdProvider::start(&clock), MailServer::start());
    let more = mail.toml("[login]\nmethods = [\"oidc\", \"password\", \"passkey\", \"email_code\"]");
    let settings = provider.settings(&format!("allow_everybody = true\n[grants]\ndevice_code = true\n{more}"));
    let server = Server::start_at(database, settings, clock).await;
    (provider, mail, server)
}

async fn signed_in<'s>(server: &'s Server, username: &str) -> Browser<'s> {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in(&login, username).await.path, "/account");
    browser
}

async fn add_passkey(browser: &mut Browser<'_>, target: &str) -> Authenticator {
    let page = browser.open("/account/passkeys").await;
    let (_, asks) = post(browser, target, "/account/passkeys", page.form("add").with("name", "key")).await;
    let passkey = Authenticator::for_question(&question(&asks));
    let form = asks.form("passkey").with("credential", &passkey.register(&question(&asks)));
    assert_eq!(post(browser, target, &asks.action("passkey"), form).await.0, "/account/passkeys");
    assert!(browser.open("/account/passkeys").await.has("rename-1"));
    passkey
}

/// Proves RFC 9700 §4.11.2: the server is no open redirector.
async fn no_parameter_is_ever_a_target(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let targets = [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/x",
    ];
    for target in targets {
        // The client's own is among the parameters of an authorization request.
        let query = with_all(Form::default(), target).without("redirect_uri").encoded();
        let mut browser = Browser::new(&server);
        let login = browser.open(&format!("{}&{query}", client.authorize_path())).await;
        login.assert_login();
        browser.open(&format!("{}&{query}", login.path)).await.assert_login();
        let credentials = login.form("login").with("username", "ada").with("password", PASSWORD);
        let consent = browser.submit("/login", &with_all(credentials, target)).await;
        consent.assert_consent();
        let login = browser.submit("/logout", &with_all(consent.form("consent"), target)).await;
        login.assert_login();
        let consent = browser.sign_in(&login, "ada").await;
        let decision = consent.form("consent").with("decision", "allow");
        let allowed = browser.submit("/consent", &with_all(decision, target)).await;
        assert!(
            allowed.left_for.as_ref().is_some_and(|url| url.as_str().starts_with(&client.redirect_uri)),
            "{allowed:?}"
        );
        for path in ["/login", "/consent", "/logout", "/authorize", "/token", "/"] {
            assert_eq!(server.get(&format!("{path}?{query}")).await.header("location"), None, "{path}");
        }
    }
}

/// Proves RFC 9700 §4.11.2: nor does any of the ways to sign in end elsewhere, nor a device's.
async fn no_parameter_leads_a_sign_in_elsewhere(database: &Database) {
    let (provider, mail, server) = everything_on(database).await;
    let client = device_client(&server).await;
    database.execute("INSERT INTO email_addresses SELECT id, 'bob@example.org', 0 FROM users WHERE username = 'bob'");
    let (_, app, _) = with_app(&server, "ada").await;
    for (number, target) in ELSEWHERE.into_iter().enumerate() {
        let mut browser = Browser::new(&server);
        let codes = begin(&client, &server).await;
        let form = Form::new([("user_code", codes.user_code.as_str())]);
        let (path, login) = post(&mut browser, target, "/device", form).await;
        assert_eq!(path, "/login");
        let credentials = login.form("login").with("username", "ada").with("password", PASSWORD);
        let (path, step) = post(&mut browser, target, &login.action("login"), credentials).await;
        assert_eq!(path, "/second-step");
        let form = step.form("second-step").with("code", &app.shows(&server));
        let (path, consent) = post(&mut browser, target, &step.action("second-step"), form).await;
        assert_eq!(path, "/consent");
        let form = consent.form("consent").with("decision", "deny");
        assert_eq!(post(&mut browser, target, "/consent", form).await.0, "/consent", "a device waits elsewhere");
        server.advance(30);

        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        let form = login.form("login").with("username", "bob").without("password");
        let (path, asked) = post(&mut browser, target, "/login/code", form).await;
        assert_eq!(path, "/login/code");
        let form = asked.form("email-code").with("code", &code_of(&mail.wait_for(number + 1).await));
        assert_eq!(post(&mut browser, target, &asked.action("email-code"), form).await.0, "/account");

        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        let away = go_there(&mut browser, &login).await;
        let callback = format!("{}&{}", provider.answer(&away, "lin"), with_all(Form::default(), target).encoded());
        assert_eq!(arrived(browser.open(&callback).await).0, "/account");
    }
    // Whoever has a passkey is asked for two things from then on.
    let mut owner = signed_in(&server, "bob").await;
    for target in ELSEWHERE {
        let mut passkey = add_passkey(&mut owner, target).await;
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        let form = login.form("passkey").without("credential");
        let (path, asks) = post(&mut browser, target, &login.action("passkey"), form).await;
        assert_eq!(path, "/login/passkey");
        let form = asks.form("passkey").with("credential", &passkey.sign(&question(&asks)));
        assert_eq!(post(&mut browser, target, &asks.action("passkey"), form).await.0, "/account");
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        let half = browser.sign_in(&login, "bob").await;
        let form = half.form("passkey").without("credential");
        let (path, asks) = post(&mut browser, target, &half.action("passkey"), form).await;
        assert_eq!(path, "/second-step/passkey");
        let form = asks.form("passkey").with("credential", &passkey.sign(&question(&asks)));
        assert_eq!(post(&mut browser, target, &asks.action("passkey"), form).await.0, "/account");
    }
}

/// Proves RFC 9700 §4.11.2: nor does any form of somebody who is signed in.
async fn no_parameter_leads_a_change_of_an_account_elsewhere(database: &Database) {
    let (_provider, _mail, server) = everything_on(database).await;
    for (target, username) in ELSEWHERE.into_iter().zip(["ada", "bob"]) {
        let mut browser = signed_in(&server, username).await;
        add_passkey(&mut browser, target).await;
        for (page, form, more) in [
            ("/account/passkeys", "rename-1", ("name", "mine")),
            ("/account/passkeys", "remove-1", ("x", "")),
            ("/account/tokens", "token-1", ("name", "laptop")),
            ("/account", "sign-out", ("end", "other_sessions")),
            ("/account/export", "export", ("x", "")),
            ("/password", "password", ("old_password", PASSWORD)),
            ("/account/second-factor", "set-up", ("x", "")),
            ("/forgot", "forgot", ("username", username)),
            ("/account/delete", "delete", ("username", username)),
        ] {
            let shown = browser.open(if form == "export" { "/account" } else { page }).await;
            let new = "another long password";
            let filled = shown.form(form).with(more.0, more.1);
            let filled = match form {
                "password" => filled.with("new_password", new).with("new_password_again", new),
                "token-1" => filled.without("scope").and("scope", "mcp:use").with("lifetime", "30d"),
                "set-up" => filled.with("code", &App::reads(&shown).shows(&server)),
                _ => filled,
            };
            assert_eq!(post(&mut browser, target, page, filled).await.0, page, "{form}");
        }
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        assert_eq!(post(&mut browser, target, "/logout", login.form("login").without("username")).await.0, "/login");
    }
}
