//! The successful answer of the token endpoint. RFC 6749 §5.1.

use std::time::Duration;

use serde::Serialize;

use crate::scope::Scope;
use crate::secret::Secret;

/// RFC 6749 §5.1. Members that do not apply are left out: several SDKs refuse `null`.
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    /// Seconds, as a number.
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Always sent: the client may have asked for more.
    scope: Scope,
}

impl TokenResponse {
    /// An answer with a bearer token (RFC 6750).
    pub fn bearer(access_token: String, expires_in: Duration, refresh_token: Option<&Secret>, scope: Scope) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            expires_in: expires_in.as_secs(),
            refresh_token: refresh_token.map(|token| token.expose().to_owned()),
            scope,
        }
    }
}
