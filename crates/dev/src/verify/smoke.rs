//! The README's first command, run for real: does the quickstart answer as an MCP server that asks for a token, refuse a
//! busy port, stop without leaving anything behind, and remember on its second run?

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::http;
use crate::terminal;
use crate::workspace::{cargo, target};

const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// What is false, for a person; from the first check that finds it so.
pub fn run() -> Result<(), String> {
    let data = target().join("verify/quickstart");
    let _ = fs::remove_dir_all(&data);
    let port = free_port()?;

    let first = Quickstart::start(port, &data)?;
    asks_for_a_token(&first.ready)?;
    let client = register(&first.ready)?;
    let keys = body(&first.ready, "/jwks")?;
    busy_port_is_refused(port, &data.with_file_name("other"))?;
    data_is_private(&first.ready, &data)?;
    let before = first.stop(Signal::INT)?;
    nothing_is_left(port, &data)?;
    terminal::done("first run: challenge, metadata, registration, busy port, Ctrl-C");

    let second = Quickstart::start(port, &data)?;
    expect("the sign-in of the second run", &second.ready, &before)?;
    expect("the keys of the second run", &body(&second.ready, "/jwks")?, &keys)?;
    client_is_known(&second.ready, &client)?;
    second.stop(Signal::TERM)?;
    nothing_is_left(port, &data)?;
    terminal::done("second run: same sign-in, keys and clients; SIGTERM");
    Ok(())
}

struct Quickstart {
    process: Child,
    ready: Value,
}

impl Quickstart {
    fn start(port: u16, data: &Path) -> Result<Quickstart, String> {
        let mut process = command(port, data)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cargo does not run: {error}"))?;
        let mut line = String::new();
        let stdout = process.stdout.take().expect("standard output is a pipe");
        let read = BufReader::new(stdout).read_line(&mut line);
        let mut quickstart = Quickstart { process, ready: Value::Null };
        read.map_err(|error| format!("its output cannot be read: {error}"))?;
        quickstart.ready =
            serde_json::from_str(&line).map_err(|_| format!("it printed {line:?} instead of a line of JSON"))?;
        Ok(quickstart)
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.process), signal);
    }

    fn stop(mut self, signal: Signal) -> Result<Value, String> {
        self.signal(signal);
        let deadline = Instant::now() + STOPS_WITHIN;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(self.ready.take()),
                Ok(Some(status)) => return Err(format!("it ended with {status} when asked to stop")),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(50)),
                _ => return Err(format!("it did not stop within {} s", STOPS_WITHIN.as_secs())),
            }
        }
    }
}

impl Drop for Quickstart {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            self.signal(Signal::TERM);
            let _ = self.process.wait();
        }
    }
}

fn command(port: u16, data: &Path) -> Command {
    let mut command = cargo(&["quickstart", "--json", "--port", &port.to_string(), "--data-dir"]);
    command.arg(data).stdin(Stdio::null());
    command
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no port is free: {error}"))
}

