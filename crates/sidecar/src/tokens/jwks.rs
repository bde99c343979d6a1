//! The public keys of an issuer (RFC 7517 §5): fetched, kept, and fetched again. Asked by `mod.rs` and `status_list.rs`.
//!
//! Fetches never run in parallel. A token with an unknown key causes one at most every 30 s, whoever sends it. While the
//! authorization server is away the last good set stays in use, for those that are in it: of any other key, as of every key
//! before there is a set, nobody can say whether it is good.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use gatelodge_oauth::access_token::VerifyingKeys;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::Client;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep};
use url::Url;

use super::discovery::Discovery;
use super::document::{self, FetchError};
use crate::fingerprint::Fingerprint;

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
    place: Place,
    client: Client,
    timing: Timing,
    held: ArcSwapOption<Held>,
    attempts: Mutex<Attempts>,
}

/// Where they are.
pub enum Place {
    /// There.
    At(Url),
    /// Where the metadata says.
    Discovered(Discovery),
}

/// One set of keys.
pub struct Held {
    /// The keys.
    pub keys: Arc<VerifyingKeys>,
    /// Another number for each set that differs from the one before: what was judged with one set is not good with the next.
    pub generation: u64,
    document: Fingerprint,
    fetched_at: Instant,
}

/// Whoever holds the lock around this is the one that fetches.
#[derive(Default)]
struct Attempts {
    last_failure: Option<Instant>,
    last_miss: Option<Instant>,
}

impl Jwks {
    /// Nothing is fetched yet: start-up does not depend on the authorization server.
    pub fn new(place: Place, timing: Timing) -> Result<Self, reqwest::Error> {
        let urls = match &place {
            Place::At(url) => std::slice::from_ref(url),
            Place::Discovered(discovery) => discovery.candidates(),
        };
        let tls = Tls::for_urls(urls.iter().map(Url::as_str));
        let client = http_client::build(&HttpClientOptions { tls, ..HttpClientOptions::default() })?;
        Ok(Self { place, client, timing, held: ArcSwapOption::empty(), attempts: Mutex::default() })
    }

    /// The keys at hand. Fetches only when there are none; `None` when that fails.
    pub async fn current(&self) -> Option<Arc<Held>> {
        if let Some(keys) = self.at_hand() {
            return Some(keys);
        }
        let mut attempts = self.attempts.lock().await;
        if self.at_hand().is_none() && has_passed(attempts.last_failure, self.timing.cold_cool_down) {
            self.fetch(&mut attempts).await;
        }
        self.at_hand()
    }

    /// The keys at hand after looking for a key that was not among them, if it is time to look again. `None` when the last
    /// look, whoever's it was, found nothing to read: the key may be there.
    pub async fn refetched(self: &Arc<Self>) -> Option<Arc<Held>> {
        let this = Arc::clone(self);
        // A task of its own: a client that hangs up must not take the one fetch of the next 30 s with it.
        let look = tokio::spawn(async move {
            let mut attempts = this.attempts.lock().await;
            if has_passed(attempts.last_miss, this.timing.miss_cool_down) {
                attempts.last_miss = Some(Instant::now());
                this.fetch(&mut attempts).await;
            }
            attempts.last_failure.is_none()
        });
        if look.await.unwrap_or(false) { self.at_hand() } else { None }
    }

    /// Whether a key is known to be one no more. Without keys at hand nobody knows.
    pub fn withdrew(&self, kid: &str) -> bool {
        self.held.load().as_ref().is_some_and(|held| self.is_usable(held) && !held.keys.knows(kid))
    }

    /// Whether tokens can be judged.
    pub fn is_ready(&self) -> bool {
        self.generation().is_some()
    }

    /// Which keys are at hand. Asked for every request: it waits for nobody and counts nothing that is shared.
    pub fn generation(&self) -> Option<u64> {
        let held = self.held.load();
        held.as_ref().filter(|held| self.is_usable(held)).map(|held| held.generation)
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

    fn at_hand(&self) -> Option<Arc<Held>> {
        self.held.load_full().filter(|held| self.is_usable(held))
    }

    fn is_usable(&self, held: &Held) -> bool {
        held.fetched_at.elapsed() < self.timing.keep_last_good
    }

    async fn fetch(&self, attempts: &mut MutexGuard<'_, Attempts>) -> bool {
        match self.download().await {
            Ok((keys, document)) => {
                if attempts.last_failure.take().is_some() || self.at_hand().is_none() {
                    tracing::info!(url = self.name(), "the keys of the authorization server are at hand");
                }
                self.hold(keys, document);
                true
            }
            Err(error) => {
                if let Place::Discovered(discovery) = &self.place {
                    discovery.doubt();
                }
                if attempts.last_failure.replace(Instant::now()).is_none() {
                    let cause = http_client::cause(&error);
                    tracing::warn!(url = self.name(), cause, "the keys of the authorization server cannot be fetched");
                }
                false
            }
        }
    }

    /// Only called by the one that fetches.
    fn hold(&self, keys: VerifyingKeys, document: Fingerprint) {
        let (keys, generation) = match self.held.load_full() {
            Some(held) if held.document == document => (Arc::clone(&held.keys), held.generation),
            Some(held) => (Arc::new(keys), held.generation + 1),
            None => (Arc::new(keys), 0),
        };
        self.held.store(Some(Arc::new(Held { keys, generation, document, fetched_at: Instant::now() })));
    }

    fn name(&self) -> &str {
        match &self.place {
            Place::At(url) => url.as_str(),
            Place::Discovered(discovery) => discovery.issuer(),
        }
    }

    async fn download(&self) -> Result<(VerifyingKeys, Fingerprint), FetchError> {
        let document = match &self.place {
            Place::At(url) => document::get(&self.client, url).await?,
            Place::Discovered(discovery) => document::get(&self.client, &discovery.keys(&self.client).await?).await?,
        };
        let keys = VerifyingKeys::from_jwks(&document)?;
        if keys.is_empty() { Err(FetchError::NoKey) } else { Ok((keys, Fingerprint::of(&document))) }
    }
}

fn has_passed(since: Option<Instant>, pause: Duration) -> bool {
    since.is_none_or(|since| since.elapsed() >= pause)
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
