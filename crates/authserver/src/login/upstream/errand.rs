//! What is remembered of somebody who is sent to a provider: what only this server may know of it is kept encrypted, and the
//! rest is found by the hash of `state`.

use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::{HashedSecret, Kind, Secret, random_base62};
use gatelodge_oauth::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::login::sign_in::Next;
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
    /// The request that the sign-in is for; none: it is for the account page.
    transaction: Option<String>,
    /// Who has to be proven once more, and no one else.
    #[serde(default)]
    pub again: Option<UserId>,
    /// Whether they are to sign in there anew.
    #[serde(default)]
    pub asked_again: bool,
    /// When they left.
    #[serde(default = "long_ago")]
    pub began_at: Timestamp,
}

fn long_ago() -> Timestamp {
    Timestamp::from_unix(0)
}

impl Errand {
    /// A new one, for what comes after the sign-in.
    pub fn new(next: &Next, again: Option<UserId>, asked_again: bool, now: Timestamp) -> Self {
        let transaction = match next {
            Next::Consent(transaction) => Some(transaction.expose().to_owned()),
            Next::Account => None,
        };
        Self {
            nonce: random_base62(LENGTH),
            pkce_verifier: random_base62(LENGTH),
            transaction,
            again,
            asked_again,
            began_at: now,
        }
    }

    /// What comes after it.
    pub fn next(&self) -> Option<Next> {
        match &self.transaction {
            Some(transaction) => Secret::parse(Kind::Transaction, transaction).map(Next::Consent),
            None => Some(Next::Account),
        }
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
        let next = Next::Consent(transaction.clone());
        let (now, user) = (Timestamp::from_unix(7), UserId::generate());
        let errand = Errand::new(&next, Some(user.clone()), true, now);
        let state = Secret::generate(Kind::UpstreamState).hash();
        let sealed = errand.seal(&state, &key).expect("sealed");
        let opened = Errand::open(&sealed, &state, &key).expect("opened");
        assert_eq!((&opened.nonce, &opened.pkce_verifier), (&errand.nonce, &errand.pkce_verifier));
        assert_eq!((opened.again, opened.began_at), (Some(user), now));
        assert!(matches!(errand.next(), Some(Next::Consent(kept)) if kept.expose() == transaction.expose()));
        assert!(matches!(Errand::new(&Next::Account, None, false, now).next(), Some(Next::Account)));
        assert!(Errand { transaction: Some("broken".into()), ..errand.clone() }.next().is_none());
        assert!(Errand::open(&sealed, &Secret::generate(Kind::UpstreamState).hash(), &key).is_none());
        assert!(Errand::open(&sealed, &state, &SealingKey::generate().expect("a key")).is_none());
        assert_ne!(errand.nonce, Errand::new(&next, None, false, now).nonce);
    }
}
