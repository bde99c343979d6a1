//! What browsers were asked of their passkeys (Web Authentication §7): one open question for each browser session, answered once. A
//! row ends with its session.

use diesel::prelude::*;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::schema::passkey_ceremonies as t;
use crate::{Insertion, StoreError, Tx};

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = t)]
struct Row {
    browser_session: Vec<u8>,
    state: String,
    expires_at: i64,
}

/// Keeps it in place of the one before, which nobody can answer from then on.
pub fn put(tx: &mut Tx, browser_session: &HashedSecret, state: &str, expires_at: Timestamp) -> Result<(), StoreError> {
    let row = || Row {
        browser_session: browser_session.as_bytes().to_vec(),
        state: state.to_owned(),
        expires_at: expires_at.as_unix(),
    };
    let inserted = unless_exists(tx, |connection| diesel::insert_into(t::table).values(row()).execute(connection))?;
    if inserted == Insertion::AlreadyExists {
        let this = t::table.filter(t::browser_session.eq(&browser_session.as_bytes()[..]));
        diesel::update(this).set(row()).execute(&mut tx.0)?;
    }
    Ok(())
}

/// Takes it out: to exactly one caller, ever, in time or not; `None` when it is too late.
pub fn take(tx: &mut Tx, browser_session: &HashedSecret, now: Timestamp) -> Result<Option<String>, StoreError> {
    let this = t::table.filter(t::browser_session.eq(&browser_session.as_bytes()[..]));
    let taken =
        diesel::delete(this).returning((t::state, t::expires_at)).get_result::<(String, i64)>(&mut tx.0).optional()?;
    Ok(taken.filter(|(_, expires_at)| now.as_unix() < *expires_at).map(|(state, _)| state))
}
