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
        let path = variable("PATH").unwrap_or_default();
        let directories = self.node.iter().cloned().chain(env::split_paths(&path));
        self.node.as_ref()?;
        env::join_paths(directories).ok()?.into_string().ok()
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new(program);
        let output = self.surround(&mut command).args(arguments).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

struct Need {
    name: &'static str,
    /// Debian's packages.
    packages: &'static [&'static str],
    /// What was found, or what is wrong.
    look: fn(&Machine) -> Result<String, String>,
}

const NEEDS: [Need; 5] = [
    Need { name: "rustfmt, clippy", packages: &[], look: components },
    Need { name: "PostgreSQL", packages: &["postgresql"], look: postgresql },
    // A font, so that screenshots show text.
    Need { name: "Chromium", packages: &["chromium", "fonts-liberation"], look: chromium },
    Need { name: "Node.js, npm", packages: &["nodejs", "npm"], look: node },
    Need { name: "Python, venv", packages: &["python3", "python3-venv"], look: python },
];

pub fn run() -> Machine {
    let mut machine = Machine { node: fetched_node().filter(|path| path.join("node").exists()), missing: Vec::new() };
    let mut unmet: Vec<&Need> = NEEDS.iter().filter(|need| (need.look)(&machine).is_err()).collect();
    let packages: Vec<&str> = unmet.iter().flat_map(|need| need.packages).copied().collect();
    if !packages.is_empty() {
        install(&packages);
        unmet.retain(|need| (need.look)(&machine).is_err());
    }
    if unmet.iter().any(|need| need.packages.contains(&"npm")) && machine.output("npm", &["--version"]).is_some() {
        machine.node = fetch_node();
    }
    for need in NEEDS {
        match (need.look)(&machine) {
            Ok(found) => terminal::done(&format!("{:<16} {found}", need.name)),
            Err(missing) => {
                terminal::warning(&missing, &by_hand(need.packages));
                machine.missing.push(missing);
            }
        }
    }
    machine
}

fn by_hand(packages: &[&str]) -> String {
    if packages.is_empty() {
        String::new()
    } else {
        format!("Debian: apt-get install --no-install-recommends {}", packages.join(" "))
    }
}

/// Debian's packages, if this is a Debian and we are allowed to.
fn install(packages: &[&str]) {
    if !Path::new("/usr/bin/apt-get").exists() {
        return;
    }
    let root = rustix::process::geteuid().is_root();
    let sudo = || Command::new("sudo").args(["-n", "true"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    if !root && !sudo().is_ok_and(|status| status.success()) {
        terminal::working("Not root, and no sudo without a password: nothing is installed");
        return;
    }
    terminal::working(&format!("Installing Debian's {} (a minute or two)", packages.join(", ")));
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
    apt_get(&[&["install", "--no-install-recommends"], packages].concat());
}

/// The Node.js project's binary as a package of the npm registry.
fn fetch_node() -> Option<PathBuf> {
    let directory = target().join("verify/node");
    terminal::working(&format!(
        "The system's Node.js is older than {NODE_MAJOR}: fetching {NODE_FETCHED} with npm, into target/"
    ));
    std::fs::create_dir_all(&directory).ok()?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", NODE_FETCHED, "--prefix"]).arg(&directory);
    if run_quietly(&mut npm) { fetched_node() } else { None }
}

fn fetched_node() -> Option<PathBuf> {
    Some(target().join("verify/node/node_modules/.bin"))
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
    Err("rustfmt and clippy are needed: rustup component add rustfmt clippy".to_owned())
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
    found.ok_or_else(|| "no PostgreSQL server programs (also looked for in PG_BIN and /usr/lib/postgresql)".to_owned())
}

fn chromium(_: &Machine) -> Result<String, String> {
    let path = variable("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".to_owned());
    if Path::new(&path).is_file() {
        return Ok(path);
    }
    Err(format!("no Chromium at {path} (CHROMIUM can name another)"))
}

fn node(machine: &Machine) -> Result<String, String> {
    let version = machine.output("node", &["--version"]).ok_or("no Node.js")?;
    let npm = machine.output("npm", &["--version"]).ok_or("no npm")?;
    match version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major >= NODE_MAJOR => Ok(format!("{version}, npm {npm}")),
        _ => Err(format!("Node.js {version} is older than {NODE_MAJOR}, which the TypeScript SDK needs")),
    }
}

fn python(machine: &Machine) -> Result<String, String> {
    let script = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";
    let version = machine.output("python3", &["-c", script]).ok_or("no Python with venv (python3 -m venv)")?;
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    if (numbers.next(), numbers.next()) >= (Some(3), Some(PYTHON_MINOR)) {
        return Ok(version);
    }
    Err(format!("Python {version} is older than 3.{PYTHON_MINOR}, which the Python SDKs need"))
}
