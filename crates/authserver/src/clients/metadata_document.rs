//! Clients that a document describes (draft-ietf-oauth-client-id-metadata-document §5): stored, else fetched, else as last
//! seen. Called where a request begins, and never inside a transaction: whatever follows uses the stored row.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatelodge_oauth::client::{Client, ClientId, Registration};
use gatelodge_oauth::client_id_metadata_document::{DocumentUrl, MAX_BYTES};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::guarded_fetch::FetchError;
use gatelodge_store::clients::Known;
use gatelodge_store::{StoreError, clients};

use super::configured;
use crate::app::App;
use crate::limits::Source;

/// A document is used without asking for at least this long, whatever its host says.
const FRESH_AT_LEAST: Duration = Duration::from_secs(5 * 60);

/// A document is asked for again after this time, whatever its host says.
const FRESH_AT_MOST: Duration = Duration::from_secs(24 * 60 * 60);

/// For so long after it was read a document may be used while its host does not answer.
const USABLE_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Where nothing usable came from, nothing is asked for this long.
pub const BACK_OFF: Duration = Duration::from_secs(30);

/// URLs and hosts whose failures are remembered.
const REMEMBERED: usize = 1000;

/// Why it is not known who asks.
#[derive(Debug)]
pub enum Unresolved {
    /// The operator does not trust this host.
    NotAllowed {
        /// The host.
        host: String,
    },
    /// The URL or its document cannot be used.
    Invalid(OAuthError),
    /// The host does not give the document out.
    Unreachable {
        /// The host.
        host: String,
        /// What happened.
        reason: FetchError,
    },
    /// Too many documents are being asked for, by this source or by all together.
    TooMany(Duration),
    /// The database does not answer.
    Store(StoreError),
}

impl From<StoreError> for Unresolved {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Unresolved> for OAuthError {
    /// For endpoints that answer with JSON: an outage is none of the client's faults.
    fn from(unresolved: Unresolved) -> Self {
        match unresolved {
            Unresolved::NotAllowed { .. } => Self::client_unknown(),
            Unresolved::Invalid(error) => Self::client_document_refused(error.description),
            Unresolved::Unreachable { host, reason } => Self::temporarily_unavailable(format!("{host}: {reason}")),
            Unresolved::TooMany(_) => Self::temporarily_unavailable("too many documents of clients are asked for"),
            Unresolved::Store(error) => Self::temporarily_unavailable(error.to_string()),
        }
    }
}

/// What went wrong lately, so that it is not tried again at once: with a URL, or with its whole host when that did not answer.
#[derive(Debug, Default)]
pub struct BackOff(Mutex<HashMap<String, (Timestamp, Failed)>>);

#[derive(Debug, Clone)]
enum Failed {
    Fetch(FetchError),
    Document(OAuthError),
    /// Nobody was asked: see [`crate::limits`].
    TooMany(Duration),
}

impl BackOff {
    fn of(&self, url: &DocumentUrl, now: Timestamp) -> Option<Failed> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = |key: &str| failures.get(key).filter(|(until, _)| now < *until);
        failure(url.id().as_str()).or_else(|| failure(authority(url))).map(|(_, failed)| failed.clone())
    }

    fn remember(&self, url: &DocumentUrl, failed: &Failed, now: Timestamp) {
        let key = match failed {
            // Too much to do is no fault of that host.
            Failed::Fetch(FetchError::Overloaded) | Failed::TooMany(_) => return,
            // Whoever makes up more URLs there does not make this server wait for each.
            Failed::Fetch(FetchError::Timeout(_) | FetchError::Unreachable(_)) => authority(url),
            Failed::Fetch(_) | Failed::Document(_) => url.id().as_str(),
        };
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED {
            failures.retain(|_, (until, _)| now < *until);
        }
        if failures.len() < REMEMBERED {
            failures.insert(key.to_owned(), (now.plus(BACK_OFF), failed.clone()));
        }
    }
}

/// The host with its port, which is never the whole of a URL.
fn authority(url: &DocumentUrl) -> &str {
    url.id().as_str().split('/').nth(2).unwrap_or_default()
}

/// The client as far as it is known without asking anybody.
pub async fn known(app: &App, id: &ClientId) -> Result<Option<Client>, Unresolved> {
    let (state, id) = (app.clone(), id.clone());
    Ok(app.store.read(move |tx| super::find(tx, &state, &id)).await?)
}

