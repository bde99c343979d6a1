//! The keys that tokens are signed with: `GET /keys`, and `POST /keys`, which publishes one or takes one out of use, as `gatelodge key`
//! does. Taking out asks for a tick.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::error::OAuthError;
use gatelodge_store::signing_keys::{self, SigningKeyRow};

use crate::administration::session::OpenAdministration;
use crate::administration::{Administration, visit};
use crate::keys::KeyError;
use crate::pages::administration::{KeyLine, KeysPage, Obstacle};
use crate::respond;

/// `GET /keys`.
pub async fn show(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    match visit::page(&request, &app, &[]).await {
        Ok((open, _)) => page(&request, &app, &open, None).await,
        Err(page) => page,
    }
}

/// `POST /keys`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<Administration>) -> HttpResponse {
    let (open, form) = match visit::form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    match (form.optional("do"), form.optional("kid")) {
        (Ok(Some("rotate")), Ok(None)) => publish(&request, &app, &open).await,
        (Ok(Some("revoke")), Ok(Some(kid))) if form.optional("confirm") == Ok(Some("yes")) => {
            revoke(&request, &app, &open, kid.to_owned()).await
        }
        (Ok(Some("revoke")), Ok(Some(kid))) => page(&request, &app, &open, Some(kid.to_owned())).await,
        _ => visit::invalid(&request, &app, &OAuthError::parameter_invalid("do")),
    }
}

async fn publish(request: &HttpRequest, app: &Administration, open: &OpenAdministration) -> HttpResponse {
    let new = match app.keys.new_next(app.clock.now()).await {
        Ok(new) => new,
        Err(error) => return no_key(request, app, &error),
    };
    match visit::change(request, app, open, move |tx, operator, _| operator.publish_key(tx, &new)).await {
        Ok(next) => {
            let kid = next.map(|next| next.kid);
            tracing::info!(kid, by = %open.administrator.id, "an administrator wants another signing key");
            respond::see_other("/keys")
        }
        Err(page) => page,
    }
}

async fn revoke(request: &HttpRequest, app: &Administration, open: &OpenAdministration, kid: String) -> HttpResponse {
    let new = match app.keys.new_row(app.clock.now()).await {
        Ok(new) => new,
        Err(error) => return no_key(request, app, &error),
    };
    let wanted = kid.clone();
    match visit::change(request, app, open, move |tx, operator, _| operator.revoke_key(tx, &wanted, &new)).await {
        Ok(Some(active)) => {
            tracing::warn!(kid, active, by = %open.administrator.id, "an administrator took a signing key out of use");
            respond::see_other("/keys")
        }
        Ok(None) => visit::refuse(request, app, Obstacle::NotFound, None),
        Err(page) => page,
    }
}

fn no_key(request: &HttpRequest, app: &Administration, error: &KeyError) -> HttpResponse {
    tracing::error!(%error, "no signing key could be made");
    visit::refuse(request, app, Obstacle::Fault, None)
}

async fn page(
    request: &HttpRequest,
    app: &Administration,
    open: &OpenAdministration,
    unconfirmed: Option<String>,
) -> HttpResponse {
    match app.store.read(signing_keys::list).await {
        Ok(keys) => {
            let status = if unconfirmed.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            let page = KeysPage {
                frame: visit::frame(app, open, "keys"),
                has_next: keys.iter().any(SigningKeyRow::is_next),
                keys: keys.into_iter().map(|key| line(key, unconfirmed.as_deref())).collect(),
            };
            visit::show(request, app, status, &page)
        }
        Err(error) => visit::store(request, app, &error),
    }
}

fn line(key: SigningKeyRow, unconfirmed: Option<&str>) -> KeyLine {
    let state = key.state();
    let since = key.activates_at.unwrap_or(key.created_at);
    KeyLine {
        is_unconfirmed: unconfirmed == Some(key.kid.as_str()),
        state,
        time: if state == "retired" { key.needed_until.map(Into::into) } else { Some(since.into()) },
        algorithm: key.algorithm,
        kid: key.kid,
    }
}
