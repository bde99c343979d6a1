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

/// Walks to the one unspent token.
fn head<C: Chain>(
    chain: &mut C,
    successor: Option<(Secret, RefreshToken)>,
    now: Timestamp,
) -> Result<Result<Secret, OAuthError>, C::Error> {
    let mut next = successor;
    while let Some((secret, token)) = next {
        if token.spent_at.is_none() {
            return Ok(if now < token.expires_at { Ok(secret) } else { Err(OAuthError::refresh_token_expired()) });
        }
        next = follow(chain, &secret, &token)?;
    }
    // Whoever holds the token keeps it, until somebody has looked after the row.
    Ok(Err(OAuthError::temporarily_unavailable("a chain of refresh tokens has no head")))
}
