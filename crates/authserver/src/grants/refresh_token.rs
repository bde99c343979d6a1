//! The refresh: RFC 6749 §6. The rules are in `gatelodge_oauth::grant::refresh_token`.

use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::Grant;
use gatelodge_oauth::grant::refresh_token::{self, RefreshToken, Rotation, SealedSuccessor, Windows};
use gatelodge_oauth::resource;
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{StoreError, Tx, grants, refresh_tokens};

use super::{Decision, Issued, TokenRequest, unspent, usable_grant};
use crate::app::App;

/// RFC 6749 §6. The grant's row is locked first: of parallel requests with one token the first rotates, and the others
/// find the token spent and are led to its successor.
pub fn refresh(tx: &mut Tx, request: &TokenRequest<'_>) -> Decision {
    let TokenRequest { app, client, parameters, now, new_token } = *request;
    let presented = match parameters.required("refresh_token") {
        Ok(token) => Secret::parse(Kind::RefreshToken, token),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(presented) = presented else { return Ok(Err(OAuthError::refresh_token_unknown())) };
    let Some(found) = refresh_tokens::find(tx, &presented.hash())? else {
        return Ok(Err(OAuthError::refresh_token_unknown()));
    };
    let grant = grants::lock(tx, &found.grant_id, now)?;
    let token = refresh_tokens::find(tx, &presented.hash())?;
    let (Some(grant), Some(token)) = (grant, token) else { return Ok(Err(OAuthError::refresh_token_unknown())) };
    let successor = follow(tx, &presented, &token)?;
    let windows =
        Windows { lost_response: app.config.tokens.lost_response, stale_sibling: app.config.tokens.stale_sibling };
    let rotation =
        match refresh_token::rotate(&token, successor.as_ref().map(|(_, row)| row), &grant, client, windows, now) {
            Ok(rotation) => rotation,
            Err(refusal) => return Ok(Err(refusal)),
        };
    let grant = match usable_grant(tx, Some(grant), now)? {
        Ok(grant) => grant,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let scope = match refresh_scope(request, &grant) {
        Ok(scope) => scope,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match rotation {
        Rotation::Rotate => {
            rotate(tx, app, &presented, new_token, &grant, now)?;
            Ok(Ok(Issued { grant, scope, refresh_token: Some(new_token.clone()) }))
        }
        Rotation::Resume => {
            Ok(head_of_chain(tx, successor, now)?.map(|head| Issued { grant, scope, refresh_token: Some(head) }))
        }
        Rotation::Replayed => {
            grants::revoke(tx, &grant.id, now)?;
            tracing::warn!(client_id = %client.id, grant_id = %grant.id, "refresh token replayed: grant revoked");
            Ok(Err(OAuthError::refresh_token_replayed()))
        }
    }
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

/// Spends the presented token and inserts its successor, sealed for the holder of the presented one.
fn rotate(
    tx: &mut Tx,
    app: &App,
    presented: &Secret,
    successor: &Secret,
    grant: &Grant,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !refresh_tokens::spend(tx, &presented.hash(), now, &SealedSuccessor::seal(presented, successor))? {
        return Err(StoreError::Refused("a refresh token was spent while its grant was locked".into()));
    }
    refresh_tokens::insert(tx, &unspent(app, successor, grant, now))
}

/// The token that follows a spent one, and its secret, which only the holder of the spent one can open.
fn follow(tx: &mut Tx, secret: &Secret, row: &RefreshToken) -> Result<Option<(Secret, RefreshToken)>, StoreError> {
    let Some(next) = row.successor.as_ref().and_then(|sealed| sealed.open(secret)) else { return Ok(None) };
    let row = refresh_tokens::find(tx, &next.hash())?;
    Ok(row.map(|row| (next, row)))
}

/// Walks to the one unspent token of the chain.
fn head_of_chain(
    tx: &mut Tx,
    successor: Option<(Secret, RefreshToken)>,
    now: Timestamp,
) -> Result<Result<Secret, OAuthError>, StoreError> {
    let mut next = successor;
    while let Some((secret, row)) = next {
        if row.spent_at.is_none() {
            return Ok(if now < row.expires_at { Ok(secret) } else { Err(OAuthError::refresh_token_expired()) });
        }
        next = follow(tx, &secret, &row)?;
    }
    Err(StoreError::Refused("a chain of refresh tokens has no head".into()))
}
