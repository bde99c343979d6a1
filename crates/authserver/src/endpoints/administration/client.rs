//! One client: `GET /client` with `id`, and `POST /client`, which ends what it was allowed or takes it out. Taking out asks for a tick.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::client::{Client, ClientId, ClientKeys, Registration};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{StoreError, Tx};

use super::clients::use_of;
use super::paging;
use crate::administration::session::OpenAdministration;
use crate::administration::{Administration, visit};
use crate::app::App;
use crate::clients::configured;
use crate::endpoints::consent::described_by;
use crate::pages::administration::{ClientAction, ClientPage, ClientUse, Obstacle};
use crate::respond;

/// What is known.
struct Known {
    client: Client,
    in_configuration: bool,
    usage: ClientUse,
}

/// What became of a form.
enum Outcome {
    Revoked,
    Removed,
    NotFound,
}

/// `GET /client`.
pub async fn show(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    let (open, query) = match visit::page(&request, &app, &["id"]).await {
        Ok(asked) => asked,
        Err(page) => return page,
    };
    match query.required("id") {
        Ok(id) => page(&request, &app, &open, ClientId::new(id.to_owned()), false).await,
        Err(error) => visit::invalid(&request, &app, &error),
    }
}

/// `POST /client`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<Administration>) -> HttpResponse {
    let (open, form) = match visit::form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let (id, action) = match visit::wanted(&form, ClientAction::of) {
        Ok((id, action)) => (ClientId::new(id.to_owned()), action),
        Err(error) => return visit::invalid(&request, &app, &error),
    };
    if action == ClientAction::Remove && configured::find(&app.config, &id).is_some() {
        // It would be there again at once: the configuration says so.
        return visit::invalid(&request, &app, &OAuthError::parameter_invalid("do"));
    }
    if action == ClientAction::Remove && form.optional("confirm") != Ok(Some("yes")) {
        return page(&request, &app, &open, id, true).await;
    }
    let (state, wanted) = (app.clone(), id.clone());
    let changed = visit::change(&request, &app, &open, move |tx, operator, _| {
        if find(tx, &state, &wanted)?.is_none() {
            return Ok(Outcome::NotFound);
        }
        match action {
            ClientAction::RevokeAll => operator.revoke_all_of_client(tx, &wanted).map(|_| Outcome::Revoked),
            ClientAction::Remove => operator.remove_client(tx, &wanted).map(|_| Outcome::Removed),
        }
    });
    let changed = changed.await;
    if let Ok(Outcome::Revoked | Outcome::Removed) = changed {
        let by = &open.administrator.id;
        tracing::info!(client_id = %id, %by, what = action.as_str(), "an administrator did something");
    }
    match changed {
        Ok(Outcome::Revoked) => respond::see_other(&format!("/client?{}", paging::query(&[("id", id.as_str())]))),
        Ok(Outcome::Removed) => respond::see_other("/clients"),
        Ok(Outcome::NotFound) => visit::refuse(&request, &app, Obstacle::NotFound, None),
        Err(page) => page,
    }
}

async fn page(
    request: &HttpRequest,
    app: &Administration,
    open: &OpenAdministration,
    id: ClientId,
    is_unconfirmed: bool,
) -> HttpResponse {
    let (state, now) = (app.clone(), app.clock.now());
    match app.store.read(move |tx| load(tx, &state, &id, now)).await {
        Ok(Some(known)) => {
            let status = if is_unconfirmed { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            visit::show(request, app, status, &ClientPage { is_unconfirmed, ..shown(app, open, known) })
        }
        Ok(None) => visit::refuse(request, app, Obstacle::NotFound, None),
        Err(error) => visit::store(request, app, &error),
    }
}

/// Also one that the configuration does not let in any more: it is still there to be taken out.
fn find(tx: &mut Tx, app: &App, id: &ClientId) -> Result<Option<Client>, StoreError> {
    match configured::find(&app.config, id) {
        Some(configured) => Ok(Some(configured.clone())),
        None => gatelodge_store::clients::find(tx, id),
    }
}

fn load(tx: &mut Tx, app: &App, id: &ClientId, now: Timestamp) -> Result<Option<Known>, StoreError> {
    let Some(client) = find(tx, app, id)? else { return Ok(None) };
    let in_configuration = configured::find(&app.config, id).is_some();
    Ok(Some(Known { client, in_configuration, usage: use_of(tx, id, now)? }))
}

fn shown(app: &App, open: &OpenAdministration, known: Known) -> ClientPage {
    let Known { client, in_configuration, usage } = known;
    let mut actions = Vec::new();
    if usage.grants > 0 {
        actions.push(ClientAction::RevokeAll);
    }
    if !in_configuration {
        actions.push(ClientAction::Remove);
    }
    ClientPage {
        frame: visit::frame(app, open, "clients"),
        kind: client.registration.as_str(),
        in_configuration,
        is_refused: !in_configuration && !app.config.client_documents.permits(&client),
        comes_back: client.registration == Registration::MetadataDocument,
        host: described_by(&client),
        created: (!in_configuration).then(|| client.issued_at.into()),
        grant_types: client.grant_types.iter().map(|kind| kind.as_str()).collect(),
        auth_methods: client.auth_methods.iter().map(|method| method.as_str()).collect(),
        has_keys: match &client.keys {
            None => None,
            Some(ClientKeys::Inline(_)) => Some(String::new()),
            Some(ClientKeys::Uri(uri)) => Some(uri.clone()),
        },
        scope: client.scope.as_ref().map(ToString::to_string),
        resources: client.resources.unwrap_or_default().iter().map(|id| app.resource_name(id)).collect(),
        may_introspect: client.may_introspect,
        query: paging::query(&[("client", client.id.as_str())]),
        id: client.id.to_string(),
        name: client.name,
        client_uri: client.client_uri,
        redirect_uris: client.redirect_uris,
        usage,
        actions,
        is_unconfirmed: false,
    }
}
