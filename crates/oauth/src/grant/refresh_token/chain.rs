//! What a refresh changes in the stored tokens of a grant. Written against [`Chain`], so that the server's transaction and the
//! exhaustive model beside this file run the same steps.

use std::time::Duration;

use super::{RefreshToken, Rotation, SealedSuccessor, Windows, rotate};
use crate::client::Client;
use crate::error::OAuthError;
use crate::grant::{Grant, GrantId};
use crate::secret::{HashedSecret, Secret};
use crate::time::Timestamp;

/// The stored tokens of a grant, in a transaction that holds the grant.
pub trait Chain {
    /// Why the store does not answer.
    type Error;

    /// By hash, in whatever state it is.
    fn find(&mut self, hash: &HashedSecret) -> Result<Option<RefreshToken>, Self::Error>;

    /// Spends the head and adds the token that is the head from then on.
    fn extend(
        &mut self,
        head: &HashedSecret,
        sealed: &SealedSuccessor,
        successor: &RefreshToken,
    ) -> Result<(), Self::Error>;

    /// Ends the grant.
    fn revoke_grant(&mut self, grant: &GrantId, now: Timestamp) -> Result<(), Self::Error>;
}

/// A token that somebody presented, and what the store knows of it.
pub struct Presented {
    secret: Secret,
    token: RefreshToken,
    successor: Option<(Secret, RefreshToken)>,
}

impl Presented {
    /// `None` when it is not a token of ours.
    pub fn find<C: Chain>(chain: &mut C, secret: Secret) -> Result<Option<Self>, C::Error> {
        let Some(token) = chain.find(&secret.hash())? else { return Ok(None) };
        let successor = follow(chain, &secret, &token)?;
        Ok(Some(Self { secret, token, successor }))
    }

    /// Decides what to do with it.
    pub fn judge(
        &self,
        grant: &Grant,
        client: &Client,
        windows: Windows,
        now: Timestamp,
    ) -> Result<Rotation, OAuthError> {
        rotate(&self.token, self.successor.as_ref().map(|(_, token)| token), grant, client, windows, now)
    }

    /// Does it, and returns the head of the chain for the client. `new_token` becomes the head of a chain that is extended, for
    /// `idle` at most.
    pub fn carry_out<C: Chain>(
        self,
        rotation: Rotation,
        chain: &mut C,
        grant: &Grant,
        new_token: &Secret,
        idle: Duration,
        now: Timestamp,
    ) -> Result<Result<Secret, OAuthError>, C::Error> {
        match rotation {
            Rotation::Rotate => {
                let successor = RefreshToken::unspent(new_token, grant, idle, now);
                chain.extend(&self.token.hash, &SealedSuccessor::seal(&self.secret, new_token), &successor)?;
                Ok(Ok(new_token.clone()))
            }
            Rotation::Resume => head(chain, self.successor, now),
            Rotation::Replayed => {
                chain.revoke_grant(&grant.id, now)?;
                Ok(Err(OAuthError::refresh_token_replayed()))
            }
        }
    }
}

/// The token that follows a spent one, and its secret, which only the holder of the spent one can open.
fn follow<C: Chain>(
    chain: &mut C,
    secret: &Secret,
    token: &RefreshToken,
) -> Result<Option<(Secret, RefreshToken)>, C::Error> {
    let Some(next) = token.successor.as_ref().and_then(|sealed| sealed.open(secret)) else { return Ok(None) };
    let token = chain.find(&next.hash())?;
    Ok(token.map(|token| (next, token)))
}

/// The longest way from a late token to the head. Nobody who is merely late is so many rotations behind, and each step is a
/// query while the grant is held: without an end, somebody who rotates all the time could make every walk as long as they want.
pub const LONGEST_WALK: usize = 1_000;

/// Walks to the one unspent token.
fn head<C: Chain>(
    chain: &mut C,
    successor: Option<(Secret, RefreshToken)>,
    now: Timestamp,
) -> Result<Result<Secret, OAuthError>, C::Error> {
    let mut next = successor;
    for _ in 0..LONGEST_WALK {
        let Some((secret, token)) = next else { break };
        if token.spent_at.is_none() {
            return Ok(if now < token.expires_at { Ok(secret) } else { Err(OAuthError::refresh_token_expired()) });
        }
        next = follow(chain, &secret, &token)?;
    }
    // Whoever holds the token keeps it: until it counts as replayed, or somebody has looked after the rows.
    Ok(Err(OAuthError::temporarily_unavailable("the head of a chain of refresh tokens is too far away, or missing")))
}
