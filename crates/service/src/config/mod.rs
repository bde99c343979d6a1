//! Configuration: a TOML file, then the environment, then checks. Called by `serve`, `check` and `health` of both binaries.
//!
//! A binary deserialises a `RawConfig` (serde, `deny_unknown_fields`) and converts it into its typed `Config`; the
//! conversion collects **all** [`Problems`]. Each is printed with the line it comes from and with what to write instead.
//!
//! `PREFIX__SECTION__KEY` overrides `section.key`; `PREFIX__RESOURCE__0__NAME` overrides a key of the first `[[resource]]`.

mod duration;
mod listeners;
mod problem;
mod public_url;
mod secret;
mod size;
mod source;

use std::path::Path;

use serde::de::DeserializeOwned;

pub use duration::HumanDuration;
pub use listeners::listeners;
pub use problem::{ConfigError, Place, Problem, Problems};
pub use public_url::{PublicUrl, public_url};
pub use secret::secret;
pub use size::HumanSize;
use source::Source;

/// Reads the file and the environment. Where the result still has to be checked, use [`load_checked`], which can say
/// on which line of the file a problem is.
pub fn load<Raw: DeserializeOwned>(path: &Path, env_prefix: &str) -> Result<Raw, ConfigError> {
    Source::read(path, env_prefix, environment())?.parse()
}

/// Reads the file and the environment, then converts; problems of the conversion are located in the file.
pub fn load_checked<Raw: DeserializeOwned, Config>(
    path: &Path,
    env_prefix: &str,
    convert: impl FnOnce(Raw) -> Result<Config, Problems>,
) -> Result<Config, ConfigError> {
    let source = Source::read(path, env_prefix, environment())?;
    convert(source.parse()?).map_err(|problems| source.locate(problems))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment() -> impl Iterator<Item = (String, String)> {
    // A variable that is not UTF-8 cannot be one of ours: `vars()` would panic on it.
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
