//! The table `[audit]` of the configuration: who may add to the audit trail, and how long it is kept. `endpoints/audit_events.rs`
//! takes the events, `server.rs` deletes what is older, and `gatelodge audit` shows it.

use std::path::PathBuf;
use std::time::Duration;

use gatelodge_oauth::secret::HashedSecret;
use gatelodge_service::config::{HumanDuration, Problems, secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Whoever guesses the secret can write what never happened.
const MIN_SECRET_LENGTH: usize = 22;

/// Shorter is a mistake: the trail is for questions that come late.
const MIN_RETENTION: Duration = Duration::from_secs(86_400);

/// The table, checked.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// What sidecars prove themselves with; `None`: nobody may send events.
    pub secret: Option<HashedSecret>,
    /// How long events are kept; `None`: for ever.
    pub retention: Option<Duration>,
}

/// As written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawAudit {
    secret: Option<SecretString>,
    secret_file: Option<PathBuf>,
    retention: Retention,
}

#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "String")]
enum Retention {
    #[default]
    Forever,
    For(HumanDuration),
}

impl TryFrom<String> for Retention {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "forever" => Ok(Self::Forever),
            _ => text.parse().map(Self::For).map_err(|error| format!("{error}; or \"forever\"")),
        }
    }
}

impl RawAudit {
    /// Converts, or notes what is wrong.
    pub fn check(self, problems: &mut Problems) -> AuditConfig {
        let given = secret(self.secret, self.secret_file, "audit.secret", problems);
        if given.as_ref().is_some_and(|secret| secret.expose_secret().len() < MIN_SECRET_LENGTH) {
            let says = format!("is shorter than {MIN_SECRET_LENGTH} characters");
            problems.add("audit.secret", says, "make one with: openssl rand -hex 32");
        }
        let retention = match self.retention {
            Retention::Forever => None,
            Retention::For(time) => {
                if time.get() < MIN_RETENTION {
                    let hint = "write \"400d\", or \"forever\"";
                    problems.add("audit.retention", format!("\"{time}\" is shorter than \"1d\""), hint);
                }
                Some(time.get())
            }
        };
        AuditConfig { secret: given.map(|secret| HashedSecret::of(secret.expose_secret())), retention }
    }
}
