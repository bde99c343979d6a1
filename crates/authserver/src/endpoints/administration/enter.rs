//! Letting an administrator in: `GET` and `POST /enter`, behind the link of `gatelodge administration link`; and out again:
//! `POST /sign-out`.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::administration_sessions;

use crate::administration::Administration;
use crate::administration::operator::Operator;
use crate::administration::session::{self, OpenAdministration};
use crate::administration::visit;
use crate::endpoints::login::MAX_BODY;
use crate::login::one_time_links;
use crate::pages::administration::{EnterPage, Obstacle};
use crate::security_events::{SecurityEvent, What};
use crate::{csrf, respond};

/// `GET /enter`.
pub async fn show(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    let ended = || visit::refuse(&request, &app, Obstacle::LinkEnded, None);
    let Some(secret) = one_time_links::of_query(&request, Kind::AdministrationLink) else { return ended() };
    let (hash, now) = (secret.hash(), app.clock.now());
    match app.store.read(move |tx| session::invited(tx, &hash, now)).await {
        Ok(Some(user)) => {
            let hours = session::LIFETIME.as_secs() / 3_600;
            let page = EnterPage { secret: secret.expose().to_owned(), account: user.username, hours };
            visit::show(&request, &app, StatusCode::OK, &page)
        }
        Ok(None) => ended(),
        Err(error) => visit::store(&request, &app, &error),
    }
}

/// `POST /enter`. The secret is what ties the form to us: nobody else can fill it in.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<Administration>) -> HttpResponse {
    let form = match respond::form(&request, body, MAX_BODY) {
        Ok(form) => form,
        Err(error) => return visit::invalid(&request, &app, &error),
    };
    if !csrf::comes_from(&request, &app.url.origin()) {
        return visit::refuse(&request, &app, Obstacle::FormRefused, None);
    }
    let presented = form.optional("secret").ok().flatten();
    match presented.and_then(|presented| Secret::parse(Kind::AdministrationLink, presented)) {
        Some(secret) => open(&request, &app, &secret).await,
        None => visit::refuse(&request, &app, Obstacle::LinkEnded, None),
    }
}

async fn open(request: &HttpRequest, app: &Administration, link: &Secret) -> HttpResponse {
    let (state, hash, now) = (app.clone(), link.hash(), app.clock.now());
    let origin = crate::security_events::Origin::of(request, &app.config);
    let opened = app.store.write(move |tx| {
        let opened = session::open(tx, &hash, now)?;
        if let Some(open) = &opened {
            let event = SecurityEvent::new(&state.config, What::AdministrationEntered, &open.administrator.id, now);
            event.because("link").from(&origin).keep(tx)?;
        }
        Ok(opened)
    });
    match opened.await {
        Ok(Some(open)) => {
            tracing::info!(sub = %open.administrator.id, "an administrator was let in");
            go_in(app, &open)
        }
        Ok(None) => visit::refuse(request, app, Obstacle::LinkEnded, None),
        Err(error) => visit::store(request, app, &error),
    }
}

fn go_in(app: &Administration, open: &OpenAdministration) -> HttpResponse {
    let mut response = respond::see_other("/overview");
    if response.add_cookie(&session::cookie(open, &app.url)).is_err() {
        tracing::error!("a session cookie could not be written");
    }
    response
}

/// `POST /sign-out`.
pub async fn sign_out(request: HttpRequest, body: Result<Bytes, Error>, app: Data<Administration>) -> HttpResponse {
    let open = match visit::form(&request, body, &app).await {
        Ok((open, _)) => open,
        Err(page) => return page,
    };
    let (hash, id) = (open.secret.hash(), open.administrator.id.clone());
    let left = Operator::administrator(&app, &id, &request).event(What::AdministrationLeft, &id);
    let ended = app.store.write(move |tx| {
        let ended = administration_sessions::delete(tx, &hash)?;
        if ended { left.keep(tx) } else { Ok(()) }
    });
    if let Err(error) = ended.await {
        return visit::store(&request, &app, &error);
    }
    tracing::info!(sub = %open.administrator.id, "an administrator went out");
    let mut response = respond::see_other("/overview");
    if response.add_cookie(&session::no_cookie(&app.url)).is_err() {
        tracing::error!("a session cookie could not be taken back");
    }
    response
}
