//! Signing in for the account page, without an authorization request: `GET` and `POST /login` without a transaction, and
//! `POST /logout` without one. Where it leads is always `/account`. Whoever is signed in already and has to prove it once more can
//! be nobody else afterwards.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_store::users;

use crate::app::App;
use crate::login::sign_in::{self, Next, Outcome};
use crate::pages::{LoginProblem, SignInMethod, SignInPage};
use crate::session::OpenSession;
use crate::{csrf, own_page, problem, respond};

/// `GET /login`. Somebody whose sign-in is recent has no need of it; anybody else is asked, again if need be.
pub async fn show(request: &HttpRequest, app: &App) -> HttpResponse {
    let session = match own_page::visit(request, app).await {
        Ok(session) => session,
        Err(page) => return page,
    };
    if session.is_recent(app.clock.now()) {
        return super::login::go_to_account(app, &session);
    }
    page(request, app, &session, String::new(), None, None).await
}

/// `POST /login`.
pub async fn submit(request: &HttpRequest, body: Result<Bytes, Error>, app: &App) -> HttpResponse {
    let (session, form) = match own_page::form(request, body, app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let (username, password) = match (form.optional("username"), form.optional("password")) {
        (Ok(username), Ok(password)) => (username.unwrap_or_default(), password.unwrap_or_default()),
        (Err(error), _) | (_, Err(error)) => return problem::form(app, request, &error),
    };
    let outcome = match sign_in::check_password(app, request, username, password.to_owned()).await {
        Ok(outcome) => outcome,
        Err(error) => return problem::store(app, request, &error),
    };
    let (why, wait) = match outcome {
        Outcome::Right(proof) if session.user_id.as_ref().is_none_or(|again| *again == proof.user_id) => {
            return sign_in::finish(app, request, &session, *proof, &Next::Account).await;
        }
        Outcome::Right(proof) => {
            sign_in::refuse_somebody_else(app, request, &proof);
            (LoginProblem::OtherAccount, None)
        }
        Outcome::Wrong => (LoginProblem::CredentialsWrong, None),
        Outcome::NotNow(wait) => (LoginProblem::TooManyAttempts, Some(wait)),
    };
    page(request, app, &session, username.to_owned(), Some(why), wait).await
}

/// `POST /logout`.
pub async fn sign_out(request: &HttpRequest, body: Result<Bytes, Error>, app: &App) -> HttpResponse {
    let (session, _) = match own_page::form(request, body, app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    match sign_in::sign_out(app, request, &session).await {
        Ok(session) => {
            tracing::info!("signed out");
            let mut response = super::login::go_to_login(app);
            super::login::add_cookie(&mut response, app, &session);
            response
        }
        Err(error) => problem::store(app, request, &error),
    }
}

async fn page(
    request: &HttpRequest,
    app: &App,
    session: &OpenSession,
    username: String,
    problem: Option<LoginProblem>,
    wait: Option<Duration>,
) -> HttpResponse {
    let again = match session.user_id.clone() {
        None => None,
        Some(user_id) => match app.store.read(move |tx| users::find(tx, &user_id)).await {
            Ok(user) => user.map(|user| user.username),
            Err(error) => return problem::store(app, request, &error),
        },
    };
    let page = SignInPage {
        csrf_token: csrf::session_token(&session.secret),
        transaction: None,
        again,
        methods: SignInMethod::offered(&app.config, app.passkeys.is_some()),
        username,
        problem,
        wait: wait.map(Into::into),
    };
    let mut response =
        own_page::show(request, app, session, problem.map_or(StatusCode::OK, LoginProblem::status), &page);
    add_retry_after(&mut response, wait);
    response
}

/// RFC 6585 §4.
pub fn add_retry_after(response: &mut HttpResponse, wait: Option<Duration>) {
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, respond::whole_seconds(wait).into());
    }
}
