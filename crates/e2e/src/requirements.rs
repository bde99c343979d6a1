//! What a test needs that is not part of this repository, and what happens when it is not there: on CI the test fails,
//! elsewhere it is left out with a line that says what to install.

use std::{
    fmt,
    io::Write,
    path::{Path, PathBuf},
};

/// Something that is not installed here. The text says what, and how to get it.
#[derive(Debug)]
pub struct Missing(pub String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Unwraps what a test needs; `None` means that the test is to return at once, which only happens off CI.
///
/// # Panics
/// On CI (environment variable `CI`), where nothing may be left out.
pub fn available_or_skip<T>(test: &str, needed: Result<T, Missing>) -> Option<T> {
    let missing = match needed {
        Ok(needed) => return Some(needed),
        Err(missing) => missing,
    };
    assert!(variable("CI").is_none(), "{test} cannot run: {missing}");
    // Not println!: the test runner would swallow the line of a test that passes.
    writeln!(std::io::stderr(), "SKIPPED: {test}: {missing}").expect("standard error takes a line");
    None
}

/// `target/`, wherever Cargo put it: a test executable lies in `target/<profile>/deps/`.
pub fn target_directory() -> PathBuf {
    profile_directory().parent().map(Path::to_path_buf).expect("a profile directory lies in the target directory")
}

/// `target/<profile>/`, where this profile's binaries are.
pub fn profile_directory() -> PathBuf {
    let executable = std::env::current_exe().expect("a running test knows its own path");
    executable.ancestors().nth(2).map(Path::to_path_buf).expect("a test executable lies in target/<profile>/deps")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the harness has no configuration file; its environment is the machine's"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
