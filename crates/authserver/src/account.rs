//! The table `[account]` of the configuration: what people may do for themselves on the account page.

use serde::Deserialize;

/// The table.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountConfig {
    /// Whether they may make personal tokens.
    pub personal_tokens: bool,
    /// Whether they may delete their account.
    pub deletion: bool,
}

impl Default for AccountConfig {
    fn default() -> Self {
        Self { personal_tokens: true, deletion: true }
    }
}
