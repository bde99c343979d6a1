//! Access tokens, of whichever issuer: is this one good, for this resource, now? Asked by `endpoint.rs` for every request
//! that brings a token (RFC 6750 §2.1); a session is no substitute.
//!
//! 1. Was it judged a moment ago? Then only what can have changed is looked at again (`cache.rs`).
//! 2. Whose is it? A JWT says so itself, and is checked with the keys of that issuer alone (`issuer.rs`, `jwks.rs`). Of any
//!    other token an issuer is asked that has an introspection endpoint (`introspection.rs`).
//! 3. Was it revoked? (`status_list.rs`)
//!
//! What cannot be decided is a fault of ours, and never the token's: a client would throw a good one away.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::access_token::{AccessToken, Refusal, Shape};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_service::clock::Clock;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::config::IssuerConfig;
use crate::fingerprint::Fingerprint;
use crate::respond::Fault;
use cache::{Cache, Good, Judge, Key};
use issuer::Issuer;

mod cache;
mod discovery;
mod document;
mod introspection;
mod issuer;
mod jwks;
mod status_list;

/// How often it is looked whether the token of an open stream, or its key, was revoked.
const LOOK: Duration = Duration::from_secs(2);

/// Everything that is known of tokens; shared by all workers.
pub struct Tokens {
    issuers: Vec<Issuer>,
    cache: Cache,
    leeway: Duration,
    clock: Clock,
}

/// The names of one resource, as whole strings (RFC 9068 §4).
#[derive(Debug, Clone)]
pub struct Audiences {
    names: Vec<String>,
    fingerprint: Fingerprint,
}

/// Why a token does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// It is no good.
    Bad(Refusal),
    /// Nobody can say at the moment.
    Unavailable(Fault),
}

/// What is found out about a token.
pub type Answer = Result<Arc<AccessToken>, Rejection>;

/// Whom to believe about a token.
enum Way<'a> {
    Keys(usize, &'a Arc<jwks::Jwks>),
    Ask(&'a Issuer, &'a introspection::Introspection),
}

