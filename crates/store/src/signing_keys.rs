//! Keys that sign access tokens (RFC 9068). One is active; one at most is next; those that were active before stay published
//! (RFC 7517) until the last token signed with them has expired.
//!
//! | | `active` | `activates_at` |
//! |---|---|---|
//! | next | no | when it becomes active |
//! | active | yes | when it did (none: made before keys rotated) |
//! | retired | no | none |

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
    /// Whether `pkcs8` is encrypted.
    pub sealed: bool,
    /// Whether tokens are signed with it.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a next key becomes active, or when the active one did.
    pub activates_at: Option<Timestamp>,
    /// When the last token signed with it has certainly expired, as far as is known.
    pub needed_until: Option<Timestamp>,
}

impl SigningKeyRow {
    /// Whether it will be active some day.
    pub fn is_next(&self) -> bool {
        !self.active && self.activates_at.is_some()
    }

    /// `active`, `next` or `retired`.
    pub fn state(&self) -> &'static str {
        match self {
            key if key.active => "active",
            key if key.is_next() => "next",
            _ => "retired",
        }
    }
}

impl fmt::Debug for SigningKeyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeyRow")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("active", &self.active)
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
            sealed: row.sealed,
            active: row.active,
            created_at: Timestamp::from_unix(row.created_at),
            activates_at: row.activates_at.map(Timestamp::from_unix),
            needed_until: row.needed_until.map(Timestamp::from_unix),
        }
    }
}

impl From<&SigningKeyRow> for Row {
    fn from(key: &SigningKeyRow) -> Self {
        Self {
            kid: key.kid.clone(),
            algorithm: key.algorithm.clone(),
            pkcs8: key.pkcs8.clone(),
            active: key.active,
            created_at: key.created_at.as_unix(),
            sealed: key.sealed,
            activates_at: key.activates_at.map(Timestamp::as_unix),
            needed_until: key.needed_until.map(Timestamp::as_unix),
        }
    }
}

/// Every key, the newest first.
pub fn list(tx: &mut Tx) -> Result<Vec<SigningKeyRow>, StoreError> {
    let rows = t::table.order((t::created_at.desc(), t::kid)).load::<Row>(&mut tx.0)?;
    Ok(rows.into_iter().map(SigningKeyRow::from).collect())
}

/// The key to sign with.
pub fn active(tx: &mut Tx) -> Result<Option<SigningKeyRow>, StoreError> {
    let row = t::table.filter(t::active.eq(true)).first::<Row>(&mut tx.0).optional()?;
    Ok(row.map(SigningKeyRow::from))
}

/// Adds a key, unless it is the second active or the second next one: of several servers that make one together one wins,
/// and the others then read its key.
pub fn insert(tx: &mut Tx, key: &SigningKeyRow) -> Result<Insertion, StoreError> {
    let row = Row::from(key);
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))
}

/// Replaces the private part by its encrypted form; `false` when it is encrypted already.
pub fn seal(tx: &mut Tx, kid: &str, sealed: &[u8]) -> Result<bool, StoreError> {
    let rows = diesel::update(t::table.filter(t::kid.eq(kid)).filter(t::sealed.eq(false)))
        .set((t::pkcs8.eq(sealed), t::sealed.eq(true)))
        .execute(&mut tx.0)?;
    Ok(rows == 1)
}

/// The next key becomes the active one, if its time has come; the one before stays published until `needed_until` at least.
/// `false` when there is nothing to do, or another server has done it.
pub fn activate_next(tx: &mut Tx, now: Timestamp, needed_until: Timestamp) -> Result<bool, StoreError> {
    let due = t::table.filter(t::active.eq(false)).filter(t::activates_at.le(now.as_unix()));
    let Some(kid) = due.select(t::kid).first::<String>(&mut tx.0).optional()? else { return Ok(false) };
    let active = t::table.filter(t::active.eq(true)).select(t::kid).first::<String>(&mut tx.0).optional()?;
    // Each statement sees what was committed before it: another server may have done all of it between these two.
    if active.as_ref() == Some(&kid) {
        return Ok(false);
    }
    if let Some(active) = active {
        retire(tx, &active, needed_until)?;
    }
    if activate(tx, &kid, now)? {
        Ok(true)
    } else {
        Err(StoreError::Conflict(format!("the next signing key {kid} was taken away")))
    }
}

/// Makes this key the active one, where there is none; `false` when there is no such key.
pub fn activate(tx: &mut Tx, kid: &str, now: Timestamp) -> Result<bool, StoreError> {
    let rows = diesel::update(t::table.filter(t::kid.eq(kid)).filter(t::active.eq(false)))
        .set((t::active.eq(true), t::activates_at.eq(Some(now.as_unix()))))
        .execute(&mut tx.0)?;
    Ok(rows == 1)
}

fn retire(tx: &mut Tx, kid: &str, needed_until: Timestamp) -> Result<(), StoreError> {
    need_until(tx, kid, needed_until)?;
    let rows = diesel::update(t::table.filter(t::kid.eq(kid)).filter(t::active.eq(true)))
        .set((t::active.eq(false), t::activates_at.eq(None::<i64>)))
        .execute(&mut tx.0)?;
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict(format!("the signing key {kid} was retired already"))) }
}

/// Keeps a key published until this time at least; `false` when there is no such key.
pub fn need_until(tx: &mut Tx, kid: &str, until: Timestamp) -> Result<bool, StoreError> {
    let shorter = t::needed_until.is_null().or(t::needed_until.lt(until.as_unix()));
    diesel::update(t::table.filter(t::kid.eq(kid)).filter(shorter))
        .set(t::needed_until.eq(Some(until.as_unix())))
        .execute(&mut tx.0)?;
    Ok(t::table.filter(t::kid.eq(kid)).select(t::kid).first::<String>(&mut tx.0).optional()?.is_some())
}

/// Takes the key away at once; `false` when there is no such key. The caller sees to it that one stays active.
pub fn delete(tx: &mut Tx, kid: &str) -> Result<bool, StoreError> {
    Ok(diesel::delete(t::table.filter(t::kid.eq(kid))).execute(&mut tx.0)? == 1)
}

/// Takes away the retired keys that nobody needs any more.
pub fn delete_unneeded(tx: &mut Tx, now: Timestamp) -> Result<usize, StoreError> {
    let retired = t::table.filter(t::active.eq(false)).filter(t::activates_at.is_null());
    Ok(diesel::delete(retired.filter(t::needed_until.lt(now.as_unix()))).execute(&mut tx.0)?)
}
