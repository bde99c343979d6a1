//! Approvals. Every code and token descends from one; whoever changes any of them takes [`lock`] on the grant first.

use diesel::prelude::*;
use gatelodge_oauth::client::{ClientId, TokenEndpointAuthMethod};
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

pub use pages::{Place, Search, newest_uses, page};

use crate::row::RowName;
use crate::schema::{clients, grants as t, refresh_tokens, status_indices as indices, users};
use crate::{StoreError, Tx};

mod pages;

// Grants as what others were made of.
diesel::alias! {
    const CAUSES: Alias<Causes> = t as causes;
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    id: String,
    user_id: Option<String>,
    client_id: String,
    resource: String,
    scope: String,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
    auth_method: Option<String>,
    status_index: Option<i64>,
    name: Option<String>,
    spares_question: bool,
    remembered_from: Option<String>,
    last_used_from: Option<String>,
}

/// When and from where a client last came for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// From which network, as far as that is known.
    pub source: Option<String>,
}

impl TryFrom<Row> for Grant {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of("grants", &row.id);
        Ok(Self {
            id: GrantId::from_stored(row.id),
            user_id: row.user_id.map(UserId::from_stored),
            client_id: ClientId::new(row.client_id),
            resource: ResourceId::from_stored(row.resource),
            scope: name.parse("scope", &row.scope)?,
            created_at: Timestamp::from_unix(row.created_at),
            expires_at: Timestamp::from_unix(row.expires_at),
            revoked_at: row.revoked_at.map(Timestamp::from_unix),
            auth_method: row.auth_method.map(|method| name.parse("auth_method", &method)).transpose()?,
            status_index: row.status_index,
            name: row.name,
            remembered_from: row.remembered_from.map(GrantId::from_stored),
        })
    }
}

/// Adds a grant. Its client counts as used from now on, and is never cleared away.
pub fn insert(tx: &mut Tx, grant: &Grant) -> Result<(), StoreError> {
    insert_row(tx, grant, false)
}

/// The same of one whose person was told, when asked, that the same is not asked again: see [`consented`].
pub fn insert_consent(tx: &mut Tx, grant: &Grant) -> Result<(), StoreError> {
    insert_row(tx, grant, true)
}

fn insert_row(tx: &mut Tx, grant: &Grant, spares_question: bool) -> Result<(), StoreError> {
    let row = Row {
        id: grant.id.as_str().to_owned(),
        user_id: grant.user_id.as_ref().map(|id| id.as_str().to_owned()),
        client_id: grant.client_id.as_str().to_owned(),
        resource: grant.resource.as_str().to_owned(),
        scope: grant.scope.to_string(),
        created_at: grant.created_at.as_unix(),
        expires_at: grant.expires_at.as_unix(),
        revoked_at: grant.revoked_at.map(Timestamp::as_unix),
        last_used_at: None,
        auth_method: grant.auth_method.map(|method| method.as_str().to_owned()),
        status_index: grant.status_index,
        name: grant.name.clone(),
        spares_question,
        remembered_from: grant.remembered_from.as_ref().map(|id| id.as_str().to_owned()),
        last_used_from: None,
    };
    diesel::insert_into(t::table).values(row).execute(&mut tx.0)?;
    let unused =
        clients::table.filter(clients::id.eq(grant.client_id.as_str())).filter(clients::unused_since.is_not_null());
    diesel::update(unused).set(clients::unused_since.eq(None::<i64>)).execute(&mut tx.0)?;
    Ok(())
}

/// By identifier, to look at. To decide on it, take [`lock`].
pub fn find(tx: &mut Tx, id: &GrantId) -> Result<Option<Grant>, StoreError> {
    let row = t::table.filter(t::id.eq(id.as_str())).first::<Row>(&mut tx.0).optional()?;
    row.map(Grant::try_from).transpose()
}

/// By its place in the status list, which its access tokens name.
pub fn find_by_status_index(tx: &mut Tx, index: i64) -> Result<Option<Grant>, StoreError> {
    let row = t::table.filter(t::status_index.eq(index)).first::<Row>(&mut tx.0).optional()?;
    row.map(Grant::try_from).transpose()
}