impl Audiences {
    /// Exactly these.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        // Each after its length: two lists that only run together alike are two.
        let text: String = names.iter().map(|name| format!("{}:{name}", name.len())).collect();
        Self { fingerprint: Fingerprint::of(text.as_bytes()), names }
    }

    /// Of a resource: its identifier, the same with a slash at the end, which clients send whose users typed one, and its
    /// other names.
    pub fn of(id: &ResourceId, aliases: &[String]) -> Self {
        let forms = [id.to_string(), format!("{id}/")];
        Self::new(forms.into_iter().chain(aliases.iter().cloned()))
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

impl Tokens {
    /// Nobody is asked yet: start-up does not depend on any issuer.
    pub fn new(issuers: &[IssuerConfig], leeway: Duration, clock: Clock) -> Result<Self, reqwest::Error> {
        let issuers = issuers.iter().map(|issuer| Issuer::new(issuer, leeway)).collect::<Result<_, _>>()?;
        Ok(Self { issuers, cache: Cache::new(), leeway, clock })
    }

    /// Fetches keys, metadata and status lists in the background, for as long as the process runs.
    pub fn keep_fresh(&self) -> Vec<JoinHandle<()>> {
        self.issuers.iter().flat_map(|issuer| issuer.keep_fresh(&self.clock)).collect()
    }

    /// Whether tokens of the authorization server, which is the first issuer, can be judged. The others may come later: one
    /// that is away must not take the sidecar out of service for all.
    pub fn is_ready(&self) -> bool {
        self.issuers.first().is_some_and(Issuer::is_ready)
    }

    /// Judges a token. `source` says where it came from, if somebody must be asked about it.
    pub async fn judge(&self, token: &str, expected: &Audiences, source: impl Fn() -> Option<IpAddr>) -> Answer {
        let (key, now) = (Key::new(token, expected), self.clock.now());
        if let Some(good) = self.cache.good(&key) {
            if good.holds(self.leeway, now)
                && let Some(answer) = self.again(good)
            {
                return answer;
            }
            self.cache.forget(&key);
        }
        match self.way(token).map_err(Rejection::Bad)? {
            Way::Keys(issuer, keys) => self.verify(key, (issuer, keys), token, expected).await,
            Way::Ask(issuer, endpoint) => self.ask((issuer, endpoint), (key, token, source()), expected).await,
        }
    }

    /// Comes to its end when the token does: it expired and `grace` has passed, or it is known to be revoked, or its key is. What
    /// was begun with it must not go on for ever.
    pub async fn end_of(&self, token: &AccessToken, grace: Duration) {
        let end = token.expires_at.plus(self.leeway).plus(grace);
        loop {
            let now = self.clock.now();
            if now >= end || self.is_revoked(token) {
                return;
            }
            sleep(end.since(now).min(LOOK)).await;
        }
    }

    fn is_revoked(&self, token: &AccessToken) -> bool {
        let issuer = self.issuers.iter().find(|issuer| issuer.identifier() == token.issuer);
        issuer.is_some_and(|issuer| {
            issuer.withdrew_key_of(token) || matches!(issuer.status_of(token), Err(Rejection::Bad(_)))
        })
    }

    /// `None` when the keys are no longer the ones it was judged by.
    fn again(&self, good: Good) -> Option<Answer> {
        if let Judge::Keys { issuer, generation } = good.judge {
            let issuer = self.issuers.get(issuer).filter(|issuer| issuer.generation() == Some(generation))?;
            if let Err(rejection) = issuer.status_of(&good.token) {
                return Some(Err(rejection));
            }
        }
        Some(Ok(good.token))
    }

    async fn verify(
        &self,
        key: Key,
        (index, keys): (usize, &Arc<jwks::Jwks>),
        token: &str,
        expected: &Audiences,
    ) -> Answer {
        let issuer = &self.issuers[index];
        let (token, generation) = issuer.verify(keys, token, expected, &self.clock).await?;
        let token = Arc::new(token);
        let judge = Judge::Keys { issuer: index, generation };
        self.cache.keep(key, Good::new(Arc::clone(&token), judge, self.clock.now()));
        issuer.status_of(&token).map(|()| token)
    }

    /// What an endpoint said counts from before it was asked.
    async fn ask(
        &self,
        (issuer, endpoint): (&Issuer, &introspection::Introspection),
        (key, token, source): (Key, &str, Option<IpAddr>),
        expected: &Audiences,
    ) -> Answer {
        let asked_at = self.clock.now();
        if let Some(refusal) = self.cache.refused(&key, asked_at) {
            return Err(Rejection::Bad(refusal));
        }
        let answer = issuer.ask(endpoint, (key, token, source), expected, &self.clock).await;
        match &answer {
            Ok(token) => self.cache.keep(key, Good::new(Arc::clone(token), Judge::Introspection, asked_at)),
            Err(Rejection::Bad(refusal)) => self.cache.keep_refused(key, refusal.clone(), asked_at),
            Err(Rejection::Unavailable(_)) => {}
        }
        answer
    }

    /// What a JWT says of its issuer only chooses who judges it: that issuer's keys, or its endpoint, and nobody else's.
    fn way(&self, token: &str) -> Result<Way<'_>, Refusal> {
        if let [only] = &*self.issuers
            && let (Some(keys), None) = (only.keys(), only.introspection())
        {
            return Ok(Way::Keys(0, keys));
        }
        match Shape::of(token) {
            Shape::Jwt { issuer: None } => Err(Refusal::MalformedClaims),
            Shape::Jwt { issuer: Some(named) } => {
                let mut issuers = self.issuers.iter().enumerate();
                let found = issuers.find(|(_, issuer)| issuer.identifier() == named);
                let (index, issuer) = found.ok_or(Refusal::WrongIssuer)?;
                match (issuer.keys(), issuer.introspection()) {
                    (Some(keys), _) => Ok(Way::Keys(index, keys)),
                    (None, Some(endpoint)) => Ok(Way::Ask(issuer, endpoint)),
                    (None, None) => Err(Refusal::WrongIssuer),
                }
            }
            Shape::Opaque => {
                let endpoints = self.issuers.iter().filter_map(|issuer| Some((issuer, issuer.introspection()?)));
                let mut asked = endpoints.filter(|(_, endpoint)| endpoint.is_for(token));
                asked.next().map(|(issuer, endpoint)| Way::Ask(issuer, endpoint)).ok_or(Refusal::Malformed)
            }
        }
    }
}