/// The client, after its document was read if that had to be; `None`: no such client.
pub async fn resolve(app: &App, id: &ClientId, source: Source) -> Result<Option<Client>, Unresolved> {
    if let Some(client) = configured::find(&app.config, id) {
        return Ok(Some(client.clone()));
    }
    let documents = &app.config.client_documents;
    let stored = stored(app, id).await?;
    match &stored {
        Some(known) if known.client.registration != Registration::MetadataDocument => {
            return Ok(Some(known.client.clone()));
        }
        None if !DocumentUrl::is_meant_by(id) => return Ok(None),
        _ if !documents.enabled => return Ok(None),
        _ => {}
    }
    let url = DocumentUrl::parse(id).map_err(Unresolved::Invalid)?;
    if !documents.permits_host(url.host()) {
        return Err(Unresolved::NotAllowed { host: url.host().to_owned() });
    }
    let now = app.clock.now();
    if let Some(known) = &stored
        && known.fresh_until.is_some_and(|until| now < until)
    {
        return Ok(Some(known.client.clone()));
    }
    let failed = match app.back_off.of(&url, now) {
        Some(failed) => failed,
        None => match fetch(app, &url, source).await {
            Ok((client, fresh_until)) => {
                keep(app, &client, fresh_until).await?;
                return Ok(Some(client));
            }
            Err(failed) => {
                app.back_off.remember(&url, &failed, app.clock.now());
                failed
            }
        },
    };
    match failed {
        Failed::Document(error) => Err(Unresolved::Invalid(error)),
        Failed::Fetch(reason) => last_seen(app, &url, stored, reason).await.map(Some),
        // Who was known before stays known.
        Failed::TooMany(wait) => match last_seen(app, &url, stored, FetchError::Overloaded).await {
            Err(Unresolved::Unreachable { .. }) => Err(Unresolved::TooMany(wait)),
            known => known.map(Some),
        },
    }
}

async fn stored(app: &App, id: &ClientId) -> Result<Option<Known>, StoreError> {
    let id = id.clone();
    app.store.read(move |tx| clients::find_known(tx, &id)).await
}

async fn keep(app: &App, client: &Client, fresh_until: Timestamp) -> Result<(), StoreError> {
    let client = client.clone();
    app.store.write(move |tx| clients::keep_document(tx, &client, fresh_until)).await
}

async fn fetch(app: &App, url: &DocumentUrl, source: Source) -> Result<(Client, Timestamp), Failed> {
    app.limits.documents.count(source).map_err(Failed::TooMany)?;
    let fetched =
        app.guarded_fetch.get(url.id().as_str(), "application/json", MAX_BYTES).await.map_err(Failed::Fetch)?;
    let now = app.clock.now();
    let client = url.client(&fetched.body, now).map_err(|error| {
        tracing::warn!(client_id = %url.id(), reason = %error.detail, "a client's document cannot be used");
        Failed::Document(error)
    })?;
    Ok((client, now.plus(fetched.fresh_for(now).clamp(FRESH_AT_LEAST, FRESH_AT_MOST))))
}

/// While the host does not do its part: what it said last, or what it was last seen to say. An error takes the place of neither.
async fn last_seen(
    app: &App,
    url: &DocumentUrl,
    stored: Option<Known>,
    reason: FetchError,
) -> Result<Client, Unresolved> {
    let now = app.clock.now();
    let unreachable = |reason| Unresolved::Unreachable { host: url.host().to_owned(), reason };
    if !reason.is_outage() {
        return Err(match reason {
            FetchError::Status { .. } => unreachable(reason),
            reason => Unresolved::Invalid(OAuthError::client_document_refused(described(&reason))),
        });
    }
    let cf_mitigated = reason.cf_mitigated().unwrap_or_default();
    if let Some(known) = stored
        && now < known.client.issued_at.plus(USABLE_FOR)
    {
        tracing::warn!(client_id = %url.id(), %reason, cf_mitigated, "a client's last good document is used");
        return Ok(known.client);
    }
    let pinned = app.config.client_documents.pinned(url.id());
    if let Some((pinned, client)) = pinned.and_then(|pinned| Some((pinned, pinned.client(now).ok()?))) {
        tracing::warn!(client_id = %url.id(), %reason, cf_mitigated, source = pinned.source, "a client's pinned document is used");
        keep(app, &client, now.plus(FRESH_AT_LEAST)).await?;
        return Ok(client);
    }
    Err(unreachable(reason))
}

/// For strangers: nothing about addresses, which are of this network.
fn described(reason: &FetchError) -> String {
    match reason {
        FetchError::Refused(reason) => format!("the client_id is {reason}"),
        FetchError::WrongType(_) => "its client_id does not lead to plain application/json".to_owned(),
        FetchError::TooLarge(limit) => format!("its document is longer than {limit} bytes"),
        _ => "its client_id does not lead to a public host".to_owned(),
    }
}
