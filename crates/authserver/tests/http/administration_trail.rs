//! What administrators look up in the browser: what happened, and how far connections came. Both are found by what is known of them, and
//! read in pages, each thing once.

use crate::support::administrator::{Administrator, operator, server};
use crate::support::mcp_client::McpClient;
use crate::support::{Browser, Database, Page, Server, on_both_databases};

on_both_databases! {
    what_happened_is_found_by_person_client_kind_time_and_request,
    connections_are_found_by_person_client_and_state_and_shown_step_by_step,
    both_are_read_in_pages_and_each_thing_once,
    what_is_misspelt_or_tampered_with_is_refused,
}

/// What stands in the heading of each entry.
fn entries(page: &Page) -> Vec<String> {
    assert_eq!(page.answer.status, 200, "{page:?}");
    let entries = page.answer.body.split("<section class=\"entry\">").skip(1);
    let heading = |entry: &str| {
        let heading = entry.split("<h2>").nth(1).and_then(|rest| rest.split("</h2>").next()).expect("a heading");
        heading.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect::<String>()
    };
    entries.map(heading).collect()
}

fn first_link(page: &Page, to: &str) -> String {
    let query = page.answer.body.split(&format!("href=\"{to}?")).nth(1).and_then(|rest| rest.split('"').next());
    format!("/{to}?{}", query.unwrap_or_else(|| panic!("no {to}: {page:?}")).replace("&amp;", "&"))
}

/// Proves NIST SP 800-92 §4.2: whoever looks for what happened finds it by any of what is known of it.
async fn what_happened_is_found_by_person_client_kind_time_and_request(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let (client, other) = (McpClient::register(&server).await, McpClient::register(&server).await);
    client.connect().await;
    other.connect().await;
    server.advance(120);
    let mut late = Browser::new(&server);
    let login = late.open("/login").await;
    assert_eq!(late.sign_in(&login, "bob").await.path, "/account");
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;

    assert_eq!(entries(&bob.open("/audit?user=ada").await), ["granted", "signed_in", "granted", "signed_in"]);
    let granted = bob.open(&format!("/audit?user=ADA&client={}&outcome=granted", client.id)).await;
    assert_eq!(entries(&granted), ["granted"]);
    for kept in [client.id.as_str(), "127.0.0.0/24", "request_id", "mcp:use"] {
        assert!(granted.answer.body.contains(kept), "{kept}: {granted:?}");
    }
    assert!(bob.open(&first_link(&granted, "user")).await.text_of("id").starts_with("user_"));
    let request_id = granted.answer.body.split("<code>request_id</code>").nth(1).and_then(|rest| {
        let value = rest.split("<bdi>").nth(1)?;
        value.split('<').next()
    });
    let by_request = bob.open(&format!("/audit?request={}", request_id.expect("an id"))).await;
    assert_eq!(entries(&by_request), ["granted"]);
    let between = time_of(server.clock.now().as_unix() - 60).replace(':', "%3A");
    assert!(entries(&bob.open(&format!("/audit?user=ada&since={between}")).await).is_empty());
    assert_eq!(entries(&bob.open(&format!("/audit?user=ada&until={between}")).await).len(), 4);
    assert_eq!(entries(&bob.open(&format!("/audit?user=bob&outcome=signed_in&since={between}")).await), ["signed_in"]);
    // Somebody of that name elsewhere is somebody else.
    let id = "(SELECT id FROM users WHERE username = 'ada')";
    database.execute(&format!(
        "INSERT INTO audit_events (id, at, outcome, issuer, subject) SELECT 'x', 1, 'forwarded', 'https://other.example', {id}"
    ));
    assert_eq!(entries(&bob.open("/audit?user=ada").await).len(), 4);
    let nobody = bob.open("/audit?user=nobody").await;
    assert!(entries(&nobody).is_empty() && nobody.answer.body.contains("Nobody"), "{nobody:?}");
}

/// As the field of a form has it.
fn time_of(unix: i64) -> String {
    let time = time::OffsetDateTime::from_unix_timestamp(unix).expect("a time");
    let (hour, minute, second) = time.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}", time.date())
}

/// Steps as they were recorded some hours ago: nobody is waited for any more, and what strangers did is still kept.
fn recorded(database: &Database, server: &Server, number: i64) {
    let then = server.clock.now().as_unix() - 7_200;
    for attempt in 0..number {
        for (order, step) in ["asked", "sign_in_failed"].into_iter().enumerate() {
            database.execute(&format!(
                "INSERT INTO connection_steps (id, connection, at, step, client_id, source) \
                 VALUES ('s-{attempt:04}-{order}', 'attempt-{attempt:04}', {}, '{step}', 'robot', '198.51.100.0/24')",
                then + attempt
            ));
        }
    }
}

