//! Passkeys (Web Authentication Level 3): a whole sign-in, or the second step of one. An answer counts once, for the question, the
//! browser and the person that it was for.

use futures_util::future::join_all;

use crate::support::authenticator::{Authenticator, question};
use crate::support::binary::Workplace;
use crate::support::{Browser, Database, Form, McpClient, Page, Server, Settings, on_any_database, on_both_databases};

on_both_databases! {
    a_passkey_signs_in_alone_and_is_the_second_step_after_a_password,
    of_many_copies_of_an_answer_one_counts_and_a_copied_passkey_is_found_out,
}

on_any_database! {
    an_answer_is_for_its_question_its_browser_and_its_time,
    nobody_comes_in_who_may_not_any_more,
    a_passkey_is_called_what_its_owner_likes,
    passkeys_are_added_and_removed_by_their_owner_after_a_recent_sign_in_only,
    a_passkey_of_somebody_else_confirms_nobody,
    where_everybody_must_have_something_the_last_passkey_stays,
    where_the_server_has_no_name_there_are_no_passkeys,
}

const PATH: &str = "/account/passkeys";

/// Makes an authenticator say something else.
type Change = fn(&mut Authenticator);

async fn signed_in<'s>(server: &'s Server, username: &str) -> Browser<'s> {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in(&login, username).await.path, "/account");
    browser
}

/// Types a name on the account page: the page that asks the browser for a passkey.
async fn asked(browser: &mut Browser<'_>, name: &str) -> Page {
    let page = browser.open(PATH).await;
    browser.submit(&page.action("add"), &page.form("add").with("name", name)).await
}

/// Adds a passkey; the page after it.
pub async fn added(browser: &mut Browser<'_>, name: &str) -> (Authenticator, Page) {
    let page = asked(browser, name).await;
    let question = question(&page);
    let authenticator = Authenticator::for_question(&question);
    let form = page.form("passkey").with("credential", &authenticator.register(&question));
    let done = browser.submit(&page.action("passkey"), &form).await;
    assert_eq!((done.answer.status, done.path.as_str()), (200, PATH), "{done:?}");
    (authenticator, done)
}

/// Presses the button of a page: the page that asks the browser.
async fn press(browser: &mut Browser<'_>, page: &Page) -> Page {
    let asked = browser.submit(&page.action("passkey"), &page.form("passkey").without("credential")).await;
    assert_eq!(asked.answer.status, 200, "{asked:?}");
    asked
}

fn answered(asked: &Page, credential: &str) -> Form {
    asked.form("passkey").with("credential", credential)
}

/// Calls the first passkey something else.
async fn renamed(browser: &mut Browser<'_>, name: &str) -> Page {
    let page = browser.open(PATH).await;
    browser.submit(&page.action("rename-1"), &page.form("rename-1").with("name", name)).await
}

