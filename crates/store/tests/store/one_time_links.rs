//! Links that work once: the one that creates the first administrator, and those by which people choose a password.

use std::sync::Arc;

use gatelodge_oauth::secret::Kind;
use gatelodge_store::administration_links::{self, AdministrationLink};
use gatelodge_store::administration_sessions::{self, AdministrationSession};
use gatelodge_store::password_links::{self, PasswordLink};
use gatelodge_store::setup_links::{self, SetupLink};
use gatelodge_store::users::User;
use gatelodge_store::{Insertion, sweep, users};

use crate::support::{TestDatabase, at, hash, on_both_databases, user};

on_both_databases!(
    of_twenty_servers_that_start_together_one_makes_the_setup_link,
    of_twenty_that_hold_the_setup_link_one_uses_it,
    a_setup_link_ends_and_makes_room_for_another,
    of_twenty_that_hold_a_password_link_one_uses_it,
    a_newer_password_link_kills_the_older_and_a_removed_user_has_none,
    a_password_link_beside_others_kills_none,
    what_lets_an_administrator_in_ends_and_is_swept,
);

fn setup_link() -> SetupLink {
    SetupLink { hash: hash(Kind::Setup), created_at: at(0), expires_at: at(60) }
}

/// What twenty got who did the same at the same time.
async fn twenty<T: Send + 'static, F: Future<Output = T> + Send + 'static>(work: impl Fn() -> F) -> Vec<T> {
    let runs: Vec<_> = (0..20).map(|_| tokio::spawn(work())).collect();
    let mut answers = Vec::new();
    for run in runs {
        answers.push(run.await.expect("no panic"));
    }
    answers
}

async fn of_twenty_servers_that_start_together_one_makes_the_setup_link(database: TestDatabase) {
    let store = Arc::new(database.store.clone());
    let answers = twenty(|| {
        let (store, link) = (store.clone(), setup_link());
        async move {
            let offered = store.write(move |tx| setup_links::offer(tx, &link, at(0))).await.expect("no error");
            (offered == Insertion::Inserted).then_some(link)
        }
    })
    .await;
    let made: Vec<_> = answers.into_iter().flatten().collect();
    assert_eq!(made.len(), 1);
    let hash = made[0].hash;
    assert!(database.read(move |tx| setup_links::is_valid(tx, &hash, at(1))).await, "and it is the one that works");
    assert_eq!(database.count("setup_links"), 1);
}

