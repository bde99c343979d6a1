//! The table `[connections]` of the configuration: how long the flight recorder keeps what it records, or that it does not.

use std::time::Duration;

use gatelodge_service::config::{HumanDuration, Problems};
use serde::Deserialize;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// As written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConnections {
    retention: Retention,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
enum Retention {
    Off,
    For(HumanDuration),
}

impl Default for Retention {
    fn default() -> Self {
        Self::For(HumanDuration::from_secs(30 * DAY.as_secs()))
    }
}

impl TryFrom<String> for Retention {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "off" => Ok(Self::Off),
            _ => text.parse().map(Self::For).map_err(|error| format!("{error}; or \"off\"")),
        }
    }
}

impl RawConnections {
    /// How long steps are kept, or notes what is wrong; `None`: nothing is recorded.
    pub fn check(self, problems: &mut Problems) -> Option<Duration> {
        let Retention::For(time) = self.retention else { return None };
        if !(DAY..=400 * DAY).contains(&time.get()) {
            let says = format!("\"{time}\" is not between \"1d\" and \"400d\"");
            problems.add("connections.retention", says, "write \"30d\", or \"off\"");
        }
        Some(time.get())
    }
}
