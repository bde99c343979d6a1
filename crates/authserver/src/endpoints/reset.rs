//! A password by link: `GET` and `POST /reset`. The link comes from whoever runs the server, for somebody new or for somebody who
//! forgot theirs, or by e-mail (`forgot.rs`). Everything that was begun with the old password ends.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx, password_links};

use crate::app::App;
use crate::login::{attempts, by_mail, one_time_links, password};
use crate::pages::{Failure, NewPasswordProblem, ResetPage};
use crate::security_events::{SecurityEvent, What};
use crate::{language, people, problem, respond};

/// `GET /reset`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match working(&app, one_time_links::of_query(&request, Kind::PasswordReset)).await {
        Ok(Some((secret, user))) => page(&request, &app, &secret, &user, None),
        Ok(None) => problem::failure(&app, &request, Failure::PasswordLinkEnded),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// `POST /reset`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (presented, form) = match one_time_links::of_form(&request, body, &app, Kind::PasswordReset) {
        Ok(read) => read,
        Err(page) => return page,
    };
    // Before anything costs: a password is hashed for the holder of a link alone.
    let (secret, user) = match working(&app, presented).await {
        Ok(Some(found)) => found,
        Ok(None) => return problem::failure(&app, &request, Failure::PasswordLinkEnded),
        Err(error) => return problem::store(&app, &request, &error),
    };
    match one_time_links::new_password(&app, &form).await {
        Ok(hash) => change(&request, &app, &secret, &user, hash).await,
        Err(problem) => page(&request, &app, &secret, &user, Some(problem)),
    }
}

/// The secret and whose password it sets, if its link may still be used.
async fn working(app: &App, presented: Option<Secret>) -> Result<Option<(Secret, User)>, StoreError> {
    let Some(secret) = presented else { return Ok(None) };
    let (hash, now) = (secret.hash(), app.clock.now());
    let owner = move |tx: &mut Tx| match password_links::owner(tx, &hash, now)? {
        Some(user_id) => users::find_enabled(tx, &user_id),
        None => Ok(None),
    };
    Ok(app.store.read(owner).await?.map(|user| (secret, user)))
}

async fn change(request: &HttpRequest, app: &App, secret: &Secret, user: &User, hash: String) -> HttpResponse {
    let (link, now) = (secret.hash(), app.clock.now());
    let event = SecurityEvent::new(&app.config, What::PasswordChanged, &user.id, now).because("link");
    let event = event.of_request(request, &app.config);
    let here = attempts::begun(app, request, &user.username);
    let written = app.store.write(move |tx| {
        let set = people::set_password_by_link(tx, &link, &hash, now)?;
        if let Some((user_id, _)) = &set {
            event.keep(tx)?;
            here.remember_source(tx, user_id, now)?;
        }
        Ok(set)
    });
    match written.await {
        Ok(Some((user_id, ended))) => {
            tracing::info!(sub = %user_id, sessions = ended.sessions, grants = ended.grants, "password set by link");
            by_mail::tell_of_new_password(app, user, language::of(request, app));
            let done = ResetPage { done: true, ..of(user) };
            respond::page(app, &language::of(request, app), StatusCode::OK, &done)
        }
        Ok(None) => problem::failure(app, request, Failure::PasswordLinkEnded),
        Err(error) => problem::store(app, request, &error),
    }
}

fn of(user: &User) -> ResetPage {
    ResetPage {
        secret: String::new(),
        account: user.username.clone(),
        shortest: password::MIN_LENGTH,
        is_new: user.password_hash.is_none(),
        problem: None,
        done: false,
    }
}

fn page(
    request: &HttpRequest,
    app: &App,
    secret: &Secret,
    user: &User,
    problem: Option<NewPasswordProblem>,
) -> HttpResponse {
    let page = ResetPage { secret: secret.expose().to_owned(), problem, ..of(user) };
    let status = problem.map_or(StatusCode::OK, NewPasswordProblem::status);
    respond::page(app, &language::of(request, app), status, &page)
}
