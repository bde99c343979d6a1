//! Chromium on the pages of the authorization server, driven by the scripts in `clients/browser/`: each is given the address of
//! a [`Stack`], looks, and prints what it found as one line of JSON.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    clients::{chromium, install_from_npm, run_to_the_end},
    requirements::{Missing, profile_directory},
    stack::{Stack, build_binaries},
};

/// Thousands of pages on a machine under load.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// Chromium and its scripts.
#[derive(Debug)]
pub struct Browser {
    chromium: PathBuf,
    scripts: PathBuf,
}

impl Browser {
    /// Installs what is needed, which takes a while the first time.
    ///
    /// # Errors
    /// Names what the machine lacks.
    pub fn prepare() -> Result<Browser, Missing> {
        Ok(Browser { chromium: chromium()?, scripts: install_from_npm("browser")? })
    }

    /// Runs a script to its end and gives its report.
    ///
    /// # Panics
    /// When the script fails; the message is its own.
    pub fn run(&self, script: &str, stack: &Stack, variables: &[(&str, &str)]) -> Value {
        let mut command = Command::new("node");
        command
            .arg(self.scripts.join(script))
            .env("PUBLIC_URL", &stack.public_url)
            .env("MCP_URL", &stack.mcp_url)
            .env("CHROMIUM", &self.chromium)
            .envs(variables.iter().copied());
        let report = run_to_the_end(&mut command, &stack.artifacts, PATIENCE);
        serde_json::from_str(&report).expect("the report is one line of JSON")
    }
}

/// Has every sample of every page rendered into `directory`; with `texts`, a file with a JSON list, the hostile samples with
/// each of these texts.
///
/// # Panics
/// When a page does not render.
pub fn render_sample_pages(directory: &Path, texts: Option<&Path>) {
    build_binaries();
    fs::create_dir_all(directory).expect("a directory for the pages");
    let mut command = Command::new(profile_directory().join("examples/sample_pages"));
    let output = command.arg(directory).args(texts).stdin(Stdio::null()).output().expect("sample_pages starts");
    assert!(output.status.success(), "sample_pages: {}", String::from_utf8_lossy(&output.stderr));
}
