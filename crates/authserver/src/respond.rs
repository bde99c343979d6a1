//! How answers look: the only file that turns an [`OAuthError`] into HTTP, as JSON, as a redirect, or as a page, and the
//! headers that every answer carries.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder};
use gatelodge_oauth::authorization_response::AuthorizationResponse;
use gatelodge_oauth::client_information::ClientInformation;
use gatelodge_oauth::error::{Code, OAuthError};
use gatelodge_oauth::introspection::Introspection;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::redirect_uri::RedirectTarget;
use gatelodge_oauth::status_list::MEDIA_TYPE;
use gatelodge_oauth::token_response::TokenResponse;
use serde::Serialize;
use serde_json::json;

use crate::administration::Administration;
use crate::app::App;
use crate::endpoints::device_authorization::DeviceAuthorizationResponse;
use crate::endpoints::pushed_authorization::PushedAuthorizationResponse;
use crate::pages::{Asset, Language, Page};
use crate::status_list::Document;

/// Nothing is loaded from elsewhere and nobody may frame a page. There is no `form-action` on purpose: Chromium applies it
/// to the whole chain of redirects after a post, which ends at the client.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// Of what pages load: as a document of its own it may do nothing but show itself.
const ASSET_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// For a year browsers use https alone for this host (RFC 6797 §6.1), so that nobody between can read a sign-in. The host
/// alone: what else lies under its domain is not ours to decide.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000";

/// How long clients may keep metadata and keys.
const METADATA_MAX_AGE: Duration = Duration::from_secs(300);

/// After a fault of ours, when to try again.
const RETRY_AFTER_SECONDS: u64 = 2;

/// Reads a form body: RFC 6749 §3.2 takes nothing else and nothing from the URL.
pub fn form(request: &HttpRequest, body: Result<Bytes, Error>, limit: usize) -> Result<Parameters, OAuthError> {
    if !request.query_string().is_empty() {
        return Err(OAuthError::parameters_in_url());
    }
    if !has_media_type(request, "application/x-www-form-urlencoded") {
        return Err(OAuthError::form_malformed());
    }
    Parameters::parse(&body.map_err(|_| OAuthError::body_too_large(limit))?)
}

/// Media types are the same in any case, and parameters do not make another one (RFC 9110 §8.3.1).
pub fn has_media_type(request: &HttpRequest, wanted: &str) -> bool {
    request.content_type().eq_ignore_ascii_case(wanted)
}

/// RFC 6749 §5.1.
pub fn token(response: &TokenResponse) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::PRAGMA, "no-cache")).json(response)
}

/// RFC 7009 §2.2: the client learns from the status alone.
pub fn revoked() -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// RFC 7662 §2.2.
pub fn introspection(answer: &Introspection) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::PRAGMA, "no-cache")).json(answer)
}

/// RFC 9126 §2.2.
pub fn pushed(response: &PushedAuthorizationResponse) -> HttpResponse {
    HttpResponse::Created().insert_header((header::PRAGMA, "no-cache")).json(response)
}

/// RFC 8628 §3.2.
pub fn device_codes(response: &DeviceAuthorizationResponse) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::PRAGMA, "no-cache")).json(response)
}

/// RFC 7591 §3.2.1.
pub fn registered(information: &ClientInformation) -> HttpResponse {
    HttpResponse::Created().insert_header((header::PRAGMA, "no-cache")).json(information)
}

/// RFC 7592 §2.1 and §2.2.
pub fn client_information(information: &ClientInformation) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::PRAGMA, "no-cache")).json(information)
}

/// RFC 7592 §2.3.
pub fn deregistered() -> HttpResponse {
    HttpResponse::NoContent().insert_header((header::PRAGMA, "no-cache")).finish()
}

/// The token of an `Authorization` header (RFC 6750 §2.1), when there is exactly one.
pub fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let (Some(only), None) = (headers.next(), headers.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// RFC 6750 §3: who presents no token is told how to, and no more (§3.1).
pub fn bearer_refused(error: &OAuthError, request: &HttpRequest) -> HttpResponse {
    log(error);
    let challenge = match request.headers().contains_key(header::AUTHORIZATION) {
        true => "Bearer realm=\"registration\", error=\"invalid_token\"",
        false => "Bearer realm=\"registration\"",
    };
    HttpResponse::Unauthorized().insert_header((header::WWW_AUTHENTICATE, challenge)).json(described(error))
}

/// RFC 7592 §2: the token is good, and what it asks for is not offered.
pub fn forbidden(error: &OAuthError) -> HttpResponse {
    log(error);
    HttpResponse::Forbidden().json(described(error))
}

/// RFC 6585 §4. Whole seconds, and never so few that the next one is refused as well.
pub fn too_many_requests(wait: Duration) -> HttpResponse {
    let error = OAuthError::too_many_requests();
    log(&error);
    HttpResponse::TooManyRequests().insert_header((header::RETRY_AFTER, whole_seconds(wait))).json(described(&error))
}

/// As `Retry-After` takes them (RFC 9110 §10.2.3).
pub fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn described(error: &OAuthError) -> serde_json::Value {
    json!({ "error": error.code.as_str(), "error_description": error.description })
}

/// RFC 6749 §5.2: a refusal as JSON. A fault of ours is 503 and nothing else, because clients throw tokens or registrations
/// away on most other answers.
pub fn oauth_error(error: &OAuthError, basic_was_used: bool) -> HttpResponse {
    log(error);
    let mut response = match error.code {
        Code::InvalidClient => HttpResponse::Unauthorized(),
        Code::TemporarilyUnavailable => temporarily_unavailable(),
        _ => HttpResponse::BadRequest(),
    };
    if error.code == Code::InvalidClient && basic_was_used {
        response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"gatelodge\""));
    }
    response.json(described(error))
}

