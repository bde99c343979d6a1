//! The signing key: made and kept on first start, shared by every process on the same store.

use gatelodge_oauth::access_token::{InvalidSigningKey, SigningKey};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::signing_keys::{self, SigningKeyRow};
use gatelodge_store::{Insertion, Store, StoreError};

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored key is damaged.
    #[error(transparent)]
    Invalid(#[from] InvalidSigningKey),
}

/// The active key, made now when there is none. Of several processes that start at once on a new store one makes it and
/// the others read it.
pub async fn load_or_create(store: &Store, now: Timestamp) -> Result<SigningKey, KeyError> {
    if let Some(row) = store.read(signing_keys::active).await? {
        return Ok(SigningKey::from_pkcs8(&row.pkcs8)?);
    }
    let pkcs8 = SigningKey::generate_es256()?;
    let key = SigningKey::from_pkcs8(&pkcs8)?;
    let row = SigningKeyRow { kid: key.kid().to_owned(), algorithm: "ES256".into(), pkcs8, created_at: now };
    match store.write(move |tx| signing_keys::insert_first(tx, &row)).await? {
        Insertion::Inserted => {
            tracing::info!(kid = key.kid(), "made the first signing key");
            Ok(key)
        }
        Insertion::AlreadyExists => {
            let row = store.read(signing_keys::active).await?;
            let row = row.ok_or_else(|| StoreError::Refused("the active signing key vanished".into()))?;
            Ok(SigningKey::from_pkcs8(&row.pkcs8)?)
        }
    }
}
