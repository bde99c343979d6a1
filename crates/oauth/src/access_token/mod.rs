//! The access token: a signed JWT, made by the authorization server and checked by the resource server.
//! RFC 9068 (profile), RFC 8725 (practice), RFC 7638 (key names).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::client::ClientId;
use crate::resource::ResourceId;
use crate::scope::Scope;
use crate::time::Timestamp;

pub use issuer::{Issuer, NotIntrospected, Shape, Wording};
pub use signing_key::{InvalidSigningKey, SigningAlgorithm, SigningKey, jwks, pem};
pub use verifying_keys::{InvalidJwks, VerifyingKeys};

mod issuer;
mod received;
mod signing_key;
mod verifying_keys;

/// The longest token looked at, in bytes: nothing longer reaches a decoder.
pub const MAX_LENGTH: usize = 8 * 1024;

/// RFC 9068 §2.1.
const TYPE: &str = "at+jwt";

/// What an access token says (RFC 9068 §2.2). No name and no e-mail address: the client can read it (§6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The authorization server, byte for byte.
    pub iss: String,
    /// Who consented, or the client that acts for itself.
    pub sub: String,
    /// The one resource it is for.
    pub aud: ResourceId,
    /// Who holds it.
    pub client_id: ClientId,
    /// What it allows.
    pub scope: Scope,
    /// When it was made.
    pub iat: Timestamp,
    /// When it ends.
    pub exp: Timestamp,
    /// Its own name.
    pub jti: String,
    /// Where to look whether it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// The `status` claim (draft-ietf-oauth-status-list §6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The only mechanism there is.
    pub status_list: StatusReference,
}

/// A place in a status list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReference {
    /// Which bit.
    pub idx: u64,
    /// Of which list.
    pub uri: String,
}

/// What is expected of every token of ours.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The one issuer, byte for byte.
    pub issuer: String,
    /// The resource it protects, byte for byte: never a prefix, never another spelling.
    pub audience: ResourceId,
    /// How far the two clocks may differ.
    pub leeway: Duration,
}

/// A token that passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Who made it. Subjects and clients are names of this issuer, and mean nothing without it.
    pub issuer: String,
    /// Who consented.
    pub subject: String,
    /// Who holds it.
    pub client_id: String,
    /// What it allows.
    pub scope: Scope,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its own name; empty where an issuer that is not ours gives none.
    pub id: String,
    /// Where to look whether it was revoked.
    pub status: Option<StatusReference>,
    /// The key that it is signed with; `None` where its issuer was asked instead.
    pub kid: Option<String>,
}

/// Why a token is no good. The text is safe to send (RFC 6750 §3.1 `error_description`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no JWT of ours at all.
    #[error("the access token is malformed")]
    Malformed,
    /// Its key is not published; the caller may look again.
    #[error("the access token is signed with an unknown key")]
    UnknownKey {
        /// The name it gives.
        kid: String,
    },
    /// RFC 9068 §4.
    #[error("the signature of the access token is wrong")]
    BadSignature,
    /// RFC 9068 §4: `typ` is not `at+jwt`.
    #[error("the token is not an access token")]
    NotAnAccessToken,
    /// A claim is missing or not what RFC 9068 §2.2 says.
    #[error("the claims of the access token are malformed")]
    MalformedClaims,
    /// RFC 9068 §4.
    #[error("the access token is from another issuer")]
    WrongIssuer,
    /// RFC 9068 §4.
    #[error("the access token is not for this resource")]
    WrongAudience,
    /// RFC 9068 §4.
    #[error("the access token expired")]
    Expired,
    /// RFC 7519 §4.1.5 and §4.1.6.
    #[error("the access token is not valid yet")]
    NotYetValid,
    /// Its bit in the status list is set (draft-ietf-oauth-status-list §8.3).
    #[error("the access token was revoked")]
    Revoked,
    /// RFC 7662 §2.2.
    #[error("the access token is not active")]
    Inactive,
    /// RFC 7800 §3.1: whoever shows it would have to prove that it holds the key.
    #[error("the access token is bound to a key; only bearer tokens are taken here")]
    BoundToKey,
    /// It names no status list, or another one, where the operator wants each token to be looked up.
    #[error("the access token has no status that can be looked up")]
    NoStatus,
}

/// A token of ours (RFC 9068 §4), for one resource.
pub fn verify(
    token: &str,
    keys: &VerifyingKeys,
    expected: &Expectation,
    now: Timestamp,
) -> Result<AccessToken, Refusal> {
    let Expectation { issuer, audience, leeway } = expected;
    let issuer = Issuer { identifier: issuer.clone(), wording: Wording::default(), leeway: *leeway };
    issuer.verify(token, keys, &[audience.as_str()], now)
}

#[cfg(test)]
mod tests;
