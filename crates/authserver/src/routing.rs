//! Which methods a route takes, how large a body may be, and who may ask: the kinds of routes of `app.rs`.

use actix_cors::Cors;
use actix_web::dev::HttpServiceFactory;
use actix_web::guard::{Any, Get, Head};
use actix_web::http::{StatusCode, header};
use actix_web::web::{self, PayloadConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Route};

use crate::endpoints::login::MAX_BODY;
use crate::respond;

fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

/// A page for people.
pub fn page<F, Args>(resource: Resource, show: F) -> Resource
where
    F: Handler<Args, Output = HttpResponse>,
    Args: FromRequest + 'static,
{
    resource.route(read().to(show)).default_service(allow("GET, HEAD"))
}

/// A page for people, and the forms on it.
pub fn form<Show, ShowArgs, Submit, SubmitArgs>(resource: Resource, show: Show, submit: Submit) -> Resource
where
    Show: Handler<ShowArgs, Output = HttpResponse>,
    ShowArgs: FromRequest + 'static,
    Submit: Handler<SubmitArgs, Output = HttpResponse>,
    SubmitArgs: FromRequest + 'static,
{
    resource
        .app_data(PayloadConfig::new(MAX_BODY))
        .route(read().to(show))
        .route(web::post().to(submit))
        .default_service(allow("GET, HEAD, POST"))
}

/// What forms of several pages are posted to.
pub fn button<F, Args>(resource: Resource, submit: F) -> Resource
where
    F: Handler<Args, Output = HttpResponse>,
    Args: FromRequest + 'static,
{
    resource.app_data(PayloadConfig::new(MAX_BODY)).route(web::post().to(submit)).default_service(allow("POST"))
}

/// A document for every client, browser-based ones included.
pub fn readable<F, Args>(resource: Resource, handler: F) -> impl HttpServiceFactory
where
    F: Handler<Args, Output = HttpResponse>,
    Args: FromRequest + 'static,
{
    resource.route(read().to(handler)).default_service(allow("GET, HEAD")).wrap(cors(&["GET", "HEAD"]))
}

/// An endpoint that clients post to, browser-based ones included.
pub fn postable<F, Args>(resource: Resource, max_body: usize, handler: F) -> impl HttpServiceFactory
where
    F: Handler<Args, Output = HttpResponse>,
    Args: FromRequest + 'static,
{
    resource
        .app_data(PayloadConfig::new(max_body))
        .route(web::post().to(handler))
        .default_service(allow("POST"))
        .wrap(cors(&["POST"]))
}

/// Any origin, no cookies: these endpoints hold nothing of a browser session. SDKs send their own headers at discovery.
pub fn cors(methods: &[&str]) -> Cors {
    Cors::default()
        .send_wildcard()
        .allow_any_origin()
        .allowed_methods(methods.iter().copied())
        .allow_any_header()
        .expose_headers([header::WWW_AUTHENTICATE, header::RETRY_AFTER])
        .max_age(86_400)
}

/// Any other method (RFC 9110 §15.5.6).
pub fn allow(methods: &'static str) -> Route {
    web::to(
        move || async move { respond::plain_error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", Some(methods)) },
    )
}

/// A short 404: clients that look for documents read it as "not here, try the next place".
pub async fn not_found() -> HttpResponse {
    respond::plain_error(StatusCode::NOT_FOUND, "not_found", None)
}