/// Keeps how the client proved itself when it got its first token; a later proof changes nothing.
pub fn keep_auth_method(tx: &mut Tx, id: &GrantId, method: TokenEndpointAuthMethod) -> Result<(), StoreError> {
    diesel::update(t::table.filter(t::id.eq(id.as_str())).filter(t::auth_method.is_null()))
        .set(t::auth_method.eq(Some(method.as_str())))
        .execute(&mut tx.0)?;
    Ok(())
}

/// Waits until no other transaction holds this grant, then holds it to the end of this one, and returns it as it is by then.
/// Writing its last use, which is now and from `source`, takes the row lock: both databases know no other common way.
pub fn lock(tx: &mut Tx, id: &GrantId, source: Option<&str>, now: Timestamp) -> Result<Option<Grant>, StoreError> {
    let row = diesel::update(t::table.filter(t::id.eq(id.as_str())))
        .set((t::last_used_at.eq(Some(now.as_unix())), t::last_used_from.eq(source)))
        .returning(t::all_columns)
        .get_result::<Row>(&mut tx.0)
        .optional()?;
    row.map(Grant::try_from).transpose()
}

/// The same for the grant that a refresh token belongs to, in one statement. The token itself is to be read afterwards: while
/// this waited, somebody may have spent it.
pub fn lock_by_refresh_token(
    tx: &mut Tx,
    token: &HashedSecret,
    source: Option<&str>,
    now: Timestamp,
) -> Result<Option<Grant>, StoreError> {
    let owner =
        refresh_tokens::table.filter(refresh_tokens::hash.eq(&token.as_bytes()[..])).select(refresh_tokens::grant_id);
    let row = diesel::update(t::table.filter(t::id.nullable().eq(owner.single_value())))
        .set((t::last_used_at.eq(Some(now.as_unix())), t::last_used_from.eq(source)))
        .returning(t::all_columns)
        .get_result::<Row>(&mut tx.0)
        .optional()?;
    row.map(Grant::try_from).transpose()
}

/// Ends the grant and with it every code and token of it, and every grant that nobody was asked for because of it: what ended now, the
/// grant itself first. Takes the same row lock as [`lock`], so no token is made after a committed revocation. What its user said yes
/// to before, for the same client at the same resource, spares no further question.
pub fn revoke(tx: &mut Tx, id: &GrantId, now: Timestamp) -> Result<Vec<Grant>, StoreError> {
    let revoked = t::revoked_at.eq(Some(now.as_unix()));
    let this = t::table.filter(t::id.eq(id.as_str())).filter(t::revoked_at.is_null());
    let mut rows = diesel::update(this).set(revoked).returning(t::all_columns).get_results::<Row>(&mut tx.0)?;
    let because = t::table.filter(t::remembered_from.eq(id.as_str())).filter(t::revoked_at.is_null());
    rows.extend(diesel::update(because).set(revoked).returning(t::all_columns).get_results::<Row>(&mut tx.0)?);
    if let Some(Row { user_id: Some(user_id), client_id, resource, .. }) = rows.first() {
        forget(tx, user_id, client_id, resource)?;
    }
    rows.into_iter().map(Grant::try_from).collect()
}

/// The same on the word of whoever may take back what was said: where nobody was asked for the grant, the one that it came from ends too,
/// with all that came from that.
pub fn take_back(tx: &mut Tx, id: &GrantId, now: Timestamp) -> Result<Vec<Grant>, StoreError> {
    let consent = find(tx, id)?.and_then(|grant| grant.remembered_from);
    let mut ended = consent.map(|consent| revoke(tx, &consent, now)).transpose()?.unwrap_or_default();
    ended.extend(revoke(tx, id, now)?);
    Ok(ended)
}

/// Ends every grant of a client, as [`revoke`] does; how many had not ended before. Like there, what nobody was asked for ends in a
/// statement of its own: one that waits for a grant does not see what was made of it meanwhile.
pub fn revoke_all_of_client(tx: &mut Tx, client_id: &ClientId, now: Timestamp) -> Result<usize, StoreError> {
    let revoked = t::revoked_at.eq(Some(now.as_unix()));
    let of_client = t::table.filter(t::client_id.eq(client_id.as_str())).filter(t::revoked_at.is_null());
    let ended = diesel::update(of_client).set(revoked).execute(&mut tx.0)?;
    let causes = CAUSES.filter(CAUSES.field(t::client_id).eq(client_id.as_str()));
    let causes = causes.filter(CAUSES.field(t::revoked_at).is_not_null()).select(CAUSES.field(t::id).nullable());
    let because = of_client.filter(t::remembered_from.eq_any(causes));
    Ok(ended + diesel::update(because).set(revoked).execute(&mut tx.0)?)
}

