//! What belongs to a person: to be taken away as a file (`POST /account/export`), and to be ended (`GET` and `POST /account/delete`).
//! Both ask for a sign-in of a moment ago.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::secret::Secret;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx};

use crate::app::App;
use crate::pages::{AccountDeletedPage, DeleteAccountPage, DeletionProblem, Failure};
use crate::people::{self, Ended};
use crate::security_events::{SecurityEvent, What};
use crate::session::{self, OpenSession};
use crate::{csrf, language, own_page, personal_data, problem, respond};

/// `POST /account/export`.
pub async fn export(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (_, user, _) = match own_page::recent_form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let now = app.clock.now();
    let (state, owner) = (app.clone(), user.clone());
    match app.store.read(move |tx| personal_data::export(tx, &state.config, &owner, now)).await {
        Ok(data) => {
            tracing::info!(sub = %user.id, "personal data exported");
            respond::download("account.json", &data)
        }
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// `GET /account/delete`.
pub async fn ask(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match own_page::recent_account(&request, &app).await {
        Ok((session, user)) => page(&request, &app, &session, user, None),
        Err(page) => page,
    }
}

/// What became of it.
enum Outcome {
    Deleted(Ended),
    LastAdministrator,
    SignedOut,
}

/// `POST /account/delete`. The name is typed, so that nobody does it without reading.
pub async fn delete(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (session, user, form) = match own_page::recent_form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let now = app.clock.now();
    match form.optional("username") {
        Ok(Some(typed)) if typed.trim().to_lowercase() == user.username => {}
        Ok(_) => return page(&request, &app, &session, user, Some(DeletionProblem::Name)),
        Err(error) => return problem::form(&app, &request, &error),
    }
    let event = SecurityEvent::new(&app.config, What::AccountDeleted, &user.id, now).because("owner");
    let event = event.of_request(&request, &app.config);
    let (state, secret, owner) = (app.clone(), session.secret.clone(), user.clone());
    match app.store.write(move |tx| end(tx, &state, &secret, &owner, &event, now)).await {
        Ok(Outcome::Deleted(ended)) => {
            tracing::info!(sub = %user.id, sessions = ended.sessions, grants = ended.grants, "account deleted");
            respond::page(&app, &language::of(&request, &app), StatusCode::OK, &AccountDeletedPage {})
        }
        Ok(Outcome::LastAdministrator) => {
            page(&request, &app, &session, user, Some(DeletionProblem::LastAdministrator))
        }
        Ok(Outcome::SignedOut) => problem::failure(&app, &request, Failure::FormRefused),
        Err(error) => problem::store(&app, &request, &error),
    }
}

fn end(
    tx: &mut Tx,
    app: &App,
    secret: &Secret,
    owner: &User,
    event: &SecurityEvent,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    // Holds every administrator, so that of the last two who leave at once one stays; and before anybody is held by themselves, so
    // that the two do not wait for each other.
    let administrators = users::lock_administrators(tx)?;
    if !session::is_still_recent(tx, secret, &app.config, &owner.id, now)? {
        return Ok(Outcome::SignedOut);
    }
    if administrators.contains(&owner.id) && administrators.len() == 1 {
        return Ok(Outcome::LastAdministrator);
    }
    event.keep(tx)?;
    people::remove(tx, &owner.id, now).map(Outcome::Deleted)
}

fn page(
    request: &HttpRequest,
    app: &App,
    session: &OpenSession,
    user: User,
    problem: Option<DeletionProblem>,
) -> HttpResponse {
    let page = DeleteAccountPage { csrf_token: csrf::session_token(&session.secret), account: user.username, problem };
    own_page::show(request, app, session, problem.map_or(StatusCode::OK, DeletionProblem::status), &page)
}
