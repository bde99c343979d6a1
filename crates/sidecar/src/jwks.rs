//! The public keys of the authorization server (RFC 7517 §5): fetched, kept, and fetched again. Asked by `endpoint.rs`.
//!
//! Fetches never run in parallel. A token with an unknown key causes one at most every 30 s, whoever sends it. While the
//! authorization server is away the last good set stays in use; before there is one, nobody's token can be judged.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use gatelodge_oauth::access_token::VerifyingKeys;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::Client;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep};
use url::Url;

/// A key set larger than this is not read.
const LARGEST_DOCUMENT: usize = 64 * 1024;

/// When keys are fetched.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Between two fetches when all is well: how long a withdrawn key may still be believed, beside the few seconds until
    /// every process of the authorization server knows that it was withdrawn. A minute altogether is promised.
    pub refresh: Duration,
    /// Between two fetches because of unknown keys.
    pub miss_cool_down: Duration,
    /// Between two fetches while there is no key at all.
    pub cold_cool_down: Duration,
    /// How long the last good set is used while no other can be had.
    pub keep_last_good: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            refresh: Duration::from_secs(50),
            miss_cool_down: Duration::from_secs(30),
            cold_cool_down: Duration::from_secs(1),
            keep_last_good: Duration::from_secs(24 * 3600),
        }
    }
}

/// The keys at hand.
pub struct Jwks {
    url: Url,
    client: Client,
    timing: Timing,
    held: RwLock<Option<Held>>,
    attempts: Mutex<Attempts>,
}

struct Held {
    keys: Arc<VerifyingKeys>,
    fetched_at: Instant,
}

/// Whoever holds the lock around this is the one that fetches.
#[derive(Default)]
struct Attempts {
    last_failure: Option<Instant>,
    last_miss: Option<Instant>,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("it answered {0}")]
    Status(reqwest::StatusCode),
    #[error("the document is larger than {LARGEST_DOCUMENT} bytes")]
    TooLarge,
    #[error(transparent)]
    NotJwks(#[from] gatelodge_oauth::access_token::InvalidJwks),
    #[error("the document has no key that can be used")]
    NoKey,
}

impl Jwks {
    /// Nothing is fetched yet: start-up does not depend on the authorization server.
    pub fn new(url: Url, timing: Timing) -> Result<Self, reqwest::Error> {
        let options = HttpClientOptions { tls: Tls::for_urls([url.as_str()]), ..HttpClientOptions::default() };
        let client = http_client::build(&options)?;
        Ok(Self { url, client, timing, held: RwLock::default(), attempts: Mutex::default() })
    }

    /// The keys at hand. Fetches only when there are none; `None` when that fails.
    pub async fn current(&self) -> Option<Arc<VerifyingKeys>> {
        if let Some(keys) = self.at_hand() {
            return Some(keys);
        }
        let mut attempts = self.attempts.lock().await;
        if self.at_hand().is_none() && has_passed(attempts.last_failure, self.timing.cold_cool_down) {
            self.fetch(&mut attempts).await;
        }
        self.at_hand()
    }

    /// The keys at hand after looking for a key that was not among them, if it is time to look again.
    pub async fn refetched(self: &Arc<Self>) -> Option<Arc<VerifyingKeys>> {
        let this = Arc::clone(self);
        // A task of its own: a client that hangs up must not take the one fetch of the next 30 s with it.
        let look = tokio::spawn(async move {
            let mut attempts = this.attempts.lock().await;
            if has_passed(attempts.last_miss, this.timing.miss_cool_down) {
                attempts.last_miss = Some(Instant::now());
                this.fetch(&mut attempts).await;
            }
        });
        look.await.ok();
        self.at_hand()
    }

    /// Whether tokens can be judged.
    pub fn is_ready(&self) -> bool {
        self.at_hand().is_some()
    }

    /// Runs for as long as the process: fetches now, then again and again; sooner while it fails.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut backoff = self.timing.cold_cool_down;
        loop {
            let fetched = self.fetch(&mut self.attempts.lock().await).await;
            backoff = if fetched { self.timing.cold_cool_down } else { self.timing.refresh.min(backoff * 2) };
            sleep(if fetched { self.timing.refresh } else { backoff }).await;
        }
    }

    fn at_hand(&self) -> Option<Arc<VerifyingKeys>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_ref().filter(|held| held.fetched_at.elapsed() < self.timing.keep_last_good)?;
        Some(Arc::clone(&held.keys))
    }

    async fn fetch(&self, attempts: &mut MutexGuard<'_, Attempts>) -> bool {
        match self.download().await {
            Ok(keys) => {
                if attempts.last_failure.take().is_some() || self.at_hand().is_none() {
                    tracing::info!("the keys of the authorization server are at hand");
                }
                let held = Held { keys: Arc::new(keys), fetched_at: Instant::now() };
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
                true
            }
            Err(error) => {
                if attempts.last_failure.replace(Instant::now()).is_none() {
                    let cause = http_client::cause(&error);
                    tracing::warn!(url = %self.url, %cause, "the keys of the authorization server cannot be fetched");
                }
                false
            }
        }
    }

    async fn download(&self) -> Result<VerifyingKeys, FetchError> {
        // RFC 9111 §5.2.1.4: no cache in between may answer on its own, with a key that was withdrawn since.
        let request = self.client.get(self.url.clone()).header("accept", "application/json");
        let mut response = request.header("cache-control", "no-cache").send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            document.extend_from_slice(&chunk);
            if document.len() > LARGEST_DOCUMENT {
                return Err(FetchError::TooLarge);
            }
        }
        let keys = VerifyingKeys::from_jwks(&document)?;
        if keys.is_empty() { Err(FetchError::NoKey) } else { Ok(keys) }
    }
}

fn has_passed(since: Option<Instant>, pause: Duration) -> bool {
    since.is_none_or(|since| since.elapsed() >= pause)
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
