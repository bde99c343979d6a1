//! What somebody has for the second step of a sign-in, and how that changes: one function for each change, to be called within one
//! transaction. Called by the second step, by the account page, by `gatelodge user` and by whatever shows what is stored.

use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::passkeys::Passkey;
use gatelodge_store::totp_secrets::{self, TotpSecret};
use gatelodge_store::{Insertion, StoreError, Tx, passkeys, recovery_codes, second_steps};

use super::recovery_codes::RecoveryCode;

/// What there is.
#[derive(Debug, Clone)]
pub struct Factors {
    /// The authenticator app.
    pub totp: Option<TotpSecret>,
    /// The passkeys.
    pub passkeys: Vec<Passkey>,
    /// How many recovery codes are left.
    pub recovery_codes: i64,
}

impl Factors {
    /// Of somebody.
    pub fn of(tx: &mut Tx, user_id: &UserId) -> Result<Self, StoreError> {
        Ok(Self {
            totp: totp_secrets::find(tx, user_id)?,
            passkeys: passkeys::of_user(tx, user_id)?,
            recovery_codes: recovery_codes::count(tx, user_id)?,
        })
    }

    /// Whether a second step can be asked for. Recovery codes alone are none: they stand in for something else.
    pub fn exist(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }
}

/// Sets up an app for somebody who has none, with recovery codes in place of those before; `false` when there is one.
pub fn add_totp(
    tx: &mut Tx,
    user_id: &UserId,
    sealed: &[u8],
    step: i64,
    codes: &[RecoveryCode],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let secret = TotpSecret {
        user_id: user_id.clone(),
        sealed: sealed.to_vec(),
        // The code that proved the app is used up by that.
        last_step: step,
        created_at: now,
        last_used_at: None,
    };
    if totp_secrets::insert(tx, &secret)? == Insertion::AlreadyExists {
        return Ok(false);
    }
    replace_codes(tx, user_id, codes)?;
    Ok(true)
}

/// Other recovery codes; those before are dead.
pub fn replace_codes(tx: &mut Tx, user_id: &UserId, codes: &[RecoveryCode]) -> Result<(), StoreError> {
    let hashes: Vec<_> = codes.iter().map(|code| code.hash(user_id)).collect();
    recovery_codes::replace(tx, user_id, &hashes)
}

/// Adds a passkey, with recovery codes for somebody who has none; `None` when it is somebody's already, else whether there are new
/// codes.
pub fn add_passkey(tx: &mut Tx, passkey: &Passkey, codes: &[RecoveryCode]) -> Result<Option<bool>, StoreError> {
    let has_codes = recovery_codes::count(tx, &passkey.user_id)? > 0;
    if passkeys::insert(tx, passkey)? == Insertion::AlreadyExists {
        return Ok(None);
    }
    if !has_codes {
        replace_codes(tx, &passkey.user_id, codes)?;
    }
    Ok(Some(!has_codes))
}

/// Takes out the app. Recovery codes go with the last thing that they stand in for.
pub fn remove_totp(tx: &mut Tx, user_id: &UserId) -> Result<bool, StoreError> {
    let removed = totp_secrets::delete(tx, user_id)?;
    forget_idle_codes(tx, user_id)?;
    Ok(removed)
}

/// Takes out a passkey, in the same way.
pub fn remove_passkey(tx: &mut Tx, user_id: &UserId, id: &[u8]) -> Result<bool, StoreError> {
    let removed = passkeys::delete(tx, user_id, id)?;
    forget_idle_codes(tx, user_id)?;
    Ok(removed)
}

fn forget_idle_codes(tx: &mut Tx, user_id: &UserId) -> Result<(), StoreError> {
    if !Factors::of(tx, user_id)?.exist() {
        recovery_codes::delete_all_of(tx, user_id)?;
    }
    Ok(())
}

/// Takes out everything: the first step alone signs in again. Whoever is half-way begins anew. `false` when there was nothing.
pub fn remove_all(tx: &mut Tx, user_id: &UserId) -> Result<bool, StoreError> {
    let had_totp = totp_secrets::delete(tx, user_id)?;
    let had_passkeys = passkeys::delete_all_of(tx, user_id)? > 0;
    let had_codes = recovery_codes::delete_all_of(tx, user_id)? > 0;
    second_steps::delete_all_of(tx, user_id)?;
    Ok(had_totp || had_passkeys || had_codes)
}
