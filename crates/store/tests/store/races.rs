//! What happens when many requests want the same thing at once: one gets it, and the others are told so without an error.

use std::sync::Arc;
use std::time::Duration;

use gatelodge_e2e::scale::scale;
use gatelodge_oauth::client_assertion::UsedAssertion;
use gatelodge_oauth::grant::refresh_token::{RefreshToken, SealedSuccessor};
use gatelodge_oauth::grant::{Grant, GrantId};
use gatelodge_oauth::secret::{Kind, Secret, random_base62};
use gatelodge_store::browser_sessions::{self, BrowserSession};
use gatelodge_store::signing_keys::{self, SigningKeyRow};
use gatelodge_store::users::User;
use gatelodge_store::{
    Insertion, StoreError, Tx, authorization_codes, grants, pending_authorizations, refresh_tokens, sweep,
    used_assertions, users,
};

use crate::support::{
    TestDatabase, at, code, count, grant, hash, on_both_databases, pending, refresh_token, session, user,
};

on_both_databases!(
    a_code_is_consumed_once,
    a_refresh_token_is_spent_once_and_leaves_one_unspent_token,
    a_pending_authorization_is_consumed_once_and_only_by_its_browser,
    servers_that_start_together_make_one_signing_key,
    servers_that_rotate_together_make_one_next_key_and_activate_it_once,
    what_was_said_to_need_a_key_longest_counts,
    a_username_is_given_once,
    holding_a_grant_keeps_others_waiting,
    no_session_outlives_the_password_it_was_opened_with,
    no_token_is_made_after_a_committed_revocation,
    what_is_made_of_a_consent_while_it_ends_ends_too,
    an_assertion_is_spent_by_one_request_that_may_be_tried_again,
    a_crowd_of_writers_waits_its_turn,
);

const THREADS: usize = 8;
const ROUNDS: usize = 25;

/// Runs `work` eight times at once and returns what each answered.
async fn race<T: Send + 'static>(
    database: &TestDatabase,
    work: impl Fn(&mut Tx) -> Result<T, StoreError> + Send + Sync + 'static,
) -> Vec<T> {
    let work = Arc::new(work);
    let runs: Vec<_> = (0..THREADS)
        .map(|_| {
            let (store, work) = (database.store.clone(), work.clone());
            tokio::spawn(async move { store.write(move |tx| work(tx)).await })
        })
        .collect();
    let mut answers = Vec::new();
    for run in runs {
        answers.push(run.await.expect("no panic").expect("no error"));
    }
    answers
}

fn how_many(answers: &[bool]) -> usize {
    answers.iter().filter(|answer| **answer).count()
}

async fn a_code_is_consumed_once(database: TestDatabase) {
    let grant = database.grant().await;
    for _ in 0..ROUNDS {
        let code = code(&grant);
        let (hash, by) = (code.hash, hash(Kind::RefreshToken));
        database.write(move |tx| authorization_codes::insert(tx, &code)).await;
        // Read, then consume: the order of the token endpoint, and the one that deadlocks when transactions begin as readers.
        let answers = race(&database, move |tx| {
            authorization_codes::find(tx, &hash)?;
            authorization_codes::consume(tx, &hash, &by, at(1))
        })
        .await;
        assert_eq!(how_many(&answers), 1);
    }
}

async fn a_refresh_token_is_spent_once_and_leaves_one_unspent_token(database: TestDatabase) {
    let grant = database.grant().await;
    let first = refresh_token(&grant);
    let mut head = first.hash;
    database.write(move |tx| refresh_tokens::insert(tx, &first)).await;
    for round in 0..ROUNDS {
        let (presented, grant_id) = (head, grant.id.clone());
        let winners = race(&database, move |tx| {
            grants::lock(tx, &grant_id, None, at(1))?;
            let next = Secret::generate(Kind::RefreshToken);
            let sealed = SealedSuccessor::seal(&Secret::generate(Kind::RefreshToken), &next);
            if !refresh_tokens::spend(tx, &presented, at(1), &sealed)? {
                return Ok(None);
            }
            let next = RefreshToken {
                hash: next.hash(),
                grant_id: grant_id.clone(),
                created_at: at(1),
                expires_at: at(600),
                spent_at: None,
                successor: None,
            };
            refresh_tokens::insert(tx, &next)?;
            Ok(Some(next.hash))
        })
        .await;
        let winners: Vec<_> = winners.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let spent = database.read(move |tx| refresh_tokens::find(tx, &presented)).await.expect("is there");
        assert_eq!(spent.spent_at, Some(at(1)));
        assert!(spent.successor.is_some());
        head = winners[0];
    }
    // Whatever the code above may get wrong one day: the database refuses a fork.
    let fork = refresh_token(&grant);
    let refused = database.store.write(move |tx| refresh_tokens::insert(tx, &fork)).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
}

