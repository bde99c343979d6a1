//! Who calls, once it is known.
use std::sync::Arc;

use gatelodge_oauth::access_token::AccessToken;
use gatelodge_oauth::scope::Scope;

/// Who calls.
#[derive(Debug, Clone)]
pub enum Caller {
    Anonymous,
    Token(Arc<AccessToken>),
}

/// Somebody to be recognised again: sessions belong to one (MCP security best practices).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    subject: Box<str>,
    client_id: Box<str>,
}

impl Caller {
    pub fn subject(&self) -> Option<&str> {
        match self {
            Caller::Anonymous => None,
            Caller::Token(token) => Some(&token.subject),
        }
    }
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Caller::Anonymous => None,
            Caller::Token(token) => Some(&token.client_id),
        }
    }
    pub fn scope(&self) -> Option<&Scope> {
        match self {
            Caller::Anonymous => None,
            Caller::Token(token) => Some(&token.scope),
        }
    }
    /// `None` for strangers, who are all the same.
    pub fn principal(&self) -> Option<Principal> {
        Some(Principal { subject: self.subject()?.into(), client_id: self.client_id()?.into() })
    }
    /// Whether it is this one; `None`: a stranger.
    pub fn is(&self, principal: Option<&Principal>) -> bool {
        match principal {
            None => matches!(self, Caller::Anonymous),
            Some(principal) => {
                self.subject() == Some(&principal.subject) && self.client_id() == Some(&principal.client_id)
            }
        }
    }
}
