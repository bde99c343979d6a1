//! What an administrator does to people in the browser: each thing changes what it says, and is written down with who did it.

use futures_util::future::join;
use gatelodge_e2e::mail_server::MailServer;
use gatelodge_service::clock::Clock;
use reqwest::Method;

use crate::support::administrator::{ADMINISTRATION, Administrator, operator, server, settings};
use crate::support::mcp_client::McpClient;
use crate::support::seed::Seeder;
use crate::support::{Answer, Browser, Database, PASSWORD, Page, Server, Settings, on_both_databases};

on_both_databases! {
    each_change_changes_what_it_says_and_is_written_down,
    the_last_administrator_stays,
    of_two_who_shut_each_other_out_one_does,
    people_are_found_and_listed_in_pages,
    what_was_allowed_is_listed_in_pages_and_ended_one_by_one,
    nobody_takes_the_place_of_somebody_else_by_a_name,
    what_is_misspelt_or_tampered_with_is_refused,
    nobody_gets_a_link_for_a_password_where_there_are_none,
}

/// The page of somebody, found as an administrator finds it.
async fn page_of(administrator: &mut Administrator<'_>, name: &str) -> Page {
    let found = administrator.open(&format!("/users?search={name}")).await;
    let query = found.answer.body.split("href=\"user?").nth(1).and_then(|rest| rest.split('"').next());
    let query = query.unwrap_or_else(|| panic!("no {name}: {found:?}")).to_owned();
    administrator.open(&format!("/user?{query}")).await
}

/// Whether the trail says that bob, by name of his account alone, did this to ada.
fn is_written(database: &Database, outcome: &str) -> bool {
    let id = |name: &str| format!("(SELECT id FROM users WHERE username = '{name}')");
    let event = format!("outcome = '{outcome}' AND reason = 'operator' AND subject = {}", id("ada"));
    database.count(&format!("audit_events WHERE {event} AND actor = {} AND source IS NOT NULL", id("bob"))) == 1
}

