//! What the tests need beyond Rust: looked for, installed where we may, named precisely where we may not.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::terminal;
use crate::workspace::{cargo, target, variable};

use super::summary::Outcome;

/// The TypeScript SDK, v2, runs on nothing older.
const NODE_MAJOR: u32 = 20;
/// What is fetched where the system's is older; Debian 12 has 18.
const NODE_FETCHED: &str = "node@22";
/// The oldest that the pinned packages of the Python SDKs run on.
const PYTHON_MINOR: u32 = 11;

/// What the machine has by now.
#[derive(Debug, Default)]
pub struct Machine {
    /// Goes first on `PATH`: a Node.js that we fetched.
    node: Option<PathBuf>,
    missing: Vec<String>,
}

impl Machine {
    /// Lets a command find what was fetched.
    pub fn surround<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some(path) = self.path() {
            command.env("PATH", path);
        }
        command
    }

    /// Not counted when all is well, nor when something is missing: the tests that need it say so themselves. On CI they
    /// fail, and this tells why.
    pub fn outcome(&self) -> Outcome {
        let failures = match variable("CI") {
            Some(_) => self.missing.iter().map(|missing| format!("prepare: {missing}")).collect(),
            None => Vec::new(),
        };
        Outcome { failures, ..Outcome::default() }
    }

    fn path(&self) -> Option<String> {
        let node = self.node.clone()?;
        let path = variable("PATH").unwrap_or_default();
        env::join_paths(std::iter::once(node).chain(env::split_paths(&path))).ok()?.into_string().ok()
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new(program);
        let output = self.surround(&mut command).args(arguments).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn has(&self, program: &str) -> bool {
        self.output(program, &["--version"]).is_some()
    }
}

struct Need {
    name: &'static str,
    /// Debian's packages.
    packages: &'static [&'static str],
    /// What was found, or what is wrong.
    look: fn(&Machine) -> Result<String, String>,
    /// For who installs it by hand.
    hint: &'static str,
}

const NEEDS: [Need; 6] = [
    Need {
        name: "rustfmt, clippy",
        packages: &[],
        look: components,
        hint: "With rustup: rustup component add rustfmt clippy",
    },
    Need {
        name: "PostgreSQL",
        packages: &["postgresql"],
        look: postgresql,
        hint: "Debian: apt-get install --no-install-recommends postgresql\n\
               or set PG_BIN to the directory of its programs, or TEST_DATABASE_URL to a server",
    },
    Need {
        name: "Chromium",
        // A font, so that screenshots show text.
        packages: &["chromium", "fonts-liberation"],
        look: chromium,
        hint: "Debian: apt-get install --no-install-recommends chromium fonts-liberation\n\
               or set CHROMIUM to its path",
    },
    Need {
        name: "Node.js, npm",
        packages: &["nodejs", "npm"],
        look: node,
        hint: "Debian 13 and newer: apt-get install --no-install-recommends nodejs npm\n\
               Debian 12 has 18: with its npm, this command fetches a newer one for itself",
    },
    Need {
        name: "Python, venv",
        packages: &["python3", "python3-venv"],
        look: python,
        hint: "Debian: apt-get install --no-install-recommends python3 python3-venv",
    },
    Need {
        name: "curl, openssl",
        packages: &["curl", "openssl"],
        look: shell_tools,
        hint: "Debian: apt-get install --no-install-recommends curl openssl",
    },
];

pub fn run() -> Machine {
    let mut machine = Machine { node: fetched_node(), missing: Vec::new() };
    for need in NEEDS {
        let mut found = (need.look)(&machine);
        // An old Node.js with an npm is better helped by the latter: the packages of a distribution stay as old as they are.
        let npm_can_help =
            |machine: &Machine| need.packages.contains(&"npm") && machine.has("npm") && machine.has("node");
        if found.is_err() && !need.packages.is_empty() && !npm_can_help(&machine) && install(need.packages) {
            found = (need.look)(&machine);
        }
        if found.is_err() && npm_can_help(&machine) && fetch_node() {
            machine.node = fetched_node();
            found = (need.look)(&machine);
        }
        match found {
            Ok(found) => terminal::done(&format!("{:<16} {found}", need.name)),
            Err(missing) => {
                terminal::warning(&format!("{:<16} {missing}", need.name), need.hint);
                machine.missing.push(format!("{}: {missing}", need.name));
            }
        }
    }
    machine
}

