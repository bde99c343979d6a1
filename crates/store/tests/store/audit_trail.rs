//! The audit trail: kept once, found by what is searched for, read in pages, and deleted by age alone.

use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_store::audit_events::{self, Order, Search};

use crate::support::{TestDatabase, at, on_both_databases};

on_both_databases!(
    an_event_comes_back_as_it_was,
    what_is_sent_twice_is_kept_once,
    events_are_found_by_time_subject_actor_client_tool_outcome_and_request,
    pages_miss_nothing_and_repeat_nothing,
    only_what_is_old_enough_is_deleted,
);

fn event(id: &str, seconds: i64) -> AuditEvent {
    AuditEvent::new(id.into(), at(seconds), "forwarded")
}

async fn keep(database: &TestDatabase, events: &[AuditEvent]) -> usize {
    let events = events.to_vec();
    database.write(move |tx| audit_events::insert(tx, &events)).await
}

async fn ids(database: &TestDatabase, search: Search, order: Order) -> Vec<String> {
    let found = database.read(move |tx| audit_events::page(tx, &search, order, None, 100)).await;
    found.into_iter().map(|event| event.id).collect()
}

async fn an_event_comes_back_as_it_was(database: TestDatabase) {
    let full = AuditEvent {
        request_id: Some("request".into()),
        resource: Some("https://mcp.example.com/mcp".into()),
        issuer: Some("https://mcp.example.com".into()),
        subject: Some("user_1".into()),
        client_id: Some("client_1".into()),
        api_key: Some("ci".into()),
        mcp_method: Some("tools/call".into()),
        mcp_name: Some("find".into()),
        needed: Some("mcp:use".into()),
        held: Some("mcp:use notes:read".into()),
        reason: Some("because".into()),
        dry_run: Some("scope".into()),
        status: Some(200),
        latency_us: Some(u32::MAX),
        lost: Some(7),
        source: Some("198.51.100.0/24".into()),
        actor: Some("user_2".into()),
        ..event("full", 1)
    };
    let stored = [full, event("bare", 2)];
    assert_eq!(keep(&database, &stored).await, 2);
    let found = database.read(|tx| audit_events::page(tx, &Search::default(), Order::OldestFirst, None, 100)).await;
    assert_eq!(found, stored);
}

async fn what_is_sent_twice_is_kept_once(database: TestDatabase) {
    let first = [event("a", 1), event("b", 1)];
    assert_eq!(keep(&database, &first).await, 2);
    // Again, with one that is new, and one that is there twice in the batch itself.
    let changed = AuditEvent { subject: Some("mallory".into()), ..event("a", 9) };
    assert_eq!(keep(&database, &[changed, event("b", 1), event("c", 1), event("c", 1)]).await, 1);
    let found = database.read(|tx| audit_events::page(tx, &Search::default(), Order::OldestFirst, None, 100)).await;
    assert_eq!(found, [event("a", 1), event("b", 1), event("c", 1)], "what was kept first stands");
}

async fn events_are_found_by_time_subject_actor_client_tool_outcome_and_request(database: TestDatabase) {
    let called = |id, seconds, subject: &str, client: &str, method: &str, name: &str| AuditEvent {
        subject: Some(subject.into()),
        client_id: Some(client.into()),
        mcp_method: Some(method.into()),
        mcp_name: Some(name.into()),
        ..event(id, seconds)
    };
    keep(
        &database,
        &[
            called("1", 10, "ada", "cli", "tools/call", "find"),
            called("2", 20, "ada", "web", "tools/call", "Find"),
            called("3", 30, "bob", "cli", "tools/call", "find"),
            called("4", 40, "bob", "web", "prompts/get", "find"),
            AuditEvent {
                outcome: "refused".into(),
                request_id: Some("r5".into()),
                actor: Some("nora".into()),
                ..event("5", 50)
            },
        ],
    )
    .await;
    let text = |text: &str| Some(text.to_owned());
    for (search, expected) in [
        (Search::default(), vec!["5", "4", "3", "2", "1"]),
        (Search { since: Some(at(20)), until: Some(at(40)), ..Search::default() }, vec!["3", "2"]),
        (Search { subject: text("ada"), ..Search::default() }, vec!["2", "1"]),
        (Search { issuer: text("https://other.example"), ..Search::default() }, vec![]),
        (Search { client_id: text("web"), ..Search::default() }, vec!["4", "2"]),
        (Search { tool: text("find"), ..Search::default() }, vec!["3", "1"]),
        (Search { outcome: text("refused"), ..Search::default() }, vec!["5"]),
        (Search { outcome: text("forwarded"), client_id: text("cli"), ..Search::default() }, vec!["3", "1"]),
        (Search { tool: text("find"), subject: text("ada"), client_id: text("cli"), ..Search::default() }, vec!["1"]),
        (Search { request_id: text("r5"), ..Search::default() }, vec!["5"]),
        (Search { actor: text("nora"), ..Search::default() }, vec!["5"]),
        (Search { actor: text("ada"), ..Search::default() }, vec![]),
        (Search { request_id: text("r5"), outcome: text("forwarded"), ..Search::default() }, vec![]),
        (Search { subject: text("ada' OR '1'='1"), ..Search::default() }, vec![]),
    ] {
        assert_eq!(ids(&database, search.clone(), Order::NewestFirst).await, expected, "{search:?}");
    }
    assert_eq!(ids(&database, Search::default(), Order::OldestFirst).await, ["1", "2", "3", "4", "5"]);
}

async fn pages_miss_nothing_and_repeat_nothing(database: TestDatabase) {
    // Many in one second: the id decides among them.
    let stored: Vec<AuditEvent> = (0..25).map(|i| event(&format!("{i:02}"), i / 10)).collect();
    keep(&database, &stored).await;
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let (mut all, mut last) = (Vec::new(), None::<AuditEvent>);
        loop {
            let after = last.clone();
            let page =
                database.read(move |tx| audit_events::page(tx, &Search::default(), order, after.as_ref(), 4)).await;
            let Some(end) = page.last() else { break };
            last = Some(end.clone());
            all.extend(page);
        }
        if order == Order::NewestFirst {
            all.reverse();
        }
        assert_eq!(all, stored, "{order:?}");
    }
}

async fn only_what_is_old_enough_is_deleted(database: TestDatabase) {
    keep(&database, &[event("1", 10), event("2", 20), event("3", 30)]).await;
    for (before, limit, deleted, left) in [(10, 9, 0, 3), (30, 1, 1, 2), (30, 9, 1, 1), (30, 9, 0, 1)] {
        assert_eq!(database.write(move |tx| audit_events::delete_before(tx, at(before), limit)).await, deleted);
        assert_eq!(database.count("audit_events"), left);
    }
    assert_eq!(ids(&database, Search::default(), Order::OldestFirst).await, ["3"]);
}
