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
}