/// Proves RFC 7009 §2: whatever acts for somebody ends when an administrator says so, and the trail says who that was.
async fn each_change_changes_what_it_says_and_is_written_down(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    let ada = page_of(&mut bob, "ada").await;
    assert!(ada.text_of("id").starts_with("user_") && ada.answer.body.contains("Test Client"), "{ada:?}");
    for impossible in ["enable", "unmake_administrator", "reset_second_factor"] {
        assert!(!ada.has(impossible), "{impossible}: {ada:?}");
    }

    let after = bob.submit("/user", &ada.form("revoke_all")).await;
    assert!(after.path.starts_with("/user?id=") && !after.has("revoke_all"), "{after:?}");
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    assert!(is_written(database, "all_revoked"));

    bob.submit("/user", &ada.form("sign_out")).await;
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
    assert!(is_written(database, "signed_out"));

    let made = bob.submit("/user", &ada.form("password_link")).await;
    let link = made.text_of("link");
    assert!(is_written(database, "password_link_made"));
    assert!(!bob.open(&ada.path).await.answer.body.contains("gatelodge_reset_"), "it is shown once");
    let mut browser = Browser::new(&server);
    let path = link.strip_prefix(server.issuer).expect("a link of the public pages");
    assert_eq!(browser.open(path).await.text_of("account"), "ada");

    let hash = if database.is_sqlite() { "x'01'" } else { "'\\x01'" };
    let owner = "(SELECT id FROM users WHERE username = 'ada')";
    database.execute(&format!("INSERT INTO recovery_codes (hash, user_id) VALUES ({hash}, {owner})"));
    let with_codes = bob.open(&ada.path).await;
    let reset = bob.submit("/user", &with_codes.form("reset_second_factor")).await;
    assert!(!reset.has("reset_second_factor") && is_written(database, "second_factor_removed"), "{reset:?}");
    assert_eq!(database.count("recovery_codes"), 0);

    let made = bob.submit("/user", &ada.form("make_administrator")).await;
    assert!(made.has("unmake_administrator") && is_written(database, "administrator_made"));
    bob.submit("/user", &made.form("unmake_administrator")).await;
    assert_eq!(database.count("users WHERE is_admin"), 1);
    assert!(is_written(database, "administrator_unmade"));

    let disabled = bob.submit("/user", &ada.form("disable")).await;
    assert!(disabled.has("enable") && !disabled.has("password_link") && is_written(database, "account_disabled"));
    browser.open(path).await.assert_error(400, "password_link_ended");
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in(&login, "ada").await.answer.status, 401);
    let refused = bob.submit("/user", &ada.form("password_link")).await;
    assert!(refused.answer.status == 409 && refused.has("problem") && !refused.has("link"), "{refused:?}");
    bob.submit("/user", &disabled.form("enable")).await;
    assert!(is_written(database, "account_enabled"));
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in_with(&login, "ada", PASSWORD).await.path, "/account");

    let wrong = bob.submit("/user", &ada.form("remove").with("name", "bob")).await;
    assert!(wrong.answer.status == 400 && wrong.has("problem"), "{wrong:?}");
    assert_eq!(bob.submit("/user", &ada.form("remove").with("name", " Ada ")).await.path, "/users");
    assert_eq!(database.count("users WHERE username = 'ada'"), 0);
    assert_eq!(database.count("audit_events WHERE outcome = 'account_deleted' AND actor LIKE 'user_%'"), 1);
    bob.open(&ada.path).await.assert_error(404, "not_found");
    bob.submit("/user", &ada.form("disable")).await.assert_error(404, "not_found");

    // The same by command says that it was one.
    for arguments in [["user", "enable", "carol"], ["user", "disable", "carol"], ["user", "set-admin", "carol"]] {
        assert!(operator.run(&arguments, &[]).status.success());
    }
    assert!(operator.run(&["user", "reset-password", "carol", "--link"], &[]).status.success());
    assert!(operator.run(&["user", "remove", "carol"], &[]).status.success());
    let listed = operator.run(&["audit", "list", "--actor", "command", "--outcome", "account_disabled"], &[]);
    let listed = String::from_utf8(listed.stdout).expect("text");
    assert!(listed.lines().count() == 1 && listed.trim_end().ends_with("by command"), "{listed}");
    let by_command = "account_disabled,account_enabled,administrator_made,password_link_made,account_deleted";
    for outcome in by_command.split(',') {
        let event = format!("audit_events WHERE outcome = '{outcome}' AND actor = 'command' AND source IS NULL");
        assert_eq!(database.count(&event), if outcome == "administrator_made" { 2 } else { 1 }, "{outcome}");
    }
}

/// Proves RFC 9700 §2.1: an administrator cannot leave the server to nobody.
async fn the_last_administrator_stays(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    // Whoever is shut out administers nothing.
    database.execute("UPDATE users SET is_admin = TRUE WHERE username = 'carol'");
    let own = page_of(&mut bob, "bob").await;
    let form = page_of(&mut bob, "ada").await.form("remove").with("id", &own.text_of("id")).with("name", "bob");
    for action in ["unmake_administrator", "disable", "remove"] {
        assert!(!own.has(action), "{own:?}");
        let refused = bob.submit("/user", &form.clone().with("do", action)).await;
        assert!(refused.answer.status == 409 && refused.has("problem"), "{action}: {refused:?}");
    }
    assert_eq!(database.count("users WHERE username = 'bob' AND is_admin AND disabled_at IS NULL"), 1);
    assert_eq!(database.count("audit_events WHERE actor LIKE 'user_%'"), 0);
    // With another one they may go, and are out.
    let ada = page_of(&mut bob, "ada").await.form("make_administrator");
    bob.submit("/user", &ada).await;
    bob.submit("/user", &form).await.assert_error(403, "not_let_in");
    assert_eq!(database.count("users WHERE username = 'bob'"), 0);
}

