//! Where messages to somebody go: one address for each, in the canonical form, and nobody has that of another. Set by the operator.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::schema::email_addresses as t;
use crate::{Insertion, StoreError, Tx};

#[derive(Insertable)]
#[diesel(table_name = t)]
struct Row {
    user_id: String,
    address: String,
    created_at: i64,
}

/// Gives somebody this address in place of the one before, unless somebody else has it.
pub fn put(tx: &mut Tx, user_id: &UserId, address: &str, now: Timestamp) -> Result<Insertion, StoreError> {
    if of_user(tx, user_id)?.is_none() {
        let row = Row { user_id: user_id.as_str().to_owned(), address: address.to_owned(), created_at: now.as_unix() };
        return unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection));
    }
    let another = (t::address.eq(address), t::created_at.eq(now.as_unix()));
    unless_exists(tx, |connection| {
        diesel::update(t::table.filter(t::user_id.eq(user_id.as_str()))).set(another).execute(connection)
    })
}

/// That of somebody.
pub fn of_user(tx: &mut Tx, user_id: &UserId) -> Result<Option<String>, StoreError> {
    let this = t::table.filter(t::user_id.eq(user_id.as_str()));
    Ok(this.select(t::address).first::<String>(&mut tx.0).optional()?)
}

/// Those of some people.
pub fn of_users(tx: &mut Tx, user_ids: &[UserId]) -> Result<Vec<(UserId, String)>, StoreError> {
    let theirs = t::table.filter(t::user_id.eq_any(user_ids.iter().map(UserId::as_str)));
    let rows = theirs.select((t::user_id, t::address)).load::<(String, String)>(&mut tx.0)?;
    Ok(rows.into_iter().map(|(user_id, address)| (UserId::from_stored(user_id), address)).collect())
}

/// Whose it is.
pub fn owner(tx: &mut Tx, address: &str) -> Result<Option<UserId>, StoreError> {
    let this = t::table.filter(t::address.eq(address));
    Ok(this.select(t::user_id).first::<String>(&mut tx.0).optional()?.map(UserId::from_stored))
}

/// All of them.
pub fn list(tx: &mut Tx) -> Result<Vec<(UserId, String)>, StoreError> {
    let rows = t::table.select((t::user_id, t::address)).order(t::user_id).load::<(String, String)>(&mut tx.0)?;
    Ok(rows.into_iter().map(|(user_id, address)| (UserId::from_stored(user_id), address)).collect())
}

/// Takes it from somebody; `false` when they had none.
pub fn delete_of(tx: &mut Tx, user_id: &UserId) -> Result<bool, StoreError> {
    Ok(diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)? == 1)
}
