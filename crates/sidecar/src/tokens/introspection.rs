//! What an issuer says of a token that is not signed, or not for others to read: RFC 7662. Called by `mod.rs` for tokens that
//! it has not heard of lately.
//!
//! The same token is asked about once, however many requests bring it. So many questions are on their way at a time, of one
//! source a part of them, so that nobody's garbage keeps the tokens of others waiting. Each has five seconds, the wait for its turn
//! included. Without an answer nothing can be said of a token.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatelodge_service::guarded_fetch::flights::Shared;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::Client;
use reqwest::header::ACCEPT;
use secrecy::ExposeSecret;
use tokio::sync::{OnceCell, Semaphore};
use url::form_urlencoded;

use super::cache::Key;
use super::document::{self, FetchError};
use super::{Answer, Rejection};
use crate::config::IntrospectionConfig;
use crate::respond::Fault;

/// Questions on their way at a time.
const AT_ONCE: usize = 32;

/// Of them, about tokens that came from one source.
const FOR_ONE_SOURCE: usize = 8;

/// For one question, from the wait for its turn to the last byte of the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The introspection endpoint of one issuer.
pub struct Introspection {
    config: IntrospectionConfig,
    client: Client,
    turns: Semaphore,
    shares: Shared<Option<IpAddr>, Semaphore>,
    flights: Shared<Key, OnceCell<Answer>>,
    is_failing: AtomicBool,
}

impl Introspection {
    /// Nobody is asked yet.
    pub fn new(config: IntrospectionConfig) -> Result<Self, reqwest::Error> {
        let options = HttpClientOptions { tls: Tls::for_urls([config.url.as_str()]), ..HttpClientOptions::default() };
        let (client, turns) = (http_client::build(&options)?, Semaphore::new(AT_ONCE));
        let (shares, flights) = (Shared::default(), Shared::default());
        Ok(Self { config, client, turns, shares, flights, is_failing: AtomicBool::new(false) })
    }

    /// Whether it is asked about such tokens.
    pub fn is_for(&self, token: &str) -> bool {
        token.starts_with(&self.config.token_prefix)
    }

    /// Asks about a token that came from this source; `read` makes of the answer what it says.
    pub async fn ask(
        &self,
        key: Key,
        (token, source): (&str, Option<IpAddr>),
        read: impl Fn(&[u8]) -> Option<Answer>,
    ) -> Answer {
        let flight = self.flights.hold(key, OnceCell::new);
        let answer = flight.value().get_or_init(|| async {
            let asked =
                tokio::time::timeout(PATIENCE, self.question(token, source)).await.unwrap_or(Err(FetchError::TooSlow));
            let answer = asked.and_then(|body| read(&body).ok_or(FetchError::NotAnAnswer));
            self.log(answer.as_ref().err());
            answer.unwrap_or(Err(Rejection::Unavailable(Fault::IntrospectionUnavailable)))
        });
        answer.await.clone()
    }

    /// RFC 7662 §2.1: the token is in the body, where no log of addresses sees it.
    async fn question(&self, token: &str, source: Option<IpAddr>) -> Result<Vec<u8>, FetchError> {
        let share = self.shares.hold(source, || Semaphore::new(FOR_ONE_SOURCE));
        let _in_share = share.value().acquire().await.map_err(|_| FetchError::TooSlow)?;
        let _turn = self.turns.acquire().await.map_err(|_| FetchError::TooSlow)?;
        let form = [("token", token), ("token_type_hint", "access_token")];
        let request = self.client.post(self.config.url.clone()).header(ACCEPT, "application/json");
        let (name, secret) = (encoded(&self.config.client_id), encoded(self.config.client_secret.expose_secret()));
        let request = request.basic_auth(name, Some(secret));
        document::read(request.form(&form).send().await?).await
    }

    /// Said once, and once more when it answers again.
    fn log(&self, error: Option<&FetchError>) {
        let was_failing = self.is_failing.swap(error.is_some(), Ordering::Relaxed);
        match error {
            Some(error) if !was_failing => {
                let cause = http_client::cause(error);
                tracing::warn!(url = %self.config.url, cause, "the introspection endpoint gives no usable answer");
            }
            None if was_failing => tracing::info!(url = %self.config.url, "the introspection endpoint answers again"),
            _ => {}
        }
    }
}

/// RFC 6749 §2.3.1: name and secret are encoded as in a form first.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
