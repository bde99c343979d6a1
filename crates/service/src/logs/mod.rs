//! Logs on standard output, called once at the start of `serve`: JSON lines by default, text for reading in a terminal.
//!
//! The configured level applies to Gatelodge itself. Libraries stay at `warn` whatever the level: at `debug` and `trace`
//! some print headers, and a header can be a token.

use serde::Deserialize;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use json::Json;
use text::Text;

mod json;
pub(crate) mod request;
mod text;

/// The table `[logs]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct LogsConfig {
    /// One JSON object per line, or text.
    pub format: LogsFormat,
    /// How much Gatelodge itself says.
    pub level: LogsLevel,
}

/// `logs.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum LogsFormat {
    /// One JSON object per line: control characters are escaped, so no value can forge a line.
    #[default]
    Json,
    /// For people in front of a terminal.
    Text,
}

/// `logs.level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum LogsLevel {
    /// Faults of ours.
    Error,
    /// And what an operator should look at.
    Warn,
    /// And one line for each decision.
    #[default]
    Info,
    /// And why.
    Debug,
    /// Everything.
    Trace,
}

impl From<LogsLevel> for Level {
    fn from(level: LogsLevel) -> Level {
        match level {
            LogsLevel::Error => Level::ERROR,
            LogsLevel::Warn => Level::WARN,
            LogsLevel::Info => Level::INFO,
            LogsLevel::Debug => Level::DEBUG,
            LogsLevel::Trace => Level::TRACE,
        }
    }
}

/// Starts logging for the whole process; a second call (tests in one process) changes nothing.
pub fn init(config: &LogsConfig) {
    let levels = Targets::new().with_default(LevelFilter::WARN).with_target("gatelodge", Level::from(config.level));
    let registry = tracing_subscriber::registry().with(levels);
    let started = match config.format {
        LogsFormat::Json => registry.with(Json).try_init(),
        LogsFormat::Text => registry.with(fmt::layer().event_format(Text::new())).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
