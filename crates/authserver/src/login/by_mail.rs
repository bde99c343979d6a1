//! What goes to somebody by e-mail about their sign-in. All of it is found out and sent after the page was answered, so that neither
//! the answer nor its time says whether there is such a person, or where their messages go.

use std::time::Duration;

use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::Secret;
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx, email_addresses};

use super::{email_code, one_time_links};
use crate::app::App;
use crate::mail::{Addressed, QueueFull};
use crate::pages::{FactorChange, Language, Letter};
use crate::people;
use crate::security_events::{Origin, SecurityEvent, What};

/// How long a link works that was sent.
pub const LINK_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Sends a link for another password to whoever is called so, if there is somebody who may have it.
pub fn send_link(app: &App, typed: String, language: Language, origin: Origin) -> Result<(), QueueFull> {
    let state = app.clone();
    post(app, async move {
        let (again, now) = (state.clone(), state.clock.now());
        let offer = move |tx: &mut Tx| {
            let Some((user_id, account, address)) = reachable(tx, &typed)? else { return Ok(None) };
            let secret = one_time_links::offer_password_by_mail(tx, &user_id, now)?;
            SecurityEvent::new(&again.config, What::PasswordLinkSent, &user_id, now).from(&origin).keep(tx)?;
            Ok(Some((account, address, secret)))
        };
        let offered: Option<(String, String, Secret)> = found(state.store.write(offer).await)?;
        let (account, address, secret) = offered?;
        let link = one_time_links::password_url(&state.config.public_url, &secret);
        let minutes = LINK_LIFETIME.as_secs() / 60;
        addressed(&state, &address, &Letter::PasswordLink { account, link, minutes }, &language)
    })
}

/// Who may set a password by a link that is sent, and where it goes. Holds the person, so that no link outlives what ends those before it.
fn reachable(tx: &mut Tx, typed: &str) -> Result<Option<(UserId, String, String)>, StoreError> {
    let Some(user) = people::called(tx, typed)? else { return Ok(None) };
    let Some(user) = users::lock_enabled(tx, &user.id)? else { return Ok(None) };
    if people::comes_through_a_provider(tx, &user)? {
        return Ok(None);
    }
    let address = email_addresses::of_user(tx, &user.id)?;
    Ok(address.map(|address| (user.id, user.username, address)))
}

/// Sends a code to sign in with, if there is somebody who can be written to.
pub fn send_code(app: &App, user_id: Option<UserId>, code: String, language: Language) -> Result<(), QueueFull> {
    let state = app.clone();
    post(app, async move {
        let user_id = user_id?;
        let recipient = move |tx: &mut Tx| match users::find_enabled(tx, &user_id)? {
            Some(user) => Ok(email_addresses::of_user(tx, &user_id)?.map(|address| (user.username, address))),
            None => Ok(None),
        };
        let (account, address) = found(state.store.read(recipient).await)??;
        let minutes = email_code::LIFETIME.as_secs() / 60;
        addressed(&state, &address, &Letter::SignInCode { account, code, minutes }, &language)
    })
}

/// Tells somebody that their password is another one now: if it was not them, they hear of it.
pub fn tell_of_new_password(app: &App, user: &User, language: Language) {
    let (account, server) = (user.username.clone(), app.config.public_url.to_string());
    tell(app, user, Letter::PasswordChanged { account, server }, language);
}

/// The same of what their second step asks for.
pub fn tell_of_second_factor(app: &App, user: &User, change: FactorChange, language: Language) {
    let (account, server) = (user.username.clone(), app.config.public_url.to_string());
    tell(app, user, Letter::SecondFactor { change, account, server }, language);
}

fn tell(app: &App, user: &User, letter: Letter, language: Language) {
    let (state, user_id) = (app.clone(), user.id.clone());
    let told = post(app, async move {
        let address = state.store.read(move |tx| email_addresses::of_user(tx, &user_id)).await;
        addressed(&state, &found(address)??, &letter, &language)
    });
    if told.is_err() {
        tracing::warn!(sub = %user.id, "nobody was told of a change of a sign-in");
    }
}

/// Where no messages can be sent, nothing is looked for.
fn post(app: &App, write: impl Future<Output = Option<Addressed>> + Send + 'static) -> Result<(), QueueFull> {
    app.mail.as_ref().map_or(Ok(()), |mail| mail.post(write))
}

fn found<T>(result: Result<T, StoreError>) -> Option<T> {
    result.inspect_err(|error| tracing::error!(%error, "a message was not written")).ok()
}

fn addressed(app: &App, address: &str, letter: &Letter, language: &Language) -> Option<Addressed> {
    let written = app.pages.write(letter, language);
    let letter = written.inspect_err(|error| tracing::error!(%error, "a message was not written")).ok()?;
    Some(Addressed { to: address.parse().ok()?, letter })
}
