//! The first administrator: `GET` and `POST /setup`, behind the link that `gatelodge serve` shows while there is nobody.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::{StoreError, Tx, setup_links, users};

use crate::app::App;
use crate::login::password::{self, canonical_username};
use crate::login::{one_time_links, setup};
use crate::pages::{Failure, NewPasswordProblem, SetupPage};
use crate::security_events::{SecurityEvent, What};
use crate::{language, people, problem, respond};

/// `GET /setup`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match working(&app, one_time_links::of_query(&request, Kind::Setup)).await {
        Ok(Some(secret)) => page(&request, &app, &secret, String::new(), None),
        Ok(None) => problem::failure(&app, &request, Failure::SetupLinkEnded),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// `POST /setup`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (presented, form) = match one_time_links::of_form(&request, body, &app, Kind::Setup) {
        Ok(read) => read,
        Err(page) => return page,
    };
    // Before anything costs: a password is hashed for the holder of the link alone.
    let secret = match working(&app, presented).await {
        Ok(Some(secret)) => secret,
        Ok(None) => return problem::failure(&app, &request, Failure::SetupLinkEnded),
        Err(error) => return problem::store(&app, &request, &error),
    };
    let typed = form.optional("username").ok().flatten().unwrap_or_default();
    let Some(username) = canonical_username(typed) else {
        return page(&request, &app, &secret, typed.to_owned(), Some(NewPasswordProblem::Name));
    };
    match one_time_links::new_password(&app, &form).await {
        Ok(hash) => create(&request, &app, secret, username, hash).await,
        Err(problem) => page(&request, &app, &secret, username, Some(problem)),
    }
}

/// The secret, if its link may still be used.
async fn working(app: &App, presented: Option<Secret>) -> Result<Option<Secret>, StoreError> {
    let Some(secret) = presented.filter(|_| app.config.login.setup.enabled) else { return Ok(None) };
    let (hash, now) = (secret.hash(), app.clock.now());
    let works = move |tx: &mut Tx| Ok(setup_links::is_valid(tx, &hash, now)? && !users::exist(tx)?);
    Ok(app.store.read(works).await?.then_some(secret))
}

async fn create(request: &HttpRequest, app: &App, secret: Secret, username: String, hash: String) -> HttpResponse {
    let (link, name, now) = (secret.hash(), username.clone(), app.clock.now());
    let added = SecurityEvent::of_server(app.config.public_url.as_str(), What::AccountAdded, now);
    let added = added.of_request(request, &app.config).because("link");
    match app.store.write(move |tx| people::set_up(tx, &link, &name, &hash, &added, now)).await {
        Ok(Some(user_id)) => {
            tracing::info!(sub = %user_id, "the first administrator was created");
            if let Some(path) = setup::link_file(&app.config)
                && let Err(error) = setup::forget(&path)
            {
                tracing::warn!(%error, file = %path.display(), "the setup link is used, and its file could not be removed");
            }
            let done = SetupPage { done: true, ..self::empty(username) };
            respond::page(app, &language::of(request, app), StatusCode::OK, &done)
        }
        Ok(None) => problem::failure(app, request, Failure::SetupLinkEnded),
        Err(error) => problem::store(app, request, &error),
    }
}

fn empty(username: String) -> SetupPage {
    SetupPage { secret: String::new(), username, shortest: password::MIN_LENGTH, problem: None, done: false }
}

fn page(
    request: &HttpRequest,
    app: &App,
    secret: &Secret,
    username: String,
    problem: Option<NewPasswordProblem>,
) -> HttpResponse {
    let page = SetupPage { secret: secret.expose().to_owned(), problem, ..empty(username) };
    let status = problem.map_or(StatusCode::OK, NewPasswordProblem::status);
    respond::page(app, &language::of(request, app), status, &page)
}
