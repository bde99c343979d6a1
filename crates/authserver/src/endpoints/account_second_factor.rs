//! The second step of one's own sign-in: `GET` and `POST /account/second-factor` set up an authenticator app, another one, other
//! recovery codes, and take it all away. Asks for a sign-in of a moment ago, with everything that is asked for then.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::users::User;
use gatelodge_store::{StoreError, Tx, totp_secrets};

use crate::app::App;
use crate::login::by_mail;
use crate::login::config::SecondFactor;
use crate::login::recovery_codes::RecoveryCode;
use crate::login::second_factors::{self, Factors};
use crate::login::totp::TotpKey;
use crate::pages::{FactorChange, Failure, SecondFactorPage, SecondFactorProblem, TotpApp, TotpSetUp};
use crate::security_events::{SecurityEvent, What};
use crate::session::{self, OpenSession};
use crate::{csrf, language, own_page, problem};

/// What somebody wants.
#[derive(Clone)]
enum Change {
    SetUp { key: TotpKey, sealed: Vec<u8>, step: i64, codes: Vec<RecoveryCode> },
    NewCodes(Vec<RecoveryCode>),
    Remove,
}

/// What became of it.
enum Outcome {
    Done,
    Refused(SecondFactorProblem),
    SignedOut,
}

/// `GET /account/second-factor`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match own_page::recent_account(&request, &app).await {
        Ok((session, user)) => page(&request, &app, &session, &user, None, None).await,
        Err(page) => page,
    }
}

