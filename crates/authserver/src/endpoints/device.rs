//! Where a person types the code that a device shows: `GET` and `POST /device`. RFC 8628 §3.3. From there it goes on like an
//! authorization request, to sign-in and consent, where the code is shown again to be compared (§5.4). A link that carries the
//! code (§3.3.1) only fills the form.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::grant::device_code::UserCode;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_service::http::source;
use gatelodge_store::device_authorizations;

use crate::app::App;
use crate::endpoints::login::MAX_BODY;
use crate::limits::Source;
use crate::pages::{DevicePage, DeviceProblem, Failure};
use crate::{csrf, language, problem, respond, transaction};

/// `GET /device`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let query = Parameters::parse(request.query_string().as_bytes()).ok();
    let sent = query.as_ref().and_then(|query| query.optional("user_code").ok().flatten());
    let user_code = sent.and_then(UserCode::parse).map(|code| code.to_string());
    page(&request, &app, user_code.unwrap_or_default(), None)
}

/// `POST /device`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let form = match respond::form(&request, body, MAX_BODY) {
        Ok(form) => form,
        Err(error) => return problem::form(&app, &request, &error),
    };
    if !csrf::comes_from_our_page(&request, &app.config) {
        return problem::failure(&app, &request, Failure::FormRefused);
    }
    let typed = match form.optional("user_code") {
        Ok(typed) => typed.unwrap_or_default().to_owned(),
        Err(error) => return problem::form(&app, &request, &error),
    };
    let source = app.config.trusted_proxies.source_of(&request).map(source::subscriber);
    let now = app.clock.now();
    let Some(user_code) = UserCode::parse(&typed) else {
        // No code looks like this: nothing was guessed.
        return page(&request, &app, typed, Some(DeviceProblem::CodeUnknown));
    };
    if !app.code_guesses.take(source, now) {
        tracing::warn!("too many wrong user codes: no more are looked up for a minute");
        return page(&request, &app, typed, Some(DeviceProblem::TooManyAttempts));
    }
    match app.store.read(move |tx| device_authorizations::find_by_user_code(tx, &user_code)).await {
        Ok(Some(device)) if device.is_waiting(now) => {
            app.code_guesses.give_back(source, now);
            if let Err(wait) = app.limits.requests.count(Source::of(&request, &app.config)) {
                return problem::too_many_requests(&app, &request, wait);
            }
            transaction::begin(&request, &app, device.request()).await
        }
        Ok(_) => {
            tracing::info!("unknown, expired or answered user code");
            page(&request, &app, typed, Some(DeviceProblem::CodeUnknown))
        }
        Err(error) => {
            app.code_guesses.give_back(source, now);
            problem::store(&app, &request, &error)
        }
    }
}

fn page(request: &HttpRequest, app: &App, user_code: String, problem: Option<DeviceProblem>) -> HttpResponse {
    let status = match problem {
        None => StatusCode::OK,
        Some(DeviceProblem::CodeUnknown) => StatusCode::BAD_REQUEST,
        Some(DeviceProblem::TooManyAttempts) => StatusCode::TOO_MANY_REQUESTS,
    };
    respond::page(app, &language::of(request, app), status, &DevicePage { user_code, problem })
}
