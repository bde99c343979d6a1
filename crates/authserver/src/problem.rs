//! Error pages: what a person sees when an answer cannot go to the client (RFC 6749 §4.1.2.1).

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::error::{Code, OAuthError};
use gatelodge_oauth::known_clients::{self, KnownClient};
use gatelodge_service::guarded_fetch::FetchError;
use gatelodge_service::http;
use gatelodge_store::StoreError;

use crate::app::App;
use crate::clients::Unresolved;
use crate::clients::metadata_document::BACK_OFF;
use crate::login::sign_in::Next;
use crate::login::upstream::provider::Provider;
use crate::pages::{ErrorPage, Failure};
use crate::{language, respond};

/// An authorization request without a redirect target that could be trusted. The redirect URI it names only tells which client
/// it may come from; it is not shown.
pub fn authorization_request(
    app: &App,
    request: &HttpRequest,
    error: &OAuthError,
    redirect_uri: Option<&str>,
) -> HttpResponse {
    let failure = match error.code {
        Code::InvalidClient => Failure::ClientUnknown,
        Code::InvalidRequestUri => Failure::RequestEnded,
        Code::InteractionRequired => Failure::InteractionRequired,
        Code::TemporarilyUnavailable => Failure::TemporarilyUnavailable,
        _ if *error == OAuthError::redirect_uri_not_registered() => Failure::RedirectUriRefused,
        _ => Failure::RequestInvalid,
    };
    refuse(app, request, failure, error, known_clients::by_redirect_uri(redirect_uri.unwrap_or_default()))
}

/// A request of which nobody knows who sent it.
pub fn client(app: &App, request: &HttpRequest, unresolved: &Unresolved) -> HttpResponse {
    let (failure, detail) = match unresolved {
        Unresolved::Store(error) => return store(app, request, error),
        Unresolved::TooMany(wait) => return too_many_requests(app, request, *wait),
        Unresolved::NotAllowed { host } => (Failure::ClientNotAllowed, host.clone()),
        Unresolved::Invalid(error) => (Failure::ClientDocumentRefused, error.description.clone()),
        Unresolved::Unreachable { host, reason: FetchError::Status { status, .. } } => {
            (Failure::ClientDocumentUnreachable, format!("could not reach {host} (HTTP {status})"))
        }
        Unresolved::Unreachable { host, .. } => (Failure::ClientDocumentUnreachable, format!("could not reach {host}")),
    };
    let page = ErrorPage::new(failure, http::id_of_current()).with_detail(detail.clone());
    tracing::info!(code = page.code(), detail, "refused");
    let mut response = show(app, request, failure, page);
    if failure == Failure::ClientDocumentUnreachable {
        response.headers_mut().insert(RETRY_AFTER, BACK_OFF.as_secs().into());
    }
    response
}

/// RFC 6585 §4, for people: nothing is wrong with the request, and it is answered later.
pub fn too_many_requests(app: &App, request: &HttpRequest, wait: Duration) -> HttpResponse {
    let mut response = refuse(app, request, Failure::TooManyRequests, &OAuthError::too_many_requests(), Vec::new());
    response.headers_mut().insert(RETRY_AFTER, respond::whole_seconds(wait).into());
    response
}

/// A form that cannot be read.
pub fn form(app: &App, request: &HttpRequest, error: &OAuthError) -> HttpResponse {
    refuse(app, request, Failure::RequestInvalid, error, Vec::new())
}

/// The store does not answer, or has a fault: people are told whether it passes, and no more than that.
pub fn store(app: &App, request: &HttpRequest, error: &StoreError) -> HttpResponse {
    let failure = if error.is_unavailable() { Failure::TemporarilyUnavailable } else { Failure::ServerError };
    respond::log(&OAuthError::temporarily_unavailable(error.to_string()));
    show(app, request, failure, ErrorPage::new(failure, http::id_of_current()))
}

/// A page or form that leads nowhere, for a reason the person can understand.
pub fn failure(app: &App, request: &HttpRequest, failure: Failure) -> HttpResponse {
    let page = ErrorPage::new(failure, http::id_of_current());
    tracing::info!(code = page.code(), "refused");
    show(app, request, failure, page)
}

/// A sign-in at an OpenID provider that led to nobody, with the way back to where the person may try another one.
pub fn sign_in(
    app: &App,
    request: &HttpRequest,
    failure: Failure,
    next: &Next,
    provider: &Provider,
    detail: Option<String>,
) -> HttpResponse {
    let page = ErrorPage::new(failure, http::id_of_current());
    tracing::info!(code = page.code(), provider = provider.config.id, detail, "refused");
    let page = page.with_way_back(match next {
        Next::Consent(transaction) => format!("login?transaction={}", transaction.expose()),
        Next::Account => "login".into(),
    });
    let page = match detail {
        Some(detail) => page.with_detail(detail),
        None => page,
    };
    show(app, request, failure, page)
}

/// A passkey that signed nobody in, with the way back to the page where the person may try again, or something else.
pub fn passkey(app: &App, request: &HttpRequest, failure: Failure, page: &str, next: &Next) -> HttpResponse {
    let back = match next {
        Next::Consent(transaction) => format!("{page}?transaction={}", transaction.expose()),
        Next::Account => page.to_owned(),
    };
    let page = ErrorPage::new(failure, http::id_of_current()).with_way_back(back);
    tracing::info!(code = page.code(), "refused");
    show(app, request, failure, page)
}

fn refuse(
    app: &App,
    request: &HttpRequest,
    failure: Failure,
    error: &OAuthError,
    perhaps: Vec<KnownClient>,
) -> HttpResponse {
    respond::log(error);
    let page = ErrorPage::new(failure, http::id_of_current()).perhaps_of(&perhaps);
    // The description of a fault of ours says nothing to anybody; that of a bad request helps the client's developer.
    let page =
        if failure == Failure::TemporarilyUnavailable { page } else { page.with_detail(error.description.clone()) };
    show(app, request, failure, page)
}

fn show(app: &App, request: &HttpRequest, failure: Failure, page: ErrorPage) -> HttpResponse {
    let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let below = request.path().strip_prefix(app.config.public_url.path()).unwrap_or_default();
    respond::page(app, &language::of(request, app), status, &page.at(below))
}
