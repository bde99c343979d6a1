//! Another password: `GET` and `POST /password`. Asks for the old one, as often as a sign-in may; everything that was begun with
//! it ends, this browser stays signed in, in a new session.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_store::pending_authorizations;
use gatelodge_store::users::User;

use crate::app::App;
use crate::login::sign_in::{self, Outcome, Proof};
use crate::login::{by_mail, password};
use crate::pages::{Failure, PasswordPage, PasswordProblem};
use crate::security_events::{SecurityEvent, What};
use crate::session::{self, OpenSession};
use crate::{csrf, language, own_page, people, problem};

/// `GET /password`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match own_page::recent_account(&request, &app).await {
        Ok((session, user)) => page(&request, &app, &session, &user, None, None, false),
        Err(page) => page,
    }
}

/// `POST /password`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (session, user, form) = match own_page::recent_form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let field = |name: &'static str| form.optional(name).map(|value| value.unwrap_or_default().to_owned());
    let (old, new, again) = match (field("old_password"), field("new_password"), field("new_password_again")) {
        (Ok(old), Ok(new), Ok(again)) => (old, new, again),
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => return problem::form(&app, &request, &error),
    };
    if new != again {
        return page(&request, &app, &session, &user, Some(PasswordProblem::Differ), None, false);
    }
    if !password::may_be_new(&new) {
        return page(&request, &app, &session, &user, Some(PasswordProblem::Length), None, false);
    }
    match sign_in::check_password(&app, &request, &user.username, old).await {
        Ok(Outcome::Right(proof)) => change(&request, &app, &session, user, *proof, new).await,
        Ok(Outcome::Wrong) => page(&request, &app, &session, &user, Some(PasswordProblem::Wrong), None, false),
        Ok(Outcome::NotNow(wait)) => {
            page(&request, &app, &session, &user, Some(PasswordProblem::TooManyAttempts), Some(wait), false)
        }
        Err(error) => problem::store(&app, &request, &error),
    }
}

async fn change(
    request: &HttpRequest,
    app: &App,
    session: &OpenSession,
    user: User,
    proof: Proof,
    new: String,
) -> HttpResponse {
    let hash = match app.passwords.hash(new).await {
        Ok(hash) => hash,
        Err(error) => {
            tracing::error!(%error, "a password could not be hashed");
            return page(request, app, session, &user, Some(PasswordProblem::TooManyAttempts), None, false);
        }
    };
    let (state, now, old, user_id) = (app.clone(), app.clock.now(), session.secret.clone(), user.id.clone());
    let event = SecurityEvent::new(&app.config, What::PasswordChanged, &user.id, now);
    let event = event.of_request(request, &app.config);
    let written = app.store.write(move |tx| {
        // Hashing takes its time: the session may have been ended meanwhile.
        let holds = proof.user_id == user_id && session::is_still_recent(tx, &old, &state.config, &user_id, now)?;
        if !holds || !proof.keep(tx, now)? {
            return Ok(None);
        }
        event.keep(tx)?;
        let ended = people::set_password(tx, &user_id, &hash, now)?;
        proof.remember_source(tx, now)?;
        let session = sign_in::renew(tx, &state, &old, Some(user_id.clone()), now)?;
        // A password is less than a sign-in may ask for: what waits for one waits on.
        pending_authorizations::wait_on(tx, &old.hash(), &session.secret.hash())?;
        Ok(Some((ended, session)))
    });
    match written.await {
        Ok(Some((ended, session))) => {
            tracing::info!(sub = %user.id, sessions = ended.sessions, grants = ended.grants, "password changed");
            by_mail::tell_of_new_password(app, &user, language::of(request, app));
            page(request, app, &session, &user, None, None, true)
        }
        Ok(None) => problem::failure(app, request, Failure::FormRefused),
        Err(error) => problem::store(app, request, &error),
    }
}

fn page(
    request: &HttpRequest,
    app: &App,
    session: &OpenSession,
    user: &User,
    problem: Option<PasswordProblem>,
    wait: Option<Duration>,
    done: bool,
) -> HttpResponse {
    let page = PasswordPage {
        csrf_token: csrf::session_token(&session.secret),
        account: user.username.clone(),
        shortest: password::MIN_LENGTH,
        problem,
        wait: wait.map(Into::into),
        done,
    };
    let status = problem.map_or(StatusCode::OK, PasswordProblem::status);
    let mut response = own_page::show(request, app, session, status, &page);
    super::sign_in::add_retry_after(&mut response, wait);
    response
}
