//! The published status list (draft-ietf-oauth-status-list): made from the revoked grants, looked at anew after a second,
//! signed anew when it changed. Served by `endpoints/status_list.rs`; resource servers poll it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix_web::web::Bytes;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatelodge_oauth::access_token::{Status, StatusReference};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::Grant;
use gatelodge_oauth::status_list::{self, MAX_SIZE, PackedList, StatusList, StatusListClaims};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::config::PublicUrl;
use gatelodge_store::grants;
use tokio::sync::Mutex;

use crate::app::App;

/// Below the issuer.
pub const PATH: &str = "/status-list";

/// How old a document may be that is handed out without looking.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// After so long the same list is signed again, so that `iat` says that it is still true.
const SIGN_AGAIN: i64 = 300;

/// How long a copy may be believed while no other can be had (`exp`).
const LIFETIME: Duration = Duration::from_secs(3600);

/// How long a copy may be kept by whoever can ask again (`ttl`), in seconds.
const KEEP: u64 = 2;

/// Tokens may be accepted for a little longer than their grant lives, where clocks differ.
const LEEWAY: Duration = Duration::from_secs(300);

/// The list is so much longer than what was handed out: a token that was just made is in the copies that are at hand already.
const ROOM: u64 = 8 * 1024;

/// A signed list.
pub struct Document {
    /// The JWT.
    pub jwt: Bytes,
    /// Changes with what the document says, and is the same at every process (RFC 9110 §8.8.3).
    pub etag: String,
    looked_at: Timestamp,
}

/// The document at hand.
#[derive(Default)]
pub struct PublishedStatusList {
    held: RwLock<Option<Arc<Document>>>,
    looking: Mutex<Option<Failure>>,
}

/// That nothing could be looked up, and when.
struct Failure {
    error: OAuthError,
    at: Timestamp,
}

/// What tokens of this issuer name as their list.
pub fn uri(issuer: &PublicUrl) -> String {
    format!("{issuer}{PATH}")
}

/// The `status` of the tokens of a grant; none for one made before there was a list.
pub fn reference(issuer: &PublicUrl, grant: &Grant) -> Option<Status> {
    let idx = u64::try_from(grant.status_index?).ok()?;
    Some(Status { status_list: StatusReference { idx, uri: uri(issuer) } })
}

impl PublishedStatusList {
    /// The document, at most a second old. Those who wait while the database is away wait together: what the first one was told
    /// is told to all for a second.
    pub async fn current(&self, app: &App) -> Result<Arc<Document>, OAuthError> {
        if let Some(document) = self.at_hand(app.clock.now()) {
            return Ok(document);
        }
        let mut last_failure = self.looking.lock().await;
        let now = app.clock.now();
        if let Some(document) = self.at_hand(now) {
            return Ok(document);
        }
        if let Some(failure) = last_failure.as_ref().filter(|failure| now.is_within(LOOK_AGAIN, failure.at)) {
            return Err(failure.error.clone());
        }
        let looked = self.look(app, now).await;
        *last_failure = looked.as_ref().err().map(|error| Failure { error: error.clone(), at: app.clock.now() });
        let document = Arc::new(looked?);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&document));
        Ok(document)
    }

    fn at_hand(&self, now: Timestamp) -> Option<Arc<Document>> {
        let document = self.held();
        document.filter(|document| now.is_within(LOOK_AGAIN, document.looked_at))
    }

    fn held(&self) -> Option<Arc<Document>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look(&self, app: &App, now: Timestamp) -> Result<Document, OAuthError> {
        let (last, revoked) = app
            .store
            .read(move |tx| {
                Ok((grants::last_status_index(tx)?, grants::revoked_status_indices(tx, now.minus(LEEWAY))?))
            })
            .await
            .map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?;
        let used = last.and_then(|last| u64::try_from(last).ok()).map_or(0, |last| last + 1);
        let list = StatusList::new(size(used), revoked.into_iter().filter_map(|index| u64::try_from(index).ok()));
        let lst = list.compressed();
        let key = Arc::clone(&app.keys.current(now).await.active);
        let etag = etag(&lst, key.kid(), now);
        if let Some(same) = self.held().filter(|held| held.etag == etag) {
            return Ok(Document { jwt: same.jwt.clone(), etag, looked_at: now });
        }
        if is_nearly_full(used) {
            tracing::error!(
                used,
                MAX_SIZE,
                "the status list is nearly full: grants behind its end cannot be told to be revoked"
            );
        }
        let claims = StatusListClaims {
            sub: uri(&app.config.public_url),
            iat: now,
            exp: Some(now.plus(LIFETIME)),
            ttl: Some(KEEP),
            status_list: PackedList { bits: 1, lst },
        };
        let jwt =
            status_list::sign(&claims, &key).map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?;
        Ok(Document { jwt: jwt.into(), etag, looked_at: now })
    }
}

/// Weak: two processes sign the same list with different bytes.
fn etag(lst: &str, kid: &str, now: Timestamp) -> String {
    let period = now.as_unix() / SIGN_AGAIN;
    let hash = digest::digest(&digest::SHA256, format!("{lst} {kid} {period}").as_bytes());
    format!("W/\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]))
}

/// How long the list is for so many indices.
fn size(used: u64) -> u64 {
    used.saturating_add(ROOM).next_multiple_of(ROOM)
}

/// While there is still time to do something.
fn is_nearly_full(used: u64) -> bool {
    used >= MAX_SIZE / 10 * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_room_for_the_grants_of_the_next_minutes_and_says_early_that_it_is_nearly_full() {
        for (used, expected) in [(0, ROOM), (1, 2 * ROOM), (ROOM - 1, 2 * ROOM), (ROOM, 2 * ROOM), (ROOM + 1, 3 * ROOM)]
        {
            assert_eq!(size(used), expected, "{used}");
        }
        for (used, expected) in
            [(0, false), (MAX_SIZE / 2, false), (MAX_SIZE / 10 * 9, true), (MAX_SIZE, true), (u64::MAX, true)]
        {
            assert_eq!(is_nearly_full(used), expected, "{used}");
        }
    }
}
