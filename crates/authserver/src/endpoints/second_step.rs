//! The second step of a sign-in: `GET` and `POST /second-step`, with the transaction that the sign-in is for, or without one for the
//! account page. Step 4 of the flow. Who has nothing to prove it with, where everybody must, sets it up here before there is a
//! session. Whoever is not half-way is sent to `/login`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::parameters::Parameters;

use super::login::{self, Place};
use crate::app::App;
use crate::login::by_mail;
use crate::login::config::SecondFactor;
use crate::login::recovery_codes::RecoveryCode;
use crate::login::second_step::{self, HalfWay, Outcome, Typed};
use crate::login::sign_in::{self, Next};
use crate::login::totp::TotpKey;
use crate::pages::{FactorChange, Failure, Language, SecondStepPage, SecondStepProblem, TotpSetUp};
use crate::session::OpenSession;
use crate::transaction::{self, OpenTransaction};
use crate::{csrf, flight_recorder, language, own_page, problem, respond};

/// Where somebody is on the way.
pub(super) struct Here {
    pub session: OpenSession,
    pub next: Next,
    pub csrf_token: String,
    pub language: Language,
    /// Whoever waits for this sign-in has it already.
    pub is_signed_in: bool,
}

impl Here {
    fn of_transaction(open: OpenTransaction) -> Self {
        let (csrf_token, is_signed_in) = (open.csrf_token(), open.signed_in().is_some());
        let next = Next::Consent(open.transaction);
        Self { session: open.session, next, csrf_token, language: open.language, is_signed_in }
    }

    fn of_account(request: &HttpRequest, app: &App, session: OpenSession) -> Self {
        let csrf_token = csrf::session_token(&session.secret);
        Self { session, next: Next::Account, csrf_token, language: language::of(request, app), is_signed_in: false }
    }

    /// From a form that only a page of ours can have sent.
    pub async fn of_form(
        request: &HttpRequest,
        body: Result<Bytes, Error>,
        app: &App,
    ) -> Result<(Self, Parameters), HttpResponse> {
        if body.as_ref().is_ok_and(|body| login::is_for_account(body)) {
            let (session, form) = own_page::form(request, body, app).await?;
            return Ok((Self::of_account(request, app, session), form));
        }
        let (open, form) = transaction::of_trusted_form(request, body, app).await?;
        Ok((Self::of_transaction(open), form))
    }

    /// From such a form, with whoever proved the first step in its browser.
    pub async fn half_way(
        request: &HttpRequest,
        body: Result<Bytes, Error>,
        app: &App,
    ) -> Result<(Self, HalfWay, Parameters), HttpResponse> {
        let (here, form) = Self::of_form(request, body, app).await?;
        match second_step::find(app, &here.session).await {
            Ok(Some(half)) => Ok((here, half, form)),
            Ok(None) => Err(here.start_over(app)),
            Err(error) => Err(problem::store(app, request, &error)),
        }
    }

    /// From the URL of such a page.
    pub async fn of_query(request: &HttpRequest, app: &App) -> Result<Self, HttpResponse> {
        if login::is_for_account(request.query_string().as_bytes()) {
            return own_page::visit(request, app).await.map(|session| Self::of_account(request, app, session));
        }
        transaction::of_query(request, app).await.map(Self::of_transaction)
    }

    /// The transaction that the sign-in is for.
    pub fn transaction(&self) -> Option<String> {
        match &self.next {
            Next::Consent(transaction) => Some(transaction.expose().to_owned()),
            Next::Account => None,
        }
    }

    /// Who is signed in, and has to prove it once more for the account page.
    pub fn again(&self) -> Option<&UserId> {
        self.session.user_id.as_ref().filter(|_| matches!(self.next, Next::Account))
    }

    /// Back to the first step.
    pub fn start_over(&self, app: &App) -> HttpResponse {
        let mut response = match &self.next {
            Next::Consent(transaction) => login::go_to(app, Place::Login, transaction, None),
            Next::Account => login::go_to_login(app),
        };
        login::add_cookie(&mut response, app, &self.session);
        response
    }
}

