//! `GET /privacy` and `GET /terms`: the operator's texts, where the configuration has them as files. Every page links to them.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::app::App;
use crate::branding::LegalText;
use crate::pages::LegalPage;
use crate::{language, respond};

/// `GET /privacy`.
pub async fn privacy_policy(request: HttpRequest, app: Data<App>) -> HttpResponse {
    page(&request, &app, "privacy-policy", app.config.branding.privacy_policy.as_ref())
}

/// `GET /terms`.
pub async fn terms(request: HttpRequest, app: Data<App>) -> HttpResponse {
    page(&request, &app, "terms-of-service", app.config.branding.terms.as_ref())
}

fn page(request: &HttpRequest, app: &App, title: &'static str, text: Option<&LegalText>) -> HttpResponse {
    match text {
        Some(LegalText::Paragraphs(paragraphs)) => {
            let page = LegalPage { title, paragraphs: paragraphs.clone() };
            respond::page(app, &language::of(request, app), StatusCode::OK, &page)
        }
        Some(LegalText::Url(_)) | None => respond::plain_error(StatusCode::NOT_FOUND, "not_found", None),
    }
}
