//! What happens to people, and what ends with it: one function for each change, to be called within one transaction, so that no
//! access outlives its reason. Called by `gatelodge user` and by the account page.

use std::fmt;

use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{StoreError, Tx, browser_sessions, grants, known_sources, users};

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

/// Shuts somebody out. The user is changed first: whoever asks meanwhile whether they may act for this user hears no.
pub fn disable(tx: &mut Tx, id: &UserId, now: Timestamp) -> Result<Ended, StoreError> {
    users::set_disabled(tx, id, Some(now))?;
    end_everything(tx, id, now)
}

/// Takes somebody out. The grants stay, revoked and without a user, for as long as any ended grant does: their tokens must stay in
/// the status list.
pub fn remove(tx: &mut Tx, id: &UserId, now: Timestamp) -> Result<Ended, StoreError> {
    let ended = disable(tx, id, now)?;
    grants::orphan_all_of_user(tx, id)?;
    users::delete(tx, id)?;
    Ok(ended)
}

/// Another password, set by whoever may. Whatever somebody got with the old one ends.
pub fn set_password(tx: &mut Tx, id: &UserId, password_hash: &str, now: Timestamp) -> Result<Ended, StoreError> {
    users::set_password(tx, id, password_hash)?;
    end_everything(tx, id, now)
}

fn end_everything(tx: &mut Tx, id: &UserId, now: Timestamp) -> Result<Ended, StoreError> {
    known_sources::forget_all_of(tx, id)?;
    let sessions = browser_sessions::delete_all_of(tx, id)?;
    Ok(Ended { sessions, grants: grants::revoke_all_of_user(tx, id, now)? })
}