/// A place in the status list that no grant ever had.
pub fn allocate_status_index(tx: &mut Tx, now: Timestamp) -> Result<i64, StoreError> {
    Ok(diesel::insert_into(indices::table)
        .values(indices::allocated_at.eq(now.as_unix()))
        .returning(indices::status_index)
        .get_result(&mut tx.0)?)
}

/// The places in the status list of the grants that were revoked, or whose user is shut out, and that would not have ended
/// before `after` anyway.
pub fn revoked_status_indices(tx: &mut Tx, after: Timestamp) -> Result<Vec<i64>, StoreError> {
    let shut_out = users::table.filter(users::disabled_at.is_not_null()).select(users::id.nullable());
    let ended = t::revoked_at.is_not_null().or(t::user_id.is_not_null().and(t::user_id.eq_any(shut_out)));
    let listed = t::table.filter(t::expires_at.gt(after.as_unix())).filter(t::status_index.is_not_null());
    let indices = listed.filter(ended.assume_not_null()).select(t::status_index).load::<Option<i64>>(&mut tx.0)?;
    Ok(indices.into_iter().flatten().collect())
}

/// The last place in the status list that was handed out.
pub fn last_status_index(tx: &mut Tx) -> Result<Option<i64>, StoreError> {
    Ok(indices::table.select(diesel::dsl::max(indices::status_index)).first(&mut tx.0)?)
}

/// Every grant, or those of one user; the newest first.
pub fn list(tx: &mut Tx, user_id: Option<&UserId>) -> Result<Vec<Grant>, StoreError> {
    let newest_first = (t::created_at.desc(), t::id);
    let rows = match user_id {
        Some(id) => t::table.filter(t::user_id.eq(id.as_str())).order(newest_first).load::<Row>(&mut tx.0)?,
        None => t::table.order(newest_first).load::<Row>(&mut tx.0)?,
    };
    rows.into_iter().map(Grant::try_from).collect()
}

/// Every grant of a user, the newest first, with the last use of each.
pub fn all_of_user(tx: &mut Tx, user_id: &UserId) -> Result<Vec<(Grant, Option<LastUse>)>, StoreError> {
    let of_user = t::table.filter(t::user_id.eq(user_id.as_str()));
    let rows = of_user.order((t::created_at.desc(), t::id)).load::<Row>(&mut tx.0)?;
    rows.into_iter().map(with_last_use).collect()
}

/// One, with its last use.
pub fn find_with_last_use(tx: &mut Tx, id: &GrantId) -> Result<Option<(Grant, Option<LastUse>)>, StoreError> {
    let row = t::table.filter(t::id.eq(id.as_str())).first::<Row>(&mut tx.0).optional()?;
    row.map(with_last_use).transpose()
}

fn with_last_use(row: Row) -> Result<(Grant, Option<LastUse>), StoreError> {
    let source = row.last_used_from.clone();
    let last_use = row.last_used_at.map(|at| LastUse { at: Timestamp::from_unix(at), source });
    Ok((Grant::try_from(row)?, last_use))
}

