//! One's own passkeys (Web Authentication §7.1): `GET` and `POST /account/passkeys` list them, add, rename and remove one. Asks for a sign-in
//! of a moment ago. A passkey stands beside a password: who signs in at a provider alone has none.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::passkeys::Passkey;
use gatelodge_store::users::User;
use gatelodge_store::{StoreError, Tx};

use crate::app::App;
use crate::login::by_mail;
use crate::login::config::SecondFactor;
use crate::login::passkeys::{self, Ceremony, Passkeys, Refused};
use crate::login::recovery_codes::RecoveryCode;
use crate::login::second_factors::{self, Factors};
use crate::pages::{FactorChange, Failure, PasskeyEntry, PasskeyProblem, PasskeysPage};
use crate::security_events::{SecurityEvent, What};
use crate::session::{self, OpenSession};
use crate::{csrf, language, own_page, problem, respond};

/// As many as anybody has devices.
const MOST: usize = 20;

/// The longest name, in characters.
const LONGEST_NAME: usize = 80;

/// What somebody wants written.
#[derive(Clone)]
enum Change {
    Add { passkey: Passkey, codes: Vec<RecoveryCode> },
    Remove(Vec<u8>),
    Rename { id: Vec<u8>, name: String },
}

/// What became of it.
enum Outcome {
    Done { new_codes: bool },
    Refused(PasskeyProblem),
    SignedOut,
}

/// What a page shows besides the list.
#[derive(Default)]
struct Shown {
    name: String,
    /// Of the one that was to be called something else, what cannot be a name.
    renamed: Option<(Vec<u8>, String)>,
    options: Option<String>,
    problem: Option<PasskeyProblem>,
    codes: Option<Vec<String>>,
}

impl From<PasskeyProblem> for Shown {
    fn from(problem: PasskeyProblem) -> Self {
        Self { problem: Some(problem), ..Self::default() }
    }
}

/// `GET /account/passkeys`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match own_page::account(&request, &app).await {
        Ok((_, user)) if !may_have_any(&app, &user) => super::account::go_to(&app),
        Ok((session, _)) if !session.is_recent(app.clock.now()) => super::login::go_to_login(&app),
        Ok((session, user)) => page(&request, &app, &session, &user, Shown::default()).await,
        Err(page) => page,
    }
}

/// Whether somebody may have passkeys.
pub fn may_have_any(app: &App, user: &User) -> bool {
    app.passkeys.is_some() && user.password_hash.is_some()
}

