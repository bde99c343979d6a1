//! Personal tokens, for scripts and clients that speak no OAuth: each is an access token (RFC 9068) with a grant of its own, so that
//! it can be revoked. Made by their owner on the account page and by the operator with `gatelodge token create`.

use std::time::Duration;

use gatelodge_oauth::access_token::{Claims, InvalidSigningKey, SigningKey};
use gatelodge_oauth::client::{ClientId, PERSONAL_TOKEN};
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::resource::Resource;
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::secret::random_base62;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{StoreError, Tx, grants, signing_keys};

use crate::config::Config;
use crate::status_list;

/// The longest name, in characters.
pub const MAX_NAME: usize = 80;

/// What somebody wants a token for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// What its owner calls it.
    pub name: &'a str,
    /// The resource; not needed when there is one only.
    pub resource: Option<&'a str>,
    /// How far; left out: the default scope of the resource.
    pub scope: Option<Scope>,
    /// How long.
    pub lifetime: Duration,
}

/// Why there is no such token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPossible {
    /// It has no name, or one that cannot be shown.
    #[error("it needs a name of 1 to 80 characters that says what it is for")]
    Name,
    /// It is for no resource, or one that is not configured.
    #[error("it needs a resource that is configured")]
    Resource,
    /// It allows nothing, or more than there is.
    #[error("it needs a scope that its resource has")]
    Scope,
    /// It would live for ever, or not at all.
    #[error("it cannot live for so long")]
    Lifetime,
}

/// Whether a grant stands for a personal token.
pub fn is_one(grant: &Grant) -> bool {
    grant.client_id.as_str() == PERSONAL_TOKEN
}

/// The grant of a new token.
pub fn grant(
    config: &Config,
    id: GrantId,
    owner: UserId,
    wanted: &Wanted<'_>,
    now: Timestamp,
) -> Result<Grant, NotPossible> {
    let name = wanted.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(NotPossible::Name);
    }
    let resource = resource(&config.resources, wanted.resource).ok_or(NotPossible::Resource)?;
    let scope = wanted.scope.as_ref().unwrap_or(&resource.default_scope);
    if scope.is_empty() || !scope.is_subset_of(&resource.known_scope()) {
        return Err(NotPossible::Scope);
    }
    if wanted.lifetime.is_zero() || wanted.lifetime > config.tokens.refresh_token {
        return Err(NotPossible::Lifetime);
    }
    Ok(Grant {
        id,
        user_id: Some(owner),
        client_id: ClientId::new(PERSONAL_TOKEN),
        resource: resource.id.clone(),
        scope: scope.clone(),
        created_at: now,
        expires_at: now.plus(wanted.lifetime),
        revoked_at: None,
        auth_method: None,
        status_index: None,
        remembered_from: None,
        name: Some(name.to_owned()),
    })
}

/// The resource that is named, byte for byte, or the only one.
pub fn resource<'a>(resources: &'a [Resource], named: Option<&str>) -> Option<&'a Resource> {
    match (named, resources) {
        (Some(named), _) => resources.iter().find(|resource| resource.id.as_str() == named),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// Keeps the grant, and the key that is going to sign for as long as the token lives; the grant as it is kept.
pub fn keep(tx: &mut Tx, config: &Config, kid: &str, grant: &Grant) -> Result<Grant, StoreError> {
    let needed_until = config.keys.rotation_policy(config.tokens.access_token).needed_until(grant.expires_at);
    if !signing_keys::need_until(tx, kid, needed_until)? {
        return Err(StoreError::Unavailable("the signing key was just revoked; try again".into()));
    }
    let kept = Grant { status_index: Some(grants::allocate_status_index(tx, grant.created_at)?), ..grant.clone() };
    grants::insert(tx, &kept)?;
    Ok(kept)
}

/// The token itself, which is kept nowhere.
pub fn sign(config: &Config, key: &SigningKey, kept: Grant) -> Result<String, InvalidSigningKey> {
    let issuer = &config.public_url;
    let claims = Claims {
        iss: issuer.as_str().to_owned(),
        status: status_list::reference(issuer, &kept),
        sub: kept.subject().to_owned(),
        aud: kept.resource,
        client_id: kept.client_id,
        scope: kept.scope,
        iat: kept.created_at,
        exp: kept.expires_at,
        jti: random_base62(22),
    };
    key.sign(&claims)
}
