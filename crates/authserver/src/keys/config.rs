//! The table `[keys]` of the configuration, as written and as checked.

use std::path::PathBuf;
use std::time::Duration;

use gatelodge_oauth::access_token::SigningAlgorithm;
use gatelodge_service::config::{HumanDuration, Problems, secret};
use gatelodge_store::DatabaseUrl;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::encryption::EncryptionKey;
use super::rotation::RotationPolicy;
use crate::sealing::SealingKey;

const DAY: u64 = 86_400;

/// Everything about keys, checked.
#[derive(Debug, Clone)]
pub struct KeysConfig {
    /// What new keys are for.
    pub algorithm: SigningAlgorithm,
    /// What they are encrypted with in the database.
    pub encryption: EncryptionKey,
    /// How long a key signs; `None`: until somebody rotates by command.
    pub rotation_interval: Option<Duration>,
    /// How long a key is published before it signs.
    pub publish_before: Duration,
}

impl KeysConfig {
    /// When keys change, for access tokens of this life.
    pub fn rotation_policy(&self, access_token: Duration) -> RotationPolicy {
        let Self { algorithm, rotation_interval, publish_before, .. } = *self;
        RotationPolicy { algorithm, interval: rotation_interval, publish_before, access_token }
    }
}

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawKeys {
    algorithm: SigningAlgorithm,
    encryption_key: Option<SecretString>,
    encryption_key_file: Option<PathBuf>,
    rotation_interval: RotationInterval,
    publish_before: HumanDuration,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
enum RotationInterval {
    Never,
    Every(HumanDuration),
}

impl TryFrom<String> for RotationInterval {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "never" => Ok(Self::Never),
            _ => text.parse().map(Self::Every).map_err(|error| format!("{error}; or \"never\"")),
        }
    }
}

impl Default for RawKeys {
    fn default() -> Self {
        Self {
            algorithm: SigningAlgorithm::default(),
            encryption_key: None,
            encryption_key_file: None,
            rotation_interval: RotationInterval::Every(HumanDuration::from_secs(30 * DAY)),
            publish_before: HumanDuration::from_secs(900),
        }
    }
}

impl RawKeys {
    /// Converts, or notes what is wrong. `None` for the database: it is wrong itself, and nothing is said of its key.
    pub fn check(
        self,
        database: Option<&DatabaseUrl>,
        unsafe_values_allowed: bool,
        problems: &mut Problems,
    ) -> Option<KeysConfig> {
        if !unsafe_values_allowed {
            self.check_ranges(problems);
        }
        let rotation_interval = match self.rotation_interval {
            RotationInterval::Never => None,
            RotationInterval::Every(interval) => Some(interval.get()),
        };
        let (algorithm, publish_before) = (self.algorithm, self.publish_before.get());
        let encryption = encryption(self.encryption_key, self.encryption_key_file, database, problems)?;
        Some(KeysConfig { algorithm, encryption, rotation_interval, publish_before })
    }

    /// Sooner, and a key signs before everybody has seen it: clients keep the set for five minutes, the sidecar for one.
    fn check_ranges(&self, problems: &mut Problems) {
        let mut check = |key: &str, value: HumanDuration, from: u64, to: u64| {
            let (from, to) = (HumanDuration::from_secs(from), HumanDuration::from_secs(to));
            if value < from || value > to {
                let says = format!("\"{value}\" is not between \"{from}\" and \"{to}\"");
                problems.add(format!("keys.{key}"), says, "choose a value in this range");
            }
        };
        check("publish_before", self.publish_before, 600, DAY);
        if let RotationInterval::Every(interval) = self.rotation_interval {
            check("rotation_interval", interval, 2 * DAY, 400 * DAY);
        }
    }
}

fn encryption(
    value: Option<SecretString>,
    file: Option<PathBuf>,
    database: Option<&DatabaseUrl>,
    problems: &mut Problems,
) -> Option<EncryptionKey> {
    let file = match (&value, file) {
        (None, None) => beside(database?, problems)?,
        (Some(_), None) => return given(value, None, problems),
        // Both: refused.
        (Some(_), file) => return given(value, file, problems),
        (None, Some(file)) => file,
    };
    // A file that is not there yet is made at the first start.
    if file.exists() { given(None, Some(file), problems) } else { Some(EncryptionKey::File(file)) }
}

/// SQLite is one file on this machine, so the key can lie beside it.
fn beside(database: &DatabaseUrl, problems: &mut Problems) -> Option<PathBuf> {
    let Some(path) = database.sqlite_path() else {
        let hint = "run: openssl rand -base64 32 > FILE && chmod 600 FILE, and name the FILE here; every process on the database needs the same";
        problems.add("keys.encryption_key_file", "is missing: with PostgreSQL nothing can be chosen for you", hint);
        return None;
    };
    let mut name = path.as_os_str().to_owned();
    name.push(".key");
    Some(name.into())
}

fn given(value: Option<SecretString>, file: Option<PathBuf>, problems: &mut Problems) -> Option<EncryptionKey> {
    let key = if file.is_some() { "keys.encryption_key_file" } else { "keys.encryption_key" };
    let text = secret(value, file, "keys.encryption_key", problems)?;
    let sealing = SealingKey::from_base64(text.expose_secret());
    if sealing.is_none() {
        problems.add(key, "is not 32 bytes in base64", "make one with: openssl rand -base64 32");
    }
    sealing.map(EncryptionKey::Given)
}
