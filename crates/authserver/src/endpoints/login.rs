//! Signing in, between the authorization request and the consent: `GET` and `POST /login`, `POST /logout` (another account
//! for the same request), and the files the pages need. Step 4 of the flow.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::client::Registration;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::secret::Secret;
use gatelodge_store::{StoreError, browser_sessions, pending_authorizations, users};

use crate::app::App;
use crate::login::password::canonical_username;
use crate::pages::{Destination, Failure, LoginPage, LoginProblem};
use crate::session::{self, OpenSession};
use crate::transaction::{self, OpenTransaction};
use crate::{problem, respond};

/// The largest form taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// Where a person is sent next.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// To sign in.
    Login,
    /// To decide.
    Consent,
}

/// Sends the browser to one of our pages about a transaction, with the cookie when the session is new.
pub fn go_to(app: &App, place: Place, transaction: &Secret, session: Option<&OpenSession>) -> HttpResponse {
    let page = match place {
        Place::Login => "login",
        Place::Consent => "consent",
    };
    let base = app.config.public_url.path();
    let mut response = respond::see_other(&format!("{base}/{page}?transaction={}", transaction.expose()));
    if let Some(session) = session
        && response.add_cookie(&session::cookie(session, &app.config)).is_err()
    {
        tracing::error!("a session cookie could not be written");
    }
    response
}

/// `GET /login`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match transaction::of_query(&request, &app).await {
        Ok(open) if open.signed_in().is_some() => go_to(&app, Place::Consent, &open.transaction, None),
        Ok(open) => {
            let hint = open.pending.request.sign_in.hint.clone();
            page(&app, &open, hint.unwrap_or_default(), None)
        }
        Err(page) => page,
    }
}

/// `POST /login`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
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
    let (typed, password) = match (form.optional("username"), form.optional("password")) {
        (Ok(username), Ok(password)) => {
            (username.unwrap_or_default().to_owned(), password.unwrap_or_default().to_owned())
        }
        (Err(error), _) | (_, Err(error)) => return problem::form(app, request, &error),
    };
    let username = canonical_username(&typed);
    let found = app.store.read(move |tx| {
        let found = username.as_deref().map(|username| users::find_by_username(tx, username));
        found.transpose().map(Option::flatten)
    });
    let user = match found.await {
        Ok(user) => user,
        Err(error) => return problem::store(app, request, &error),
    };
    let user_id = match app.passwords.verify(user.as_ref(), password).await {
        Ok(Some(user_id)) => user_id,
        Ok(None) => {
            tracing::info!("sign-in refused");
            return page(app, open, typed, Some(LoginProblem::CredentialsWrong));
        }
        Err(error) => {
            tracing::error!(%error, "a password could not be checked");
            return page(app, open, typed, Some(LoginProblem::TooManyAttempts));
        }
    };
    tracing::info!(sub = %user_id, "signed in by password");
    match renew_session(app, open, Some(user_id)).await {
        Ok(session) => go_to(app, Place::Consent, &open.transaction, Some(&session)),
        Err(error) => problem::store(app, request, &error),
    }
}

/// `POST /logout`: the same request, another account.
pub async fn switch_account(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let open = match transaction::of_trusted_form(&request, body, &app).await {
        Ok((open, _)) => open,
        Err(page) => return page,
    };
    match renew_session(&app, &open, None).await {
        Ok(session) => go_to(&app, Place::Login, &open.transaction, Some(&session)),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// A new session takes over the pending requests of the old one, which is gone: a planted or copied cookie is worth
/// nothing after a sign-in.
async fn renew_session(app: &App, open: &OpenTransaction, user_id: Option<UserId>) -> Result<OpenSession, StoreError> {
    let (state, now, old) = (app.clone(), app.clock.now(), open.session.secret.hash());
    app.store
        .write(move |tx| {
            let session = session::open(tx, user_id.clone(), &state.config, now)?;
            pending_authorizations::rebind(tx, &old, &session.secret.hash())?;
            browser_sessions::delete(tx, &old)?;
            Ok(session)
        })
        .await
}

fn page(app: &App, open: &OpenTransaction, username: String, problem: Option<LoginProblem>) -> HttpResponse {
    let status = match problem {
        None => StatusCode::OK,
        Some(LoginProblem::CredentialsWrong) => StatusCode::UNAUTHORIZED,
        Some(LoginProblem::TooManyAttempts) => StatusCode::TOO_MANY_REQUESTS,
    };
    let resource_name = app.resource_name(&open.pending.request.resource);
    respond::page(
        app,
        &open.language,
        status,
        &LoginPage {
            transaction: open.transaction.expose().to_owned(),
            csrf_token: open.csrf_token(),
            client_name: open.client.name.clone(),
            unverified: open.client.registration == Registration::Dynamic,
            destination: Destination::from(&open.pending.request.answer_to),
            resource_name,
            username,
            problem,
        },
    )
}

/// `GET /assets/{name}`.
pub async fn asset(name: Path<String>, app: Data<App>) -> HttpResponse {
    match app.pages.asset(&name) {
        Some(asset) => respond::asset(asset),
        None => respond::plain_error(StatusCode::NOT_FOUND, "not_found", None),
    }
}
