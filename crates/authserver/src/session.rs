//! The browser session: one opaque cookie, anonymous until somebody signs in. Used by the authorization endpoint and by
//! the pages of sign-in and consent.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::browser_sessions::{self, BrowserSession};
use gatelodge_store::{StoreError, Tx, users};

use crate::config::Config;

/// A session that is open, with the secret that its browser holds.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The value of the cookie.
    pub secret: Secret,
    /// Who is signed in and may be.
    pub user_id: Option<UserId>,
    /// Since when.
    pub authenticated_at: Option<Timestamp>,
    /// Whether it was opened just now, so that its browser has yet to be given it.
    pub is_new: bool,
}

/// Within this time after a sign-in nobody is asked again before something that matters.
const RECENT: Duration = Duration::from_secs(600);

impl OpenSession {
    /// Whether somebody is signed in here and proved who they are a moment ago.
    pub fn is_recent(&self, now: Timestamp) -> bool {
        self.user_id.is_some() && self.authenticated_at.is_some_and(|since| now.is_within(RECENT, since))
    }
}

/// The secret that the browser presents, if it can be one of ours.
pub fn presented(request: &HttpRequest, config: &Config) -> Option<Secret> {
    Secret::parse(Kind::BrowserSession, request.cookie(cookie_name(config))?.value())
}

/// The open session of a presented secret; its idle time begins anew. Somebody who was disabled meanwhile is not signed in.
pub fn resume(
    tx: &mut Tx,
    presented: Option<Secret>,
    config: &Config,
    now: Timestamp,
) -> Result<Option<OpenSession>, StoreError> {
    let Some(secret) = presented else { return Ok(None) };
    let Some(stored) = browser_sessions::find(tx, &secret.hash())? else { return Ok(None) };
    if now >= stored.expires_at {
        return Ok(None);
    }
    let expires_at = expiry(&stored, config, now);
    if !browser_sessions::touch(tx, &stored.hash, now, expires_at)? {
        // It was ended in this moment.
        return Ok(None);
    }
    let authenticated_at = stored.authenticated_at;
    let user_id = match stored.user_id {
        Some(user_id) => users::find_enabled(tx, &user_id)?.map(|user| user.id),
        None => None,
    };
    Ok(Some(OpenSession { secret, user_id, authenticated_at, is_new: false }))
}

/// The same in a transaction that decides something for the person who is signed in: holds them and then the session to its end, so that
/// nothing is given on the word of a session that another password, or whoever may, is ending.
pub fn hold(
    tx: &mut Tx,
    presented: Option<Secret>,
    config: &Config,
    now: Timestamp,
) -> Result<Option<OpenSession>, StoreError> {
    let Some(secret) = presented else { return Ok(None) };
    let stored = browser_sessions::find(tx, &secret.hash())?;
    if let Some(user_id) = stored.and_then(|stored| stored.user_id) {
        users::lock(tx, &user_id)?;
    }
    resume(tx, Some(secret), config, now)
}

/// Whether it is the session of this person, who may sign in and proved who they are a moment ago: asked again in the transaction that
/// does what matters. Holds it, so that of two copies of a form one comes first.
pub fn is_still_recent(
    tx: &mut Tx,
    secret: &Secret,
    config: &Config,
    owner: &UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let session = hold(tx, Some(secret.clone()), config, now)?;
    Ok(session.is_some_and(|session| session.is_recent(now) && session.user_id.as_ref() == Some(owner)))
}

/// A new session: anonymous, or of the user who just signed in. The cookie is always new then, so that a planted one is
/// worth nothing.
pub fn open(tx: &mut Tx, user_id: Option<UserId>, config: &Config, now: Timestamp) -> Result<OpenSession, StoreError> {
    let secret = Secret::generate(Kind::BrowserSession);
    let authenticated_at = user_id.is_some().then_some(now);
    let hash = secret.hash();
    let mut session = BrowserSession {
        hash,
        user_id: user_id.clone(),
        created_at: now,
        authenticated_at,
        last_seen_at: now,
        expires_at: now,
    };
    session.expires_at = expiry(&session, config, now);
    browser_sessions::insert(tx, &session)?;
    Ok(OpenSession { secret, user_id, authenticated_at, is_new: true })
}

/// An anonymous session lives as long as the request it waits with; a signed-in one until it is idle or old.
fn expiry(session: &BrowserSession, config: &Config, now: Timestamp) -> Timestamp {
    match session.authenticated_at {
        None => now.plus(config.tokens.consent),
        Some(since) => now.plus(config.tokens.session_idle).min(since.plus(config.tokens.session)),
    }
}

/// The cookie of a session. With https its name keeps other hosts and plain http from setting it (RFC 6265bis §4.1.3.2).
pub fn cookie(session: &OpenSession, config: &Config) -> Cookie<'static> {
    Cookie::build(cookie_name(config), session.secret.expose().to_owned())
        .path("/")
        .secure(config.public_url.is_https())
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish()
}

fn cookie_name(config: &Config) -> &'static str {
    if config.public_url.is_https() { "__Host-gatelodge_session" } else { "gatelodge_session" }
}
