//! Credentials that somebody else mints: kept for as long as they are good, and asked for once for each caller however
//! many requests wait for it.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use reqwest::Response;
use reqwest::header::HeaderValue;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::principal::Key;
use crate::respond::Fault;

/// How many callers are kept.
const KEPT: usize = 10_000;

/// How long a no is believed: an operator who adds somebody should not wait.
const REFUSED_FOR: Duration = Duration::from_secs(5);

/// How long a failure is: those who waited for it share it, and nobody is asked more than once a second.
const FAILED_FOR: Duration = Duration::from_secs(1);

/// Nobody can have a credential minted more often by making the MCP server refuse it.
const AT_LEAST: Duration = Duration::from_secs(5);

/// An answer larger than this is not read.
const LARGEST_ANSWER: usize = 64 * 1024;

/// What was minted.
pub struct Credential {
    /// Its header.
    pub value: HeaderValue,
    /// How long it is good, where that is known.
    pub expires_in: Option<Duration>,
}

/// The credentials at hand.
pub struct Minted {
    longest: Duration,
    held: Cache<Key, Held>,
}

#[derive(Clone)]
struct Held {
    outcome: Result<HeaderValue, Fault>,
    asked_at: Instant,
    good_for: Duration,
}

impl Held {
    fn is_good(&self) -> bool {
        self.asked_at.elapsed() < self.good_for
    }
}

impl Minted {
    /// None is kept for longer than `longest`.
    pub fn new(longest: Duration) -> Self {
        Self { longest, held: Cache::new(KEPT) }
    }

    /// The credential at hand, or the one that `ask` has minted.
    pub async fn get<A>(
        self: &Arc<Self>,
        key: Key,
        ask: impl FnOnce() -> Result<A, Fault>,
    ) -> Result<HeaderValue, Fault>
    where
        A: Future<Output = Result<Credential, Fault>> + Send + 'static,
    {
        if let Some(held) = self.held.get(&key).filter(Held::is_good) {
            return held.outcome;
        }
        let (this, asked) = (Arc::clone(self), ask()?);
        // A task of its own: a client that hangs up must not have what is minted for it thrown away.
        let task = tokio::spawn(async move { this.mint(key, asked).await }.in_current_span());
        task.await.unwrap_or(Err(Fault::CredentialUnavailable))
    }

    async fn mint(
        &self,
        key: Key,
        asked: impl Future<Output = Result<Credential, Fault>> + Send,
    ) -> Result<HeaderValue, Fault> {
        loop {
            match self.held.get_value_or_guard_async(&key).await {
                Ok(held) if held.is_good() => return held.outcome,
                Ok(_) => drop(self.held.remove_if(&key, |held| !held.is_good())),
                Err(place) => {
                    let asked_at = Instant::now();
                    let held = self.held_since(asked_at, asked.await);
                    let outcome = held.outcome.clone();
                    // Fails when it was evicted meanwhile; those who wait have it all the same.
                    place.insert(held).ok();
                    return outcome;
                }
            }
        }
    }

    /// Good since the question, since nobody knows when within the exchange it was made. The last tenth of its life is not
    /// used: a request must reach the MCP server with it.
    fn held_since(&self, asked_at: Instant, minted: Result<Credential, Fault>) -> Held {
        let (outcome, good_for) = match minted {
            Ok(Credential { value, expires_in }) => {
                let good_for = expires_in.map_or(self.longest, |life| self.longest.min(life - life / 10));
                (Ok(value), good_for)
            }
            Err(Fault::NoCredential) => (Err(Fault::NoCredential), asked_at.elapsed() + REFUSED_FOR),
            Err(fault) => (Err(fault), asked_at.elapsed() + FAILED_FOR),
        };
        Held { outcome, asked_at, good_for }
    }

    /// The MCP server refused it: it is thrown away, unless it is new.
    pub fn rejected(&self, key: &Key) {
        self.held.remove_if(key, |held| held.asked_at.elapsed() >= AT_LEAST);
    }
}

/// Reads an answer, but no more than is reasonable. `None` when it breaks or is too large.
pub async fn body(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_ANSWER {
            return None;
        }
    }
    Some(body)
}

#[cfg(test)]
#[path = "minted_tests.rs"]
mod tests;
