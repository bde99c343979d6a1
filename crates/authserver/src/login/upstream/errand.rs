//! What is remembered of somebody who is sent to a provider: what only this server may know of it is kept encrypted, and the
//! rest is found by the hash of `state`.

use gatelodge_oauth::secret::{HashedSecret, Kind, Secret, random_base62};
use serde::{Deserialize, Serialize};

use crate::sealing::{CannotSeal, SealingKey};

/// 43 characters carry 256 bits, and are the least that a PKCE verifier may have (RFC 7636 §4.1).
const LENGTH: usize = 43;

/// The secrets of one way there and back.
#[derive(Clone, Serialize, Deserialize)]
pub struct Errand {
    /// Comes back within the ID token (OpenID Connect Core 1.0 §15.5.2).
    pub nonce: String,
    /// RFC 7636 §4.1.
    pub pkce_verifier: String,
    transaction: String,
}

impl Errand {
    /// A new one, for the transaction that the sign-in is for.
    pub fn new(transaction: &Secret) -> Self {
        let transaction = transaction.expose().to_owned();
        Self { nonce: random_base62(LENGTH), pkce_verifier: random_base62(LENGTH), transaction }
    }

    /// That transaction.
    pub fn transaction(&self) -> Option<Secret> {
        Secret::parse(Kind::Transaction, &self.transaction)
    }

    /// For the store. It opens for the `state` of this hash only.
    pub fn seal(&self, state: &HashedSecret, key: &SealingKey) -> Result<Vec<u8>, CannotSeal> {
        key.seal(&name(state), &serde_json::to_vec(self).map_err(|_| CannotSeal)?)
    }

    /// As it was; `None` when the key is another one by now.
    pub fn open(sealed: &[u8], state: &HashedSecret, key: &SealingKey) -> Option<Self> {
        serde_json::from_slice(&key.open(&name(state), sealed).ok()?).ok()
    }
}

fn name(state: &HashedSecret) -> String {
    let hash: String = state.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("upstream sign-in {hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_opens_for_its_own_state_only() {
        let key = SealingKey::generate().expect("a key");
        let transaction = Secret::generate(Kind::Transaction);
        let (errand, state) = (Errand::new(&transaction), Secret::generate(Kind::UpstreamState).hash());
        let sealed = errand.seal(&state, &key).expect("sealed");
        let opened = Errand::open(&sealed, &state, &key).expect("opened");
        assert_eq!((&opened.nonce, &opened.pkce_verifier), (&errand.nonce, &errand.pkce_verifier));
        assert_eq!(opened.transaction().expect("one").expose(), transaction.expose());
        assert!(Errand::open(&sealed, &Secret::generate(Kind::UpstreamState).hash(), &key).is_none());
        assert!(Errand::open(&sealed, &state, &SealingKey::generate().expect("a key")).is_none());
        assert_ne!(errand.nonce, Errand::new(&transaction).nonce);
    }
}
