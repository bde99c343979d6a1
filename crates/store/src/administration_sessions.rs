//! Browsers in which an administrator is let in, by the hash of their cookie. Nothing moves their end.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::row::RowName;
use crate::schema::administration_sessions as t;
use crate::{StoreError, Tx};

/// A browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdministrationSession {
    /// SHA-256 of its cookie.
    pub hash: HashedSecret,
    /// Who was let in; whether they still administer this server is for the caller to ask.
    pub user_id: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t)]
struct Row {
    hash: Vec<u8>,
    user_id: String,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for AdministrationSession {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of_hash("administration_sessions", &row.hash);
        Ok(Self {
            hash: name.hash("hash", row.hash)?,
            user_id: UserId::from_stored(row.user_id),
            created_at: Timestamp::from_unix(row.created_at),
            expires_at: Timestamp::from_unix(row.expires_at),
        })
    }
}

/// Adds a session.
pub fn insert(tx: &mut Tx, session: &AdministrationSession) -> Result<(), StoreError> {
    let row = Row {
        hash: session.hash.as_bytes().to_vec(),
        user_id: session.user_id.as_str().to_owned(),
        created_at: session.created_at.as_unix(),
        expires_at: session.expires_at.as_unix(),
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    Ok(())
}

/// By the hash of its cookie, unless it has expired.
pub fn find(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<Option<AdministrationSession>, StoreError> {
    let this = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    this.first::<Row>(&mut tx.0).optional()?.map(AdministrationSession::try_from).transpose()
}

/// Ends it; `false` when it was gone already.
pub fn delete(tx: &mut Tx, hash: &HashedSecret) -> Result<bool, StoreError> {
    let rows = diesel::delete(t::table.filter(t::hash.eq(&hash.as_bytes()[..]))).execute(&mut tx.0)?;
    Ok(rows == 1)
}

/// Ends every session of somebody; how many there were.
pub fn delete_all_of(tx: &mut Tx, user_id: &UserId) -> Result<usize, StoreError> {
    Ok(diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?)
}
