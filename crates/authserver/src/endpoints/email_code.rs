//! Signing in by a code that is sent by e-mail: `GET` and `POST /login/code`, with the transaction that the sign-in is for, or without
//! one for the account page. Step 4 of the flow. The form with `username` asks for a code, the one with `code` takes it, in the same
//! browser.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};

use super::login::{self, Place};
use super::second_step::Here;
use crate::app::App;
use crate::login::email_code::{self, Outcome, Sent};
use crate::login::sign_in::{self, Next};
use crate::pages::{EmailCodePage, EmailCodeProblem};
use crate::{flight_recorder, problem, respond};

/// `GET /login/code`: for the code, where one waits in this browser, or else for who it is to be sent to.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let here = match Here::of_query(&request, &app).await {
        Ok(here) => here,
        Err(page) => return page,
    };
    if here.is_signed_in {
        return here.start_over(&app);
    }
    match email_code::waits(&app, &here.session).await {
        Ok(sent) => answer(&app, &here, sent, None, None),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// `POST /login/code`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (here, form) = match Here::of_form(&request, body, &app).await {
        Ok(read) => read,
        Err(page) => return page,
    };
    if let (Next::Consent(transaction), true) = (&here.next, here.is_signed_in) {
        // Another tab was faster: nothing is left to do here.
        return login::go_to(&app, Place::Consent, transaction, None);
    }
    match (form.optional("username"), form.optional("code")) {
        (Ok(Some(username)), Ok(_)) => send(&request, &app, &here, username).await,
        (Ok(None), Ok(Some(code))) => check(&request, &app, &here, code).await,
        // Nothing was typed yet.
        (Ok(None), Ok(None)) => answer(&app, &here, false, None, None),
        (Err(error), _) | (_, Err(error)) => problem::form(&app, &request, &error),
    }
}

async fn send(request: &HttpRequest, app: &App, here: &Here, username: &str) -> HttpResponse {
    match email_code::send(app, request, &here.session, username, here.language.clone()).await {
        // A page of its own, which may be loaded again while somebody looks into their mail.
        Ok(Sent::OnItsWay) => respond::see_other(&format!("{}{}", app.config.public_url.path(), path(here))),
        Ok(Sent::NotNow(wait)) => answer(app, here, false, Some(EmailCodeProblem::TooManyAttempts), Some(wait)),
        Ok(Sent::Busy) => answer(app, here, false, Some(EmailCodeProblem::Busy), None),
        Err(error) => problem::store(app, request, &error),
    }
}

fn path(here: &Here) -> String {
    match here.transaction() {
        Some(transaction) => format!("/login/code?transaction={transaction}"),
        None => "/login/code".to_owned(),
    }
}

async fn check(request: &HttpRequest, app: &App, here: &Here, code: &str) -> HttpResponse {
    match email_code::check(app, request, &here.session, code).await {
        // Who has to prove it once more for the account page can be nobody else.
        Ok(Outcome::Right(proof)) if here.again().is_some_and(|again| *again != proof.user_id) => {
            sign_in::refuse_somebody_else(app, request, &proof);
            answer(app, here, false, Some(EmailCodeProblem::OtherAccount), None)
        }
        Ok(Outcome::Right(proof)) => sign_in::finish(app, request, &here.session, *proof, &here.next).await,
        Ok(Outcome::Wrong) => {
            flight_recorder::sign_in_failed(app, request, &here.next, "code by e-mail");
            answer(app, here, true, Some(EmailCodeProblem::CodeWrong), None)
        }
        Ok(Outcome::NotNow(wait)) => answer(app, here, true, Some(EmailCodeProblem::TooManyAttempts), Some(wait)),
        Ok(Outcome::Ended) => answer(app, here, false, Some(EmailCodeProblem::CodeEnded), None),
        Err(error) => problem::store(app, request, &error),
    }
}

fn answer(
    app: &App,
    here: &Here,
    sent: bool,
    problem: Option<EmailCodeProblem>,
    wait: Option<Duration>,
) -> HttpResponse {
    let page = EmailCodePage {
        transaction: here.transaction(),
        csrf_token: here.csrf_token.clone(),
        sent,
        minutes: email_code::LIFETIME.as_secs() / 60,
        problem,
        wait: wait.map(Into::into),
    };
    let status = problem.map_or(StatusCode::OK, EmailCodeProblem::status);
    let mut response = respond::page(app, &here.language, status, &page);
    login::add_cookie(&mut response, app, &here.session);
    super::sign_in::add_retry_after(&mut response, wait);
    response
}
