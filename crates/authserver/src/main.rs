//! The binary `gatelodge`.

use std::process::ExitCode;

fn main() -> ExitCode {
    gatelodge::cli::run()
}
