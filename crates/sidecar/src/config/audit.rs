//! The table `[audit]`: where decisions are sent beside the log, to be kept.

use std::path::PathBuf;

use gatelodge_service::config::{Problems, secret};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::{Resource, http_url};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAudit {
    url: Option<String>,
    secret: Option<SecretString>,
    secret_file: Option<PathBuf>,
    public_calls: bool,
}

impl PartialEq for RawAudit {
    fn eq(&self, other: &Self) -> bool {
        let secret = |of: &Self| of.secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        secret(self) == secret(other)
            && (&self.url, &self.secret_file, self.public_calls) == (&other.url, &other.secret_file, other.public_calls)
    }
}

/// Where decisions are sent.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// The authorization server's endpoint for them, on its health listener.
    pub url: Url,
    /// How it knows us.
    pub secret: SecretString,
    /// Whether calls of strangers are sent too.
    pub public_calls: bool,
}

impl RawAudit {
    /// Converts, or notes what is wrong; `None` also where nothing is to be sent.
    pub fn check(self, problems: &mut Problems) -> Option<AuditConfig> {
        let has_secret = self.secret.is_some() || self.secret_file.is_some();
        let Some(url) = self.url else {
            if has_secret || self.public_calls {
                let hint =
                    "write the health_listen of the authorization server: \"http://gatelodge:4001/audit/events\"";
                problems.add("audit.url", "is missing: nothing would be sent", hint);
            }
            return None;
        };
        let url = http_url(&url, "audit.url", problems);
        if !has_secret {
            let hint = "add secret_file, or secret, as in [audit] of the authorization server";
            problems.add("audit.secret", "is missing", hint);
        }
        let secret = secret(self.secret, self.secret_file, "audit.secret", problems)?;
        if !secret.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            problems.add(
                "audit.secret",
                "has characters that a header cannot hold",
                "make one with: openssl rand -hex 32",
            );
        }
        Some(AuditConfig { url: url?, secret, public_calls: self.public_calls })
    }
}

/// The tools of the consent page go the same way.
pub(super) fn needed_for_tools(resources: &[Resource], has_audit: bool, problems: &mut Problems) {
    for (index, _) in resources.iter().enumerate().filter(|(_, resource)| resource.tools_on_consent && !has_audit) {
        let hint = "write url and secret_file in [audit], where the authorization server is told which tools there are";
        problems.add(format!("resource[{index}].tools_on_consent"), "needs [audit]", hint);
    }
}