/// Proves RFC 6749 §4.1: an operator can follow each step of a flow.
async fn connections_are_found_by_person_client_and_state_and_shown_step_by_step(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let client = McpClient::register(&server).await;
    client.connect().await;
    recorded(database, &server, 2);
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    // What was noted is written behind the back of the requests.
    while database.count("connection_steps WHERE step = 'token_issued'") == 0 {
        actix_web::rt::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let all = bob.open("/connections").await;
    assert_eq!(entries(&all), ["Test Client", "robot", "robot"]);
    assert_eq!(entries(&bob.open("/connections?user=ada").await), ["Test Client"]);
    assert_eq!(entries(&bob.open("/connections?client=robot").await), ["robot", "robot"]);
    assert_eq!(entries(&bob.open("/connections?state=stopped").await), ["robot", "robot"]);
    assert!(entries(&bob.open("/connections?state=stopped&user=ada").await).is_empty());

    let stopped = bob.open("/connections?state=stopped").await;
    let one = bob.open(&first_link(&stopped, "connection")).await;
    for shown in ["Authorization asked for", "Sign-in failed", "198.51.100.0/24", "gatelodge user reset-password"] {
        assert!(one.answer.body.contains(shown), "{shown}: {one:?}");
    }
    assert_eq!((one.text_of("state"), one.text_of("summary")), ("Stopped".into(), "could not sign in".into()));
    assert!(one.text_of("cause").contains("wrong once"), "{one:?}");
    let connected = bob.open(&first_link(&all, "connection")).await;
    assert!(connected.answer.body.contains("Token issued") && connected.answer.body.contains("ada"), "{connected:?}");
    assert_eq!(bob.open("/connection?id=nothing").await.answer.status, 404);
}

/// Proves NIST SP 800-92 §4.2: nothing is missed by whoever reads on, and nothing is read twice.
async fn both_are_read_in_pages_and_each_thing_once(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    recorded(database, &server, 120);
    for event in 0..120 {
        let at = 1_700_000_000 + event / 7;
        database.execute(&format!(
            "INSERT INTO audit_events (id, at, outcome, client_id) VALUES ('e-{event:04}', {at}, 'refused', 'robot')"
        ));
    }
    for (mut path, mark) in [
        ("/audit?client=robot".to_owned(), "<code>id</code></dt> <dd><bdi>"),
        ("/connections?client=robot&state=stopped".to_owned(), "<a href=\"connection?id="),
    ] {
        let (mut seen, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let page = bob.open(&path).await;
            assert_eq!(page.answer.status, 200, "{page:?}");
            let ids = page.answer.body.split(mark).skip(1).filter_map(|rest| rest.split(['<', '"']).next());
            let before = seen.len();
            seen.extend(ids.map(str::to_owned));
            sizes.push(seen.len() - before);
            if !page.has("next") {
                break;
            }
            path = page.resolved(&page.link("next"));
            // What comes meanwhile moves nothing.
            let new = sizes.len();
            database.execute(&format!(
                "INSERT INTO audit_events (id, at, outcome, client_id) VALUES ('n-{new}-{}', 1800000000, 'refused', 'robot')",
                mark.len()
            ));
        }
        assert_eq!(sizes[..2], [50, 50], "{sizes:?}");
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!((seen.len(), once.len()), (120, 120));
        assert!(seen.is_sorted_by(|one, next| one > next), "the newest first");
    }
}

/// Proves RFC 6749 §10.14: what somebody else wrote is text, and what cannot be asked for is refused.
async fn what_is_misspelt_or_tampered_with_is_refused(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    for path in [
        "/audit?outcome=nothing",
        "/audit?since=yesterday",
        "/audit?until=2026-13-01T00:00",
        "/audit?after=nothing",
        "/audit?user=a&user=b",
        "/audit?subject=user_1",
        "/connections?state=nothing",
        "/connections?readers=yes",
        "/connections?after=nothing",
        "/connections?all=on",
        "/connection",
        "/connection?id=a&id=b",
    ] {
        assert_eq!(bob.open(path).await.answer.status, 400, "{path}");
    }
    let mut outside = Administrator::outside(&server);
    for path in ["/audit", "/connections", "/connection?id=x"] {
        assert_eq!(outside.open(path).await.answer.status, 403, "{path}");
    }
    database.execute(
        "INSERT INTO audit_events (id, at, outcome, mcp_name) VALUES ('h', 1, 'refused', '<script>alert(1)</script>')",
    );
    let page = bob.open("/audit?outcome=refused").await;
    assert!(!page.answer.body.contains("<script>alert") && page.answer.body.contains("&lt;script&gt;"), "{page:?}");
}
