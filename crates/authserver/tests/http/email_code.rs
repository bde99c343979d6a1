//! Sign-in by a code that is sent by e-mail: it works once, for ten minutes, in the browser that asked for it, wrong ones are slowed
//! down, and nobody learns who there is.

use futures_util::future::join_all;
use gatelodge_e2e::mail_server::{Mail, MailServer};

use crate::support::binary::Workplace;
use crate::support::{
    Answer, Browser, Database, McpClient, PASSWORD, Page, Server, Settings, on_any_database, on_both_databases,
};

on_both_databases! {
    a_code_signs_in_for_the_request_and_once,
    a_code_works_in_its_own_browser_and_for_ten_minutes,
    wrong_codes_end_the_code_and_are_slowed_down,
    guesses_are_one_count_by_name_and_by_address,
    of_twenty_that_type_the_right_code_at_once_one_signs_in,
    neither_the_answers_nor_what_is_kept_say_who_there_is,
    whoever_has_to_prove_it_again_can_be_nobody_else,
    a_browser_that_asks_several_times_at_once_has_one_code,
    whoever_signs_in_with_each_code_is_never_told_to_wait,
}

on_any_database! {
    a_code_is_half_of_it_where_a_second_step_is_asked_for,
    a_code_does_not_outlive_the_address_the_password_or_the_person,
    where_it_is_off_there_is_no_such_page,
    whoever_always_came_in_through_a_provider_is_sent_none,
}

const METHODS: &str = "[login]\nmethods = [\"password\", \"email_code\"]";

fn with(mail: &MailServer) -> Settings {
    let more = mail.toml(METHODS);
    Settings { more: more.leak(), trusted_proxies: "[\"127.0.0.1\"]", ..Settings::default() }
}

async fn start(database: &Database) -> (MailServer, Server) {
    let mail = MailServer::start();
    let server = Server::start_with(database, with(&mail)).await;
    for name in ["ada", "bob"] {
        database.execute(&format!(
            "INSERT INTO email_addresses SELECT id, '{name}@example.org', 0 FROM users WHERE username = '{name}'"
        ));
    }
    (mail, server)
}

/// Presses the button of the sign-in page.
async fn ask(browser: &mut Browser<'_>, login: &Page, typed: &str) -> Page {
    assert!(login.answer.body.contains("formaction=\"login/code\""), "{login:?}");
    browser.submit("/login/code", &login.form("login").with("username", typed).without("password")).await
}

pub async fn asked<'s>(server: &'s Server, typed: &str) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let page = ask(&mut browser, &login, typed).await;
    (browser, page)
}

pub async fn type_code(browser: &mut Browser<'_>, page: &Page, code: &str) -> Page {
    browser.submit(&page.action("email-code"), &page.form("email-code").with("code", code)).await
}

/// The digits, as they stand there.
pub fn code_of(mail: &Mail) -> String {
    let line = mail.text.lines().find(|line| line.len() == 9 && line.starts_with(|c: char| c.is_ascii_digit()));
    line.unwrap_or_else(|| panic!("no code: {}", mail.text)).to_owned()
}

fn another(code: &str) -> String {
    code.chars().map(|c| if c == '9' { '0' } else { char::from(c as u8 + u8::from(c.is_ascii_digit())) }).collect()
}

/// Proves NIST SP 800-63B §5.1.3.2: a code that was sent is taken once, in the session that asked for it.
async fn a_code_signs_in_for_the_request_and_once(database: &Database) {
    let (mail, server) = start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::that_prefers("es", &server);
    let login = browser.open(&client.authorize_path()).await;
    let before = browser.session().1.to_owned();
    let page = ask(&mut browser, &login, " ADA@example.org ").await;
    assert!(page.path.starts_with("/login/code?transaction=") && page.has("code"), "{page:?}");
    let message = mail.wait_for(1).await;
    assert!(message.to == "ada@example.org" && message.text.contains("como ada en"), "{message:?}");
    assert!(browser.open(&page.path).await.has("code"), "the page may be loaded again");
    let consent = type_code(&mut browser, &page, &code_of(&message)).await;
    consent.assert_consent();
    assert_ne!(browser.session().1, before, "RFC 6819 §5.1.5.8: another session");
    assert!(!browser.allow(&consent).await.answered("code").is_empty());
    assert_eq!(database.count("email_codes"), 0);
    assert_eq!(database.count("audit_events WHERE outcome = 'signed_in' AND reason = 'email_code'"), 1);
    let (mut at_home, page) = asked(&server, "ada").await;
    let code = code_of(&mail.wait_for(2).await);
    assert_eq!(type_code(&mut at_home, &page, &code.replace(' ', "-")).await.path, "/account");
    let mut other = at_home.second_tab();
    other.submit("/login/code", &page.form("email-code").with("code", &code)).await.assert_error(403, "form_refused");
}

