//! The decision: `GET` and `POST /consent`. Step 4 of the flow. The request is spent by the answer, whatever it is, and a
//! grant is written only here, for a signed-in person, in the transaction that spends the request. The answer goes to the
//! client with the browser (RFC 6749 §4.1.2), or to a device that asks for it (RFC 8628 §3.3).

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::authorization_request::{AnswerTo, ClientAnswer, DeviceAnswer};
use gatelodge_oauth::authorization_response::AuthorizationResponse;
use gatelodge_oauth::client::{Client, Registration};
use gatelodge_oauth::client_id_metadata_document::DocumentUrl;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::authorization_code::AuthorizationCode;
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::pending_authorizations::PendingAuthorization;
use gatelodge_store::users::User;
use gatelodge_store::{
    StoreError, Tx, authorization_codes, device_authorizations, grants, pending_authorizations,
    pushed_authorization_requests as pushed_requests, users,
};

use crate::app::App;
use crate::endpoints::login::{self, Place};
use crate::pages::{ConsentPage, Destination, DeviceDonePage, Failure, ScopeLine};
use crate::security_events::{SecurityEvent, What};
use crate::transaction::{self, OpenTransaction};
use crate::{clients, problem, respond};

/// `GET /consent`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let open = match transaction::of_query(&request, &app).await {
        Ok(open) => open,
        Err(page) => return page,
    };
    match signed_in_user(&app, &open).await {
        Ok(Some(user)) => page(&app, &open, user),
        Ok(None) => login::go_to(&app, Place::Login, &open.transaction, None),
        Err(error) => problem::store(&app, &request, &error),
    }
}

async fn signed_in_user(app: &App, open: &OpenTransaction) -> Result<Option<User>, StoreError> {
    let Some(user_id) = open.signed_in().cloned() else { return Ok(None) };
    app.store.read(move |tx| users::find_enabled(tx, &user_id)).await
}

