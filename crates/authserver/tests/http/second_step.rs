//! The second step of a sign-in: a code of an authenticator app (RFC 6238) or a recovery code after the password. Nothing is open to
//! whoever took the first step alone, and no code is worth anything twice.

use futures_util::future::join_all;
use totp_rs::{Builder, Secret};

use crate::support::binary::Workplace;
use crate::support::{
    Browser, Database, Form, McpClient, PASSWORD, Page, Server, Settings, on_any_database, on_both_databases,
};

use super::oidc_sign_in::{go_there, started};

on_both_databases! {
    whoever_set_up_an_app_is_asked_for_a_code_after_the_password,
    of_many_copies_of_a_code_one_signs_in,
    wrong_codes_count_as_wrong_passwords_do,
    a_recovery_code_works_once_and_new_ones_end_the_others,
    where_everybody_must_nobody_is_signed_in_before_the_app_is_set_up,
}

on_any_database! {
    whoever_is_half_way_may_do_nothing,
    half_of_a_sign_in_ends_with_its_time_with_the_password_and_with_the_user,
    an_app_is_set_up_and_removed_by_its_owner_after_a_recent_sign_in_only,
    an_app_that_was_set_up_meanwhile_is_asked_for_and_not_replaced,
    a_sign_in_at_a_provider_is_not_asked_for_more,
    the_operator_takes_it_away_from_somebody_who_lost_it,
    a_secret_that_nobody_can_decrypt_is_a_fault_of_the_server,
}

const PATH: &str = "/account/second-factor";
const REQUIRED: &str = "[login]\nsecond_factor = \"required\"\n";

fn required() -> Settings {
    Settings { more: REQUIRED, ..Settings::default() }
}

/// An authenticator app with the key that a page showed.
pub struct App(String);

impl App {
    pub fn reads(page: &Page) -> Self {
        Self(page.text_of("key").replace(' ', ""))
    }

    /// What it shows in so many steps of thirty seconds.
    fn shows_in(&self, server: &Server, steps: i64) -> String {
        let secret = Secret::try_from_base32(&self.0).expect("base32");
        let totp = Builder::new().with_secret(secret).with_account_name("ada").build().expect("an app");
        totp.generate(u64::try_from(server.clock.now().as_unix() + 30 * steps).expect("after 1970")).to_string()
    }

    pub fn shows(&self, server: &Server) -> String {
        self.shows_in(server, 0)
    }
}

/// Types the password at a sign-in page of the account.
async fn first_step<'s>(server: &'s Server, username: &str) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let page = browser.sign_in(&login, username).await;
    (browser, page)
}

pub async fn type_code(browser: &mut Browser<'_>, page: &Page, code: &str) -> Page {
    browser.submit(&page.action("second-step"), &page.form("second-step").with("code", code)).await
}

/// Sets up an app on the account page, and waits until its next code.
pub async fn with_app<'s>(server: &'s Server, username: &str) -> (Browser<'s>, App, Vec<String>) {
    let (mut browser, page) = first_step(server, username).await;
    let page = browser.open(&page.resolved(&page.link("second-factor"))).await;
    let app = App::reads(&page);
    let form = page.form("set-up").with("code", &app.shows(server));
    let done = browser.submit(&page.action("set-up"), &form).await;
    assert_eq!((done.answer.status, done.path.as_str()), (200, PATH), "{done:?}");
    server.advance(30);
    (browser, app, recovery_codes(&done))
}

pub fn recovery_codes(page: &Page) -> Vec<String> {
    let list = page.answer.body.split("id=\"recovery-codes\"").nth(1).and_then(|rest| rest.split("</ul>").next());
    let codes = list.expect("a list").split("<code>").skip(1);
    codes.map(|rest| rest.split('<').next().expect("a code").to_owned()).collect()
}

/// Nobody is signed in here.
async fn assert_nobody(browser: &mut Browser<'_>) {
    for path in ["/account", PATH, "/password", "/account/activity"] {
        assert_eq!(browser.open(path).await.path, "/login", "{path}");
    }
}

