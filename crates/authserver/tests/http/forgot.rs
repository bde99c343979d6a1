//! A forgotten password: a link by e-mail sets another one, once, and nobody learns who there is, keeps another one out, or reads in a
//! log what was sent.

use std::net::TcpListener;

use gatelodge_e2e::mail_server::MailServer;
use gatelodge_service::clock::Clock;
use reqwest::header::HeaderMap;

use crate::email_code::code_of;
use crate::support::binary::{Workplace, free_addresses};
use crate::support::{
    Browser, Database, ISSUER, McpClient, NO_LIMITS, ONE_RESOURCE, PASSWORD, Page, Server, Settings, on_any_database,
    on_both_databases,
};

on_both_databases! {
    a_link_that_was_sent_sets_another_password_once_and_ends_what_the_old_one_began,
    the_answer_says_nothing_of_who_there_is_and_only_who_may_is_written_to,
    too_many_messages_are_slowed_down_and_nobody_is_kept_out_by_it,
    links_work_beside_each_other_until_one_is_used_and_for_an_hour_at_most,
}

on_any_database! {
    without_a_mail_server_there_is_no_such_page,
    a_mail_server_that_says_nothing_delays_no_page_and_too_many_messages_are_told,
    a_mail_server_that_says_later_is_asked_again,
    messages_that_are_sent_again_later_keep_no_others_waiting,
    an_operator_says_where_messages_go_and_a_link_to_the_address_before_is_dead,
}

const NEW: &str = "another long password";

fn with(mail: &MailServer) -> Settings {
    Settings { more: mail.toml("").leak(), trusted_proxies: "[\"127.0.0.1\"]", ..Settings::default() }
}

fn write_to(database: &Database, username: &str) {
    database.execute(&format!(
        "INSERT INTO email_addresses SELECT id, '{username}@example.org', 0 FROM users WHERE username = '{username}'"
    ));
}

/// From an address of its own, behind the proxy.
async fn forgot(server: &Server, address: &str, typed: &str) -> Page {
    let mut browser = Browser::new(server);
    let form = browser.open("/forgot").await.form("forgot").with("username", typed);
    let post = browser.form_post("/forgot").header("x-forwarded-for", address).header("sec-fetch-site", "same-origin");
    let answer = browser.send(post.form(form.pairs())).await;
    Page { answer, path: "/forgot".to_owned(), left_for: None }
}

async fn choose(server: &Server, link: &str) -> Page {
    let mut browser = Browser::new(server);
    let page = browser.open(link).await;
    let form = page.form("reset").with("new_password", NEW).with("new_password_again", NEW);
    let done = browser.submit("/reset", &form).await;
    assert!(browser.cookies.is_empty(), "who has the link is not signed in by it");
    done
}

async fn sign_in<'s>(server: &'s Server, password: &str) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let page = browser.sign_in_with(&login, "ada", password).await;
    (browser, page)
}

/// Proves NIST SP 800-63B §5.1.1.2: who lost a password sets another one by what was sent to them, once.
async fn a_link_that_was_sent_sets_another_password_once_and_ends_what_the_old_one_began(database: &Database) {
    let mail = MailServer::start();
    let server = Server::start_with(database, with(&mail)).await;
    write_to(database, "ada");
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let (mut signed_in, _) = sign_in(&server, PASSWORD).await;
    let mut browser = Browser::that_prefers("de", &server);
    let login = browser.open(&client.authorize_path()).await;
    let page = browser.open(&login.resolved(&login.link("forgot"))).await;
    assert_eq!(page.resolved(&page.link("back")), login.path, "and back to the question that waits");
    let sent = browser.submit("/forgot", &page.form("forgot").with("username", " ADA@Example.org ")).await;
    assert!(sent.answer.status == 200 && sent.has("done"), "{sent:?}");
    let message = mail.wait_for(1).await;
    assert_eq!(message.to, "ada@example.org");
    assert!(message.text.contains("Konto ada bei Gatelodge"), "{}", message.text);
    let link = message.link(ISSUER);
    assert_eq!(signed_in.open("/account").await.path, "/account", "a link alone changes nothing");
    let done = choose(&server, &link).await;
    assert!(done.answer.status == 200 && done.has("done"), "{done:?}");
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    assert_eq!(signed_in.open("/account").await.path, "/login");
    assert_eq!(sign_in(&server, PASSWORD).await.1.answer.status, 401);
    assert_eq!(sign_in(&server, NEW).await.1.path, "/account");
    Browser::new(&server).open(&link).await.assert_error(400, "password_link_ended");
    let told = mail.wait_for(2).await;
    assert!(told.to == "ada@example.org" && told.text.contains("has another password now"), "{told:?}");
    for event in ["'password_link_sent'", "'password_changed' AND reason = 'link'"] {
        assert_eq!(database.count(&format!("audit_events WHERE outcome = {event} AND source = '127.0.0.0/24'")), 1);
    }
}

