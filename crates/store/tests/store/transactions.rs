//! What one `write` promises: all or nothing, once or not at all, and a pool that survives whatever happens inside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gatelodge_store::{PoolOptions, Store, StoreError, Tx, grants, users};

use crate::support::{TestDatabase, at, on_both_databases, runtime, user};

on_both_databases!(
    an_error_rolls_everything_back,
    a_read_cannot_write,
    an_error_that_the_work_keeps_to_itself_is_never_a_success,
    a_panic_rolls_back_and_the_pool_lives_on,
    a_busy_pool_answers_within_seconds,
    transactions_that_wait_for_each_other_are_tried_again,
);

async fn an_error_rolls_everything_back(database: TestDatabase) {
    let outcome: Result<(), _> = database
        .store
        .write(|tx| {
            users::insert(tx, &user("ada"))?;
            Err(StoreError::Refused("on purpose".to_owned()))
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::Refused(text)) if text == "on purpose"));
    assert!(database.read(users::list).await.is_empty());
}

async fn a_read_cannot_write(database: TestDatabase) {
    for _ in 0..3 {
        assert!(database.store.read(|tx| users::insert(tx, &user("ada"))).await.is_err());
        assert!(database.read(users::list).await.is_empty());
        database.write(|_| Ok(())).await;
    }
    database.write(|tx| users::insert(tx, &user("ada"))).await;
    assert_eq!(database.read(users::list).await.len(), 1);
}

async fn a_panic_rolls_back_and_the_pool_lives_on(database: TestDatabase) {
    for _ in 0..12 {
        let store = database.store.clone();
        let run = tokio::spawn(async move {
            store
                .write(|tx| -> Result<(), StoreError> {
                    users::insert(tx, &user("ada"))?;
                    panic!("a fault inside a transaction (expected in this test)")
                })
                .await
        });
        assert!(run.await.expect_err("the panic goes on to the caller").is_panic());
    }
    assert!(database.read(users::list).await.is_empty());
}

