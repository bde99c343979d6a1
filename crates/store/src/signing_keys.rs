//! Keys that sign access tokens (RFC 9068). One is active; all are published (RFC 7517), so that tokens signed by an earlier
//! one are still accepted.

use std::fmt;

use diesel::prelude::*;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::schema::signing_keys as t;
use crate::{Insertion, StoreError, Tx};

/// A key as it is stored. `Debug` leaves the private part out.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeyRow {
    /// Names it in the header of a token.
    pub kid: String,
    /// `alg` (RFC 7518 §3.1).
    pub algorithm: String,
    /// The private key.
    pub pkcs8: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl fmt::Debug for SigningKeyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeyRow")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    kid: String,
    algorithm: String,
    pkcs8: Vec<u8>,
    active: bool,
    created_at: i64,
    sealed: bool,
    activates_at: Option<i64>,
    needed_until: Option<i64>,
}

impl From<Row> for SigningKeyRow {
    fn from(row: Row) -> Self {
        Self {
            kid: row.kid,
            algorithm: row.algorithm,
            pkcs8: row.pkcs8,
            created_at: Timestamp::from_unix(row.created_at),
        }
    }
}

/// The key to sign with.
pub fn active(tx: &mut Tx) -> Result<Option<SigningKeyRow>, StoreError> {
    let row = t::table.filter(t::active.eq(true)).first::<Row>(&mut tx.0).optional()?;
    Ok(row.map(SigningKeyRow::from))
}

/// Makes this the active key, unless there is one: of several servers that start for the first time together one wins, and
/// the others then read its key.
pub fn insert_first(tx: &mut Tx, key: &SigningKeyRow) -> Result<Insertion, StoreError> {
    let row = Row {
        kid: key.kid.clone(),
        algorithm: key.algorithm.clone(),
        pkcs8: key.pkcs8.clone(),
        active: true,
        created_at: key.created_at.as_unix(),
        sealed: false,
        activates_at: None,
        needed_until: None,
    };
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))
}
