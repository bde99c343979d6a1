//! The public keys of a client, as it registers or publishes them: which keys of a JWK set are taken, and for what.
//! RFC 7517 §4 and §5, RFC 7591 §2 (`jwks`, `jwks_uri`), RFC 8725 §3.1. Client assertions are checked with them.

use std::collections::BTreeMap;

use aws_lc_rs::rsa::KeySize;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The longest set that is read, in bytes.
pub const MAX_LENGTH: usize = 12 * 1024;

/// How many keys of a set are looked at: with a key that has no name each of them may be tried.
const MAX_KEYS: usize = 16;

/// The algorithms that clients may sign with, the usual one first.
pub const ALGORITHMS: [Algorithm; 4] = [Algorithm::ES256, Algorithm::RS256, Algorithm::PS256, Algorithm::EdDSA];

/// Their names, for the metadata (RFC 8414 §2).
pub fn algorithm_names() -> Vec<&'static str> {
    ALGORITHMS.into_iter().map(name_of).collect()
}

/// RFC 7518 §3.1, RFC 8037 §3.1.
pub fn name_of(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => "ES256",
        Algorithm::RS256 => "RS256",
        Algorithm::PS256 => "PS256",
        Algorithm::EdDSA => "EdDSA",
        _ => "another",
    }
}

/// The keys of a client that its signatures can be checked with; never empty.
#[derive(Debug, Clone)]
pub struct ClientKeySet(Vec<ClientKey>);

#[derive(Debug, Clone)]
struct ClientKey {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// Why a set cannot be used. The text may be told to whoever registers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClientKeys {
    /// Longer than [`MAX_LENGTH`].
    #[error("it is longer than 12 KB")]
    TooLong,
    /// RFC 7517 §5.
    #[error("it is not a JWK set with at most 16 keys")]
    NotAJwkSet,
    /// A key that others know proves nothing.
    #[error("it holds a private or symmetric key; it may hold public keys only")]
    NotPublic,
    /// RFC 7517 §5: keys of other kinds are left out, and nothing is left.
    #[error("it holds no key for ES256, RS256, PS256 (2048 bits or more) or EdDSA (Ed25519)")]
    NoUsableKey,
}

impl ClientKeySet {
    /// Reads a JWK set.
    pub fn parse(document: &[u8]) -> Result<Self, InvalidClientKeys> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<BTreeMap<String, Value>>,
        }
        if document.len() > MAX_LENGTH {
            return Err(InvalidClientKeys::TooLong);
        }
        let set: Set = serde_json::from_slice(document).map_err(|_| InvalidClientKeys::NotAJwkSet)?;
        if set.keys.len() > MAX_KEYS {
            return Err(InvalidClientKeys::NotAJwkSet);
        }
        // RFC 7518 §6.2.2, §6.3.2 and §6.4.
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        if set.keys.iter().any(|key| private.iter().any(|member| key.contains_key(*member))) {
            return Err(InvalidClientKeys::NotPublic);
        }
        let jwks = set.keys.into_iter().map(|key| serde_json::from_value::<Jwk>(key.into_iter().collect()));
        let usable: Vec<ClientKey> = jwks.filter_map(|jwk| ClientKey::from_jwk(&jwk.ok()?)).collect();
        if usable.is_empty() { Err(InvalidClientKeys::NoUsableKey) } else { Ok(Self(usable)) }
    }

    /// Whether a signature that names this key could be checked. Without a name every key is tried.
    pub fn knows(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.0.iter().any(|key| key.kid.as_deref() == Some(kid)))
    }

    /// The keys to try for a signature that names its algorithm and perhaps its key. A key without a name may have any.
    pub(crate) fn candidates(&self, algorithm: Algorithm, kid: Option<&str>) -> impl Iterator<Item = &DecodingKey> {
        let named = kid.filter(|kid| self.knows(Some(kid)));
        let fits = move |key: &&ClientKey| match (named, kid) {
            (Some(kid), _) => key.kid.as_deref() == Some(kid),
            (None, Some(_)) => key.kid.is_none(),
            (None, None) => true,
        };
        self.0.iter().filter(fits).filter(move |key| key.algorithms.contains(&algorithm)).map(|key| &key.key)
    }
}

