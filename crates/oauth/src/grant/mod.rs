//! A grant: one approval by one person, from which every code and token descends. Revoking it ends the family.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::client::{ClientId, TokenEndpointAuthMethod};
use crate::error::OAuthError;
use crate::resource::ResourceId;
use crate::scope::Scope;
use crate::secret::random_base62;
use crate::time::Timestamp;

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
pub mod refresh_token;

/// Characters of an identifier behind its prefix: 130 bits.
const LENGTH: usize = 22;

/// Names a grant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantId(String);

impl GrantId {
    /// A new identifier.
    pub fn generate() -> Self {
        Self(format!("grant_{}", random_base62(22)))
    }

    /// Reads an identifier back from the store.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The identifier as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a user: the `sub` of access tokens. Opaque and stable, and never equal to a `client_id` (RFC 9068 §5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(String);

impl UserId {
    /// What every one begins with, and no `client_id`.
    pub const PREFIX: &str = "user_";

    /// A new identifier.
    pub fn generate() -> Self {
        Self(format!("{}{}", Self::PREFIX, random_base62(LENGTH)))
    }

    /// Reads an identifier back from the store.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// What somebody typed, if it is written as one.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::PREFIX)?;
        let is_one = rest.len() == LENGTH && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_one.then(|| Self(text.to_owned()))
    }

    /// The identifier as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// Who approved; nobody, when a client acts for itself (RFC 6749 §4.4).
    pub user_id: Option<UserId>,
    /// Who was approved.
    pub client_id: ClientId,
    /// For what.
    pub resource: ResourceId,
    /// How far.
    pub scope: Scope,
    /// When.
    pub created_at: Timestamp,
    /// Its absolute end: no token of it lives longer.
    pub expires_at: Timestamp,
    /// When it was ended early.
    pub revoked_at: Option<Timestamp>,
    /// How the client proved itself when it got its first token: no later request may do with less.
    pub auth_method: Option<TokenEndpointAuthMethod>,
    /// The place of its tokens in the status list (draft-ietf-oauth-status-list §4).
    pub status_index: Option<i64>,
    /// What its owner calls it, for a personal token.
    pub name: Option<String>,
    /// Which grant of before was the reason for this one, for which nobody was asked. They end together.
    pub remembered_from: Option<GrantId>,
}

impl Grant {
    /// The `sub` of its access tokens (RFC 9068 §2.2): the user, or the client that acts for itself. The two never collide,
    /// because users are named `user_…`.
    pub fn subject(&self) -> &str {
        self.user_id.as_ref().map_or(self.client_id.as_str(), UserId::as_str)
    }

    /// Refuses a grant that was revoked or has reached its end.
    pub fn still_valid(&self, now: Timestamp) -> Result<(), OAuthError> {
        if self.revoked_at.is_none() && now < self.expires_at { Ok(()) } else { Err(OAuthError::grant_ended()) }
    }

    /// Whoever holds a token of this grant and can do less than its client did at first is somebody else: a client may be
    /// registered for a signature and for nothing at all.
    pub fn proven_by(&self, method: TokenEndpointAuthMethod) -> Result<(), OAuthError> {
        match self.auth_method {
            Some(first) if !method.is_at_least(first) => Err(OAuthError::client_authentication_weaker()),
            _ => Ok(()),
        }
    }
}
