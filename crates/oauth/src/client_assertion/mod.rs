//! `private_key_jwt`: a client proves itself with a JWT that it signed. RFC 7521 §4.2, RFC 7523 §2.2 and §3, with the narrower
//! audience of draft-ietf-oauth-rfc7523bis. Pure: that no assertion works twice is the store's part.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::{ClientId, Registration};
use crate::client_keys::{ALGORITHMS, ClientKeySet, name_of};
use crate::error::OAuthError;
use crate::secret::{HashedSecret, sha256};
use crate::time::Timestamp;

/// `client_assertion_type` (RFC 7523 §2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest assertion looked at, in bytes.
const MAX_LENGTH: usize = 8 * 1024;

/// The longest `jti`, in bytes.
const MAX_ID_LENGTH: usize = 256;

/// How far ahead `exp` may be: each assertion is for one request, and its `jti` is remembered until then.
const MAX_LIFETIME: Duration = Duration::from_secs(600);

/// How far the clocks of client and server may differ.
const LEEWAY: Duration = Duration::from_secs(60);

/// An assertion as it was presented: nothing of it is proven. `Debug` prints nothing of it.
pub struct ClientAssertion {
    token: String,
    algorithm: Algorithm,
    kid: Option<String>,
    subject: ClientId,
}

/// The claims of the header that are looked at (RFC 7515 §4.1). `jku`, `jwk`, `x5u` and `x5c` never are.
#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Subject {
    sub: String,
}

/// RFC 7523 §3. Wrong JSON types and repeated members do not parse; times may have fractions (RFC 7519 §2).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    jti: String,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    iat: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// `null` is not the same as absent.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    f64::deserialize(deserializer).map(Some)
}

/// Which audiences an assertion may have. rfc7523bis leaves the issuer alone: with the URL of an endpoint, an attacker's
/// server can make a client sign for another one. Older clients, after RFC 7523 §3 and RFC 9126 §2, name the endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssertionAudience {
    /// Strict for clients that the operator configured, lenient for all others.
    #[default]
    Auto,
    /// The issuer.
    Strict,
    /// The issuer, the token endpoint, or the endpoint that the assertion is sent to.
    Lenient,
}

impl AssertionAudience {
    /// What `aud` may be, byte for byte. A slash after the issuer is what URL libraries add.
    pub fn accepted(self, registration: Registration, issuer: &str, endpoint: &str) -> Vec<String> {
        let mut accepted = vec![issuer.to_owned(), format!("{issuer}/")];
        let lenient = match self {
            AssertionAudience::Auto => registration != Registration::Configured,
            AssertionAudience::Strict => false,
            AssertionAudience::Lenient => true,
        };
        if lenient {
            accepted.extend([format!("{issuer}/token"), endpoint.to_owned()]);
        }
        accepted
    }
}

/// What an assertion is checked against.
#[derive(Debug, Clone, Copy)]
pub struct AssertionRules<'a> {
    /// The keys of the client it names; none when the client has none.
    pub keys: Option<&'a ClientKeySet>,
    /// What its audience may be, byte for byte.
    pub audiences: &'a [String],
    /// When.
    pub now: Timestamp,
}

/// An assertion that proved its client. It may do so once: whoever takes it has to remember it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedAssertion {
    /// SHA-256 of the client and the `jti`.
    pub hash: HashedSecret,
    /// Until when it has to be remembered, by whichever clock.
    pub expires_at: Timestamp,
}

