//! The recovery codes of people, by hash: each opens the second step of a sign-in once. Used by that step and by the account page.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;

use crate::schema::recovery_codes as t;
use crate::{StoreError, Tx};

#[derive(Insertable)]
#[diesel(table_name = t)]
struct Row {
    hash: Vec<u8>,
    user_id: String,
}

/// Keeps new ones in place of those before, which are dead from then on.
pub fn replace(tx: &mut Tx, user_id: &UserId, hashes: &[HashedSecret]) -> Result<(), StoreError> {
    delete_all_of(tx, user_id)?;
    for hash in hashes {
        let row = Row { hash: hash.as_bytes().to_vec(), user_id: user_id.as_str().to_owned() };
        diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    }
    Ok(())
}

/// How many somebody has left.
pub fn count(tx: &mut Tx, user_id: &UserId) -> Result<i64, StoreError> {
    Ok(t::table.filter(t::user_id.eq(user_id.as_str())).count().get_result(&mut tx.0)?)
}

/// Takes one out: `true` for exactly one caller, ever, and only for whose it is.
pub fn consume(tx: &mut Tx, user_id: &UserId, hash: &HashedSecret) -> Result<bool, StoreError> {
    let this = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::user_id.eq(user_id.as_str()));
    Ok(diesel::delete(this).execute(&mut tx.0)? == 1)
}

/// Takes out all of somebody's; how many there were.
pub fn delete_all_of(tx: &mut Tx, user_id: &UserId) -> Result<usize, StoreError> {
    Ok(diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?)
}
