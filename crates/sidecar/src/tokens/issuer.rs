//! One issuer whose tokens count: how they are worded, its keys, its status list, its introspection endpoint. Made and asked
//! by `mod.rs`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::access_token::{self, AccessToken, NotIntrospected, Refusal};
use gatelodge_service::clock::Clock;
use tokio::task::JoinHandle;

use super::cache::Key;
use super::discovery::Discovery;
use super::introspection::Introspection;
use super::jwks::{Jwks, Place, Timing};
use super::status_list::{Statuses, Verdict};
use super::{Answer, Audiences, Rejection};
use crate::config::{IssuerConfig, KeySource};
use crate::respond::Fault;

/// One issuer.
pub struct Issuer {
    rules: access_token::Issuer,
    keys: Option<Arc<Jwks>>,
    statuses: Option<Arc<Statuses>>,
    introspection: Option<Introspection>,
}

impl Issuer {
    /// Nobody is asked yet: start-up does not depend on any issuer.
    pub fn new(config: &IssuerConfig, leeway: Duration) -> Result<Self, reqwest::Error> {
        let place = config.keys.as_ref().map(|source| match source {
            KeySource::At(url) => Place::At(url.clone()),
            KeySource::Discovered => Place::Discovered(Discovery::new(&config.issuer)),
        });
        let keys = place.map(|place| Jwks::new(place, Timing::default())).transpose()?.map(Arc::new);
        let statuses = config.status_list.clone().map(|list| Statuses::new(list, leeway)).transpose()?.map(Arc::new);
        let introspection = config.introspection.clone().map(Introspection::new).transpose()?;
        let (identifier, wording) = (config.issuer.clone(), config.wording.clone());
        let rules = access_token::Issuer { identifier, wording, leeway };
        Ok(Self { rules, keys, statuses, introspection })
    }

    /// Fetches in the background for as long as the process runs.
    pub fn keep_fresh(&self, clock: &Clock) -> Vec<JoinHandle<()>> {
        let Some(keys) = &self.keys else { return Vec::new() };
        let mut tasks = vec![tokio::spawn(Arc::clone(keys).keep_fresh())];
        if let Some(statuses) = &self.statuses {
            tasks.push(tokio::spawn(Arc::clone(statuses).keep_fresh(Arc::clone(keys), clock.clone())));
        }
        tasks
    }

    /// The `iss` of its tokens.
    pub fn identifier(&self) -> &str {
        &self.rules.identifier
    }

    /// Whether its tokens can be judged as far as is known.
    pub fn is_ready(&self) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.is_ready())
    }

    /// Which of its keys are at hand.
    pub fn generation(&self) -> Option<u64> {
        self.keys.as_ref().and_then(|keys| keys.generation())
    }

    /// Its keys, if it is judged by them.
    pub fn keys(&self) -> Option<&Arc<Jwks>> {
        self.keys.as_ref()
    }

    /// Its introspection endpoint, if it has one.
    pub fn introspection(&self) -> Option<&Introspection> {
        self.introspection.as_ref()
    }

    /// By signature (RFC 9068 §4), and with which generation of keys. A token with a key that was just published makes the keys
    /// be fetched.
    pub async fn verify(
        &self,
        keys: &Arc<Jwks>,
        token: &str,
        expected: &Audiences,
        clock: &Clock,
    ) -> Result<(AccessToken, u64), Rejection> {
        const NO_KEYS: Rejection = Rejection::Unavailable(Fault::KeysUnavailable);
        let verify = |keys: &_| self.rules.verify(token, keys, expected.names(), clock.now());
        let mut held = keys.current().await.ok_or(NO_KEYS)?;
        let mut verdict = verify(&held.keys);
        if matches!(verdict, Err(Refusal::UnknownKey { .. })) {
            held = keys.refetched().await.ok_or(NO_KEYS)?;
            verdict = verify(&held.keys);
        }
        Ok((verdict.map_err(Rejection::Bad)?, held.generation))
    }

    /// Whether the key of a signed token of its is one no more.
    pub fn withdrew_key_of(&self, token: &AccessToken) -> bool {
        self.keys.as_ref().zip(token.kid.as_deref()).is_some_and(|(keys, kid)| keys.withdrew(kid))
    }

    /// By what its endpoint says (RFC 7662 §2.2).
    pub async fn ask(
        &self,
        endpoint: &Introspection,
        (key, token, source): (Key, &str, Option<IpAddr>),
        expected: &Audiences,
        clock: &Clock,
    ) -> Answer {
        let read = |answer: &[u8]| match self.rules.introspected(answer, expected.names(), clock.now()) {
            Ok(token) => Some(Ok(Arc::new(token))),
            Err(NotIntrospected::Refused(refusal)) => Some(Err(Rejection::Bad(refusal))),
            Err(NotIntrospected::NotAnAnswer) => None,
        };
        endpoint.ask(key, (token, source), read).await
    }

    /// Whether a signed token of its was revoked since.
    pub fn status_of(&self, token: &AccessToken) -> Result<(), Rejection> {
        match self.statuses.as_ref().map_or(Verdict::Good, |statuses| statuses.judge(token)) {
            Verdict::Good => Ok(()),
            Verdict::Bad(refusal) => Err(Rejection::Bad(refusal)),
            Verdict::Unknown => Err(Rejection::Unavailable(Fault::StatusUnavailable)),
        }
    }
}
