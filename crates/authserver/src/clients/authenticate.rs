//! Who sends this request? Client authentication (RFC 6749 §2.3 and §3.2.1) for every endpoint that clients post to: first
//! what the request presents is read, then it is checked inside the transaction of the request.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
use gatelodge_oauth::client::{Client, ClientId, ClientKeys, TokenEndpointAuthMethod};
use gatelodge_oauth::client_assertion::AssertionRules;
use gatelodge_oauth::client_authentication::{ClientCredentials, Proof};
use gatelodge_oauth::client_id_metadata_document::DocumentUrl;
use gatelodge_oauth::client_keys::ClientKeySet;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::secret::random_base62;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{StoreError, Tx, used_assertions};

use crate::app::App;
use crate::clients::{self, keys};
use crate::limits::Source;

/// What a request presents; nothing of it is proven yet.
#[derive(Debug)]
pub struct Presented {
    credentials: ClientCredentials,
    /// The keys of a client that publishes them, for an assertion.
    published: Option<keys::Published>,
    /// The URL the request was sent to: lenient audiences.
    endpoint: String,
    /// Names the request, whose transaction may be tried again: its assertion is spent by it once.
    request: String,
}

/// A client that has proven itself.
#[derive(Debug)]
pub struct Authenticated {
    /// Who it is.
    pub client: Client,
    /// How it proved that.
    pub method: TokenEndpointAuthMethod,
}

/// Reads what a request presents. Everything that must not happen inside a transaction happens here.
pub async fn presented(request: &HttpRequest, parameters: &Parameters, app: &App) -> Result<Presented, OAuthError> {
    if request.headers().get_all(header::AUTHORIZATION).count() > 1 {
        return Err(OAuthError::client_authentication_twice());
    }
    let authorization = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let credentials = ClientCredentials::from_request(authorization, parameters)?;
    let endpoint = format!("{}{}", app.config.public_url.origin(), request.path());
    let published = match credentials.assertion() {
        Some(assertion) => {
            let source = Source::of(request, &app.config);
            keys::published_by(app, &credentials.client_id, assertion.kid(), source).await?
        }
        None => None,
    };
    Ok(Presented { credentials, published, endpoint, request: random_base62(22) })
}

/// Reads the document of the client that a request names, where a flow may begin without `/authorize`: until then this server
/// may never have heard of it.
pub async fn read_document(request: &HttpRequest, parameters: &Parameters, app: &App) -> Result<(), OAuthError> {
    let Some(id) = parameters.optional("client_id")?.map(ClientId::new).filter(DocumentUrl::is_meant_by) else {
        return Ok(());
    };
    clients::resolve(app, &id, Source::of(request, &app.config)).await?;
    Ok(())
}

/// The client that sent the request, if it proves so. An assertion is spent by that, whatever becomes of the request.
pub fn authenticate(
    tx: &mut Tx,
    app: &App,
    presented: &Presented,
    now: Timestamp,
) -> Result<Result<Authenticated, OAuthError>, StoreError> {
    let Some(client) = clients::find(tx, app, &presented.credentials.client_id)? else {
        return Ok(Err(OAuthError::client_unknown()));
    };
    let Proof { method, assertion } = match prove(app, presented, &client, now) {
        Ok(proof) => proof,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(used) = assertion
        && !used_assertions::spend(tx, &used, &presented.request)?
    {
        return Ok(Err(OAuthError::client_authentication_failed("the assertion was used before")));
    }
    Ok(Ok(Authenticated { client, method }))
}

fn prove(app: &App, presented: &Presented, client: &Client, now: Timestamp) -> Result<Proof, OAuthError> {
    let Presented { credentials, published, endpoint, .. } = presented;
    if credentials.assertion().is_none() {
        return credentials.authenticate(client, &AssertionRules { keys: None, audiences: &[], now });
    }
    let keys = match (&client.keys, published) {
        (None, _) => None,
        (Some(ClientKeys::Inline(set)), _) => ClientKeySet::parse(set.as_bytes()).ok().map(Arc::new),
        (Some(ClientKeys::Uri(uri)), Some((from, keys))) if from == uri => Some(keys.clone()),
        (Some(ClientKeys::Uri(_)), _) => {
            return Err(OAuthError::temporarily_unavailable("the client moved its keys during the request"));
        }
    };
    let issuer = app.config.public_url.as_str();
    let audiences = app.config.assertion_audience.accepted(client.registration, issuer, endpoint);
    credentials.authenticate(client, &AssertionRules { keys: keys.as_deref(), audiences: &audiences, now })
}

/// Whether the request has an `Authorization` header: the refusal then names the scheme (RFC 6749 §5.2).
pub fn by_header(request: &HttpRequest) -> bool {
    request.headers().contains_key(header::AUTHORIZATION)
}
