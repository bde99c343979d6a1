//! Who calls, once it is known: made by the gate, told to the MCP server by `identity`, written into the log.

use std::sync::Arc;

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

    /// Who it is, to be recognised again; `None` for strangers, who are all the same.
    pub fn principal(&self) -> Option<Principal> {
        let boxed = |text: &str| Box::<str>::from(text);
        let subject = self.subject()?.into();
        Some(Principal { issuer: self.issuer().map(boxed), subject, client_id: self.client_id().map(boxed) })
    }

    /// Whether it is this one; `None` is a stranger.
    pub fn is(&self, principal: Option<&Principal>) -> bool {
        match principal {
            None => matches!(self, Caller::Anonymous),
            Some(principal) => {
                self.subject() == Some(&*principal.subject)
                    && self.issuer() == principal.issuer.as_deref()
                    && self.client_id() == principal.client_id.as_deref()
            }
        }
    }
}

/// Somebody to be recognised again: what was begun by one is not continued by another. A key of the operator's has neither
/// issuer nor client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    issuer: Option<Box<str>>,
    subject: Box<str>,
    client_id: Option<Box<str>>,
}
