//! What happens to people, and what ends with it: one function for each change, to be called within one transaction, so that no
//! access outlives its reason. Each holds the person first ([`users::lock`]), as does whoever gives them access: of a sign-in and another
//! password at the same time one comes first. Called by the account page, by the pages behind links, and by
//! `administration/operator.rs` for whoever does it to others.

use std::fmt;

use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::users::User;
use gatelodge_store::{
    Insertion, StoreError, Tx, administration_links, administration_sessions, browser_sessions, connection_steps,
    email_addresses, email_codes, grants, known_sources, password_links, second_steps, setup_links,
    upstream_identities, users,
};

use crate::login::password::canonical_username;
use crate::mail::address;
use crate::security_events::SecurityEvent;

/// How much ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Browser sessions.
    pub sessions: usize,
    /// Grants, with their tokens.
    pub grants: usize,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sessions and {} grants ended", self.sessions, self.grants)
    }
}

/// Shuts somebody out.
pub fn disable(tx: &mut Tx, id: &UserId, now: Timestamp) -> Result<Ended, StoreError> {
    users::lock(tx, id)?;
    users::set_disabled(tx, id, Some(now))?;
    end_everything(tx, id, now)
}

/// Takes somebody out. The grants stay, revoked and without a user, for as long as any ended grant does: their tokens must stay in
/// the status list.
pub fn remove(tx: &mut Tx, id: &UserId, now: Timestamp) -> Result<Ended, StoreError> {
    let ended = disable(tx, id, now)?;
    grants::orphan_all_of_user(tx, id)?;
    connection_steps::delete_of_user(tx, id)?;
    users::delete(tx, id)?;
    Ok(ended)
}

/// Makes somebody an administrator, or one no more, who is let in nowhere from then on; `false` when that changes nothing.
pub fn set_administrator(tx: &mut Tx, user: &User, is_admin: bool) -> Result<bool, StoreError> {
    users::set_admin(tx, &user.id, is_admin)?;
    if !is_admin {
        end_administration(tx, &user.id)?;
    }
    Ok(user.is_admin != is_admin)
}

/// Signs somebody out of every browser; how many there were.
pub fn sign_out(tx: &mut Tx, id: &UserId) -> Result<usize, StoreError> {
    end_half_way(tx, id)?;
    browser_sessions::delete_all_of(tx, id)
}

/// Ends sign-ins that wait for a code or a second step.
fn end_half_way(tx: &mut Tx, id: &UserId) -> Result<(), StoreError> {
    second_steps::delete_all_of(tx, id)?;
    email_codes::delete_all_of(tx, id)
}

/// Who is called so: by address, or else by name. Addresses come first, since whoever types one means whoever reads its messages.
pub fn called(tx: &mut Tx, typed: &str) -> Result<Option<User>, StoreError> {
    let by_address = match address::canonical(typed) {
        Some(address) => email_addresses::owner(tx, &address)?,
        None => None,
    };
    match (by_address, canonical_username(typed)) {
        (Some(user_id), _) => users::find(tx, &user_id),
        (None, Some(username)) => users::find_by_username(tx, &username),
        (None, None) => Ok(None),
    }
}

/// Whether somebody has always come in through a provider. No message of ours opens their account: what is asked of them there, each
/// time, would no longer be asked.
pub fn comes_through_a_provider(tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
    Ok(user.password_hash.is_none() && upstream_identities::are_there_of(tx, &user.id)?)
}

/// Another address, unless it is somebody else's. Links and codes that went to the one before are dead.
pub fn set_address(tx: &mut Tx, id: &UserId, address: &str, now: Timestamp) -> Result<Insertion, StoreError> {
    users::lock(tx, id)?;
    let set = email_addresses::put(tx, id, address, now)?;
    if set == Insertion::Inserted {
        end_messages(tx, id)?;
    }
    Ok(set)
}

/// No address any more; `false` when there was none.
pub fn take_address(tx: &mut Tx, id: &UserId) -> Result<bool, StoreError> {
    users::lock(tx, id)?;
    end_messages(tx, id)?;
    email_addresses::delete_of(tx, id)
}

/// What went to the address, and what was begun with it.
fn end_messages(tx: &mut Tx, id: &UserId) -> Result<(), StoreError> {
    password_links::delete_of(tx, id)?;
    end_half_way(tx, id)
}

/// Another password, set by whoever may. Whatever somebody got with the old one ends.
pub fn set_password(tx: &mut Tx, id: &UserId, password_hash: &str, now: Timestamp) -> Result<Ended, StoreError> {
    users::lock(tx, id)?;
    users::set_password(tx, id, password_hash)?;
    end_everything(tx, id, now)
}

/// Creates the first administrator, for exactly one holder of the setup link, and only while there is nobody.
pub fn set_up(
    tx: &mut Tx,
    link: &HashedSecret,
    username: &str,
    password_hash: &str,
    added: &SecurityEvent,
    now: Timestamp,
) -> Result<Option<UserId>, StoreError> {
    if !setup_links::consume(tx, link, now)? || users::exist(tx)? {
        return Ok(None);
    }
    let user = User {
        id: UserId::generate(),
        username: username.to_owned(),
        password_hash: Some(password_hash.to_owned()),
        created_at: now,
        disabled_at: None,
        is_admin: true,
    };
    if users::insert(tx, &user)? == Insertion::AlreadyExists {
        return Ok(None);
    }
    added.clone().of(&user.id).keep(tx)?;
    Ok(Some(user.id))
}

/// Another password, set by the holder of a link, once.
pub fn set_password_by_link(
    tx: &mut Tx,
    link: &HashedSecret,
    password_hash: &str,
    now: Timestamp,
) -> Result<Option<(UserId, Ended)>, StoreError> {
    let Some(id) = password_links::owner(tx, link, now)? else { return Ok(None) };
    if users::lock_enabled(tx, &id)?.is_none() || password_links::consume(tx, link, now)?.is_none() {
        return Ok(None);
    }
    let ended = set_password(tx, &id, password_hash, now)?;
    Ok(Some((id, ended)))
}

/// Ends everything by which somebody, whom the caller holds, is in here or is acted for. How they sign in stays as it is.
pub fn end_everything(tx: &mut Tx, id: &UserId, now: Timestamp) -> Result<Ended, StoreError> {
    known_sources::forget_all_of(tx, id)?;
    password_links::delete_of(tx, id)?;
    end_administration(tx, id)?;
    let sessions = sign_out(tx, id)?;
    Ok(Ended { sessions, grants: grants::revoke_all_of_user(tx, id, now)? })
}

/// Lets somebody administer in no browser any more; how many there were.
pub fn end_administration(tx: &mut Tx, id: &UserId) -> Result<usize, StoreError> {
    administration_links::delete_of(tx, id)?;
    administration_sessions::delete_all_of(tx, id)
}
