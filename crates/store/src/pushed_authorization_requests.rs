//! Authorization requests that clients pushed (RFC 9126), by the hash of the secret part of their `request_uri`. Opening one
//! changes nothing; the decision about it takes it out, once.

use diesel::prelude::*;
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::row::RowName;
use crate::schema::pushed_authorization_requests as t;
use crate::{StoreError, Tx};

/// A request that waits to be opened in a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedAuthorizationRequest {
    /// SHA-256 of the secret in its `request_uri`.
    pub hash: HashedSecret,
    /// Who pushed it, and alone may use it.
    pub client_id: ClientId,
    /// The parameters of the authorization request, as a form.
    pub parameters: String,
    /// When.
    pub created_at: Timestamp,
    /// Until when it may be opened.
    pub expires_at: Timestamp,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    hash: Vec<u8>,
    client_id: String,
    parameters: String,
    created_at: i64,
    expires_at: i64,
}

/// Adds a request.
pub fn insert(tx: &mut Tx, pushed: &PushedAuthorizationRequest) -> Result<(), StoreError> {
    let row = Row {
        hash: pushed.hash.as_bytes().to_vec(),
        client_id: pushed.client_id.as_str().to_owned(),
        parameters: pushed.parameters.clone(),
        created_at: pushed.created_at.as_unix(),
        expires_at: pushed.expires_at.as_unix(),
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    Ok(())
}

/// By hash, expired or not, and whoever pushed it: the caller judges.
pub fn find(tx: &mut Tx, hash: &HashedSecret) -> Result<Option<PushedAuthorizationRequest>, StoreError> {
    let row = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).first::<Row>(&mut tx.0).optional()?;
    let Some(row) = row else { return Ok(None) };
    let name = RowName::of_hash("pushed_authorization_requests", &row.hash);
    Ok(Some(PushedAuthorizationRequest {
        hash: name.hash("hash", row.hash)?,
        client_id: ClientId::new(row.client_id),
        parameters: row.parameters,
        created_at: Timestamp::from_unix(row.created_at),
        expires_at: Timestamp::from_unix(row.expires_at),
    }))
}

/// Takes the request out: `true` for exactly one caller, ever. However often it was opened, one decision stands.
pub fn consume(tx: &mut Tx, hash: &HashedSecret) -> Result<bool, StoreError> {
    let rows = diesel::delete(t::table.filter(t::hash.eq(&hash.as_bytes()[..]))).execute(&mut tx.0)?;
    Ok(rows == 1)
}