/// Proves Web Authentication §7.1, §7.2: registration, then authentication by the name that the passkey knows.
async fn a_passkey_signs_in_alone_and_is_the_second_step_after_a_password(database: &Database) {
    let server = Server::start(database).await;
    let mut owner = signed_in(&server, "ada").await;
    let account = owner.open("/account").await;
    assert_eq!(account.resolved(&account.link("passkeys")), PATH);
    let page = asked(&mut owner, "laptop").await;
    let asks = question(&page);
    assert_eq!(
        (&asks["rp"]["id"], &asks["authenticatorSelection"]["residentKey"]),
        (&"mcp.example.com".into(), &"required".into())
    );
    assert_eq!(asks["authenticatorSelection"]["userVerification"], "required");
    assert!(!page.attribute_of("passkey", "data-options").contains("user_"), "the handle says nothing about anybody");
    let (mut passkey, done) = added(&mut owner, "laptop").await;
    assert!(done.has("recovery-codes"), "for when it is not at hand: {done:?}");
    let (_, list) = added(&mut owner, "key").await;
    assert!(!list.has("recovery-codes") && list.answer.body.contains("laptop"), "{list:?}");
    assert_eq!((database.count("passkeys"), database.count("recovery_codes")), (2, 10));

    // Alone, for a client.
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let before = browser.session().1.to_owned();
    let asked = press(&mut browser, &login).await;
    let consent = browser.submit(&asked.action("passkey"), &answered(&asked, &passkey.sign(&question(&asked)))).await;
    consent.assert_consent();
    assert!(consent.text_of("account") == "ada" && browser.session().1 != before);
    assert_eq!(client.exchange(&browser.allow(&consent).await.answered("code")).await.status, 200);

    // After the password, which alone is not enough any more.
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let half = browser.sign_in(&login, "ada").await;
    assert!(half.path == "/second-step" && !half.has("second-step"), "{half:?}");
    let asked = press(&mut browser, &half).await;
    let asks = question(&asked);
    assert_eq!(asks["allowCredentials"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        browser.submit(&asked.action("passkey"), &answered(&asked, &passkey.sign(&asks))).await.path,
        "/account"
    );
    assert_eq!(database.count("passkeys WHERE counter = 2 AND last_used_at IS NOT NULL"), 1);
    assert_eq!(database.count("audit_events WHERE outcome = 'signed_in' AND reason = 'passkey'"), 2);
    assert_eq!(database.count("audit_events WHERE outcome = 'second_factor_added' AND reason = 'passkey'"), 2);
    assert_eq!(database.count("passkey_ceremonies") + database.count("second_steps"), 0);
    let export = owner.open("/account").await;
    let export = owner.submit_without_following("/account/export", &export.form("export")).await.json();
    let listed = export["second_factors"]["passkeys"].as_array().expect("a list");
    assert!(listed.len() == 2 && listed.iter().any(|passkey| passkey["name"] == "laptop"), "{listed:?}");
}

/// Proves Web Authentication §7.2: a challenge is answered once, and a counter that stands still is a copy.
async fn of_many_copies_of_an_answer_one_counts_and_a_copied_passkey_is_found_out(database: &Database) {
    let server = Server::start(database).await;
    let (mut passkey, _) = added(&mut signed_in(&server, "ada").await, "laptop").await;
    let before = database.count("browser_sessions WHERE user_id IS NOT NULL");
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let asked = press(&mut browser, &login).await;
    let form = answered(&asked, &passkey.sign(&question(&asked)));
    let mut tabs: Vec<Browser> = (0..8).map(|_| browser.second_tab()).collect();
    let answers = join_all(tabs.iter_mut().map(|tab| tab.submit_without_following("/login/passkey", &form))).await;
    let signed_in = answers.iter().filter(|answer| answer.header("location") == Some("/account")).count();
    assert_eq!((signed_in, database.count("browser_sessions WHERE user_id IS NOT NULL") - before), (1, 1));
    // Two browsers, two questions, one count: the passkey and its copy.
    let mut asked = Vec::new();
    for _ in 0..2 {
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        let page = press(&mut browser, &login).await;
        passkey.counter = 6;
        let form = answered(&page, &passkey.sign(&question(&page)));
        asked.push((browser, form));
    }
    let pages = join_all(asked.iter_mut().map(|(browser, form)| browser.submit("/login/passkey", form))).await;
    let refused: Vec<&Page> = pages.iter().filter(|page| page.path != "/account").collect();
    assert_eq!(refused.len(), 1);
    refused[0].assert_error(403, "passkey_refused");
    // And one that lags behind.
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let page = press(&mut browser, &login).await;
    passkey.counter = 3;
    let late = browser.submit("/login/passkey", &answered(&page, &passkey.sign(&question(&page)))).await;
    late.assert_error(403, "passkey_refused");
    assert_eq!(late.resolved(&late.link("back")), "/login");
}

async fn an_answer_is_for_its_question_its_browser_and_its_time(database: &Database) {
    let server = Server::start(database).await;
    let (mut passkey, _) = added(&mut signed_in(&server, "ada").await, "laptop").await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let first = press(&mut browser, &login).await;
    let second = press(&mut browser, &login).await;
    let to_first = passkey.sign(&question(&first));
    // The older question is not open any more; and the newer one is spent by the wrong answer to it.
    browser.submit("/login/passkey", &answered(&first, &to_first)).await.assert_error(403, "passkey_refused");
    let to_second = passkey.sign(&question(&second));
    browser.submit("/login/passkey", &answered(&second, &to_second)).await.assert_error(400, "sign_in_ended");

    let wrong: [(&str, Change); 4] = [
        ("another origin", |passkey| passkey.origin = "https://evil.example".into()),
        ("nobody was verified", |passkey| passkey.verifies = false),
        ("another person", |passkey| passkey.handle[0] ^= 1),
        ("another passkey", |passkey| passkey.id[0] ^= 1),
    ];
    for (why, change) in wrong {
        let asked = press(&mut browser, &login).await;
        let (origin, handle, id) = (passkey.origin.clone(), passkey.handle.clone(), passkey.id.clone());
        change(&mut passkey);
        let credential = passkey.sign(&question(&asked));
        (passkey.origin, passkey.handle, passkey.id, passkey.verifies) = (origin, handle, id, true);
        let refused = browser.submit("/login/passkey", &answered(&asked, &credential)).await;
        assert_eq!(refused.text_of("error-code"), "passkey_refused", "{why}");
    }
    for broken in ["{}", "null", "[1]", &to_first[..to_first.len() / 2]] {
        let asked = press(&mut browser, &login).await;
        let refused = browser.submit("/login/passkey", &answered(&asked, broken)).await;
        assert_eq!(refused.text_of("error-code"), "passkey_refused", "{broken}");
    }
    // From another browser, which was asked something else; too late; and with no token of ours.
    let asked = press(&mut browser, &login).await;
    let credential = passkey.sign(&question(&asked));
    let mut stranger = Browser::new(&server);
    let of_stranger = stranger.open("/login").await;
    let form = of_stranger.form("passkey").with("credential", &credential);
    stranger.submit("/login/passkey", &form).await.assert_error(400, "sign_in_ended");
    let form = answered(&asked, &credential).with("csrf_token", "x");
    browser.submit("/login/passkey", &form).await.assert_error(403, "form_refused");
    server.advance(300);
    let form = answered(&asked, &credential);
    browser.submit("/login/passkey", &form).await.assert_error(400, "sign_in_ended");
    // An answer to the question before a sign-in completes no half of one, and the other way round.
    let half = browser.sign_in(&login, "ada").await;
    let at_login = browser.open("/login").await;
    let asked = press(&mut browser, &at_login).await;
    let credential = passkey.sign(&question(&asked));
    let form = half.form("passkey").with("credential", &credential);
    browser.submit("/second-step/passkey", &form).await.assert_error(400, "sign_in_ended");
    let asked = press(&mut browser, &half).await;
    let credential = passkey.sign(&question(&asked));
    let form = at_login.form("passkey").with("credential", &credential);
    browser.submit("/login/passkey", &form).await.assert_error(400, "sign_in_ended");
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 1);
}

