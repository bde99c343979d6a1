//! Clients that register themselves: the same registration is one client, and what nobody used makes room. Directly at the
//! store, because twenty thousand registrations by HTTP would take longer than they teach.

use std::time::Duration;

use gatelodge_oauth::client::{Client, ClientId, Registration};
use gatelodge_oauth::grant::Grant;
use gatelodge_oauth::secret::{HashedSecret, sha256};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::clients::{self, SelfRegistration};
use gatelodge_store::{Insertion, Store, Tx, grants, pending_authorizations};

use crate::support::{TestDatabase, at, grant, on_both_databases, pending};

on_both_databases!(
    a_flood_of_registrations_stays_under_the_cap_and_reaches_no_client_in_use,
    identical_registrations_that_race_make_one_client,
    what_is_cleared_away_was_never_used_and_nobody_is_looking_at_it,
    a_grant_made_while_the_flood_runs_keeps_its_client,
    a_registration_is_replaced_by_its_owner_only,
);

const CAP: u32 = 10_000;

fn registration(name: &str, now: Timestamp) -> SelfRegistration {
    let metadata = format!("{{\"client_name\":\"{name}\"}}");
    SelfRegistration {
        client: Client { name: Some(name.to_owned()), ..Client::new(ClientId::generate(), Registration::Dynamic, now) },
        fingerprint: Some(sha256(metadata.as_bytes())),
        metadata,
        management: None,
    }
}

fn register(tx: &mut Tx, name: &str, now: Timestamp) -> Result<Client, gatelodge_store::StoreError> {
    Ok(clients::register(tx, &registration(name, now), now)?.1)
}

/// What registration does in its one transaction.
async fn register_and_evict(database: &TestDatabase, name: String, cap: u32, now: Timestamp) -> Client {
    let work = move |tx: &mut Tx| {
        let (insertion, client) = clients::register(tx, &registration(&name, now), now)?;
        if insertion == Insertion::Inserted {
            clients::evict_unused(tx, cap, now)?;
        }
        Ok(client)
    };
    database.write(work).await
}

/// A grant of this client.
async fn allow(database: &TestDatabase, client: &Client) -> Grant {
    let allowed = Grant { client_id: client.id.clone(), ..grant() };
    let (user, stored) = (crate::support::user(allowed.subject()), allowed.clone());
    let user = gatelodge_store::users::User { id: allowed.user_id.clone().expect("somebody"), ..user };
    database
        .write(move |tx| {
            gatelodge_store::users::insert(tx, &user)?;
            grants::insert(tx, &stored)
        })
        .await;
    allowed
}

async fn exists(database: &TestDatabase, client: &Client) -> bool {
    let id = client.id.clone();
    database.read(move |tx| clients::find(tx, &id)).await.is_some()
}

async fn a_flood_of_registrations_stays_under_the_cap_and_reaches_no_client_in_use(database: TestDatabase) {
    let used = register_and_evict(&database, "used".into(), CAP, at(0)).await;
    let grant = allow(&database, &used).await;
    // In portions: what is measured is the table, not the number of commits.
    for portion in 0..200 {
        let now = at(1 + portion);
        database
            .write(move |tx| {
                for number in 0..100 {
                    register(tx, &format!("flood {portion}/{number}"), now)?;
                }
                clients::evict_unused(tx, CAP, now)
            })
            .await;
        if portion % 20 == 19 {
            assert!(database.count("clients") <= i64::from(CAP) + 1, "after {portion}");
        }
    }
    assert_eq!(database.count("clients"), i64::from(CAP) + 1);
    assert_eq!(database.count("clients WHERE name LIKE 'flood 0/%'"), 0, "the oldest went first");
    assert_eq!(database.count("clients WHERE name LIKE 'flood 199/%'"), 100);
    assert!(exists(&database, &used).await);
    let id = grant.id.clone();
    assert!(database.read(move |tx| grants::find(tx, &id)).await.is_some());
    // And one at a time, as it is really done.
    register_and_evict(&database, "the last".into(), CAP, at(300)).await;
    assert_eq!(database.count("clients"), i64::from(CAP) + 1);
}

async fn identical_registrations_that_race_make_one_client(database: TestDatabase) {
    for round in 0..10 {
        let runs: Vec<_> = (0..64)
            .map(|_| {
                let store: Store = database.store.clone();
                tokio::spawn(
                    async move { store.write(move |tx| register(tx, &format!("twin {round}"), at(round))).await },
                )
            })
            .collect();
        let mut identifiers = Vec::new();
        for run in runs {
            identifiers.push(run.await.expect("no panic").expect("no error").id);
        }
        identifiers.dedup();
        assert_eq!(identifiers.len(), 1, "{identifiers:?}");
        assert_eq!(database.count("clients"), round + 1);
    }
}

