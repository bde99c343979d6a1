//! Which language the pages for a request are in. Called by whatever shows a page.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT_LANGUAGE;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_store::pending_authorizations::PendingAuthorization;

use crate::app::App;
use crate::pages::Language;

/// By the URL itself, where the client asks there (`ui_locales`, OpenID Connect Core 1.0 §3.1.2.1), else by the browser.
pub fn of(request: &HttpRequest, app: &App) -> Language {
    let query = Parameters::parse(request.query_string().as_bytes()).ok();
    let ui_locales = query.as_ref().and_then(|query| query.optional("ui_locales").ok().flatten());
    choose(request, app, ui_locales)
}

/// By what the client asked for when the request began, else by the browser.
pub fn of_pending(request: &HttpRequest, app: &App, pending: &PendingAuthorization) -> Language {
    choose(request, app, pending.request.sign_in.ui_locales.as_deref())
}

/// RFC 9110 §5.3: several header lines are one list.
fn choose(request: &HttpRequest, app: &App, ui_locales: Option<&str>) -> Language {
    let lines = request.headers().get_all(ACCEPT_LANGUAGE).filter_map(|line| line.to_str().ok());
    let accept_language = lines.collect::<Vec<_>>().join(",");
    app.pages.language(ui_locales, Some(&accept_language)).clone()
}