/// The answer without what differs between any two pages.
fn plain(page: &Page) -> (u16, String, Vec<String>) {
    let names = |headers: &HeaderMap| headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    let body = match page.answer.body.contains("id=\"forgot\"") {
        true => page.answer.body.replace(page.form("forgot").get("csrf_token"), "C"),
        false => page.answer.body.clone(),
    };
    (page.answer.status, body, names(&page.answer.headers))
}

/// Proves OAuth 2.1 §7.7: nobody learns who has an account, nor where their messages go.
async fn the_answer_says_nothing_of_who_there_is_and_only_who_may_is_written_to(database: &Database) {
    let mail = MailServer::start();
    let server = Server::start_with(database, with(&mail)).await;
    // `bob` came in through a provider, and has always; `carol` is disabled.
    ["ada", "bob", "carol"].into_iter().for_each(|name| write_to(database, name));
    database.execute("UPDATE users SET password_hash = NULL WHERE username = 'bob'");
    database.execute(
        "INSERT INTO upstream_identities SELECT 'https://idp.example', 'b', id, 0 FROM users WHERE username = 'bob'",
    );
    let everybody = [
        "ada",
        "ada@example.org",
        "bob",
        "bob@example.org",
        "carol",
        "nobody",
        "nobody@example.org",
        "not a name!",
        "",
    ];
    let mut answers = Vec::new();
    for (number, typed) in everybody.into_iter().enumerate() {
        answers.push(plain(&forgot(&server, &format!("192.0.2.{number}"), typed).await));
    }
    assert_eq!(answers[0].0, 200);
    for (answer, typed) in answers.iter().zip(everybody) {
        assert_eq!(answer, &answers[0], "{typed}");
    }
    // The server stops when its messages are sent.
    database.stop_servers().await;
    let recipients: Vec<String> = mail.taken().into_iter().map(|message| message.to).collect();
    assert_eq!(recipients, ["ada@example.org", "ada@example.org"]);
    assert_eq!(database.count("password_links"), 2);
    assert_eq!(database.count("audit_events WHERE outcome = 'password_link_sent'"), 2);
}

/// Proves RFC 6819 §5.1.4.2.3: what strangers do is slowed down, and locks nobody out.
async fn too_many_messages_are_slowed_down_and_nobody_is_kept_out_by_it(database: &Database) {
    let mail = MailServer::start();
    let server = Server::start_with(database, with(&mail)).await;
    write_to(database, "ada");
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let form = login.form("login").with("username", "ada").with("password", PASSWORD);
    let at_home = |post: reqwest::RequestBuilder| post.header("x-forwarded-for", "198.51.100.7");
    let post = at_home(browser.form_post("/login")).header("sec-fetch-site", "same-origin");
    assert_eq!(browser.send(post.form(form.pairs())).await.status, 303);
    for typed in ["ada", "nobody"] {
        let mut statuses = Vec::new();
        for number in 0..7 {
            statuses.push(forgot(&server, &format!("203.0.113.{number}"), typed).await.answer.status);
        }
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429], "{typed}");
    }
    let refused = forgot(&server, "203.0.113.99", "ada").await;
    assert_eq!(refused.answer.header("retry-after"), Some("15"));
    assert!(refused.answer.body.contains("Wait 15 seconds"), "{refused:?}");
    assert_eq!(forgot(&server, "198.51.100.7", "ada").await.answer.status, 200, "from where she signed in before");
    assert_eq!(sign_in(&server, PASSWORD).await.1.path, "/account", "nor does it count as wrong passwords");
    for number in 0..20 {
        assert_eq!(forgot(&server, "192.0.2.1", &format!("somebody{number}")).await.answer.status, 200);
    }
    assert_eq!(forgot(&server, "192.0.2.1", "somebody else").await.answer.status, 429, "one source");
    mail.wait_for(6).await;
}