fn page(app: &App, open: &OpenTransaction, user: User) -> HttpResponse {
    let request = &open.pending.request;
    let resource = app.resource(&request.resource);
    let title = |name: &str| {
        let known = resource.and_then(|resource| resource.scopes.iter().find(|scope| scope.name == name));
        known.map_or_else(|| name.to_owned(), |scope| scope.title.clone())
    };
    let scopes = request.scope.iter().map(|name| ScopeLine { name: name.to_owned(), title: title(name) }).collect();
    respond::page(
        app,
        &open.language,
        StatusCode::OK,
        &ConsentPage {
            transaction: open.transaction.expose().to_owned(),
            csrf_token: open.csrf_token(),
            client_name: open.client.name.clone(),
            unverified: open.client.registration == Registration::Dynamic,
            described_by: described_by(&open.client),
            destination: Destination::from(&request.answer_to),
            account: user.username,
            resource_name: app.resource_name(&request.resource),
            resource_url: request.resource.to_string(),
            scopes,
            lifetime: app.config.tokens.refresh_token,
        },
    )
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
    let allowed = match form.required("decision") {
        Ok("allow") => true,
        Ok("deny") => false,
        _ => return problem::form(&app, &request, &OAuthError::parameter_missing("decision")),
    };
    match decide(&request, &app, &open, allowed).await {
        Ok(Some(answer)) => respond_to(&app, &open, &answer),
        Ok(None) => problem::failure(&app, &request, Failure::RequestEnded),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// What a decision leads to.
enum Answer {
    /// RFC 6749 §4.1.2: the code, or `access_denied`.
    Client(ClientAnswer, Option<Secret>),
    /// The device learns it when it asks next.
    Device { allowed: bool },
}

/// Spends the request and, when it was allowed, writes the grant. `None`: another answer was faster.
async fn decide(
    request: &HttpRequest,
    app: &App,
    open: &OpenTransaction,
    allowed: bool,
) -> Result<Option<Answer>, StoreError> {
    let (state, now, code) = (app.clone(), app.clock.now(), Secret::generate(Kind::AuthorizationCode));
    let (transaction, session) = (open.transaction.hash(), open.session.clone());
    let granted = |user_id: &UserId| SecurityEvent::new(&app.config, What::Granted, user_id, now);
    let event = open.signed_in().map(|user_id| granted(user_id).of_request(request, &app.config));
    let written = app.store.write(move |tx| {
        let Some(pending) = pending_authorizations::consume(tx, &transaction, &session.secret.hash())? else {
            return Ok(None);
        };
        // Whether the sign-in is complete is asked here again, by what is written.
        let Some(user_id) = transaction::signed_in(&pending, &session) else { return Ok(None) };
        if users::find_enabled(tx, user_id)?.is_none() {
            return Ok(None);
        }
        // The client may be gone, or hold to less, since the page was shown.
        let client = clients::find(tx, &state, &pending.request.client_id)?;
        let Some(request) = client.and_then(|client| pending.request.under_limits_of(&client)) else {
            return Ok(None);
        };
        let pending = PendingAuthorization { request, ..pending };
        let still_waits = match &pending.request.answer_to {
            AnswerTo::Client(ClientAnswer { pushed: Some(pushed), .. }) => pushed_requests::consume(tx, pushed)?,
            AnswerTo::Client(ClientAnswer { pushed: None, .. }) => true,
            AnswerTo::Device(answer) => device_authorizations::hold_waiting(tx, &answer.device, now)?,
        };
        if !still_waits {
            return Ok(None);
        }
        let grant = match allowed {
            true => Some(write_grant(tx, &state, &pending, user_id.clone(), now)?),
            false => None,
        };
        if let (Some(grant), Some(event)) = (&grant, &event) {
            event.clone().about(grant).keep(tx)?;
        }
        let answer = match pending.request.answer_to {
            AnswerTo::Client(answer) => {
                if let Some(grant) = &grant {
                    let code = authorization_code(&state, &answer, grant, &code, now);
                    authorization_codes::insert(tx, &code)?;
                }
                Answer::Client(answer, grant.is_some().then(|| code.clone()))
            }
            AnswerTo::Device(DeviceAnswer { device, .. }) => {
                match &grant {
                    Some(grant) => device_authorizations::allow(tx, &device, &grant.id)?,
                    None => device_authorizations::deny(tx, &device, now)?,
                }
                Answer::Device { allowed }
            }
        };
        Ok(Some((answer, grant)))
    });
    let Some((answer, grant)) = written.await? else { return Ok(None) };
    match grant {
        Some(grant) => {
            tracing::info!(client_id = %grant.client_id, sub = grant.subject(), grant_id = %grant.id, scope = %grant.scope, "consent given")
        }
        None => tracing::info!(client_id = %open.pending.request.client_id, "consent denied"),
    }
    Ok(Some(answer))
}

fn write_grant(
    tx: &mut Tx,
    app: &App,
    pending: &PendingAuthorization,
    user_id: UserId,
    now: Timestamp,
) -> Result<Grant, StoreError> {
    let grant = Grant {
        id: GrantId::generate(),
        user_id: Some(user_id),
        client_id: pending.request.client_id.clone(),
        resource: pending.request.resource.clone(),
        scope: pending.request.scope.clone(),
        created_at: now,
        expires_at: now.plus(app.config.tokens.refresh_token),
        revoked_at: None,
        auth_method: None,
        status_index: Some(grants::allocate_status_index(tx, now)?),
        name: None,
    };
    grants::insert(tx, &grant)?;
    Ok(grant)
}

fn authorization_code(
    app: &App,
    answer: &ClientAnswer,
    grant: &Grant,
    code: &Secret,
    now: Timestamp,
) -> AuthorizationCode {
    AuthorizationCode {
        hash: code.hash(),
        grant_id: grant.id.clone(),
        client_id: grant.client_id.clone(),
        redirect_uri: answer.redirect_uri.as_str().to_owned(),
        code_challenge: answer.code_challenge.clone(),
        scope: grant.scope.clone(),
        resource: grant.resource.clone(),
        created_at: now,
        expires_at: now.plus(app.config.tokens.authorization_code),
        consumed_at: None,
        failures: 0,
    }
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
