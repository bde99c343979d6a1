//! The link by which the first administrator is made: one row at most, found by the hash of its secret. `gatelodge serve` and
//! `gatelodge user setup-link` make it, the setup page consumes it.

use diesel::prelude::*;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::schema::setup_links as t;
use crate::{Insertion, StoreError, Tx};

/// The only value of the primary key.
const SLOT: i64 = 1;

/// The link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetupLink {
    /// SHA-256 of its secret.
    pub hash: HashedSecret,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it works.
    pub expires_at: Timestamp,
}

#[derive(Insertable)]
#[diesel(table_name = t)]
struct Row {
    slot: i64,
    hash: Vec<u8>,
    created_at: i64,
    expires_at: i64,
}

/// Adds it, unless one is there that works: of several servers that start together one makes the link.
pub fn offer(tx: &mut Tx, link: &SetupLink, now: Timestamp) -> Result<Insertion, StoreError> {
    diesel::delete(t::table.filter(t::expires_at.le(now.as_unix()))).execute(&mut tx.0)?;
    let row = Row {
        slot: SLOT,
        hash: link.hash.as_bytes().to_vec(),
        created_at: link.created_at.as_unix(),
        expires_at: link.expires_at.as_unix(),
    };
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))
}

/// Takes out whichever is there, so that another one can be offered.
pub fn withdraw(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(diesel::delete(t::table).execute(&mut tx.0)? == 1)
}

/// Whether this is the link, and works.
pub fn is_valid(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<bool, StoreError> {
    let this = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    Ok(this.select(t::slot).first::<i64>(&mut tx.0).optional()?.is_some())
}

/// Takes it out: `true` for exactly one caller, ever.
pub fn consume(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<bool, StoreError> {
    let this = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    Ok(diesel::delete(this).execute(&mut tx.0)? == 1)
}
