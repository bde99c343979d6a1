//! Links by which people choose a password, by the hash of their secret: one for each person, the last that was made. Made by
//! `gatelodge user`, consumed by the page `/reset`.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::schema::password_links as t;
use crate::{Insertion, StoreError, Tx};

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordLink {
    /// SHA-256 of its secret.
    pub hash: HashedSecret,
    /// Whose password it sets.
    pub user_id: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it works.
    pub expires_at: Timestamp,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = t)]
struct Row {
    user_id: String,
    hash: Vec<u8>,
    created_at: i64,
    expires_at: i64,
}

/// Keeps it in place of the one before, which is dead from then on.
pub fn put(tx: &mut Tx, link: &PasswordLink) -> Result<(), StoreError> {
    let row = || Row {
        user_id: link.user_id.as_str().to_owned(),
        hash: link.hash.as_bytes().to_vec(),
        created_at: link.created_at.as_unix(),
        expires_at: link.expires_at.as_unix(),
    };
    let inserted = unless_exists(tx, |connection| diesel::insert_into(t::table).values(row()).execute(connection))?;
    if inserted == Insertion::AlreadyExists {
        let this = t::table.filter(t::user_id.eq(link.user_id.as_str()));
        diesel::update(this).set(row()).execute(&mut tx.0)?;
    }
    Ok(())
}

/// Whose password a link sets, if it works.
pub fn owner(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<Option<UserId>, StoreError> {
    let this = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    Ok(this.select(t::user_id).first::<String>(&mut tx.0).optional()?.map(UserId::from_stored))
}

/// Takes it out and says whose it was: to exactly one caller, ever.
pub fn consume(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<Option<UserId>, StoreError> {
    let this = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    let user_id = diesel::delete(this).returning(t::user_id).get_result::<String>(&mut tx.0).optional()?;
    Ok(user_id.map(UserId::from_stored))
}

/// Takes out the link of somebody, whose password is another one from now on.
pub fn delete_of(tx: &mut Tx, user_id: &UserId) -> Result<(), StoreError> {
    diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?;
    Ok(())
}
