//! The decision: `GET` and `POST /consent`. Step 4 of the flow. What it writes is in `approval.rs`. The answer goes to the client
//! with the browser (RFC 6749 §4.1.2), or to a device that asks for it (RFC 8628 §3.3).

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::authorization_request::ClientAnswer;
use gatelodge_oauth::authorization_response::AuthorizationResponse;
use gatelodge_oauth::client::{Client, GrantType, Registration};
use gatelodge_oauth::client_id_metadata_document::DocumentUrl;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::resource::Resource;
use gatelodge_oauth::resource_tools::ListedTool;
use gatelodge_oauth::scope::Scope;
use gatelodge_store::users::User;
use gatelodge_store::{StoreError, grants, resource_tools, users};

use crate::app::App;
use crate::approval::{self, Answer, Decision};
use crate::endpoints::login::{self, Place};
use crate::pages::{
    AskedScope, Choice, ConsentPage, Destination, DeviceDonePage, Failure, Lasting, ShownTool, StepUp, Voucher,
};
use crate::transaction::{self, OpenTransaction};
use crate::{flight_recorder, problem, remembered_consent, respond};

/// `GET /consent`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let open = match transaction::of_query(&request, &app).await {
        Ok(open) => open,
        Err(page) => return page,
    };
    ask(&request, &app, &open, None).await
}

/// The question to whoever is signed in; with what was left ticked, it is asked again because that was nothing.
async fn ask(request: &HttpRequest, app: &App, open: &OpenTransaction, ticked: Option<&Scope>) -> HttpResponse {
    match signed_in_user(app, open).await {
        Ok(Some(asked)) => match app.resource(&open.pending.request.resource) {
            Some(resource) => {
                flight_recorder::consent_shown(app, request, &open.pending, &asked.user.id);
                page(app, open, resource, asked, ticked)
            }
            None => problem::failure(app, request, Failure::RequestEnded),
        },
        Ok(None) => login::go_to(app, Place::Login, &open.transaction, None),
        Err(error) => problem::store(app, request, &error),
    }
}

/// Whoever is asked.
struct Asked {
    user: User,
    /// What they allow this client at this resource already.
    held: Scope,
    /// The tools of the resource, as far as its sidecar tells them.
    tools: Vec<ListedTool>,
}

async fn signed_in_user(app: &App, open: &OpenTransaction) -> Result<Option<Asked>, StoreError> {
    let Some(user_id) = open.signed_in().cloned() else { return Ok(None) };
    let (request, now) = (&open.pending.request, app.clock.now());
    let (client_id, resource) = (request.client_id.clone(), request.resource.clone());
    let read = app.store.read(move |tx| {
        let Some(user) = users::find_enabled(tx, &user_id)? else { return Ok(None) };
        let held = grants::held_scope(tx, &user_id, &client_id, &resource, now)?;
        Ok(Some(Asked { user, held, tools: resource_tools::find(tx, resource.as_str())? }))
    });
    read.await
}

fn page(app: &App, open: &OpenTransaction, resource: &Resource, asked: Asked, ticked: Option<&Scope>) -> HttpResponse {
    let request = &open.pending.request;
    let scopes = asked_scopes(resource, &request.scope, &asked, ticked);
    let renews = open.client.may_use(GrantType::RefreshToken);
    let tokens = &app.config.tokens;
    respond::page(
        app,
        &open.language,
        if ticked.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK },
        &ConsentPage {
            transaction: open.transaction.expose().to_owned(),
            csrf_token: open.csrf_token(),
            client_name: open.client.name.clone(),
            voucher: voucher(&open.client),
            destination: Destination::from(&request.answer_to),
            account: asked.user.username,
            resource_name: resource.name.clone(),
            resource_url: resource.id.to_string(),
            step_up: step_up(&scopes, &asked.held),
            scopes,
            nothing_ticked: ticked.is_some(),
            remembered: remembered_consent::lasting(app, &open.client, request).map(Lasting),
            lifetime: Lasting(if renews { tokens.refresh_token } else { tokens.access_token }),
            renewal: renews.then_some(Lasting(tokens.access_token)),
        },
    )
}