async fn what_is_cleared_away_was_never_used_and_nobody_is_looking_at_it(database: TestDatabase) {
    let day = Duration::from_secs(86_400);
    let now = at(0).plus(day);
    let abandoned = register_and_evict(&database, "abandoned".into(), CAP, at(0)).await;
    let used = register_and_evict(&database, "used".into(), CAP, at(0)).await;
    let grant = allow(&database, &used).await;
    let (looked_at, left) = (
        register_and_evict(&database, "looked at".into(), CAP, at(0)).await,
        register_and_evict(&database, "left".into(), CAP, at(0)).await,
    );
    let returned = register_and_evict(&database, "returned".into(), CAP, at(0)).await;
    let again = register_and_evict(&database, "returned".into(), CAP, now).await;
    assert_eq!((&again.id, again.issued_at), (&returned.id, at(0)));
    let configured = Client::new(ClientId::generate(), Registration::Configured, at(0));
    let stored = configured.clone();
    database.write(move |tx| clients::insert(tx, &stored)).await;
    for (client, name, expires_at) in [(&looked_at, "1", now.plus(day)), (&left, "2", now)] {
        let mut open = pending(HashedSecret::of(name));
        open.hash = HashedSecret::of(&format!("transaction {name}"));
        open.request.client_id = client.id.clone();
        open.expires_at = expires_at;
        database.write(move |tx| pending_authorizations::insert(tx, &open)).await;
    }
    let nothing = database.write(move |tx| clients::delete_unused(tx, at(-1), now)).await;
    assert_eq!(nothing, 0);
    let gone = database.write(move |tx| clients::delete_unused(tx, at(0), now)).await;
    assert_eq!(gone, 2);
    for (client, stays) in
        [(&abandoned, false), (&used, true), (&looked_at, true), (&left, false), (&returned, true), (&configured, true)]
    {
        assert_eq!(exists(&database, client).await, stays, "{:?}", client.name);
    }
    // It was allowed something once: it stays when that has ended.
    let id = grant.id.clone();
    database.write(move |tx| grants::revoke(tx, &id, now)).await;
    database.write(move |tx| clients::delete_unused(tx, now.plus(day), now.plus(day))).await;
    assert!(exists(&database, &used).await);
}

async fn a_grant_made_while_the_flood_runs_keeps_its_client(database: TestDatabase) {
    for round in 0..10 {
        let client = register_and_evict(&database, format!("in the race {round}"), CAP, at(round)).await;
        let store = database.store.clone();
        let evict = tokio::spawn(async move { store.write(move |tx| clients::evict_unused(tx, 0, at(round))).await });
        let allowed = Grant { client_id: client.id.clone(), user_id: None, ..grant() };
        // Consent looks the client up in the transaction that writes the grant.
        let written = database
            .write(move |tx| {
                let found = clients::find(tx, &allowed.client_id)?.is_some();
                if found {
                    grants::insert(tx, &allowed)?;
                }
                Ok(found)
            })
            .await;
        evict.await.expect("no panic").expect("no error");
        let still_there = exists(&database, &client).await;
        assert!(written || !still_there);
        if database.sqlite_path().is_some() {
            assert_eq!(written, still_there, "one writer at a time");
        }
        database.write(move |tx| clients::evict_unused(tx, 0, at(round))).await;
        assert_eq!(exists(&database, &client).await, still_there, "used, or gone: nothing changes after that");
    }
}

async fn a_registration_is_replaced_by_its_owner_only(database: TestDatabase) {
    let owned = SelfRegistration {
        management: Some(HashedSecret::of("owner")),
        fingerprint: None,
        ..registration("owned", at(0))
    };
    let stored = owned.clone();
    database.write(move |tx| clients::register(tx, &stored, at(0))).await;
    let changed = |management: &str, name: &str| SelfRegistration {
        client: Client { name: Some(name.to_owned()), ..owned.client.clone() },
        management: Some(HashedSecret::of(management)),
        ..owned.clone()
    };
    let (theirs, ours) = (changed("somebody else", "stolen"), changed("owner", "changed"));
    assert!(!database.write(move |tx| clients::replace(tx, &theirs)).await);
    assert!(database.write(move |tx| clients::replace(tx, &ours)).await);
    let id = owned.client.id.clone();
    let found = database.read(move |tx| clients::find_registration(tx, &id)).await.expect("it is there");
    assert_eq!((found.client.name.as_deref(), found.management), (Some("changed"), Some(HashedSecret::of("owner"))));
    assert_eq!(database.count("clients WHERE unused_since IS NOT NULL"), 1, "a change is no use of it");
    let id = owned.client.id.clone();
    assert!(database.write(move |tx| clients::delete(tx, &id)).await);
    let ours = changed("owner", "back");
    assert!(!database.write(move |tx| clients::replace(tx, &ours)).await, "what is gone does not come back");
}
