//! Who a user is at OpenID providers: by issuer and `sub` together, the only claims that stay with one person (OpenID Connect
//! Core 1.0 §5.7). Looked up by the sign-in; written by it and by `gatelodge user link`.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::schema::upstream_identities as t;
use crate::{Insertion, StoreError, Tx};

/// A person at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamIdentity {
    /// The issuer of the provider, byte for byte.
    pub issuer: String,
    /// Their `sub` there.
    pub subject: String,
    /// Who they are here.
    pub user_id: UserId,
    /// Since when that is known.
    pub created_at: Timestamp,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t)]
struct Row {
    issuer: String,
    subject: String,
    user_id: String,
    created_at: i64,
}

impl From<Row> for UpstreamIdentity {
    fn from(row: Row) -> Self {
        Self {
            issuer: row.issuer,
            subject: row.subject,
            user_id: UserId::from_stored(row.user_id),
            created_at: Timestamp::from_unix(row.created_at),
        }
    }
}

/// Links a person, unless that person of the provider is linked already, to whomever.
pub fn insert(tx: &mut Tx, identity: &UpstreamIdentity) -> Result<Insertion, StoreError> {
    let row = Row {
        issuer: identity.issuer.clone(),
        subject: identity.subject.clone(),
        user_id: identity.user_id.as_str().to_owned(),
        created_at: identity.created_at.as_unix(),
    };
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))
}

/// By who they are at the provider.
pub fn find(tx: &mut Tx, issuer: &str, subject: &str) -> Result<Option<UpstreamIdentity>, StoreError> {
    let this = t::table.filter(t::issuer.eq(issuer)).filter(t::subject.eq(subject));
    Ok(this.first::<Row>(&mut tx.0).optional()?.map(UpstreamIdentity::from))
}

/// Whether somebody has any.
pub fn are_there_of(tx: &mut Tx, user_id: &UserId) -> Result<bool, StoreError> {
    let of_user = t::table.filter(t::user_id.eq(user_id.as_str()));
    Ok(of_user.select(t::subject).first::<String>(&mut tx.0).optional()?.is_some())
}

/// Those of somebody.
pub fn of_user(tx: &mut Tx, user_id: &UserId) -> Result<Vec<UpstreamIdentity>, StoreError> {
    let of_user = t::table.filter(t::user_id.eq(user_id.as_str()));
    let rows = of_user.order((t::issuer, t::subject)).load::<Row>(&mut tx.0)?;
    Ok(rows.into_iter().map(UpstreamIdentity::from).collect())
}

/// All of them, by user.
pub fn list(tx: &mut Tx) -> Result<Vec<UpstreamIdentity>, StoreError> {
    let rows = t::table.order((t::user_id, t::issuer, t::subject)).load::<Row>(&mut tx.0)?;
    Ok(rows.into_iter().map(UpstreamIdentity::from).collect())
}

/// Ends one of a user; `false` when there was none.
pub fn delete(tx: &mut Tx, user_id: &UserId, issuer: &str, subject: &str) -> Result<bool, StoreError> {
    let this = t::table.filter(t::issuer.eq(issuer)).filter(t::subject.eq(subject));
    let rows = diesel::delete(this.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?;
    Ok(rows == 1)
}
