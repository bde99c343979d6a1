//! Links that let somebody do one thing once, without signing in: create the first administrator (`/setup`), or choose a password
//! (`/reset`). Whoever holds the secret of a link may use it, so it is stored as a hash, lives for a day at most, and is dead after its use.
//! Opening a link changes nothing: programs that look at mail open links too. Called by the endpoints, by `gatelodge user`, and by
//! what sends links by e-mail.

use std::time::Duration;

use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::config::PublicUrl;
use gatelodge_store::password_links::{self, PasswordLink};
use gatelodge_store::{StoreError, Tx};

use super::{by_mail, password};
use crate::app::App;
use crate::endpoints::login::MAX_BODY;
use crate::pages::{Failure, NewPasswordProblem};
use crate::{csrf, problem, respond};

/// How long a link works that the operator hands on.
pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What people open to create the first administrator.
pub fn setup_url(public_url: &PublicUrl, secret: &Secret) -> String {
    format!("{}/setup?secret={}", public_url.as_str(), secret.expose())
}

/// What people open to choose a password.
pub fn password_url(public_url: &PublicUrl, secret: &Secret) -> String {
    format!("{}/reset?secret={}", public_url.as_str(), secret.expose())
}

/// A new link for the password of somebody; the one before is dead from then on.
pub fn offer_password(tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<Secret, StoreError> {
    let (secret, link) = password_link(user_id, LIFETIME, now);
    password_links::put(tx, &link)?;
    Ok(secret)
}

/// A link for the same, to be sent to them. Anybody can have it sent, so it ends none of those before.
pub fn offer_password_by_mail(tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<Secret, StoreError> {
    let (secret, link) = password_link(user_id, by_mail::LINK_LIFETIME, now);
    password_links::add(tx, &link)?;
    Ok(secret)
}

fn password_link(user_id: &UserId, lifetime: Duration, now: Timestamp) -> (Secret, PasswordLink) {
    let secret = Secret::generate(Kind::PasswordReset);
    let expires_at = now.plus(lifetime);
    let link = PasswordLink { hash: secret.hash(), user_id: user_id.clone(), created_at: now, expires_at };
    (secret, link)
}

/// The secret of the link that was opened.
pub fn of_query(request: &HttpRequest, kind: Kind) -> Option<Secret> {
    let query = Parameters::parse(request.query_string().as_bytes()).ok()?;
    Secret::parse(kind, query.optional("secret").ok().flatten()?)
}

/// A form of the page behind a link. Its secret is what ties it to us: nobody else can fill it in, so no session is needed, and the
/// page may stay open for as long as the link works.
#[expect(
    clippy::result_large_err,
    reason = "it is the answer, as for every form; those are read by async functions, which are not asked"
)]
pub fn of_form(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
    app: &App,
    kind: Kind,
) -> Result<(Option<Secret>, Parameters), HttpResponse> {
    let form = respond::form(request, body, MAX_BODY).map_err(|error| problem::form(app, request, &error))?;
    if !csrf::comes_from_our_page(request, &app.config) {
        return Err(problem::failure(app, request, Failure::FormRefused));
    }
    let presented = form.optional("secret").ok().flatten();
    Ok((presented.and_then(|presented| Secret::parse(kind, presented)), form))
}

/// The new password of a form, hashed; or what is wrong with it.
pub async fn new_password(app: &App, form: &Parameters) -> Result<String, NewPasswordProblem> {
    let field = |name| form.optional(name).ok().flatten().unwrap_or_default();
    let new = field("new_password");
    if new != field("new_password_again") {
        return Err(NewPasswordProblem::Differ);
    }
    if !password::may_be_new(new) {
        return Err(NewPasswordProblem::Length);
    }
    app.passwords.hash(new.to_owned()).await.map_err(|error| {
        tracing::error!(%error, "a password could not be hashed");
        NewPasswordProblem::Busy
    })
}
