//! The access token: a signed JWT, made by the authorization server and checked by the resource server.
//! RFC 9068 (profile), RFC 8725 (practice), RFC 7638 (key names).

use std::time::Duration;

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::client::ClientId;
use crate::resource::ResourceId;
use crate::scope::Scope;
use crate::time::Timestamp;

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

/// A private key with its public half. `Debug` prints the key's name only.
pub struct SigningKey {
    kid: String,
    jwk: Jwk,
    encoding: EncodingKey,
}

/// A stored key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key cannot be used: {0}")]
pub struct InvalidSigningKey(String);

impl SigningKey {
    /// A new ES256 key as PKCS #8 (RFC 5208).
    pub fn generate_es256() -> Result<Vec<u8>, InvalidSigningKey> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map(|document| document.as_ref().to_vec())
            .map_err(|_| InvalidSigningKey("no P-256 key could be generated".into()))
    }

    /// Reads an ES256 key; its name is the RFC 7638 thumbprint.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, InvalidSigningKey> {
        let invalid = |error: jsonwebtoken::errors::Error| InvalidSigningKey(error.to_string());
        let encoding = EncodingKey::from_ec_der(pkcs8);
        let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::ES256).map_err(invalid)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(invalid)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { kid, jwk, encoding })
    }

    /// The key's name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, as published (RFC 7517 §4).
    pub fn public_jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Signs an access token.
    pub fn sign(&self, claims: &Claims) -> Result<String, InvalidSigningKey> {
        let header = Header { typ: Some(TYPE.into()), kid: Some(self.kid.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|error| InvalidSigningKey(error.to_string()))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The public keys of an issuer.
#[derive(Debug, Clone, Default)]
pub struct VerifyingKeys(Vec<VerifyingKey>);

#[derive(Debug, Clone)]
struct VerifyingKey {
    kid: String,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// A document that is no JWK set (RFC 7517 §5).
#[derive(Debug, thiserror::Error)]
#[error("not a JWK set: {0}")]
pub struct InvalidJwks(#[from] serde_json::Error);

impl VerifyingKeys {
    /// Reads a JWK set. Keys of other kinds, without a name, or too weak are left out (RFC 7517 §5): a token that needs one
    /// is refused.
    pub fn from_jwks(document: &[u8]) -> Result<Self, InvalidJwks> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(document)?;
        let readable = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Ok(Self(readable.filter_map(|jwk| VerifyingKey::from_jwk(&jwk)).collect()))
    }

    /// Whether a key of this name is in the set.
    pub fn knows(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid == kid)
    }

    /// Whether there is no usable key at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl VerifyingKey {
    /// RFC 8725 §3.1: the algorithm is fixed by the key, never by the token.
    fn from_jwk(jwk: &Jwk) -> Option<Self> {
        if jwk.common.public_key_use.as_ref().is_some_and(|key_use| *key_use != PublicKeyUse::Signature) {
            return None;
        }
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
            AlgorithmParameters::RSA(key) if rsa_bytes(&key.n) >= KeySize::Rsa2048.len() => Algorithm::RS256,
            _ => return None,
        };
        if jwk.common.key_algorithm.is_some_and(|named| named.to_string() != format!("{algorithm:?}")) {
            return None;
        }
        Some(Self { kid: jwk.common.key_id.clone()?, algorithm, key: DecodingKey::from_jwk(jwk).ok()? })
    }
}

/// The length of an RSA modulus.
fn rsa_bytes(n: &str) -> usize {
    BASE64_URL_SAFE_NO_PAD.decode(n).map_or(0, |bytes| bytes.iter().skip_while(|byte| **byte == 0).count())
}

/// The published form of `keys` (RFC 7517 §5).
pub fn jwks(keys: &[&SigningKey]) -> JwkSet {
    JwkSet { keys: keys.iter().map(|key| key.public_jwk().clone()).collect() }
}

/// What a resource server expects of every token.
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
    /// Its own name.
    pub id: String,
    /// Where to look whether it was revoked.
    pub status: Option<StatusReference>,
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
}

