//! Who took the first step of a sign-in in which browser, and has the second one to go. A row ends with its browser session, which
//! is always an anonymous one. Used by the second step.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::schema::second_steps as t;
use crate::{StoreError, Tx};

#[derive(Insertable)]
#[diesel(table_name = t)]
struct Row {
    browser_session: Vec<u8>,
    user_id: String,
    counted: bool,
    expires_at: i64,
}

/// Adds one to a browser session that is new. `counted`: see [`take_counted`].
pub fn insert(
    tx: &mut Tx,
    browser_session: &HashedSecret,
    user_id: &UserId,
    counted: bool,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let row = Row {
        browser_session: browser_session.as_bytes().to_vec(),
        user_id: user_id.as_str().to_owned(),
        counted,
        expires_at: expires_at.as_unix(),
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    Ok(())
}

/// Who is half-way in a browser.
pub fn find(tx: &mut Tx, browser_session: &HashedSecret, now: Timestamp) -> Result<Option<UserId>, StoreError> {
    let this =
        t::table.filter(t::browser_session.eq(&browser_session.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    Ok(this.select(t::user_id).first::<String>(&mut tx.0).optional()?.map(UserId::from_stored))
}

/// Whether the next try is counted already, with the first step: so to exactly one caller, ever.
pub fn take_counted(tx: &mut Tx, browser_session: &HashedSecret) -> Result<bool, StoreError> {
    let this = t::table.filter(t::browser_session.eq(&browser_session.as_bytes()[..])).filter(t::counted.eq(true));
    Ok(diesel::update(this).set(t::counted.eq(false)).execute(&mut tx.0)? == 1)
}

/// Takes it out and says whose it was: to exactly one caller, ever.
pub fn consume(tx: &mut Tx, browser_session: &HashedSecret, now: Timestamp) -> Result<Option<UserId>, StoreError> {
    let this =
        t::table.filter(t::browser_session.eq(&browser_session.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    let user_id = diesel::delete(this).returning(t::user_id).get_result::<String>(&mut tx.0).optional()?;
    Ok(user_id.map(UserId::from_stored))
}

/// Takes out those of a user, whose password is another one from now on.
pub fn delete_all_of(tx: &mut Tx, user_id: &UserId) -> Result<(), StoreError> {
    diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?;
    Ok(())
}
