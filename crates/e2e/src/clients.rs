//! Real MCP clients: the official SDKs in their own languages, and the official conformance suite, driven by the scripts in
//! `clients/`. They are installed once per lock file, under `target/e2e-clients/`, and run against a [`Stack`].

use std::{
    ffi::OsStr,
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    process::wait_for,
    requirements::{Missing, target_directory, variable},
    stack::Stack,
};

const NODE_MAJOR: u32 = 20;
const DRIVER_PATIENCE: Duration = Duration::from_secs(300);
const STAMP: &str = ".installed";

/// The SDKs that are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sdk {
    /// `@modelcontextprotocol/sdk`
    TypeScriptV1,
    /// `@modelcontextprotocol/client`
    TypeScriptV2,
    /// `mcp` 1.x
    PythonV1,
    /// `mcp` 2.x
    PythonV2,
}

/// The person in front of the client.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// Name for the sign-in page.
    pub username: &'a str,
    /// Password for the sign-in page.
    pub password: &'a str,
    /// Which button of the consent page is pressed.
    pub allows: bool,
}

/// An installed SDK with its driver, and the browser.
#[derive(Debug)]
pub struct Client {
    program: PathBuf,
    script: PathBuf,
    browser_script: PathBuf,
    chromium: PathBuf,
}

impl Client {
    /// Installs what is needed, which takes a while the first time.
    ///
    /// # Errors
    /// Names what the machine lacks.
    pub fn prepare(sdk: Sdk) -> Result<Client, Missing> {
        let (chromium, typescript) = browser()?;
        let (program, script) = match sdk {
            Sdk::TypeScriptV1 => ("node".into(), typescript.join("sdk-v1.mjs")),
            Sdk::TypeScriptV2 => ("node".into(), typescript.join("sdk-v2.mjs")),
            Sdk::PythonV1 => (python("requirements-v1.txt")?, sources("python").join("sdk_v1.py")),
            Sdk::PythonV2 => (python("requirements-v2.txt")?, sources("python").join("sdk_v2.py")),
        };
        Ok(Client { program, script, browser_script: typescript.join("browser.mjs"), chromium })
    }

    /// An SDK that calls tools and does what it is told to by challenges (`SDK`, `CALLS`).
    ///
    /// # Errors
    /// Names what the machine lacks.
    pub fn prepare_step_up(sdk: Sdk) -> Result<Client, Missing> {
        let client = Client::prepare(sdk)?;
        let script = match sdk {
            Sdk::TypeScriptV1 | Sdk::TypeScriptV2 => client.script.with_file_name("step-up.mjs"),
            Sdk::PythonV1 | Sdk::PythonV2 => client.script.with_file_name("step_up.py"),
        };
        Ok(Client { script, ..client })
    }

    /// The conformance suite of the Model Context Protocol, with the Node.js that it needs.
    ///
    /// # Errors
    /// Names what the machine lacks.
    pub fn prepare_conformance_suite() -> Result<Client, Missing> {
        let (chromium, typescript) = browser()?;
        let suite = install_from_npm("conformance")?;
        Ok(Client {
            program: "node".into(),
            script: suite.join("run.mjs"),
            browser_script: typescript.join("browser.mjs"),
            chromium,
        })
    }

    /// Walks the whole flow and gives the driver's report.
    ///
    /// # Panics
    /// When the driver fails; the message is the driver's own.
    pub fn walk(&self, stack: &Stack, person: Person<'_>, variables: &[(&str, &str)]) -> Value {
        let report = self.run(stack, person, variables);
        serde_json::from_str(&report).expect("the report is one line of JSON")
    }

    /// Runs the driver to its end and gives what it printed.
    ///
    /// # Panics
    /// When the driver fails; the message is the driver's own.
    pub fn run(&self, stack: &Stack, person: Person<'_>, variables: &[(&str, &str)]) -> String {
        let mut driver = Command::new(&self.program);
        driver
            .arg(&self.script)
            .env("MCP_URL", &stack.mcp_url)
            .env("BROWSER_SCRIPT", &self.browser_script)
            .env("CHROMIUM", &self.chromium)
            .env("SIGN_IN_USERNAME", person.username)
            .env("SIGN_IN_PASSWORD", person.password)
            .env("DECISION", if person.allows { "allow" } else { "deny" })
            .env("SCREENSHOTS_DIR", &stack.artifacts)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(variables.iter().copied());
        run_to_the_end(&mut driver, &stack.artifacts, DRIVER_PATIENCE)
    }
}

/// Runs a driver and gives what it printed; that, and what it says besides, is kept in `artifacts`.
///
/// # Panics
/// When the driver fails or takes too long; the message is the driver's own.
pub(crate) fn run_to_the_end(command: &mut Command, artifacts: &Path, patience: Duration) -> String {
    let (report, messages) = (artifacts.join("report.json"), artifacts.join("client.log"));
    let mut driver = command
        .stdin(Stdio::null())
        .stdout(File::create(&report).expect("the report can be written"))
        .stderr(File::create(&messages).expect("the client's log can be written"))
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let status = wait_for(&mut driver, patience);
    if status.is_none() {
        let _ = driver.kill();
        let _ = driver.wait();
    }
    let said = fs::read_to_string(&messages).unwrap_or_default();
    let printed = fs::read_to_string(&report).expect("the driver left a report");
    let driver: Vec<_> = command.get_args().collect();
    match status {
        Some(status) if status.success() => printed,
        Some(status) => panic!("{driver:?} failed ({status}):\n{said}\n{printed}"),
        None => panic!("{driver:?} took longer than {patience:?}:\n{said}"),
    }
}

