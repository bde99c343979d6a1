//! Links that let an administrator in, by the hash of their secret. Made by `gatelodge administration link`, consumed by the page
//! `/enter` of the administration.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::schema::administration_links as t;
use crate::{StoreError, Tx};

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdministrationLink {
    /// SHA-256 of its secret.
    pub hash: HashedSecret,
    /// Whom it lets in.
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

/// Adds it in place of those that there are for the same person, which are dead from then on.
pub fn put(tx: &mut Tx, link: &AdministrationLink) -> Result<(), StoreError> {
    delete_of(tx, &link.user_id)?;
    let row = Row {
        hash: link.hash.as_bytes().to_vec(),
        user_id: link.user_id.as_str().to_owned(),
        created_at: link.created_at.as_unix(),
        expires_at: link.expires_at.as_unix(),
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    Ok(())
}

/// Whom a link lets in, if it works.
pub fn owner(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<Option<UserId>, StoreError> {
    let this = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    Ok(this.select(t::user_id).first::<String>(&mut tx.0).optional()?.map(UserId::from_stored))
}

/// Takes it out and says whom it lets in: to exactly one caller, ever.
pub fn consume(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<Option<UserId>, StoreError> {
    let this = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    let user_id = diesel::delete(this).returning(t::user_id).get_result::<String>(&mut tx.0).optional()?;
    Ok(user_id.map(UserId::from_stored))
}

/// Takes out the links of somebody.
pub fn delete_of(tx: &mut Tx, user_id: &UserId) -> Result<(), StoreError> {
    diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?;
    Ok(())
}
