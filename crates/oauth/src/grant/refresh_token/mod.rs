//! The refresh grant: rotate, repeat a lost answer, or refuse. RFC 6749 §6, RFC 9700 §4.14.2.
//! Pure; the token endpoint calls it inside the transaction that holds the grant.
//!
//! A grant has one chain of refresh tokens and one unspent token, its head. A spent token keeps its successor sealed under
//! a key that only the holder of the spent token can derive. So when an answer was lost, or sibling processes of one client
//! share a token, the late request gets the head of the same chain: no second branch ever begins, and nobody is logged out.

use std::time::Duration;

use crate::client::Client;
use crate::error::OAuthError;
use crate::grant::{Grant, GrantId};
use crate::scope::Scope;
use crate::secret::{HashedSecret, Secret};
use crate::time::Timestamp;

pub use chain::{Chain, Presented};
pub use sealed_successor::SealedSuccessor;

mod chain;
#[cfg(test)]
mod model;
mod sealed_successor;
#[cfg(test)]
mod simulation;

/// A refresh token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// SHA-256 of the token.
    pub hash: HashedSecret,
    /// The approval it stands for.
    pub grant_id: GrantId,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends if nobody uses it.
    pub expires_at: Timestamp,
    /// When it was rotated.
    pub spent_at: Option<Timestamp>,
    /// Its successor, for its holder only.
    pub successor: Option<SealedSuccessor>,
}

impl RefreshToken {
    /// A new head of the grant's chain. It ends with the grant, or earlier when nobody uses it for `idle`.
    pub fn unspent(token: &Secret, grant: &Grant, idle: Duration, now: Timestamp) -> Self {
        Self {
            hash: token.hash(),
            grant_id: grant.id.clone(),
            created_at: now,
            expires_at: now.plus(idle).min(grant.expires_at),
            spent_at: None,
            successor: None,
        }
    }
}

/// How long a spent token still leads to the head of its chain.
#[derive(Debug, Clone, Copy)]
pub struct Windows {
    /// While the successor is unused: the answer may have been lost.
    pub lost_response: Duration,
    /// In any case: a sibling process may have been late.
    pub stale_sibling: Duration,
}

/// What to do with a presented token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It is the head: spend it and issue its successor.
    Rotate,
    /// It is spent, within a window: answer with the head of its chain.
    Resume,
    /// It is spent and no window covers it: revoke the grant (RFC 9700 §4.14.2).
    Replayed,
}

/// RFC 6749 §6 in order: the right client, a living grant, then the token's own state. `successor` is the stored token
/// that directly follows a spent one.
pub fn rotate(
    token: &RefreshToken,
    successor: Option<&RefreshToken>,
    grant: &Grant,
    client: &Client,
    windows: Windows,
    now: Timestamp,
) -> Result<Rotation, OAuthError> {
    if grant.client_id != client.id {
        return Err(OAuthError::refresh_token_of_another_client());
    }
    grant.still_valid(now)?;
    let Some(spent_at) = token.spent_at else {
        return if now < token.expires_at { Ok(Rotation::Rotate) } else { Err(OAuthError::refresh_token_expired()) };
    };
    let age = now.since(spent_at);
    let answer_lost = successor.is_some_and(|next| next.spent_at.is_none()) && age <= windows.lost_response;
    let sibling_late = age <= windows.stale_sibling;
    Ok(if answer_lost || sibling_late { Rotation::Resume } else { Rotation::Replayed })
}

