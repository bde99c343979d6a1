//! Where things are in this checkout, and the few settings of the surroundings that both commands honour.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate lies in crates/dev")
}

/// Where Cargo puts binaries: this program is one of them.
pub fn binaries() -> PathBuf {
    let program = std::env::current_exe().expect("a running program knows its own path");
    program.parent().map(Path::to_path_buf).expect("a file lies in a directory")
}

/// The target directory, wherever Cargo was told to put it.
pub fn target() -> PathBuf {
    binaries().parent().map(Path::to_path_buf).expect("a profile directory lies in the target directory")
}

/// Cargo, at the root of the checkout.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(root());
    command
}

/// A variable of the environment; an empty one is none.
#[expect(clippy::disallowed_methods, reason = "a development tool has no configuration file")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
