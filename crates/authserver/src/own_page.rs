//! Pages that belong to no authorization request: sign-in for the account, the account, setup, new passwords. What they have in
//! common is the browser session, and the token that ties their forms to it.

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::parameters::Parameters;
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx};

use crate::app::App;
use crate::endpoints::login::{self, MAX_BODY};
use crate::limits::Source;
use crate::pages::{Failure, Page};
use crate::session::{self, OpenSession};
use crate::{csrf, language, problem, respond};

/// The session of a browser that opens such a page: its own, or a new anonymous one.
pub async fn visit(request: &HttpRequest, app: &App) -> Result<OpenSession, HttpResponse> {
    if let Some(session) = resumed(request, app).await.map_err(|error| problem::store(app, request, &error))? {
        return Ok(session);
    }
    if let Err(wait) = app.limits.requests.count(Source::of(request, &app.config)) {
        return Err(problem::too_many_requests(app, request, wait));
    }
    let (state, now) = (app.clone(), app.clock.now());
    let opened = app.store.write(move |tx| session::open(tx, None, &state.config, now)).await;
    opened.map_err(|error| problem::store(app, request, &error))
}

async fn resumed(request: &HttpRequest, app: &App) -> Result<Option<OpenSession>, StoreError> {
    let Some(presented) = session::presented(request, &app.config) else { return Ok(None) };
    let (state, now) = (app.clone(), app.clock.now());
    app.store.write(move |tx| session::resume(tx, Some(presented.clone()), &state.config, now)).await
}

/// A form that only a page of ours can have sent, from the session that it was shown in.
pub async fn form(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
    app: &App,
) -> Result<(OpenSession, Parameters), HttpResponse> {
    let form = respond::form(request, body, MAX_BODY).map_err(|error| problem::form(app, request, &error))?;
    let refused = || problem::failure(app, request, Failure::FormRefused);
    if !csrf::comes_from_our_page(request, &app.config) {
        return Err(refused());
    }
    let session = resumed(request, app).await.map_err(|error| problem::store(app, request, &error))?;
    let session = session.ok_or_else(refused)?;
    if csrf::is_session_token(csrf::presented(&form), &session.secret) { Ok((session, form)) } else { Err(refused()) }
}

/// Who is signed in, or the way to the sign-in page.
pub async fn account(request: &HttpRequest, app: &App) -> Result<(OpenSession, User), HttpResponse> {
    let session = resumed(request, app).await.map_err(|error| problem::store(app, request, &error))?;
    let Some(session) = session else { return Err(login::go_to_login(app)) };
    let user = owner(request, app, &session).await?;
    Ok((session, user))
}

/// A form of the account, with who sent it.
pub async fn account_form(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
    app: &App,
) -> Result<(OpenSession, User, Parameters), HttpResponse> {
    let (session, form) = self::form(request, body, app).await?;
    let user = owner(request, app, &session).await?;
    Ok((session, user, form))
}

/// The same, of somebody who proved who they are a moment ago, or the way to the sign-in page: before something that matters.
pub async fn recent_account(request: &HttpRequest, app: &App) -> Result<(OpenSession, User), HttpResponse> {
    let (session, user) = account(request, app).await?;
    if session.is_recent(app.clock.now()) { Ok((session, user)) } else { Err(login::go_to_login(app)) }
}

/// A form of theirs.
pub async fn recent_form(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
    app: &App,
) -> Result<(OpenSession, User, Parameters), HttpResponse> {
    let (session, user, form) = account_form(request, body, app).await?;
    if session.is_recent(app.clock.now()) { Ok((session, user, form)) } else { Err(login::go_to_login(app)) }
}

async fn owner(request: &HttpRequest, app: &App, session: &OpenSession) -> Result<User, HttpResponse> {
    let Some(user_id) = session.user_id.clone() else { return Err(login::go_to_login(app)) };
    let found = app.store.read(move |tx: &mut Tx| users::find_enabled(tx, &user_id)).await;
    found.map_err(|error| problem::store(app, request, &error))?.ok_or_else(|| login::go_to_login(app))
}

/// A page of a session, which may be a new one.
pub fn show(
    request: &HttpRequest,
    app: &App,
    session: &OpenSession,
    status: StatusCode,
    page: &impl Page,
) -> HttpResponse {
    let mut response = respond::page(app, &language::of(request, app), status, page);
    login::add_cookie(&mut response, app, session);
    response
}
