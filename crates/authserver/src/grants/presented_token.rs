//! Which of our tokens is this, and which grant does it stand for? For revocation (RFC 7009 §2.1) and introspection (RFC 7662
//! §2.1), which take access tokens and refresh tokens alike and may be given anything.

use std::time::Duration;

use gatelodge_oauth::access_token::{self, AccessToken, Expectation};
use gatelodge_oauth::grant::Grant;
use gatelodge_oauth::grant::refresh_token::RefreshToken;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{StoreError, Tx, grants, refresh_tokens};

use crate::app::App;

/// How far the clocks of two servers on one database may differ.
const LEEWAY: Duration = Duration::from_secs(60);

/// What somebody presented, before the store was asked.
#[derive(Debug)]
pub enum PresentedToken {
    /// It looks like a refresh token.
    Refresh(Secret),
    /// It is an access token of ours that has not expired.
    Access {
        /// What it says.
        token: Box<AccessToken>,
        /// For which resource.
        resource: ResourceId,
        /// The place of its grant in the status list.
        status_index: i64,
    },
    /// A secret of ours that is no token, such as a code, or an access token of an earlier release, which names no grant: it
    /// cannot be revoked.
    Irrevocable,
    /// Nothing of ours, or nothing any more.
    Unknown,
}

/// A token that the store knows.
pub enum FoundToken {
    /// In whatever state: the caller judges.
    Refresh(RefreshToken, Grant),
    /// In whatever state.
    Access(Box<AccessToken>, Grant),
}

impl PresentedToken {
    /// Looks at the text alone. What the caller says of its kind (`token_type_hint`) could only make the search shorter.
    pub async fn read(app: &App, text: &str, now: Timestamp) -> Self {
        if let Some(secret) = Secret::parse(Kind::RefreshToken, text) {
            return Self::Refresh(secret);
        }
        if Secret::is_one(text) {
            return Self::Irrevocable;
        }
        // One of them is the audience; the resource is not known before the signature is.
        let keys = app.keys.current(now).await;
        let issuer = app.config.public_url.as_str();
        let access = app.config.resources.iter().find_map(|resource| {
            let audience = resource.id.clone();
            let expectation = Expectation { issuer: issuer.to_owned(), audience, leeway: LEEWAY };
            let token = access_token::verify(text, &keys.verifying, &expectation, now).ok()?;
            let status_index = token.status.as_ref().and_then(|status| i64::try_from(status.idx).ok());
            let Some(status_index) = status_index else { return Some(Self::Irrevocable) };
            Some(Self::Access { token: Box::new(token), resource: resource.id.clone(), status_index })
        });
        access.unwrap_or(Self::Unknown)
    }

    /// The token with its grant, if there is one.
    pub fn find(&self, tx: &mut Tx) -> Result<Option<FoundToken>, StoreError> {
        match self {
            Self::Refresh(secret) => {
                let Some(token) = refresh_tokens::find(tx, &secret.hash())? else { return Ok(None) };
                let grant = grants::find(tx, &token.grant_id)?;
                Ok(grant.map(|grant| FoundToken::Refresh(token, grant)))
            }
            Self::Access { token, resource, status_index } => {
                let grant = grants::find_by_status_index(tx, *status_index)?;
                let same = |grant: &Grant| grant.resource == *resource && grant.client_id.as_str() == token.client_id;
                Ok(grant.filter(same).map(|grant| FoundToken::Access(token.clone(), grant)))
            }
            Self::Irrevocable | Self::Unknown => Ok(None),
        }
    }
}

impl FoundToken {
    /// The approval it stands for.
    pub fn grant(&self) -> &Grant {
        match self {
            Self::Refresh(_, grant) | Self::Access(_, grant) => grant,
        }
    }
}
