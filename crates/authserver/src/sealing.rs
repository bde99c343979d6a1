//! Encryption of what is kept in the database and must be of no use to whoever reads the database: AES-256-GCM (NIST
//! SP 800-38D) under the key of `[keys]`, bound to the name of what is kept, so that no two can be exchanged.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// How long the key is, in bytes.
pub const KEY_LENGTH: usize = 32;

/// The key. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealingKey([u8; KEY_LENGTH]);

/// It was sealed with another key or for another name, or it is damaged: nobody can tell which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be decrypted with this key")]
pub struct CannotOpen;

/// The machine cannot encrypt: it has no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct CannotSeal;

impl SealingKey {
    /// A new key.
    pub fn generate() -> Result<Self, CannotSeal> {
        let mut bytes = [0; KEY_LENGTH];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| CannotSeal)?;
        Ok(Self(bytes))
    }

    /// Reads the textual form; `None` when it is not base64 of 32 bytes.
    pub fn from_base64(text: &str) -> Option<Self> {
        BASE64_STANDARD.decode(text.trim()).ok()?.try_into().ok().map(Self)
    }

    /// The textual form, as `openssl rand -base64 32` writes it.
    pub fn to_base64(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    /// Encrypts under this name.
    pub fn seal(&self, name: &str, plain: &[u8]) -> Result<Vec<u8>, CannotSeal> {
        let mut text = plain.to_vec();
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.0).map_err(|_| CannotSeal)?;
        let nonce = key.seal_in_place_append_tag(Aad::from(name), &mut text).map_err(|_| CannotSeal)?;
        Ok([nonce.as_ref().as_slice(), &text].concat())
    }

    /// Decrypts what was sealed under this name.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.0).map_err(|_| CannotOpen)?;
        let mut text = text.to_vec();
        let plain = key.open_in_place(nonce, Aad::from(name), &mut text).map_err(|_| CannotOpen)?;
        Ok(plain.to_vec())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_and_name_only_and_never_looks_the_same() {
        let (key, other) = (SealingKey::generate().expect("a key"), SealingKey::generate().expect("a key"));
        let sealed = key.seal("a", b"secret").expect("sealed");
        assert_eq!(key.open("a", &sealed), Ok(b"secret".to_vec()));
        assert_ne!(key.seal("a", b"secret"), Ok(sealed.clone()));
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        assert_eq!(key.open("b", &sealed), Err(CannotOpen));
        assert_eq!(other.open("a", &sealed), Err(CannotOpen));
        for end in 0..sealed.len() {
            assert_eq!(key.open("a", &sealed[..end]), Err(CannotOpen));
            let mut altered = sealed.clone();
            altered[end] ^= 1;
            assert_eq!(key.open("a", &altered), Err(CannotOpen));
        }
    }

    #[test]
    fn the_textual_form_is_base64_of_32_bytes_and_debug_shows_nothing() {
        let key = SealingKey::generate().expect("a key");
        assert_eq!(SealingKey::from_base64(&format!("{}\n", key.to_base64())), Some(key.clone()));
        for bad in ["", "secret", "AAAA", &"A".repeat(44), &format!("{}AAAA", key.to_base64())] {
            assert_eq!(SealingKey::from_base64(bad), None, "{bad}");
        }
        assert_eq!(format!("{key:?}"), "SealingKey");
    }
}