/// The program of an authorization server that is not ours (`oidc-provider`), to be run by Node.js.
///
/// # Errors
/// Names what the machine lacks.
pub fn prepare_other_issuer() -> Result<PathBuf, Missing> {
    Ok(install_from_npm("oidc-provider")?.join("server.mjs"))
}

/// The program of an OpenID provider that is not ours (`oidc-provider`), where people sign in, to be run by Node.js.
///
/// # Errors
/// Names what the machine lacks.
pub fn prepare_openid_provider() -> Result<PathBuf, Missing> {
    Ok(install_from_npm("oidc-provider")?.join("sign-in.mjs"))
}

/// A folder of `clients/`, as it is in the repository.
pub fn sources(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(language)
}

/// Chromium, and the folder with the script that drives it.
fn browser() -> Result<(PathBuf, PathBuf), Missing> {
    let chromium = chromium()?;
    Ok((chromium, install_from_npm("typescript")?))
}

/// A folder of `clients/` with the packages of its lock file. The scripts of packages do not run.
///
/// # Errors
/// Names what the machine lacks.
pub fn install_from_npm(folder: &str) -> Result<PathBuf, Missing> {
    require_node()?;
    let directory = install(folder, "package-lock.json", |directory| {
        for name in ["package.json", "package-lock.json"] {
            fs::copy(sources(folder).join(name), directory.join(name)).expect("the lock file can be copied");
        }
        run_installer(Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(directory))
    })?;
    copy_scripts(folder, &directory);
    Ok(directory)
}

/// Node resolves modules from where a script lies, so the scripts go beside `node_modules`.
fn copy_scripts(folder: &str, directory: &Path) {
    let entries = fs::read_dir(sources(folder)).expect("the drivers are in the repository");
    for source in entries.map(|entry| entry.expect("a folder can be listed").path()) {
        if source.extension() != Some(OsStr::new("mjs")) {
            continue;
        }
        let target = directory.join(source.file_name().unwrap_or_default());
        let script = fs::read(&source).expect("a driver can be read");
        // Another test may be running the same script: replaced at once, and only when it changed.
        if fs::read(&target).ok().as_ref() != Some(&script) {
            let mut new = tempfile::NamedTempFile::new_in(directory).expect("the target directory is writable");
            new.write_all(&script).expect("the target directory is writable");
            new.persist(&target).expect("a driver can be replaced");
        }
    }
}

/// A Python with the packages of a lock file of `clients/python/`.
///
/// # Errors
/// Names what the machine lacks.
pub fn python(requirements: &str) -> Result<PathBuf, Missing> {
    let environment = install("python", requirements, |directory| {
        run_installer(Command::new("python3").args(["-m", "venv"]).arg(directory)).map_err(|Missing(why)| {
            Missing(format!(
                "Python 3.11 or newer with venv is needed (Debian: apt-get install python3 python3-venv): {why}"
            ))
        })?;
        let mut pip = Command::new(directory.join("bin/pip"));
        run_installer(pip.args(["install", "--quiet", "--requirement"]).arg(sources("python").join(requirements)))
    })?;
    Ok(environment.join("bin/python"))
}

/// Runs `fill` on a new folder unless the folder for this very lock file is complete, one process at a time.
fn install(
    language: &str,
    lock_file: &str,
    fill: impl FnOnce(&Path) -> Result<(), Missing>,
) -> Result<PathBuf, Missing> {
    let lock = fs::read(sources(language).join(lock_file)).expect("the lock file is in the repository");
    let mut hasher = DefaultHasher::new();
    lock.hash(&mut hasher);
    let all = target_directory().join("e2e-clients");
    let directory = all.join(format!("{language}-{:016x}", hasher.finish()));
    fs::create_dir_all(&all).expect("the target directory is writable");
    let guard = File::create(all.join("lock")).expect("the target directory is writable");
    guard.lock().expect("the file system can lock");
    if !directory.join(STAMP).exists() {
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).expect("the target directory is writable");
        fill(&directory)?;
        fs::write(directory.join(STAMP), lock_file).expect("the target directory is writable");
    }
    Ok(directory)
}

fn run_installer(command: &mut Command) -> Result<(), Missing> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Err(Missing(format!("`{command:?}` failed: {}", String::from_utf8_lossy(&said).trim())))
        }
        Err(error) => Err(Missing(format!("{program} does not run ({error}); install it"))),
    }
}

fn require_node() -> Result<(), Missing> {
    let needed = || Missing(format!("Node.js {NODE_MAJOR} or newer with npm is needed (packages nodejs and npm)"));
    let output = Command::new("node").arg("--version").output().map_err(|_| needed())?;
    let version = String::from_utf8_lossy(&output.stdout);
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NODE_MAJOR) { Ok(()) } else { Err(needed()) }
}

/// Where Chromium is.
///
/// # Errors
/// Names what the machine lacks.
pub(crate) fn chromium() -> Result<PathBuf, Missing> {
    let path = PathBuf::from(variable("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".to_owned()));
    if path.is_file() {
        return Ok(path);
    }
    let path = path.display();
    Err(Missing(format!("Chromium is needed, and {path} is none (Debian: apt-get install chromium; or set CHROMIUM)")))
}
