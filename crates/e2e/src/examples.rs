//! A directory of `examples/`, run as its README says: the echo server, the authorization server and the sidecar, from a copy of
//! the two configuration files. Only ports and addresses are overridden, by the environment.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::requirements::profile_directory;
use crate::stack::{artifacts_directory, build_binaries, free_ports};

/// The running example. Dropping it stops everything.
#[derive(Debug)]
pub struct Example {
    /// The public origin.
    pub origin: String,
    directory: TempDir,
    environment: Vec<(String, String)>,
    // The sidecar first: nothing is taken away from under a part that still runs.
    processes: Vec<Process>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The challenge, where there is one (RFC 6750 §3).
    pub challenge: Option<String>,
    /// The body, where it is JSON.
    pub body: Value,
}

/// What the sidecar sends the audit trail with, where an example has one.
pub const AUDIT_SECRET: &str = "audit-secret";

impl Example {
    /// Starts `examples/<name>`. `secrets` are the files that the README has made, `tools` what its echo server is started with,
    /// `overrides` what else depends on the address of the echo server or of the public origin.
    ///
    /// # Panics
    /// When something does not start, or a configuration file is not good as it stands.
    pub fn start(
        name: &str,
        secrets: &[&str],
        tools: &[&str],
        overrides: impl Fn(&str, &str) -> Vec<(&'static str, String)>,
    ) -> Example {
        build_binaries();
        let logs = artifacts_directory(&format!("example_{name}"));
        let directory = copy_of(name, secrets);
        for program in ["gatelodge", "gatelodge-sidecar"] {
            told(command(program, &["check"], &directory, &[]));
        }
        let ports: [u16; 5] = free_ports();
        let echo = ports[0];
        let (origin, mut environment) = environment(ports, overrides);
        if secrets.contains(&AUDIT_SECRET) {
            let url = format!("http://127.0.0.1:{}/audit/events", ports[4]);
            environment.push(("GATELODGE_SIDECAR__AUDIT__URL".to_owned(), url));
        }
        let mut example = Example { origin, directory, environment, processes: Vec::new() };
        let mut upstream = Command::new(profile_directory().join("examples/echo_server"));
        upstream.args(["--listen", &format!("127.0.0.1:{echo}")]).args(tools).current_dir(example.directory.path());
        let mut upstream = Process::start("echo_server", &mut upstream, &logs);
        upstream.wait_until(|| TcpStream::connect(("127.0.0.1", echo)).map(drop).map_err(|error| error.to_string()));
        example.processes.push(upstream);
        for program in ["gatelodge", "gatelodge-sidecar"] {
            example.serve(program, &logs);
        }
        example
    }

    /// Adds somebody who may sign in.
    ///
    /// # Panics
    /// When that fails.
    pub fn add_user(&self, name: &str) {
        let arguments = ["user", "add", name, "--password-stdin"];
        let mut command = command("gatelodge", &arguments, &self.directory, &self.environment);
        let mut adding = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("gatelodge starts");
        let mut input = adding.stdin.take().expect("standard input is piped");
        input.write_all(b"correct horse battery staple\n").expect("gatelodge reads the password");
        drop(input);
        assert!(adding.wait().expect("gatelodge ends").success(), "{name} was not added");
    }

    /// What the audit trail has.
    ///
    /// # Panics
    /// When the command fails.
    pub fn audit_trail(&self, arguments: &[&str]) -> String {
        let arguments = [&["audit", "export"], arguments].concat();
        let output = told(command("gatelodge", &arguments, &self.directory, &self.environment));
        String::from_utf8(output.stdout).expect("JSON lines")
    }

    /// A new personal token of this user.
    ///
    /// # Panics
    /// When there is none.
    pub fn token(&self, user: &str, arguments: &[&str]) -> String {
        let arguments = [&["token", "create", "--user", user, "--name", "example"], arguments].concat();
        let made = told(command("gatelodge", &arguments, &self.directory, &self.environment));
        String::from_utf8(made.stdout).expect("a token").trim().to_owned()
    }

    /// What is in a secret file of the example.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn secret(&self, file: &str) -> String {
        fs::read_to_string(self.directory.path().join(file)).expect("the file was made").trim().to_owned()
    }

    /// Calls a tool.
    pub fn call(&self, tool: &str, bearer: Option<&str>) -> Answer {
        self.mcp("tools/call", &json!({ "name": tool, "arguments": {} }), bearer)
    }

