//! The keys that clients publish under their `jwks_uri` (RFC 7591 §2): fetched before the transaction of a request that is
//! signed, and kept in memory. A host that does not answer is no fault of whoever signed: the client is told to try again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatelodge_oauth::client::{Client, ClientId, ClientKeys, Registration};
use gatelodge_oauth::client_keys::{self, ClientKeySet};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::guarded_fetch::FetchError;
use url::Url;

use crate::app::App;
use crate::clients;
use crate::limits::Source;

/// What the host of a set says of its freshness counts between these.
const FRESH: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(24 * 3600));

/// How long the last good set is used while its host does not answer.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// A set is fetched again for a key it does not have, or after a failure, no sooner than after this.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// How many sets are kept.
const MAX_SETS: usize = 1000;

/// The keys of a client, and where they came from.
pub type Published = (String, Arc<ClientKeySet>);

/// Every set that was fetched.
#[derive(Debug, Default)]
pub struct PublishedKeys(Mutex<HashMap<String, Kept>>);

#[derive(Debug, Clone)]
struct Kept {
    keys: Option<Arc<ClientKeySet>>,
    fresh_until: Timestamp,
    /// When somebody last asked its host, and whether that failed.
    asked_at: Timestamp,
    failed: bool,
}

#[derive(Debug)]
enum Next {
    Use(Arc<ClientKeySet>),
    Fetch,
    TryLater,
}

impl Kept {
    fn next(&self, kid: Option<&str>, now: Timestamp) -> Next {
        let suited = self.keys.as_ref().filter(|keys| keys.knows(kid));
        let lately = now < self.asked_at.plus(COOL_DOWN);
        match (&self.keys, suited) {
            (_, Some(keys)) if now < self.fresh_until => Next::Use(keys.clone()),
            (_, Some(keys)) if lately && self.failed && now < self.fresh_until.plus(STALE) => Next::Use(keys.clone()),
            // Its host was just asked and does not know the key: the signature will be refused.
            (Some(keys), _) if lately && !self.failed => Next::Use(keys.clone()),
            _ if lately => Next::TryLater,
            _ => Next::Fetch,
        }
    }

    /// The same when its host is not asked, for no reason of its own.
    fn without_asking(&self, kid: Option<&str>, now: Timestamp) -> Next {
        let suited = self.keys.as_ref().filter(|keys| keys.knows(kid) && now < self.fresh_until.plus(STALE));
        suited.map_or(Next::TryLater, |keys| Next::Use(keys.clone()))
    }
}

impl PublishedKeys {
    fn get(&self, uri: &str) -> Option<Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(uri).cloned()
    }

    /// A failure leaves the keys that were there.
    fn keep(&self, uri: &str, fetched: Option<(ClientKeySet, Duration)>, now: Timestamp) -> Kept {
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= MAX_SETS && !sets.contains_key(uri) {
            let oldest = sets.iter().min_by_key(|(_, kept)| kept.asked_at).map(|(uri, _)| uri.clone());
            oldest.map(|oldest| sets.remove(&oldest));
        }
        let kept = match (fetched, sets.get(uri)) {
            (Some((keys, fresh_for)), _) => {
                let fresh_until = now.plus(fresh_for.clamp(FRESH.0, FRESH.1));
                Kept { keys: Some(Arc::new(keys)), fresh_until, asked_at: now, failed: false }
            }
            (None, Some(kept)) => Kept { asked_at: now, failed: true, ..kept.clone() },
            (None, None) => Kept { keys: None, fresh_until: now, asked_at: now, failed: true },
        };
        sets.insert(uri.to_owned(), kept.clone());
        kept
    }
}

/// The keys of a client that publishes them, for a signature with the key of this name; `None` for every other client.
pub async fn published_by(
    app: &App,
    client: &ClientId,
    kid: Option<&str>,
    source: Source,
) -> Result<Option<Published>, OAuthError> {
    let Some(client) = clients::known(app, client).await? else { return Ok(None) };
    let Some(ClientKeys::Uri(uri)) = &client.keys else { return Ok(None) };
    let uri = uri.clone();
    if !may_be_asked(app, &client, &uri) {
        return Err(OAuthError::client_authentication_failed("its jwks_uri is not asked"));
    }
    let now = app.clock.now();
    let kept = app.published_keys.get(&uri);
    let next = match kept.as_ref().map_or(Next::Fetch, |kept| kept.next(kid, now)) {
        Next::Fetch => match fetch(app, &uri, source, now).await {
            Ok(fetched) => app.published_keys.keep(&uri, fetched, now).next(kid, now),
            // Too much to do is no fault of that host, so it is asked again for the next request.
            Err(_) => kept.map_or(Next::TryLater, |kept| kept.without_asking(kid, now)),
        },
        next => next,
    };
    match next {
        Next::Use(keys) => Ok(Some((uri, keys))),
        Next::Fetch | Next::TryLater => {
            Err(OAuthError::temporarily_unavailable("the keys of the client cannot be had"))
        }
    }
}

