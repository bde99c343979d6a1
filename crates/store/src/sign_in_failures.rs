//! How often sign-ins failed, by whatever is counted: an account, a source, both, everybody. Used by the throttling of sign-ins,
//! which decides; this keeps, so that a restart forgets nothing and several servers count together.

use std::time::Duration;

use diesel::prelude::*;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::schema::sign_in_failures as t;
use crate::{StoreError, Tx};

/// What is remembered of failures. One is forgotten after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// When the last one was.
    pub last_failed_at: Timestamp,
    /// When the last of them is forgotten.
    pub forgotten_at: Timestamp,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t)]
struct Row {
    hash: Vec<u8>,
    last_failed_at: i64,
    expires_at: i64,
}

/// Waits until no other transaction holds this counter, then holds it to the end of this one. Several are to be held in the same
/// order everywhere.
pub fn lock(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<Failures, StoreError> {
    if let Some(failures) = try_lock(tx, hash)? {
        return Ok(failures);
    }
    let row = Row { hash: hash.as_bytes().to_vec(), last_failed_at: now.as_unix(), expires_at: now.as_unix() };
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))?;
    try_lock(tx, hash)?.ok_or_else(|| StoreError::Conflict("a counter of failed sign-ins was cleared away".into()))
}

/// Writing a column as it is takes the row lock: both databases know no other common way.
fn try_lock(tx: &mut Tx, hash: &HashedSecret) -> Result<Option<Failures>, StoreError> {
    let row = diesel::update(t::table.filter(t::hash.eq(&hash.as_bytes()[..])))
        .set(t::last_failed_at.eq(t::last_failed_at))
        .returning(t::all_columns)
        .get_result::<Row>(&mut tx.0)
        .optional()?;
    Ok(row.map(|row| Failures {
        last_failed_at: Timestamp::from_unix(row.last_failed_at),
        forgotten_at: Timestamp::from_unix(row.expires_at),
    }))
}

/// Counts one more, which is forgotten so long after those before it.
pub fn add(tx: &mut Tx, hash: &HashedSecret, forgets_one_in: Duration, now: Timestamp) -> Result<(), StoreError> {
    let failures = lock(tx, hash, now)?;
    let forgotten_at = failures.forgotten_at.max(now).plus(forgets_one_in);
    diesel::update(t::table.filter(t::hash.eq(&hash.as_bytes()[..])))
        .set((t::last_failed_at.eq(now.as_unix()), t::expires_at.eq(forgotten_at.as_unix())))
        .execute(&mut tx.0)?;
    Ok(())
}

/// Takes so much back.
pub fn take_back(tx: &mut Tx, hash: &HashedSecret, time: Duration, now: Timestamp) -> Result<(), StoreError> {
    let failures = lock(tx, hash, now)?;
    let forgotten_at = failures.forgotten_at.minus(time);
    diesel::update(t::table.filter(t::hash.eq(&hash.as_bytes()[..])))
        .set(t::expires_at.eq(forgotten_at.as_unix()))
        .execute(&mut tx.0)?;
    Ok(())
}
