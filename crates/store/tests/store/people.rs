//! What sign-ins leave behind: counted failures, known sources, and what happens to people.

use std::time::Duration;

use gatelodge_oauth::secret::HashedSecret;
use gatelodge_store::browser_sessions::{self, BrowserSession};
use gatelodge_store::sign_in_failures::Failures;
use gatelodge_store::{Insertion, email_addresses, grants, known_sources, sign_in_failures, sweep, users};

use crate::support::{TestDatabase, at, on_both_databases, session, user};

on_both_databases!(
    failures_are_counted_forgotten_and_taken_back,
    a_source_is_known_until_it_is_not,
    the_sessions_of_one_person_end_and_no_others,
    grants_outlive_the_person_who_is_removed,
    an_address_is_of_one_person_until_it_is_taken_away
);

const HOUR: Duration = Duration::from_secs(3_600);

async fn failures_are_counted_forgotten_and_taken_back(database: TestDatabase) {
    let name = HashedSecret::of("account");
    let count = async |now: i64| {
        database.write(move |tx| sign_in_failures::add(tx, &name, HOUR, at(now))).await;
        database.write(move |tx| sign_in_failures::lock(tx, &name, at(now))).await
    };
    let counted = |last: i64, forgotten: i64| Failures { last_failed_at: at(last), forgotten_at: at(forgotten) };
    assert_eq!(count(10).await, counted(10, 3_610));
    assert_eq!(count(20).await, counted(20, 7_210));
    assert_eq!(count(9_000).await, counted(9_000, 12_600), "those before are forgotten");
    database.write(move |tx| sign_in_failures::take_back(tx, &name, HOUR, at(9_000))).await;
    assert_eq!(database.write(move |tx| sign_in_failures::lock(tx, &name, at(9_000))).await, counted(9_000, 9_000));
    assert_eq!(database.write(move |tx| sweep(tx, at(9_000))).await.sign_in_failures, 1);
}

async fn a_source_is_known_until_it_is_not(database: TestDatabase) {
    let (ada, source) = (user("ada"), HashedSecret::of("ada from there"));
    let id = ada.id.clone();
    database.write(move |tx| users::insert(tx, &ada)).await;
    let is_known = async |now: i64| database.read(move |tx| known_sources::is_known(tx, &source, at(now))).await;
    assert!(!is_known(1).await);
    for until in [50, 100] {
        let id = id.clone();
        database.write(move |tx| known_sources::remember(tx, &source, &id, at(until))).await;
    }
    assert!(is_known(99).await && !is_known(100).await);
    database.write(move |tx| known_sources::forget_all_of(tx, &id)).await;
    assert!(!is_known(1).await);
}

/// Proves RFC 6819 §5.1.4.2.3: nobody gets the messages of another.
async fn an_address_is_of_one_person_until_it_is_taken_away(database: TestDatabase) {
    let people = [user("ada"), user("bob")];
    let [ada, bob] = [people[0].id.clone(), people[1].id.clone()];
    database
        .write(move |tx| {
            people.iter().try_for_each(|person| users::insert(tx, person).map(drop))?;
            assert_eq!(email_addresses::put(tx, &ada, "ada@example.com", at(1))?, Insertion::Inserted);
            assert_eq!(email_addresses::put(tx, &bob, "ada@example.com", at(2))?, Insertion::AlreadyExists);
            assert_eq!(email_addresses::of_user(tx, &bob)?, None);
            assert_eq!(email_addresses::put(tx, &bob, "bob@example.com", at(3))?, Insertion::Inserted);
            assert_eq!(email_addresses::put(tx, &bob, "ada@example.com", at(4))?, Insertion::AlreadyExists);
            assert_eq!(email_addresses::of_user(tx, &bob)?.as_deref(), Some("bob@example.com"));
            assert_eq!(email_addresses::put(tx, &ada, "lovelace@example.com", at(5))?, Insertion::Inserted);
            assert_eq!(email_addresses::owner(tx, "ada@example.com")?, None);
            assert_eq!(email_addresses::owner(tx, "lovelace@example.com")?.as_ref(), Some(&ada));
            assert_eq!(email_addresses::list(tx)?.len(), 2);
            assert!(email_addresses::delete_of(tx, &bob)? && !email_addresses::delete_of(tx, &bob)?);
            users::delete(tx, &ada)?;
            assert_eq!(email_addresses::list(tx)?, []);
            Ok(())
        })
        .await;
}

async fn the_sessions_of_one_person_end_and_no_others(database: TestDatabase) {
    let people = [user("ada"), user("bob")];
    let [ada, bob] = [people[0].id.clone(), people[1].id.clone()];
    for person in people {
        let signed_in =
            [session(), session()].map(|session| BrowserSession { user_id: Some(person.id.clone()), ..session });
        database
            .write(move |tx| {
                users::insert(tx, &person)?;
                signed_in.iter().try_for_each(|session| browser_sessions::insert(tx, session))
            })
            .await;
    }
    let of_ada = ada.clone();
    assert_eq!(database.read(move |tx| browser_sessions::of_user(tx, &of_ada, at(0))).await.len(), 2);
    assert_eq!(database.write(move |tx| browser_sessions::delete_all_of(tx, &ada)).await, 2);
    assert_eq!(database.read(move |tx| browser_sessions::of_user(tx, &bob, at(0))).await.len(), 2);
}

async fn grants_outlive_the_person_who_is_removed(database: TestDatabase) {
    let grant = database.grant().await;
    let (owner, id) = (grant.user_id.clone().expect("somebody's"), grant.id.clone());
    let held = owner.clone();
    assert_eq!(database.read(move |tx| grants::held_by(tx, &held, at(0))).await.len(), 1);
    let removed = database.write(move |tx| {
        assert_eq!(grants::revoke_all_of_user(tx, &owner, at(5))?, 1);
        assert_eq!(grants::revoke_all_of_user(tx, &owner, at(6))?, 0);
        grants::orphan_all_of_user(tx, &owner)?;
        users::delete(tx, &owner)
    });
    assert!(removed.await);
    let kept = database.read(move |tx| grants::find(tx, &id)).await.expect("it is kept");
    assert_eq!((kept.revoked_at, kept.user_id), (Some(at(5)), None));
}
