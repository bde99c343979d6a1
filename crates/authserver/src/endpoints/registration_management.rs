//! How a client reads, changes and deletes its own registration: RFC 7592 §2. Offered to clients that prove who they are; a
//! public client shares its registration with everybody who registers the same.

use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::client_information::{ClientInformation, ClientUpdate, RegisteredMetadata};
use gatelodge_oauth::client_metadata::ClientMetadata;
use gatelodge_oauth::error::{Code, OAuthError};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::clients::{self, SelfRegistration};
use gatelodge_store::{StoreError, Tx, grants};

use crate::app::App;
use crate::endpoints::registration::{json_body, parsed, self_registration};
use crate::limits::Source;
use crate::respond;

/// What a transaction decided.
type Decision<T> = Result<Result<T, OAuthError>, StoreError>;

/// `GET /register/{client_id}`: RFC 7592 §2.1.
pub async fn read(request: HttpRequest, app: Data<App>) -> HttpResponse {
    answer(&request, look(&request, &app).await)
}

/// `PUT /register/{client_id}`: RFC 7592 §2.2.
pub async fn update(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    if let Err(wait) = app.limits.registration.count_source(Source::of(&request, &app.config)) {
        return respond::too_many_requests(wait);
    }
    // Whoever has no registration here uses up nothing of what there is for all.
    if let Err(error) = look(&request, &app).await {
        return refused(&request, &error);
    }
    if let Err(wait) = app.limits.registration.count_together() {
        return respond::too_many_requests(wait);
    }
    answer(&request, replace(&request, body, &app).await)
}

/// `DELETE /register/{client_id}`: RFC 7592 §2.3.
pub async fn delete(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match remove(&request, &app).await {
        Ok(()) => respond::deregistered(),
        Err(error) => refused(&request, &error),
    }
}

fn answer(request: &HttpRequest, outcome: Result<ClientInformation, OAuthError>) -> HttpResponse {
    outcome.map_or_else(|error| refused(request, &error), |information| respond::client_information(&information))
}

fn refused(request: &HttpRequest, error: &OAuthError) -> HttpResponse {
    match error.code {
        Code::InvalidToken => respond::bearer_refused(error, request),
        Code::AccessDenied => respond::forbidden(error),
        _ => respond::oauth_error(error, false),
    }
}

/// Who is named in the path, and the token that was presented. One that cannot be ours is not looked up.
fn presented(request: &HttpRequest) -> Result<(ClientId, Secret), OAuthError> {
    let token = respond::bearer_token(request).and_then(|token| Secret::parse(Kind::RegistrationAccessToken, token));
    let token = token.ok_or_else(|| OAuthError::registration_token_refused("no registration access token"))?;
    Ok((ClientId::new(request.match_info().query("client_id")), token))
}

/// The registration, for the holder of its token only. A client that is gone took its token with it.
fn find(tx: &mut Tx, id: &ClientId, token: &Secret) -> Decision<SelfRegistration> {
    let found = clients::find_registration(tx, id)?;
    let own = found.filter(|found| found.management == Some(token.hash()));
    Ok(own.ok_or_else(|| OAuthError::registration_token_refused("no client with this registration access token")))
}

async fn look(request: &HttpRequest, app: &App) -> Result<ClientInformation, OAuthError> {
    let (id, token) = presented(request)?;
    let hash_of = token.clone();
    let found = app.store.read(move |tx| find(tx, &id, &hash_of)).await.map_err(unavailable)??;
    let metadata: RegisteredMetadata = serde_json::from_str(&found.metadata)
        .map_err(|error| OAuthError::temporarily_unavailable(format!("clients.metadata: {error}")))?;
    let issuer = app.config.public_url.as_str();
    Ok(ClientInformation::new(&found.client, metadata).with_management(issuer, Some(&token)))
}

/// Everything that is not sent is reset. What was allowed before stays allowed: people are asked again where it goes beyond.
async fn replace(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
    app: &App,
) -> Result<ClientInformation, OAuthError> {
    let (id, token) = presented(request)?;
    let body = json_body(request, body);
    let (state, presented) = (app.clone(), token.clone());
    let new_secret = Secret::generate(Kind::ClientSecret);
    let written = app.store.write(move |tx| {
        let before = match find(tx, &id, &presented)? {
            Ok(before) => before,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let metadata = match updated(&state, &before, &body) {
            Ok(metadata) => metadata,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // It keeps its secret, loses it with the need for one, and gets one when it begins to need one.
        let issued = (metadata.takes_a_secret() && before.client.secret.is_none()).then(|| new_secret.clone());
        let kept = before.client.secret.filter(|_| metadata.takes_a_secret());
        let secret = issued.as_ref().map(Secret::hash).or(kept);
        let client = metadata.client(before.client.id, secret, before.client.issued_at);
        let registration = self_registration(client, &metadata, Some(&presented));
        if !clients::replace(tx, &registration)? {
            return Ok(Err(OAuthError::registration_token_refused("the client was deleted meanwhile")));
        }
        Ok(Ok((registration.client, metadata, issued)))
    });
    let (client, metadata, issued) = written.await.map_err(unavailable)??;
    tracing::info!(client_id = %client.id, "client updated its registration");
    let issuer = app.config.public_url.as_str();
    Ok(ClientInformation::new(&client, metadata).with_secret(issued.as_ref()).with_management(issuer, Some(&token)))
}

fn updated(
    app: &App,
    before: &SelfRegistration,
    body: &Result<Bytes, OAuthError>,
) -> Result<RegisteredMetadata, OAuthError> {
    if !app.config.registration.dynamic.is_on() {
        return Err(OAuthError::registration_is_off());
    }
    let body = body.clone()?;
    parsed::<ClientUpdate>(&body)?.check(&before.client)?;
    parsed::<ClientMetadata>(&body)?.accept(&app.config.registration.redirects, app.config.device_grant)
}

async fn remove(request: &HttpRequest, app: &App) -> Result<(), OAuthError> {
    let (id, token) = presented(request)?;
    let now = app.clock.now();
    let client_id = id.clone();
    let removed = app.store.write(move |tx| {
        if let Err(refusal) = find(tx, &id, &token)? {
            return Ok(Err(refusal));
        }
        clients::delete(tx, &id)?;
        Ok(Ok(grants::revoke_all_of_client(tx, &id, now)?))
    });
    let grants = removed.await.map_err(unavailable)??;
    tracing::info!(%client_id, grants, "client deleted its registration");
    Ok(())
}

fn unavailable(error: StoreError) -> OAuthError {
    OAuthError::temporarily_unavailable(error.to_string())
}
