//! Private keys: made, read back, published and used. RFC 7517 (form), RFC 7518 and RFC 8037 (algorithms), RFC 7638 (names).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use super::{Claims, TYPE};

/// What tokens can be signed with (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256: small tokens, known everywhere.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSA of 3072 bits: for resource servers that know nothing else (RFC 9068 §2.1).
    #[serde(rename = "RS256")]
    Rs256,
}

impl SigningAlgorithm {
    /// The value of `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    const fn jwa(self) -> Algorithm {
        match self {
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
            Self::Rs256 => Algorithm::RS256,
        }
    }
}

impl FromStr for SigningAlgorithm {
    type Err = InvalidSigningKey;

    fn from_str(text: &str) -> Result<Self, InvalidSigningKey> {
        let known = [Self::Es256, Self::EdDsa, Self::Rs256].into_iter().find(|algorithm| algorithm.as_str() == text);
        known.ok_or_else(|| InvalidSigningKey(format!("{text:?} is not an algorithm of this version")))
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A private key with its public half. `Debug` prints the key's name only.
pub struct SigningKey {
    kid: String,
    algorithm: SigningAlgorithm,
    jwk: Jwk,
    encoding: EncodingKey,
}

/// A stored key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key cannot be used: {0}")]
pub struct InvalidSigningKey(String);

impl SigningKey {
    /// A new key as PKCS #8 (RFC 5208).
    pub fn generate(algorithm: SigningAlgorithm) -> Result<Vec<u8>, InvalidSigningKey> {
        let random = SystemRandom::new();
        let pkcs8 = match algorithm {
            SigningAlgorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map(|document| document.as_ref().to_vec()),
            // Version 1, without the public half: jsonwebtoken reads no other.
            SigningAlgorithm::EdDsa => {
                Ed25519KeyPair::generate_pkcs8v1(&random).map(|document| document.as_ref().to_vec())
            }
            SigningAlgorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa3072)
                .and_then(|key| AsDer::<Pkcs8V1Der<'_>>::as_der(&key).map(|der| der.as_ref().to_vec())),
        };
        pkcs8.map_err(|_| InvalidSigningKey(format!("no {algorithm} key could be generated")))
    }

    /// Reads a key; its name is the RFC 7638 thumbprint.
    pub fn from_pkcs8(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Result<Self, InvalidSigningKey> {
        let invalid = |error: jsonwebtoken::errors::Error| InvalidSigningKey(error.to_string());
        let encoding = match algorithm {
            SigningAlgorithm::Es256 => EncodingKey::from_ec_der(pkcs8),
            SigningAlgorithm::EdDsa => EncodingKey::from_ed_der(pkcs8),
            // As DER it would have to be PKCS #1.
            SigningAlgorithm::Rs256 => EncodingKey::from_rsa_pem(pem(pkcs8).as_bytes()).map_err(invalid)?,
        };
        Self::new(algorithm, encoding)
    }

    /// Reads an ES256 key in its textual form, as [`pem`] and `openssl genpkey` write it.
    pub fn from_es256_pem(text: &[u8]) -> Result<Self, InvalidSigningKey> {
        let encoding = EncodingKey::from_ec_pem(text).map_err(|error| InvalidSigningKey(error.to_string()))?;
        Self::new(SigningAlgorithm::Es256, encoding)
    }

    fn new(algorithm: SigningAlgorithm, encoding: EncodingKey) -> Result<Self, InvalidSigningKey> {
        let invalid = |error: jsonwebtoken::errors::Error| InvalidSigningKey(error.to_string());
        let mut jwk = Jwk::from_encoding_key(&encoding, algorithm.jwa()).map_err(invalid)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(invalid)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { kid, algorithm, jwk, encoding })
    }

    /// The key's name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The public half, as published (RFC 7517 §4).
    pub fn public_jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Signs an access token.
    pub fn sign(&self, claims: &Claims) -> Result<String, InvalidSigningKey> {
        self.sign_as(TYPE, claims)
    }

    /// Signs a JWT of another type (RFC 8725 §3.11).
    pub fn sign_as(&self, typ: &str, claims: &impl Serialize) -> Result<String, InvalidSigningKey> {
        let header = Header { typ: Some(typ.into()), kid: Some(self.kid.clone()), ..Header::new(self.algorithm.jwa()) };
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|error| InvalidSigningKey(error.to_string()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The textual form of PKCS #8 (RFC 7468 §10).
pub fn pem(pkcs8: &[u8]) -> String {
    let base64 = BASE64_STANDARD.encode(pkcs8);
    let mut text = String::from("-----BEGIN PRIVATE KEY-----\n");
    for line in base64.as_bytes().chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text + "-----END PRIVATE KEY-----\n"
}

/// The published form of `keys` (RFC 7517 §5).
pub fn jwks<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> JwkSet {
    JwkSet { keys: keys.into_iter().map(|key| key.public_jwk().clone()).collect() }
}
