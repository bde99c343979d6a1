//! The whole system on loopback, from the real binaries: the notes server as upstream, the authorization server, and the
//! sidecar in front of both. Each test starts its own, with its own database, ports and logs.

use std::{
    collections::{BTreeSet, hash_map::RandomState},
    fs,
    hash::{BuildHasher, Hasher},
    io::Write,
    net::TcpListener,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
};

use tempfile::TempDir;

use crate::{
    postgres,
    process::Process,
    requirements::{profile_directory, target_directory},
};

/// Expiry within the patience of a test. Outside the safe range: the stack sets the development switch.
pub const ACCESS_TOKEN_LIFETIME_S: u32 = 5;

/// What the sidecar proves itself with when it sends its audit events.
const AUDIT_SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The same selection as `cargo test --workspace` makes, so that nothing is compiled a second time with other features; only
/// the program that may be running these tests is left alone.
const BUILD: &str = "build --quiet --workspace --exclude gatelodge-dev --bins --examples";

/// Below the range from which systems take the near ends of connections: nobody gets such a port by chance.
const PORTS: Range<u64> = 20_000..32_000;

/// What differs from test to test.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the folder under `target/e2e-artifacts/` for logs, reports and screenshots: the test's name.
    pub name: String,
    /// `postgres://…`; `None` is a SQLite file of the stack's own.
    pub database_url: Option<String>,
    /// The host that clients and browsers are told; the programs listen on 127.0.0.1 in any case.
    pub host: &'static str,
    /// The MCP server behind the sidecar; `None` is the notes server.
    pub upstream: Option<String>,
    /// Further keys of the sidecar's table `authorization_server`.
    pub relay: String,
    /// Further tables of the sidecar's configuration.
    pub sidecar: String,
    /// Further keys of the resource in the sidecar's configuration.
    pub resource: String,
    /// Scopes of the resource that the authorization server knows, beside `mcp:use`.
    pub scopes: Vec<String>,
    /// How long access tokens live.
    pub access_token_lifetime_s: u32,
    /// Further tables of the authorization server's configuration; scopes of the resource first.
    pub authserver: String,
    /// Further keys of its table `tokens`.
    pub tokens: String,
}

impl Settings {
    /// On SQLite.
    pub fn new(name: &str) -> Settings {
        Settings {
            name: name.to_owned(),
            database_url: None,
            host: "127.0.0.1",
            upstream: None,
            relay: String::new(),
            sidecar: String::new(),
            resource: String::new(),
            scopes: Vec::new(),
            access_token_lifetime_s: ACCESS_TOKEN_LIFETIME_S,
            authserver: String::new(),
            tokens: String::new(),
        }
    }
}

/// Two tests of each `fn(&Settings)`: `sqlite::<name>` and `postgres::<name>`.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&$crate::stack::Settings::new(stringify!($name))) })+
        }
        mod postgres {
            $(#[test] fn $name() { $crate::stack::on_postgres(stringify!($name), super::$name) })+
        }
    };
}

/// The second of them.
pub fn on_postgres(test: &str, body: fn(&Settings)) {
    let name = format!("{test}_on_postgresql");
    let Some(server) = postgres::for_test(&name) else { return };
    body(&Settings { database_url: Some(server.fresh_database()), ..Settings::new(&name) });
}

/// The running system. Dropping it stops everything; the logs stay.
#[derive(Debug)]
pub struct Stack {
    /// The one public origin, and the issuer.
    pub public_url: String,
    /// What a person pastes into an MCP client.
    pub mcp_url: String,
    /// Where the logs are, and where a test puts what else is worth keeping.
    pub artifacts: PathBuf,
    // In the order of stopping: nothing is taken away from under a part that still runs.
    processes: Vec<Process>,
    binaries: PathBuf,
    directory: TempDir,
}

