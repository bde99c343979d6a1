//! How a spent token keeps its successor for whoever holds it. Used by the chain of a grant.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

use crate::secret::{Kind, Secret};

/// A successor encrypted (AES-256-GCM) under a key derived (HKDF-SHA-256) from the token before it: a stolen database opens
/// nothing, since it holds only hashes of those tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSuccessor(Vec<u8>);

impl SealedSuccessor {
    /// Seals `successor` for the holder of `token`.
    pub fn seal(token: &Secret, successor: &Secret) -> Self {
        let mut sealed = successor.expose().as_bytes().to_vec();
        let nonce = key_from(token)
            .seal_in_place_append_tag(Aad::empty(), &mut sealed)
            .expect("AES-GCM seals a text of a hundred bytes with a fresh key");
        let mut bytes = nonce.as_ref().to_vec();
        bytes.append(&mut sealed);
        Self(bytes)
    }

    /// Opens it with the token before; `None` when the bytes do not belong together.
    pub fn open(&self, token: &Secret) -> Option<Secret> {
        let (nonce, sealed) = self.0.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let opened = key_from(token).open_in_place(nonce, Aad::empty(), &mut sealed).ok()?;
        Secret::parse(Kind::RefreshToken, std::str::from_utf8(opened).ok()?)
    }

    /// Reads it back from the store.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As it is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedSuccessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSuccessor(***)")
    }
}

fn key_from(token: &Secret) -> RandomizedNonceKey {
    let derived = Salt::new(HKDF_SHA256, b"").extract(token.expose().as_bytes());
    let mut key = [0u8; 32];
    derived
        .expand(&[b"gatelodge refresh token successor"], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .expect("HKDF-SHA-256 gives 32 bytes");
    RandomizedNonceKey::new(&AES_256_GCM, &key).expect("AES-256 takes a key of 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holder_of_the_spent_token_opens_its_successor() {
        let (token, successor, other) = (
            Secret::generate(Kind::RefreshToken),
            Secret::generate(Kind::RefreshToken),
            Secret::generate(Kind::RefreshToken),
        );
        let sealed = SealedSuccessor::seal(&token, &successor);
        assert_eq!(sealed.open(&token).expect("opens").expose(), successor.expose());
        assert!(sealed.open(&other).is_none());
        for i in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[i] ^= 1;
            assert!(SealedSuccessor::from_bytes(bytes).open(&token).is_none(), "byte {i}");
            assert!(SealedSuccessor::from_bytes(sealed.as_bytes()[..i].to_vec()).open(&token).is_none());
        }
        assert!(!String::from_utf8_lossy(sealed.as_bytes()).contains("gatelodge"));
    }
}