/// Proves RFC 9700 §2.1: also when two do it at the same time.
async fn of_two_who_shut_each_other_out_one_does(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let mut ada = Administrator::let_in(&server, &operator, "ada").await;
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    let to_bob = page_of(&mut ada, "bob").await.form("disable");
    let to_ada = page_of(&mut bob, "ada").await.form("disable");
    let (one, other) = join(Answer::of(ada.post("/user", &to_bob)), Answer::of(bob.post("/user", &to_ada))).await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 403], "{one:?} {other:?}");
    assert_eq!(database.count("users WHERE is_admin AND disabled_at IS NULL"), 1);
    assert_eq!(database.count("audit_events WHERE outcome = 'account_disabled'"), 1);
}

/// The names on a page of people.
fn names(page: &Page) -> Vec<String> {
    let entries = page.answer.body.split("href=\"user?").skip(1);
    let name = |entry: &str| entry.split("<bdi>").nth(1).and_then(|rest| rest.split('<').next()).map(str::to_owned);
    entries.filter_map(name).collect()
}

/// Proves RFC 9110 §9.2.1: looking changes nothing, whoever comes meanwhile is on no page twice.
async fn people_are_found_and_listed_in_pages(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    for number in 10..71 {
        let row = format!("('user_many{number}', 'many_{number}', NULL, 1, NULL, FALSE)");
        database.execute(&format!(
            "INSERT INTO users (id, username, password_hash, created_at, disabled_at, is_admin) VALUES {row}"
        ));
    }
    let first = bob.open("/users").await;
    assert_eq!(names(&first)[..4], ["ada", "bob", "carol", "many_10"]);
    assert_eq!(names(&first).len(), 50);
    let second = bob.open(&format!("/{}", first.link("next"))).await;
    assert_eq!((names(&second).first().map(String::as_str), names(&second).len()), (Some("many_57"), 14));
    assert!(!second.has("next"), "{second:?}");
    let found = bob.open("/users?search=Many_1").await;
    assert_eq!((names(&found).len(), names(&found)[0].as_str()), (10, "many_10"));
    let all = bob.open("/users?search=many").await;
    let rest = bob.open(&format!("/{}", all.link("next"))).await;
    assert_eq!((names(&all).len(), names(&rest).len()), (50, 11));
    // What stands for anything elsewhere stands for itself here.
    for nothing in ["many%25", "%25", "m_ny", "%5C", "any_1"] {
        assert_eq!(names(&bob.open(&format!("/users?search={nothing}")).await), Vec::<String>::new(), "{nothing}");
    }
    assert!(operator.run(&["user", "email", "many_33", "thirty-three@example.com"], &[]).status.success());
    let found = bob.open("/users?search=Thirty-Three%40example.com").await;
    assert!(names(&found) == ["many_33"] && found.answer.body.contains("thirty-three@example.com"), "{found:?}");
}

/// Proves RFC 7009 §2: of what many people allowed an administrator ends one.
async fn what_was_allowed_is_listed_in_pages_and_ended_one_by_one(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    Seeder::new(database).await.refresh_tokens(60).await;
    let shown = |page: &Page| page.answer.body.matches("name=\"grant\"").count();
    let first = bob.open("/grants").await;
    let second = bob.open(&format!("/{}", first.link("next"))).await;
    assert_eq!((shown(&first), shown(&second), second.has("next")), (50, 11, false));
    let of_ada = bob.open("/grants?user=Ada").await;
    assert_eq!((shown(&of_ada), of_ada.has("next")), (1, false), "{of_ada:?}");
    assert_eq!(shown(&bob.open(&format!("/grants?client={}", client.id)).await), 1);
    assert_eq!(shown(&bob.open(&format!("/grants?user=bob&client={}", client.id)).await), 0);
    assert_eq!(shown(&bob.open("/grants?user=nobody").await), 0);

    let form = page_of(&mut bob, "ada").await.form("sign-out");
    let field = |name: &str| {
        let value = of_ada.answer.body.split(&format!("name=\"{name}\" value=\"")).nth(1);
        value.and_then(|rest| rest.split('"').next()).expect("a field").to_owned()
    };
    let form = form.with("grant", &field("grant")).with("back", "users");
    let after = bob.submit("/grants", &form).await;
    assert!(after.path.starts_with("/user?id=user_"), "{after:?}");
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    assert!(is_written(database, "revoked"));
    bob.submit("/grants", &form).await;
    assert!(is_written(database, "revoked"), "what has ended ends no second time");
    bob.submit("/grants", &form.clone().with("grant", "grant_x")).await.assert_error(404, "not_found");
    assert_eq!(bob.submit("/grants", &form.with("back", "https://evil.example/")).await.path, "/grants");
}