/// RFC 7515 §4.1: only what is needed to find the key. `jku`, `jwk`, `x5u` and `x5c` are never looked at.
#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

/// RFC 9068 §2.2 as received; wrong JSON types and repeated members do not parse.
#[derive(Deserialize)]
struct ReceivedClaims {
    iss: String,
    sub: String,
    aud: Audience,
    client_id: String,
    scope: String,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<i64>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// `null` is not the same as absent.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(deserializer).map(Some)
}

/// RFC 9068 §4, cheapest check first, and nothing of the claims is looked at before the signature holds.
pub fn verify(
    token: &str,
    keys: &VerifyingKeys,
    expected: &Expectation,
    now: Timestamp,
) -> Result<AccessToken, Refusal> {
    let header = jose_header(token)?;
    is_access_token(&header)?;
    let kid = header.kid.ok_or(Refusal::Malformed)?;
    let key = keys.0.iter().find(|key| key.kid == kid).ok_or(Refusal::UnknownKey { kid })?;
    if header.alg != format!("{:?}", key.algorithm) {
        return Err(Refusal::BadSignature);
    }
    let claims = signed_claims(token, key)?;
    check_claims(claims, expected, now)
}

fn jose_header(token: &str) -> Result<JoseHeader, Refusal> {
    let mut segments = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(Refusal::Malformed);
    };
    if token.len() > MAX_LENGTH {
        return Err(Refusal::Malformed);
    }
    let json = BASE64_URL_SAFE_NO_PAD.decode(header).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Refusal::Malformed)
}

fn is_access_token(header: &JoseHeader) -> Result<(), Refusal> {
    let typ = header.typ.as_deref().unwrap_or_default();
    let right = typ.eq_ignore_ascii_case(TYPE) || typ.eq_ignore_ascii_case("application/at+jwt");
    // RFC 7515 §4.1.11: an extension that is not understood must not be ignored, and none is.
    if right && header.crit.is_none() { Ok(()) } else { Err(Refusal::NotAnAccessToken) }
}

/// The signature is jsonwebtoken's work; the claims are checked here against the caller's `now`.
fn signed_claims(token: &str, key: &VerifyingKey) -> Result<ReceivedClaims, Refusal> {
    use jsonwebtoken::errors::ErrorKind;
    let mut validation = Validation::new(key.algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    match jsonwebtoken::decode::<ReceivedClaims>(token, &key.key, &validation) {
        Ok(data) => Ok(data.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSignature => Refusal::BadSignature,
            ErrorKind::Json(_) => Refusal::MalformedClaims,
            _ => Refusal::Malformed,
        }),
    }
}

fn check_claims(claims: ReceivedClaims, expected: &Expectation, now: Timestamp) -> Result<AccessToken, Refusal> {
    let scope: Scope = claims.scope.parse().map_err(|_| Refusal::MalformedClaims)?;
    if claims.sub.is_empty() || claims.client_id.is_empty() || claims.jti.is_empty() {
        return Err(Refusal::MalformedClaims);
    }
    if claims.iss != expected.issuer {
        return Err(Refusal::WrongIssuer);
    }
    let for_us = match &claims.aud {
        Audience::One(audience) => audience == expected.audience.as_str(),
        Audience::Several(audiences) => audiences.iter().any(|audience| audience == expected.audience.as_str()),
    };
    if !for_us {
        return Err(Refusal::WrongAudience);
    }
    let expires_at = Timestamp::from_unix(claims.exp);
    if now >= expires_at.plus(expected.leeway) {
        return Err(Refusal::Expired);
    }
    let begins = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
    if Timestamp::from_unix(begins) > now.plus(expected.leeway) {
        return Err(Refusal::NotYetValid);
    }
    Ok(AccessToken {
        subject: claims.sub,
        client_id: claims.client_id,
        scope,
        issued_at: Timestamp::from_unix(claims.iat),
        expires_at,
        id: claims.jti,
        status: claims.status.map(|status| status.status_list),
    })
}

#[cfg(test)]
mod tests;
