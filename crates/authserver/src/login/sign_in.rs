//! From a proof of who somebody is to a session: whatever the method, it ends in [`finish`]. Called by the sign-in pages, with and
//! without an authorization request, and by every page that asks for a password again.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::{HashedSecret, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{
    StoreError, Tx, browser_sessions, email_codes, pending_authorizations, upstream_sign_ins, users,
};

use super::attempts::{self, Attempt};
use super::passkeys::Used;
use super::password::{PasswordError, Verified};
use super::second_step;
use crate::app::App;
use crate::endpoints::login::{self, Place};
use crate::pages::Failure;
use crate::security_events::{SecurityEvent, What};
use crate::session::{self, OpenSession};
use crate::{flight_recorder, problem};

/// When to come again if more passwords wait to be checked than may: each core checks dozens in a second.
/// The `reason` of a sign-in that failed although the secret was right.
pub const SOMEBODY_ELSE: &str = "somebody_else";

const BUSY_FOR: Duration = Duration::from_secs(2);

/// That somebody is who they say. Made by a method of `login/`.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Who.
    pub user_id: UserId,
    /// How, for the log.
    pub method: &'static str,
    /// What a right password, or a right code, changes besides.
    pub password: Option<RightPassword>,
    /// What it is good for once.
    pub spends: Spends,
}

/// What is used up by the transaction that makes the session of it, so that nothing that ends it comes between.
#[derive(Debug, Clone)]
pub enum Spends {
    /// A password, or the word of a provider, which was taken when it came.
    Nothing,
    /// A code that was sent.
    EmailCode {
        /// The hash of the session that it waits in.
        browser_session: HashedSecret,
        /// Its own.
        code: HashedSecret,
        /// The message, which is counted until somebody signs in with it.
        message: Option<Attempt>,
    },
    /// The signature of a passkey.
    Passkey(Used),
}

/// What is written of a right password, or of a right code.
#[derive(Debug, Clone)]
pub struct RightPassword {
    attempt: Attempt,
    /// None of a code.
    verified: Option<Verified>,
}

/// What became of a password.
pub enum Outcome {
    /// It is theirs.
    Right(Box<Proof>),
    /// Unknown user, disabled user or wrong password.
    Wrong,
    /// It was not looked at, since too many failed before, or too many are being checked right now. After so long it may be.
    NotNow(Duration),
}

/// Where a sign-in leads. No URL comes from outside.
#[derive(Debug, Clone)]
pub enum Next {
    /// To the question that waits.
    Consent(Secret),
    /// To the page about the account itself.
    Account,
}

/// Looks at a password, unless too many were wrong before.
pub async fn check_password(
    app: &App,
    request: &HttpRequest,
    username: &str,
    password: String,
) -> Result<Outcome, StoreError> {
    let begun = match attempts::begin(app, request, username).await? {
        Ok(begun) => begun,
        Err(wait) => return Ok(Outcome::NotNow(wait)),
    };
    let attempt = begun.attempt;
    match app.passwords.verify(begun.user.as_ref(), password).await {
        Ok(Some(verified)) => {
            let user_id = verified.user_id.clone();
            let password = Some(RightPassword { attempt, verified: Some(verified) });
            Ok(Outcome::Right(Box::new(Proof { user_id, method: "password", password, spends: Spends::Nothing })))
        }
        Ok(None) => {
            tracing::info!("sign-in refused");
            if let Some(user) = &begun.user {
                let event = SecurityEvent::new(&app.config, What::SignInFailed, &user.id, app.clock.now());
                event.of_request(request, &app.config).because("password").keep_later(app);
            }
            Ok(Outcome::Wrong)
        }
        Err(PasswordError::Overloaded) => {
            tracing::warn!("too many sign-ins are waiting: no password is checked");
            attempt.undecided(app).await?;
            Ok(Outcome::NotNow(BUSY_FOR))
        }
        Err(PasswordError::Hash(error)) => {
            tracing::error!(error, "a password could not be checked");
            attempt.undecided(app).await?;
            let id = begun.user.map_or_else(String::new, |user| user.id.to_string());
            Err(StoreError::Corrupt { table: "users", column: "password_hash", id })
        }
    }
}

/// Whoever is signed in proved to be somebody else, who hears of it: their secret is known.
pub fn refuse_somebody_else(app: &App, request: &HttpRequest, proof: &Proof) {
    tracing::warn!(sub = %proof.user_id, method = proof.method, "sign-in refused: somebody else was to be proven again");
    let event = SecurityEvent::new(&app.config, What::SignInFailed, &proof.user_id, app.clock.now());
    event.of_request(request, &app.config).because(SOMEBODY_ELSE).keep_later(app);
}

impl Proof {
    /// By a code that was sent to them.
    pub fn by_code(user_id: UserId, attempt: Attempt, spends: Spends) -> Self {
        Self { user_id, method: "email_code", password: Some(RightPassword { attempt, verified: None }), spends }
    }

    /// By a passkey.
    pub fn by_passkey(user_id: UserId, used: Used) -> Self {
        Self { user_id, method: "passkey", password: None, spends: Spends::Passkey(used) }
    }

    /// By what a provider said.
    pub fn by_provider(user_id: UserId) -> Self {
        Self { user_id, method: "oidc", password: None, spends: Spends::Nothing }
    }

    /// Whether it is counted until what else is asked for is proven.
    pub fn stays_counted(&self) -> bool {
        self.password.is_some()
    }

