//! A client acts for itself: RFC 6749 §4.4. The rule is in `gatelodge_oauth::grant::client_credentials`.

use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::client_credentials::{ClientCredentialsRequest, allow};
use gatelodge_oauth::grant::{Grant, GrantId};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::scope::Scope;
use gatelodge_store::{Tx, grants};

use super::{Decision, Issued, TokenRequest};

/// RFC 6749 §4.4.2. The grant is there so that the token can be revoked: it ends with it, and no refresh token is issued
/// (§4.4.3), since the client can ask again whenever it wants.
pub fn issue(tx: &mut Tx, request: &TokenRequest<'_>) -> Decision {
    let TokenRequest { app, client, method, parameters, now, .. } = *request;
    let allowed = parameters.optional("scope").and_then(|scope| {
        let resource = parameters.every("resource");
        allow(&ClientCredentialsRequest { scope, resource: &resource }, client, method, &app.config.resources)
    });
    let (resource, scope): (ResourceId, Scope) = match allowed {
        Ok(allowed) => allowed,
        Err(refusal) => return Ok(Err::<_, OAuthError>(refusal)),
    };
    let grant = Grant {
        id: GrantId::generate(),
        user_id: None,
        client_id: client.id.clone(),
        resource,
        scope: scope.clone(),
        created_at: now,
        expires_at: now.plus(app.config.tokens.access_token),
        revoked_at: None,
        auth_method: Some(method),
        status_index: Some(grants::allocate_status_index(tx, now)?),
        name: None,
        remembered_from: None,
    };
    grants::insert(tx, &grant)?;
    Ok(Ok(Issued { grant, scope, refresh_token: None }))
}
