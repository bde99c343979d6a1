//! Inserting what may exist already. The upsert of SQL has no common form on both databases, so the unique index answers.

use diesel::Connection;
use diesel::result::{DatabaseErrorKind, Error, QueryResult};

use crate::connection::AnyConnection;
use crate::{StoreError, Tx};

/// What an insert found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    /// The row is there now.
    Inserted,
    /// A row that excludes it was there before; nothing was changed.
    AlreadyExists,
}

/// Runs `insert` inside a savepoint: PostgreSQL gives up the whole transaction after an error that is not contained.
pub(crate) fn unless_exists(
    tx: &mut Tx,
    insert: impl FnOnce(&mut AnyConnection) -> QueryResult<usize>,
) -> Result<Insertion, StoreError> {
    match tx.0.transaction(insert) {
        Ok(_) => Ok(Insertion::Inserted),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(Insertion::AlreadyExists),
        Err(error) => Err(error.into()),
    }
}
