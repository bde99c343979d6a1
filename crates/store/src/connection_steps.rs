//! How far each connection of a client came, step by step: what the flight recorder keeps. Written behind the back of the requests, read
//! by `gatelodge connections`, and swept by age and by number, because strangers cause these rows. Nothing is decided by them.

use diesel::prelude::*;
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::grant::{GrantId, UserId};
use gatelodge_oauth::time::Timestamp;

use crate::schema::connection_steps as t;
use crate::{StoreError, Tx};

/// One step of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionStep {
    /// Its own, in the order of time within a second.
    pub id: String,
    /// The attempt it belongs to.
    pub connection: String,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub step: String,
    /// Which client.
    pub client_id: Option<String>,
    /// Whose attempt it turned out to be.
    pub user_id: Option<String>,
    /// To which resource.
    pub resource: Option<String>,
    /// From which network.
    pub source: Option<String>,
    /// What came of it.
    pub grant_id: Option<String>,
    /// What else there is to say.
    pub detail: Option<String>,
}

/// Which attempts are wanted; what is left out is not asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Of this client.
    pub client_id: Option<String>,
    /// Of this user.
    pub user_id: Option<String>,
}

impl Search {
    /// Whether a step is one of these.
    pub fn is_of(&self, step: &ConnectionStep) -> bool {
        let fits = |wanted: &Option<String>, has: &Option<String>| wanted.is_none() || wanted == has;
        fits(&self.client_id, &step.client_id) && fits(&self.user_id, &step.user_id)
    }
}

impl ConnectionStep {
    /// A step of which nothing else is known.
    pub fn new(id: String, connection: String, at: Timestamp, step: &str) -> Self {
        Self {
            id,
            connection,
            at,
            step: step.to_owned(),
            client_id: None,
            user_id: None,
            resource: None,
            source: None,
            grant_id: None,
            detail: None,
        }
    }
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    id: String,
    connection: String,
    at: i64,
    step: String,
    client_id: Option<String>,
    user_id: Option<String>,
    resource: Option<String>,
    source: Option<String>,
    grant_id: Option<String>,
    detail: Option<String>,
}

impl From<&ConnectionStep> for Row {
    fn from(step: &ConnectionStep) -> Self {
        let ConnectionStep { id, connection, at, step, client_id, user_id, resource, source, grant_id, detail } =
            step.clone();
        Self { id, connection, at: at.as_unix(), step, client_id, user_id, resource, source, grant_id, detail }
    }
}

impl From<Row> for ConnectionStep {
    fn from(row: Row) -> Self {
        let Row { id, connection, at, step, client_id, user_id, resource, source, grant_id, detail } = row;
        let at = Timestamp::from_unix(at);
        Self { id, connection, at, step, client_id, user_id, resource, source, grant_id, detail }
    }
}

fn read(rows: Vec<Row>) -> Vec<ConnectionStep> {
    rows.into_iter().map(ConnectionStep::from).collect()
}

/// Adds a step.
pub fn insert(tx: &mut Tx, step: &ConnectionStep) -> Result<(), StoreError> {
    diesel::insert_into(t::table).values(Row::from(step)).execute(&mut tx.0)?;
    Ok(())
}

/// By its own name.
pub fn find(tx: &mut Tx, id: &str) -> Result<Option<ConnectionStep>, StoreError> {
    let row = t::table.filter(t::id.eq(id)).first::<Row>(&mut tx.0).optional()?;
    Ok(row.map(ConnectionStep::from))
}

/// Every step of an attempt, the first one first.
pub fn of_connection(tx: &mut Tx, connection: &str) -> Result<Vec<ConnectionStep>, StoreError> {
    Ok(read(t::table.filter(t::connection.eq(connection)).order((t::at, t::id)).load(&mut tx.0)?))
}

/// Every step of the attempts of a user, the first one first.
pub fn of_user(tx: &mut Tx, user_id: &UserId) -> Result<Vec<ConnectionStep>, StoreError> {
    Ok(read(t::table.filter(t::user_id.eq(user_id.as_str())).order((t::at, t::id)).load(&mut tx.0)?))
}