async fn an_assertion_is_spent_by_one_request_that_may_be_tried_again(database: TestDatabase) {
    for round in 0..ROUNDS {
        let used = UsedAssertion { hash: hash(Kind::ClientSecret), expires_at: at(60) };
        let answers = race(&database, move |tx| {
            let request = random_base62(22);
            let mine = used_assertions::spend(tx, &used, &request)?;
            assert_eq!(used_assertions::spend(tx, &used, &request)?, mine, "the same request again");
            Ok(mine)
        })
        .await;
        assert_eq!(how_many(&answers), 1, "round {round}");
        assert_eq!(database.write(move |tx| sweep(tx, at(59))).await.used_assertions, 0);
        assert_eq!(database.write(move |tx| sweep(tx, at(60))).await.used_assertions, 1);
    }
}

async fn a_pending_authorization_is_consumed_once_and_only_by_its_browser(database: TestDatabase) {
    for _ in 0..ROUNDS {
        let session = hash(Kind::BrowserSession);
        let pending = pending(session);
        let (transaction, stored) = (pending.hash, pending.clone());
        database.write(move |tx| pending_authorizations::insert(tx, &stored)).await;
        let stranger = hash(Kind::BrowserSession);
        let refused = database.write(move |tx| pending_authorizations::consume(tx, &transaction, &stranger)).await;
        assert_eq!(refused, None);
        let answers = race(&database, move |tx| pending_authorizations::consume(tx, &transaction, &session)).await;
        let got: Vec<_> = answers.into_iter().flatten().collect();
        assert_eq!(got, [pending]);
    }
}

async fn servers_that_start_together_make_one_signing_key(database: TestDatabase) {
    let answers = race(&database, |tx| {
        let kid = Secret::generate(Kind::Transaction).expose().to_owned();
        let key = signing_key(&kid, true, None);
        let insertion = signing_keys::insert(tx, &key)?;
        let active = signing_keys::active(tx)?.expect("one is active by now, this one or another");
        assert_eq!(insertion == Insertion::Inserted, active == key);
        Ok((insertion, active.kid))
    })
    .await;
    assert_eq!(answers.iter().filter(|(insertion, _)| *insertion == Insertion::Inserted).count(), 1);
    assert!(answers.iter().all(|(_, kid)| *kid == answers[0].1), "every server signs with the same key");
    let active = database.read(signing_keys::active).await.expect("the one that won");
    assert!(!format!("{active:?}").contains("[1, 2, 3]"));
}

fn signing_key(kid: &str, active: bool, activates_at: Option<i64>) -> SigningKeyRow {
    SigningKeyRow {
        kid: kid.to_owned(),
        algorithm: "ES256".to_owned(),
        pkcs8: vec![1, 2, 3],
        sealed: false,
        active,
        created_at: at(0),
        activates_at: activates_at.map(at),
        needed_until: None,
    }
}

async fn servers_that_rotate_together_make_one_next_key_and_activate_it_once(database: TestDatabase) {
    database.write(|tx| signing_keys::insert(tx, &signing_key("first", true, None))).await;
    let mut active = "first".to_owned();
    for round in 1..=ROUNDS {
        let time = i64::try_from(round).expect("small") * 100;
        let made = race(&database, move |tx| {
            let kid = Secret::generate(Kind::Transaction).expose().to_owned();
            signing_keys::insert(tx, &signing_key(&kid, false, Some(time)))
        })
        .await;
        assert_eq!(made.iter().filter(|insertion| **insertion == Insertion::Inserted).count(), 1);
        let early = database.write(move |tx| signing_keys::activate_next(tx, at(time - 1), at(time + 50))).await;
        assert!(!early, "its time has not come");
        let activated = race(&database, move |tx| signing_keys::activate_next(tx, at(time), at(time + 50))).await;
        assert_eq!(activated.iter().filter(|activated| **activated).count(), 1);
        let now = database.read(signing_keys::active).await.expect("one is active");
        assert_ne!(now.kid, active);
        active = now.kid;
    }
    let (keys, retired) = (database.read(signing_keys::list).await, at(i64::try_from(ROUNDS).expect("small") * 100));
    assert_eq!(keys.len(), ROUNDS + 1);
    assert_eq!(keys.iter().filter(|key| key.active).count(), 1);
    assert!(keys.iter().filter(|key| !key.active).all(|key| !key.is_next() && key.needed_until.is_some()));
    let removed = database.write(move |tx| signing_keys::delete_unneeded(tx, retired)).await;
    assert_eq!(removed, ROUNDS - 1, "the one retired last is still needed");
}

