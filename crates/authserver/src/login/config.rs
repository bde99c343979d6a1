//! The table `[login]` of the configuration: the ways in which people prove who they are.

use gatelodge_service::config::Problems;
use serde::Deserialize;

use super::setup::{RawSetup, SetupConfig};
use super::upstream_config::{self, ProviderConfig, RawProvider};

/// The table, checked.
#[derive(Debug, Clone)]
pub struct LoginConfig {
    /// The OpenID providers of `[[login.oidc]]`.
    pub oidc: Vec<ProviderConfig>,
    /// How the first administrator is made.
    pub setup: SetupConfig,
    /// Whether a password suffices.
    pub second_factor: SecondFactor,
    /// Whether people may sign in by a code that is sent by e-mail.
    pub email_code: bool,
}

/// Who is asked for more than a password.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// Whoever set it up.
    #[default]
    Optional,
    /// Everybody: who has nothing sets it up while signing in.
    Required,
}

/// As written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLogin {
    oidc: Vec<RawProvider>,
    setup: RawSetup,
    second_factor: SecondFactor,
    email_code: RawEmailCode,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawEmailCode {
    enabled: bool,
}

impl RawLogin {
    /// Converts, or notes what is wrong.
    pub fn check(self, sends_mail: bool, problems: &mut Problems) -> LoginConfig {
        if self.email_code.enabled && !sends_mail {
            let hint = "add [email], which says what mail server sends them; or write false";
            problems.add("login.email_code.enabled", "codes go by e-mail, and there is no [email]", hint);
        }
        LoginConfig {
            oidc: upstream_config::check_all(self.oidc, problems),
            setup: self.setup.into(),
            second_factor: self.second_factor,
            email_code: self.email_code.enabled,
        }
    }
}
