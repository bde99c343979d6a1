//! Sign-in by a code that is sent by e-mail: whoever says how they are called gets eight digits, which work in the browser that asked
//! for them, once, for ten minutes (NIST SP 800-63B §5.1.3.2). What is asked for is answered alike whoever is called so; wrong codes
//! count as wrong passwords do. Called by `endpoints/email_code.rs`; the sign-in ends in `sign_in.rs`.

use std::time::Duration;

use actix_web::HttpRequest;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::{HashedSecret, Secret, random_digits};
use gatelodge_store::email_codes::{self, Counted, EmailCode, Guess};
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx, email_addresses};

use super::attempts;
use super::by_mail;
use super::sign_in::{Proof, Spends};
use crate::app::App;
use crate::pages::Language;
use crate::people;
use crate::security_events::{SecurityEvent, What};
use crate::session::OpenSession;

/// How long a code works.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// With the limits for each code and each account, a year of guessing finds one with a probability of one in two thousand.
const DIGITS: usize = 8;

/// What became of the question for a code.
pub enum Sent {
    /// If there is somebody, a code is on its way.
    OnItsWay,
    /// Too many were asked for.
    NotNow(Duration),
    /// Too many messages wait.
    Busy,
}

/// What became of a code.
pub enum Outcome {
    /// It is theirs.
    Right(Box<Proof>),
    /// It is not, or there is nobody.
    Wrong,
    /// It was not looked at: too many were wrong before.
    NotNow(Duration),
    /// No code waits in this browser any more.
    Ended,
}

/// Makes a code for this browser, and sends it to whoever is called so. Whether there is anybody changes neither the answer nor what
/// is written before it.
pub async fn send(
    app: &App,
    request: &HttpRequest,
    session: &OpenSession,
    typed: &str,
    language: Language,
) -> Result<Sent, StoreError> {
    if let Err(wait) = attempts::begin_message(app, request, typed).await? {
        return Ok(Sent::NotNow(wait));
    }
    let (digits, now) = (random_digits(DIGITS), app.clock.now());
    let (typed, code) = (typed.to_owned(), hash(&session.secret, &digits));
    let browser_session = session.secret.hash();
    let keep = move |tx: &mut Tx| {
        let called = people::called(tx, &typed)?;
        // Guesses of one account are one count, with those of its password, whether its name was typed or its address.
        let account = attempts::account_of(called.as_ref().map_or(typed.as_str(), |user| user.username.as_str()));
        let counted = Counted { account, asked_as: Some(attempts::account_of(&typed)) };
        // Held, so that no code outlives another address.
        let user = called.map(|user| users::lock_enabled(tx, &user.id)).transpose()?.flatten();
        // A code that goes to nobody is nobody's: there is nothing to guess.
        let user_id = user.map(|user| receives(tx, user)).transpose()?.flatten();
        let expires_at = now.plus(LIFETIME);
        email_codes::put(tx, &EmailCode { browser_session, user_id: user_id.clone(), counted, code, expires_at })?;
        Ok(user_id)
    };
    let user_id = app.store.write(keep).await?;
    let sent = by_mail::send_code(app, user_id, readable(&digits), language);
    Ok(if sent.is_ok() { Sent::OnItsWay } else { Sent::Busy })
}

/// Whoever is sent a code.
fn receives(tx: &mut Tx, user: User) -> Result<Option<UserId>, StoreError> {
    if people::comes_through_a_provider(tx, &user)? {
        return Ok(None);
    }
    Ok(email_addresses::of_user(tx, &user.id)?.map(|_| user.id))
}

/// Whether a code waits in this browser.
pub async fn waits(app: &App, session: &OpenSession) -> Result<bool, StoreError> {
    let (browser_session, now) = (session.secret.hash(), app.clock.now());
    Ok(app.store.read(move |tx| email_codes::counted(tx, &browser_session, now)).await?.is_some())
}

/// Looks at a code, unless too many were wrong before.
pub async fn check(
    app: &App,
    request: &HttpRequest,
    session: &OpenSession,
    typed: &str,
) -> Result<Outcome, StoreError> {
    let (browser_session, now) = (session.secret.hash(), app.clock.now());
    let counted = app.store.read(move |tx| email_codes::counted(tx, &browser_session, now)).await?;
    let Some(Counted { account, asked_as }) = counted else { return Ok(Outcome::Ended) };
    let attempt = match attempts::begin_code(app, request, account).await? {
        Ok(attempt) => attempt,
        Err(wait) => return Ok(Outcome::NotNow(wait)),
    };
    let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let code = hash(&session.secret, &digits);
    match app.store.write(move |tx| email_codes::guess(tx, &browser_session, &account, &code, now)).await? {
        Guess::Right(user_id) => {
            let message = asked_as.map(|asked_as| attempts::begun_message(app, request, &asked_as));
            let spends = Spends::EmailCode { browser_session, code, message };
            Ok(Outcome::Right(Box::new(Proof::by_code(user_id, attempt, spends))))
        }
        Guess::Wrong(user_id) => {
            tracing::info!("sign-in refused");
            note(app, request, user_id);
            Ok(Outcome::Wrong)
        }
        Guess::Ended => {
            attempt.undecided(app).await?;
            Ok(Outcome::Ended)
        }
    }
}

fn note(app: &App, request: &HttpRequest, user_id: Option<UserId>) {
    if let Some(user_id) = user_id {
        let event = SecurityEvent::new(&app.config, What::SignInFailed, &user_id, app.clock.now());
        event.of_request(request, &app.config).because("email_code").keep_later(app);
    }
}

/// In two halves, for people; how they are parted when they are typed says nothing.
fn readable(digits: &str) -> String {
    let (first, second) = digits.split_at(digits.len() / 2);
    format!("{first} {second}")
}

/// Eight digits are soon guessed from their hash; with the secret that only the browser has they are not.
fn hash(session: &Secret, digits: &str) -> HashedSecret {
    HashedSecret::of(&format!("{}\0{digits}", session.expose()))
}

#[cfg(test)]
mod tests {
    use gatelodge_oauth::secret::Kind;

    use super::*;

    #[test]
    fn a_code_is_of_one_browser_and_not_to_be_found_without_it() {
        let (one, other) = (Secret::generate(Kind::BrowserSession), Secret::generate(Kind::BrowserSession));
        assert_eq!(hash(&one, "12345678"), hash(&one, "12345678"));
        assert_ne!(hash(&one, "12345678"), hash(&other, "12345678"));
        assert_ne!(hash(&one, "12345678"), hash(&one, "12345679"));
        assert_eq!(readable("12345678"), "1234 5678");
    }
}