/// Whose word sends this server where: the operator's anywhere, a stranger's only to hosts whose documents count, and into the
/// operator's own network only to the host that describes the client.
fn may_be_asked(app: &App, client: &Client, uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let own_host = || {
        let id = Url::parse(client.id.as_str());
        let is_own = |id: Url| id.host() == url.host() && id.port_or_known_default() == url.port_or_known_default();
        client.registration == Registration::MetadataDocument && id.is_ok_and(is_own)
    };
    client.registration == Registration::Configured
        || app.config.client_documents.policy.permits(url.host_str().unwrap_or_default())
            && (!app.guarded_fetch.is_private_host(&url) || own_host())
}

/// `None`: the host does not give out keys that can be used. Why is logged where it is noticed.
async fn fetch(
    app: &App,
    uri: &str,
    source: Source,
    now: Timestamp,
) -> Result<Option<(ClientKeySet, Duration)>, FetchError> {
    app.limits.documents.count(source).map_err(|_| FetchError::Overloaded)?;
    let fetched = match app.guarded_fetch.get(uri, "application/json", client_keys::MAX_LENGTH).await {
        Ok(fetched) => fetched,
        Err(FetchError::Overloaded) => return Err(FetchError::Overloaded),
        Err(_) => return Ok(None),
    };
    match ClientKeySet::parse(&fetched.body) {
        Ok(keys) => Ok(Some((keys, fetched.fresh_for(now)))),
        Err(reason) => {
            tracing::warn!(%reason, "a client publishes keys that cannot be used");
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(kid: &str) -> ClientKeySet {
        let key = r#"{"kty":"EC","crv":"P-256","kid":"KID","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
        ClientKeySet::parse(format!("{{\"keys\":[{}]}}", key.replace("KID", kid)).as_bytes()).expect("a set")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000 + seconds)
    }

    fn next(kept: &Kept, kid: &str, seconds: i64) -> &'static str {
        match kept.next(Some(kid), at(seconds)) {
            Next::Use(keys) if keys.knows(Some(kid)) => "right",
            Next::Use(_) => "wrong",
            Next::Fetch => "fetch",
            Next::TryLater => "later",
        }
    }

    #[test]
    fn a_set_is_kept_while_it_is_fresh_and_asked_for_again_for_an_unknown_key() {
        let kept = PublishedKeys::default().keep("u", Some((set("a"), Duration::from_secs(600))), at(0));
        for (kid, seconds, expected) in
            [("a", 0, "right"), ("a", 599, "right"), ("a", 600, "fetch"), ("b", 29, "wrong"), ("b", 30, "fetch")]
        {
            assert_eq!(next(&kept, kid, seconds), expected, "{kid} {seconds}");
        }
        let [short, long] = [0, 10 * 24 * 3600].map(|seconds| {
            PublishedKeys::default().keep("u", Some((set("a"), Duration::from_secs(seconds))), at(0)).fresh_until
        });
        assert_eq!((short, long), (at(300), at(24 * 3600)));
    }

    #[test]
    fn a_host_that_is_away_is_asked_now_and_then_and_its_last_set_is_good_for_a_day() {
        let keys = PublishedKeys::default();
        let nothing = keys.keep("u", None, at(0));
        assert_eq!((next(&nothing, "a", 29), next(&nothing, "a", 30)), ("later", "fetch"));
        keys.keep("u", Some((set("a"), Duration::ZERO)), at(0));
        let away = keys.keep("u", None, at(400));
        let day = 24 * 3600;
        for (kid, seconds, expected) in
            [("a", 429, "right"), ("a", 430, "fetch"), ("b", 429, "later"), ("b", 430, "fetch")]
        {
            assert_eq!(next(&away, kid, seconds), expected, "{kid} {seconds}");
        }
        let away = keys.keep("u", None, at(day + 280));
        assert_eq!((next(&away, "a", day + 299), next(&away, "a", day + 300)), ("right", "later"));
    }

    #[test]
    fn only_so_many_sets_are_kept() {
        let keys = PublishedKeys::default();
        for number in 0..2 * MAX_SETS {
            keys.keep(&number.to_string(), None, at(i64::try_from(number).expect("small")));
        }
        assert_eq!(keys.0.lock().expect("nobody panicked").len(), MAX_SETS);
        assert!(keys.get("0").is_none() && keys.get(&(2 * MAX_SETS - 1).to_string()).is_some());
    }
}
