//! Refresh tokens (RFC 6749 §6), by hash. A rotation spends one and inserts its successor, in that order, while it holds the
//! grant; the database itself refuses a second unspent token of a grant.

use diesel::prelude::*;
use gatelodge_oauth::grant::GrantId;
use gatelodge_oauth::grant::refresh_token::{Chain, RefreshToken, SealedSuccessor};
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::row::RowName;
use crate::schema::refresh_tokens as t;
use crate::{StoreError, Tx, grants};

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    hash: Vec<u8>,
    grant_id: String,
    created_at: i64,
    expires_at: i64,
    spent_at: Option<i64>,
    successor: Option<Vec<u8>>,
}

impl TryFrom<Row> for RefreshToken {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of_hash("refresh_tokens", &row.hash);
        Ok(Self {
            hash: name.hash("hash", row.hash)?,
            grant_id: GrantId::from_stored(row.grant_id),
            created_at: Timestamp::from_unix(row.created_at),
            expires_at: Timestamp::from_unix(row.expires_at),
            spent_at: row.spent_at.map(Timestamp::from_unix),
            successor: row.successor.map(SealedSuccessor::from_bytes),
        })
    }
}

/// Adds a token. Fails when its grant has an unspent one.
pub fn insert(tx: &mut Tx, token: &RefreshToken) -> Result<(), StoreError> {
    let row = Row {
        hash: token.hash.as_bytes().to_vec(),
        grant_id: token.grant_id.as_str().to_owned(),
        created_at: token.created_at.as_unix(),
        expires_at: token.expires_at.as_unix(),
        spent_at: token.spent_at.map(Timestamp::as_unix),
        successor: token.successor.as_ref().map(|sealed| sealed.as_bytes().to_vec()),
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    Ok(())
}

/// By hash, in whatever state it is: the rules judge.
pub fn find(tx: &mut Tx, hash: &HashedSecret) -> Result<Option<RefreshToken>, StoreError> {
    let row = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).first::<Row>(&mut tx.0).optional()?;
    row.map(RefreshToken::try_from).transpose()
}

/// Spends the token and keeps its sealed successor: `true` for exactly one caller, ever.
pub fn spend(
    tx: &mut Tx,
    hash: &HashedSecret,
    now: Timestamp,
    successor: &SealedSuccessor,
) -> Result<bool, StoreError> {
    let unspent = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::spent_at.is_null());
    let rows = diesel::update(unspent)
        .set((t::spent_at.eq(Some(now.as_unix())), t::successor.eq(Some(successor.as_bytes()))))
        .execute(&mut tx.0)?;
    Ok(rows == 1)
}

/// A transaction is the chain of the grant that it holds.
impl Chain for Tx {
    type Error = StoreError;

    fn find(&mut self, hash: &HashedSecret) -> Result<Option<RefreshToken>, StoreError> {
        find(self, hash)
    }

    fn extend(
        &mut self,
        head: &HashedSecret,
        sealed: &SealedSuccessor,
        successor: &RefreshToken,
    ) -> Result<(), StoreError> {
        if !spend(self, head, successor.created_at, sealed)? {
            return Err(StoreError::Refused("a refresh token was spent while its grant was held".into()));
        }
        insert(self, successor)
    }

    fn revoke_grant(&mut self, grant: &GrantId, now: Timestamp) -> Result<(), StoreError> {
        grants::revoke(self, grant, now).map(drop)
    }
}