async fn nobody_comes_in_who_may_not_any_more(database: &Database) {
    let server = Server::start(database).await;
    let mut owner = signed_in(&server, "ada").await;
    let (mut passkey, _) = added(&mut owner, "laptop").await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let operator = Workplace::new(&Settings::default().toml(&database.url));
    for (change, undo) in [
        ("UPDATE users SET disabled_at = 1", "UPDATE users SET disabled_at = NULL"),
        ("UPDATE users SET password_hash = NULL", "UPDATE users SET password_hash = 'x'"),
    ] {
        let asked = press(&mut browser, &login).await;
        let credential = passkey.sign(&question(&asked));
        database.execute(&format!("{change} WHERE username = 'ada'"));
        let refused = browser.submit("/login/passkey", &answered(&asked, &credential)).await;
        refused.assert_error(403, "passkey_refused");
        database.execute(&format!("{undo} WHERE username = 'ada'"));
    }
    let asked = press(&mut browser, &login).await;
    let credential = passkey.sign(&question(&asked));
    assert!(operator.run(&["user", "reset-second-factor", "ada"], &[]).status.success());
    browser.submit("/login/passkey", &answered(&asked, &credential)).await.assert_error(403, "passkey_refused");
    assert_eq!(owner.open("/account").await.path, "/login", "whoever signed in with one is out");
    assert_eq!(database.count("passkeys") + database.count("recovery_codes"), 0);
}