/// Proves RFC 6819 §5.1.4.2.3: whoever has another link sent ends none that was sent before.
async fn links_work_beside_each_other_until_one_is_used_and_for_an_hour_at_most(database: &Database) {
    let mail = MailServer::start();
    let server = Server::start_with(database, with(&mail)).await;
    write_to(database, "ada");
    let mut links = Vec::new();
    for number in 1..=3 {
        forgot(&server, "192.0.2.1", "ada").await;
        links.push(mail.wait_for(number).await.link(ISSUER));
        server.advance(1_000);
    }
    let mut browser = Browser::new(&server);
    for link in &links {
        assert_eq!(browser.open(link).await.text_of("account"), "ada");
    }
    server.advance(600);
    browser.open(&links[0]).await.assert_error(400, "password_link_ended");
    assert!(choose(&server, &links[1]).await.has("done"));
    browser.open(&links[2]).await.assert_error(400, "password_link_ended");
    assert_eq!(database.count("password_links"), 0);
}

/// Proves RFC 6749 §10.10: what cannot be sent is not offered.
async fn without_a_mail_server_there_is_no_such_page(database: &Database) {
    let server = Server::start(database).await;
    let mut browser = Browser::new(&server);
    assert!(!browser.open("/login").await.has("forgot"));
    assert_eq!(browser.open("/forgot").await.answer.status, 404);
}

/// Proves RFC 5321 §4.5.3.2: how long a mail server takes is nobody's time but its own.
async fn a_mail_server_that_says_nothing_delays_no_page_and_too_many_messages_are_told(database: &Database) {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("an address").port();
    let more = format!("[email]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"gate@example.com\"");
    let settings = Settings { more: more.leak(), trusted_proxies: "[\"127.0.0.1\"]", ..Settings::default() };
    let server = Server::start_with(database, settings).await;
    ["ada", "bob"].into_iter().for_each(|name| write_to(database, name));
    let mut typed: Vec<String> = ["ada", "bob", "ada", "bob"].map(str::to_owned).into();
    typed.extend((0..96).map(|number| format!("nobody{number}")));
    for (number, typed) in typed.iter().enumerate() {
        assert_eq!(forgot(&server, &format!("192.0.2.{number}"), typed).await.answer.status, 200, "{typed}");
    }
    let refused = forgot(&server, "192.0.2.200", "ada").await;
    assert!(refused.answer.status == 503 && refused.has("problem"), "{refused:?}");
    let (_, page) = sign_in(&server, PASSWORD).await;
    assert_eq!(page.path, "/account", "everything else goes on");
    drop(silent);
}

/// Proves RFC 5321 §4.2.1: what passes is tried again.
async fn a_mail_server_that_says_later_is_asked_again(database: &Database) {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let mail = MailServer::that(move |line| {
        let first = line.starts_with("RCPT") && asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        first.then(|| "451 4.7.1 greylisted".to_owned())
    });
    let server = Server::start_with(database, with(&mail)).await;
    write_to(database, "ada");
    forgot(&server, "192.0.2.1", "ada").await;
    assert!(choose(&server, &mail.wait_for(1).await.link(ISSUER)).await.has("done"));
}

/// Proves RFC 5321 §4.5.4.1: a mailbox that takes nothing now holds up what is for others no longer than one attempt takes.
async fn messages_that_are_sent_again_later_keep_no_others_waiting(database: &Database) {
    const TO_ADA: &str = "RCPT TO:<ada@";
    let mail = MailServer::that(|line| line.starts_with(TO_ADA).then(|| "451 4.7.1 greylisted".to_owned()));
    let server = Server::start_with(database, with(&mail)).await;
    ["ada", "bob"].into_iter().for_each(|name| write_to(database, name));
    for number in 0..4 {
        forgot(&server, &format!("192.0.2.{number}"), "ada").await;
    }
    mail.wait_for_commands(TO_ADA, 4).await;
    forgot(&server, "192.0.2.9", "bob").await;
    assert_eq!(mail.wait_for(1).await.to, "bob@example.org");
    assert!(mail.commands_like(TO_ADA) < 4 * 3, "the others wait still: {:?}", mail.commands());
}

