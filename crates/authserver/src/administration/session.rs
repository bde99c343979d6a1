//! How an administrator is let in: by a link that whoever runs the server makes (`gatelodge administration link`), once, for a session
//! of fixed length in one browser. The sign-in of the public pages opens nothing here, and what opens here is worth nothing there. Whoever
//! is disabled, removed, or no administrator any more is let in no longer, from that moment on.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::{HashedSecret, Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::config::PublicUrl;
use gatelodge_store::administration_links::{self, AdministrationLink};
use gatelodge_store::administration_sessions::{self, AdministrationSession};
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx};

/// How long a link works.
pub const LINK_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How long a session lasts, used or not.
pub const LIFETIME: Duration = Duration::from_secs(4 * 60 * 60);

/// An administrator who is let in.
#[derive(Debug, Clone)]
pub struct OpenAdministration {
    /// The value of the cookie.
    pub secret: Secret,
    /// Who.
    pub administrator: User,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What to open to be let in.
pub fn link_url(url: &PublicUrl, secret: &Secret) -> String {
    format!("{}/enter?secret={}", url.as_str(), secret.expose())
}

/// A new link for an administrator; the one before is dead from then on.
pub fn offer_link(tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<Secret, StoreError> {
    let secret = Secret::generate(Kind::AdministrationLink);
    let expires_at = now.plus(LINK_LIFETIME);
    let link = AdministrationLink { hash: secret.hash(), user_id: user_id.clone(), created_at: now, expires_at };
    administration_links::put(tx, &link)?;
    Ok(secret)
}

/// Whom a link lets in. Changes nothing: programs that look at mail and chats open links too.
pub fn invited(tx: &mut Tx, link: &HashedSecret, now: Timestamp) -> Result<Option<User>, StoreError> {
    match administration_links::owner(tx, link, now)? {
        Some(user_id) => administrator(tx, &user_id),
        None => Ok(None),
    }
}

/// Spends a link for a session: for exactly one caller, ever.
pub fn open(tx: &mut Tx, link: &HashedSecret, now: Timestamp) -> Result<Option<OpenAdministration>, StoreError> {
    let Some(user_id) = administration_links::owner(tx, link, now)? else { return Ok(None) };
    let administrator = users::lock_enabled(tx, &user_id)?.filter(|user| user.is_admin);
    let Some(administrator) = administrator else { return Ok(None) };
    if administration_links::consume(tx, link, now)?.is_none() {
        return Ok(None);
    }
    let secret = Secret::generate(Kind::AdministrationSession);
    let expires_at = now.plus(LIFETIME);
    let session = AdministrationSession { hash: secret.hash(), user_id, created_at: now, expires_at };
    administration_sessions::insert(tx, &session)?;
    Ok(Some(OpenAdministration { secret, administrator, expires_at }))
}

/// The open session of a presented secret.
pub fn resume(tx: &mut Tx, secret: Secret, now: Timestamp) -> Result<Option<OpenAdministration>, StoreError> {
    let Some(session) = administration_sessions::find(tx, &secret.hash(), now)? else { return Ok(None) };
    let administrator = administrator(tx, &session.user_id)?;
    Ok(administrator.map(|administrator| OpenAdministration { secret, administrator, expires_at: session.expires_at }))
}

fn administrator(tx: &mut Tx, user_id: &UserId) -> Result<Option<User>, StoreError> {
    Ok(users::find_enabled(tx, user_id)?.filter(|user| user.is_admin))
}

/// The secret that the browser presents, if it can be one of ours.
pub fn presented(request: &HttpRequest, url: &PublicUrl) -> Option<Secret> {
    Secret::parse(Kind::AdministrationSession, request.cookie(cookie_name(url))?.value())
}

/// The cookie of a session. No other site can send it along, not even by a link (`SameSite=Strict`).
pub fn cookie(session: &OpenAdministration, url: &PublicUrl) -> Cookie<'static> {
    cookie_with(session.secret.expose().to_owned(), url)
}

/// Takes the cookie back.
pub fn no_cookie(url: &PublicUrl) -> Cookie<'static> {
    let mut cookie = cookie_with(String::new(), url);
    cookie.make_removal();
    cookie
}

fn cookie_with(value: String, url: &PublicUrl) -> Cookie<'static> {
    Cookie::build(cookie_name(url), value)
        .path("/")
        .secure(url.is_https())
        .http_only(true)
        .same_site(SameSite::Strict)
        .finish()
}

/// A name of its own: browsers keep cookies by host, whatever the port, so that the public pages may be beside it.
fn cookie_name(url: &PublicUrl) -> &'static str {
    if url.is_https() { "__Host-gatelodge_administration" } else { "gatelodge_administration" }
}