impl ClientAssertion {
    /// Reads what is needed to look up client and key; the signature is checked by [`ClientAssertion::verify`].
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let malformed = || failed("the assertion is not a signed JWT");
        let mut segments = text.split('.');
        let (Some(header), Some(claims), Some(_), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(malformed());
        };
        if text.len() > MAX_LENGTH {
            return Err(malformed());
        }
        let header: JoseHeader = json(header).ok_or_else(malformed)?;
        let Subject { sub } = json(claims).ok_or_else(|| failed("the assertion names no client"))?;
        // RFC 7515 §4.1.11: an extension that is not understood must not be ignored, and none is.
        if header.crit.is_some() {
            return Err(failed("the assertion has critical extensions"));
        }
        let algorithm = ALGORITHMS.into_iter().find(|own| name_of(*own) == header.alg);
        let algorithm = algorithm.ok_or_else(|| failed("the algorithm of the assertion is not accepted"))?;
        Ok(Self { token: text.to_owned(), algorithm, kid: header.kid, subject: ClientId::new(sub) })
    }

    /// The client it claims to be from.
    pub fn subject(&self) -> &ClientId {
        &self.subject
    }

    /// The name of the key it claims to be signed with.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// RFC 7523 §3, the signature first. `typ` is not asked for: few clients send one.
    pub fn verify(&self, client: &ClientId, rules: &AssertionRules<'_>) -> Result<UsedAssertion, OAuthError> {
        let keys = rules.keys.ok_or_else(|| failed("the client has no keys"))?;
        let signed = keys.candidates(self.algorithm, self.kid()).find_map(|key| self.signed_claims(key));
        let claims = signed.ok_or_else(|| failed("no key of the client made the signature of the assertion"))?;
        let claims = claims.ok_or_else(|| failed("a claim of the assertion is missing or malformed"))?;
        if claims.iss != client.as_str() || claims.sub != client.as_str() {
            return Err(failed("iss and sub of the assertion are not the client_id"));
        }
        if !is_for_us(&claims.aud, rules.audiences) {
            return Err(failed("aud of the assertion is not the issuer alone"));
        }
        let expires_at = check_times(&claims, rules.now)?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_ID_LENGTH {
            return Err(failed("jti of the assertion is empty or too long"));
        }
        let hash = HashedSecret::from_bytes(sha256(format!("{client}\0{}", claims.jti).as_bytes()));
        // Another server, whose clock is behind, may take it for a while longer than this one.
        Ok(UsedAssertion { hash, expires_at: expires_at.plus(2 * LEEWAY) })
    }

    /// `None`: another key signed. `Some(None)`: this key signed something that is no assertion.
    fn signed_claims(&self, key: &DecodingKey) -> Option<Option<Claims>> {
        use jsonwebtoken::errors::ErrorKind;
        let mut validation = Validation::new(self.algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        match jsonwebtoken::decode::<Claims>(&self.token, key, &validation) {
            Ok(data) => Some(Some(data.claims)),
            Err(error) if matches!(error.kind(), ErrorKind::Json(_)) => Some(None),
            Err(_) => None,
        }
    }
}

impl std::fmt::Debug for ClientAssertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientAssertion(***)")
    }
}

/// One value, alone: an assertion for several servers could be passed on by one of them to another.
fn is_for_us(audience: &Audience, accepted: &[String]) -> bool {
    let only = match audience {
        Audience::One(only) => only,
        Audience::Several(several) => match several.as_slice() {
            [only] => only,
            _ => return false,
        },
    };
    accepted.contains(only)
}

/// RFC 7523 §3, 4 to 6. Returns the end.
fn check_times(claims: &Claims, now: Timestamp) -> Result<Timestamp, OAuthError> {
    let expires_at = seconds(claims.exp);
    if now >= expires_at.plus(LEEWAY) {
        return Err(failed("the assertion expired"));
    }
    if expires_at > now.plus(MAX_LIFETIME).plus(LEEWAY) {
        return Err(failed("exp of the assertion is more than ten minutes ahead"));
    }
    let begins = [claims.nbf, claims.iat].into_iter().flatten().map(seconds);
    if begins.into_iter().any(|begin| begin > now.plus(LEEWAY)) {
        return Err(failed("the assertion is not valid yet"));
    }
    Ok(expires_at)
}

/// Whole seconds; what is out of range becomes the nearest that is in it.
fn seconds(date: f64) -> Timestamp {
    Timestamp::from_unix(date.floor() as i64)
}

fn json<T: DeserializeOwned>(segment: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(segment).ok()?).ok()
}

fn failed(detail: &'static str) -> OAuthError {
    OAuthError::client_authentication_failed(detail)
}

#[cfg(test)]
mod tests;
