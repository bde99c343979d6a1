//! The `WWW-Authenticate` header of a protected resource. RFC 6750 §3, RFC 9728 §5.1.
//!
//! One header, scheme spelled `Bearer`, every value quoted, `resource_metadata` first: several real clients read it with a
//! regular expression or compare the scheme with case.

use crate::scope::Scope;

/// Why access was refused (RFC 6750 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeError {
    /// The request is malformed; answered with 400.
    InvalidRequest,
    /// The token is no good; answered with 401.
    InvalidToken,
    /// The token is good and does not reach far enough; answered with 403.
    InsufficientScope,
}

impl ChallengeError {
    /// The code as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            ChallengeError::InvalidRequest => "invalid_request",
            ChallengeError::InvalidToken => "invalid_token",
            ChallengeError::InsufficientScope => "insufficient_scope",
        }
    }
}

/// A challenge. Without `error` when no token was sent at all (RFC 6750 §3.1): some clients only then begin to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The URL of the resource metadata (RFC 9728 §5.1), on the origin of the resource.
    pub resource_metadata: String,
    /// What to ask for.
    pub scope: Scope,
    /// Why, and in words: ASCII without `"` and `\`.
    pub error: Option<(ChallengeError, String)>,
}

impl Challenge {
    /// The value of the header.
    pub fn header_value(&self) -> String {
        let mut value = format!("Bearer resource_metadata=\"{}\"", self.resource_metadata);
        if !self.scope.is_empty() {
            value.push_str(&format!(", scope=\"{}\"", self.scope));
        }
        if let Some((error, description)) = &self.error {
            value.push_str(&format!(", error=\"{}\", error_description=\"{description}\"", error.as_str()));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves RFC 6750 §3: a challenge names its scheme and its error.
    #[test]
    fn the_header_has_the_one_shape_that_every_client_reads() {
        let base = Challenge {
            resource_metadata: "https://h.example/.well-known/oauth-protected-resource/mcp".into(),
            scope: "mcp:use tickets:read".parse().expect("a scope"),
            error: None,
        };
        assert_eq!(
            base.header_value(),
            "Bearer resource_metadata=\"https://h.example/.well-known/oauth-protected-resource/mcp\", scope=\"mcp:use tickets:read\""
        );
        let expired = Challenge {
            error: Some((ChallengeError::InvalidToken, "the access token expired".into())),
            ..base.clone()
        };
        assert_eq!(
            expired.header_value(),
            base.header_value() + ", error=\"invalid_token\", error_description=\"the access token expired\""
        );
        let no_scope = Challenge { scope: Scope::empty(), ..base };
        assert!(!no_scope.header_value().contains("scope="));
    }
}
