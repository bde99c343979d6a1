//! The passkeys of people (Web Authentication Level 3), by credential ID. What a credential says is read by whoever checks
//! signatures; here its counter only goes forward.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::schema::passkeys as t;
use crate::{Insertion, StoreError, Tx};

/// One passkey; nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// The credential ID.
    pub id: Vec<u8>,
    /// Whose it is.
    pub user_id: UserId,
    /// What its owner calls it.
    pub name: String,
    /// The public key and what belongs to it, as JSON.
    pub credential: String,
    /// The signature counter of the last use.
    pub counter: i64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last signed somebody in.
    pub last_used_at: Option<Timestamp>,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t)]
struct Row {
    id: Vec<u8>,
    user_id: String,
    name: String,
    credential: String,
    counter: i64,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl From<Row> for Passkey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            user_id: UserId::from_stored(row.user_id),
            name: row.name,
            credential: row.credential,
            counter: row.counter,
            created_at: Timestamp::from_unix(row.created_at),
            last_used_at: row.last_used_at.map(Timestamp::from_unix),
        }
    }
}

/// Adds one, unless its credential ID is known already, whosever it is.
pub fn insert(tx: &mut Tx, passkey: &Passkey) -> Result<Insertion, StoreError> {
    let row = Row {
        id: passkey.id.clone(),
        user_id: passkey.user_id.as_str().to_owned(),
        name: passkey.name.clone(),
        credential: passkey.credential.clone(),
        counter: passkey.counter,
        created_at: passkey.created_at.as_unix(),
        last_used_at: passkey.last_used_at.map(Timestamp::as_unix),
    };
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))
}

/// By credential ID.
pub fn find(tx: &mut Tx, id: &[u8]) -> Result<Option<Passkey>, StoreError> {
    let row = t::table.filter(t::id.eq(id)).first::<Row>(&mut tx.0).optional()?;
    Ok(row.map(Passkey::from))
}

/// Those of a user, the oldest first.
pub fn of_user(tx: &mut Tx, user_id: &UserId) -> Result<Vec<Passkey>, StoreError> {
    let rows = t::table.filter(t::user_id.eq(user_id.as_str())).order((t::created_at, t::id)).load::<Row>(&mut tx.0)?;
    Ok(rows.into_iter().map(Passkey::from).collect())
}

/// Notes a use. `false` when it is gone, or its counter did not go forward: of two uses with one count the second is that of a copy
/// (Web Authentication §7.2, step 22). Passkeys that do not count always say 0.
pub fn use_once(tx: &mut Tx, id: &[u8], counter: i64, credential: &str, now: Timestamp) -> Result<bool, StoreError> {
    let this = t::table.filter(t::id.eq(id));
    let used = (t::counter.eq(counter), t::credential.eq(credential), t::last_used_at.eq(Some(now.as_unix())));
    let rows = match counter {
        0 => diesel::update(this.filter(t::counter.eq(0))).set(used).execute(&mut tx.0)?,
        _ => diesel::update(this.filter(t::counter.lt(counter))).set(used).execute(&mut tx.0)?,
    };
    Ok(rows == 1)
}

/// Calls one of a user something else; `false` when they have none of this ID.
pub fn rename(tx: &mut Tx, user_id: &UserId, id: &[u8], name: &str) -> Result<bool, StoreError> {
    let this = t::table.filter(t::id.eq(id)).filter(t::user_id.eq(user_id.as_str()));
    Ok(diesel::update(this).set(t::name.eq(name)).execute(&mut tx.0)? == 1)
}

/// Takes one of a user out; `false` when they have none of this ID.
pub fn delete(tx: &mut Tx, user_id: &UserId, id: &[u8]) -> Result<bool, StoreError> {
    let this = t::table.filter(t::id.eq(id)).filter(t::user_id.eq(user_id.as_str()));
    Ok(diesel::delete(this).execute(&mut tx.0)? == 1)
}

/// Takes out all of a user's; how many there were.
pub fn delete_all_of(tx: &mut Tx, user_id: &UserId) -> Result<usize, StoreError> {
    Ok(diesel::delete(t::table.filter(t::user_id.eq(user_id.as_str()))).execute(&mut tx.0)?)
}
