//! Who calls, once it is known: found by `endpoint.rs`, told to the MCP server by `identity`, written into the log.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use gatelodge_oauth::access_token::AccessToken;
use gatelodge_oauth::scope::Scope;

use crate::api_keys::ApiKey;

/// The caller of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Nobody said who.
    Anonymous,
    /// The holder of an access token.
    Token(Arc<AccessToken>),
    /// The holder of an API key.
    Key(Arc<ApiKey>),
}

/// Somebody to be recognised again: sessions belong to one (MCP security best practices).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A subject is a name of its issuer's (RFC 7519 §4.1.2).
    Token { issuer: Box<str>, subject: Box<str>, client_id: Box<str> },
    /// The hash of a key, whole: of a part of it others could have the same.
    Key([u8; 32]),
}

/// Whom an answer is for, as long as it goes on.
#[derive(Debug, Clone)]
pub enum Viewer {
    /// The caller.
    One(Caller),
    /// Of HTTP+SSE: a stranger, until somebody takes the stream over.
    Taker(Arc<OnceLock<Caller>>),
}

/// Whoever has taken nothing over yet.
static STRANGER: Caller = Caller::Anonymous;

impl Viewer {
    /// Who it is now.
    pub fn caller(&self) -> &Caller {
        match self {
            Viewer::One(caller) => caller,
            Viewer::Taker(taker) => taker.get().unwrap_or(&STRANGER),
        }
    }
}

/// Whom a request counts for, as long as it is under way.
#[derive(Debug, Clone)]
pub enum Holder {
    /// A subject, whatever its client.
    Known(Caller),
    /// Whoever is at this address.
    Stranger(Option<IpAddr>),
}

impl Holder {
    /// What makes two of them the same.
    fn name(&self) -> Result<(Option<&str>, Option<&str>), Option<IpAddr>> {
        match self {
            Holder::Known(caller) => Ok((caller.issuer(), caller.subject())),
            Holder::Stranger(address) => Err(*address),
        }
    }
}

impl PartialEq for Holder {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Holder {}

impl Hash for Holder {
    /// The same subject of two issuers is rare, and no worse than any two that meet in a table.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.name() {
            Ok((_, subject)) => subject.hash(state),
            Err(address) => address.hash(state),
        }
    }
}

impl Caller {
    /// Who vouches for the subject; nobody but the operator does for a key.
    pub fn issuer(&self) -> Option<&str> {
        match self {
            Caller::Token(token) => Some(&token.issuer),
            Caller::Anonymous | Caller::Key(_) => None,
        }
    }

    /// On whose behalf the call is made.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Caller::Anonymous => None,
            Caller::Token(token) => Some(&token.subject),
            Caller::Key(key) => Some(&key.subject),
        }
    }

    /// The OAuth client.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Caller::Token(token) => Some(&token.client_id),
            Caller::Anonymous | Caller::Key(_) => None,
        }
    }

    /// What the caller may do; `None` where nothing limits it.
    pub fn scope(&self) -> Option<&Scope> {
        match self {
            Caller::Anonymous => None,
            Caller::Token(token) => Some(&token.scope),
            Caller::Key(key) => key.scope.as_ref(),
        }
    }

    /// The name of the API key, for the log.
    pub fn api_key(&self) -> Option<&str> {
        match self {
            Caller::Key(key) => Some(&key.name),
            Caller::Anonymous | Caller::Token(_) => None,
        }
    }

    /// Whether somebody vouches for who it is; a key that only the MCP server can check says nothing yet.
    pub fn is_known(&self) -> bool {
        match self {
            Caller::Anonymous => false,
            Caller::Token(_) => true,
            Caller::Key(key) => key.passed_through().is_none(),
        }
    }

    /// `None` for strangers, who are all the same.
    pub fn principal(&self) -> Option<Principal> {
        match self {
            Caller::Anonymous => None,
            Caller::Token(token) => Some(Principal::Token {
                issuer: token.issuer.as_str().into(),
                subject: token.subject.as_str().into(),
                client_id: token.client_id.as_str().into(),
            }),
            Caller::Key(key) => Some(Principal::Key(key.sha256)),
        }
    }

    /// Whether it is this one; `None`: a stranger.
    pub fn is(&self, principal: Option<&Principal>) -> bool {
        match (self, principal) {
            (Caller::Anonymous, None) => true,
            (Caller::Token(token), Some(Principal::Token { issuer, subject, client_id })) => {
                *token.issuer == **issuer && *token.subject == **subject && *token.client_id == **client_id
            }
            (Caller::Key(key), Some(Principal::Key(sha256))) => key.sha256 == *sha256,
            _ => false,
        }
    }
}
