//! What can go wrong with the database, sorted by what the caller can do about it. People are told whether it passes
//! ([`StoreError::is_unavailable`]); clients always that it does, since many throw their tokens away on anything else.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the store. No message ever contains the password of the database.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or cannot work just now. Nothing was changed.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The connection broke before anything was committed. Nothing was changed.
    #[error("the connection to the database was lost: {0}")]
    ConnectionLost(String),
    /// Other transactions were in the way, also when it was tried again. Nothing was changed.
    #[error("transactions got in each other's way: {0}")]
    Conflict(String),
    /// The connection broke while committing: the change may or may not have been made. Whoever tries again must look first.
    #[error("it is unknown whether the change was made, because the database went away while committing: {0}")]
    CommitUnknown(String),
    /// A stored row that this version cannot have written.
    #[error("column {column} of the row {id} in table {table} cannot be read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Enough of its primary key to find the row.
        id: String,
    },
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date: {0}")]
    Migration(String),
    /// Another server uses the same SQLite file.
    #[error(
        "{0} is in use by another gatelodge server: SQLite serves one server process; stop the other one or use PostgreSQL"
    )]
    InUse(String),
    /// The database refused a statement: a fault of this program or of the schema.
    #[error("the database refused a statement: {0}")]
    Refused(String),
}

impl StoreError {
    /// Whether the same call may succeed later: the caller answers "try again", never that its request was wrong.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::ConnectionLost(_) | Self::Conflict(_) | Self::CommitUnknown(_) => true,
            Self::Corrupt { .. } | Self::Migration(_) | Self::InUse(_) | Self::Refused(_) => false,
        }
    }

    /// Whether nothing was committed and another attempt at once makes sense.
    pub(crate) fn may_be_tried_again(&self) -> bool {
        matches!(self, Self::ConnectionLost(_) | Self::Conflict(_))
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(kind, info) => sort(&kind, info.message()),
            DieselError::BrokenTransactionManager => Self::ConnectionLost("its transaction could not be ended".into()),
            DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::CommitUnknown(commit_error.to_string()),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// Diesel tells a few kinds apart and gives no SQLSTATE, so the rest is known by its text: the words of SQLite, and of a
/// PostgreSQL whose messages are in English. Text that is not recognised ends as [`StoreError::Refused`].
fn sort(kind: &DatabaseErrorKind, message: &str) -> StoreError {
    const CONFLICTS: [&str; 1] = ["deadlock detected"];
    const LOST: [&str; 3] =
        ["terminating connection due to", "server closed the connection", "no connection to the server"];
    const UNAVAILABLE: [&str; 13] = [
        "canceling statement due to",
        "database is locked",
        "database table is locked",
        "database or disk is full",
        "disk I/O error",
        "attempt to write a readonly database",
        "unable to open database file",
        "No space left on device",
        "the database system is",
        "too many clients already",
        "remaining connection slots are reserved",
        "out of memory",
        "out of shared memory",
    ];
    let says = |known: &[&str]| known.iter().any(|text| message.contains(text));
    match kind {
        DatabaseErrorKind::SerializationFailure => StoreError::Conflict(message.into()),
        DatabaseErrorKind::ClosedConnection => StoreError::ConnectionLost(message.into()),
        DatabaseErrorKind::ReadOnlyTransaction => StoreError::Unavailable(message.into()),
        _ if says(&CONFLICTS) => StoreError::Conflict(message.into()),
        _ if says(&LOST) => StoreError::ConnectionLost(message.into()),
        _ if says(&UNAVAILABLE) => StoreError::Unavailable(message.into()),
        _ => StoreError::Refused(message.into()),
    }
}
