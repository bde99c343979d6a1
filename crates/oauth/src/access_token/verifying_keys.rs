//! The public keys of an issuer (RFC 7517), and what they vouch for (RFC 7515 §5.2, RFC 8725 §3).

use aws_lc_rs::rsa::KeySize;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Refusal;

/// The longest name of a key, in bytes. A token that names a longer one is refused before anybody looks for such a key.
const MAX_KID_LENGTH: usize = 128;

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

    /// What a JWT of one of these types says, once its signature holds, and the key that vouches for it; cheapest check first. The claims are the caller's to judge.
    pub(crate) fn signed_claims<T: DeserializeOwned>(
        &self,
        jwt: &str,
        types: &[impl AsRef<str>],
        max_length: usize,
    ) -> Result<(T, String), Refusal> {
        let header = jose_header(jwt, max_length)?;
        if !types.iter().any(|typ| header.is_of_type(typ.as_ref())) {
            return Err(Refusal::NotAnAccessToken);
        }
        let kid = header.kid.filter(|kid| kid.len() <= MAX_KID_LENGTH).ok_or(Refusal::Malformed)?;
        let key = self.0.iter().find(|key| key.kid == kid);
        let Some(key) = key else { return Err(Refusal::UnknownKey { kid }) };
        if header.alg != format!("{:?}", key.algorithm) {
            return Err(Refusal::BadSignature);
        }
        Ok((key.signed_claims(jwt)?, kid))
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

    /// The signature is jsonwebtoken's work; time, issuer and audience are checked by the caller against its own `now`.
    fn signed_claims<T: DeserializeOwned>(&self, jwt: &str) -> Result<T, Refusal> {
        use jsonwebtoken::errors::ErrorKind;
        let mut validation = Validation::new(self.algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        match jsonwebtoken::decode::<T>(jwt, &self.key, &validation) {
            Ok(data) => Ok(data.claims),
            Err(error) => Err(match error.kind() {
                ErrorKind::InvalidSignature => Refusal::BadSignature,
                ErrorKind::Json(_) => Refusal::MalformedClaims,
                _ => Refusal::Malformed,
            }),
        }
    }
}

/// The length of an RSA modulus.
fn rsa_bytes(n: &str) -> usize {
    BASE64_URL_SAFE_NO_PAD.decode(n).map_or(0, |bytes| bytes.iter().skip_while(|byte| **byte == 0).count())
}

/// RFC 7515 §4.1: only what is needed to find the key. `jku`, `jwk`, `x5u` and `x5c` are never looked at.
#[derive(Deserialize)]
pub(super) struct JoseHeader {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

impl JoseHeader {
    /// RFC 7515 §4.1.9: the prefix may be left out. §4.1.11: an extension that is not understood must not be ignored, and
    /// none is.
    fn is_of_type(&self, wanted: &str) -> bool {
        let typ = self.typ.as_deref().unwrap_or_default();
        let named = match typ.split_at_checked("application/".len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
            _ => typ,
        };
        named.eq_ignore_ascii_case(wanted) && self.crit.is_none()
    }
}

pub(super) fn jose_header(jwt: &str, max_length: usize) -> Result<JoseHeader, Refusal> {
    let mut segments = jwt.split('.');
    let (Some(header), Some(_), Some(_), None) = (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(Refusal::Malformed);
    };
    if jwt.len() > max_length {
        return Err(Refusal::Malformed);
    }
    let json = BASE64_URL_SAFE_NO_PAD.decode(header).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Refusal::Malformed)
}