/// The grants of a user that still hold, the newest first, with the last use of each.
pub fn held_by(tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<Vec<(Grant, Option<LastUse>)>, StoreError> {
    let rows = t::table
        .filter(t::user_id.eq(user_id.as_str()))
        .filter(t::revoked_at.is_null())
        .filter(t::expires_at.gt(now.as_unix()))
        .order((t::created_at.desc(), t::id))
        .load::<Row>(&mut tx.0)?;
    rows.into_iter().map(with_last_use).collect()
}

/// What a user allows a client at a resource by now, with all its grants that still hold.
pub fn held_scope(
    tx: &mut Tx,
    user_id: &UserId,
    client_id: &ClientId,
    resource: &ResourceId,
    now: Timestamp,
) -> Result<Scope, StoreError> {
    let rows = t::table
        .filter(t::user_id.eq(user_id.as_str()))
        .filter(t::client_id.eq(client_id.as_str()))
        .filter(t::resource.eq(resource.as_str()))
        .filter(t::revoked_at.is_null())
        .filter(t::expires_at.gt(now.as_unix()))
        .load::<Row>(&mut tx.0)?;
    rows.into_iter().try_fold(Scope::empty(), |held, row| Ok(held.union(&Grant::try_from(row)?.scope)))
}

/// What a user said yes to, when last asked and since then, for this client at this resource, as far as it still holds and the user was
/// told that the same is not asked again. It is held to the end of the transaction: it does not end while another grant is made of it.
pub fn consented(
    tx: &mut Tx,
    user_id: &UserId,
    client_id: &ClientId,
    resource: &ResourceId,
    since: Timestamp,
    now: Timestamp,
) -> Result<Option<Grant>, StoreError> {
    let holds = t::spares_question.eq(true).and(t::revoked_at.is_null());
    let found = t::table
        .filter(t::user_id.eq(user_id.as_str()))
        .filter(t::client_id.eq(client_id.as_str()))
        .filter(t::resource.eq(resource.as_str()))
        .filter(holds)
        .filter(t::created_at.gt(since.as_unix()))
        .filter(t::expires_at.gt(now.as_unix()))
        .order((t::created_at.desc(), t::id))
        .select(t::id)
        .first::<String>(&mut tx.0)
        .optional()?;
    let Some(id) = found else { return Ok(None) };
    let row = diesel::update(t::table.filter(t::id.eq(id)).filter(holds))
        .set(t::spares_question.eq(true))
        .returning(t::all_columns)
        .get_result::<Row>(&mut tx.0)
        .optional()?;
    row.map(Grant::try_from).transpose()
}

/// The user is answering anew: what was allowed before goes on, and is no reason for a further grant.
pub fn forget_consents(
    tx: &mut Tx,
    user_id: &UserId,
    client_id: &ClientId,
    resource: &ResourceId,
) -> Result<(), StoreError> {
    forget(tx, user_id.as_str(), client_id.as_str(), resource.as_str())
}

fn forget(tx: &mut Tx, user_id: &str, client_id: &str, resource: &str) -> Result<(), StoreError> {
    let consents = t::table
        .filter(t::user_id.eq(user_id))
        .filter(t::client_id.eq(client_id))
        .filter(t::resource.eq(resource))
        .filter(t::spares_question.eq(true));
    diesel::update(consents).set(t::spares_question.eq(false)).execute(&mut tx.0)?;
    Ok(())
}

/// Ends every grant of a user, as [`revoke`] does; how many there were.
pub fn revoke_all_of_user(tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<usize, StoreError> {
    let alive = t::table.filter(t::user_id.eq(user_id.as_str())).filter(t::revoked_at.is_null());
    Ok(diesel::update(alive).set(t::revoked_at.eq(Some(now.as_unix()))).execute(&mut tx.0)?)
}

/// Keeps the ended grants of a user who is about to be removed: their tokens must stay in the status list.
pub fn orphan_all_of_user(tx: &mut Tx, user_id: &UserId) -> Result<(), StoreError> {
    let ended = t::table.filter(t::user_id.eq(user_id.as_str())).filter(t::revoked_at.is_not_null());
    diesel::update(ended).set(t::user_id.eq(None::<String>)).execute(&mut tx.0)?;
    Ok(())
}

/// Ends every grant that was made before this time, as [`revoke`] does: what nobody was asked for because of one of them ends too,
/// whenever it was made. How many there were.
pub fn revoke_all_before(tx: &mut Tx, before: Timestamp, now: Timestamp) -> Result<usize, StoreError> {
    let (revoked, before) = (t::revoked_at.eq(Some(now.as_unix())), before.as_unix());
    let older = t::table.filter(t::created_at.lt(before)).filter(t::revoked_at.is_null());
    let ended = diesel::update(older).set(revoked).execute(&mut tx.0)?;
    let causes = CAUSES.filter(CAUSES.field(t::created_at).lt(before));
    let causes = causes.filter(CAUSES.field(t::revoked_at).is_not_null()).select(CAUSES.field(t::id).nullable());
    let because = t::table.filter(t::revoked_at.is_null()).filter(t::remembered_from.eq_any(causes));
    Ok(ended + diesel::update(because).set(revoked).execute(&mut tx.0)?)
}