/// RFC 9728 §5.1, then the two documents, whose names must agree byte for byte.
fn asks_for_a_token(ready: &Value) -> Result<(), String> {
    let (mcp_url, issuer) = (text(ready, "mcp_url")?, text(ready, "issuer")?);
    for member in ["username", "password"] {
        text(ready, member)?;
    }
    let refused = http::get(mcp_url).map_err(|error| format!("{mcp_url}: {error}"))?;
    expect("the status without a token", &refused.status, &401)?;
    let metadata = format!("{issuer}/.well-known/oauth-protected-resource/mcp");
    let challenge = format!(r#"Bearer resource_metadata="{metadata}", scope="mcp:use""#);
    expect("the challenge", &refused.header("www-authenticate"), &Some(challenge.as_str()))?;

    let resource = json(ready, "/.well-known/oauth-protected-resource/mcp")?;
    expect("the resource", &resource["resource"], &ready["mcp_url"])?;
    expect("the authorization servers", &resource["authorization_servers"], &Value::from([issuer].as_slice()))?;
    let server = json(ready, "/.well-known/oauth-authorization-server")?;
    expect("the issuer", &server["issuer"], &ready["issuer"])
}

/// RFC 7591: what any MCP client does first.
fn register(ready: &Value) -> Result<String, String> {
    let url = format!("{}/register", text(ready, "issuer")?);
    let request = r#"{"client_name":"cargo verify","redirect_uris":["http://127.0.0.1:1/callback"]}"#;
    let response = http::post_json(&url, request).map_err(|error| format!("{url}: {error}"))?;
    expect("the status of a registration", &response.status, &201)?;
    let client: Value = response.text().ok().and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default();
    Ok(text(&client, "client_id")?.to_owned())
}

/// A client that is not known gets an error page.
fn client_is_known(ready: &Value, client: &str) -> Result<(), String> {
    let issuer = text(ready, "issuer")?;
    let query = "response_type=code&redirect_uri=http://127.0.0.1:1/callback&code_challenge_method=S256\
        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let url = format!("{issuer}/authorize?client_id={client}&{query}");
    let response = http::get(&url).map_err(|error| format!("{url}: {error}"))?;
    expect("the status of /authorize for a client of the first run", &response.status, &303)
}

fn busy_port_is_refused(port: u16, data: &Path) -> Result<(), String> {
    let output = command(port, data).output().map_err(|error| format!("cargo does not run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let clear = said.contains(&format!("port {port} ")) && said.contains("--port ");
    let refused = output.status.code() == Some(1) && output.stdout.is_empty() && clear && !data.exists();
    if refused { Ok(()) } else { Err(format!("a busy port is not refused clearly ({}): {said}", output.status)) }
}

fn data_is_private(ready: &Value, data: &Path) -> Result<(), String> {
    let mode = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    expect("the mode of the data directory", &mode(data), &0o700)?;
    expect("the mode of the file with the password", &mode(&data.join("sign-in.json")), &0o600)?;
    let password = text(ready, "password")?;
    let logs = fs::read_dir(data.join("logs")).map_err(|error| format!("there are no logs: {error}"))?;
    for log in logs.flatten() {
        let written = fs::read_to_string(log.path()).map_err(|error| format!("{}: {error}", log.path().display()))?;
        if written.is_empty() || written.contains(password) {
            return Err(format!("{} is empty or names the password", log.path().display()));
        }
    }
    Ok(())
}

/// Every program of the quickstart runs in the data directory.
fn nothing_is_left(port: u16, data: &Path) -> Result<(), String> {
    if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
        return Err(format!("something still listens on port {port} after the stop"));
    }
    let data = data.canonicalize().map_err(|error| format!("{}: {error}", data.display()))?;
    let processes = fs::read_dir("/proc").map_err(|error| format!("/proc: {error}"))?;
    let is_there = |process: &PathBuf| fs::read_link(process.join("cwd")).is_ok_and(|directory| directory == data);
    match processes.flatten().map(|process| process.path()).find(is_there) {
        Some(process) => Err(format!("process {} was left behind", process.display())),
        None => Ok(()),
    }
}

fn body(ready: &Value, path: &str) -> Result<String, String> {
    let url = format!("{}{path}", text(ready, "issuer")?);
    let response = http::get(&url).map_err(|error| format!("{url}: {error}"))?;
    expect(&format!("the status of {path}"), &response.status, &200)?;
    response.text().map_err(|error| format!("{url}: {error}"))
}

fn json(ready: &Value, path: &str) -> Result<Value, String> {
    serde_json::from_str(&body(ready, path)?).map_err(|error| format!("{path} is no JSON: {error}"))
}

fn text<'a>(value: &'a Value, member: &str) -> Result<&'a str, String> {
    let text = value[member].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("{member} is missing in {value}"))
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} instead of {expected:?}")) }
}