/// Proves NIST SP 800-63B §5.1.3.2: it is no good elsewhere, nor later, nor when there is a newer one.
async fn a_code_works_in_its_own_browser_and_for_ten_minutes(database: &Database) {
    let (mail, server) = start(database).await;
    let (mut owner, page) = asked(&server, "ada").await;
    let older = code_of(&mail.wait_for(1).await);
    let (mut thief, of_thief) = asked(&server, "nobody").await;
    let refused = type_code(&mut thief, &of_thief, &older).await;
    assert_eq!((refused.answer.status, refused.has("problem")), (401, true));
    let mut fresh = Browser::new(&server);
    let login = fresh.open("/login").await;
    let form = login.form("login").without("username").without("password").with("code", &older);
    assert_eq!(fresh.submit("/login/code", &form).await.answer.status, 401);
    let again = owner.open("/login").await;
    ask(&mut owner, &again, "ada").await;
    let newer = code_of(&mail.wait_for(2).await);
    assert_eq!(type_code(&mut owner, &page, &older).await.answer.status, 401);
    server.advance(599);
    assert_eq!(type_code(&mut owner.second_tab(), &page, &another(&newer)).await.answer.status, 401);
    server.advance(1);
    let over = type_code(&mut owner, &page, &newer).await;
    assert!(over.answer.status == 401 && over.has("username"), "{over:?}");
}

/// Proves NIST SP 800-63B §5.2.2: wrong ones are limited, for each code and for whoever is called so.
async fn wrong_codes_end_the_code_and_are_slowed_down(database: &Database) {
    let (mail, server) = start(database).await;
    let (mut browser, page) = asked(&server, "ada").await;
    let right = code_of(&mail.wait_for(1).await);
    for _ in 0..5 {
        assert_eq!(type_code(&mut browser, &page, &another(&right)).await.answer.status, 401);
    }
    let over = type_code(&mut browser, &page, &right).await;
    assert!(over.answer.status == 401 && over.has("username"), "five wrong ones end it: {over:?}");
    let (mut browser, page) = asked(&server, "ada").await;
    let right = code_of(&mail.wait_for(2).await);
    let refused = type_code(&mut browser, &page, &right).await;
    assert_eq!((refused.answer.status, refused.answer.header("retry-after")), (429, Some("15")));
    let mut guesser = Browser::new(&server);
    let login = guesser.open("/login").await;
    assert_eq!(guesser.sign_in(&login, "ada").await.answer.status, 429, "they count as wrong passwords do");
    server.advance(15);
    assert_eq!(type_code(&mut browser, &page, &right).await.path, "/account");
    assert_eq!(database.count("audit_events WHERE outcome = 'sign_in_failed' AND reason = 'email_code'"), 5);
    let activity = browser.open("/account/activity").await;
    assert!(activity.answer.body.contains("with a wrong code"), "{activity:?}");
    for status in [200, 200, 200, 200, 200, 429] {
        assert_eq!(asked(&server, "ada").await.1.answer.status, status, "five messages, and no more at once");
    }
}

/// Proves NIST SP 800-63B §5.2.2: an account is guessed at as often as the limit says, whatever it is called by.
async fn guesses_are_one_count_by_name_and_by_address(database: &Database) {
    let (mail, server) = start(database).await;
    for (typed, number, guesses) in [("ada", 1, 3), (" ADA@example.org ", 2, 2)] {
        let (mut browser, page) = asked(&server, typed).await;
        let wrong = another(&code_of(&mail.wait_for(number).await));
        for _ in 0..guesses {
            assert_eq!(type_code(&mut browser, &page, &wrong).await.answer.status, 401, "{typed}");
        }
    }
    for (typed, number) in [("ada", 3), ("ada@example.org", 4)] {
        let (mut browser, page) = asked(&server, typed).await;
        let right = code_of(&mail.wait_for(number).await);
        assert_eq!(type_code(&mut browser, &page, &right).await.answer.status, 429, "{typed}");
    }
    // Nobody has no name and address that belong together; each is counted as it was typed, in any case.
    for typed in ["nobody", "nobody@example.org", " NOBODY"] {
        let (mut browser, page) = asked(&server, typed).await;
        let mut answers = [0; 4];
        for status in &mut answers {
            *status = type_code(&mut browser, &page, "0000 0000").await.answer.status;
        }
        let expected = if typed == " NOBODY" { [401, 429, 429, 429] } else { [401; 4] };
        assert_eq!(answers, expected, "{typed}");
    }
}

