//! The signing keys: made at the first start, shared by every process on the same database, encrypted there, and replaced in
//! time. Asked by whoever signs or publishes; kept up to date by the server every few seconds, and by whoever finds them old.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix_web::web::Bytes;
use gatelodge_oauth::access_token::{InvalidSigningKey, SigningAlgorithm, SigningKey, VerifyingKeys, jwks};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::signing_keys::{self, SigningKeyRow};
use gatelodge_store::{Insertion, Store, StoreError, Tx};
use tokio::sync::Mutex;

use crate::config::Config;
use crate::sealing::{CannotSeal, SealingKey};
use encryption::EncryptionKeyError;
use rotation::{RotationPolicy, Step};

pub mod config;
pub mod encryption;
pub mod rotation;

/// How old the keys at hand may be: within this time every process knows what another one has changed.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// See [`EncryptionKeyError`].
    #[error(transparent)]
    EncryptionKey(#[from] EncryptionKeyError),
    /// The configured key is not the one that was used.
    #[error(
        "the signing key {kid} in the database is encrypted with another key than {whereabouts}\n  hint: configure the key \
         that was in use before (keys.encryption_key_file); signing keys are never replaced because they cannot be read"
    )]
    WrongEncryptionKey {
        /// Of the signing key.
        kid: String,
        /// Of the encryption key.
        whereabouts: String,
    },
    /// The stored key is damaged, or from a later version.
    #[error(transparent)]
    Invalid(#[from] InvalidSigningKey),
    /// See [`CannotSeal`].
    #[error(transparent)]
    Seal(#[from] CannotSeal),
    /// The published form cannot be written.
    #[error("the key set cannot be written: {0}")]
    Document(#[from] serde_json::Error),
}

/// The keys as they were in the database a moment ago.
pub struct Keys {
    /// What tokens are signed with.
    pub active: Arc<SigningKey>,
    /// RFC 7517 §5: the next key, the active one, and those that tokens may still be signed with.
    pub jwks: Bytes,
    /// The same, to verify with.
    pub verifying: VerifyingKeys,
    published: Vec<Arc<SigningKey>>,
    loaded_at: Timestamp,
}

/// The keys, kept up to date.
pub struct KeyRing {
    store: Store,
    sealing: SealingKey,
    whereabouts: String,
    policy: RotationPolicy,
    held: RwLock<Arc<Keys>>,
    reloading: Mutex<()>,
}

impl KeyRing {
    /// Finds the keys, or makes the first one. Of several processes that start at once on a new database one makes it and the
    /// others read it. Keys that an earlier version left unencrypted are encrypted.
    pub async fn open(store: &Store, config: &Config, now: Timestamp) -> Result<Self, KeyError> {
        let rows = store.read(signing_keys::list).await?;
        let sealing = config.keys.encryption.obtain(rows.iter().any(|row| row.sealed))?;
        let whereabouts = config.keys.encryption.whereabouts();
        let policy = config.keys.rotation_policy(config.tokens.access_token);
        let was_clear = seal_what_is_not(store, &sealing, &rows).await?;
        if !rows.iter().any(|row| row.active) {
            make_first(store, &sealing, &policy, now).await?;
        }
        let rows = store.read(signing_keys::list).await?;
        let keys = Keys::new(&rows, &[], &sealing, &whereabouts, now)?;
        let (held, reloading) = (RwLock::new(Arc::new(keys)), Mutex::default());
        let ring = Self { store: store.clone(), sealing, whereabouts, policy, held, reloading };
        if was_clear {
            // Backups hold it, and so may the free pages of the database.
            ring.make_next(now).await?;
            ring.hold(ring.reload(&ring.held(), now).await?);
        }
        Ok(ring)
    }

    /// The keys at hand, brought up to date when they are old. While the database does not answer, the old ones serve.
    pub async fn current(&self, now: Timestamp) -> Arc<Keys> {
        let held = self.held();
        if now.is_within(RELOAD_INTERVAL, held.loaded_at) {
            return held;
        }
        // Whoever comes while another one looks takes what there is.
        let Ok(_reloading) = self.reloading.try_lock() else { return held };
        match self.reload(&held, now).await {
            Ok(keys) => self.hold(keys),
            Err(error) => {
                tracing::warn!(%error, "the signing keys could not be looked up; those at hand go on signing");
                held
            }
        }
    }

    /// What else in the database is encrypted with.
    pub fn sealing(&self) -> &SealingKey {
        &self.sealing
    }

    fn held(&self) -> Arc<Keys> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn hold(&self, keys: Keys) -> Arc<Keys> {
        let keys = Arc::new(keys);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
        keys
    }

    async fn reload(&self, held: &Keys, now: Timestamp) -> Result<Keys, KeyError> {
        let mut rows = self.store.read(signing_keys::list).await?;
        while let Some(step) = self.policy.due(&rows, now) {
            self.take(step, now).await?;
            rows = self.store.read(signing_keys::list).await?;
        }
        Keys::new(&rows, &held.published, &self.sealing, &self.whereabouts, now)
    }

    async fn take(&self, step: Step, now: Timestamp) -> Result<(), KeyError> {
        match step {
            Step::MakeNext => {
                self.make_next(now).await?;
            }
            Step::Activate => {
                let until = self.policy.needed_until(now);
                if self.store.write(move |tx| signing_keys::activate_next(tx, now, until)).await? {
                    tracing::info!("the next signing key is active");
                }
            }
            Step::RemoveUnneeded => {
                let removed = self.store.write(move |tx| signing_keys::delete_unneeded(tx, now)).await?;
                tracing::info!(removed, "removed signing keys that nobody needs any more");
            }
        }
        Ok(())
    }

    /// Publishes a next key, unless there is one; the next key either way.
    pub async fn make_next(&self, now: Timestamp) -> Result<Option<SigningKeyRow>, KeyError> {
        let row = self.new_next(now).await?;
        let kid = row.kid.clone();
        if self.store.write(move |tx| signing_keys::insert(tx, &row)).await? == Insertion::Inserted {
            tracing::info!(kid, "published the next signing key");
        }
        Ok(self.store.read(signing_keys::list).await?.into_iter().find(SigningKeyRow::is_next))
    }

    /// A key that can be published as the next one.
    pub async fn new_next(&self, now: Timestamp) -> Result<SigningKeyRow, KeyError> {
        let activates_at = Some(now.plus(self.policy.publish_before));
        Ok(SigningKeyRow { active: false, activates_at, ..self.new_row(now).await? })
    }

    /// A key that can sign at once, for [`revoke`].
    pub async fn new_row(&self, now: Timestamp) -> Result<SigningKeyRow, KeyError> {
        new_row(&self.sealing, self.policy.algorithm, now).await
    }
}

/// Takes a key out of use at once: tokens signed with it end. A key that was active is replaced by the next one, or by the new one. `None`
/// when there is no such key, else the key that signs from now on.
pub fn revoke(tx: &mut Tx, kid: &str, new: &SigningKeyRow, now: Timestamp) -> Result<Option<String>, StoreError> {
    if !signing_keys::delete(tx, kid)? {
        return Ok(None);
    }
    if let Some(active) = signing_keys::active(tx)? {
        return Ok(Some(active.kid));
    }
    let next = signing_keys::list(tx)?.into_iter().find(SigningKeyRow::is_next);
    if let Some(next) = next
        && signing_keys::activate(tx, &next.kid, now)?
    {
        return Ok(Some(next.kid));
    }
    signing_keys::insert(tx, new)?;
    Ok(Some(new.kid.clone()))
}

impl Keys {
    /// `known`: keys that need not be decrypted again.
    fn new(
        rows: &[SigningKeyRow],
        known: &[Arc<SigningKey>],
        sealing: &SealingKey,
        whereabouts: &str,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let mut published = Vec::with_capacity(rows.len());
        let mut active = None;
        for row in rows {
            let key = match known.iter().find(|key| key.kid() == row.kid) {
                Some(key) => Arc::clone(key),
                None => Arc::new(open(row, sealing, whereabouts)?),
            };
            if row.active {
                active = Some(Arc::clone(&key));
            }
            published.push(key);
        }
        let active = active.ok_or_else(|| StoreError::Refused("the active signing key vanished".into()))?;
        let jwks: Bytes = serde_json::to_vec(&jwks(published.iter().map(Arc::as_ref)))?.into();
        let verifying = VerifyingKeys::from_jwks(&jwks).unwrap_or_default();
        Ok(Self { active, jwks, verifying, published, loaded_at: now })
    }
}

fn open(row: &SigningKeyRow, sealing: &SealingKey, whereabouts: &str) -> Result<SigningKey, KeyError> {
    let algorithm: SigningAlgorithm = row.algorithm.parse()?;
    if !row.sealed {
        return Ok(SigningKey::from_pkcs8(algorithm, &row.pkcs8)?);
    }
    let (kid, whereabouts) = (row.kid.clone(), whereabouts.to_owned());
    let pkcs8 = sealing.open(&row.kid, &row.pkcs8).map_err(|_| KeyError::WrongEncryptionKey { kid, whereabouts })?;
    Ok(SigningKey::from_pkcs8(algorithm, &pkcs8)?)
}

async fn make_first(
    store: &Store,
    sealing: &SealingKey,
    policy: &RotationPolicy,
    now: Timestamp,
) -> Result<(), KeyError> {
    let row = new_row(sealing, policy.algorithm, now).await?;
    let kid = row.kid.clone();
    if store.write(move |tx| signing_keys::insert(tx, &row)).await? == Insertion::Inserted {
        tracing::info!(kid, "made the first signing key");
    }
    Ok(())
}

/// A new active key. Making one keeps a processor busy, an RSA key for a second.
async fn new_row(sealing: &SealingKey, algorithm: SigningAlgorithm, now: Timestamp) -> Result<SigningKeyRow, KeyError> {
    let made = tokio::task::spawn_blocking(move || {
        let pkcs8 = SigningKey::generate(algorithm)?;
        let kid = SigningKey::from_pkcs8(algorithm, &pkcs8)?.kid().to_owned();
        Ok::<_, InvalidSigningKey>((kid, pkcs8))
    });
    let (kid, pkcs8) = made.await.map_err(|_| StoreError::Unavailable("the server is shutting down".into()))??;
    Ok(SigningKeyRow {
        pkcs8: sealing.seal(&kid, &pkcs8)?,
        kid,
        algorithm: algorithm.as_str().to_owned(),
        sealed: true,
        active: true,
        created_at: now,
        activates_at: Some(now),
        needed_until: None,
    })
}

/// Whether there was anything in the clear.
async fn seal_what_is_not(store: &Store, sealing: &SealingKey, rows: &[SigningKeyRow]) -> Result<bool, KeyError> {
    let mut sealed_any = false;
    for row in rows.iter().filter(|row| !row.sealed) {
        let (kid, sealed) = (row.kid.clone(), sealing.seal(&row.kid, &row.pkcs8)?);
        if store.write(move |tx| signing_keys::seal(tx, &kid, &sealed)).await? {
            tracing::info!(
                kid = row.kid,
                "encrypted a signing key that was stored in the clear; another replaces it soon"
            );
            sealed_any = true;
        }
    }
    Ok(sealed_any)
}
