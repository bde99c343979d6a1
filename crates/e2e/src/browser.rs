//! Chromium on the pages of the authorization server, driven by the scripts in `clients/browser/`: each is given the address of
//! a [`Stack`], looks, and prints what it found as one line of JSON.

use std::{path::PathBuf, process::Command, time::Duration};

use serde_json::Value;

use crate::{
    clients::{chromium, install_from_npm, run_to_the_end},
    requirements::Missing,
    stack::Stack,
};

/// Dozens of pages on a machine under load.
const PATIENCE: Duration = Duration::from_secs(600);

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