/// The scope of the new access token: RFC 6749 §6 lets a refresh narrow it and never widen it. Names the resource does not
/// know are dropped first, because real clients add `offline_access` here.
pub fn narrow(granted: &Scope, requested: Option<&str>, known: &Scope) -> Result<Scope, OAuthError> {
    let requested = Scope::parse_lenient(requested.unwrap_or_default()).intersection(known);
    if requested.is_empty() {
        Ok(granted.clone())
    } else if requested.is_subset_of(granted) {
        Ok(requested)
    } else {
        Err(OAuthError::scope_beyond_grant())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ClientId, Registration};
    use crate::grant::UserId;
    use crate::resource::ResourceId;
    use crate::secret::Kind;

    const WINDOWS: Windows =
        Windows { lost_response: Duration::from_secs(3_600), stale_sibling: Duration::from_secs(300) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_000_000 + seconds)
    }

    fn client(id: &str) -> Client {
        Client::new(ClientId::new(id), Registration::Dynamic, at(0))
    }

    fn grant() -> Grant {
        Grant {
            id: GrantId::generate(),
            user_id: Some(UserId::generate()),
            client_id: ClientId::new("c"),
            resource: ResourceId::from_config("https://h.example/mcp").expect("a resource"),
            scope: "a b".parse().expect("a scope"),
            created_at: at(0),
            expires_at: at(90_000),
            revoked_at: None,
            auth_method: None,
            status_index: None,
            remembered_from: None,
            name: None,
        }
    }

    fn token(spent_at: Option<i64>) -> RefreshToken {
        RefreshToken {
            hash: Secret::generate(Kind::RefreshToken).hash(),
            grant_id: GrantId::generate(),
            created_at: at(0),
            expires_at: at(30_000),
            spent_at: spent_at.map(at),
            successor: None,
        }
    }

    fn decide(token: &RefreshToken, successor: Option<&RefreshToken>, now: i64) -> Result<Rotation, OAuthError> {
        rotate(token, successor, &grant(), &client("c"), WINDOWS, at(now))
    }

    #[test]
    fn the_head_rotates_until_it_expires() {
        assert_eq!(decide(&token(None), None, 29_999), Ok(Rotation::Rotate));
        assert_eq!(decide(&token(None), None, 30_000), Err(OAuthError::refresh_token_expired()));
    }

    #[test]
    fn a_spent_token_resumes_while_its_successor_is_unused_within_the_lost_response_window() {
        for (now, rotation) in [(0, Rotation::Resume), (3_600, Rotation::Resume), (3_601, Rotation::Replayed)] {
            assert_eq!(decide(&token(Some(0)), Some(&token(None)), now), Ok(rotation), "{now}");
        }
    }

    #[test]
    fn a_stale_sibling_resumes_only_within_its_shorter_window() {
        for (now, rotation) in [(-50, Rotation::Resume), (300, Rotation::Resume), (301, Rotation::Replayed)] {
            assert_eq!(decide(&token(Some(0)), Some(&token(Some(10))), now), Ok(rotation), "{now}");
        }
    }

    #[test]
    fn another_client_a_revoked_grant_and_an_ended_grant_are_refused_in_every_state_of_the_token() {
        for token in [token(None), token(Some(0))] {
            let foreign = rotate(&token, None, &grant(), &client("other"), WINDOWS, at(1));
            assert_eq!(foreign, Err(OAuthError::refresh_token_of_another_client()));
            let revoked = Grant { revoked_at: Some(at(0)), ..grant() };
            assert_eq!(rotate(&token, None, &revoked, &client("c"), WINDOWS, at(1)), Err(OAuthError::grant_ended()));
            assert_eq!(
                rotate(&token, None, &grant(), &client("c"), WINDOWS, at(90_000)),
                Err(OAuthError::grant_ended())
            );
        }
    }

    #[test]
    fn a_refresh_may_narrow_and_never_widen() {
        let granted: Scope = "a b".parse().expect("a scope");
        let known: Scope = "a b c".parse().expect("a scope");
        for (requested, answer) in [
            (None, Some("a b")),
            (Some(""), Some("a b")),
            (Some("b"), Some("b")),
            (Some("b offline_access"), Some("b")),
            (Some("offline_access"), Some("a b")),
            (Some("c"), None),
            (Some("a c"), None),
        ] {
            let narrowed = narrow(&granted, requested, &known).ok().map(|scope| scope.to_string());
            assert_eq!(narrowed.as_deref(), answer, "{requested:?}");
        }
    }
}
