//! The status list token: draft-ietf-oauth-status-list §8.1. Public, like the keys; polled by resource servers, which mostly
//! hear that nothing changed.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::app::App;
use crate::respond;

/// `GET /status-list`.
pub async fn status_list(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match app.status_list.current(&app).await {
        Ok(document) => {
            let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
            respond::status_list(&document, known.is_some_and(|known| names(known, &document.etag)))
        }
        Err(error) => respond::oauth_error(&error, false),
    }
}

/// RFC 9110 §13.1.2, by the weak comparison.
fn names(if_none_match: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if_none_match.trim() == "*" || if_none_match.split(',').any(|tag| opaque(tag) == opaque(etag))
}
