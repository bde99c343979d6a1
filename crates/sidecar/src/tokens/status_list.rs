//! Which tokens were revoked: the status list of an issuer (draft-ietf-oauth-status-list), fetched again and again in the
//! background. Asked by `mod.rs`, which never waits for it.
//!
//! A grant that was revoked stays so: the last list that was had goes on counting while no other can be had. Whether a token
//! that it does not name may pass then, or before there is a list, is the operator's choice.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use gatelodge_oauth::access_token::{AccessToken, Refusal, VerifyingKeys};
use gatelodge_oauth::status_list::{self, InvalidStatusList, MAX_LENGTH, MEDIA_TYPE, SignedStatusList, StatusList};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{Client, StatusCode};
use tokio::time::{Instant, sleep};

use super::jwks::Jwks;
use crate::config::StatusListConfig;

/// After so long without an answer the list at hand is stale.
const FRESH_FOR: Duration = Duration::from_secs(30);

/// The list at hand.
pub struct Statuses {
    config: StatusListConfig,
    leeway: Duration,
    client: Client,
    held: ArcSwapOption<Held>,
}

#[derive(Clone)]
struct Held {
    list: Arc<StatusList>,
    /// The latest at which a list was made that said so.
    issued_at: Timestamp,
    etag: Option<HeaderValue>,
    confirmed_at: Instant,
}

/// What is known at one moment.
#[derive(Debug, Clone)]
struct Snapshot<'a> {
    /// The list that tokens must name.
    uri: &'a str,
    /// The last list that was had.
    list: Option<&'a StatusList>,
    /// Whether it is of now.
    is_fresh: bool,
    /// Whether only tokens pass that are known not to be revoked.
    is_required: bool,
}

/// What the list says of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Good,
    /// It must not pass.
    Bad(Refusal),
    /// Nobody can say, and the operator wants to know.
    Unknown,
}

