//! Who sends this request? Client authentication (RFC 6749 §2.3 and §3.2.1) for every endpoint that clients post to: first
//! what the request presents is read, then it is checked inside the transaction of the request.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
use gatelodge_oauth::client::{Client, TokenEndpointAuthMethod};
use gatelodge_oauth::client_authentication::ClientCredentials;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_store::{StoreError, Tx};

use crate::app::App;
use crate::clients;

/// What a request presents; nothing of it is proven yet.
#[derive(Debug)]
pub struct Presented {
    credentials: ClientCredentials,
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
pub async fn presented(request: &HttpRequest, parameters: &Parameters, _app: &App) -> Result<Presented, OAuthError> {
    if request.headers().get_all(header::AUTHORIZATION).count() > 1 {
        return Err(OAuthError::client_authentication_twice());
    }
    let authorization = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    Ok(Presented { credentials: ClientCredentials::from_request(authorization, parameters)? })
}

/// The client that sent the request, if it proves so.
pub fn authenticate(
    tx: &mut Tx,
    app: &App,
    presented: &Presented,
) -> Result<Result<Authenticated, OAuthError>, StoreError> {
    let Some(client) = clients::find(tx, app, &presented.credentials.client_id)? else {
        return Ok(Err(OAuthError::client_unknown()));
    };
    Ok(presented.credentials.authenticate(&client).map(|method| Authenticated { client, method }))
}

/// Whether the request has an `Authorization` header: the refusal then names the scheme (RFC 6749 §5.2).
pub fn by_header(request: &HttpRequest) -> bool {
    request.headers().contains_key(header::AUTHORIZATION)
}
