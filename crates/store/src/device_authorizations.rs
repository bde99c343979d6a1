//! Devices that wait for somebody to type their code (RFC 8628): found by device code when the device asks, by user code when
//! the person does. Decided once, and handed out once, each by a guarded statement.

use std::time::Duration;

use diesel::prelude::*;
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::grant::GrantId;
use gatelodge_oauth::grant::device_code::{DeviceAuthorization, UserCode};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::row::RowName;
use crate::schema::device_authorizations as t;
use crate::{Insertion, StoreError, Tx};

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    hash: Vec<u8>,
    user_code: String,
    client_id: String,
    resource: String,
    scope: String,
    created_at: i64,
    expires_at: i64,
    poll_interval: i64,
    last_polled_at: Option<i64>,
    grant_id: Option<String>,
    denied_at: Option<i64>,
    consumed_at: Option<i64>,
    consumed_by: Option<Vec<u8>>,
}

impl TryFrom<Row> for DeviceAuthorization {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of_hash("device_authorizations", &row.hash);
        let poll_interval = u64::try_from(row.poll_interval).map_err(|_| name.corrupt("poll_interval"))?;
        Ok(Self {
            hash: name.hash("hash", row.hash)?,
            user_code: UserCode::try_from(row.user_code).map_err(|_| name.corrupt("user_code"))?,
            client_id: ClientId::new(row.client_id),
            resource: ResourceId::from_stored(row.resource),
            scope: name.parse("scope", &row.scope)?,
            created_at: Timestamp::from_unix(row.created_at),
            expires_at: Timestamp::from_unix(row.expires_at),
            poll_interval: Duration::from_secs(poll_interval),
            last_polled_at: row.last_polled_at.map(Timestamp::from_unix),
            grant_id: row.grant_id.map(GrantId::from_stored),
            denied_at: row.denied_at.map(Timestamp::from_unix),
            consumed_at: row.consumed_at.map(Timestamp::from_unix),
        })
    }
}

/// Adds a device, unless its user code is taken.
pub fn insert(tx: &mut Tx, device: &DeviceAuthorization) -> Result<Insertion, StoreError> {
    let row = Row {
        hash: device.hash.as_bytes().to_vec(),
        user_code: device.user_code.as_str().to_owned(),
        client_id: device.client_id.as_str().to_owned(),
        resource: device.resource.as_str().to_owned(),
        scope: device.scope.to_string(),
        created_at: device.created_at.as_unix(),
        expires_at: device.expires_at.as_unix(),
        poll_interval: seconds(device.poll_interval),
        last_polled_at: device.last_polled_at.map(Timestamp::as_unix),
        grant_id: device.grant_id.as_ref().map(|id| id.as_str().to_owned()),
        denied_at: device.denied_at.map(Timestamp::as_unix),
        consumed_at: device.consumed_at.map(Timestamp::as_unix),
        consumed_by: None,
    };
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))
}

/// By the hash of the device code, in whatever state it is: the rules judge.
pub fn find(tx: &mut Tx, hash: &HashedSecret) -> Result<Option<DeviceAuthorization>, StoreError> {
    let row = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).first::<Row>(&mut tx.0).optional()?;
    row.map(DeviceAuthorization::try_from).transpose()
}

/// By what it shows, in whatever state it is.
pub fn find_by_user_code(tx: &mut Tx, user_code: &UserCode) -> Result<Option<DeviceAuthorization>, StoreError> {
    let row = t::table.filter(t::user_code.eq(user_code.as_str())).first::<Row>(&mut tx.0).optional()?;
    row.map(DeviceAuthorization::try_from).transpose()
}

/// Notes that the device asked, and how long it must wait from now on.
pub fn record_poll(
    tx: &mut Tx,
    hash: &HashedSecret,
    poll_interval: Duration,
    now: Timestamp,
) -> Result<(), StoreError> {
    diesel::update(t::table.filter(t::hash.eq(&hash.as_bytes()[..])))
        .set((t::last_polled_at.eq(Some(now.as_unix())), t::poll_interval.eq(seconds(poll_interval))))
        .execute(&mut tx.0)?;
    Ok(())
}

/// Holds a device that still waits to the end of this transaction, so that the decision about it can be written; `false` when
/// it waits no longer. Writing what is there already takes the row lock.
pub fn hold_waiting(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<bool, StoreError> {
    let waiting = t::table
        .filter(t::hash.eq(&hash.as_bytes()[..]))
        .filter(t::grant_id.is_null())
        .filter(t::denied_at.is_null())
        .filter(t::expires_at.gt(now.as_unix()));
    Ok(diesel::update(waiting).set(t::poll_interval.eq(t::poll_interval)).execute(&mut tx.0)? == 1)
}

/// Somebody allowed it, after [`hold_waiting`].
pub fn allow(tx: &mut Tx, hash: &HashedSecret, grant_id: &GrantId) -> Result<(), StoreError> {
    diesel::update(t::table.filter(t::hash.eq(&hash.as_bytes()[..])))
        .set(t::grant_id.eq(Some(grant_id.as_str())))
        .execute(&mut tx.0)?;
    Ok(())
}

/// Somebody said no, after [`hold_waiting`].
pub fn deny(tx: &mut Tx, hash: &HashedSecret, now: Timestamp) -> Result<(), StoreError> {
    diesel::update(t::table.filter(t::hash.eq(&hash.as_bytes()[..])))
        .set(t::denied_at.eq(Some(now.as_unix())))
        .execute(&mut tx.0)?;
    Ok(())
}

/// Hands the tokens out: `true` for exactly one caller, ever. `by`: the hash of the refresh token made for the request.
pub fn consume(tx: &mut Tx, hash: &HashedSecret, by: &HashedSecret, now: Timestamp) -> Result<bool, StoreError> {
    let unconsumed = t::table
        .filter(t::hash.eq(&hash.as_bytes()[..]))
        .filter(t::consumed_at.is_null())
        .filter(t::grant_id.is_not_null());
    let rows = diesel::update(unconsumed)
        .set((t::consumed_at.eq(Some(now.as_unix())), t::consumed_by.eq(Some(&by.as_bytes()[..]))))
        .execute(&mut tx.0)?;
    Ok(rows == 1)
}

/// Whether it was this request that consumed the device code, in a transaction whose commit it did not learn of.
pub fn was_consumed_by(tx: &mut Tx, hash: &HashedSecret, by: &HashedSecret) -> Result<bool, StoreError> {
    let own = t::table.filter(t::hash.eq(&hash.as_bytes()[..])).filter(t::consumed_by.eq(&by.as_bytes()[..]));
    Ok(own.count().get_result::<i64>(&mut tx.0)? == 1)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
