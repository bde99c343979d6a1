//! Token introspection: RFC 7662. For resource servers that look tokens up instead of checking them on their own; the sidecar
//! is none of them. Each is a client that the operator allowed to ask, about tokens for its own resources.

use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::client::{Client, TokenEndpointAuthMethod};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::introspection::{ActiveToken, Introspection};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{StoreError, Tx, users};

use crate::app::App;
use crate::clients::authenticate::{self, Authenticated};
use crate::grants::presented_token::{FoundToken, PresentedToken};
use crate::respond;

/// The largest body taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// `POST /introspect`.
pub async fn introspect(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    match look_up(&request, body, &app).await {
        Ok(answer) => respond::introspection(&answer),
        Err(error) => respond::oauth_error(&error, authenticate::by_header(&request)),
    }
}

async fn look_up(request: &HttpRequest, body: Result<Bytes, Error>, app: &App) -> Result<Introspection, OAuthError> {
    let parameters = respond::form(request, body, MAX_BODY)?;
    let presented = authenticate::presented(request, &parameters, app).await?;
    // A resource server that does not say what it has got has got an access token; it must not be told that a refresh token is
    // good. So refresh tokens are active only for callers that ask about one.
    let refresh_tokens_too = parameters.optional("token_type_hint")? == Some("refresh_token");
    let now = app.clock.now();
    let token = PresentedToken::read(app, parameters.required("token")?, now).await;
    let state = app.clone();
    let outcome = app.store.write(move |tx| {
        let caller = match authenticate::authenticate(tx, &state, &presented, now)?.and_then(may_ask) {
            Ok(caller) => caller,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let found = token.find(tx)?.filter(|found| refresh_tokens_too || matches!(found, FoundToken::Access(..)));
        // About tokens for others nothing is said.
        let Some(found) = found.filter(|found| caller.may_access(&found.grant().resource)) else {
            return Ok(Ok(Introspection::Inactive));
        };
        describe(tx, &state, &found, now).map(Ok)
    });
    outcome.await.map_err(|error| OAuthError::temporarily_unavailable(error.to_string()))?
}

/// RFC 7662 §2.1: whoever could ask without a proof could try out tokens.
fn may_ask(caller: Authenticated) -> Result<Client, OAuthError> {
    let allowed = caller.client.may_introspect && caller.method != TokenEndpointAuthMethod::None;
    if allowed { Ok(caller.client) } else { Err(OAuthError::introspection_not_allowed()) }
}

/// RFC 7662 §2.2, unless the grant ended or somebody lost their account.
fn describe(tx: &mut Tx, app: &App, found: &FoundToken, now: Timestamp) -> Result<Introspection, StoreError> {
    let grant = found.grant();
    let (scope, iat, exp, jti) = match found {
        FoundToken::Access(token, _) => {
            (token.scope.clone(), token.issued_at, token.expires_at, Some(token.id.clone()))
        }
        FoundToken::Refresh(token, _) if token.spent_at.is_some() => return Ok(Introspection::Inactive),
        FoundToken::Refresh(token, grant) => (grant.scope.clone(), token.created_at, token.expires_at, None),
    };
    let user = match &grant.user_id {
        None => None,
        Some(id) => match users::find_enabled(tx, id)? {
            None => return Ok(Introspection::Inactive),
            user => user,
        },
    };
    if now >= exp || grant.still_valid(now).is_err() {
        return Ok(Introspection::Inactive);
    }
    Ok(Introspection::Active(Box::new(ActiveToken {
        iss: app.config.public_url.as_str().to_owned(),
        sub: grant.subject().to_owned(),
        username: user.map(|user| user.username),
        aud: grant.resource.clone(),
        client_id: grant.client_id.clone(),
        scope,
        token_type: jti.is_some().then_some("Bearer"),
        iat,
        exp,
        jti,
    })))
}
