//! The audit trail of this server itself, and the page on which people see what happened to their access.

use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{PoolOptions, Store, audit_events};

use crate::support::binary::Workplace;
use crate::support::{
    Browser, Database, Form, ISSUER, McpClient, RESOURCE, Server, Settings, on_any_database, on_both_databases,
};

on_both_databases! {
    whatever_happens_to_the_access_of_a_person_is_kept_with_time_and_network,
    people_see_what_is_theirs_in_pages,
}

on_any_database! {
    what_did_not_happen_is_not_kept,
}

async fn signed_in<'s>(server: &'s Server, username: &str) -> Browser<'s> {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in(&login, username).await.path, "/account");
    browser
}

/// A failed sign-in is written while nobody waits for it.
async fn until(database: &Database, of: &str, number: i64) {
    for _ in 0..500 {
        if database.count(of) == number {
            return;
        }
        actix_web::rt::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("there are {} {of}", database.count(of));
}

async fn whatever_happens_to_the_access_of_a_person_is_kept_with_time_and_network(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in_with(&login, "ada", "wrong").await.answer.status, 401);
    assert_eq!(browser.sign_in_with(&login, "nobody", "wrong").await.answer.status, 401);
    until(database, "audit_events WHERE outcome = 'sign_in_failed'", 1).await;
    assert_eq!(browser.sign_in(&login, "ada").await.path, "/account");
    let page = browser.open("/account/tokens").await;
    let form = page.form("token-1").without("scope").and("scope", "mcp:use").with("name", "laptop");
    assert!(browser.submit("/account/tokens", &form.with("lifetime", "1d")).await.has("token"));
    let mut elsewhere = signed_in(&server, "ada").await;
    let left = elsewhere.open("/account").await;
    elsewhere.submit("/logout", &left.form("sign-out")).await.assert_login();
    signed_in(&server, "ada").await;
    let token = page.form("token-1").get("csrf_token").to_owned();
    browser.submit("/account", &Form::new([("csrf_token", &token), ("end", "other_sessions")])).await;
    browser.submit("/account", &Form::new([("csrf_token", &token), ("end", "apps")])).await;
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    let again = client.connect().await;
    let form = client.refresh_request(&again.refresh_token).without("grant_type").without("refresh_token");
    let revoked = server.post("/revoke", &form.with("token", &again.refresh_token)).await;
    assert_eq!(revoked.status, 200);
    for (what, number) in [
        ("outcome = 'signed_in' AND reason = 'password'", 5),
        ("outcome = 'sign_in_failed'", 1),
        ("outcome = 'granted' AND client_id LIKE 'client%' AND held = 'mcp:use'", 2),
        ("outcome = 'token_made' AND mcp_name = 'laptop'", 1),
        ("outcome = 'signed_out' AND reason = 'everywhere'", 2),
        ("outcome = 'signed_out' AND reason = 'here'", 1),
        ("outcome = 'revoked' AND reason = 'owner'", 1),
        ("outcome = 'revoked' AND reason = 'client'", 1),
    ] {
        assert_eq!(database.count(&format!("audit_events WHERE {what}")), number, "{what}");
    }
    let whole = "source = '127.0.0.0/24' AND at >= 1800000000 AND request_id IS NOT NULL";
    let bare = format!("audit_events WHERE NOT ({whole}) AND COALESCE(reason, '') <> 'client'");
    assert_eq!(database.count(&bare), 0);
    assert_eq!(database.count(&format!("audit_events WHERE issuer <> '{ISSUER}' OR subject NOT LIKE 'user_%'")), 0);
    let page = browser.open("/account/activity").await;
    for shown in [
        "You signed in.",
        "You signed out.",
        "with all others but the one",
        "with a wrong password",
        "A personal token was made",
        "laptop",
        "By you.",
        "By the app itself.",
        "127.0.0.0/24",
        "Acme MCP",
    ] {
        assert!(page.answer.body.contains(shown), "{shown}");
    }
}

