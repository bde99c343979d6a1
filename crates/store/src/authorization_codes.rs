//! Authorization codes (RFC 6749 §4.1.2), by hash. Consumed once: by the one guarded statement in [`consume`].

use diesel::prelude::*;
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::grant::GrantId;
use gatelodge_oauth::grant::authorization_code::AuthorizationCode;
use gatelodge_oauth::pkce::CodeChallenge;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::row::RowName;
use crate::schema::authorization_codes as t;
use crate::{StoreError, Tx};

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    hash: Vec<u8>,
    grant_id: String,
    client_id: String,
    redirect_uri: String,
    code_challenge: String,
    scope: String,
    resource: String,
    created_at: i64,
    expires_at: i64,
    consumed_at: Option<i64>,
    failures: i64,
    consumed_by: Option<Vec<u8>>,
}

impl TryFrom<Row> for AuthorizationCode {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of_hash("authorization_codes", &row.hash);
        Ok(Self {
            hash: name.hash("hash", row.hash)?,
            grant_id: GrantId::from_stored(row.grant_id),
            client_id: ClientId::new(row.client_id),
            redirect_uri: row.redirect_uri,
            code_challenge: CodeChallenge::try_from(row.code_challenge).map_err(|_| name.corrupt("code_challenge"))?,
            scope: name.parse("scope", &row.scope)?,
            resource: ResourceId::from_stored(row.resource),
            created_at: Timestamp::from_unix(row.created_at),
            expires_at: Timestamp::from_unix(row.expires_at),
            consumed_at: row.consumed_at.map(Timestamp::from_unix),
            failures: row.failures,
        })
    }
}

/// Adds a code.
pub fn insert(tx: &mut Tx, code: &AuthorizationCode) -> Result<(), StoreError> {
    let row = Row {
        hash: code.hash.as_bytes().to_vec(),
        grant_id: code.grant_id.as_str().to_owned(),
        client_id: code.client_id.as_str().to_owned(),
        redirect_uri: code.redirect_uri.clone(),
        code_challenge: code.code_challenge.as_str().to_owned(),
        scope: code.scope.to_string(),
        resource: code.resource.as_str().to_owned(),
        created_at: code.created_at.as_unix(),
        expires_at: code.expires_at.as_unix(),
        consumed_at: code.consumed_at.map(Timestamp::as_unix),
        failures: code.failures,
        consumed_by: None,
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    Ok(())
}

/// By hash, in whatever state it is: the rules judge.
pub fn find(tx: &mut Tx, hash: &HashedSecret) -> Result<Option<AuthorizationCode>, StoreError> {
    let row = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).first::<Row>(&mut tx.0).optional()?;
    row.map(AuthorizationCode::try_from).transpose()
}

/// Consumes the code for the request that `by` names: `true` for exactly one caller, ever.
pub fn consume(tx: &mut Tx, hash: &HashedSecret, by: &HashedSecret, now: Timestamp) -> Result<bool, StoreError> {
    let unconsumed = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::consumed_at.is_null());
    let rows = diesel::update(unconsumed)
        .set((t::consumed_at.eq(Some(now.as_unix())), t::consumed_by.eq(Some(&by.as_bytes()[..]))))
        .execute(&mut tx.0)?;
    Ok(rows == 1)
}

/// Whether it was this very request that consumed the code: its commit succeeded, and only the answer to it was lost.
pub fn was_consumed_by(tx: &mut Tx, hash: &HashedSecret, by: &HashedSecret) -> Result<bool, StoreError> {
    let own = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::consumed_by.eq(&by.as_bytes()[..]));
    Ok(own.count().get_result::<i64>(&mut tx.0)? == 1)
}

/// Counts a failed attempt to exchange a code that nobody has exchanged yet.
pub fn record_failure(tx: &mut Tx, hash: &HashedSecret) -> Result<(), StoreError> {
    let unconsumed = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::consumed_at.is_null());
    diesel::update(unconsumed).set(t::failures.eq(t::failures + 1)).execute(&mut tx.0)?;
    Ok(())
}