async fn what_was_said_to_need_a_key_longest_counts(database: TestDatabase) {
    database.write(|tx| signing_keys::insert(tx, &signing_key("first", true, None))).await;
    assert!(database.write(|tx| signing_keys::need_until(tx, "first", at(900))).await);
    assert!(database.write(|tx| signing_keys::need_until(tx, "first", at(800))).await, "it is there");
    assert!(!database.write(|tx| signing_keys::need_until(tx, "other", at(900))).await);
    database.write(|tx| signing_keys::insert(tx, &signing_key("second", false, Some(5)))).await;
    assert!(database.write(|tx| signing_keys::activate_next(tx, at(5), at(100))).await);
    let first = database.read(signing_keys::list).await.into_iter().find(|key| key.kid == "first").expect("is kept");
    assert_eq!(first.needed_until, Some(at(900)));
    assert!(database.write(|tx| signing_keys::delete(tx, "second")).await);
    assert!(database.write(|tx| signing_keys::activate(tx, "first", at(6))).await);
    assert!(database.write(|tx| signing_keys::seal(tx, "first", &[9])).await);
    assert!(!database.write(|tx| signing_keys::seal(tx, "first", &[8])).await, "it is sealed already");
    let active = database.read(signing_keys::active).await.expect("one is active");
    assert_eq!((active.kid.as_str(), active.pkcs8, active.sealed), ("first", vec![9], true));
}

async fn a_username_is_given_once(database: TestDatabase) {
    let answers = race(&database, |tx| users::insert(tx, &user("ada"))).await;
    assert_eq!(answers.iter().filter(|insertion| **insertion == Insertion::Inserted).count(), 1);
    assert_eq!(database.read(users::list).await.len(), 1);
}

async fn holding_a_grant_keeps_others_waiting(database: TestDatabase) {
    let grant = database.grant().await;
    let inside = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = inside.clone();
    race(&database, move |tx| {
        grants::lock(tx, &grant.id, None, at(1))?.expect("the grant is there");
        let before = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(10));
        seen.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(before, 0, "two transactions hold one grant");
        Ok(())
    })
    .await;
}

/// Proves OAuth 2.1 §7.7: a sign-in and another password at the same time come one after the other.
async fn no_session_outlives_the_password_it_was_opened_with(database: TestDatabase) {
    for round in 0..ROUNDS {
        let ada = User { password_hash: Some("old".to_owned()), ..user(&format!("ada{round}")) };
        let (id, signing_in) = (ada.id.clone(), ada.id.clone());
        database.write(move |tx| users::insert(tx, &ada)).await;
        let (holds, held) = std::sync::mpsc::sync_channel::<()>(1);
        let sign_in = database.store.write(move |tx| {
            let ada = users::lock_enabled(tx, &signing_in)?.expect("is there");
            holds.send(()).ok();
            // Time for the other to try.
            std::thread::sleep(Duration::from_millis(2));
            let is_old = ada.password_hash.as_deref() == Some("old");
            if is_old {
                let session = BrowserSession { user_id: Some(signing_in.clone()), ..session() };
                browser_sessions::insert(tx, &session)?;
            }
            Ok((is_old, users::find(tx, &signing_in)?.expect("is there").password_hash == ada.password_hash))
        });
        let changed = async {
            tokio::task::spawn_blocking(move || held.recv()).await.expect("no panic").expect("it holds");
            let change = database.store.write(move |tx| {
                users::lock(tx, &id)?;
                users::set_password(tx, &id, "new")?;
                browser_sessions::delete_all_of(tx, &id)
            });
            change.await.expect("no error")
        };
        let (signed_in, ended) = tokio::join!(sign_in, changed);
        assert_eq!(signed_in.expect("no error"), (true, true), "they changed while they were held");
        assert_eq!(ended, 1, "the session of before was seen");
    }
}

