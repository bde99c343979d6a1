//! Sign-in by password: Argon2id, off the async workers, a bounded number at once, and the same work for unknown users.
//! Called by the sign-in page and by `gatelodge user`.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use gatelodge_oauth::grant::UserId;
use gatelodge_store::users::User;
use tokio::sync::Semaphore;

/// The longest password taken, in bytes.
pub const MAX_LENGTH: usize = 1024;

/// The shortest new password, in characters (NIST SP 800-63B §5.1.1.2 asks for 8 at least).
pub const MIN_LENGTH: usize = 8;

/// How many sign-ins may wait for their turn; each running one takes 19 MiB.
const MAX_WAITING: usize = 64;

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Checked in place of the hash of a user who is not there, so that both take the same time.
    decoy: Arc<str>,
}

/// Whose password it was.
#[derive(Clone)]
pub struct Verified {
    /// Who.
    pub user_id: UserId,
    /// The hash that it was compared with.
    pub stored_hash: String,
    /// Another one to keep in its place: the parameters were raised since.
    pub stronger_hash: Option<String>,
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({})", self.user_id)
    }
}

/// Why a password was neither right nor wrong.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many sign-ins at once.
    #[error("too many sign-ins are waiting")]
    Overloaded,
    /// The hash could not be made or read.
    #[error("password hashing failed: {0}")]
    Hash(String),
}

impl Passwords {
    /// Runs as many checks at once as there are cores.
    pub fn new() -> Result<Self, PasswordError> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Self {
            running: Arc::new(Semaphore::new(cores)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            decoy: hash("the password of nobody")?.into(),
        })
    }

    /// A new hash, in turn with the checks.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.in_turn(move || hash(&password)).await
    }

    /// Whoever goes away meanwhile keeps their turn to its end: the work goes on, and so many at once are what the memory is for.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = self.waiting.clone().try_acquire_owned().map_err(|_| PasswordError::Overloaded)?;
        let turn = self.running.clone().acquire_owned().await.map_err(|_| PasswordError::Overloaded)?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            work()
        });
        done.await.map_err(|error| PasswordError::Hash(error.to_string()))?
    }

    /// Who `user` is, if `password` is theirs. Somebody unknown, disabled, or without a password gets the same work and the
    /// same `None`.
    pub async fn verify(&self, user: Option<&User>, password: String) -> Result<Option<Verified>, PasswordError> {
        let usable = user.filter(|user| user.disabled_at.is_none());
        let usable = usable.and_then(|user| Some((user.id.clone(), user.password_hash.clone()?)));
        let (user_id, stored) = usable.map_or_else(|| (None, self.decoy.to_string()), |(id, hash)| (Some(id), hash));
        self.in_turn(move || {
            // Here, where the work is, and for whoever it is done: tests count it.
            tracing::debug!("a password is checked");
            let parsed = PasswordHash::new(&stored).map_err(|error| PasswordError::Hash(error.to_string()))?;
            let right = password.len() <= MAX_LENGTH && argon2().verify_password(password.as_bytes(), &parsed).is_ok();
            let Some(user_id) = user_id.filter(|_| right) else { return Ok(None) };
            let stronger_hash = if is_current(&parsed) { None } else { Some(hash(&password)?) };
            Ok(Some(Verified { user_id, stored_hash: stored, stronger_hash }))
        })
        .await
    }
}

/// Whether a password may be a new one.
pub fn may_be_new(password: &str) -> bool {
    password.chars().count() >= MIN_LENGTH && password.len() <= MAX_LENGTH
}

/// A new hash of `password` in PHC form. Slow on purpose.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    let hash = argon2().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| PasswordError::Hash(error.to_string()))
}

/// Whether a hash costs as much as a new one.
fn is_current(stored: &PasswordHash) -> bool {
    let current = argon2();
    let parameters = Params::try_from(stored);
    stored.algorithm.as_str() == Algorithm::Argon2id.as_str()
        && parameters.is_ok_and(|stored| {
            let wanted = current.params();
            stored.m_cost() >= wanted.m_cost()
                && stored.t_cost() >= wanted.t_cost()
                && stored.p_cost() == wanted.p_cost()
        })
}

/// The form in which a user name is stored and looked up; `None` when it cannot be one.
pub fn canonical_username(typed: &str) -> Option<String> {
    let name = typed.trim().to_ascii_lowercase();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._@+-".contains(&b);
    ((1..=128).contains(&name.len()) && name.bytes().all(allowed)).then_some(name)
}

/// Argon2id with 19 MiB, two passes, one lane (OWASP's minimum).
fn argon2() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("constant parameters within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use gatelodge_oauth::time::Timestamp;

    fn user(password_hash: Option<String>, disabled_at: Option<Timestamp>) -> User {
        let created_at = Timestamp::from_unix(0);
        User { id: UserId::generate(), username: "ada".into(), password_hash, created_at, disabled_at, is_admin: false }
    }

    #[tokio::test]
    async fn only_the_right_password_of_an_enabled_user_is_accepted() {
        let passwords = Passwords::new().expect("passwords");
        let stored = hash("correct horse").expect("a hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let ada = user(Some(stored.clone()), None);
        let disabled = user(Some(stored), Some(Timestamp::from_unix(1)));
        let no_password = user(None, None);
        for (who, password, right) in [
            (Some(&ada), "correct horse", true),
            (Some(&ada), "correct horsf", false),
            (Some(&ada), "", false),
            (Some(&disabled), "correct horse", false),
            (Some(&no_password), "the password of nobody", false),
            (None, "the password of nobody", false),
        ] {
            assert_eq!(passwords.verify(who, password.into()).await.expect("checked").is_some(), right, "{password}");
        }
    }

    /// Proves OAuth 2.1 §7.7: how long the answer takes tells nobody who has an account.
    #[test]
    fn the_hash_of_nobody_costs_as_much_as_that_of_somebody() {
        let passwords = Passwords::new().expect("passwords");
        let somebody = hash("correct horse").expect("a hash");
        let cost = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(&passwords.decoy), cost(&somebody));
        assert!(is_current(&PasswordHash::new(&passwords.decoy).expect("a hash")));
        for (one, weaker) in [("m=19456", "m=9728"), ("t=2", "t=1"), ("argon2id", "argon2i")] {
            let weaker = somebody.replace(one, weaker);
            assert!(!is_current(&PasswordHash::new(&weaker).expect("a hash")), "{weaker}");
        }
    }

    /// Proves RFC 6819 §4.4.1.11: strangers that close their connections start no more checks at once than there are turns.
    #[tokio::test]
    async fn whoever_goes_away_keeps_their_turn_until_the_work_is_done() {
        let passwords = Passwords::new().expect("passwords");
        let turns = passwords.running.available_permits();
        // Looked at in the moment after; only a test that is stopped for longer than a check takes must look again.
        let kept = (0..50).any(|_| {
            assert!(passwords.verify(None, "a password".into()).now_or_never().is_none());
            passwords.running.available_permits() < turns
        });
        assert!(kept, "a turn is free again while its work goes on");
    }

    #[test]
    fn user_names_are_one_spelling_each() {
        assert_eq!(canonical_username(" Ada@Example.COM "), Some("ada@example.com".into()));
        for bad in ["", "a b", "é", "a\u{0}", "<script>", &"a".repeat(129)] {
            assert_eq!(canonical_username(bad), None, "{bad}");
        }
    }
}