impl Stack {
    /// Builds the binaries if they are not up to date and starts all three, each one ready before the next.
    ///
    /// # Panics
    /// When something does not start; the message carries the end of its log.
    pub fn start(settings: &Settings) -> Stack {
        build_binaries();
        let artifacts = artifacts_directory(&settings.name);
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let binaries = profile_directory();
        let [public, sidecar_health, authserver, authserver_health] = free_ports();
        let public_url = format!("http://{}:{public}", settings.host);
        let mcp_url = format!("{public_url}/mcp");

        let (notes, upstream) = match &settings.upstream {
            Some(upstream) => (None, upstream.clone()),
            None => {
                let mut command = Command::new(binaries.join("examples/notes_server"));
                let mut notes = Process::start("notes_server", &mut command, &artifacts);
                let upstream = notes.wait_until(|| listening_address(&notes_log(&artifacts)));
                (Some(notes), upstream)
            }
        };

        let database = settings
            .database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", directory.path().join("gatelodge.db").display()));
        let encryption_key = directory.path().join("encryption-key").display().to_string();
        let scope = |name: &String| format!("[[resource.scope]]\nname = \"{name}\"\ntitle = \"Scope {name}\"\n");
        let scopes: String = settings.scopes.iter().map(scope).collect();
        let Settings { access_token_lifetime_s, authserver: further, tokens, .. } = settings;
        let authserver_config = format!(
            r#"
public_url = "{public_url}"
listen = "127.0.0.1:{authserver}"
health_listen = "127.0.0.1:{authserver_health}"
trusted_proxies = ["127.0.0.1"]
[limits]
requests_per_source = 1000000
requests = 1000000
registrations_per_source = 1000000
registrations = 1000000
documents_per_source = 1000000
documents = 1000000
[database]
url = "{database}"
[[resource]]
id = "{mcp_url}"
name = "Notes"
default_scopes = ["mcp:use"]
[[resource.scope]]
name = "mcp:use"
title = "Read and write your notes"
{scopes}
{further}
[keys]
encryption_key_file = "{encryption_key}"
[registration]
dcr = "open"
[audit]
secret = "{AUDIT_SECRET}"
[tokens]
access_token_lifetime = "{access_token_lifetime_s}s"
{tokens}
[logs]
format = "json"
level = "debug"
[development]
allow_unsafe_values = true
"#
        );
        let sidecar_config = format!(
            r#"
public_url = "{public_url}"
listen = "127.0.0.1:{public}"
health_listen = "127.0.0.1:{sidecar_health}"
[authorization_server]
relay = "http://127.0.0.1:{authserver}"
clock_leeway = "0s"
{}
[[resource]]
path = "/mcp"
upstream = "{upstream}"
name = "Notes"
scopes = ["mcp:use"]
{}
[audit]
url = "http://127.0.0.1:{authserver_health}/audit/events"
secret = "{AUDIT_SECRET}"
[logs]
format = "json"
level = "debug"
{}
"#,
            settings.relay, settings.resource, settings.sidecar
        );
        let authserver = serve(&binaries, "gatelodge", directory.path(), &authserver_config, &artifacts);
        let sidecar = serve(&binaries, "gatelodge-sidecar", directory.path(), &sidecar_config, &artifacts);
        let processes = [sidecar, authserver].into_iter().chain(notes).collect();
        Stack { public_url, mcp_url, artifacts, processes, binaries, directory }
    }

