//! People who can sign in. Usernames arrive in canonical form (lower case, NFC) from the sign-in page and the command line.

use diesel::prelude::*;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::row::beginning;
use crate::schema::users as t;
use crate::{Insertion, StoreError, Tx};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The `sub` of their access tokens.
    pub id: UserId,
    /// What they type; unique.
    pub username: String,
    /// argon2id in PHC form; none for people who sign in elsewhere.
    pub password_hash: Option<String>,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they were shut out.
    pub disabled_at: Option<Timestamp>,
    /// Whether they administer this server.
    pub is_admin: bool,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    id: String,
    username: String,
    password_hash: Option<String>,
    created_at: i64,
    disabled_at: Option<i64>,
    is_admin: bool,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self {
            id: UserId::from_stored(row.id),
            username: row.username,
            password_hash: row.password_hash,
            created_at: Timestamp::from_unix(row.created_at),
            disabled_at: row.disabled_at.map(Timestamp::from_unix),
            is_admin: row.is_admin,
        }
    }
}

/// Adds a person, unless the username (or the identifier) is taken.
pub fn insert(tx: &mut Tx, user: &User) -> Result<Insertion, StoreError> {
    let row = Row {
        id: user.id.as_str().to_owned(),
        username: user.username.clone(),
        password_hash: user.password_hash.clone(),
        created_at: user.created_at.as_unix(),
        disabled_at: user.disabled_at.map(Timestamp::as_unix),
        is_admin: user.is_admin,
    };
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))
}

/// By username, in canonical form.
pub fn find_by_username(tx: &mut Tx, username: &str) -> Result<Option<User>, StoreError> {
    let row = t::table.filter(t::username.eq(username)).first::<Row>(&mut tx.0).optional()?;
    Ok(row.map(User::from))
}

/// By identifier.
pub fn find(tx: &mut Tx, id: &UserId) -> Result<Option<User>, StoreError> {
    let row = t::table.filter(t::id.eq(id.as_str())).first::<Row>(&mut tx.0).optional()?;
    Ok(row.map(User::from))
}

/// By identifier, unless disabled, to look at. To decide for them, take [`lock_enabled`].
pub fn find_enabled(tx: &mut Tx, id: &UserId) -> Result<Option<User>, StoreError> {
    Ok(find(tx, id)?.filter(|user| user.disabled_at.is_none()))
}

/// Waits until no other transaction holds this person, then holds them to the end of this one: who they are by then. So whatever is
/// decided for somebody, and whatever changes who they are or ends what they have, come one after the other. To be taken before any row
/// of theirs, since two that wait for each other both wait in vain. Writing takes the row lock, as in [`lock_administrators`].
pub fn lock(tx: &mut Tx, id: &UserId) -> Result<Option<User>, StoreError> {
    let row = diesel::update(t::table.filter(t::id.eq(id.as_str())))
        .set(t::is_admin.eq(t::is_admin))
        .returning(t::all_columns)
        .get_result::<Row>(&mut tx.0)
        .optional()?;
    Ok(row.map(User::from))
}

/// The same, unless disabled.
pub fn lock_enabled(tx: &mut Tx, id: &UserId) -> Result<Option<User>, StoreError> {
    Ok(lock(tx, id)?.filter(|user| user.disabled_at.is_none()))
}

/// Everybody, by username.
pub fn list(tx: &mut Tx) -> Result<Vec<User>, StoreError> {
    let rows = t::table.order(t::username).load::<Row>(&mut tx.0)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// At most `limit` people whose names begin so, in their order, behind that name.
pub fn page(tx: &mut Tx, prefix: &str, after: Option<&str>, limit: i64) -> Result<Vec<User>, StoreError> {
    let mut query = t::table.into_boxed();
    if !prefix.is_empty() {
        query = query.filter(t::username.like(beginning(prefix)).escape('\\'));
    }
    if let Some(after) = after {
        query = query.filter(t::username.gt(after.to_owned()));
    }
    let rows = query.order(t::username).limit(limit).load::<Row>(&mut tx.0)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Those of these identifiers that there are, in no order.
pub fn find_all(tx: &mut Tx, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
    let rows = t::table.filter(t::id.eq_any(ids.iter().map(UserId::as_str))).load::<Row>(&mut tx.0)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// The administrators who may sign in, by username.
pub fn administrators(tx: &mut Tx) -> Result<Vec<User>, StoreError> {
    let administrators = t::table.filter(t::is_admin.eq(true)).filter(t::disabled_at.is_null());
    let rows = administrators.order(t::username).load::<Row>(&mut tx.0)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Whether there is anybody.
pub fn exist(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(t::table.select(t::id).first::<String>(&mut tx.0).optional()?.is_some())
}

/// Shuts somebody out, or lets them in again; `false` when that changes nothing.
pub fn set_disabled(tx: &mut Tx, id: &UserId, at: Option<Timestamp>) -> Result<bool, StoreError> {
    let this = t::table.filter(t::id.eq(id.as_str()));
    let rows = match at {
        Some(at) => diesel::update(this.filter(t::disabled_at.is_null()))
            .set(t::disabled_at.eq(Some(at.as_unix())))
            .execute(&mut tx.0)?,
        None => diesel::update(this.filter(t::disabled_at.is_not_null()))
            .set(t::disabled_at.eq(None::<i64>))
            .execute(&mut tx.0)?,
    };
    Ok(rows == 1)
}

/// Waits until no other transaction holds an administrator, then holds all who may sign in to the end of this one: who they are by
/// then. Writing takes the row locks; both databases know no other common way.
pub fn lock_administrators(tx: &mut Tx) -> Result<Vec<UserId>, StoreError> {
    let administrators = t::table.filter(t::is_admin.eq(true)).filter(t::disabled_at.is_null());
    let ids =
        diesel::update(administrators).set(t::is_admin.eq(true)).returning(t::id).get_results::<String>(&mut tx.0)?;
    Ok(ids.into_iter().map(UserId::from_stored).collect())
}

/// Makes somebody an administrator, or one no more.
pub fn set_admin(tx: &mut Tx, id: &UserId, is_admin: bool) -> Result<bool, StoreError> {
    let this = t::table.filter(t::id.eq(id.as_str()));
    Ok(diesel::update(this).set(t::is_admin.eq(is_admin)).execute(&mut tx.0)? == 1)
}

/// Another password.
pub fn set_password(tx: &mut Tx, id: &UserId, password_hash: &str) -> Result<bool, StoreError> {
    let this = t::table.filter(t::id.eq(id.as_str()));
    Ok(diesel::update(this).set(t::password_hash.eq(Some(password_hash))).execute(&mut tx.0)? == 1)
}

/// The same password under stronger parameters, unless it was changed meanwhile.
pub fn rehash_password(tx: &mut Tx, id: &UserId, old: &str, new: &str) -> Result<bool, StoreError> {
    let this = t::table.filter(t::id.eq(id.as_str())).filter(t::password_hash.eq(Some(old)));
    Ok(diesel::update(this).set(t::password_hash.eq(Some(new))).execute(&mut tx.0)? == 1)
}

/// Takes somebody out. What they were granted is to be ended and kept before ([`crate::grants::orphan_all_of_user`]): resource
/// servers must go on hearing of it.
pub fn delete(tx: &mut Tx, id: &UserId) -> Result<bool, StoreError> {
    Ok(diesel::delete(t::table.filter(t::id.eq(id.as_str()))).execute(&mut tx.0)? == 1)
}
