//! Which tokens were revoked, as one signed document for everybody: draft-ietf-oauth-status-list §4 (list), §5.1 (token).
//! Made by the authorization server, read by the resource server.
//!
//! One bit for each grant, all tokens of which share its index. A revoked grant never comes back, so one bit is enough.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde::{Deserialize, Serialize};

use crate::access_token::{InvalidSigningKey, Refusal, SigningKey, VerifyingKeys};
use crate::time::Timestamp;

/// Section 5.1.
pub const TYPE: &str = "statuslist+jwt";

/// Section 8.1: how the signed document is called in HTTP.
pub const MEDIA_TYPE: &str = "application/statuslist+jwt";

/// The longest signed document looked at, in bytes.
pub const MAX_LENGTH: usize = 2 * 1024 * 1024;

/// The longest list unpacked, in bytes: 64 million grants. What unpacks to more is an attack or a mistake.
const MAX_LIST: usize = 8 * 1024 * 1024;

/// How many indices the largest list has.
pub const MAX_SIZE: u64 = MAX_LIST as u64 * 8;

/// Between speed and size, in the middle: lists are nearly all zeros.
const COMPRESSION: u8 = 6;

/// The bits, eight to a byte, the lowest first (section 4.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusList(Vec<u8>);

impl StatusList {
    /// A list with room for the indices below `size`, and these of them set.
    pub fn new(size: u64, set: impl IntoIterator<Item = u64>) -> Self {
        let mut bytes = vec![0; usize::try_from(size.div_ceil(8)).unwrap_or(MAX_LIST).min(MAX_LIST)];
        for index in set {
            if let Some(byte) = usize::try_from(index / 8).ok().and_then(|at| bytes.get_mut(at)) {
                *byte |= 1 << (index % 8);
            }
        }
        Self(bytes)
    }

    /// Whether the bit is set. The list says nothing of an index behind its end.
    pub fn is_set(&self, index: u64) -> Option<bool> {
        let byte = usize::try_from(index / 8).ok().and_then(|at| self.0.get(at));
        byte.map(|byte| byte & (1 << (index % 8)) != 0)
    }

    /// Section 4.1: DEFLATE in the ZLIB format, in base64url.
    pub fn compressed(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(compress_to_vec_zlib(&self.0, COMPRESSION))
    }

    fn from_compressed(text: &str) -> Result<Self, InvalidStatusList> {
        let packed = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidStatusList::Malformed)?;
        let list = decompress_to_vec_zlib_with_limit(&packed, MAX_LIST).map_err(|_| InvalidStatusList::Malformed)?;
        Ok(Self(list))
    }
}

/// Section 5.1: what the signed document says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusListClaims {
    /// The URI under which tokens name this list.
    pub sub: String,
    /// When it was made.
    pub iat: Timestamp,
    /// When it must no longer be believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<Timestamp>,
    /// For how many seconds a copy may be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// The list.
    pub status_list: PackedList,
}

/// Section 4.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedList {
    /// How many bits one status has.
    pub bits: u8,
    /// See [`StatusList::compressed`].
    pub lst: String,
}

/// Why a document is no status list of the issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStatusList {
    /// It is no signed document, or its key is unknown.
    #[error("it is not signed by the authorization server: {0}")]
    NotSigned(Refusal),
    /// Section 8.3: `sub` is not the URI that tokens name.
    #[error("it is the list of another issuer")]
    Foreign,
    /// Section 8.3: `exp` has passed, or `iat` is in the future.
    #[error("it is too old, or not of this time")]
    Stale,
    /// It cannot be unpacked, or has statuses of more than one bit.
    #[error("its list cannot be read")]
    Malformed,
}

/// A list that its issuer vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedStatusList {
    /// The list.
    pub list: StatusList,
    /// When it was made (`iat`).
    pub issued_at: Timestamp,
}

/// Signs a list.
pub fn sign(claims: &StatusListClaims, key: &SigningKey) -> Result<String, InvalidSigningKey> {
    key.sign_as(TYPE, claims)
}

