//! The refresh: RFC 6749 §6. The rules, and what they change, are in `gatelodge_oauth::grant::refresh_token`.

use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::Grant;
use gatelodge_oauth::grant::refresh_token::{self, Presented, Rotation, Windows};
use gatelodge_oauth::resource;
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::{Tx, grants};

use super::{Decision, Issued, TokenRequest, replayed, usable_grant};

/// RFC 6749 §6. The grant's row is locked first: of parallel requests with one token the first rotates, and the others
/// find the token spent and are led to its successor.
pub fn refresh(tx: &mut Tx, request: &TokenRequest<'_>) -> Decision {
    let TokenRequest { app, client, method, parameters, now, source, new_token } = *request;
    let secret = match parameters.required("refresh_token") {
        Ok(token) => Secret::parse(Kind::RefreshToken, token),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(secret) = secret else { return Ok(Err(OAuthError::refresh_token_unknown())) };
    let grant = grants::lock_by_refresh_token(tx, &secret.hash(), source, now)?;
    let presented = if grant.is_some() { Presented::find(tx, secret)? } else { None };
    let (Some(grant), Some(presented)) = (grant, presented) else {
        return Ok(Err(OAuthError::refresh_token_unknown()));
    };
    let tokens = app.config.tokens;
    let windows = Windows { lost_response: tokens.lost_response, stale_sibling: tokens.stale_sibling };
    let rotation = match presented.judge(&grant, client, windows, now) {
        Ok(rotation) => rotation,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = grant.proven_by(method) {
        return Ok(Err(refusal));
    }
    let grant = match usable_grant(tx, Some(grant), now)? {
        Ok(grant) => grant,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let scope = match refresh_scope(request, &grant) {
        Ok(scope) => scope,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if rotation == Rotation::Replayed {
        tracing::warn!(client_id = %client.id, grant_id = %grant.id, "refresh token replayed: grant revoked");
        replayed(tx, request, &grant)?;
    }
    let head = presented.carry_out(rotation, tx, &grant, new_token, tokens.refresh_token_idle, now)?;
    Ok(head.map(|head| Issued { grant, scope, refresh_token: Some(head) }))
}

/// RFC 8707 §2.2 and RFC 6749 §6: the resource is the grant's, the scope may only shrink. Checked before anything is spent.
fn refresh_scope(request: &TokenRequest<'_>, grant: &Grant) -> Result<Scope, OAuthError> {
    let TokenRequest { app, client, parameters, .. } = *request;
    resource::within_grant(&grant.resource, &parameters.every("resource"))?;
    let known = app.resource(&grant.resource).ok_or_else(OAuthError::resource_not_granted)?.known_scope();
    let granted = client.limited(&grant.scope);
    if granted.is_empty() || !client.may_access(&grant.resource) {
        return Err(OAuthError::grant_ended());
    }
    refresh_token::narrow(&granted, parameters.optional("scope")?, &known)
}
