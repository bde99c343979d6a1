//! Codes to sign in with that were sent by e-mail: one in each browser, the last that was asked for. A row ends with its browser
//! session. Used by the sign-in by e-mail.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::row::RowName;
use crate::schema::email_codes as t;
use crate::{Insertion, StoreError, Tx};

/// How many wrong ones end a code (NIST SP 800-63B §5.2.2 wants a limit).
pub const MAX_FAILURES: i64 = 5;

/// A code that waits in a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailCode {
    /// In which: the hash of its session.
    pub browser_session: HashedSecret,
    /// Whom it signs in; nobody, when nobody is called so.
    pub user_id: Option<UserId>,
    /// What it is counted by.
    pub counted: Counted,
    /// The hash of the code.
    pub code: HashedSecret,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// What the tries around a code are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Guesses: the hash of what whoever it is for is called by.
    pub account: HashedSecret,
    /// Messages: the hash of what was typed; none for codes that were made before it was kept.
    pub asked_as: Option<HashedSecret>,
}

/// What a code was that somebody typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guess {
    /// Right, and of this user, until it is spent.
    Right(UserId),
    /// Wrong; where there is one, of this user.
    Wrong(Option<UserId>),
    /// There is none any more, or too many were wrong.
    Ended,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = t, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Row {
    browser_session: Vec<u8>,
    user_id: Option<String>,
    account: Vec<u8>,
    code: Vec<u8>,
    failures: i64,
    expires_at: i64,
    asked_as: Option<Vec<u8>>,
}

/// Keeps it in place of the one before.
pub fn put(tx: &mut Tx, code: &EmailCode) -> Result<(), StoreError> {
    let session = code.browser_session.as_bytes();
    let row = || Row {
        browser_session: session.to_vec(),
        user_id: code.user_id.as_ref().map(|id| id.as_str().to_owned()),
        account: code.counted.account.as_bytes().to_vec(),
        code: code.code.as_bytes().to_vec(),
        failures: 0,
        expires_at: code.expires_at.as_unix(),
        asked_as: code.counted.asked_as.map(|hash| hash.as_bytes().to_vec()),
    };
    let inserted = unless_exists(tx, |connection| diesel::insert_into(t::table).values(row()).execute(connection))?;
    if inserted == Insertion::AlreadyExists {
        let this = t::table.filter(t::browser_session.eq(&session[..]));
        diesel::update(this).set(row()).execute(&mut tx.0)?;
    }
    Ok(())
}

/// What the one that waits in a browser is counted by.
pub fn counted(tx: &mut Tx, browser_session: &HashedSecret, now: Timestamp) -> Result<Option<Counted>, StoreError> {
    let session = &browser_session.as_bytes()[..];
    let works = t::expires_at.gt(now.as_unix()).and(t::failures.lt(MAX_FAILURES));
    let this = t::table.filter(t::browser_session.eq(session)).filter(works).select((t::account, t::asked_as));
    let found = this.first::<(Vec<u8>, Option<Vec<u8>>)>(&mut tx.0).optional()?;
    let Some((account, asked_as)) = found else { return Ok(None) };
    let row = RowName::of_hash("email_codes", session);
    let asked_as = asked_as.map(|hash| row.hash("asked_as", hash)).transpose()?;
    Ok(Some(Counted { account: row.hash("account", account)?, asked_as }))
}

/// Compares what was typed in a browser, counted before it is looked at, with the code of the account that the guess was counted for: another
/// code may have taken its place.
pub fn guess(
    tx: &mut Tx,
    browser_session: &HashedSecret,
    account: &HashedSecret,
    typed: &HashedSecret,
    now: Timestamp,
) -> Result<Guess, StoreError> {
    let session = &browser_session.as_bytes()[..];
    let works = t::expires_at.gt(now.as_unix()).and(t::failures.lt(MAX_FAILURES));
    let this = t::table.filter(t::browser_session.eq(session)).filter(t::account.eq(&account.as_bytes()[..]));
    let counted = diesel::update(this.filter(works))
        .set(t::failures.eq(t::failures + 1))
        .returning((t::user_id, t::code))
        .get_result::<(Option<String>, Vec<u8>)>(&mut tx.0)
        .optional()?;
    let Some((user_id, code)) = counted else { return Ok(Guess::Ended) };
    let is_right = RowName::of_hash("email_codes", session).hash("code", code)? == *typed;
    match (is_right, user_id.map(UserId::from_stored)) {
        (true, Some(user_id)) => Ok(Guess::Right(user_id)),
        (_, user_id) => Ok(Guess::Wrong(user_id)),
    }
}

/// Takes the right one out: for exactly one caller, ever, and for nobody once something ended it.
pub fn spend(
    tx: &mut Tx,
    browser_session: &HashedSecret,
    code: &HashedSecret,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let this = t::table.filter(t::browser_session.eq(&browser_session.as_bytes()[..]));
    let this = this.filter(t::code.eq(&code.as_bytes()[..])).filter(t::expires_at.gt(now.as_unix()));
    Ok(diesel::delete(this).execute(&mut tx.0)? == 1)
}

/// Takes out those of a user, whose password is another one from now on.
pub fn delete_all_of(tx: &mut Tx, user_id: &UserId) -> Result<(), StoreError> {
    diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?;
    Ok(())
}
