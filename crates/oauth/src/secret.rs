//! Opaque secrets: how they are made, recognised, and stored. The only file of this crate that uses randomness.
//!
//! A secret looks like `gatelodge_rt_<43 base62 characters><6 base62 characters of CRC-32>`: secret scanners find it by
//! the regular expression `gatelodge_(rt|cs|code|session|txn|rat|dc|par|state|setup|reset|enter|admin)_[0-9A-Za-z]{49}`, and garbage is refused without a query.
//! 43 base62 characters carry 256 bits (RFC 6749 §10.10 asks for 128 at least). Only the SHA-256 of the whole string is stored.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;

/// What a secret is for. A secret of one kind is never accepted where another is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RFC 6749 §1.5.
    RefreshToken,
    /// RFC 6749 §2.3.1.
    ClientSecret,
    /// RFC 6749 §4.1.2.
    AuthorizationCode,
    /// The cookie of a browser session.
    BrowserSession,
    /// A pending authorization, named by the pages of sign-in and consent.
    Transaction,
    /// `registration_access_token` (RFC 7592 §3).
    RegistrationAccessToken,
    /// `device_code` (RFC 8628 §3.2).
    DeviceCode,
    /// The last part of a `request_uri` (RFC 9126 §2.2).
    PushedRequest,
    /// `state` at an OpenID provider (OpenID Connect Core 1.0 §3.1.2.1).
    UpstreamState,
    /// The link by which the first administrator is made.
    Setup,
    /// The link by which somebody chooses a password.
    PasswordReset,
    /// The link that lets an administrator in.
    AdministrationLink,
    /// The cookie of an administrator.
    AdministrationSession,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 13] = [
        Kind::RefreshToken,
        Kind::ClientSecret,
        Kind::AuthorizationCode,
        Kind::BrowserSession,
        Kind::Transaction,
        Kind::RegistrationAccessToken,
        Kind::DeviceCode,
        Kind::PushedRequest,
        Kind::UpstreamState,
        Kind::Setup,
        Kind::PasswordReset,
        Kind::AdministrationLink,
        Kind::AdministrationSession,
    ];

    fn prefix(self) -> &'static str {
        match self {
            Kind::RefreshToken => "gatelodge_rt_",
            Kind::ClientSecret => "gatelodge_cs_",
            Kind::AuthorizationCode => "gatelodge_code_",
            Kind::BrowserSession => "gatelodge_session_",
            Kind::Transaction => "gatelodge_txn_",
            Kind::RegistrationAccessToken => "gatelodge_rat_",
            Kind::DeviceCode => "gatelodge_dc_",
            Kind::PushedRequest => "gatelodge_par_",
            Kind::UpstreamState => "gatelodge_state_",
            Kind::Setup => "gatelodge_setup_",
            Kind::PasswordReset => "gatelodge_reset_",
            Kind::AdministrationLink => "gatelodge_enter_",
            Kind::AdministrationSession => "gatelodge_admin_",
        }
    }
}

/// A secret in clear: exists only on its way to or from its owner. `Debug` prints nothing of it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A new random secret.
    pub fn generate(kind: Kind) -> Self {
        let mut value = String::from(kind.prefix());
        value.push_str(&random_base62(RANDOM_LENGTH));
        let checksum = checksum(&value);
        value.push_str(&checksum);
        Self(value)
    }

    /// Reads a presented secret; `None` when it cannot be one of ours of this kind, so that no query is made for it.
    pub fn parse(kind: Kind, presented: &str) -> Option<Self> {
        let random = presented.strip_prefix(kind.prefix())?;
        let well_formed =
            random.len() == RANDOM_LENGTH + CHECKSUM_LENGTH && random.bytes().all(|b| b.is_ascii_alphanumeric());
        if !well_formed {
            return None;
        }
        let (body, sum) = presented.split_at(presented.len() - CHECKSUM_LENGTH);
        (checksum(body) == sum).then(|| Self(presented.to_owned()))
    }

    /// Whether a text is a secret of ours, of any kind.
    pub fn is_one(presented: &str) -> bool {
        Kind::ALL.into_iter().any(|kind| Self::parse(kind, presented).is_some())
    }

    /// The string to hand to its owner. Never to a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored and looked up.
    pub fn hash(&self) -> HashedSecret {
        HashedSecret::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// SHA-256 of a [`Secret`]: compared in constant time, prints nothing.
#[derive(Clone, Copy, Eq, Serialize, Deserialize)]
pub struct HashedSecret([u8; 32]);

impl HashedSecret {
    /// Of a secret in any form: an operator may have made it.
    pub fn of(secret: &str) -> Self {
        Self(sha256(secret.as_bytes()))
    }

    /// Reads the hash back from the store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for HashedSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for HashedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedSecret(***)")
    }
}

/// `length` characters drawn evenly from the base62 alphabet: identifiers such as `client_id` and `jti`.
pub fn random_base62(length: usize) -> String {
    random_from(ALPHABET, length)
}

/// `length` digits, for people to type.
pub fn random_digits(length: usize) -> String {
    random_from(b"0123456789", length)
}

/// `length` characters drawn evenly from an alphabet of at most 256.
pub(crate) fn random_from(alphabet: &[u8], length: usize) -> String {
    let random = SystemRandom::new();
    let mut out = String::with_capacity(length);
    let mut bytes = [0u8; 64];
    // Above the largest multiple of the alphabet's size in a byte the remainder would favour some characters.
    let fair_below = 256 - 256 % alphabet.len();
    while out.len() < length {
        random
            .fill(&mut bytes)
            .expect("the operating system's random generator works; without it no secret may be made");
        let fair = bytes.iter().map(|b| usize::from(*b)).filter(|b| *b < fair_below);
        out.extend(fair.map(|b| char::from(alphabet[b % alphabet.len()])).take(length - out.len()));
    }
    out
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut out = [0u8; CHECKSUM_LENGTH];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    out.iter().map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_recognised_as_its_own_kind_only() {
        for kind in Kind::ALL {
            let secret = Secret::generate(kind);
            for other in Kind::ALL {
                assert_eq!(Secret::parse(other, secret.expose()).is_some(), kind == other);
            }
        }
    }

    #[test]
    fn one_flipped_missing_or_added_character_is_refused() {
        let secret = Secret::generate(Kind::RefreshToken);
        let text = secret.expose();
        for i in 0..text.len() {
            let mut flipped = text.as_bytes().to_vec();
            flipped[i] = if flipped[i] == b'x' { b'y' } else { b'x' };
            assert!(Secret::parse(Kind::RefreshToken, &String::from_utf8_lossy(&flipped)).is_none(), "position {i}");
            assert!(Secret::parse(Kind::RefreshToken, &text[..i]).is_none(), "first {i} characters");
        }
        for extended in [format!("{text}0"), format!(" {text}"), format!("{text}\n"), format!("{text}é")] {
            assert!(Secret::parse(Kind::RefreshToken, &extended).is_none());
        }
    }

    #[test]
    fn debug_output_of_secrets_shows_nothing() {
        let secret = Secret::generate(Kind::ClientSecret);
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(format!("{:?}", secret.hash()), "HashedSecret(***)");
    }

    /// Proves RFC 6749 §10.10: a secret carries 256 random bits.
    #[test]
    fn secrets_match_the_documented_regular_expression() {
        for kind in Kind::ALL {
            let secret = Secret::generate(kind);
            let (_, random) = secret.expose().rsplit_once('_').expect("a secret has underscores");
            assert_eq!(random.len(), 49);
            assert!(random.bytes().all(|b| b.is_ascii_alphanumeric()));
        }
    }
}