/// `GET /second-step`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let here = match Here::of_query(&request, &app).await {
        Ok(here) => here,
        Err(page) => return page,
    };
    match second_step::find(&app, &here.session).await {
        Ok(Some(half)) => ask(&request, &app, &here, &half, None, None),
        // Also who has finished, in another tab or with the Back button: the sign-in page sends them on.
        Ok(None) => here.start_over(&app),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// `POST /second-step`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (here, half, form) = match Here::half_way(&request, body, &app).await {
        Ok(read) => read,
        Err(page) => return page,
    };
    if !half.factors.exist() {
        return set_up(&request, &app, &here, &half, &form).await;
    }
    let typed = match typed(&form) {
        Ok(typed) => typed,
        Err(error) => return problem::form(&app, &request, &error),
    };
    let method = typed.words();
    match second_step::take(&app, &request, &here.session, &half.user, typed).await {
        Ok(Outcome::SignedIn(session)) => sign_in::go_on(&app, &request, &here.next, &session),
        Ok(Outcome::Wrong) => {
            flight_recorder::second_step_failed(&app, &request, &here.next, method);
            ask(&request, &app, &here, &half, Some(SecondStepProblem::CodeWrong), None)
        }
        Ok(Outcome::NotNow(wait)) => {
            ask(&request, &app, &here, &half, Some(SecondStepProblem::TooManyAttempts), Some(wait))
        }
        Ok(Outcome::Ended) => here.start_over(&app),
        Ok(Outcome::Unreadable) => problem::failure(&app, &request, Failure::ServerError),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// Each of the two forms of the page has one field.
fn typed(form: &Parameters) -> Result<Typed, OAuthError> {
    match (form.optional("code")?, form.optional("recovery_code")?) {
        (_, Some(code)) => Ok(Typed::RecoveryCode(code.to_owned())),
        (Some(code), None) => Ok(Typed::Code(code.to_owned())),
        (None, None) => Err(OAuthError::parameter_missing("code")),
    }
}

async fn set_up(request: &HttpRequest, app: &App, here: &Here, half: &HalfWay, form: &Parameters) -> HttpResponse {
    let (offer, code) = match (form.optional("key"), form.optional("code")) {
        (Ok(offer), Ok(code)) => (offer.unwrap_or_default(), code.unwrap_or_default()),
        (Err(error), _) | (_, Err(error)) => return problem::form(app, request, &error),
    };
    if app.config.login.second_factor == SecondFactor::Optional {
        return here.start_over(app);
    }
    let sealing = app.keys.sealing();
    let Some(key) = TotpKey::of_offer(offer, &here.session.secret, sealing) else {
        return problem::failure(app, request, Failure::FormRefused);
    };
    let Some(step) = key.step_of(code, app.clock.now()) else {
        return offer_set_up(request, app, here, half, &key, Some(SecondStepProblem::SetUpWrong));
    };
    let (Ok(sealed), Ok(codes)) = (key.seal(&half.user.id, sealing), RecoveryCode::generate_all()) else {
        return problem::failure(app, request, Failure::ServerError);
    };
    match second_step::set_up(app, request, &here.session, &half.user, sealed, step, &codes).await {
        Ok(Some(session)) => {
            if let Next::Consent(transaction) = &here.next {
                flight_recorder::signed_in(app, request, transaction, session.user_id.as_ref());
            }
            by_mail::tell_of_second_factor(app, &half.user, FactorChange::AppAdded, here.language.clone());
            let codes = codes.iter().map(RecoveryCode::text).collect();
            let page = SecondStepPage { codes: Some(codes), ..page(app, here, half) };
            answer(app, here, &session, StatusCode::OK, &page)
        }
        Ok(None) => here.start_over(app),
        Err(error) => problem::store(app, request, &error),
    }
}

fn page(app: &App, here: &Here, half: &HalfWay) -> SecondStepPage {
    SecondStepPage {
        transaction: here.transaction(),
        csrf_token: here.csrf_token.clone(),
        account: half.user.username.clone(),
        has_app: half.factors.totp.is_some(),
        has_passkey: app.passkeys.is_some() && !half.factors.passkeys.is_empty(),
        set_up: None,
        codes: None,
        problem: None,
        wait: None,
    }
}

fn ask(
    request: &HttpRequest,
    app: &App,
    here: &Here,
    half: &HalfWay,
    problem: Option<SecondStepProblem>,
    wait: Option<Duration>,
) -> HttpResponse {
    if !half.factors.exist() {
        return match (app.config.login.second_factor, TotpKey::generate()) {
            // What there was to prove is gone since the first step.
            (SecondFactor::Optional, _) => here.start_over(app),
            (SecondFactor::Required, Ok(key)) => offer_set_up(request, app, here, half, &key, problem),
            (SecondFactor::Required, Err(_)) => problem::failure(app, request, Failure::ServerError),
        };
    }
    let page = SecondStepPage { problem, wait: wait.map(Into::into), ..page(app, here, half) };
    let mut response =
        answer(app, here, &here.session, problem.map_or(StatusCode::OK, SecondStepProblem::status), &page);
    super::sign_in::add_retry_after(&mut response, wait);
    response
}

fn offer_set_up(
    request: &HttpRequest,
    app: &App,
    here: &Here,
    half: &HalfWay,
    key: &TotpKey,
    problem: Option<SecondStepProblem>,
) -> HttpResponse {
    match TotpSetUp::new(app, key, &half.user.username, &here.session.secret) {
        Ok(set_up) => {
            let page = SecondStepPage { set_up: Some(set_up), problem, ..page(app, here, half) };
            answer(app, here, &here.session, problem.map_or(StatusCode::OK, SecondStepProblem::status), &page)
        }
        Err(_) => problem::failure(app, request, Failure::ServerError),
    }
}

fn answer(app: &App, here: &Here, session: &OpenSession, status: StatusCode, page: &SecondStepPage) -> HttpResponse {
    let mut response = respond::page(app, &here.language, status, page);
    login::add_cookie(&mut response, app, session);
    response
}