/// Proves NIST SP 800-63B §6.1.2.3: another address is another place, and what went to the one before is worth nothing.
async fn an_operator_says_where_messages_go_and_a_link_to_the_address_before_is_dead(database: &Database) {
    let mail = MailServer::start();
    let now = Clock::system().now();
    let server = Server::start_at(database, with(&mail), Clock::manual(now)).await;
    let operator = Workplace::new(&Settings::default().toml(&database.url));
    let says = |arguments: &[&str]| {
        let said = operator.run(arguments, &[]);
        let text = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
        (said.status.success(), text)
    };
    assert!(says(&["user", "email", "ada", "Ada@Example.org"]).0);
    assert!(says(&["user", "add", "nora", "--invite", "--email", "nora@example.org"]).0);
    let list = says(&["user", "list"]).1;
    assert!(list.contains("ada@example.org") && list.contains("nora@example.org"), "{list}");
    assert!(says(&["user", "export", "ada"]).1.contains("\"email\": \"ada@example.org\""));
    for (arguments, why) in [
        (["user", "email", "bob", "ada@example.org"].as_slice(), "somebody else"),
        (&["user", "email", "bob", "bob"], "no e-mail address"),
        (&["user", "email", "bob"], "required"),
        (&["user", "email", "nobody", "x@example.org"], "no user"),
        (&["user", "add", "mia", "--invite", "--email", "NORA@example.org"], "somebody else"),
        (&["user", "reset-password", "ada", "--link", "--email", "x@example.org"], "--email"),
    ] {
        let (done, text) = says(arguments);
        assert!(!done && text.contains(why), "{arguments:?}: {text}");
    }
    assert_eq!(database.count("users WHERE username = 'mia'"), 0);
    forgot(&server, "192.0.2.1", "ada").await;
    let link = mail.wait_for(1).await.link(ISSUER);
    assert!(says(&["user", "email", "ada", "lovelace@example.org"]).0);
    Browser::new(&server).open(&link).await.assert_error(400, "password_link_ended");
    forgot(&server, "192.0.2.1", "ada").await;
    let newer = mail.wait_for(2).await;
    assert_eq!(newer.to, "lovelace@example.org");
    assert!(says(&["user", "email", "ada", "--remove"]).0);
    Browser::new(&server).open(&newer.link(ISSUER)).await.assert_error(400, "password_link_ended");
    assert_eq!(database.count("email_addresses"), 1);
    let by_command = "reason = 'operator' AND actor = 'command'";
    for (outcome, number) in [("account_added", 1), ("address_set", 3), ("address_removed", 1)] {
        let written = database.count(&format!("audit_events WHERE outcome = '{outcome}' AND {by_command}"));
        assert_eq!(written, number, "{outcome}");
    }
}

/// Proves RFC 6749 §10.3: no log holds a link, nor says who it went to, also when the mail server repeats both.
#[test]
fn no_log_holds_what_was_sent_nor_to_whom() {
    let mail = MailServer::that(|line| {
        line.contains("bob@")
            .then(|| "550 5.1.1 bob@example.org is not here, nor https://mcp.example.com/reset".to_owned())
    });
    let [listen, health] = free_addresses();
    let email = mail.toml("[login]\nmethods = [\"password\", \"email_code\"]");
    let workplace = Workplace::new(&format!(
        "public_url = \"{ISSUER}\"\nlisten = \"{listen}\"\nhealth_listen = \"{health}\"\n[database]\n\
         url = \"sqlite://DIRECTORY/gatelodge.db\"\n{ONE_RESOURCE}\n[limits]\n{NO_LIMITS}\n{email}\n[logs]\nlevel = \"debug\"\n"
    ));
    workplace.add_ada();
    for arguments in [
        ["user", "email", "ada", "ada@example.org"].as_slice(),
        &["user", "add", "bob", "--invite", "--email", "bob@example.org"],
    ] {
        assert!(workplace.run(arguments, &[]).status.success());
    }
    let (mut process, server) = workplace.serve(listen, health, ISSUER);
    let (message, code) = actix_web::rt::System::new().block_on(async {
        forgot(&server, "192.0.2.1", "bob@example.org").await;
        forgot(&server, "192.0.2.1", "TypedAtTheWrongPlace").await;
        forgot(&server, "192.0.2.1", "ada").await;
        let link = mail.wait_for(1).await;
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        let asking = login.form("login").with("username", "ada").without("password");
        let page = browser.submit("/login/code", &asking).await;
        let code = code_of(&mail.wait_for(2).await);
        let form = page.form("email-code").with("code", &code);
        assert_eq!(browser.submit("/login/code", &form).await.path, "/account");
        (link, code)
    });
    assert!(process.stop().success());
    let log = process.log();
    for (part, times) in [("a message was handed to the mail server", 2), ("refused it with 550", 1)] {
        assert_eq!(log.matches(part).count(), times, "{part}: {log}");
    }
    let link = message.link(ISSUER);
    let secret = link.split_once('=').expect("a parameter").1;
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    for kept in [secret, "example.org", "TypedAtTheWrongPlace", "reset?", &code, &digits] {
        assert!(!log.contains(kept), "{kept}: {log}");
    }
    let stored = std::fs::read(workplace.path().join("gatelodge.db")).expect("the database");
    assert!(!String::from_utf8_lossy(&stored).contains(secret));
}
