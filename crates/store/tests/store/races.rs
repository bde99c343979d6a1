//! What happens when many requests want the same thing at once: one gets it, and the others are told so without an error.

use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::client_assertion::UsedAssertion;
use gatelodge_oauth::grant::refresh_token::{RefreshToken, SealedSuccessor};
use gatelodge_oauth::secret::{Kind, Secret, random_base62};
use gatelodge_store::signing_keys::{self, SigningKeyRow};
use gatelodge_store::{
    Insertion, StoreError, Tx, authorization_codes, grants, pending_authorizations, refresh_tokens, sweep,
    used_assertions, users,
};

use crate::support::{TestDatabase, at, code, hash, on_both_databases, pending, refresh_token, user};

on_both_databases!(
    a_code_is_consumed_once,
    a_refresh_token_is_spent_once_and_leaves_one_unspent_token,
    a_pending_authorization_is_consumed_once_and_only_by_its_browser,
    servers_that_start_together_make_one_signing_key,
    a_username_is_given_once,
    holding_a_grant_keeps_others_waiting,
    no_token_is_made_after_a_committed_revocation,
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
            grants::lock(tx, &grant_id, at(1))?;
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
        let key = SigningKeyRow { kid, algorithm: "ES256".to_owned(), pkcs8: vec![1, 2, 3], created_at: at(0) };
        let insertion = signing_keys::insert_first(tx, &key)?;
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
        grants::lock(tx, &grant.id, at(1))?.expect("the grant is there");
        let before = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(10));
        seen.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(before, 0, "two transactions hold one grant");
        Ok(())
    })
    .await;
}

async fn no_token_is_made_after_a_committed_revocation(database: TestDatabase) {
    for _ in 0..ROUNDS {
        let grant = database.grant().await;
        let (id, to_refresh) = (grant.id.clone(), grant.clone());
        let revoke = database.store.write(move |tx| grants::revoke(tx, &id, at(5)));
        let refresh = database.store.write(move |tx| {
            let held = grants::lock(tx, &to_refresh.id, at(1))?.expect("the grant is there");
            // Time for the other to try.
            std::thread::sleep(Duration::from_millis(2));
            if held.revoked_at.is_none() {
                refresh_tokens::insert(tx, &refresh_token(&to_refresh))?;
            }
            Ok((held.revoked_at.is_none(), grants::find(tx, &to_refresh.id)?))
        });
        let (revoked, refreshed) = tokio::join!(revoke, refresh);
        assert!(revoked.expect("no error"));
        let (made, at_the_end) = refreshed.expect("no error");
        assert_eq!(made, at_the_end.expect("is there").revoked_at.is_none(), "the grant changed while it was held");
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