    /// Creates a user as an operator would, with the password on standard input.
    ///
    /// # Panics
    /// When the command fails.
    pub fn add_user(&self, name: &str, password: &str) {
        let mut command = Command::new(self.binaries.join("gatelodge"))
            .args(["user", "add", name, "--password-stdin", "--config"])
            .arg(config_path(self.directory.path(), "gatelodge"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gatelodge starts");
        let mut input = command.stdin.take().expect("standard input is piped");
        writeln!(input, "{password}").expect("gatelodge reads the password");
        drop(input);
        let output = command.wait_with_output().expect("gatelodge ends");
        assert!(output.status.success(), "`gatelodge user add` failed: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs a command of the authorization server as an operator would; what it prints.
    ///
    /// # Panics
    /// When it fails.
    pub fn gatelodge(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("gatelodge starts");
        assert!(output.status.success(), "{arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The same of a command that goes on; its output is the log with this name.
    pub fn begin_gatelodge(&self, name: &str, arguments: &[&str]) -> Process {
        Process::start(name, &mut self.command(arguments), &self.artifacts)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.join("gatelodge"));
        command.args(arguments).arg("--config").arg(config_path(self.directory.path(), "gatelodge"));
        command
    }

    /// The process number of the sidecar.
    pub fn sidecar_id(&self) -> u32 {
        self.processes[0].id()
    }

    /// The logs of the authorization server and the sidecar, each with its name.
    pub fn logs(&self) -> Vec<(&str, String)> {
        let ours = self.processes.iter().filter(|process| process.name().starts_with("gatelodge"));
        ours.map(|process| (process.name(), process.log())).collect()
    }

    /// Asks every part to stop.
    ///
    /// # Panics
    /// When one does not, or ends with an error.
    pub fn stop(mut self) {
        for process in &mut self.processes {
            let status = process.stop();
            assert!(status.success(), "{} stopped with {status}; its log ends:\n{}", process.name(), process.log());
        }
    }
}

/// The sidecar alone, with a configuration of the test's own in `directory`.
///
/// # Panics
/// When it does not build or start.
pub fn start_sidecar(directory: &Path, config: &str, logs: &Path) -> Process {
    build_binaries();
    serve(&profile_directory(), "gatelodge-sidecar", directory, config, logs)
}

/// Starts one of the two servers and waits until its own `health` command, the container health check, is content.
///
/// # Panics
/// When it does not start; the message carries the end of its log.
pub fn serve(binaries: &Path, name: &str, directory: &Path, config: &str, logs: &Path) -> Process {
    let path = config_path(directory, name);
    fs::write(&path, config).expect("the configuration can be written");
    let binary = binaries.join(name);
    let mut process = Process::start(name, Command::new(&binary).arg("serve").arg("--config").arg(&path), logs);
    process.wait_until(|| {
        let health = Command::new(&binary).arg("health").arg("--config").arg(&path).output();
        let output = health.map_err(|error| error.to_string())?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    });
    process
}

fn config_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.toml"))
}

fn notes_log(artifacts: &Path) -> String {
    fs::read_to_string(artifacts.join("notes_server.log")).unwrap_or_default()
}

/// What an MCP server of ours says of itself at start.
///
/// # Errors
/// When it has not said it yet.
pub fn listening_address(log: &str) -> Result<String, String> {
    let line = log.lines().find_map(|line| line.strip_prefix("listening on "));
    line.map(str::to_owned).ok_or_else(|| "it has not said where it listens".to_owned())
}

/// A fresh folder for what this test leaves behind.
///
/// # Panics
/// When it cannot be made.
pub fn artifacts_directory(name: &str) -> PathBuf {
    let directory = target_directory().join("e2e-artifacts").join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap_or_else(|error| panic!("cannot make {}: {error}", directory.display()));
    directory
}

/// Ports that were free a moment ago, and that nobody is given by chance while their program is started again. Each is given
/// once in this process.
///
/// # Panics
/// When a hundred ports in a row are taken.
pub fn free_ports<const N: usize>() -> [u16; N] {
    // Between the look here and the start of the program that gets the port, another test must not get it too.
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let random = || RandomState::new().build_hasher().finish() % (PORTS.end - PORTS.start) + PORTS.start;
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut free = || {
        let port = u16::try_from(random()).ok().filter(|port| !given.contains(port))?;
        TcpListener::bind(("127.0.0.1", port)).ok()?;
        given.insert(port).then_some(port)
    };
    std::array::from_fn(|_| (0..100).find_map(|_| free()).expect("one port of a hundred is free"))
}

/// Cargo builds the binaries of a package for that package's own tests only, so a stack would start yesterday's.
///
/// # Panics
/// When they do not build.
pub fn build_binaries() {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let profile = match profile_directory().file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev".to_owned(),
            Some(name) => name.to_owned(),
        };
        let output = Command::new(env!("CARGO"))
            .args(BUILD.split(' '))
            .args(["--profile", &profile])
            .arg("--target-dir")
            .arg(target_directory())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    });
    if let Err(said) = built {
        panic!("the binaries do not build:\n{said}");
    }
}
