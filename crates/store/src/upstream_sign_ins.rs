//! People who were sent to an OpenID provider and are expected back, by the hash of their `state` (OpenID Connect Core 1.0
//! §3.1.2.1), each bound to one browser session. The callback consumes them once.

use diesel::prelude::*;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::row::RowName;
use crate::schema::upstream_sign_ins as t;
use crate::{StoreError, Tx};

/// Somebody who is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamSignIn {
    /// SHA-256 of the `state`.
    pub hash: HashedSecret,
    /// The browser that is expected back.
    pub browser_session: HashedSecret,
    /// The provider, by its `id` in the configuration.
    pub provider: String,
    /// What only the server needs to know again, encrypted by its owner.
    pub sealed: Vec<u8>,
    /// When they left.
    pub created_at: Timestamp,
    /// Until when they may come back.
    pub expires_at: Timestamp,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t)]
struct Row {
    hash: Vec<u8>,
    browser_session: Vec<u8>,
    provider: String,
    sealed: Vec<u8>,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for UpstreamSignIn {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of_hash("upstream_sign_ins", &row.hash);
        Ok(Self {
            hash: name.hash("hash", row.hash)?,
            browser_session: name.hash("browser_session", row.browser_session)?,
            provider: row.provider,
            sealed: row.sealed,
            created_at: Timestamp::from_unix(row.created_at),
            expires_at: Timestamp::from_unix(row.expires_at),
        })
    }
}

/// Adds one.
pub fn insert(tx: &mut Tx, sign_in: &UpstreamSignIn) -> Result<(), StoreError> {
    let row = Row {
        hash: sign_in.hash.as_bytes().to_vec(),
        browser_session: sign_in.browser_session.as_bytes().to_vec(),
        provider: sign_in.provider.clone(),
        sealed: sign_in.sealed.clone(),
        created_at: sign_in.created_at.as_unix(),
        expires_at: sign_in.expires_at.as_unix(),
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    Ok(())
}

/// By the hash of its `state`, expired or not: the caller judges, and compares browser session and provider.
pub fn find(tx: &mut Tx, hash: &HashedSecret) -> Result<Option<UpstreamSignIn>, StoreError> {
    let row = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).first::<Row>(&mut tx.0).optional()?;
    row.map(UpstreamSignIn::try_from).transpose()
}

/// Takes it out: `true` for exactly one caller, ever, and only for the browser it belongs to.
pub fn consume(tx: &mut Tx, hash: &HashedSecret, browser_session: &HashedSecret) -> Result<bool, StoreError> {
    let this = t::table
        .filter(t::hash.eq(&hash.as_bytes()[..]))
        .filter(t::browser_session.eq(&browser_session.as_bytes()[..]));
    Ok(diesel::delete(this).execute(&mut tx.0)? == 1)
}

/// Moves those of a browser to its new session: whoever signs in in one tab may still come back in another.
pub fn rebind(tx: &mut Tx, old_session: &HashedSecret, new_session: &HashedSecret) -> Result<usize, StoreError> {
    Ok(diesel::update(t::table.filter(t::browser_session.eq(&old_session.as_bytes()[..])))
        .set(t::browser_session.eq(&new_session.as_bytes()[..]))
        .execute(&mut tx.0)?)
}