/// Proves Web Authentication §14.4.3: a name is for its owner, and nobody else gives it.
async fn a_passkey_is_called_what_its_owner_likes(database: &Database) {
    let server = Server::start(database).await;
    let mut browser = signed_in(&server, "ada").await;
    added(&mut browser, "laptop").await;
    let page = renamed(&mut browser, " <b>key</b> ").await;
    assert!(page.path == PATH && page.answer.body.contains("&lt;b&gt;key&lt;"), "{page:?}");
    for name in ["", " ", "a\nb", &"x".repeat(81)] {
        let page = renamed(&mut browser, name).await;
        assert!(page.answer.status == 400 && page.has("problem"), "{name:?}: {page:?}");
    }
    assert_eq!(database.count("passkeys WHERE name = '<b>key</b>'"), 1);
    // It is nobody else's to call.
    let form = browser.open(PATH).await.form("rename-1").with("name", "mine");
    let mut other = signed_in(&server, "bob").await;
    let token = other.open(PATH).await.form("add").get("csrf_token").to_owned();
    other.submit(PATH, &form.clone().with("csrf_token", &token)).await.assert_error(403, "form_refused");
    other.submit(PATH, &form).await.assert_error(403, "form_refused");
    server.advance(601);
    assert_eq!(browser.submit(PATH, &form).await.path, "/login", "only after a recent sign-in");
    assert_eq!(database.count("passkeys WHERE name = '<b>key</b>'"), 1);
    assert_eq!(database.count("audit_events WHERE reason = 'passkey'"), 1, "nobody needs to hear of a name");
}

async fn passkeys_are_added_and_removed_by_their_owner_after_a_recent_sign_in_only(database: &Database) {
    let server = Server::start(database).await;
    assert_eq!(Browser::new(&server).open(PATH).await.path, "/login");
    let mut browser = signed_in(&server, "ada").await;
    for name in ["", " ", "a\nb", &"x".repeat(81)] {
        let page = asked(&mut browser, name).await;
        assert!(page.answer.status == 400 && page.has("problem"), "{name:?}: {page:?}");
    }
    assert_eq!(database.count("passkey_ceremonies"), 0);
    // Not what was asked for, or for nobody.
    let page = asked(&mut browser, "laptop").await;
    let asks = question(&page);
    let mut passkey = Authenticator::for_question(&asks);
    passkey.origin = "https://evil.example".into();
    let refused = browser.submit(PATH, &answered(&page, &passkey.register(&asks))).await;
    assert!(refused.answer.status == 400 && refused.has("problem"), "{refused:?}");
    passkey.origin = crate::support::ISSUER.into();
    let good = answered(&page, &passkey.register(&asks));
    assert_eq!(browser.submit(PATH, &good).await.answer.status, 400, "its question is spent");
    let page = asked(&mut browser, "laptop").await;
    passkey.verifies = false;
    let refused = browser.submit(PATH, &answered(&page, &passkey.register(&question(&page)))).await;
    assert_eq!((refused.answer.status, database.count("passkeys")), (400, 0));
    passkey.verifies = true;
    for token in ["", "x"] {
        browser.submit(PATH, &good.clone().with("csrf_token", token)).await.assert_error(403, "form_refused");
    }
    browser.submit(PATH, &good.clone().with("change", "all")).await.assert_error(400, "request_invalid");
    // One that is somebody's already is nobody else's.
    let page = asked(&mut browser, "laptop").await;
    assert!(browser.submit(PATH, &answered(&page, &passkey.register(&question(&page)))).await.has("recovery-codes"));
    let mut bob = signed_in(&server, "bob").await;
    let page = asked(&mut bob, "mine").await;
    let refused = bob.submit(PATH, &answered(&page, &passkey.register(&question(&page)))).await;
    assert_eq!((refused.answer.status, database.count("passkeys")), (400, 1));
    // Removed by its owner alone, and after a recent sign-in.
    let list = browser.open(PATH).await;
    let remove = list.form("remove-1");
    let foreign = Form::new([("csrf_token", bob.open(PATH).await.form("add").get("csrf_token"))]);
    let foreign = foreign.with("change", "remove").with("id", remove.get("id"));
    bob.submit(PATH, &foreign).await.assert_error(403, "form_refused");
    server.advance(600);
    for form in [&remove, &good] {
        assert_eq!(browser.submit(PATH, form).await.path, "/login");
    }
    assert_eq!(database.count("passkeys"), 1);
    let login = browser.open("/login").await;
    let asked = press(&mut browser, &login).await;
    let account = browser.submit("/login/passkey", &answered(&asked, &passkey.sign(&question(&asked)))).await;
    assert_eq!(account.path, "/account");
    let list = browser.open(PATH).await;
    assert_eq!(browser.submit(PATH, &list.form("remove-1")).await.path, PATH);
    assert_eq!(database.count("passkeys") + database.count("recovery_codes"), 0);
    assert_eq!(database.count("audit_events WHERE outcome = 'second_factor_removed' AND reason = 'passkey'"), 1);
}

