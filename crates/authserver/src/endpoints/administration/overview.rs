//! Where an administrator begins: `GET /overview`, and `GET /`, which leads there.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::administration::{Administration, visit};
use crate::pages::administration::OverviewPage;
use crate::respond;

/// `GET /`.
pub async fn redirect() -> HttpResponse {
    respond::see_other("/overview")
}

/// `GET /overview`.
pub async fn show(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    let open = match visit::page(&request, &app, &[]).await {
        Ok((open, _)) => open,
        Err(page) => return page,
    };
    let page = OverviewPage {
        frame: visit::frame(&app, &open, "overview"),
        until: open.expires_at.into(),
        issuer: app.config.public_url.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        resources: app.config.resources.iter().map(|resource| resource.name.clone()).collect(),
    };
    visit::show(&request, &app, StatusCode::OK, &page)
}
