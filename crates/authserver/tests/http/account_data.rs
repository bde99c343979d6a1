//! What belongs to a person: the file with everything that is stored about them, and the end of their account.

use futures_util::future::join_all;
use serde_json::Value;

use crate::support::binary::Workplace;
use crate::support::{
    Browser, Database, Form, McpClient, PASSWORD, Page, RESOURCE, Server, Settings, on_any_database, on_both_databases,
};

on_both_databases! {
    a_person_takes_away_what_is_stored_and_no_secret,
    whoever_deletes_their_account_has_nothing_any_more,
    of_two_administrators_who_leave_at_once_one_stays,
}

on_any_database! {
    nothing_is_given_out_or_deleted_without_a_recent_sign_in_and_our_own_form,
    the_operator_can_keep_people_from_deleting_their_account,
}

async fn signed_in<'s>(server: &'s Server, username: &str) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let page = browser.sign_in(&login, username).await;
    assert_eq!(page.path, "/account");
    (browser, page)
}

async fn a_person_takes_away_what_is_stored_and_no_secret(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    client.refreshed(&tokens.refresh_token).await;
    signed_in(&server, "bob").await;
    let (mut browser, page) = signed_in(&server, "ada").await;
    let answer = browser.submit_without_following(&page.action("export"), &page.form("export")).await;
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"account.json\""));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let data = answer.json();
    assert_eq!((&data["account"]["username"], &data["account"]["has_password"]), (&"ada".into(), &true.into()));
    assert_eq!((&data["grants"][0]["resource"], &data["grants"][0]["scope"]), (&RESOURCE.into(), &"mcp:use".into()));
    assert_eq!(data["browser_sessions"].as_array().map(Vec::len), Some(2));
    let outcomes: Vec<&str> = data["activity"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| event["outcome"].as_str().expect("a text"))
        .collect();
    assert_eq!(outcomes, ["signed_in", "granted", "signed_in"]);
    for secret in ["gatelodge_", "$argon2", "hash", "bob", PASSWORD, browser.session().1] {
        assert!(!answer.body.contains(secret), "{secret}: {}", answer.body);
    }
    let operator = Workplace::new(&Settings::default().toml(&database.url));
    let said = operator.run(&["user", "export", "ADA"], &[]);
    let said: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!((&said["account"], &said["grants"]), (&data["account"], &data["grants"]));
    assert!(!operator.run(&["user", "export", "nobody"], &[]).status.success());
}

async fn whoever_deletes_their_account_has_nothing_any_more(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let (tokens, code) = (client.connect().await, client.code().await);
    let (mut elsewhere, _) = signed_in(&server, "ada").await;
    let (mut browser, page) = signed_in(&server, "ada").await;
    let page = browser.open(&page.resolved(&page.link("delete-account"))).await;
    for wrong in ["", "bob", "ad"] {
        let refused = browser.submit("/account/delete", &page.form("delete").with("username", wrong)).await;
        assert!(refused.answer.status == 400 && refused.has("problem"), "{wrong}: {refused:?}");
    }
    assert_eq!(database.count("users WHERE username = 'ada'"), 1);
    let form = page.form("delete").with("username", "Ada ");
    let done = browser.submit("/account/delete", &form).await;
    assert!(done.answer.status == 200 && done.has("done"), "{done:?}");
    assert_eq!(database.count("users WHERE username = 'ada'"), 0);
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    assert_eq!(client.exchange(&code).await.error(), "invalid_grant");
    for browser in [&mut browser, &mut elsewhere] {
        assert_eq!(browser.open("/account").await.path, "/login");
    }
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
    // Resource servers go on hearing that her tokens ended, and the trail names nobody.
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL AND user_id IS NULL"), 2);
    assert_eq!(database.count("audit_events WHERE outcome = 'account_deleted' AND subject LIKE 'user_%'"), 1);
    browser.submit("/account/delete", &form).await.assert_error(403, "form_refused");
}

async fn of_two_administrators_who_leave_at_once_one_stays(database: &Database) {
    let server = Server::start(database).await;
    // One who is shut out administers nothing.
    database.execute("UPDATE users SET is_admin = (username <> 'nobody')");
    let mut leaving = Vec::new();
    for username in ["ada", "bob"] {
        let (mut browser, _) = signed_in(&server, username).await;
        let form = browser.open("/account/delete").await.form("delete").with("username", username);
        leaving.push((browser, form));
    }
    let all = leaving.iter_mut().map(|(browser, form)| browser.submit("/account/delete", form));
    let mut statuses: Vec<u16> = join_all(all).await.iter().map(|page| page.answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(database.count("users WHERE is_admin AND disabled_at IS NULL"), 1);
}

async fn nothing_is_given_out_or_deleted_without_a_recent_sign_in_and_our_own_form(database: &Database) {
    let server = Server::start(database).await;
    let (mut browser, page) = signed_in(&server, "ada").await;
    let token = page.form("export").get("csrf_token").to_owned();
    let (_, of_stranger) = signed_in(&server, "bob").await;
    let of_stranger = of_stranger.form("export").get("csrf_token").to_owned();
    for path in ["/account/export", "/account/delete"] {
        let form = Form::new([("csrf_token", token.as_str()), ("username", "ada")]);
        for wrong in ["", "x", &token[1..], &of_stranger] {
            browser.submit(path, &form.clone().with("csrf_token", wrong)).await.assert_error(403, "form_refused");
        }
        for (origin, site) in [("null", "cross-site"), ("https://evil.example", "same-origin")] {
            let post = browser.form_post(path).header("origin", origin).header("sec-fetch-site", site);
            assert_eq!(browser.send(post.form(form.pairs())).await.status, 403);
        }
    }
    assert_eq!(browser.open("/account/export").await.answer.status, 405);
    server.advance(600);
    assert_eq!(browser.open("/account/delete").await.path, "/login");
    for path in ["/account/export", "/account/delete"] {
        let form = Form::new([("csrf_token", token.as_str()), ("username", "ada")]);
        assert_eq!(browser.submit(path, &form).await.path, "/login");
    }
    assert_eq!(database.count("users WHERE username = 'ada'"), 1);
    assert_eq!(Browser::new(&server).open("/account/delete").await.path, "/login");
}

async fn the_operator_can_keep_people_from_deleting_their_account(database: &Database) {
    let more = "[account]\ndeletion = false\n";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let (mut browser, page) = signed_in(&server, "ada").await;
    assert!(!page.has("delete-account") && page.has("export"));
    assert_eq!(browser.open("/account/delete").await.answer.status, 404);
    let form = page.form("export").with("username", "ada");
    assert_eq!(browser.submit("/account/delete", &form).await.answer.status, 404);
    assert_eq!(database.count("users WHERE username = 'ada'"), 1);
}