impl ClientKey {
    /// RFC 8725 §3.1: the kind of the key says which algorithms it is for, and its `alg`, if it has one, which of them.
    fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let for_signatures = common.public_key_use.as_ref().is_none_or(|key_use| *key_use == PublicKeyUse::Signature)
            && common.key_operations.as_ref().is_none_or(|uses| uses.contains(&KeyOperations::Verify));
        let possible: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[Algorithm::ES256],
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
            AlgorithmParameters::RSA(key) if rsa_bytes(&key.n) >= KeySize::Rsa2048.len() => {
                &[Algorithm::RS256, Algorithm::PS256]
            }
            _ => &[],
        };
        let named =
            |algorithm: &Algorithm| common.key_algorithm.is_none_or(|own| own.to_string() == name_of(*algorithm));
        let algorithms: Vec<Algorithm> = possible.iter().copied().filter(named).collect();
        if !for_signatures || algorithms.is_empty() {
            return None;
        }
        Some(Self { kid: common.key_id.clone(), algorithms, key: DecodingKey::from_jwk(jwk).ok()? })
    }
}

/// The length of an RSA modulus.
fn rsa_bytes(n: &str) -> usize {
    BASE64_URL_SAFE_NO_PAD.decode(n).map_or(0, |bytes| bytes.iter().skip_while(|byte| **byte == 0).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    fn parse(keys: Value) -> Result<ClientKeySet, InvalidClientKeys> {
        ClientKeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn rsa(bytes: usize) -> Value {
        json!({"kty": "RSA", "n": BASE64_URL_SAFE_NO_PAD.encode(vec![0xA7; bytes]), "e": "AQAB"})
    }

    #[test]
    fn each_kind_of_key_is_for_its_own_algorithms() {
        let ec = json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "ec", "unknown": 1});
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": X});
        let ps = json!({"kty": "RSA", "n": rsa(256)["n"], "e": "AQAB", "alg": "PS256", "key_ops": ["verify"]});
        let set = parse(json!([ec, ed, rsa(256), ps])).expect("four keys");
        let count = |algorithm, kid| set.candidates(algorithm, kid).count();
        assert_eq!(ALGORITHMS.map(|algorithm| count(algorithm, None)), [1, 1, 2, 1]);
        assert_eq!((count(Algorithm::ES256, Some("ec")), count(Algorithm::EdDSA, Some("ec"))), (1, 0));
        // A name that no key has may be that of a key without one.
        assert_eq!((count(Algorithm::EdDSA, Some("other")), count(Algorithm::ES256, Some("other"))), (1, 0));
        assert!(set.knows(Some("ec")) && set.knows(None) && !set.knows(Some("other")));
    }

    /// Proves RFC 7517 §4: no weak, private or foreign key is used.
    #[test]
    fn what_is_too_weak_private_or_for_something_else_is_no_key() {
        use InvalidClientKeys::{NoUsableKey, NotAJwkSet, NotPublic, TooLong};
        let ec = |name: &str, value: Value| {
            let mut key = json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y});
            key[name] = value;
            json!([key])
        };
        for (keys, why) in [
            (json!([]), NoUsableKey),
            (json!([rsa(255)]), NoUsableKey),
            (json!([{"kty": "EC", "crv": "P-384", "x": X, "y": Y}]), NoUsableKey),
            (json!([{"kty": "EC", "crv": "secp256k1", "x": X, "y": Y}]), NoUsableKey),
            (json!([{"kty": "EC", "crv": "P-256", "x": X}]), NoUsableKey),
            (ec("use", json!("enc")), NoUsableKey),
            (ec("alg", json!("ES384")), NoUsableKey),
            (ec("alg", json!("none")), NoUsableKey),
            (ec("key_ops", json!(["sign"])), NoUsableKey),
            (ec("d", json!("AAAA")), NotPublic),
            (json!([{"kty": "oct", "k": "AAAA"}]), NotPublic),
            (json!([ec("kid", json!("good"))[0], {"kty": "oct", "k": "AAAA"}]), NotPublic),
            (json!({}), NotAJwkSet),
            (json!(["key"]), NotAJwkSet),
            (json!(vec![rsa(256); 17]), NotAJwkSet),
            (json!([{"kty": "EC", "note": "x".repeat(MAX_LENGTH)}]), TooLong),
        ] {
            assert_eq!(parse(keys.clone()).err(), Some(why), "{keys}");
        }
        for text in ["", "null", "[]", "{}", "{\"keys\":1}", "{\"keys\":[],\"keys\":[]}", "not json"] {
            assert_eq!(ClientKeySet::parse(text.as_bytes()).err(), Some(NotAJwkSet), "{text}");
        }
    }
}