/// `POST /account/passkeys`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (session, user, form) = match own_page::recent_form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let now = app.clock.now();
    let Some(passkeys) = app.passkeys.as_ref().filter(|_| may_have_any(&app, &user)) else {
        return problem::failure(&app, &request, Failure::FormRefused);
    };
    let change = match form.required("change") {
        Ok("add") => return ask(&request, &app, passkeys, &session, &user, &form).await,
        Ok("keep") => match made(&app, passkeys, &session, &user, &form, now).await {
            Ok(Ok(passkey)) => match RecoveryCode::generate_all() {
                Ok(codes) => Change::Add { passkey, codes },
                Err(_) => return problem::failure(&app, &request, Failure::ServerError),
            },
            Ok(Err(refused)) => {
                tracing::warn!(%refused, "new passkey refused");
                return page(&request, &app, &session, &user, PasskeyProblem::Refused.into()).await;
            }
            Err(error) => return problem::store(&app, &request, &error),
        },
        Ok("remove") => match form.required("id").map(decoded) {
            Ok(id) => Change::Remove(id),
            Err(error) => return problem::form(&app, &request, &error),
        },
        Ok("rename") => match (form.required("id").map(decoded), form.optional("name")) {
            (Ok(id), Ok(typed)) => match name_of(typed.unwrap_or_default()) {
                Some(name) => Change::Rename { id, name: name.to_owned() },
                None => {
                    let renamed = Some((id, typed.unwrap_or_default().to_owned()));
                    let shown = Shown { renamed, ..PasskeyProblem::NewName.into() };
                    return page(&request, &app, &session, &user, shown).await;
                }
            },
            (Err(error), _) | (_, Err(error)) => return problem::form(&app, &request, &error),
        },
        _ => return problem::form(&app, &request, &OAuthError::parameter_missing("change")),
    };
    match write(&request, &app, &session, &user, &change, now).await {
        Ok(Outcome::Done { new_codes: true }) => {
            let Change::Add { codes, .. } = &change else { return super::account::go_to(&app) };
            let codes = Some(codes.iter().map(RecoveryCode::text).collect());
            page(&request, &app, &session, &user, Shown { codes, ..Shown::default() }).await
        }
        Ok(Outcome::Done { new_codes: false }) => {
            respond::see_other(&format!("{}/account/passkeys", app.config.public_url.path()))
        }
        Ok(Outcome::Refused(why)) => page(&request, &app, &session, &user, why.into()).await,
        Ok(Outcome::SignedOut) => problem::failure(&app, &request, Failure::FormRefused),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// The identifier of a passkey in a form; what is none is nobody's.
fn decoded(id: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(id).unwrap_or_default()
}

/// What somebody may call a passkey.
fn name_of(typed: &str) -> Option<&str> {
    let name = typed.trim();
    let fits = !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.contains(char::is_control);
    fits.then_some(name)
}

/// Shows the page whose script has the browser make a passkey.
async fn ask(
    request: &HttpRequest,
    app: &App,
    passkeys: &Passkeys,
    session: &OpenSession,
    user: &User,
    form: &Parameters,
) -> HttpResponse {
    let typed = match form.optional("name") {
        Ok(name) => name.unwrap_or_default().to_owned(),
        Err(error) => return problem::form(app, request, &error),
    };
    let Some(name) = name_of(&typed) else {
        let shown = Shown { name: typed, ..PasskeyProblem::Name.into() };
        return page(request, app, session, user, shown).await;
    };
    let owner = user.id.clone();
    let others = match app.store.read(move |tx| gatelodge_store::passkeys::of_user(tx, &owner)).await {
        Ok(others) => others,
        Err(error) => return problem::store(app, request, &error),
    };
    if others.len() >= MOST {
        return page(request, app, session, user, PasskeyProblem::TooMany.into()).await;
    }
    let (options, ceremony) = match passkeys.ask_for_new(user, name, &others) {
        Ok(question) => question,
        Err(error) => {
            tracing::error!(%error, "a passkey could not be asked for");
            return problem::failure(app, request, Failure::ServerError);
        }
    };
    if let Err(error) = passkeys::keep(app, session, &ceremony).await {
        return problem::store(app, request, &error);
    }
    page(request, app, session, user, Shown { options: Some(options.to_string()), ..Shown::default() }).await
}

/// The passkey that the browser made.
async fn made(
    app: &App,
    passkeys: &Passkeys,
    session: &OpenSession,
    user: &User,
    form: &Parameters,
    now: Timestamp,
) -> Result<Result<Passkey, Refused>, StoreError> {
    let Some(Ceremony::Registration(state, name)) = passkeys::take(app, session).await? else {
        return Ok(Err(Refused::Unknown));
    };
    let answer = form.optional("credential").ok().flatten().unwrap_or_default();
    let answer = serde_json::from_str(answer).map_err(Refused::from);
    Ok(answer.and_then(|answer| passkeys.made(&answer, &state, &user.id, name, now)))
}

async fn write(
    request: &HttpRequest,
    app: &App,
    session: &OpenSession,
    user: &User,
    change: &Change,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    // A name is for its owner alone: nobody needs to hear of another one.
    let heard = match change {
        Change::Add { .. } => Some((What::SecondFactorAdded, FactorChange::PasskeyAdded)),
        Change::Remove(_) => Some((What::SecondFactorRemoved, FactorChange::PasskeyRemoved)),
        Change::Rename { .. } => None,
    };
    let event = |what| SecurityEvent::new(&app.config, what, &user.id, now).because("passkey");
    let event = heard.map(|(what, _)| event(what).of_request(request, &app.config));
    let (state, secret, owner, change) = (app.clone(), session.secret.clone(), user.clone(), change.clone());
    let written = app.store.write(move |tx| {
        if !session::is_still_recent(tx, &secret, &state.config, &owner.id, now)? {
            return Ok(Outcome::SignedOut);
        }
        let outcome = change.write(tx, &state, &owner)?;
        if let (Outcome::Done { .. }, Some(event)) = (&outcome, &event) {
            event.keep(tx)?;
        }
        Ok(outcome)
    });
    let outcome = written.await?;
    if let (Outcome::Done { .. }, Some((what, told))) = (&outcome, heard) {
        tracing::info!(sub = %user.id, what = what.as_str(), "passkeys changed on the account page");
        by_mail::tell_of_second_factor(app, user, told, language::of(request, app));
    }
    Ok(outcome)
}

impl Change {
    fn write(&self, tx: &mut Tx, app: &App, owner: &User) -> Result<Outcome, StoreError> {
        let factors = Factors::of(tx, &owner.id)?;
        match self {
            Self::Add { .. } if factors.passkeys.len() >= MOST => Ok(Outcome::Refused(PasskeyProblem::TooMany)),
            Self::Add { passkey, codes } => Ok(match second_factors::add_passkey(tx, passkey, codes)? {
                Some(new_codes) => Outcome::Done { new_codes },
                None => Outcome::Refused(PasskeyProblem::Refused),
            }),
            Self::Remove(_)
                if app.config.login.second_factor == SecondFactor::Required
                    && factors.totp.is_none()
                    && factors.passkeys.len() == 1 =>
            {
                Ok(Outcome::Refused(PasskeyProblem::Required))
            }
            Self::Rename { id, name } => {
                let renamed = gatelodge_store::passkeys::rename(tx, &owner.id, id, name)?;
                Ok(if renamed { Outcome::Done { new_codes: false } } else { Outcome::SignedOut })
            }
            Self::Remove(id) => {
                let removed = second_factors::remove_passkey(tx, &owner.id, id)?;
                Ok(if removed { Outcome::Done { new_codes: false } } else { Outcome::SignedOut })
            }
        }
    }
}

async fn page(request: &HttpRequest, app: &App, session: &OpenSession, user: &User, shown: Shown) -> HttpResponse {
    let owner = user.id.clone();
    let passkeys = match app.store.read(move |tx| gatelodge_store::passkeys::of_user(tx, &owner)).await {
        Ok(passkeys) => passkeys,
        Err(error) => return problem::store(app, request, &error),
    };
    let typed = |id: &[u8]| shown.renamed.as_ref().filter(|(renamed, _)| renamed == id).map(|(_, typed)| typed.clone());
    let entry = |passkey: Passkey| PasskeyEntry {
        id: BASE64_URL_SAFE_NO_PAD.encode(&passkey.id),
        typed: typed(&passkey.id),
        name: passkey.name,
        since: passkey.created_at.into(),
        last_used: passkey.last_used_at.map(Into::into),
    };
    let page = PasskeysPage {
        csrf_token: csrf::session_token(&session.secret),
        account: user.username.clone(),
        passkeys: passkeys.into_iter().map(entry).collect(),
        name: shown.name,
        options: shown.options,
        problem: shown.problem,
        codes: shown.codes,
    };
    own_page::show(request, app, session, shown.problem.map_or(StatusCode::OK, PasskeyProblem::status), &page)
}
