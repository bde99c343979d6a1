//! One connection type for both databases, and how a connection is made. The scheme of the URL picks the database; diesel's
//! own `establish` would try each in turn and hide the real error.

use std::num::NonZeroU32;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{ManageConnection, R2D2Connection};
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::StoreError;
use crate::database_url::{Backend, DatabaseUrl, PostgresUrl};

/// Either database; every query in this crate is checked for both.
#[derive(diesel::MultiConnection)]
pub(crate) enum AnyConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// An open transaction: what the functions of every table take first. Made by `Store::read` and `Store::write` only.
pub struct Tx(pub(crate) AnyConnection);

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Sees one snapshot; a write in it is refused.
    Read,
    /// Sees what others have committed, and holds what it has written. On SQLite it is the only writer from its beginning:
    /// one that turned into a writer midway would fail instead of waiting.
    Write,
}

impl Tx {
    pub(crate) fn begin(&mut self, access: Access) -> Result<(), StoreError> {
        let begun = match (&mut self.0, access) {
            (AnyConnection::Postgres(connection), Access::Read) => AnsiTransactionManager::begin_transaction_sql(
                connection,
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            ),
            (AnyConnection::Postgres(connection), Access::Write) => AnsiTransactionManager::begin_transaction_sql(
                connection,
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            ),
            (AnyConnection::Sqlite(connection), Access::Read) => {
                AnsiTransactionManager::begin_transaction_sql(connection, "PRAGMA query_only = ON; BEGIN")
            }
            (AnyConnection::Sqlite(connection), Access::Write) => {
                AnsiTransactionManager::begin_transaction_sql(connection, "PRAGMA query_only = OFF; BEGIN IMMEDIATE")
            }
        };
        begun.map_err(|error| match error.into() {
            // Whatever it says of itself, in whatever language: nothing had begun, so it may be repeated on another one.
            StoreError::Refused(reason) if self.0.is_broken() => StoreError::ConnectionLost(reason),
            error => error,
        })
    }

    /// PostgreSQL answers the COMMIT of a transaction it has given up with a rollback and no error, and what was reported as
    /// done would be lost. So a statement that such a transaction refuses goes before it, in the same message: the COMMIT is
    /// then not even tried.
    pub(crate) fn commit(&mut self, access: Access) -> Result<(), StoreError> {
        match (&mut self.0, access) {
            (AnyConnection::Postgres(connection), Access::Write) => {
                if let Err(error) = connection.batch_execute("SELECT; COMMIT") {
                    self.roll_back();
                    return Err(error.into());
                }
                Ok(())
            }
            (connection, _) => Ok(AnyConnection::commit_transaction(connection)?),
        }
    }

    /// Part of a transaction that can be undone by itself.
    pub(crate) fn begin_savepoint(&mut self) -> Result<(), StoreError> {
        Ok(AnyConnection::begin_transaction(&mut self.0)?)
    }

    pub(crate) fn release_savepoint(&mut self) -> Result<(), StoreError> {
        Ok(AnyConnection::commit_transaction(&mut self.0)?)
    }

    /// Undoes everything from this depth on: work that panicked may have left savepoints of its own open.
    pub(crate) fn roll_back_to(&mut self, depth: u32) -> Result<(), StoreError> {
        while self.depth()? >= depth {
            AnyConnection::rollback_transaction(&mut self.0)?;
        }
        Ok(())
    }

    fn depth(&mut self) -> Result<u32, StoreError> {
        let status = match &mut self.0 {
            AnyConnection::Postgres(connection) => AnsiTransactionManager::transaction_manager_status_mut(connection),
            AnyConnection::Sqlite(connection) => AnsiTransactionManager::transaction_manager_status_mut(connection),
        };
        Ok(status.transaction_depth()?.map_or(0, NonZeroU32::get))
    }

    /// A failure needs no answer: the database forgets the transaction with the connection, which the pool then drops.
    pub(crate) fn roll_back(&mut self) {
        if let Err(error) = self.roll_back_to(1) {
            tracing::debug!(%error, "rolling back failed");
        }
    }
}

/// How deep the savepoint of one write lies within a transaction that several share.
pub(crate) const SAVEPOINT_DEPTH: u32 = 2;

/// Makes and checks the connections of the pool.
pub(crate) struct Manager(pub(crate) DatabaseUrl);

impl ManageConnection for Manager {
    type Connection = Tx;
    type Error = StoreError;

