//! From where people signed in lately, by hash of account and source. Used by the throttling of sign-ins.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::schema::known_sources as t;
use crate::{Insertion, StoreError, Tx};

#[derive(Insertable)]
#[diesel(table_name = t)]
struct Row {
    hash: Vec<u8>,
    user_id: String,
    expires_at: i64,
}

/// Whether somebody signed in from there.
pub fn is_known(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<bool, StoreError> {
    let known = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    Ok(known.select(t::user_id).first::<String>(&mut tx.0).optional()?.is_some())
}

/// Remembers that this user signed in from there.
pub fn remember(tx: &mut Tx, hash: &HashedSecret, user_id: &UserId, until: Timestamp) -> Result<(), StoreError> {
    let row = Row { hash: hash.as_bytes().to_vec(), user_id: user_id.as_str().to_owned(), expires_at: until.as_unix() };
    let inserted = unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))?;
    if inserted == Insertion::AlreadyExists {
        // The name may have been somebody else's before.
        diesel::update(t::table.filter(t::hash.eq(&hash.as_bytes()[..])))
            .set((t::user_id.eq(user_id.as_str()), t::expires_at.eq(until.as_unix())))
            .execute(&mut tx.0)?;
    }
    Ok(())
}

/// Forgets every source of a user, whose password is another one from now on.
pub fn forget_all_of(tx: &mut Tx, user_id: &UserId) -> Result<(), StoreError> {
    diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?;
    Ok(())
}