async fn a_busy_pool_answers_within_seconds(database: TestDatabase) {
    let holders: Vec<_> = (0..10)
        .map(|_| {
            let store = database.store.clone();
            tokio::spawn(async move {
                store
                    .read(|_| {
                        std::thread::sleep(Duration::from_secs(4));
                        Ok(())
                    })
                    .await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let begin = Instant::now();
    let refused = database.store.read(users::list).await.expect_err("every connection is held");
    assert!(refused.is_unavailable(), "{refused:?}");
    assert!(begin.elapsed() < Duration::from_secs(3));
    for holder in holders {
        holder.await.expect("no panic").expect("reads");
    }
    database.read(users::list).await;
}

#[test]
fn writes_that_wait_share_a_commit_and_not_their_failures() {
    crate::support::on_sqlite(async |database| {
        let wal = database.sqlite_path().expect("a file").with_extension("db-wal");
        let size = || std::fs::metadata(&wal).expect("it writes ahead").len();
        let store = database.store.clone();
        let first = tokio::spawn(async move {
            store
                .write(|_| {
                    std::thread::sleep(Duration::from_millis(500));
                    Ok(())
                })
                .await
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let before = size();
        let rest: Vec<_> = (0..60)
            .map(|i| {
                let store = database.store.clone();
                tokio::spawn(async move {
                    store
                        .write(move |tx| {
                            users::insert(tx, &user(&format!("{i}")))?;
                            match i % 3 {
                                0 => Ok(()),
                                1 => Err(StoreError::Refused("on purpose".to_owned())),
                                _ => panic!("a fault inside a transaction (expected in this test)"),
                            }
                        })
                        .await
                })
            })
            .collect();
        first.await.expect("no panic").expect("writes");
        for (i, write) in rest.into_iter().enumerate() {
            match (i % 3, write.await) {
                (0, Ok(Ok(()))) => {}
                (1, Ok(Err(StoreError::Refused(text)))) if text == "on purpose" => {}
                (2, Err(panic)) if panic.is_panic() => {}
                (_, other) => panic!("{i}: {other:?}"),
            }
        }
        let stored: Vec<String> = database.read(users::list).await.into_iter().map(|user| user.username).collect();
        let mut expected: Vec<String> = (0..60).step_by(3).map(|i| i.to_string()).collect();
        expected.sort();
        assert_eq!(stored, expected);
        // Each commit of its own would write at least the pages of the table and of its two indexes.
        let page_in_wal = 4096 + 24;
        assert!(size() - before < 20 * 3 * page_in_wal, "{} bytes", size() - before);
    });
}

#[test]
fn a_write_whose_caller_has_left_is_never_begun() {
    crate::support::on_sqlite(async |database| {
        let store = database.store.clone();
        let first = tokio::spawn(async move {
            store
                .write(|_| {
                    std::thread::sleep(Duration::from_millis(300));
                    Ok(())
                })
                .await
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let impatient = database.store.write(|tx| users::insert(tx, &user("ada")));
        assert!(tokio::time::timeout(Duration::from_millis(50), impatient).await.is_err());
        first.await.expect("no panic").expect("writes");
        database.write(|tx| users::insert(tx, &user("bob"))).await;
        assert_eq!(database.read(users::list).await.len(), 1);
    });
}

/// Two grants held in opposite order: PostgreSQL ends one of the transactions, and the store runs it again. On SQLite the
/// second one waits from its beginning.
async fn transactions_that_wait_for_each_other_are_tried_again(database: TestDatabase) {
    let (first, second) = (database.grant().await.id, database.grant().await.id);
    let runs = Arc::new(AtomicU32::new(0));
    let both = [(first.clone(), second.clone()), (second, first)].map(|(one, other)| {
        let (store, runs) = (database.store.clone(), runs.clone());
        tokio::spawn(async move {
            store
                .write(move |tx| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    grants::lock(tx, &one, None, at(1))?;
                    std::thread::sleep(Duration::from_millis(200));
                    grants::lock(tx, &other, None, at(1))
                })
                .await
        })
    });
    for run in both {
        run.await.expect("no panic").expect("succeeds in the end");
    }
    let expected = if database.sqlite_path().is_some() { 2 } else { 3 };
    assert_eq!(runs.load(Ordering::SeqCst), expected);
}

/// Waits until they are gone.
const TERMINATE_OTHERS: &str = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[test]
fn a_restarted_postgresql_is_used_again_without_an_error() {
    use gatelodge_e2e::postgres::{Options, Postgres};
    use gatelodge_e2e::requirements::available_or_skip;
    let name = "transactions::a_restarted_postgresql_is_used_again_without_an_error";
    let Some(postgres) = available_or_skip(name, Postgres::dedicated(Options::default())) else { return };
    runtime().block_on(async {
        let url = postgres.fresh_database().parse().expect("a URL");
        let store = Store::open(&url, PoolOptions::server(5)).await.expect("opens");
        let busy: Vec<_> = (0..5)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.read(users::list).await })
            })
            .collect();
        for read in busy {
            read.await.expect("no panic").expect("reads");
        }
        store.write(|tx| users::insert(tx, &user("ada"))).await.expect("writes");

        postgres.stop_immediate();
        let down = store.read(users::list).await.expect_err("it is down");
        assert!(down.is_unavailable(), "{down:?}");
        postgres.start();
        for _ in 0..10 {
            assert_eq!(store.read(users::list).await.expect("it is back").len(), 1);
        }
    });
}

#[test]
fn a_connection_lost_inside_a_transaction_is_replaced_and_the_work_done_once() {
    let Some(postgres) = gatelodge_e2e::postgres::for_test("transactions::a_connection_lost_inside_a_transaction")
    else {
        return;
    };
    runtime().block_on(async {
        let url = postgres.fresh_database();
        let store = Store::open(&url.parse().expect("a URL"), PoolOptions::server(2)).await.expect("opens");
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        store
            .write(move |tx| {
                users::insert(tx, &user("ada"))?;
                if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                    postgres.psql(&url, TERMINATE_OTHERS);
                }
                users::insert(tx, &user("bob"))
            })
            .await
            .expect("succeeds at the second attempt");
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert_eq!(store.read(users::list).await.expect("reads").len(), 2);
    });
}

#[test]
fn a_connection_lost_at_the_commit_is_told_as_unknown_and_the_work_not_repeated() {
    let Some(postgres) = gatelodge_e2e::postgres::for_test("transactions::a_connection_lost_at_the_commit") else {
        return;
    };
    runtime().block_on(async {
        let url = postgres.fresh_database();
        let store = Store::open(&url.parse().expect("a URL"), PoolOptions::server(2)).await.expect("opens");
        // A deferred trigger runs inside COMMIT.
        let ending = "CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS \
            'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'; \
            CREATE CONSTRAINT TRIGGER hang_up AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED \
            FOR EACH ROW EXECUTE FUNCTION hang_up()";
        postgres.psql(&url, ending);
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        let work = move |tx: &mut Tx| {
            counted.fetch_add(1, Ordering::SeqCst);
            users::insert(tx, &user("ada"))
        };
        let outcome = store.write(work).await.expect_err("nobody can know");
        assert!(matches!(outcome, StoreError::CommitUnknown(_)), "{outcome:?}");
        assert!(outcome.is_unavailable());
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert!(store.read(users::list).await.expect("reads").is_empty());
    });
}

async fn an_error_that_the_work_keeps_to_itself_is_never_a_success(database: TestDatabase) {
    let outcome = database
        .store
        .write(|tx| {
            users::insert(tx, &user("ada"))?;
            // A grant of nobody is refused; PostgreSQL will not commit after that, whatever the work says.
            let _ = grants::insert(tx, &crate::support::grant());
            Ok(())
        })
        .await;
    let stored = database.read(users::list).await.len();
    assert_eq!(outcome.is_ok(), stored == 1, "{outcome:?}, but {stored} rows");
}