    /// Writes what the proof itself changes; `false` when the user was shut out or changed the password meanwhile.
    pub fn keep(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        let holds = self.still_holds(tx, now)?;
        if holds {
            self.forgive(tx, now)?;
        }
        Ok(holds)
    }

    /// Whoever proved to be themselves here is not kept out by strangers, also when everything else of before is forgotten.
    pub fn remember_source(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        match &self.password {
            Some(RightPassword { attempt, .. }) => attempt.remember_source(tx, &self.user_id, now),
            None => Ok(()),
        }
    }

    fn forgive(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        let password = self.password.as_ref().map(|password| password.attempt);
        let message = match self.spends {
            Spends::EmailCode { message, .. } => message,
            _ => None,
        };
        let right: Vec<Attempt> = [password, message].into_iter().flatten().collect();
        attempts::succeeded(tx, &right, &self.user_id, now)
    }

    /// Holds the person to the end of the transaction: no session outlives what it was opened with.
    fn still_holds(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        let Some(user) = users::lock_enabled(tx, &self.user_id)? else { return Ok(false) };
        let is_left = match &self.spends {
            Spends::Nothing => true,
            Spends::EmailCode { browser_session, code, .. } => email_codes::spend(tx, browser_session, code, now)?,
            Spends::Passkey(used) => used.note(tx, now)?,
        };
        if !is_left {
            return Ok(false);
        }
        let verified = self.password.as_ref().and_then(|right| right.verified.as_ref());
        let Some(verified) = verified else { return Ok(true) };
        if user.password_hash.as_deref() != Some(verified.stored_hash.as_str()) {
            return Ok(false);
        }
        if let Some(stronger) = &verified.stronger_hash {
            users::rehash_password(tx, &user.id, &verified.stored_hash, stronger)?;
        }
        Ok(true)
    }
}

/// Renews the session and sends the browser on: to where the sign-in leads, or to the step that is left. A session never holds a
/// person before everything that is asked of them is proven.
pub async fn finish(app: &App, request: &HttpRequest, old: &OpenSession, proof: Proof, next: &Next) -> HttpResponse {
    let (state, now, old, kept) = (app.clone(), app.clock.now(), old.secret.clone(), proof.clone());
    let event = SecurityEvent::new(&app.config, What::SignedIn, &proof.user_id, now).because(proof.method);
    let event = event.of_request(request, &app.config);
    let written = app.store.write(move |tx| {
        if !kept.still_holds(tx, now)? {
            return Ok(None);
        }
        if second_step::is_asked(tx, &state.config, &kept)? {
            // It stays counted: nothing that was wrong before is forgiven yet.
            return second_step::begin(tx, &state, &old, &kept, now).map(Some);
        }
        kept.forgive(tx, now)?;
        event.keep(tx)?;
        renew(tx, &state, &old, Some(kept.user_id.clone()), now).map(Some)
    });
    match written.await {
        Ok(Some(session)) => {
            let what = if session.user_id.is_some() { "signed in" } else { "half-way signed in" };
            tracing::info!(sub = %proof.user_id, method = proof.method, "{what}");
            go_on(app, request, next, &session)
        }
        Ok(None) if matches!(proof.spends, Spends::Passkey(_)) => {
            tracing::warn!("passkey refused: it signed meanwhile, may be a copy, or is gone");
            problem::passkey(app, request, Failure::PasskeyRefused, "login", next)
        }
        Ok(None) => problem::failure(app, request, Failure::FormRefused),
        Err(error) => problem::store(app, request, &error),
    }
}

/// Sends the browser on after a step.
pub fn go_on(app: &App, request: &HttpRequest, next: &Next, session: &OpenSession) -> HttpResponse {
    if let Next::Consent(transaction) = next {
        flight_recorder::signed_in(app, request, transaction, session.user_id.as_ref());
    }
    match (next, session.user_id.is_some()) {
        (Next::Consent(transaction), true) => login::go_to(app, Place::Consent, transaction, Some(session)),
        (Next::Consent(transaction), false) => login::go_to(app, Place::SecondStep, transaction, Some(session)),
        (Next::Account, true) => login::go_to_account(app, session),
        (Next::Account, false) => login::go_to_second_step(app, session),
    }
}

/// Ends the sign-in of a browser; what waits in it waits on.
pub async fn sign_out(app: &App, request: &HttpRequest, old: &OpenSession) -> Result<OpenSession, StoreError> {
    let (state, now, old) = (app.clone(), app.clock.now(), old.secret.clone());
    let event = |user_id: &UserId| SecurityEvent::new(&app.config, What::SignedOut, user_id, now);
    let event = event(&UserId::from_stored(String::new())).because("here").of_request(request, &app.config);
    let end = move |tx: &mut Tx| {
        let held = session::hold(tx, Some(old.clone()), &state.config, now)?;
        if let Some(user_id) = held.and_then(|held| held.user_id) {
            event.clone().of(&user_id).keep(tx)?;
        }
        renew(tx, &state, &old, None, now)
    };
    app.store.write(end).await
}

/// A new session takes over the pending requests of the old one, which is gone: a planted or copied cookie is worth
/// nothing after a sign-in.
pub fn renew(
    tx: &mut Tx,
    app: &App,
    old: &Secret,
    user_id: Option<UserId>,
    now: Timestamp,
) -> Result<OpenSession, StoreError> {
    let session = session::open(tx, user_id, &app.config, now)?;
    pending_authorizations::rebind(tx, &old.hash(), &session.secret.hash())?;
    upstream_sign_ins::rebind(tx, &old.hash(), &session.secret.hash())?;
    browser_sessions::delete(tx, &old.hash())?;
    Ok(session)
}