    /// Sends one message of the protocol.
    pub fn mcp(&self, method: &str, params: &Value, bearer: Option<&str>) -> Answer {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let authorization = bearer.map(|bearer| format!("Authorization: Bearer {bearer}\r\n")).unwrap_or_default();
        self.send("POST", "/mcp", &format!("{authorization}Content-Type: application/json\r\n"), &body)
    }

    /// Sends any request; `headers` are whole lines.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let authority = self.origin.strip_prefix("http://").expect("loopback");
        let mut stream = TcpStream::connect(authority).expect("the sidecar listens");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n{headers}\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let challenge = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("www-authenticate").then(|| value.to_owned())
        });
        let status = head[9..12].parse().expect("a status");
        Answer { status, challenge, body: serde_json::from_str(body).unwrap_or_default() }
    }

    /// What the sidecar logged of its decisions, the oldest first.
    pub fn decisions(&self) -> Vec<Value> {
        let lines = self.processes[0].log();
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"] == "decision").collect()
    }

    fn serve(&mut self, program: &str, logs: &Path) {
        let mut process =
            Process::start(program, &mut command(program, &["serve"], &self.directory, &self.environment), logs);
        process.wait_until(|| {
            let health = command(program, &["health"], &self.directory, &self.environment).output();
            let health = health.map_err(|error| error.to_string())?;
            if health.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&health.stderr).into_owned()) }
        });
        self.processes.insert(0, process);
    }
}

impl Answer {
    /// What reached the MCP server with the call of a tool, as the echo server tells.
    ///
    /// # Panics
    /// When the answer is none of a tool.
    pub fn arrived(&self) -> Value {
        let text = self.body["result"]["content"][0]["text"].as_str();
        serde_json::from_str(text.unwrap_or_else(|| panic!("no tool has answered: {self:?}"))).expect("JSON")
    }

    /// The scopes of the challenge, in its order.
    pub fn scope(&self) -> Option<&str> {
        self.challenge.as_deref()?.split_once("scope=\"")?.1.split('"').next()
    }
}

/// What differs from the files: every address. The public origin comes first.
fn environment(
    [echo, public, sidecar_health, authserver, authserver_health]: [u16; 5],
    overrides: impl Fn(&str, &str) -> Vec<(&'static str, String)>,
) -> (String, Vec<(String, String)>) {
    let [origin, upstream] = [public, echo].map(|port| format!("http://127.0.0.1:{port}"));
    let mut environment = vec![
        ("GATELODGE__PUBLIC_URL", origin.clone()),
        ("GATELODGE__LISTEN", format!("127.0.0.1:{authserver}")),
        ("GATELODGE__HEALTH_LISTEN", format!("127.0.0.1:{authserver_health}")),
        ("GATELODGE__RESOURCE__0__ID", format!("{origin}/mcp")),
        ("GATELODGE_SIDECAR__PUBLIC_URL", origin.clone()),
        ("GATELODGE_SIDECAR__LISTEN", format!("127.0.0.1:{public}")),
        ("GATELODGE_SIDECAR__HEALTH_LISTEN", format!("127.0.0.1:{sidecar_health}")),
        ("GATELODGE_SIDECAR__AUTHORIZATION_SERVER__RELAY", format!("http://127.0.0.1:{authserver}")),
        ("GATELODGE_SIDECAR__RESOURCE__0__UPSTREAM", format!("{upstream}/mcp")),
    ];
    environment.extend(overrides(&origin, &upstream));
    (origin, environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The files of an example, and the secrets that its README makes with `umask 077`.
fn copy_of(name: &str, secrets: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    for file in ["gatelodge.toml", "sidecar.toml"] {
        fs::copy(source.join(file), directory.path().join(file)).expect("the example has its two files");
    }
    for secret in secrets {
        let make = format!("umask 077; printf '%s-of-the-example-%s\\n' {secret} $$ > {secret}");
        let made = Command::new("sh").args(["-c", &make]).current_dir(directory.path()).status();
        assert!(made.expect("sh runs").success(), "{secret} cannot be made");
    }
    directory
}

/// One of the programs, with its file of the example.
fn command(program: &str, arguments: &[&str], directory: &TempDir, environment: &[(String, String)]) -> Command {
    let file = if program == "gatelodge" { "gatelodge.toml" } else { "sidecar.toml" };
    let mut command = Command::new(profile_directory().join(program));
    command.args(arguments).args(["--config", file]).current_dir(directory.path());
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

fn told(mut command: Command) -> Output {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