/// Proves NIST SP 800-63B §5.1.3.2: once is once.
async fn of_twenty_that_type_the_right_code_at_once_one_signs_in(database: &Database) {
    let (mail, server) = start(database).await;
    let (browser, page) = asked(&server, "ada").await;
    let form = page.form("email-code").with("code", &code_of(&mail.wait_for(1).await));
    let posts = (0..20).map(|_| {
        let (mut tab, form) = (browser.second_tab(), form.clone());
        async move { tab.submit_without_following("/login/code", &form).await }
    });
    let answers: Vec<Answer> = join_all(posts).await;
    let winners = answers.iter().filter(|answer| answer.header("location") == Some("/account")).count();
    assert_eq!(winners, 1, "{answers:?}");
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 1);
}

/// Proves OAuth 2.1 §7.7: nobody learns who has an account, nor where their messages go.
async fn neither_the_answers_nor_what_is_kept_say_who_there_is(database: &Database) {
    let (mail, server) = start(database).await;
    database.execute("DELETE FROM email_addresses WHERE address = 'bob@example.org'");
    // Somebody else, since name and address of one person are one count.
    database.execute(
        "INSERT INTO users SELECT 'eve', 'eve', password_hash, 0, NULL, is_admin FROM users WHERE username = 'bob'",
    );
    database.execute("INSERT INTO email_addresses VALUES ('eve', 'eve@example.org', 0)");
    let mut all = Vec::new();
    for (number, typed) in ["ada", "eve@example.org", "bob", "carol", "nobody", "not a name!"].into_iter().enumerate() {
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        let post = |form: crate::support::Form, browser: &Browser<'_>| {
            let post = browser.form_post("/login/code").header("sec-fetch-site", "same-origin");
            post.header("x-forwarded-for", format!("192.0.2.{number}")).form(form.pairs())
        };
        let asks = post(login.form("login").with("username", typed).without("password"), &browser);
        let mut answers = vec![browser.send(asks).await];
        let page = browser.open("/login/code").await;
        for _ in 0..6 {
            let wrong = post(page.form("email-code").with("code", "00000000"), &browser);
            answers.push(browser.send(wrong).await);
        }
        let token = page.form("email-code").get("csrf_token").to_owned();
        let plain = |answer: &Answer| {
            let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            (answer.status, answer.body.replace(&token, "C"), names)
        };
        all.push(answers.iter().map(plain).collect::<Vec<_>>());
    }
    for answers in &all {
        assert_eq!(answers, &all[0]);
    }
    assert_eq!(all[0].iter().map(|answer| answer.0).collect::<Vec<_>>(), [303, 401, 401, 401, 401, 401, 401]);
    assert_eq!(database.count("email_codes"), 6);
    assert_eq!(database.count("email_codes WHERE user_id IS NOT NULL"), 2, "a code that went to nobody is nobody's");
    database.stop_servers().await;
    let to: Vec<String> = mail.taken().into_iter().map(|message| message.to).collect();
    assert_eq!(to, ["ada@example.org", "eve@example.org"]);
}

/// Proves RFC 9470 §3: a fresh proof is of the person that it is asked of.
async fn whoever_has_to_prove_it_again_can_be_nobody_else(database: &Database) {
    let (mail, server) = start(database).await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    browser.sign_in(&login, "ada").await;
    server.advance(601);
    let login = browser.open("/login").await;
    assert_eq!(login.text_of("account"), "ada");
    let page = ask(&mut browser, &login, "bob").await;
    let refused = type_code(&mut browser, &page, &code_of(&mail.wait_for(1).await)).await;
    assert_eq!((refused.answer.status, refused.has("problem")), (403, true));
    let page = ask(&mut browser, &login, "ada").await;
    assert_eq!(type_code(&mut browser, &page, &code_of(&mail.wait_for(2).await)).await.path, "/account");
    assert_eq!(browser.open("/password").await.path, "/password", "the proof is fresh");
}

/// Proves NIST SP 800-63B §5.1.3.1: messages by e-mail are no second factor, and take the place of none.
async fn a_code_is_half_of_it_where_a_second_step_is_asked_for(database: &Database) {
    let mail = MailServer::start();
    let more = mail.toml(&format!("{METHODS}\nsecond_factor = \"required\""));
    let server = Server::start_with(database, Settings { more: more.leak(), ..Settings::default() }).await;
    database.execute("INSERT INTO email_addresses SELECT id, 'ada@example.org', 0 FROM users WHERE username = 'ada'");
    let (mut browser, page) = asked(&server, "ada").await;
    let half = type_code(&mut browser, &page, &code_of(&mail.wait_for(1).await)).await;
    assert_eq!(half.path, "/second-step");
    assert_eq!(browser.open("/account").await.path, "/login");
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
}

