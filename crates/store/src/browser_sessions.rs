//! One row per browser that opened a page here, signed in or not; its cookie is found by hash. Used by sign-in and consent.

use diesel::dsl::{count_star, max};
use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::row::RowName;
use crate::schema::browser_sessions as t;
use crate::{StoreError, Tx};

/// A browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSession {
    /// SHA-256 of its cookie.
    pub hash: HashedSecret,
    /// Who is signed in.
    pub user_id: Option<UserId>,
    /// When it began.
    pub created_at: Timestamp,
    /// When its user last proved who they are.
    pub authenticated_at: Option<Timestamp>,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    hash: Vec<u8>,
    user_id: Option<String>,
    created_at: i64,
    authenticated_at: Option<i64>,
    last_seen_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for BrowserSession {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of_hash("browser_sessions", &row.hash);
        Ok(Self {
            hash: name.hash("hash", row.hash)?,
            user_id: row.user_id.map(UserId::from_stored),
            created_at: Timestamp::from_unix(row.created_at),
            authenticated_at: row.authenticated_at.map(Timestamp::from_unix),
            last_seen_at: Timestamp::from_unix(row.last_seen_at),
            expires_at: Timestamp::from_unix(row.expires_at),
        })
    }
}

/// Adds a session.
pub fn insert(tx: &mut Tx, session: &BrowserSession) -> Result<(), StoreError> {
    let row = Row {
        hash: session.hash.as_bytes().to_vec(),
        user_id: session.user_id.as_ref().map(|id| id.as_str().to_owned()),
        created_at: session.created_at.as_unix(),
        authenticated_at: session.authenticated_at.map(Timestamp::as_unix),
        last_seen_at: session.last_seen_at.as_unix(),
        expires_at: session.expires_at.as_unix(),
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    Ok(())
}

/// By the hash of its cookie, expired or not: the caller judges.
pub fn find(tx: &mut Tx, hash: &HashedSecret) -> Result<Option<BrowserSession>, StoreError> {
    let row = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).first::<Row>(&mut tx.0).optional()?;
    row.map(BrowserSession::try_from).transpose()
}

/// Notes that it was used and moves its end; `false` when it is gone.
pub fn touch(tx: &mut Tx, hash: &HashedSecret, now: Timestamp, expires_at: Timestamp) -> Result<bool, StoreError> {
    let rows = diesel::update(t::table.filter(t::hash.eq(&hash.as_bytes()[..])))
        .set((t::last_seen_at.eq(now.as_unix()), t::expires_at.eq(expires_at.as_unix())))
        .execute(&mut tx.0)?;
    Ok(rows == 1)
}

/// Ends it; `false` when it was gone already.
pub fn delete(tx: &mut Tx, hash: &HashedSecret) -> Result<bool, StoreError> {
    let rows = diesel::delete(t::table.filter(t::hash.eq(&hash.as_bytes()[..]))).execute(&mut tx.0)?;
    Ok(rows == 1)
}

/// Those in which this user is signed in, the one used last first.
pub fn of_user(tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<Vec<BrowserSession>, StoreError> {
    let rows = t::table
        .filter(t::user_id.eq(user_id.as_str()))
        .filter(t::expires_at.gt(now.as_unix()))
        .order((t::last_seen_at.desc(), t::hash))
        .load::<Row>(&mut tx.0)?;
    rows.into_iter().map(BrowserSession::try_from).collect()
}

/// Where a user is signed in, all browsers together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Presence {
    /// How many they are.
    pub browsers: i64,
    /// When they last signed in to one of them.
    pub signed_in_at: Option<Timestamp>,
    /// When one was last used.
    pub last_seen_at: Option<Timestamp>,
}

/// See [`Presence`].
pub fn presence(tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<Presence, StoreError> {
    let theirs = t::table.filter(t::user_id.eq(user_id.as_str())).filter(t::expires_at.gt(now.as_unix()));
    let together = (count_star(), max(t::authenticated_at), max(t::last_seen_at));
    let (browsers, signed_in_at, last_seen_at) =
        theirs.select(together).first::<(i64, Option<i64>, Option<i64>)>(&mut tx.0)?;
    let time = |at: Option<i64>| at.map(Timestamp::from_unix);
    Ok(Presence { browsers, signed_in_at: time(signed_in_at), last_seen_at: time(last_seen_at) })
}

/// Ends every session of a user; how many there were.
pub fn delete_all_of(tx: &mut Tx, user_id: &UserId) -> Result<usize, StoreError> {
    Ok(diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?)
}