/// What is new comes first: that is what there is to decide.
fn asked_scopes(resource: &Resource, requested: &Scope, asked: &Asked, ticked: Option<&Scope>) -> Vec<AskedScope> {
    let known = requested.intersection(&resource.known_scope());
    let fixed = resource.fixed_scope(requested);
    let held = resource.with_included(&asked.held);
    // What a scope includes is shown with it, unless it has a line of its own.
    let behind = |name: &str| {
        let reached = resource.included_in(name);
        let opens = |scope: &str| scope == name || (reached.contains(scope) && !known.contains(scope));
        ShownTool::first_of(asked.tools.iter().filter(|tool| tool.scope.iter().any(opens)))
    };
    let title = |name: &str| resource.scope(name).map_or_else(|| name.to_owned(), |scope| scope.title.clone());
    let line = |name: &str| AskedScope {
        name: name.to_owned(),
        tools: behind(name),
        title: title(name),
        includes: resource.included_in(name).iter().map(title).collect(),
        choice: match fixed.contains(name) {
            true if known.iter().count() == 1 => Choice::Only,
            true => Choice::Required,
            false => Choice::Free,
        },
        ticked: fixed.contains(name) || ticked.is_none_or(|ticked| ticked.contains(name)),
        had: held.contains(name),
    };
    let mut scopes: Vec<AskedScope> = known.iter().map(line).collect();
    scopes.sort_by_key(|scope| scope.had);
    scopes
}

fn step_up(asked: &[AskedScope], held: &Scope) -> Option<StepUp> {
    let had = asked.iter().filter(|scope| scope.had).count();
    match had {
        _ if held.is_empty() => None,
        0 => Some(StepUp::AllNew),
        _ if had == asked.len() => Some(StepUp::NothingNew),
        _ => Some(StepUp::SomeNew),
    }
}

/// Whose word the name of a client is.
fn voucher(client: &Client) -> Voucher {
    match client.registration {
        Registration::Configured => Voucher::Operator,
        Registration::MetadataDocument => described_by(client).map_or(Voucher::Nobody, |host| Voucher::Host { host }),
        Registration::Dynamic => Voucher::Nobody,
    }
}

/// The host that says who the client is.
pub(crate) fn described_by(client: &Client) -> Option<String> {
    let described = client.registration == Registration::MetadataDocument;
    let url = described.then(|| DocumentUrl::parse(&client.id).ok()).flatten()?;
    Some(url.host().to_owned())
}

/// `POST /consent`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (open, form) = match transaction::of_trusted_form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    if open.signed_in().is_none() {
        return login::go_to(&app, Place::Login, &open.transaction, None);
    }
    let decision = match decision(&form) {
        Ok(decision) => decision,
        Err(error) => return problem::form(&app, &request, &error),
    };
    if let Decision::Allow(ticked) = &decision
        && leaves_nothing(&app, &open, ticked)
    {
        return ask(&request, &app, &open, Some(ticked)).await;
    }
    match approval::decide(&request, &app, &open, decision).await {
        Ok(Some(answer)) => respond_to(&app, &open, &answer),
        Ok(None) => problem::failure(&app, &request, Failure::RequestEnded),
        Err(error) => problem::store(&app, &request, &error),
    }
}

fn decision(form: &Parameters) -> Result<Decision, OAuthError> {
    match form.required("decision") {
        // Names that are none, or were not asked for, are looked at no further: the page has no box for them.
        Ok("allow") => Ok(Decision::Allow(form.every("scope").into_iter().collect())),
        Ok("deny") => Ok(Decision::Deny),
        _ => Err(OAuthError::parameter_missing("decision")),
    }
}

/// Whether somebody unticked all there was. The question then stays: they may have meant to deny.
fn leaves_nothing(app: &App, open: &OpenTransaction, ticked: &Scope) -> bool {
    let request = &open.pending.request;
    let resource = app.resource(&request.resource);
    resource.is_some_and(|resource| resource.allowed_scope(&request.scope, ticked).is_empty())
}

fn respond_to(app: &App, open: &OpenTransaction, answer: &Answer) -> HttpResponse {
    match answer {
        Answer::Client(ClientAnswer { redirect_uri, state, .. }, code) => {
            let denied = OAuthError::denied_by_user();
            let response = code.as_ref().map_or(AuthorizationResponse::Error(&denied), AuthorizationResponse::Code);
            respond::to_client(&response, redirect_uri, state.as_deref(), app.config.public_url.as_str())
        }
        Answer::Device { allowed } => {
            let done = DeviceDonePage {
                allowed: *allowed,
                client_name: open.client.name.clone(),
                resource_name: app.resource_name(&open.pending.request.resource),
            };
            respond::page(app, &open.language, StatusCode::OK, &done)
        }
    }
}