/// Proves RFC 6819 §5.1.5.3: what was given out for something ends with it.
async fn a_code_does_not_outlive_the_address_the_password_or_the_person(database: &Database) {
    let (mail, server) = start(database).await;
    let operator = Workplace::new(&Settings::default().toml(&database.url));
    for (command, number) in
        [(["user", "email", "ada", "lovelace@example.org"].as_slice(), 1), (&["user", "disable", "ada"], 2)]
    {
        let (mut browser, page) = asked(&server, "ada").await;
        let code = code_of(&mail.wait_for(number).await);
        assert!(operator.run(command, &[]).status.success());
        assert_eq!(type_code(&mut browser, &page, &code).await.answer.status, 401, "{command:?}");
    }
    let (mut browser, page) = asked(&server, "bob").await;
    let code = code_of(&mail.wait_for(3).await);
    let mut signed_in = Browser::new(&server);
    let login = signed_in.open("/login").await;
    signed_in.sign_in(&login, "bob").await;
    let form = signed_in.open("/password").await.form("password").with("old_password", PASSWORD);
    let form = form.with("new_password", "another long password").with("new_password_again", "another long password");
    assert!(signed_in.submit("/password", &form).await.has("done"));
    assert_eq!(type_code(&mut browser, &page, &code).await.answer.status, 401);
}

/// Proves RFC 6749 §10.10: what is not switched on is not there.
async fn where_it_is_off_there_is_no_such_page(database: &Database) {
    let mail = MailServer::start();
    let settings = Settings { more: mail.toml("").leak(), ..Settings::default() };
    let server = Server::start_with(database, settings).await;
    let mut browser = Browser::new(&server);
    assert!(!browser.open("/login").await.has("email-code"));
    assert_eq!(browser.open("/login/code").await.answer.status, 404);
}

async fn a_browser_that_asks_several_times_at_once_has_one_code(database: &Database) {
    let (_mail, server) = start(database).await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let form = login.form("login").without("password");
    let asks = (0..8).map(|number| {
        let (mut tab, form) = (browser.second_tab(), form.clone().with("username", &format!("name-{number}")));
        async move { tab.submit_without_following("/login/code", &form).await }
    });
    for answer in join_all(asks).await {
        assert_eq!((answer.status, answer.header("location")), (303, Some("/login/code")), "{answer:?}");
    }
    assert_eq!(database.count("email_codes"), 1);
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: what a provider asks of its people is not gone around by a mailbox.
async fn whoever_always_came_in_through_a_provider_is_sent_none(database: &Database) {
    let (mail, server) = start(database).await;
    database.execute("UPDATE users SET password_hash = NULL WHERE username = 'bob'");
    database.execute(
        "INSERT INTO upstream_identities SELECT 'https://idp.example', 'b', id, 0 FROM users WHERE username = 'bob'",
    );
    let (mut browser, page) = asked(&server, "bob").await;
    assert!(page.has("email-code"), "the page says the same: {page:?}");
    assert_eq!(type_code(&mut browser, &page, "12345678").await.answer.status, 401);
    asked(&server, "ada").await;
    let first = mail.wait_for(1).await;
    assert!(first.text.contains("ada") && mail.taken().len() == 1, "{first:?}");
}

/// Proves OAuth 2.1 §7.7: only messages that nobody signs in with make the next ones wait, whatever was typed to get one.
async fn whoever_signs_in_with_each_code_is_never_told_to_wait(database: &Database) {
    let (mail, server) = start(database).await;
    for (sent, typed) in ["ada", "ada@example.org", "Ada@Example.org"].into_iter().cycle().take(24).enumerate() {
        let (mut browser, page) = asked(&server, typed).await;
        assert!(page.has("code"), "{sent}: {page:?}");
        let code = code_of(&mail.wait_for(sent + 1).await);
        assert_eq!(type_code(&mut browser, &page, &code).await.path, "/account", "{sent}");
    }
    assert_eq!(database.count("sign_in_failures WHERE expires_at > last_failed_at"), 0);
    for _ in 0..5 {
        assert!(asked(&server, "bob@example.org").await.1.has("code"));
    }
    assert_eq!(asked(&server, "bob@example.org").await.1.answer.status, 429);
    assert!(asked(&server, "ada@example.org").await.1.has("code"), "who is known here waits for nobody");
}
