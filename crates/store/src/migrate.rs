//! Brings the schema up to date when the store opens. All of it happens in one transaction under a lock, so any number of
//! servers may start together: one migrates, the others wait and find nothing left to do.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::StoreError;
use crate::connection::AnyConnection;

const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Any number works that nothing else in the same database takes for an advisory lock.
const ADVISORY_LOCK: i64 = 0x6761_7465_6c6f_6467;

pub(crate) fn run(connection: &mut AnyConnection) -> Result<(), StoreError> {
    match connection {
        AnyConnection::Postgres(connection) => postgres(connection),
        AnyConnection::Sqlite(connection) => sqlite(connection),
    }
}

fn postgres(connection: &mut PgConnection) -> Result<(), StoreError> {
    connection.transaction(|connection| {
        // A migration may take longer than a request, and so may the wait for another server's.
        connection.batch_execute(&format!(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '5min'; SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"
        ))?;
        apply(connection.run_pending_migrations(POSTGRES).map(drop))
    })
}

/// A table that is made anew is dropped in between, and would take the rows with it that refer to it: foreign keys are off
/// meanwhile, which cannot be done within the transaction, and checked before it commits.
fn sqlite(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    connection.batch_execute("PRAGMA foreign_keys = OFF")?;
    connection.immediate_transaction(|connection| {
        apply(connection.run_pending_migrations(SQLITE).map(drop))?;
        let orphans: Vec<Orphan> =
            diesel::sql_query("SELECT \"table\" AS table_name FROM pragma_foreign_key_check").load(connection)?;
        match orphans.first() {
            None => Ok(()),
            Some(Orphan { table_name }) => Err(StoreError::Migration(format!("rows of {table_name} refer to nothing"))),
        }
    })?;
    Ok(connection.batch_execute("PRAGMA foreign_keys = ON")?)
}

#[derive(QueryableByName)]
struct Orphan {
    #[diesel(sql_type = diesel::sql_types::Text)]
    table_name: String,
}

fn apply(outcome: diesel::migration::Result<()>) -> Result<(), StoreError> {
    outcome.map_err(|error| StoreError::Migration(error.to_string()))
}
