//! Validated authorization requests that wait for sign-in and consent, each bound to one browser session. Consent consumes
//! them once.

use diesel::prelude::*;
use gatelodge_oauth::authorization_request::AuthorizationRequest;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::row::{RowName, to_json};
use crate::schema::pending_authorizations as t;
use crate::{StoreError, Tx};

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingAuthorization {
    /// SHA-256 of the transaction named in the pages.
    pub hash: HashedSecret,
    /// The browser it belongs to.
    pub browser_session: HashedSecret,
    /// The session in which it was asked. Signing in renews the session, so another one now means a sign-in since; unknown
    /// for requests of an earlier release.
    pub began_in: Option<HashedSecret>,
    /// What was asked for.
    pub request: AuthorizationRequest,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When the question ends.
    pub expires_at: Timestamp,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    hash: Vec<u8>,
    browser_session: Vec<u8>,
    request: String,
    created_at: i64,
    expires_at: i64,
    client_id: Option<String>,
    began_in: Option<Vec<u8>>,
}

impl TryFrom<Row> for PendingAuthorization {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of_hash("pending_authorizations", &row.hash);
        Ok(Self {
            hash: name.hash("hash", row.hash)?,
            browser_session: name.hash("browser_session", row.browser_session)?,
            began_in: row.began_in.map(|hash| name.hash("began_in", hash)).transpose()?,
            request: name.json("request", &row.request)?,
            created_at: Timestamp::from_unix(row.created_at),
            expires_at: Timestamp::from_unix(row.expires_at),
        })
    }
}

/// Adds a request.
pub fn insert(tx: &mut Tx, pending: &PendingAuthorization) -> Result<(), StoreError> {
    let row = Row {
        hash: pending.hash.as_bytes().to_vec(),
        browser_session: pending.browser_session.as_bytes().to_vec(),
        request: to_json(&pending.request),
        created_at: pending.created_at.as_unix(),
        expires_at: pending.expires_at.as_unix(),
        client_id: Some(pending.request.client_id.as_str().to_owned()),
        began_in: pending.began_in.map(|hash| hash.as_bytes().to_vec()),
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    Ok(())
}

/// By the hash of its transaction, expired or not: the caller judges, and compares the browser session.
pub fn find(tx: &mut Tx, hash: &HashedSecret) -> Result<Option<PendingAuthorization>, StoreError> {
    let row = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).first::<Row>(&mut tx.0).optional()?;
    row.map(PendingAuthorization::try_from).transpose()
}

/// Takes the request out, for one caller only, and only for the browser it belongs to.
pub fn consume(
    tx: &mut Tx,
    hash: &HashedSecret,
    browser_session: &HashedSecret,
) -> Result<Option<PendingAuthorization>, StoreError> {
    let this = t::table
        .filter(t::hash.eq(&hash.as_bytes()[..]))
        .filter(t::browser_session.eq(&browser_session.as_bytes()[..]));
    let row = diesel::delete(this).returning(t::all_columns).get_result::<Row>(&mut tx.0).optional()?;
    row.map(PendingAuthorization::try_from).transpose()
}

/// Whatever began in a session began in the one that takes its place without a sign-in.
pub fn wait_on(tx: &mut Tx, old_session: &HashedSecret, new_session: &HashedSecret) -> Result<usize, StoreError> {
    Ok(diesel::update(t::table.filter(t::began_in.eq(&old_session.as_bytes()[..])))
        .set(t::began_in.eq(&new_session.as_bytes()[..]))
        .execute(&mut tx.0)?)
}

/// Moves every request of a browser to its new session; sign-in and sign-out change the cookie. Returns how many moved.
pub fn rebind(tx: &mut Tx, old_session: &HashedSecret, new_session: &HashedSecret) -> Result<usize, StoreError> {
    Ok(diesel::update(t::table.filter(t::browser_session.eq(&old_session.as_bytes()[..])))
        .set(t::browser_session.eq(&new_session.as_bytes()[..]))
        .execute(&mut tx.0)?)
}