/// `POST /account/second-factor`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (session, user, form) = match own_page::recent_form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let now = app.clock.now();
    let change = match wanted(&app, &session, &user, &form, now) {
        Ok(change) => change,
        Err(Unusable::Form(error)) => return problem::form(&app, &request, &error),
        Err(Unusable::Failure(failure)) => return problem::failure(&app, &request, failure),
        Err(Unusable::Code(key)) => {
            let why = Some(SecondFactorProblem::SetUpWrong);
            return page(&request, &app, &session, &user, Some(&key), why).await;
        }
    };
    let (what, reason) = change.told();
    let event = SecurityEvent::new(&app.config, what, &user.id, now).because(reason).of_request(&request, &app.config);
    let (state, secret, owner, wanted) = (app.clone(), session.secret.clone(), user.clone(), change.clone());
    let written = app.store.write(move |tx| {
        if !session::is_still_recent(tx, &secret, &state.config, &owner.id, now)? {
            return Ok(Outcome::SignedOut);
        }
        let outcome = wanted.write(tx, &state, &owner, now)?;
        if let Outcome::Done = outcome {
            event.keep(tx)?;
        }
        Ok(outcome)
    });
    match written.await {
        Ok(Outcome::Done) => {
            tracing::info!(sub = %user.id, what = what.as_str(), "second factor changed on the account page");
            if let Some(told) = change.to_be_told() {
                by_mail::tell_of_second_factor(&app, &user, told, language::of(&request, &app));
            }
            done(&request, &app, &session, user, &change)
        }
        Ok(Outcome::Refused(why)) => page(&request, &app, &session, &user, None, Some(why)).await,
        Ok(Outcome::SignedOut) => problem::failure(&app, &request, Failure::FormRefused),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// Why nothing can be done with a form.
enum Unusable {
    Form(OAuthError),
    Failure(Failure),
    /// The code is not one of this key, which may be tried again.
    Code(TotpKey),
}

fn wanted(
    app: &App,
    session: &OpenSession,
    user: &User,
    form: &Parameters,
    now: Timestamp,
) -> Result<Change, Unusable> {
    let sealing = app.keys.sealing();
    let new_codes = || RecoveryCode::generate_all().map_err(|_| Unusable::Failure(Failure::ServerError));
    match form.required("change").map_err(Unusable::Form)? {
        "set_up" => {
            let field = |name| form.required(name).map_err(Unusable::Form);
            let (offer, code) = (field("key")?, field("code")?);
            let key = TotpKey::of_offer(offer, &session.secret, sealing);
            let key = key.ok_or(Unusable::Failure(Failure::FormRefused))?;
            let Some(step) = key.step_of(code, now) else { return Err(Unusable::Code(key)) };
            let sealed = key.seal(&user.id, sealing).map_err(|_| Unusable::Failure(Failure::ServerError))?;
            Ok(Change::SetUp { key, sealed, step, codes: new_codes()? })
        }
        "new_codes" => Ok(Change::NewCodes(new_codes()?)),
        "remove" => Ok(Change::Remove),
        _ => Err(Unusable::Form(OAuthError::parameter_missing("change"))),
    }
}

impl Change {
    /// For the audit trail.
    fn told(&self) -> (What, &'static str) {
        match self {
            Self::SetUp { .. } => (What::SecondFactorAdded, "totp"),
            Self::NewCodes(_) => (What::RecoveryCodesMade, "owner"),
            Self::Remove => (What::SecondFactorRemoved, "totp"),
        }
    }

    /// For its owner, who may not be the one that did it.
    fn to_be_told(&self) -> Option<FactorChange> {
        match self {
            Self::SetUp { .. } => Some(FactorChange::AppAdded),
            Self::NewCodes(_) => None,
            Self::Remove => Some(FactorChange::AppRemoved),
        }
    }

    fn write(&self, tx: &mut Tx, app: &App, owner: &User, now: Timestamp) -> Result<Outcome, StoreError> {
        let factors = Factors::of(tx, &owner.id)?;
        match self {
            Self::SetUp { key, sealed, step, codes } => {
                let same = |sealed: &[u8]| TotpKey::open(sealed, &owner.id, app.keys.sealing()).as_ref() == Ok(key);
                if factors.totp.is_some_and(|totp| same(&totp.sealed)) {
                    return Ok(Outcome::Refused(SecondFactorProblem::SentBefore));
                }
                totp_secrets::delete(tx, &owner.id)?;
                let added = second_factors::add_totp(tx, &owner.id, sealed, *step, codes, now)?;
                Ok(if added { Outcome::Done } else { Outcome::Refused(SecondFactorProblem::SentBefore) })
            }
            Self::NewCodes(codes) if factors.exist() => {
                second_factors::replace_codes(tx, &owner.id, codes)?;
                Ok(Outcome::Done)
            }
            // They would stand in for nothing.
            Self::NewCodes(_) => Ok(Outcome::SignedOut),
            Self::Remove if app.config.login.second_factor == SecondFactor::Required && factors.passkeys.is_empty() => {
                Ok(Outcome::Refused(SecondFactorProblem::Required))
            }
            Self::Remove => {
                let removed = second_factors::remove_totp(tx, &owner.id)?;
                Ok(if removed { Outcome::Done } else { Outcome::SignedOut })
            }
        }
    }
}

fn done(request: &HttpRequest, app: &App, session: &OpenSession, user: User, change: &Change) -> HttpResponse {
    let codes = match change {
        Change::SetUp { codes, .. } | Change::NewCodes(codes) => codes,
        Change::Remove => return super::login::go_to_account(app, session),
    };
    let page = SecondFactorPage {
        csrf_token: csrf::session_token(&session.secret),
        account: user.username,
        app: None,
        codes_left: 0,
        set_up: None,
        problem: None,
        codes: Some(codes.iter().map(RecoveryCode::text).collect()),
    };
    own_page::show(request, app, session, StatusCode::OK, &page)
}

/// What there is, with a new key to set up an app with; or with the one that was shown before.
async fn page(
    request: &HttpRequest,
    app: &App,
    session: &OpenSession,
    user: &User,
    shown: Option<&TotpKey>,
    problem: Option<SecondFactorProblem>,
) -> HttpResponse {
    let owner = user.id.clone();
    let factors = match app.store.read(move |tx| Factors::of(tx, &owner)).await {
        Ok(factors) => factors,
        Err(error) => return problem::store(app, request, &error),
    };
    let key = shown.cloned().map_or_else(TotpKey::generate, Ok);
    let Ok(set_up) = key.and_then(|key| TotpSetUp::new(app, &key, &user.username, &session.secret)) else {
        return problem::failure(app, request, Failure::ServerError);
    };
    let page = SecondFactorPage {
        csrf_token: csrf::session_token(&session.secret),
        account: user.username.clone(),
        app: factors
            .totp
            .map(|totp| TotpApp { since: totp.created_at.into(), last_used: totp.last_used_at.map(Into::into) }),
        codes_left: factors.recovery_codes,
        set_up: Some(set_up),
        problem,
        codes: None,
    };
    own_page::show(request, app, session, problem.map_or(StatusCode::OK, SecondFactorProblem::status), &page)
}