/// Proves RFC 6238 §5.2: a code that was taken is not taken again.
async fn whoever_set_up_an_app_is_asked_for_a_code_after_the_password(database: &Database) {
    let server = Server::start(database).await;
    let (_, app, codes) = with_app(&server, "ada").await;
    assert_eq!((codes.len(), database.count("recovery_codes")), (10, 10));
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let anonymous = browser.session().1.to_owned();
    let page = browser.sign_in(&login, "ada").await;
    assert!(page.path.starts_with("/second-step?transaction="), "{page:?}");
    assert_eq!(page.text_of("account"), "ada");
    let half_way = browser.session().1.to_owned();
    assert_ne!(half_way, anonymous, "whoever planted the cookie does not hold the half that is done");
    let wrong = type_code(&mut browser, &page, "000000").await;
    assert!(wrong.answer.status == 401 && wrong.has("problem"), "{wrong:?}");
    let code = app.shows(&server);
    let consent = type_code(&mut browser, &wrong, &code).await;
    consent.assert_consent();
    assert_ne!(browser.session().1, half_way);
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 2);
    assert_eq!(database.count("second_steps"), 0);
    assert_eq!(client.exchange(&browser.allow(&consent).await.answered("code")).await.status, 200);
    for what in [
        "outcome = 'signed_in' AND reason = 'totp'",
        "outcome = 'second_factor_added' AND reason = 'totp'",
        "outcome = 'signed_in' AND reason = 'password'",
    ] {
        assert_eq!(database.count(&format!("audit_events WHERE {what}")), 1, "{what}");
    }

    // The same code once more, and those before it.
    let (mut again, page) = first_step(&server, "ada").await;
    assert_eq!(page.path, "/second-step");
    for old in [&code, &app.shows_in(&server, -1)] {
        assert_eq!(type_code(&mut again, &page, old).await.answer.status, 401);
    }
    server.advance(30);
    assert_eq!(type_code(&mut again, &page, &app.shows(&server)).await.path, "/account");
    // Bob set up nothing, and is not asked.
    assert_eq!(first_step(&server, "bob").await.1.path, "/account");
}

async fn of_many_copies_of_a_code_one_signs_in(database: &Database) {
    let server = Server::start(database).await;
    let (_, app, codes) = with_app(&server, "ada").await;
    let before = database.count("browser_sessions WHERE user_id IS NOT NULL");
    // The same code in one browser many times, and in another one: whoever looked over a shoulder.
    let (browser, page) = first_step(&server, "ada").await;
    let (other, other_page) = first_step(&server, "ada").await;
    let form = |page: &Page| page.form("second-step").with("code", &app.shows(&server));
    let mut tabs: Vec<(Browser, Form)> = (0..5).map(|_| (browser.second_tab(), form(&page))).collect();
    tabs.extend((0..2).map(|_| (other.second_tab(), form(&other_page))));
    let answers = tabs.iter_mut().map(|(tab, form)| tab.submit_without_following("/second-step", form));
    let signed_in = |answer: &crate::support::Answer| answer.header("location") == Some("/account");
    assert_eq!(join_all(answers).await.iter().filter(|answer| signed_in(answer)).count(), 1);
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL") - before, 1);
    // A recovery code too, when the failures are forgotten.
    server.advance(24 * 3_600);
    let mut halves = Vec::new();
    for _ in 0..4 {
        let (browser, page) = first_step(&server, "ada").await;
        halves.push((browser, page.form("recovery").with("recovery_code", &codes[0])));
    }
    let answers = halves.iter_mut().map(|(tab, form)| tab.submit_without_following("/second-step", form));
    assert_eq!(join_all(answers).await.iter().filter(|answer| signed_in(answer)).count(), 1);
    assert_eq!(database.count("recovery_codes"), 9);
}