/// Debian's packages, if this is a Debian and we are allowed to.
fn install(packages: &[&str]) -> bool {
    let root = rustix::process::geteuid().is_root();
    let sudo = || Command::new("sudo").args(["-n", "true"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    let allowed = || root || sudo().is_ok_and(|status| status.success());
    if !Path::new("/usr/bin/apt-get").exists() || !allowed() {
        return false;
    }
    terminal::working(&format!("Installing Debian's {} (up to a few minutes)", packages.join(", ")));
    let apt_get = |arguments: &[&str]| {
        let mut command = if root { Command::new("env") } else { Command::new("sudo") };
        if !root {
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--assume-yes"]).args(arguments);
        run_quietly(&mut command)
    };
    // Without the list of packages an old machine asks for versions that are gone; with a broken one it may still work.
    let _ = apt_get(&["update"]);
    apt_get(&[&["install", "--no-install-recommends"], packages].concat())
}

/// The Node.js project's binary, as a package of the npm registry.
fn fetch_node() -> bool {
    let directory = fetched();
    terminal::working(&format!(
        "Fetching Node.js with npm ({NODE_FETCHED}), into target/: the one here is older than {NODE_MAJOR}"
    ));
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", NODE_FETCHED, "--prefix"]).arg(&directory);
    let _ = std::fs::create_dir_all(&directory);
    run_quietly(&mut npm)
}

fn fetched() -> PathBuf {
    target().join("verify/node")
}

fn fetched_node() -> Option<PathBuf> {
    Some(fetched().join("node_modules/.bin")).filter(|programs| programs.join("node").exists())
}

/// Shows what the command said only if it failed.
fn run_quietly(command: &mut Command) -> bool {
    let said = match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        Err(error) => error.to_string(),
    };
    let lines: Vec<&str> = said.lines().collect();
    terminal::warning(&format!("{command:?} failed"), &lines[lines.len().saturating_sub(10)..].join("\n"));
    false
}

fn components(_: &Machine) -> Result<String, String> {
    let works = |tool: &str| cargo(&[tool, "--version"]).output().is_ok_and(|output| output.status.success());
    if works("fmt") && works("clippy") {
        return Ok("of this toolchain".to_owned());
    }
    Err("rustfmt or clippy is not installed".to_owned())
}

fn postgresql(_: &Machine) -> Result<String, String> {
    if variable("TEST_DATABASE_URL").is_some() {
        return Ok("the server that TEST_DATABASE_URL names".to_owned());
    }
    let complete = |directory: &PathBuf| {
        ["initdb", "pg_ctl", "postgres", "psql"].iter().all(|program| directory.join(program).is_file())
    };
    let path = variable("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    let named = variable("PG_BIN").map(PathBuf::from);
    let found = match named {
        Some(named) => Some(named).filter(complete),
        None => env::split_paths(&path).chain(debian).find(complete),
    };
    let found = found.map(|directory| directory.display().to_string());
    found.ok_or_else(|| "no server programs in PG_BIN, PATH or /usr/lib/postgresql".to_owned())
}

fn chromium(_: &Machine) -> Result<String, String> {
    let path = variable("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".to_owned());
    if Path::new(&path).is_file() {
        return Ok(path);
    }
    Err(format!("no Chromium at {path}"))
}

fn node(machine: &Machine) -> Result<String, String> {
    let version = machine.output("node", &["--version"]).ok_or("no Node.js")?;
    let npm = machine.output("npm", &["--version"]).ok_or("no npm")?;
    match version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major >= NODE_MAJOR => Ok(format!("{version}, npm {npm}")),
        _ => Err(format!("Node.js {version}, but the TypeScript SDK needs {NODE_MAJOR} or newer")),
    }
}

fn python(machine: &Machine) -> Result<String, String> {
    let script = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";
    let version = machine.output("python3", &["-c", script]).ok_or("no Python with venv (python3 -m venv)")?;
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    if (numbers.next(), numbers.next()) >= (Some(3), Some(PYTHON_MINOR)) {
        return Ok(version);
    }
    Err(format!("Python {version}, but the Python SDKs need 3.{PYTHON_MINOR} or newer"))
}

/// What docs/curl.md uses, which a test plays.
fn shell_tools(machine: &Machine) -> Result<String, String> {
    let first_two = |text: String| text.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let curl = machine.output("curl", &["--version"]).map(first_two).ok_or("no curl")?;
    let openssl = machine.output("openssl", &["version"]).map(first_two).ok_or("no openssl")?;
    Ok(format!("{curl}, {openssl}"))
}