async fn of_twenty_that_hold_the_setup_link_one_uses_it(database: TestDatabase) {
    let link = setup_link();
    database.write(move |tx| setup_links::offer(tx, &link, at(0))).await;
    let store = Arc::new(database.store.clone());
    let answers = twenty(|| {
        let store = store.clone();
        async move {
            let used = store.write(move |tx| {
                let mine =
                    setup_links::is_valid(tx, &link.hash, at(1))? && setup_links::consume(tx, &link.hash, at(1))?;
                if mine {
                    users::insert(tx, &user("first"))?;
                }
                Ok(mine)
            });
            used.await.expect("no error")
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|used| **used).count(), 1);
    assert_eq!(database.count("users"), 1);
    assert!(database.read(users::exist).await);
}

async fn a_setup_link_ends_and_makes_room_for_another(database: TestDatabase) {
    let (first, second, third) = (setup_link(), setup_link(), setup_link());
    database
        .write(move |tx| {
            assert!(!users::exist(tx)?);
            assert_eq!(setup_links::offer(tx, &first, at(0))?, Insertion::Inserted);
            assert_eq!(setup_links::offer(tx, &second, at(59))?, Insertion::AlreadyExists);
            assert!(setup_links::is_valid(tx, &first.hash, at(59))?);
            assert!(
                !setup_links::is_valid(tx, &second.hash, at(59))? && !setup_links::consume(tx, &second.hash, at(1))?
            );
            assert!(
                !setup_links::is_valid(tx, &first.hash, at(60))? && !setup_links::consume(tx, &first.hash, at(60))?
            );
            let second = SetupLink { expires_at: at(120), ..second };
            assert_eq!(setup_links::offer(tx, &second, at(60))?, Insertion::Inserted);
            assert!(setup_links::withdraw(tx)? && !setup_links::withdraw(tx)?);
            assert!(!setup_links::consume(tx, &second.hash, at(61))?);
            assert_eq!(setup_links::offer(tx, &third, at(0))?, Insertion::Inserted);
            Ok(())
        })
        .await;
    for (now, swept) in [(at(59), 0), (at(60), 1)] {
        assert_eq!(database.write(move |tx| sweep(tx, now)).await.setup_links, swept);
    }
}

async fn of_twenty_that_hold_a_password_link_one_uses_it(database: TestDatabase) {
    let user_id = database.grant().await.user_id.expect("a user");
    let link = PasswordLink {
        hash: hash(Kind::PasswordReset),
        user_id: user_id.clone(),
        created_at: at(0),
        expires_at: at(60),
    };
    let name = link.hash;
    database.write(move |tx| password_links::put(tx, &link)).await;
    let store = Arc::new(database.store.clone());
    let answers = twenty(|| {
        let store = store.clone();
        async move { store.write(move |tx| password_links::consume(tx, &name, at(1))).await.expect("no error") }
    })
    .await;
    assert_eq!(answers.into_iter().flatten().collect::<Vec<_>>(), [user_id]);
    assert_eq!(database.count("password_links"), 0);
}

async fn a_newer_password_link_kills_the_older_and_a_removed_user_has_none(database: TestDatabase) {
    let (ada, bob) = (user("ada"), user("bob"));
    let link = |user: &gatelodge_store::users::User, until| PasswordLink {
        hash: hash(Kind::PasswordReset),
        user_id: user.id.clone(),
        created_at: at(0),
        expires_at: at(until),
    };
    let (older, newer, of_bob) = (link(&ada, 60), link(&ada, 61), link(&bob, 60));
    database
        .write(move |tx| {
            users::insert(tx, &ada)?;
            users::insert(tx, &bob)?;
            for link in [&older, &of_bob, &newer] {
                password_links::put(tx, link)?;
            }
            assert_eq!(password_links::owner(tx, &older.hash, at(1))?, None);
            assert_eq!(password_links::consume(tx, &older.hash, at(1))?, None);
            assert_eq!(password_links::owner(tx, &newer.hash, at(60))?.as_ref(), Some(&ada.id));
            assert_eq!(password_links::owner(tx, &newer.hash, at(61))?, None);
            assert_eq!(password_links::consume(tx, &newer.hash, at(61))?, None);
            assert_eq!(password_links::owner(tx, &of_bob.hash, at(1))?.as_ref(), Some(&bob.id));
            password_links::delete_of(tx, &bob.id)?;
            assert_eq!(password_links::owner(tx, &of_bob.hash, at(1))?, None);
            password_links::put(tx, &of_bob)?;
            users::delete(tx, &bob.id)?;
            assert_eq!(password_links::owner(tx, &of_bob.hash, at(1))?, None);
            Ok(())
        })
        .await;
    for (now, swept) in [(at(60), 0), (at(61), 1)] {
        assert_eq!(database.write(move |tx| sweep(tx, now)).await.password_links, swept);
    }
}

/// Proves RFC 6819 §5.1.4.2.3: what strangers cause locks nobody out.
async fn a_password_link_beside_others_kills_none(database: TestDatabase) {
    let ada = user("ada");
    let link = |until| PasswordLink {
        hash: hash(Kind::PasswordReset),
        user_id: ada.id.clone(),
        created_at: at(0),
        expires_at: at(until),
    };
    let (first, second) = (link(60), link(61));
    database
        .write(move |tx| {
            users::insert(tx, &ada)?;
            password_links::put(tx, &first)?;
            password_links::add(tx, &second)?;
            assert_eq!(password_links::owner(tx, &first.hash, at(1))?.as_ref(), Some(&ada.id));
            assert_eq!(password_links::consume(tx, &second.hash, at(1))?.as_ref(), Some(&ada.id));
            assert_eq!(password_links::owner(tx, &first.hash, at(1))?.as_ref(), Some(&ada.id));
            password_links::delete_of(tx, &ada.id)?;
            assert_eq!(password_links::consume(tx, &first.hash, at(1))?, None);
            Ok(())
        })
        .await;
}

/// Proves RFC 9700 §2.1: a link is used once, a newer one kills it, and what has expired is neither found nor kept.
async fn what_lets_an_administrator_in_ends_and_is_swept(database: TestDatabase) {
    let (ada, bob) = (user("ada"), user("bob"));
    let link = |of: &User, until| AdministrationLink {
        hash: hash(Kind::AdministrationLink),
        user_id: of.id.clone(),
        created_at: at(0),
        expires_at: at(until),
    };
    let [older, newer, of_bob] = [link(&ada, 60), link(&ada, 60), link(&bob, 90)];
    let session = AdministrationSession {
        hash: hash(Kind::AdministrationSession),
        user_id: ada.id.clone(),
        created_at: at(0),
        expires_at: at(60),
    };
    database
        .write(move |tx| {
            users::insert(tx, &ada)?;
            users::insert(tx, &bob)?;
            for link in [&older, &newer, &of_bob] {
                administration_links::put(tx, link)?;
            }
            assert_eq!(administration_links::owner(tx, &older.hash, at(1))?, None);
            assert_eq!(administration_links::owner(tx, &newer.hash, at(1))?, Some(ada.id.clone()));
            assert_eq!(administration_links::consume(tx, &newer.hash, at(60))?, None);
            assert_eq!(administration_links::consume(tx, &newer.hash, at(59))?, Some(ada.id.clone()));
            assert_eq!(administration_links::consume(tx, &newer.hash, at(59))?, None);
            administration_sessions::insert(tx, &session)?;
            assert_eq!(administration_sessions::find(tx, &session.hash, at(59))?.as_ref(), Some(&session));
            assert_eq!(administration_sessions::find(tx, &session.hash, at(60))?, None);
            Ok(())
        })
        .await;
    let report = database.write(|tx| sweep(tx, at(59))).await;
    assert_eq!((report.administration_links, report.administration_sessions), (0, 0));
    let report = database.write(|tx| sweep(tx, at(90))).await;
    assert_eq!((report.administration_links, report.administration_sessions), (1, 1));
}
