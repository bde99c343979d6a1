//! The second step of a sign-in: who proved the first one is half-way, in one browser and for a few minutes, in a session that holds
//! nobody; what is asked then makes the session. Wrong codes count as wrong passwords do (RFC 6238 §5.1 wants them limited).
//! Begun by `sign_in.rs`, answered through `endpoints/second_step.rs`.

use std::time::Duration;

use actix_web::HttpRequest;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::Secret;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::users::User;
use gatelodge_store::{StoreError, Tx, recovery_codes, second_steps, totp_secrets, users};

use super::attempts::{self, Attempt};
use super::config::SecondFactor;
use super::passkeys::Used;
use super::recovery_codes::RecoveryCode;
use super::second_factors::{self, Factors};
use super::sign_in::{self, Proof};
use super::totp::TotpKey;
use crate::app::App;
use crate::config::Config;
use crate::security_events::{SecurityEvent, What};
use crate::session::OpenSession;

/// Somebody who is half-way.
#[derive(Debug, Clone)]
pub struct HalfWay {
    /// Who.
    pub user: User,
    /// What they can be asked for.
    pub factors: Factors,
}

/// What somebody typed.
#[derive(Clone)]
pub enum Typed {
    /// What the app shows.
    Code(String),
    /// One of the codes kept for when there is nothing else.
    RecoveryCode(String),
    /// What a passkey signed, which is right: it remains to be noted.
    Passkey(Used),
}

impl Typed {
    /// For the operator.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Code(_) => "code of the app",
            Self::RecoveryCode(_) => "recovery code",
            Self::Passkey(_) => "passkey",
        }
    }

    /// How somebody signed in with it, for the log and the trail.
    fn method(&self) -> &'static str {
        match self {
            Self::Code(_) => "totp",
            Self::RecoveryCode(_) => "recovery_code",
            Self::Passkey(_) => "passkey",
        }
    }
}

/// What became of it.
pub enum Outcome {
    /// The sign-in is complete, in this session.
    SignedIn(OpenSession),
    /// It was wrong, or used before.
    Wrong,
    /// It was not looked at: too many were wrong before.
    NotNow(Duration),
    /// Nobody is half-way here any more.
    Ended,
    /// The secret of the app cannot be decrypted.
    Unreadable,
}

/// Whether what was proven is only half of it. A sign-in at an OpenID provider is whole: what is asked there is the provider's
/// business, and it may well have asked for two things. So is a passkey, which verifies its user itself.
pub fn is_asked(tx: &mut Tx, config: &Config, proof: &Proof) -> Result<bool, StoreError> {
    if matches!(proof.method, "oidc" | "passkey") {
        return Ok(false);
    }
    Ok(config.login.second_factor == SecondFactor::Required || Factors::of(tx, &proof.user_id)?.exist())
}

/// Makes a new session, still of nobody, for somebody whose first step is done: whoever planted or copied the cookie before does not
/// hold the half that is done.
pub fn begin(tx: &mut Tx, app: &App, old: &Secret, proof: &Proof, now: Timestamp) -> Result<OpenSession, StoreError> {
    let session = sign_in::renew(tx, app, old, None, now)?;
    let expires_at = now.plus(app.config.tokens.consent);
    second_steps::insert(tx, &session.secret.hash(), &proof.user_id, proof.stays_counted(), expires_at)?;
    Ok(session)
}

/// Who is half-way in a session.
pub async fn find(app: &App, session: &OpenSession) -> Result<Option<HalfWay>, StoreError> {
    let (hash, now) = (session.secret.hash(), app.clock.now());
    app.store
        .read(move |tx| {
            let user_id = second_steps::find(tx, &hash, now)?;
            half_way(tx, user_id)
        })
        .await
}

fn half_way(tx: &mut Tx, user_id: Option<UserId>) -> Result<Option<HalfWay>, StoreError> {
    let Some(user_id) = user_id else { return Ok(None) };
    let user = users::find_enabled(tx, &user_id)?;
    let factors = Factors::of(tx, &user_id)?;
    Ok(user.map(|user| HalfWay { user, factors }))
}

/// The attempt that began with the first step; or a further one, unless it has to wait.
async fn attempt(
    app: &App,
    request: &HttpRequest,
    session: &OpenSession,
    user: &User,
) -> Result<Result<Attempt, Duration>, StoreError> {
    let hash = session.secret.hash();
    if app.store.write(move |tx| second_steps::take_counted(tx, &hash)).await? {
        return Ok(Ok(attempts::begun(app, request, &user.username)));
    }
    Ok(attempts::begin(app, request, &user.username).await?.map(|begun| begun.attempt))
}