/// Proves OAuth 2.1 §7.7: guesses of codes are counted with those of passwords, and a right password forgives none.
async fn wrong_codes_count_as_wrong_passwords_do(database: &Database) {
    let server = Server::start_with(database, required()).await;
    let (mut browser, page) = first_step(&server, "bob").await;
    let app = App::reads(&page);
    let done = browser.submit("/second-step", &page.form("set-up").with("code", &app.shows(&server))).await;
    assert!(done.has("recovery-codes"), "{done:?}");
    let mut statuses = Vec::new();
    for guess in 0..7 {
        let (mut browser, page) = first_step(&server, "bob").await;
        if page.path != "/second-step" {
            statuses.push(page.answer.status);
            continue;
        }
        let guess = if guess % 2 == 0 { ("second-step", "code", "000000") } else { ("recovery", "recovery_code", "0") };
        let form = page.form(guess.0).with(guess.1, guess.2);
        statuses.push(browser.submit("/second-step", &form).await.answer.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    // One code belongs to the password, and every further one waits, also the right one.
    server.advance(15);
    let (mut browser, page) = first_step(&server, "bob").await;
    assert_eq!(type_code(&mut browser, &page, "000000").await.answer.status, 401);
    let refused = type_code(&mut browser, &page, &app.shows(&server)).await;
    assert_eq!((refused.answer.status, refused.answer.header("retry-after")), (429, Some("30")));
    assert!(refused.answer.body.contains("Wait 30 seconds"), "{refused:?}");
    server.advance(30);
    assert_eq!(type_code(&mut browser, &refused, &app.shows(&server)).await.path, "/account");
    // That forgives what was mistyped from here.
    let (mut browser, page) = first_step(&server, "bob").await;
    for _ in 0..5 {
        assert_eq!(type_code(&mut browser, &page, "000000").await.answer.status, 401);
    }
    assert_eq!(type_code(&mut browser, &page, "000000").await.answer.status, 429);
}

async fn a_recovery_code_works_once_and_new_ones_end_the_others(database: &Database) {
    let server = Server::start(database).await;
    let (mut owner, _, codes) = with_app(&server, "ada").await;
    let recover = async |code: &str| {
        let (mut browser, page) = first_step(&server, "ada").await;
        browser.submit(&page.action("recovery"), &page.form("recovery").with("recovery_code", code)).await
    };
    let typed = codes[0].to_lowercase().replace('-', " ");
    assert_eq!(recover(&typed).await.path, "/account");
    assert_eq!(recover(&codes[0]).await.answer.status, 401);
    assert_eq!(database.count("audit_events WHERE outcome = 'signed_in' AND reason = 'recovery_code'"), 1);
    let page = owner.open(PATH).await;
    assert!(page.text_of("codes-left").starts_with('9'), "{page:?}");
    let new = owner.submit(&page.action("new-codes"), &page.form("new-codes")).await;
    let new = recovery_codes(&new);
    assert_eq!(database.count("recovery_codes"), 10);
    assert_eq!(recover(&codes[1]).await.answer.status, 401);
    assert_eq!(recover(&new[9]).await.path, "/account");
    // Nobody else's are worth anything: not even under the right name of somebody with an app.
    let (_, _, of_bob) = with_app(&server, "bob").await;
    assert_eq!(recover(&of_bob[0]).await.answer.status, 401);
}

async fn where_everybody_must_nobody_is_signed_in_before_the_app_is_set_up(database: &Database) {
    let server = Server::start_with(database, required()).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let page = browser.sign_in(&login, "ada").await;
    assert!(page.path.starts_with("/second-step?") && page.has("set-up"), "{page:?}");
    let app = App::reads(&page);
    assert_nobody(&mut browser.second_tab()).await;
    let wrong = browser.submit("/second-step", &page.form("set-up").with("code", "000000")).await;
    assert!(wrong.answer.status == 400 && wrong.has("problem"), "{wrong:?}");
    assert_eq!(App::reads(&wrong).0, app.0, "the app that read the picture is the one that is asked");
    // A key that this page did not show, or showed elsewhere.
    let elsewhere = first_step(&server, "ada").await.1.form("set-up");
    for key in ["", "AAAA", elsewhere.get("key")] {
        let form = wrong.form("set-up").with("key", key).with("code", &app.shows(&server));
        browser.submit("/second-step", &form).await.assert_error(403, "form_refused");
    }
    assert_eq!(database.count("totp_secrets") + database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
    let form = wrong.form("set-up").with("code", &app.shows(&server));
    let done = browser.submit("/second-step", &form).await;
    assert_eq!((recovery_codes(&done).len(), done.answer.header("cache-control")), (10, Some("no-store")));
    browser.open(&done.resolved(&done.link("continue"))).await.assert_consent();
    browser.submit("/second-step", &form).await.assert_error(403, "form_refused");
    // From now on a code is asked for, and the app stays.
    server.advance(30);
    let (mut again, page) = first_step(&server, "ada").await;
    assert!(!page.has("set-up") && !page.answer.body.contains(&app.0[..4]), "{page:?}");
    let account = type_code(&mut again, &page, &app.shows(&server)).await;
    let page = again.open(&account.resolved(&account.link("second-factor"))).await;
    let refused = again.submit(PATH, &page.form("remove")).await;
    assert!(refused.answer.status == 409 && refused.has("problem"), "{refused:?}");
    assert_eq!(database.count("totp_secrets"), 1);
    let another = App::reads(&page);
    let form = page.form("set-up").with("code", &another.shows(&server));
    assert!(again.submit(PATH, &form).await.has("recovery-codes"));
    assert_eq!(again.submit(PATH, &form).await.answer.status, 409, "a reload of the page");
    server.advance(30);
    let (mut last, page) = first_step(&server, "ada").await;
    assert_eq!(type_code(&mut last, &page, &app.shows(&server)).await.answer.status, 401);
    assert_eq!(type_code(&mut last, &page, &another.shows(&server)).await.path, "/account");
}

/// Proves RFC 6749 §4.1.1: the owner is authenticated, and not half of it, before anything is asked or given.
async fn whoever_is_half_way_may_do_nothing(database: &Database) {
    let server = Server::start(database).await;
    let (mut owner, app, _) = with_app(&server, "ada").await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let page = browser.sign_in(&login, "ada").await;
    let transaction = page.form("second-step").get("transaction").to_owned();
    let tokens = page.form("second-step");
    let consent = browser.open(&format!("/consent?transaction={transaction}")).await;
    consent.assert_login();
    for scope in ["mcp:use", ""] {
        let form = tokens.clone().without("code").with("decision", "allow").with("scope", scope);
        browser.submit("/consent", &form).await.assert_login();
    }
    assert_nobody(&mut browser.second_tab()).await;
    let change = Form::new([("change", "remove")]).with("csrf_token", tokens.get("csrf_token"));
    browser.submit(PATH, &change).await.assert_error(403, "form_refused");
    // Another request of the same browser has the same half, and its own token.
    let other = browser.open(&client.authorize_path()).await;
    other.assert_login();
    let at = other.form("login").get("transaction").to_owned();
    assert!(browser.open(&format!("/second-step?transaction={at}")).await.has("second-step"));
    let mixed = tokens.clone().with("transaction", &at).with("code", &app.shows(&server));
    browser.submit("/second-step", &mixed).await.assert_error(403, "form_refused");
    // Another browser has nothing of it, and the browser of before neither.
    let mut stranger = Browser::new(&server);
    stranger.open("/login").await;
    stranger.open(&page.path).await.assert_error(400, "browser_changed");
    let form = tokens.clone().with("code", &app.shows(&server));
    stranger.submit("/second-step", &form).await.assert_error(400, "browser_changed");
    assert_eq!(stranger.open("/second-step").await.path, "/login");
    let post = browser.form_post("/second-step").header("origin", "null").header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(post.form(form.pairs())).await.status, 403);
    for broken in [tokens.clone().without("code"), form.clone().and("code", "000000")] {
        browser.submit("/second-step", &broken).await.assert_error(400, "request_invalid");
    }
    assert_eq!((database.count("grants"), database.count("authorization_codes")), (0, 0));
    browser.submit("/second-step", &form).await.assert_consent();
    // Whoever is signed in has nothing to do here.
    browser.open(&page.path).await.assert_consent();
    assert_eq!(owner.open("/second-step").await.path, "/account");
}

async fn half_of_a_sign_in_ends_with_its_time_with_the_password_and_with_the_user(database: &Database) {
    let server = Server::start(database).await;
    let (mut owner, app, _) = with_app(&server, "ada").await;
    let (mut late, page) = first_step(&server, "ada").await;
    for _ in 0..2 {
        server.advance(300);
        late.open("/login").await;
    }
    assert_eq!(type_code(&mut late, &page, &app.shows(&server)).await.path, "/login");
    // Another password, set by its owner, ends what the old one began.
    let (mut half, page) = first_step(&server, "ada").await;
    let login = owner.open("/login").await;
    let asked = owner.sign_in(&login, "ada").await;
    let account = type_code(&mut owner, &asked, &app.shows(&server)).await;
    let password = owner.open(&account.resolved("password")).await;
    let form = Form::new([("old_password", PASSWORD), ("new_password", "another long password")]);
    let form = form.with("new_password_again", "another long password");
    let token =
        password.answer.body.split("name=\"csrf_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let changed = owner.submit("/password", &form.with("csrf_token", token.expect("a token"))).await;
    assert!(changed.has("done"), "{changed:?}");
    server.advance(30);
    assert_eq!(type_code(&mut half, &page, &app.shows(&server)).await.path, "/login");
    assert_eq!(database.count("second_steps"), 0);
    // And so does the operator who shuts somebody out.
    let login = half.open("/login").await;
    let page = half.sign_in_with(&login, "ada", "another long password").await;
    assert_eq!(page.path, "/second-step");
    let operator = Workplace::new(&Settings::default().toml(&database.url));
    assert!(operator.run(&["user", "disable", "ada"], &[]).status.success());
    assert_eq!(type_code(&mut half, &page, &app.shows(&server)).await.path, "/login");
}

async fn an_app_is_set_up_and_removed_by_its_owner_after_a_recent_sign_in_only(database: &Database) {
    let server = Server::start(database).await;
    let (mut browser, _) = first_step(&server, "ada").await;
    let page = browser.open(PATH).await;
    assert!(!page.has("remove") && page.answer.body.contains("data:image/svg+xml;base64,"), "{page:?}");
    let app = App::reads(&page);
    let form = page.form("set-up").with("code", &app.shows(&server));
    for wrong in ["", "000000", &app.shows_in(&server, 5)] {
        let refused = browser.submit(PATH, &form.clone().with("code", wrong)).await;
        assert!(refused.answer.status == 400, "{wrong}: {refused:?}");
    }
    let of_bob = first_step(&server, "bob").await.0.open(PATH).await.form("set-up").get("key").to_owned();
    for key in ["AAAA", &of_bob] {
        browser.submit(PATH, &form.clone().with("key", key)).await.assert_error(403, "form_refused");
    }
    for token in ["", "x", &form.get("csrf_token")[1..]] {
        browser.submit(PATH, &form.clone().with("csrf_token", token)).await.assert_error(403, "form_refused");
    }
    for change in ["", "everything"] {
        browser.submit(PATH, &form.clone().with("change", change)).await.assert_error(400, "request_invalid");
    }
    for change in ["remove", "new_codes"] {
        browser.submit(PATH, &form.clone().with("change", change)).await.assert_error(403, "form_refused");
    }
    assert_eq!(database.count("totp_secrets") + database.count("recovery_codes"), 0);
    assert!(browser.submit(PATH, &form).await.has("recovery-codes"));
    let page = browser.open(PATH).await;
    assert!(!page.answer.body.contains(&app.0[..4]), "what is kept is not shown again");
    let remove = page.form("remove");
    server.advance(600);
    assert_eq!(browser.open(PATH).await.path, "/login");
    assert_eq!(browser.submit(PATH, &remove).await.path, "/login");
    assert_eq!(database.count("totp_secrets"), 1);
    // To prove it once more takes both steps.
    let login = browser.open("/login").await;
    let asked = browser.sign_in(&login, "ada").await;
    assert_eq!(asked.path, "/second-step");
    assert_eq!(type_code(&mut browser, &asked, &app.shows(&server)).await.path, "/account");
    let page = browser.open(PATH).await;
    assert_eq!(browser.submit(&page.action("remove"), &page.form("remove")).await.path, "/account");
    assert_eq!(database.count("totp_secrets") + database.count("recovery_codes"), 0);
    assert_eq!(database.count("audit_events WHERE outcome = 'second_factor_removed' AND reason = 'totp'"), 1);
    assert_eq!(first_step(&server, "ada").await.1.path, "/account");
}

/// Whoever knows the password of somebody without an app is half-way as well, and must not put an app of their own in the place of
/// the owner's.
async fn an_app_that_was_set_up_meanwhile_is_asked_for_and_not_replaced(database: &Database) {
    let server = Server::start_with(database, required()).await;
    let (mut thief, of_thief) = first_step(&server, "ada").await;
    let (mut owner, of_owner) = first_step(&server, "ada").await;
    let set_up = |page: &Page| page.form("set-up").with("code", &App::reads(page).shows(&server));
    assert!(owner.submit("/second-step", &set_up(&of_owner)).await.has("recovery-codes"));
    thief.submit("/second-step", &set_up(&of_thief)).await;
    assert_nobody(&mut thief).await;
    server.advance(30);
    let (mut owner, page) = first_step(&server, "ada").await;
    assert_eq!(type_code(&mut owner, &page, &App::reads(&of_owner).shows(&server)).await.path, "/account");
    // At the same moment: one of them.
    let halves = [first_step(&server, "bob").await, first_step(&server, "bob").await];
    let mut posts = halves.map(|(browser, page)| (set_up(&page), browser));
    let pages = join_all(posts.iter_mut().map(|(form, browser)| browser.submit("/second-step", form))).await;
    assert_eq!(pages.iter().filter(|page| page.has("recovery-codes")).count(), 1);
}

async fn a_sign_in_at_a_provider_is_not_asked_for_more(database: &Database) {
    let rule = "allow.domains = [\"example.com\"]\n[login]\nsecond_factor = \"required\"";
    let (provider, server) = started(database, rule).await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let away = go_there(&mut browser, &login).await;
    assert_eq!(browser.open(&provider.answer(&away, "lin")).await.path, "/account");
}

async fn the_operator_takes_it_away_from_somebody_who_lost_it(database: &Database) {
    let server = Server::start(database).await;
    with_app(&server, "ada").await;
    let (mut half, page) = first_step(&server, "ada").await;
    let operator = Workplace::new(&Settings::default().toml(&database.url));
    let reset = |name: &str| {
        let said = operator.run(&["user", "reset-second-factor", name], &[]);
        (said.status.success(), String::from_utf8_lossy(&said.stdout).into_owned())
    };
    let listed = operator.run(&["user", "list"], &[]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout).matches("  second step").count(), 1);
    assert_eq!(reset("Ada"), (true, "reset the second factor of Ada, and signed them out of every browser\n".into()));
    assert_eq!(reset("ada"), (true, "ada has none\n".into()));
    assert!(!reset("nobody").0);
    assert_eq!(database.count("totp_secrets") + database.count("recovery_codes") + database.count("second_steps"), 0);
    assert_eq!(database.count("audit_events WHERE outcome = 'second_factor_removed' AND reason = 'operator'"), 1);
    assert_eq!(type_code(&mut half, &page, "000000").await.path, "/login");
    let login = half.open("/login").await;
    assert_eq!(half.sign_in(&login, "ada").await.path, "/account");
}

/// Another encryption key: codes cannot be judged, which is nobody's mistake but ours; recovery codes can.
async fn a_secret_that_nobody_can_decrypt_is_a_fault_of_the_server(database: &Database) {
    let server = Server::start(database).await;
    let (_, app, codes) = with_app(&server, "ada").await;
    database.execute("UPDATE totp_secrets SET sealed = zeroblob(48)");
    let (mut browser, page) = first_step(&server, "ada").await;
    for _ in 0..8 {
        let refused = type_code(&mut browser, &page, &app.shows(&server)).await;
        refused.assert_error(500, "server_error");
    }
    let form = page.form("recovery").with("recovery_code", &codes[0]);
    assert_eq!(browser.submit("/second-step", &form).await.path, "/account");
}
