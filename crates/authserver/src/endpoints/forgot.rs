//! A forgotten password: `GET` and `POST /forgot`. Whoever says how they are called is sent a link by e-mail, with which `/reset` sets
//! another one. The answer is the same whoever is called so, and whether anybody is.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::secret::{Kind, Secret};

use crate::app::App;
use crate::login::{attempts, by_mail};
use crate::pages::{ForgotPage, ForgotProblem};
use crate::security_events::Origin;
use crate::session::OpenSession;
use crate::{csrf, language, own_page, problem};

/// `GET /forgot`, with the transaction of the sign-in page that leads here, to lead back to.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let page = match Parameters::parse(request.query_string().as_bytes()).and_then(|query| asked(&query)) {
        Ok(page) => page,
        Err(error) => return problem::form(&app, &request, &error),
    };
    match own_page::visit(&request, &app).await {
        Ok(session) => answer(&request, &app, &session, page, None),
        Err(page) => page,
    }
}

/// `POST /forgot`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (session, form) = match own_page::form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let page = match asked(&form) {
        Ok(page) => page,
        Err(error) => return problem::form(&app, &request, &error),
    };
    let typed = page.username.clone();
    match attempts::begin_message(&app, &request, &typed).await {
        Ok(Ok(())) => {}
        Ok(Err(wait)) => {
            let page = ForgotPage { problem: Some(ForgotProblem::TooManyAttempts), ..page };
            return answer(&request, &app, &session, page, Some(wait));
        }
        Err(error) => return problem::store(&app, &request, &error),
    }
    let origin = Origin::of(&request, &app.config);
    let page = match by_mail::send_link(&app, typed, language::of(&request, &app), origin) {
        Ok(()) => ForgotPage { done: true, ..page },
        Err(_) => ForgotPage { problem: Some(ForgotProblem::Busy), ..page },
    };
    answer(&request, &app, &session, page, None)
}

/// The page with what was typed.
fn asked(parameters: &Parameters) -> Result<ForgotPage, OAuthError> {
    let transaction = parameters.optional("transaction")?.and_then(|named| Secret::parse(Kind::Transaction, named));
    Ok(ForgotPage {
        csrf_token: String::new(),
        transaction: transaction.map(|transaction| transaction.expose().to_owned()),
        username: parameters.optional("username")?.unwrap_or_default().to_owned(),
        minutes: by_mail::LINK_LIFETIME.as_secs() / 60,
        problem: None,
        wait: None,
        done: false,
    })
}

fn answer(
    request: &HttpRequest,
    app: &App,
    session: &OpenSession,
    page: ForgotPage,
    wait: Option<Duration>,
) -> HttpResponse {
    let status = page.problem.map_or(StatusCode::OK, ForgotProblem::status);
    let page = ForgotPage { csrf_token: csrf::session_token(&session.secret), wait: wait.map(Into::into), ..page };
    let mut response = own_page::show(request, app, session, status, &page);
    super::sign_in::add_retry_after(&mut response, wait);
    response
}
