//! Signing in, between the authorization request and the consent: `GET` and `POST /login`, `POST /logout` (another account
//! for the same request), and the files the pages need. Step 4 of the flow. Without a request: `sign_in.rs`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::client::Registration;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::secret::Secret;

use crate::app::App;
use crate::login::sign_in::{self, Next, Outcome};
use crate::pages::{Destination, Failure, LoginPage, LoginProblem, SignInMethod};
use crate::session::{self, OpenSession};
use crate::transaction::{self, OpenTransaction};
use crate::{flight_recorder, problem, respond};

/// The largest form taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// Where a person is sent next.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// To sign in.
    Login,
    /// To prove something more.
    SecondStep,
    /// To decide.
    Consent,
}

/// Sends the browser to one of our pages about a transaction, and gives it a session that is new.
pub fn go_to(app: &App, place: Place, transaction: &Secret, session: Option<&OpenSession>) -> HttpResponse {
    let page = match place {
        Place::Login => "login",
        Place::SecondStep => "second-step",
        Place::Consent => "consent",
    };
    let base = app.config.public_url.path();
    let mut response = respond::see_other(&format!("{base}/{page}?transaction={}", transaction.expose()));
    if let Some(session) = session {
        add_cookie(&mut response, app, session);
    }
    response
}

/// Sends the browser to the page about the account.
pub fn go_to_account(app: &App, session: &OpenSession) -> HttpResponse {
    let mut response = respond::see_other(&format!("{}/account", app.config.public_url.path()));
    add_cookie(&mut response, app, session);
    response
}

/// Sends the browser to the second step of a sign-in for that page.
pub fn go_to_second_step(app: &App, session: &OpenSession) -> HttpResponse {
    let mut response = respond::see_other(&format!("{}/second-step", app.config.public_url.path()));
    add_cookie(&mut response, app, session);
    response
}

/// Sends the browser to the sign-in for that page.
pub fn go_to_login(app: &App) -> HttpResponse {
    respond::see_other(&format!("{}/login", app.config.public_url.path()))
}

/// Gives the browser its session, when that is new. One that it has is never sent again: an answer that comes late would put it back
/// in the place of the one that somebody signed in to meanwhile.
pub fn add_cookie(response: &mut HttpResponse, app: &App, session: &OpenSession) {
    if session.is_new && response.add_cookie(&session::cookie(session, &app.config)).is_err() {
        tracing::error!("a session cookie could not be written");
    }
}

/// Whether a sign-in or sign-out belongs to no authorization request.
pub fn is_for_account(parameters: &[u8]) -> bool {
    Parameters::parse(parameters).is_ok_and(|parameters| parameters.optional("transaction") == Ok(None))
}

/// `GET /login`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    if is_for_account(request.query_string().as_bytes()) {
        return super::sign_in::show(&request, &app).await;
    }
    match transaction::of_query(&request, &app).await {
        Ok(open) if open.signed_in().is_some() => go_to(&app, Place::Consent, &open.transaction, None),
        Ok(open) => {
            let hint = open.pending.request.sign_in.hint.clone();
            page(&app, &open, hint.unwrap_or_default(), None, None)
        }
        Err(page) => page,
    }
}

/// `POST /login`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    if body.as_ref().is_ok_and(|body| is_for_account(body)) {
        return super::sign_in::submit(&request, body, &app).await;
    }
    let (open, form) = match transaction::of_form(&request, body, &app).await {
        Ok(open) => open,
        Err(page) => return page,
    };
    if open.signed_in().is_some() {
        // Another tab was faster: nothing is left to do here.
        return go_to(&app, Place::Consent, &open.transaction, None);
    }
    if !open.has_token_of(&form) {
        return problem::failure(&app, &request, Failure::FormRefused);
    }
    sign_in(&request, &app, &open, &form).await
}

async fn sign_in(request: &HttpRequest, app: &App, open: &OpenTransaction, form: &Parameters) -> HttpResponse {
    let (username, password) = match (form.optional("username"), form.optional("password")) {
        (Ok(username), Ok(password)) => (username.unwrap_or_default(), password.unwrap_or_default()),
        (Err(error), _) | (_, Err(error)) => return problem::form(app, request, &error),
    };
    let next = Next::Consent(open.transaction.clone());
    match sign_in::check_password(app, request, username, password.to_owned()).await {
        Ok(Outcome::Right(proof)) => sign_in::finish(app, request, &open.session, *proof, &next).await,
        Ok(Outcome::Wrong) => {
            flight_recorder::sign_in_failed(app, request, &next, "password");
            page(app, open, username.to_owned(), Some(LoginProblem::CredentialsWrong), None)
        }
        Ok(Outcome::NotNow(wait)) => {
            page(app, open, username.to_owned(), Some(LoginProblem::TooManyAttempts), Some(wait))
        }
        Err(error) => problem::store(app, request, &error),
    }
}

/// `POST /logout`: the same request, another account.
pub async fn switch_account(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    if body.as_ref().is_ok_and(|body| is_for_account(body)) {
        return super::sign_in::sign_out(&request, body, &app).await;
    }
    let open = match transaction::of_trusted_form(&request, body, &app).await {
        Ok((open, _)) => open,
        Err(page) => return page,
    };
    match sign_in::sign_out(&app, &request, &open.session).await {
        Ok(session) => go_to(&app, Place::Login, &open.transaction, Some(&session)),
        Err(error) => problem::store(&app, &request, &error),
    }
}

fn page(
    app: &App,
    open: &OpenTransaction,
    username: String,
    problem: Option<LoginProblem>,
    wait: Option<Duration>,
) -> HttpResponse {
    let resource_name = app.resource_name(&open.pending.request.resource);
    let mut response = respond::page(
        app,
        &open.language,
        problem.map_or(StatusCode::OK, LoginProblem::status),
        &LoginPage {
            transaction: open.transaction.expose().to_owned(),
            csrf_token: open.csrf_token(),
            client_name: open.client.name.clone(),
            unverified: open.client.registration == Registration::Dynamic,
            destination: Destination::from(&open.pending.request.answer_to),
            resource_name,
            methods: SignInMethod::offered(&app.config, app.passkeys.is_some()),
            username,
            problem,
            wait: wait.map(Into::into),
        },
    );
    super::sign_in::add_retry_after(&mut response, wait);
    response
}

/// `GET /assets/{name}`.
pub async fn asset(name: Path<String>, app: Data<App>) -> HttpResponse {
    match app.pages.asset(&name) {
        Some(asset) => respond::asset(asset),
        None => respond::plain_error(StatusCode::NOT_FOUND, "not_found", None),
    }
}