/// Proves RFC 9110 §15.5.1: what cannot be meant is refused, and never read as something wider.
async fn what_is_misspelt_or_tampered_with_is_refused(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    let id = page_of(&mut bob, "ada").await.text_of("id");
    for path in [
        "/overview?x=1".to_owned(),
        "/users?serach=ada".into(),
        "/users?search=a&search=b".into(),
        "/users?after=%00".into(),
        "/users?after=Ada".into(),
        "/users?after=a'--".into(),
        "/users?search=%ff".into(),
        format!("/user?id={id}&x=1"),
        "/user".into(),
        "/user?id=".into(),
        "/grants?usr=ada".into(),
        "/grants?after=1".into(),
        "/grants?after=1.user_x".into(),
        "/grants?after=-1.grant_x".into(),
        "/grants?after=1.grant_x'--".into(),
        "/grants?after=99999999999999999999.grant_x".into(),
    ] {
        bob.open(&path).await.assert_error(400, "request_invalid");
    }
    for path in ["/user?id=user_nobody", "/user?id=%27--"] {
        bob.open(path).await.assert_error(404, "not_found");
    }
    let form = page_of(&mut bob, "ada").await.form("disable");
    for bad in [form.clone().with("do", "destroy"), form.clone().without("do"), form.clone().without("id")] {
        bob.submit("/user", &bad).await.assert_error(400, "request_invalid");
    }
    let in_the_url = bob.post(&format!("/user?id={id}"), &form);
    assert_eq!(Answer::of(in_the_url).await.status, 400);
    let json = bob.request(Method::POST, "/user").header("content-type", "application/json").body("{}");
    assert_eq!(Answer::of(json).await.status, 400);
    assert_eq!(database.count("users WHERE username = 'ada' AND disabled_at IS NULL"), 1);
}

/// Proves RFC 9700 §2.1: what would open a way in that is closed is not made.
async fn nobody_gets_a_link_for_a_password_where_there_are_none(database: &Database) {
    let mail = MailServer::start();
    let more = format!("{ADMINISTRATION}\n{}", mail.toml("[login]\nmethods = [\"email_code\"]")).leak();
    let clock = Clock::manual(Clock::system().now());
    let server = Server::start_at(database, Settings { more, ..settings() }, clock).await;
    let mut bob = Administrator::let_in(&server, &operator(database), "bob").await;
    let ada = page_of(&mut bob, "ada").await;
    assert!(!ada.has("password_link") && ada.has("disable"), "{ada:?}");
    let form = ada.form("disable").with("do", "password_link");
    bob.submit("/user", &form).await.assert_error(400, "request_invalid");
    assert_eq!(database.count("password_links"), 0);
}

/// Proves OpenID Connect Core 1.0 §5.7: people may be called as they like at a provider; lists show whose page they were opened from.
async fn nobody_takes_the_place_of_somebody_else_by_a_name(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let client = McpClient::register(&server).await;
    client.connect().await;
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    let ada = page_of(&mut bob, "ada").await.text_of("id");
    let number = ada.strip_prefix("user_").expect("an identifier").to_ascii_lowercase();
    database.execute(&format!(
        "INSERT INTO users (id, username, created_at, is_admin) VALUES ('user_1', 'user_{number}', 0, FALSE)"
    ));
    for list in ["grants", "audit"] {
        let of_ada = bob.open(&format!("/{list}?user={ada}")).await;
        assert!(of_ada.answer.body.contains(&client.id), "{of_ada:?}");
        let of_other = bob.open(&format!("/{list}?user=user_{number}")).await;
        assert!(!of_other.answer.body.contains(&client.id), "{of_other:?}");
    }
}
