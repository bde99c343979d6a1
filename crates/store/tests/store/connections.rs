//! Steps of connections: found by attempt, client and user, joined when two beginnings turn out to be one, and never more of
//! strangers than there may be.

use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::grant::{GrantId, UserId};
use gatelodge_store::connection_steps::{self as steps, ConnectionStep, Search};

use crate::support::{TestDatabase, at, on_both_databases};

on_both_databases!(
    a_step_comes_back_as_it_was,
    steps_are_read_in_pages_from_the_newest_on,
    two_beginnings_become_one_attempt,
    what_belongs_to_somebody_stays_theirs_and_goes_with_them,
    only_old_steps_and_those_of_too_many_strangers_are_deleted,
);

fn step(id: &str, connection: &str, seconds: i64) -> ConnectionStep {
    ConnectionStep::new(id.into(), connection.into(), at(seconds), "asked")
}

fn of(user: &str, step: ConnectionStep) -> ConnectionStep {
    ConnectionStep { user_id: Some(user.into()), ..step }
}

async fn keep(database: &TestDatabase, all: &[ConnectionStep]) {
    let all = all.to_vec();
    database.write(move |tx| all.iter().try_for_each(|step| steps::insert(tx, step))).await;
}

async fn ids(database: &TestDatabase, connection: &'static str) -> Vec<String> {
    let found = database.read(move |tx| steps::of_connection(tx, connection)).await;
    found.into_iter().map(|step| step.id).collect()
}

async fn a_step_comes_back_as_it_was(database: TestDatabase) {
    let full = ConnectionStep {
        client_id: Some("client_1".into()),
        user_id: Some("user_1".into()),
        resource: Some("https://mcp.example.com/mcp".into()),
        source: Some("198.51.100.0/24".into()),
        grant_id: Some("grant_1".into()),
        detail: Some("because".into()),
        ..step("full", "c", 1)
    };
    let stored = [step("bare", "c", 0), full.clone()];
    keep(&database, &[stored[1].clone(), stored[0].clone()]).await;
    assert_eq!(database.read(|tx| steps::of_connection(tx, "c")).await, stored);
    assert_eq!(
        database.read(|tx| steps::of_user(tx, &UserId::from_stored("user_1".into()))).await,
        std::slice::from_ref(&full)
    );
    assert_eq!(database.read(|tx| steps::newest_of_client(tx, "client_1", "asked")).await, Some(full.clone()));
    for (client, step) in [("client_2", "asked"), ("client_1", "registered")] {
        assert_eq!(database.read(move |tx| steps::newest_of_client(tx, client, step)).await, None);
    }
    let grant = GrantId::from_stored("grant_1".into());
    assert_eq!(database.read(move |tx| steps::first_of_grant(tx, &grant)).await, Some(full.clone()));
    let next = |from: &ConnectionStep| {
        let from = from.clone();
        let (client, user) = (ClientId::new("client_1"), UserId::from_stored("user_1".into()));
        database.read(move |tx| steps::next_time(tx, &from, &client, &user))
    };
    assert_eq!(next(&full).await, None, "it is not its own next one");
    keep(&database, &[ConnectionStep { connection: "d".into(), id: "next".into(), at: at(5), ..full.clone() }]).await;
    assert_eq!(next(&full).await, Some(at(5)));
}

async fn steps_are_read_in_pages_from_the_newest_on(database: TestDatabase) {
    // Several in one second: the page ends in the middle of it.
    let all: Vec<_> =
        (0..7).map(|n| of(if n == 3 { "bob" } else { "ada" }, step(&n.to_string(), "c", n / 3))).collect();
    keep(&database, &all).await;
    let mut seen = Vec::new();
    let mut last = None;
    loop {
        let after = last.take();
        let page = database.read(move |tx| steps::page(tx, &Search::default(), after.as_ref(), 2)).await;
        seen.extend(page.iter().map(|step| step.id.clone()));
        last = page.into_iter().next_back();
        if last.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);
    let of_bob = Search { user_id: Some("bob".into()), ..Search::default() };
    let found = database.read(move |tx| steps::page(tx, &of_bob, None, 10)).await;
    assert_eq!(found, [all[3].clone()]);
    let of_nobody = Search { client_id: Some("client_1".into()), ..Search::default() };
    assert_eq!(database.read(move |tx| steps::page(tx, &of_nobody, None, 10)).await, []);
}

async fn two_beginnings_become_one_attempt(database: TestDatabase) {
    keep(&database, &[step("1", "registered", 1), step("2", "asked", 2), step("3", "other", 3)]).await;
    database.write(|tx| steps::join(tx, "registered", "asked")).await;
    assert_eq!(ids(&database, "asked").await, ["1", "2"]);
    assert_eq!(ids(&database, "registered").await, Vec::<String>::new());
    assert_eq!(ids(&database, "other").await, ["3"]);
}

async fn what_belongs_to_somebody_stays_theirs_and_goes_with_them(database: TestDatabase) {
    keep(&database, &[step("1", "c", 1), of("bob", step("2", "c", 2)), step("3", "d", 3)]).await;
    let ada = UserId::from_stored("ada".into());
    let (owner, leaver) = (ada.clone(), ada.clone());
    database.write(move |tx| steps::give_to(tx, "c", &owner)).await;
    assert_eq!(database.count("connection_steps WHERE user_id = 'ada'"), 1);
    assert_eq!(database.count("connection_steps WHERE user_id = 'bob'"), 1);
    assert_eq!(database.write(move |tx| steps::delete_of_user(tx, &leaver)).await, 1);
    assert_eq!((ids(&database, "c").await, ids(&database, "d").await), (vec!["2".into()], vec!["3".into()]));
}

async fn only_old_steps_and_those_of_too_many_strangers_are_deleted(database: TestDatabase) {
    let mut all: Vec<_> = (0..6).map(|n| step(&format!("s{n}"), "strangers", n)).collect();
    all.extend((0..6).map(|n| of("ada", step(&format!("a{n}"), "ada", n))));
    keep(&database, &all).await;
    // The oldest beyond four, of which one is too old anyway.
    assert_eq!(database.write(|tx| steps::delete_of_strangers(tx, at(1), 4, 10)).await, 2);
    assert_eq!(ids(&database, "strangers").await, ["s2", "s3", "s4", "s5"]);
    assert_eq!(database.write(|tx| steps::delete_of_strangers(tx, at(9), 4, 3)).await, 3, "a batch has an end");
    assert_eq!(ids(&database, "strangers").await, ["s5"]);
    assert_eq!(ids(&database, "ada").await.len(), 6);
    assert_eq!(database.write(|tx| steps::delete_before(tx, at(5), 10)).await, 5);
    assert_eq!(
        (ids(&database, "strangers").await, ids(&database, "ada").await),
        (vec!["s5".into()], vec!["a5".into()])
    );
}
