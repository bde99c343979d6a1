//! The authenticator apps of people (RFC 6238): one for each person. Used by the second step of a sign-in and by the account page.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::schema::totp_secrets as t;
use crate::{Insertion, StoreError, Tx};

/// What somebody's app and this server share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpSecret {
    /// Whose it is.
    pub user_id: UserId,
    /// The secret, encrypted by its owner.
    pub sealed: Vec<u8>,
    /// The newest time step of which a code was taken.
    pub last_step: i64,
    /// When the app was set up.
    pub created_at: Timestamp,
    /// When a code was last taken to sign in.
    pub last_used_at: Option<Timestamp>,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t)]
struct Row {
    user_id: String,
    sealed: Vec<u8>,
    last_step: i64,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl From<Row> for TotpSecret {
    fn from(row: Row) -> Self {
        Self {
            user_id: UserId::from_stored(row.user_id),
            sealed: row.sealed,
            last_step: row.last_step,
            created_at: Timestamp::from_unix(row.created_at),
            last_used_at: row.last_used_at.map(Timestamp::from_unix),
        }
    }
}

/// Keeps the app of somebody who has none.
pub fn insert(tx: &mut Tx, secret: &TotpSecret) -> Result<Insertion, StoreError> {
    let row = Row {
        user_id: secret.user_id.as_str().to_owned(),
        sealed: secret.sealed.clone(),
        last_step: secret.last_step,
        created_at: secret.created_at.as_unix(),
        last_used_at: secret.last_used_at.map(Timestamp::as_unix),
    };
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))
}

/// Of somebody.
pub fn find(tx: &mut Tx, user_id: &UserId) -> Result<Option<TotpSecret>, StoreError> {
    let row = t::table.filter(t::user_id.eq(user_id.as_str())).first::<Row>(&mut tx.0).optional()?;
    Ok(row.map(TotpSecret::from))
}

/// Takes a time step: `true` for exactly one caller, ever, and only for one that is newer than every one taken before (RFC 6238
/// §5.2).
pub fn take_step(tx: &mut Tx, user_id: &UserId, step: i64, now: Timestamp) -> Result<bool, StoreError> {
    let this = t::table.filter(t::user_id.eq(user_id.as_str())).filter(t::last_step.lt(step));
    let taken = (t::last_step.eq(step), t::last_used_at.eq(Some(now.as_unix())));
    Ok(diesel::update(this).set(taken).execute(&mut tx.0)? == 1)
}

/// Takes it out; `false` when there was none.
pub fn delete(tx: &mut Tx, user_id: &UserId) -> Result<bool, StoreError> {
    Ok(diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)? == 1)
}