    fn connect(&self) -> Result<Tx, StoreError> {
        connect(&self.0).map(Tx)
    }

    /// Never asked: the BEGIN of each transaction finds a dead connection without a round trip more.
    fn is_valid(&self, _: &mut Tx) -> Result<(), StoreError> {
        Ok(())
    }

    fn has_broken(&self, tx: &mut Tx) -> bool {
        thread::panicking() || tx.0.is_broken()
    }
}

/// A new connection, ready for transactions. Errors name the database and the reason it gave.
pub(crate) fn connect(url: &DatabaseUrl) -> Result<AnyConnection, StoreError> {
    let connection = match &url.0 {
        Backend::Postgres(postgres) => connect_postgres(postgres).map(AnyConnection::Postgres),
        Backend::Sqlite(path) => connect_sqlite(&path.to_string_lossy()).map(AnyConnection::Sqlite),
    };
    connection.map_err(|reason| StoreError::Unavailable(format!("cannot open {url}: {reason}")))
}

fn connect_postgres(url: &PostgresUrl) -> Result<PgConnection, String> {
    let mut connection = PgConnection::establish(url.connection()).map_err(|error| url.redacted(&error.to_string()))?;
    // Nothing waits for ever: not a statement, not a lock, and not others for a transaction whose process stands still.
    connection
        .batch_execute(
            "SET statement_timeout = '5s'; SET lock_timeout = '4s'; SET idle_in_transaction_session_timeout = '10s'",
        )
        .map_err(|error| url.redacted(&error.to_string()))?;
    Ok(connection)
}

fn connect_sqlite(path: &str) -> Result<SqliteConnection, String> {
    // Absolute, because SQLite reads "file:…" and "sqlite:…" as URLs with parameters.
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    let mut connection = SqliteConnection::establish(&path.to_string_lossy()).map_err(|error| error.to_string())?;
    // The timeout first, so that the rest waits too. FULL: with NORMAL a power cut can take the last rotation of a refresh
    // token with it, and the client that has the new token would be logged out.
    let setup =
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON";
    let end = Instant::now() + Duration::from_secs(5);
    // Going over to WAL does not wait for its lock, unlike everything else.
    while let Err(error) = connection.batch_execute(setup) {
        if !error.to_string().contains("locked") || Instant::now() > end {
            return Err(error.to_string());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;
    use diesel::sql_types::{Integer, Text};

    use super::*;

    #[derive(QueryableByName)]
    struct Pragmas {
        #[diesel(sql_type = Integer)]
        busy_timeout: i32,
        #[diesel(sql_type = Text)]
        journal_mode: String,
        #[diesel(sql_type = Integer)]
        synchronous: i32,
        #[diesel(sql_type = Integer)]
        foreign_keys: i32,
    }

    #[test]
    fn every_sqlite_connection_waits_writes_ahead_syncs_fully_and_checks_foreign_keys() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.db");
        for _ in 0..2 {
            let mut connection = connect_sqlite(&path.to_string_lossy()).expect("opens");
            let pragmas: Pragmas = diesel::sql_query(
                "SELECT t.timeout AS busy_timeout, journal_mode, synchronous, foreign_keys FROM pragma_busy_timeout t, \
                 pragma_journal_mode, pragma_synchronous, pragma_foreign_keys",
            )
            .get_result(&mut connection)
            .expect("reads");
            assert_eq!((pragmas.busy_timeout, pragmas.journal_mode.as_str()), (5000, "wal"));
            // 2 is FULL.
            assert_eq!((pragmas.synchronous, pragmas.foreign_keys), (2, 1));
        }
    }

    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        setting: String,
    }

    #[test]
    fn every_postgresql_connection_bounds_its_statements_locks_and_idle_transactions() {
        let name = "connection::every_postgresql_connection_bounds_its_statements";
        let Some(postgres) = gatelodge_e2e::postgres::for_test(name) else { return };
        let url = postgres.fresh_database().parse().expect("a URL");
        let AnyConnection::Postgres(mut connection) = connect(&url).expect("connects") else {
            panic!("it is PostgreSQL")
        };
        for (name, value) in [
            ("statement_timeout", "5s"),
            ("lock_timeout", "4s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("application_name", "gatelodge"),
        ] {
            let row: Setting = diesel::sql_query(format!("SELECT current_setting('{name}') AS setting"))
                .get_result(&mut connection)
                .expect("reads");
            assert_eq!(row.setting, value, "{name}");
        }
    }
}