/// Looks at what was typed, unless too much was wrong before.
pub async fn take(
    app: &App,
    request: &HttpRequest,
    session: &OpenSession,
    user: &User,
    typed: Typed,
) -> Result<Outcome, StoreError> {
    let attempt = match attempt(app, request, session, user).await? {
        Ok(attempt) => attempt,
        Err(wait) => return Ok(Outcome::NotNow(wait)),
    };
    let (now, method) = (app.clock.now(), typed.method());
    let event = |what| SecurityEvent::new(&app.config, what, &user.id, now).of_request(request, &app.config);
    let signed_in = event(What::SignedIn).because(method);
    let (state, old, user_id) = (app.clone(), session.secret.clone(), user.id.clone());
    let written = app.store.write(move |tx| {
        users::lock(tx, &user_id)?;
        let there = second_steps::find(tx, &old.hash(), now)?;
        let Some(half) = half_way(tx, there.filter(|there| *there == user_id))? else { return Ok(Outcome::Ended) };
        match is_right(tx, &state, &half, &typed, now)? {
            Some(true) => {}
            Some(false) => return Ok(Outcome::Wrong),
            None => return Ok(Outcome::Unreadable),
        }
        if second_steps::consume(tx, &old.hash(), now)?.is_none() {
            return Ok(Outcome::Ended);
        }
        attempts::succeeded(tx, &[attempt], &user_id, now)?;
        signed_in.keep(tx)?;
        sign_in::renew(tx, &state, &old, Some(user_id.clone()), now).map(Outcome::SignedIn)
    });
    let outcome = written.await?;
    match &outcome {
        Outcome::SignedIn(_) => tracing::info!(sub = %user.id, method, "signed in"),
        Outcome::Wrong => {
            tracing::info!(method, "second step refused");
            event(What::SecondStepFailed).because(method).keep_later(app);
        }
        Outcome::Unreadable => {
            tracing::error!(sub = %user.id, "the secret of an authenticator app was encrypted with another key");
            attempt.undecided(app).await?;
        }
        Outcome::Ended | Outcome::NotNow(_) => {}
    }
    Ok(outcome)
}

/// Takes what was typed, once; `None` when nobody can say whether it is right.
fn is_right(tx: &mut Tx, app: &App, half: &HalfWay, typed: &Typed, now: Timestamp) -> Result<Option<bool>, StoreError> {
    let owner = &half.user.id;
    match typed {
        Typed::RecoveryCode(typed) => match RecoveryCode::parse(typed) {
            Some(code) => recovery_codes::consume(tx, owner, &code.hash(owner)).map(Some),
            None => Ok(Some(false)),
        },
        Typed::Passkey(used) => used.note(tx, now).map(Some),
        Typed::Code(typed) => {
            let Some(secret) = &half.factors.totp else { return Ok(Some(false)) };
            let Ok(key) = TotpKey::open(&secret.sealed, owner, app.keys.sealing()) else { return Ok(None) };
            match key.step_of(typed, now) {
                Some(step) => totp_secrets::take_step(tx, owner, step, now).map(Some),
                None => Ok(Some(false)),
            }
        }
    }
}

/// Sets up the app of somebody who has nothing yet and may not sign in without, and completes the sign-in. `None` when nobody is
/// half-way here any more, or there is something meanwhile: then that is to be asked for, and not to be replaced.
pub async fn set_up(
    app: &App,
    request: &HttpRequest,
    session: &OpenSession,
    user: &User,
    sealed: Vec<u8>,
    step: i64,
    codes: &[RecoveryCode],
) -> Result<Option<OpenSession>, StoreError> {
    let now = app.clock.now();
    let event = |what| SecurityEvent::new(&app.config, what, &user.id, now).of_request(request, &app.config);
    let events = [event(What::SecondFactorAdded).because("totp"), event(What::SignedIn).because("totp")];
    let (state, old, user_id, codes) = (app.clone(), session.secret.clone(), user.id.clone(), codes.to_vec());
    let attempt = attempts::begun(app, request, &user.username);
    let written = app.store.write(move |tx| {
        users::lock(tx, &user_id)?;
        let taken = second_steps::consume(tx, &old.hash(), now)?;
        let half = half_way(tx, taken.filter(|taken| *taken == user_id))?;
        let has_nothing = half.is_some_and(|half| !half.factors.exist());
        if !has_nothing || !second_factors::add_totp(tx, &user_id, &sealed, step, &codes, now)? {
            return Ok(None);
        }
        attempts::succeeded(tx, &[attempt], &user_id, now)?;
        events.iter().try_for_each(|event| event.keep(tx))?;
        sign_in::renew(tx, &state, &old, Some(user_id.clone()), now).map(Some)
    });
    let signed_in = written.await?;
    if signed_in.is_some() {
        tracing::info!(sub = %user.id, "authenticator app set up, signed in");
    }
    Ok(signed_in)
}
