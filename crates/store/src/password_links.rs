//! Links by which people choose a password, by the hash of their secret. Made by `gatelodge user` and, to be sent by e-mail, by the
//! page `/forgot`; consumed by the page `/reset`.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::schema::password_links as t;
use crate::{StoreError, Tx};

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

#[derive(Insertable)]
#[diesel(table_name = t)]
struct Row {
    hash: Vec<u8>,
    user_id: String,
    created_at: i64,
    expires_at: i64,
}

/// Adds it to those that there are.
pub fn add(tx: &mut Tx, link: &PasswordLink) -> Result<(), StoreError> {
    let row = Row {
        hash: link.hash.as_bytes().to_vec(),
        user_id: link.user_id.as_str().to_owned(),
        created_at: link.created_at.as_unix(),
        expires_at: link.expires_at.as_unix(),
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    Ok(())
}

/// Adds it in place of those that there are, which are dead from then on.
pub fn put(tx: &mut Tx, link: &PasswordLink) -> Result<(), StoreError> {
    delete_of(tx, &link.user_id)?;
    add(tx, link)
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

/// Takes out the links of somebody, whose password is another one from now on.
pub fn delete_of(tx: &mut Tx, user_id: &UserId) -> Result<(), StoreError> {
    diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?;
    Ok(())
}
