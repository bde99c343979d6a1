//! What one issuer's tokens must say before a resource server believes them: RFC 9068 §4 for signed tokens, RFC 7662 §2.2
//! for what an introspection endpoint says of opaque ones. Also for issuers that are not ours and word their tokens
//! otherwise. Called by [`super::verify`] and by the sidecar.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::received::Received;
use super::verifying_keys::jose_header;
use super::{AccessToken, MAX_LENGTH, Refusal, TYPE, VerifyingKeys};
use crate::time::Timestamp;

/// How an issuer words its access tokens. The default is RFC 9068 to the letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// What the header may name as `typ`, without `application/` (RFC 9068 §2.1).
    pub types: Vec<String>,
    /// Which claim names the client.
    pub client_id_claim: String,
    /// Which claim holds the scope: a string, or with another wording than the default also an array.
    pub scope_claim: String,
}

impl Default for Wording {
    fn default() -> Self {
        Self { types: vec![TYPE.into()], client_id_claim: "client_id".into(), scope_claim: "scope".into() }
    }
}

/// An issuer, and how far its clock may be off.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Its identifier, byte for byte.
    pub identifier: String,
    /// How its tokens are worded.
    pub wording: Wording,
    /// How far the two clocks may differ.
    pub leeway: Duration,
}

/// Why nothing was learned from an introspection endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotIntrospected {
    /// The token is no good.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The answer is none (RFC 7662 §2.2): that says nothing of the token.
    #[error("the answer is not one of RFC 7662")]
    NotAnAnswer,
}

impl Issuer {
    /// RFC 9068 §4, cheapest check first, and nothing of the claims is looked at before the signature holds.
    pub fn verify(
        &self,
        token: &str,
        keys: &VerifyingKeys,
        audiences: &[impl AsRef<str>],
        now: Timestamp,
    ) -> Result<AccessToken, Refusal> {
        let (claims, kid): (Received, _) = keys.signed_claims(token, &self.wording.types, MAX_LENGTH)?;
        if claims.text("iss")? != self.identifier {
            return Err(Refusal::WrongIssuer);
        }
        let token = claims.access_token(&self.wording)?;
        claims.in_place_and_time(audiences, self.leeway, now)?;
        Ok(AccessToken { kid: Some(kid), ..token })
    }

    /// RFC 7662 §2.2. A refresh token is active too, so the answer must say that this is a bearer token.
    pub fn introspected(
        &self,
        answer: &[u8],
        audiences: &[impl AsRef<str>],
        now: Timestamp,
    ) -> Result<AccessToken, NotIntrospected> {
        let claims = Received::parse(answer).ok_or(NotIntrospected::NotAnAnswer)?;
        if !claims.is_active().ok_or(NotIntrospected::NotAnAnswer)? {
            return Err(Refusal::Inactive.into());
        }
        if claims.has("iss") && claims.text("iss")? != self.identifier {
            return Err(Refusal::WrongIssuer.into());
        }
        if !claims.is_bearer_token() {
            return Err(Refusal::NotAnAccessToken.into());
        }
        let token = claims.introspected_token(&self.identifier, now)?;
        claims.in_place_and_time(audiences, self.leeway, now)?;
        Ok(token)
    }
}

/// What a token looks like, before anything of it is believed: only to find out whom to ask about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A signed JWT, and whom it names as its issuer.
    Jwt {
        /// `None` where it names nobody, or in a way that can be read twice.
        issuer: Option<String>,
    },
    /// Anything else.
    Opaque,
}

impl Shape {
    /// Looks at a token.
    pub fn of(token: &str) -> Self {
        #[derive(Deserialize)]
        struct Payload {
            iss: String,
        }
        if jose_header(token, MAX_LENGTH).is_err() {
            return Shape::Opaque;
        }
        let payload = token.split('.').nth(1).and_then(|segment| BASE64_URL_SAFE_NO_PAD.decode(segment).ok());
        let payload = payload.and_then(|json| serde_json::from_slice::<Payload>(&json).ok());
        Shape::Jwt { issuer: payload.map(|payload| payload.iss) }
    }
}

#[cfg(test)]
#[path = "issuer_tests.rs"]
mod tests;
