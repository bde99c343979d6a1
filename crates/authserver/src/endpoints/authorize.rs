//! The authorization endpoint: RFC 6749 §3.1. Identifies the client, validates the request, and keeps it for this browser
//! until the person has signed in and decided. Nothing else changes, so the same URL may be opened again. Step 3 of the flow.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::authorization_request::{self, AuthorizationRequest};
use gatelodge_oauth::authorization_response::AuthorizationResponse;
use gatelodge_oauth::client::{Client, ClientId};
use gatelodge_oauth::client_id_metadata_document::DocumentUrl;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::redirect_uri::RedirectTarget;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::StoreError;
use gatelodge_store::pending_authorizations::{self, PendingAuthorization};

use crate::app::App;
use crate::clients::Unresolved;
use crate::endpoints::login::{self, Place};
use crate::session::{self, OpenSession};
use crate::{clients, problem, respond};

/// What to do with a request that cannot be granted (RFC 6749 §4.1.2.1). Without a [`RedirectTarget`] there is no way to
/// build a redirect.
enum Refusal {
    /// For the person's eyes only.
    Page(OAuthError),
    /// The same: nobody knows yet who asks.
    Client(Unresolved),
    /// For the client.
    Redirect(RedirectTarget, Option<String>, OAuthError),
}

/// `GET /authorize`.
pub async fn authorize(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match validated(&request, &app).await {
        Ok(authorization_request) => match keep(&request, &app, authorization_request).await {
            Ok((session, transaction)) => {
                let place = if session.user_id.is_some() { Place::Consent } else { Place::Login };
                login::go_to(&app, place, &transaction, Some(&session))
            }
            Err(error) => problem::store(&app, &request, &error),
        },
        Err(Refusal::Page(error)) => problem::authorization_request(&app, &request, &error),
        Err(Refusal::Client(unresolved)) => problem::client(&app, &request, &unresolved),
        Err(Refusal::Redirect(target, state, error)) => {
            let issuer = app.config.public_url.as_str();
            respond::to_client(&AuthorizationResponse::Error(&error), &target, state.as_deref(), issuer)
        }
    }
}

async fn validated(request: &HttpRequest, app: &App) -> Result<AuthorizationRequest, Refusal> {
    let parameters = Parameters::parse(request.query_string().as_bytes()).map_err(Refusal::Page)?;
    let client = client(&parameters, app).await?;
    let target = authorization_request::identify(&parameters, &client).map_err(Refusal::Page)?;
    let state = authorization_request::state(&parameters).ok().flatten();
    authorization_request::validate(&parameters, &client, target.clone(), &app.config.resources)
        .map_err(|error| Refusal::Redirect(target, state, error))
}

/// Nobody is asked who a client is for the sake of a request that could not be granted anyway.
async fn client(parameters: &Parameters, app: &App) -> Result<Client, Refusal> {
    let client_id = ClientId::new(parameters.required("client_id").map_err(Refusal::Page)?);
    let (found, otherwise) = match authorization_request::check_without_client(parameters) {
        Err(error) if DocumentUrl::is_meant_by(&client_id) => (clients::known(app, &client_id).await, error),
        _ => (clients::resolve(app, &client_id).await, OAuthError::client_unknown()),
    };
    found.map_err(Refusal::Client)?.ok_or(Refusal::Page(otherwise))
}

/// Binds the request to this browser: the cookie's session, or a new anonymous one.
async fn keep(
    request: &HttpRequest,
    app: &App,
    authorization_request: AuthorizationRequest,
) -> Result<(OpenSession, Secret), StoreError> {
    let presented = session::presented(request, &app.config);
    let (state, now) = (app.clone(), app.clock.now());
    let keep = move |tx: &mut gatelodge_store::Tx| {
        let session = match session::resume(tx, presented.clone(), &state.config, now)? {
            Some(session) => session,
            None => session::open(tx, None, &state.config, now)?,
        };
        let transaction = Secret::generate(Kind::Transaction);
        let pending = PendingAuthorization {
            hash: transaction.hash(),
            browser_session: session.secret.hash(),
            request: authorization_request.clone(),
            created_at: now,
            expires_at: now.plus(state.config.tokens.consent),
        };
        pending_authorizations::insert(tx, &pending)?;
        Ok((session, transaction))
    };
    app.store.write(keep).await
}