async fn what_did_not_happen_is_not_kept(database: &Database) {
    let server = Server::start(database).await;
    let mut browser = signed_in(&server, "ada").await;
    let kept = database.count("audit_events");
    let page = browser.open("/account").await;
    let token = page.form("sign-out").get("csrf_token").to_owned();
    for what in ["apps", "other_sessions"] {
        browser.submit("/account", &Form::new([("csrf_token", &token), ("end", what)])).await;
        browser.submit("/account", &Form::new([("csrf_token", "x"), ("end", what)])).await;
    }
    let client = McpClient::register(&server).await;
    let consent = browser.open(&client.authorize_path()).await;
    browser.deny(&consent).await;
    assert_eq!(
        database.count("audit_events WHERE outcome = 'denied' AND needed = 'mcp:use' AND source IS NOT NULL"),
        1
    );
    assert!(browser.open("/account/activity").await.answer.body.contains("You denied"));
    assert_eq!(database.count("audit_events"), kept + 1);
    let operator = Workplace::new(&Settings::default().toml(&database.url));
    let tokens = client.connect().await;
    assert!(!tokens.refresh_token.is_empty());
    let listed = operator.run(&["grant", "list", "--json"], &[]);
    let grants: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    for _ in 0..2 {
        operator.run(&["grant", "revoke", grants[0]["id"].as_str().expect("an id")], &[]);
    }
    assert_eq!(database.count("audit_events WHERE outcome = 'revoked' AND reason = 'operator'"), 1);
}

async fn people_see_what_is_theirs_in_pages(database: &Database) {
    let server = Server::start(database).await;
    let mut ada = signed_in(&server, "ada").await;
    let mut bob = signed_in(&server, "bob").await;
    let store = Store::open(&database.url.parse().expect("a URL"), PoolOptions::command()).await.expect("it opens");
    let subject = store
        .read(|tx| gatelodge_store::users::find_by_username(tx, "ada"))
        .await
        .expect("it can be read")
        .expect("she is there")
        .id;
    let call = |number: i64, issuer: &str| AuditEvent {
        issuer: Some(issuer.to_owned()),
        subject: Some(subject.to_string()),
        client_id: Some("personal_token".to_owned()),
        resource: Some(RESOURCE.to_owned()),
        mcp_method: Some("tools/call".to_owned()),
        mcp_name: Some(format!("tool_{number:03}")),
        ..AuditEvent::new(
            format!("{number:03}-{}", issuer.len()),
            Timestamp::from_unix(1_700_000_000 + number),
            "forwarded",
        )
    };
    let mut calls: Vec<AuditEvent> = (0..120).map(|number| call(number, ISSUER)).collect();
    calls.push(call(500, "https://other.example"));
    store.write(move |tx| audit_events::insert(tx, &calls)).await.expect("they are kept");
    let mut path = "/account/activity".to_owned();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = ada.open(&path).await;
        let tools = page.answer.body.split("tool_").skip(1).filter_map(|rest| rest.get(..3)).map(str::to_owned);
        seen.extend(tools);
        if page.has("older") {
            path = page.resolved(&page.link("older"));
        }
    }
    let expected: Vec<String> = (0..120).rev().map(|number| format!("{number:03}")).collect();
    assert_eq!(seen, expected, "each once, the newest first, and none of another issuer");
    // The place of one person in the trail is no place for another.
    let of_bob = bob.open(&path).await;
    assert!(!of_bob.answer.body.contains("tool_") && of_bob.answer.body.contains("You signed in."));
    assert_eq!(Browser::new(&server).open(&path).await.path, "/login");
    for strange in ["", "x", "as-0", "%00"] {
        let page = ada.open(&format!("/account/activity?before={strange}")).await;
        assert!([200, 400].contains(&page.answer.status), "{page:?}");
    }
}