/// Section 8.3: the list in a signed document, if it is the one that tokens name by `uri`.
pub fn verify(
    document: &str,
    keys: &VerifyingKeys,
    uri: &str,
    leeway: std::time::Duration,
    now: Timestamp,
) -> Result<SignedStatusList, InvalidStatusList> {
    let (claims, _): (StatusListClaims, _) =
        keys.signed_claims(document, &[TYPE], MAX_LENGTH).map_err(InvalidStatusList::NotSigned)?;
    if claims.sub != uri {
        return Err(InvalidStatusList::Foreign);
    }
    if claims.exp.is_some_and(|exp| now >= exp.plus(leeway)) || claims.iat > now.plus(leeway) {
        return Err(InvalidStatusList::Stale);
    }
    if claims.status_list.bits != 1 {
        return Err(InvalidStatusList::Malformed);
    }
    Ok(SignedStatusList { list: StatusList::from_compressed(&claims.status_list.lst)?, issued_at: claims.iat })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::access_token::{SigningAlgorithm, jwks};

    const URI: &str = "https://h.example/status-list";
    const NOW: i64 = 1_800_000_000;

    fn key() -> SigningKey {
        let algorithm = SigningAlgorithm::Es256;
        let pkcs8 = SigningKey::generate(algorithm).expect("a key");
        SigningKey::from_pkcs8(algorithm, &pkcs8).expect("a key")
    }

    fn keys(key: &SigningKey) -> VerifyingKeys {
        VerifyingKeys::from_jwks(&serde_json::to_vec(&jwks([key])).expect("JSON")).expect("a set")
    }

    fn check(document: &str, key: &SigningKey) -> Result<SignedStatusList, InvalidStatusList> {
        verify(document, &keys(key), URI, Duration::from_secs(30), Timestamp::from_unix(NOW))
    }

    /// Section 4.1 and its example of one bit for each status.
    #[test]
    fn the_example_of_the_draft_is_read_and_made() {
        let set = [0, 3, 4, 5, 7, 8, 9, 13, 15];
        let example = StatusList::from_compressed("eNrbuRgAAhcBXQ").expect("the example");
        assert_eq!(example.0, [0xB9, 0xA3]);
        let made = StatusList::new(16, set);
        assert_eq!(made, example);
        for index in 0..16 {
            assert_eq!(made.is_set(index), Some(set.contains(&index)), "{index}");
        }
        assert_eq!(StatusList::from_compressed(&made.compressed()), Ok(made));
    }

    #[test]
    fn lists_of_every_size_come_back_as_they_were_and_what_lies_behind_the_end_is_unknown() {
        for size in [0, 1, 7, 8, 9, 1_000_001] {
            let last = size - i64::from(size > 0);
            let last = u64::try_from(last).expect("not negative");
            let size = u64::try_from(size).expect("not negative");
            let list = StatusList::new(size, [last, size + 8, u64::MAX]);
            let read = StatusList::from_compressed(&list.compressed()).expect("reads");
            assert_eq!(read, list);
            assert_eq!(read.is_set(last), (size > 0).then_some(true), "{size}");
            assert_eq!((read.is_set(size + 8), read.is_set(u64::MAX)), (None, None));
        }
        let sparse = StatusList::new(1_000_000, (0..100).map(|i| i * 9_999));
        assert!(sparse.compressed().len() < 2_000, "{}", sparse.compressed().len());
    }

    fn good() -> Value {
        json!({"sub": URI, "iat": NOW, "exp": NOW + 60, "ttl": 5, "status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ"}})
    }

    #[test]
    fn what_is_signed_here_is_believed_here() {
        let key = key();
        let list = StatusList::new(16, [3]);
        let claims = StatusListClaims {
            sub: URI.into(),
            iat: Timestamp::from_unix(NOW),
            exp: Some(Timestamp::from_unix(NOW + 60)),
            ttl: Some(5),
            status_list: PackedList { bits: 1, lst: list.compressed() },
        };
        assert_eq!(
            check(&sign(&claims, &key).expect("signed"), &key),
            Ok(SignedStatusList { list, issued_at: Timestamp::from_unix(NOW) })
        );
    }

    #[test]
    fn a_list_that_is_foreign_stale_or_broken_is_not_believed() {
        let key = key();
        let cases: [(&str, Value, InvalidStatusList); 10] = [
            ("sub", json!("https://h.example/status-list/"), InvalidStatusList::Foreign),
            ("sub", json!("https://evil.example/status-list"), InvalidStatusList::Foreign),
            ("exp", json!(NOW - 30), InvalidStatusList::Stale),
            ("iat", json!(NOW + 31), InvalidStatusList::Stale),
            ("exp", json!("1"), InvalidStatusList::NotSigned(Refusal::MalformedClaims)),
            ("status_list", json!({"bits": 2, "lst": "eNrbuRgAAhcBXQ"}), InvalidStatusList::Malformed),
            ("status_list", json!({"bits": 1, "lst": "!"}), InvalidStatusList::Malformed),
            ("status_list", json!({"bits": 1, "lst": "AAAA"}), InvalidStatusList::Malformed),
            ("status_list", json!({"bits": 1}), InvalidStatusList::NotSigned(Refusal::MalformedClaims)),
            ("status_list", json!(null), InvalidStatusList::NotSigned(Refusal::MalformedClaims)),
        ];
        for (name, value, expected) in cases {
            let mut claims = good();
            claims[name] = value.clone();
            let document = key.sign_as(TYPE, &claims).expect("signed");
            assert_eq!(check(&document, &key), Err(expected), "{name} = {value}");
        }
        assert!(check(&key.sign_as(TYPE, &good()).expect("signed"), &key).is_ok());
    }

    #[test]
    fn only_a_document_of_the_right_type_and_key_is_a_list() {
        let (ours, theirs) = (key(), key());
        let forged = theirs.sign_as(TYPE, &good()).expect("signed");
        assert!(matches!(check(&forged, &ours), Err(InvalidStatusList::NotSigned(Refusal::UnknownKey { .. }))));
        for typ in ["at+jwt", "JWT", ""] {
            let document = ours.sign_as(typ, &good()).expect("signed");
            assert_eq!(check(&document, &ours), Err(InvalidStatusList::NotSigned(Refusal::NotAnAccessToken)), "{typ}");
        }
        for text in ["", "x", "a.b.c", &"a".repeat(MAX_LENGTH + 1)] {
            assert!(check(text, &ours).is_err());
        }
    }

    /// A few kilobytes that unpack to gigabytes.
    #[test]
    fn a_list_that_unpacks_to_too_much_is_refused() {
        let key = key();
        let bomb = BASE64_URL_SAFE_NO_PAD.encode(compress_to_vec_zlib(&vec![0; MAX_LIST + 1], COMPRESSION));
        let mut claims = good();
        claims["status_list"]["lst"] = json!(bomb);
        let document = key.sign_as(TYPE, &claims).expect("signed");
        assert_eq!(check(&document, &key), Err(InvalidStatusList::Malformed));
    }
}
