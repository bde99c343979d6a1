//! Grants as lists of them are read: from a place on, the newest first.

use diesel::prelude::*;
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::time::Timestamp;

use super::{LastUse, Row, with_last_use};
use crate::schema::grants as t;
use crate::{StoreError, Tx};

/// Which grants are wanted; what is left out is not asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Of this user.
    pub user_id: Option<UserId>,
    /// Of this client.
    pub client_id: Option<ClientId>,
    /// That still hold at this time.
    pub held_at: Option<Timestamp>,
}

/// A place between two grants, in the order of [`page`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// When the grant before it was made.
    pub created_at: Timestamp,
    /// That grant, which may be gone by now.
    pub id: GrantId,
}

/// At most `limit` grants behind that place, the newest first, with the last use of each.
pub fn page(
    tx: &mut Tx,
    search: &Search,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<(Grant, Option<LastUse>)>, StoreError> {
    let mut query = t::table.into_boxed();
    if let Some(user_id) = &search.user_id {
        query = query.filter(t::user_id.eq(user_id.as_str().to_owned()));
    }
    if let Some(client_id) = &search.client_id {
        query = query.filter(t::client_id.eq(client_id.as_str().to_owned()));
    }
    if let Some(now) = search.held_at {
        query = query.filter(t::revoked_at.is_null()).filter(t::expires_at.gt(now.as_unix()));
    }
    if let Some(Place { created_at, id }) = after {
        let (at, id) = (created_at.as_unix(), id.as_str().to_owned());
        query = query.filter(t::created_at.le(at)).filter(t::created_at.lt(at).or(t::id.lt(id)));
    }
    let rows = query.order((t::created_at.desc(), t::id.desc())).limit(limit).load::<Row>(&mut tx.0)?;
    rows.into_iter().map(with_last_use).collect()
}

/// When each of the newest grants of a client that still hold was last used: `limit` of them at most.
pub fn newest_uses(
    tx: &mut Tx,
    client_id: &ClientId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Option<Timestamp>>, StoreError> {
    let held = t::table.filter(t::client_id.eq(client_id.as_str())).filter(t::revoked_at.is_null());
    let newest = held.filter(t::expires_at.gt(now.as_unix())).order((t::created_at.desc(), t::id.desc())).limit(limit);
    let used = newest.select(t::last_used_at).load::<Option<i64>>(&mut tx.0)?;
    Ok(used.into_iter().map(|at| at.map(Timestamp::from_unix)).collect())
}