/// The browser goes back to the client: RFC 6749 §4.1.2. 303, so that a form is never posted again.
pub fn to_client(
    response: &AuthorizationResponse<'_>,
    target: &RedirectTarget,
    state: Option<&str>,
    issuer: &str,
) -> HttpResponse {
    if let AuthorizationResponse::Error(error) = response {
        log(error);
    }
    see_other(&response.location(target, state, issuer))
}

/// A redirect to one of our own pages.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// A page. The language may depend on what the browser prefers (RFC 9110 §12.5.5).
pub fn page(app: &App, language: &Language, status: StatusCode, page: &impl Page) -> HttpResponse {
    match app.pages.render(page, language) {
        Ok(html) => builder(status)
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_LANGUAGE, language.tag()))
            .insert_header((header::VARY, "Accept-Language"))
            .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
            .insert_header((header::X_FRAME_OPTIONS, "DENY"))
            .body(html),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            temporarily_unavailable().content_type("text/plain; charset=utf-8").body("temporarily unavailable\n")
        }
    }
}

/// A file for the person who asked for it.
pub fn download(name: &str, content: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .json(content)
}

/// A file of a page, under a URL that changes with it. An image can hold scripts when it is an SVG: opened by itself, it runs none.
pub fn asset(asset: &Asset) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(asset.content_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::ETAG, asset.etag.as_str()))
        .insert_header((header::CONTENT_SECURITY_POLICY, ASSET_SECURITY_POLICY))
        .body(asset.bytes.clone())
}

/// A document made at start that anybody may read and keep for a while.
pub fn public_json(document: &Bytes) -> HttpResponse {
    let cache = format!("public, max-age={}", METADATA_MAX_AGE.as_secs());
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, cache))
        .content_type("application/json")
        .body(document.clone())
}

/// The signed status list (draft-ietf-oauth-status-list §8.1), or that the client has it already (RFC 9110 §15.4.5).
pub fn status_list(document: &Document, is_known: bool) -> HttpResponse {
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, "public, max-age=1"))
        .insert_header((header::ETAG, document.etag.as_str()));
    if is_known { response.finish() } else { response.content_type(MEDIA_TYPE).body(document.jwt.clone()) }
}

/// A refusal that no RFC gives a code: an unknown path, a wrong method.
pub fn plain_error(status: StatusCode, error: &'static str, allow: Option<&'static str>) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    if let Some(allow) = allow {
        response.insert_header((header::ALLOW, allow));
    }
    response.json(PlainError { error })
}

/// RFC 6750 §3: to a sidecar whose secret for the audit trail is not ours.
pub fn wrong_secret() -> HttpResponse {
    HttpResponse::Unauthorized()
        .insert_header((header::WWW_AUTHENTICATE, "Bearer"))
        .json(PlainError { error: "invalid_token" })
}

#[derive(Serialize)]
struct PlainError {
    error: &'static str,
}

/// Middleware: what every answer carries unless its maker said otherwise. Codes, tokens and forms must not be kept, nor
/// told to the next site.
pub async fn default_headers<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let by_https = request.app_data::<Data<App>>().is_some_and(|app| app.config.public_url.is_https());
    with_headers(request, next, by_https).await
}

/// The same, where administrators are let in.
pub async fn headers_of_administration<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let by_https =
        request.app_data::<Data<Administration>>().is_some_and(|administration| administration.url.is_https());
    with_headers(request, next, by_https).await
}

async fn with_headers<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
    by_https: bool,
) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    if by_https {
        add(headers, header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT_SECURITY);
    }
    add(headers, header::CACHE_CONTROL, "no-store");
    add(headers, header::REFERRER_POLICY, "no-referrer");
    add(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    Ok(response)
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn builder(status: StatusCode) -> HttpResponseBuilder {
    if status == StatusCode::SERVICE_UNAVAILABLE { temporarily_unavailable() } else { HttpResponse::build(status) }
}

fn temporarily_unavailable() -> HttpResponseBuilder {
    let mut response = HttpResponse::ServiceUnavailable();
    response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
    response
}

/// A refusal is an event for whoever asks "why does it not connect?"; a fault of ours is one for whoever runs the server.
pub fn log(error: &OAuthError) {
    match error.code {
        Code::TemporarilyUnavailable => tracing::error!(code = error.code.as_str(), detail = %error.detail, "refused"),
        // What every waiting device hears every few seconds (RFC 8628 §3.5) says nothing to anybody.
        Code::AuthorizationPending | Code::SlowDown => {
            tracing::debug!(code = error.code.as_str(), detail = %error.detail, "refused");
        }
        _ => tracing::info!(code = error.code.as_str(), detail = %error.detail, "refused"),
    }
}
