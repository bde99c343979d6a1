//! What every page and every form of the administration has in common: the host that it was asked under, the session, and the token
//! that ties a form to it. Whatever changes something asks once more in its transaction.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::HOST;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_service::http;
use gatelodge_store::{StoreError, Tx, users};

use super::Administration;
use super::operator::Operator;
use super::session::{self, OpenAdministration};
use crate::app::App;
use crate::endpoints::login::MAX_BODY;
use crate::pages::Page;
use crate::pages::administration::{Frame, Obstacle, ObstaclePage};
use crate::{csrf, language, respond};

/// Middleware: only requests for the host of the URL are answered. A page of another site whose name leads to this address (DNS
/// rebinding) is told nothing.
pub async fn only_our_host<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse, Error> {
    let Some(administration) = request.app_data::<Data<Administration>>().cloned() else {
        return Ok(request.into_response(HttpResponse::ServiceUnavailable().finish()));
    };
    if is_for(request.request(), &administration.url.authority()) {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    let page = refuse(request.request(), &administration, Obstacle::HostRefused, None);
    Ok(request.into_response(page))
}

/// RFC 9110 §7.2: `Host` is there once; RFC 9112 §3.2.2: a target in absolute form names it too.
fn is_for(request: &HttpRequest, authority: &str) -> bool {
    let mut hosts = request.headers().get_all(HOST);
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let is_ours = |host: &[u8]| host.eq_ignore_ascii_case(authority.as_bytes());
    let target = request.uri().authority();
    is_ours(host.as_bytes()) && target.is_none_or(|target| is_ours(target.as_str().as_bytes()))
}

/// Who is let in, or the page that says how to be.
pub async fn session(request: &HttpRequest, app: &Administration) -> Result<OpenAdministration, HttpResponse> {
    let ended = || refuse(request, app, Obstacle::NotLetIn, None);
    let presented = session::presented(request, &app.url).ok_or_else(ended)?;
    let now = app.clock.now();
    let found = app.store.read(move |tx| session::resume(tx, presented.clone(), now)).await;
    found.map_err(|error| store(request, app, &error))?.ok_or_else(ended)
}

/// The same, with the query of the page, which has none but these parameters.
pub async fn page(
    request: &HttpRequest,
    app: &Administration,
    known: &[&str],
) -> Result<(OpenAdministration, Parameters), HttpResponse> {
    let open = session(request, app).await?;
    let query = Parameters::parse(request.query_string().as_bytes()).and_then(|query| query.only(known));
    Ok((open, query.map_err(|error| invalid(request, app, &error))?))
}

/// A form that only a page of ours can have sent, from the session that it was shown in.
pub async fn form(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
    app: &Administration,
) -> Result<(OpenAdministration, Parameters), HttpResponse> {
    let form = respond::form(request, body, MAX_BODY).map_err(|error| invalid(request, app, &error))?;
    let refused = || refuse(request, app, Obstacle::FormRefused, None);
    if !csrf::comes_from(request, &app.url.origin()) {
        return Err(refused());
    }
    let open = session(request, app).await?;
    if csrf::is_session_token(csrf::presented(&form), &open.secret) { Ok((open, form)) } else { Err(refused()) }
}

/// What a form wants (`do`), and to what (`id`).
pub fn wanted<A>(form: &Parameters, action: impl Fn(&str) -> Option<A>) -> Result<(&str, A), OAuthError> {
    let id = form.required("id")?;
    let named = form.optional("do").ok().flatten().and_then(action);
    named.map(|action| (id, action)).ok_or_else(|| OAuthError::parameter_invalid("do"))
}

/// Changes something, in one transaction, while the administrator is still let in; else the page that says how to be. Every
/// administrator is held meanwhile: of two who shut each other out one comes first, and the other one is let in no more. `work` is told
/// who they are.
pub async fn change<T: Send + 'static>(
    request: &HttpRequest,
    app: &Administration,
    open: &OpenAdministration,
    work: impl Fn(&mut Tx, &Operator, &[UserId]) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, HttpResponse> {
    let operator = Operator::administrator(app, &open.administrator.id, request);
    let secret = open.secret.clone();
    let changed = app.store.write(move |tx| {
        let administrators = users::lock_administrators(tx)?;
        match session::resume(tx, secret.clone(), operator.now())? {
            Some(_) => work(tx, &operator, &administrators).map(Some),
            None => Ok(None),
        }
    });
    let changed = changed.await.map_err(|error| store(request, app, &error))?;
    changed.ok_or_else(|| refuse(request, app, Obstacle::NotLetIn, None))
}

/// What every page of the session shows.
pub fn frame(app: &App, open: &OpenAdministration, current: &'static str) -> Frame {
    Frame {
        csrf_token: csrf::session_token(&open.secret),
        administrator: open.administrator.username.clone(),
        current,
        records_connections: app.config.connections.is_some(),
    }
}

/// A page.
pub fn show(request: &HttpRequest, app: &Administration, status: StatusCode, page: &impl Page) -> HttpResponse {
    respond::page(app, &language::of(request, app), status, page)
}

/// A request that cannot be read.
pub fn invalid(request: &HttpRequest, app: &Administration, error: &OAuthError) -> HttpResponse {
    respond::log(error);
    refuse(request, app, Obstacle::RequestInvalid, Some(&error.description))
}

/// The store does not answer, or has a fault.
pub fn store(request: &HttpRequest, app: &Administration, error: &StoreError) -> HttpResponse {
    respond::log(&OAuthError::temporarily_unavailable(error.to_string()));
    let is_away = error.is_unavailable();
    refuse(request, app, if is_away { Obstacle::Unavailable } else { Obstacle::Fault }, None)
}

/// A page that says why there is no other, and what to do.
pub fn refuse(request: &HttpRequest, app: &Administration, obstacle: Obstacle, detail: Option<&str>) -> HttpResponse {
    tracing::info!(code = obstacle.code(), detail, "refused");
    let page = ObstaclePage::new(obstacle, detail.map(str::to_owned), http::id_of_current());
    show(request, app, obstacle.status(), &page)
}