async fn a_passkey_of_somebody_else_confirms_nobody(database: &Database) {
    let server = Server::start(database).await;
    let (mut of_bob, _) = added(&mut signed_in(&server, "bob").await, "laptop").await;
    let mut ada = signed_in(&server, "ada").await;
    server.advance(600);
    let login = ada.open(PATH).await;
    assert_eq!((login.path.as_str(), login.text_of("account").as_str()), ("/login", "ada"));
    let asked = press(&mut ada, &login).await;
    let refused = ada.submit("/login/passkey", &answered(&asked, &of_bob.sign(&question(&asked)))).await;
    refused.assert_error(403, "passkey_refused");
    assert_eq!(ada.open("/account").await.text_of("account"), "ada");
    assert_eq!(ada.open(PATH).await.path, "/login");
}

async fn where_everybody_must_have_something_the_last_passkey_stays(database: &Database) {
    let server = Server::start(database).await;
    let (mut passkey, _) = added(&mut signed_in(&server, "ada").await, "laptop").await;
    database.stop_servers().await;
    let more = "[login]\nsecond_factor = \"required\"\n";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let half = browser.sign_in(&login, "ada").await;
    assert!(half.has("recovery") && !half.has("set-up"), "a passkey is enough: {half:?}");
    let asked = press(&mut browser, &half).await;
    let form = answered(&asked, &passkey.sign(&question(&asked)));
    assert_eq!(browser.submit("/second-step/passkey", &form).await.path, "/account");
    let list = browser.open(PATH).await;
    let refused = browser.submit(PATH, &list.form("remove-1")).await;
    assert!(refused.answer.status == 409 && refused.has("problem"), "{refused:?}");
    added(&mut browser, "key").await;
    assert_eq!(browser.submit(PATH, &list.form("remove-1")).await.path, PATH);
    assert_eq!((database.count("passkeys"), database.count("recovery_codes")), (1, 10));
}

async fn where_the_server_has_no_name_there_are_no_passkeys(database: &Database) {
    let public_url = "http://127.0.0.1:4000";
    let server = Server::start_with(database, Settings { public_url, ..Settings::default() }).await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    assert!(login.has("sign-in") && !login.has("passkey"));
    let form = login.form("login").without("username").without("password");
    browser.submit("/login/passkey", &form).await.assert_error(403, "form_refused");
    let account = browser.sign_in(&login, "ada").await;
    assert!(!account.has("passkeys") && account.has("second-factor"));
    assert_eq!(browser.open(PATH).await.path, "/account");
}