async fn no_token_is_made_after_a_committed_revocation(database: TestDatabase) {
    for _ in 0..scale(ROUNDS, 10_000) {
        let grant = database.grant().await;
        let (id, to_refresh) = (grant.id.clone(), grant.clone());
        let revoke = database.store.write(move |tx| grants::revoke(tx, &id, at(5)));
        let refresh = database.store.write(move |tx| {
            let held = grants::lock(tx, &to_refresh.id, None, at(1))?.expect("the grant is there");
            // Time for the other to try.
            std::thread::sleep(Duration::from_millis(2));
            if held.revoked_at.is_none() {
                refresh_tokens::insert(tx, &refresh_token(&to_refresh))?;
            }
            Ok((held.revoked_at.is_none(), grants::find(tx, &to_refresh.id)?))
        });
        let (revoked, refreshed) = tokio::join!(revoke, refresh);
        assert_eq!(revoked.expect("no error").len(), 1);
        let (made, at_the_end) = refreshed.expect("no error");
        assert_eq!(made, at_the_end.expect("is there").revoked_at.is_none(), "the grant changed while it was held");
    }
}

/// Proves RFC 7009 §2.1: whatever ends a consent ends what was made of it in the moment before, whenever that was seen.
async fn what_is_made_of_a_consent_while_it_ends_ends_too(database: TestDatabase) {
    type End = fn(&mut Tx, &Grant) -> Result<usize, StoreError>;
    let ends: [End; 3] = [
        |tx, consent| grants::revoke(tx, &consent.id, at(5)).map(|ended| ended.len()),
        |tx, consent| grants::revoke_all_of_client(tx, &consent.client_id, at(5)),
        |tx, _| grants::revoke_all_before(tx, at(2), at(5)),
    ];
    let stranger = Grant { user_id: None, created_at: at(4), ..grant() };
    database.write(move |tx| grants::insert(tx, &stranger)).await;
    for end in ends {
        let consent = grant();
        let somebody = user(consent.id.as_str());
        let consent = Grant { user_id: Some(somebody.id.clone()), ..consent };
        let stored = consent.clone();
        database
            .write(move |tx| {
                users::insert(tx, &somebody)?;
                grants::insert_consent(tx, &stored)
            })
            .await;
        let (holds, held) = std::sync::mpsc::sync_channel::<()>(1);
        let (url, asked) = (database.url.clone(), consent.clone());
        let remember = database.store.write(move |tx| {
            let user_id = asked.user_id.as_ref().expect("somebody's");
            let found = grants::consented(tx, user_id, &asked.client_id, &asked.resource, at(-1), at(3))?;
            let from = found.expect("it holds");
            let made =
                Grant { id: GrantId::generate(), created_at: at(3), remembered_from: Some(from.id.clone()), ..from };
            grants::insert(tx, &made)?;
            holds.send(()).ok();
            wait_until_somebody_waits(&url);
            Ok(())
        });
        let ended = async {
            tokio::task::spawn_blocking(move || held.recv()).await.expect("no panic").expect("it holds");
            database.store.write(move |tx| end(tx, &consent)).await
        };
        let (remembered, ended) = tokio::join!(remember, ended);
        remembered.expect("no error");
        assert_eq!(ended.expect("no error"), 2);
        assert_eq!(database.count("grants WHERE revoked_at IS NULL"), 1, "a stranger's alone");
    }
}

/// On PostgreSQL: until another transaction waits for a row of this one. SQLite has one writer at a time, which sees all before it.
fn wait_until_somebody_waits(url: &str) {
    let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while url.starts_with("postgres") && count(url, waiting) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
}

async fn a_crowd_of_writers_waits_its_turn(database: TestDatabase) {
    let writers: Vec<_> = (0..64)
        .map(|i| {
            let store = database.store.clone();
            tokio::spawn(async move {
                for j in 0..20 {
                    store.write(move |tx| users::insert(tx, &user(&format!("{i}/{j}")))).await.expect("gets its turn");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert_eq!(database.read(users::list).await.len(), 64 * 20);
}