/// At most `limit` steps of before `before`, the newest one first.
pub fn page(
    tx: &mut Tx,
    search: &Search,
    before: Option<&ConnectionStep>,
    limit: u32,
) -> Result<Vec<ConnectionStep>, StoreError> {
    let mut query = t::table.into_boxed();
    if let Some(client_id) = &search.client_id {
        query = query.filter(t::client_id.eq(client_id.clone()));
    }
    if let Some(user_id) = &search.user_id {
        query = query.filter(t::user_id.eq(user_id.clone()));
    }
    if let Some(before) = before {
        let (at, id) = (before.at.as_unix(), before.id.clone());
        query = query.filter(t::at.le(at)).filter(t::at.lt(at).or(t::id.lt(id)));
    }
    Ok(read(query.order((t::at.desc(), t::id.desc())).limit(i64::from(limit)).load(&mut tx.0)?))
}

/// When a client did this step the last time.
pub fn newest_of_client(tx: &mut Tx, client_id: &str, step: &str) -> Result<Option<ConnectionStep>, StoreError> {
    let of_client = t::table.filter(t::client_id.eq(client_id)).filter(t::step.eq(step));
    let row = of_client.order((t::at.desc(), t::id.desc())).first::<Row>(&mut tx.0).optional()?;
    Ok(row.map(ConnectionStep::from))
}

/// The first step of a grant: where it was made.
pub fn first_of_grant(tx: &mut Tx, grant_id: &GrantId) -> Result<Option<ConnectionStep>, StoreError> {
    let of_grant = t::table.filter(t::grant_id.eq(grant_id.as_str()));
    let row = of_grant.order((t::at, t::id)).first::<Row>(&mut tx.0).optional()?;
    Ok(row.map(ConnectionStep::from))
}

/// When this client did this step for this user again, in another attempt.
pub fn next_time(
    tx: &mut Tx,
    step: &ConnectionStep,
    client_id: &ClientId,
    user_id: &UserId,
) -> Result<Option<Timestamp>, StoreError> {
    let later = t::table
        .filter(t::client_id.eq(client_id.as_str()))
        .filter(t::user_id.eq(user_id.as_str()))
        .filter(t::step.eq(step.step.clone()))
        .filter(t::connection.ne(step.connection.clone()))
        .filter(t::at.ge(step.at.as_unix()));
    let at = later.select(t::at).order((t::at, t::id)).first::<i64>(&mut tx.0).optional()?;
    Ok(at.map(Timestamp::from_unix))
}

/// One attempt turned out to be the beginning of another.
pub fn join(tx: &mut Tx, beginning: &str, connection: &str) -> Result<(), StoreError> {
    diesel::update(t::table.filter(t::connection.eq(beginning)))
        .set(t::connection.eq(connection))
        .execute(&mut tx.0)?;
    Ok(())
}

/// It turned out whose attempt it is; what belongs to somebody already stays theirs.
pub fn give_to(tx: &mut Tx, connection: &str, user_id: &UserId) -> Result<(), StoreError> {
    let of_nobody = t::table.filter(t::connection.eq(connection)).filter(t::user_id.is_null());
    diesel::update(of_nobody).set(t::user_id.eq(Some(user_id.as_str()))).execute(&mut tx.0)?;
    Ok(())
}

/// Forgets the attempts of somebody who leaves; how many steps they had.
pub fn delete_of_user(tx: &mut Tx, user_id: &UserId) -> Result<usize, StoreError> {
    Ok(diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?)
}

/// Deletes at most `limit` steps of before this time; how many there were.
pub fn delete_before(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<usize, StoreError> {
    let old = t::table.filter(t::at.lt(before.as_unix())).order(t::at);
    let batch = old.select(t::id).limit(i64::from(limit)).load::<String>(&mut tx.0)?;
    Ok(diesel::delete(t::table.filter(t::id.eq_any(batch))).execute(&mut tx.0)?)
}

/// Deletes at most `limit` steps of strangers: those of before this time, and the oldest beyond the newest `keep`. How many there were.
pub fn delete_of_strangers(tx: &mut Tx, before: Timestamp, keep: u32, limit: u32) -> Result<usize, StoreError> {
    let newest_first = t::table.filter(t::user_id.is_null()).order((t::at.desc(), t::id.desc()));
    let beyond = newest_first.select(t::id).offset(i64::from(keep)).limit(i64::from(limit));
    let mut batch = beyond.load::<String>(&mut tx.0)?;
    let old = t::table.filter(t::user_id.is_null()).filter(t::at.lt(before.as_unix())).order(t::at);
    let left = i64::from(limit).saturating_sub(i64::try_from(batch.len()).unwrap_or(i64::MAX));
    batch.extend(old.select(t::id).limit(left).load::<String>(&mut tx.0)?);
    Ok(diesel::delete(t::table.filter(t::id.eq_any(batch))).execute(&mut tx.0)?)
}