impl Snapshot<'_> {
    /// Only the list that the token names says something of it.
    fn judge(&self, token: &AccessToken) -> Verdict {
        let reference = token.status.as_ref().filter(|reference| reference.uri == self.uri);
        let Some(reference) = reference else {
            return if self.is_required { Verdict::Bad(Refusal::NoStatus) } else { Verdict::Good };
        };
        let is_set = self.list.and_then(|list| list.is_set(reference.idx));
        if self.is_fresh && is_set.is_none() {
            let passes = !self.is_required;
            tracing::warn!(index = reference.idx, passes, "a token names an index behind the end of the status list");
        }
        match is_set {
            Some(true) => Verdict::Bad(Refusal::Revoked),
            Some(false) if self.is_fresh => Verdict::Good,
            _ if self.is_required => Verdict::Unknown,
            _ => Verdict::Good,
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("the document is larger than {MAX_LENGTH} bytes")]
    TooLarge,
    #[error("the keys of the authorization server are not at hand")]
    NoKeys,
    #[error("the document is older than the one at hand, and says something else")]
    Older,
    #[error("the document cannot be believed: {0}")]
    Invalid(#[from] InvalidStatusList),
}

impl Statuses {
    /// Nothing is fetched yet: start-up does not depend on the authorization server.
    pub fn new(config: StatusListConfig, leeway: Duration) -> Result<Self, reqwest::Error> {
        let options = HttpClientOptions { tls: Tls::for_urls([config.url.as_str()]), ..HttpClientOptions::default() };
        Ok(Self { config, leeway, client: http_client::build(&options)?, held: ArcSwapOption::empty() })
    }

    /// What is known now of a token. Asked for every request: it waits for nobody and counts nothing that is shared.
    pub fn judge(&self, token: &AccessToken) -> Verdict {
        let held = self.held.load();
        let snapshot = Snapshot {
            uri: &self.config.uri,
            list: held.as_ref().map(|held| &*held.list),
            is_fresh: held.as_ref().is_some_and(|held| held.confirmed_at.elapsed() < FRESH_FOR),
            is_required: self.config.is_required,
        };
        snapshot.judge(token)
    }

    /// Runs for as long as the process. A list that cannot be had is told once, and once more when it is there again.
    pub async fn keep_fresh(self: Arc<Self>, jwks: Arc<Jwks>, clock: Clock) {
        let mut is_failing = false;
        loop {
            match self.fetch(&jwks, &clock).await {
                Ok(()) => {
                    if std::mem::take(&mut is_failing) {
                        tracing::info!("the status list of the authorization server is at hand again");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_failing, true) {
                        let (cause, refused) = (http_client::cause(&error), self.config.is_required);
                        tracing::warn!(
                            url = %self.config.url, cause, refused,
                            "the status list cannot be had: tokens revoked from now on are not known"
                        );
                    }
                }
            }
            sleep(self.config.interval).await;
        }
    }

    async fn fetch(&self, jwks: &Arc<Jwks>, clock: &Clock) -> Result<(), FetchError> {
        let held = self.held.load_full();
        let mut request = self.client.get(self.config.url.clone()).header(ACCEPT, MEDIA_TYPE);
        // RFC 9111 §5.2.1.4: no cache in between may answer on its own what was true a while ago.
        request = request.header(CACHE_CONTROL, "no-cache");
        if let Some(etag) = held.as_ref().and_then(|held| held.etag.as_ref()) {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let asked_at = Instant::now();
        let mut response = request.send().await?;
        if let (StatusCode::NOT_MODIFIED, Some(held)) = (response.status(), &held) {
            self.hold(Held { confirmed_at: asked_at, ..Held::clone(held) });
            return Ok(());
        }
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let etag = response.headers().get(ETAG).cloned();
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            document.extend_from_slice(&chunk);
            if document.len() > MAX_LENGTH {
                return Err(FetchError::TooLarge);
            }
        }
        let signed = self.believe(&String::from_utf8_lossy(&document), jwks, clock).await?;
        let issued_at = latest(held.as_deref(), &signed)?;
        self.hold(Held { list: Arc::new(signed.list), issued_at, etag, confirmed_at: asked_at });
        Ok(())
    }

    /// A list signed with a key that was just published makes the keys be fetched, as a token does.
    async fn believe(&self, document: &str, jwks: &Arc<Jwks>, clock: &Clock) -> Result<SignedStatusList, FetchError> {
        let verify =
            |keys: &VerifyingKeys| status_list::verify(document, keys, &self.config.uri, self.leeway, clock.now());
        let held = jwks.current().await.ok_or(FetchError::NoKeys)?;
        match verify(&held.keys) {
            Err(InvalidStatusList::NotSigned(Refusal::UnknownKey { .. })) => {
                Ok(verify(&jwks.refetched().await.ok_or(FetchError::NoKeys)?.keys)?)
            }
            outcome => Ok(outcome?),
        }
    }

    fn hold(&self, held: Held) {
        self.held.store(Some(Arc::new(held)));
    }
}

/// Whoever stands in between may keep a list from before a revocation and send it again. An older one that says the same is
/// no step back: processes of the authorization server sign it at different times.
fn latest(held: Option<&Held>, new: &SignedStatusList) -> Result<Timestamp, FetchError> {
    match held {
        Some(held) if new.issued_at < held.issued_at && new.list != *held.list => Err(FetchError::Older),
        Some(held) => Ok(held.issued_at.max(new.issued_at)),
        None => Ok(new.issued_at),
    }
}

#[cfg(test)]
mod tests {
    use gatelodge_oauth::access_token::StatusReference;

    use super::*;

    const URI: &str = "https://h.example/status-list";

    fn token(status: Option<(u64, &str)>) -> AccessToken {
        AccessToken {
            issuer: "https://h.example".into(),
            subject: "user_1".into(),
            client_id: "client_1".into(),
            scope: "mcp:use".parse().expect("a scope"),
            issued_at: Timestamp::from_unix(0),
            expires_at: Timestamp::from_unix(0),
            id: "j".into(),
            status: status.map(|(idx, uri)| StatusReference { idx, uri: uri.into() }),
            kid: None,
        }
    }

    #[test]
    fn a_token_is_judged_by_its_own_list_and_by_what_the_operator_wants() {
        let list = Some(&StatusList::new(8, [3]));
        let (ours, revoked, foreign) = (Some((2, URI)), Some((3, URI)), Some((3, "https://other.example/status-list")));
        let (good, unknown) = (Verdict::Good, Verdict::Unknown);
        let (ended, no_status) = (Verdict::Bad(Refusal::Revoked), Verdict::Bad(Refusal::NoStatus));
        for (status, list, is_fresh, lenient, strict) in [
            (ours, &list, true, &good, &good),
            (ours, &list, false, &good, &unknown),
            (ours, &None, false, &good, &unknown),
            (Some((8_000, URI)), &list, true, &good, &unknown),
            (Some((8_000, URI)), &list, false, &good, &unknown),
            (revoked, &list, true, &ended, &ended),
            (revoked, &list, false, &ended, &ended),
            (revoked, &None, false, &good, &unknown),
            (foreign, &list, true, &good, &no_status),
            (None, &list, true, &good, &no_status),
        ] {
            for (is_required, expected) in [(false, lenient), (true, strict)] {
                let snapshot = Snapshot { uri: URI, list: *list, is_fresh, is_required };
                let verdict = snapshot.judge(&token(status));
                assert_eq!(verdict, *expected, "{status:?} {list:?} {is_fresh} {is_required}");
            }
        }
    }

    #[test]
    fn a_list_from_before_a_revocation_does_not_come_back() {
        let at = Timestamp::from_unix;
        let (clean, revoked) = (StatusList::new(8, []), StatusList::new(8, [3]));
        let held = |list: &StatusList| Held {
            list: Arc::new(list.clone()),
            issued_at: at(100),
            etag: None,
            confirmed_at: Instant::now(),
        };
        for (before, after, issued_at, expected) in [
            (None, &clean, 99, Some(99)),
            (Some(&clean), &revoked, 101, Some(101)),
            (Some(&clean), &revoked, 100, Some(100)),
            (Some(&revoked), &clean, 101, Some(101)),
            (Some(&revoked), &clean, 99, None),
            (Some(&clean), &revoked, 99, None),
            (Some(&revoked), &revoked, 99, Some(100)),
        ] {
            let new = SignedStatusList { list: after.clone(), issued_at: at(issued_at) };
            let found = latest(before.map(held).as_ref(), &new).ok();
            assert_eq!(found, expected.map(at), "{before:?} {after:?} {issued_at}");
        }
    }
}
