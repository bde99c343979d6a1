//! The sidecar with an authorization server that is not ours (`oidc-provider`): its keys by discovery, its JWT access tokens,
//! and its opaque ones by introspection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use gatelodge_e2e::clients::prepare_other_issuer;
use gatelodge_e2e::process::Process;
use gatelodge_e2e::requirements::available_or_skip;
use gatelodge_e2e::stack::{artifacts_directory, free_ports, start_sidecar};
use serde_json::Value;

const NAME: &str = "other_issuer";

/// With a slash and a colon: encoded in one place and decoded in the other (RFC 6749 §2.3.1).
const SIDECAR_SECRET: &str = "side/car:secret";
const SIDECAR_SECRET_ENCODED: &str = "c2lkZWNhcjpzaWRlJTJGY2FyJTNBc2VjcmV0";

/// `agent:agent-secret`
const AGENT: &str = "YWdlbnQ6YWdlbnQtc2VjcmV0";

/// What is promised of an opaque token that was revoked.
const WITHIN: Duration = Duration::from_secs(30);

/// For machines under load: a test that fails says that it does not happen, the log of a passing one how long it took.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the MCP server answers, when it hears who calls.
const HEARD: &str = r#"{"jsonrpc":"2.0","id":1,"result":"agent agent mcp:use"}"#;

#[test]
fn tokens_of_an_issuer_that_is_not_ours_are_judged_by_its_keys_and_by_its_word() {
    let Some(program) = available_or_skip(NAME, prepare_other_issuer()) else { return };
    let logs = artifacts_directory(NAME);
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let [issuer, public, health] = free_ports();
    let mut provider = start_provider(&program, issuer, &logs);
    let config = configuration(issuer, public, health, &upstream());
    let mut sidecar = start_sidecar(directory.path(), &config, &logs);
    let (issuer, public) = (format!("127.0.0.1:{issuer}"), format!("127.0.0.1:{public}"));
    let token = |path: &str| token(&issuer, &format!("http://{public}{path}"));

    let (signed, opaque) = (token("/mcp"), token("/opaque"));
    assert_eq!((signed.split('.').count(), opaque.split('.').count()), (3, 1));
    assert_eq!(call(&public, "/mcp", &signed), (200, HEARD.into()));
    assert_eq!(call(&public, "/opaque", &opaque), (200, HEARD.into()));

    // RFC 8707: each is for its own resource, and neither for the other.
    assert_eq!((call(&public, "/opaque", &signed).0, call(&public, "/mcp", &opaque).0), (401, 401));
    let elsewhere = [token("/elsewhere"), token("/elsewhere/opaque")];
    assert!(elsewhere.iter().all(|token| call(&public, "/mcp", token).0 == 401));
    assert!(elsewhere.iter().all(|token| call(&public, "/opaque", token).0 == 401));

    let unused = token("/opaque");
    revoke(&issuer, &unused);
    assert_eq!(call(&public, "/opaque", &unused).0, 401, "it never was good here");
    revoke(&issuer, &opaque);
    let revoked_at = Instant::now();
    while call(&public, "/opaque", &opaque).0 != 401 {
        assert!(revoked_at.elapsed() < PATIENCE, "the sidecar never heard of it");
        thread::sleep(Duration::from_millis(200));
    }
    println!("refused {:?} after it was revoked; promised are {WITHIN:?}", revoked_at.elapsed());

    let fresh = token("/opaque");
    assert!(provider.stop().success() || !provider.log().is_empty());
    assert_eq!(call(&public, "/mcp", &signed).0, 200, "its keys are known");
    assert_eq!(call(&public, "/opaque", &fresh).0, 503, "never 401: nobody can say");
    assert!(sidecar.stop().success());
    let log = sidecar.log();
    for secret in [&signed, &opaque, &fresh, SIDECAR_SECRET, SIDECAR_SECRET_ENCODED] {
        assert!(!log.contains(secret), "{secret} in the log");
    }
}

fn start_provider(program: &Path, port: u16, logs: &Path) -> Process {
    let mut command = Command::new("node");
    command.arg(program).env("PORT", port.to_string());
    command.env("SIDECAR_SECRET", SIDECAR_SECRET).env("AGENT_SECRET", "agent-secret");
    let mut provider = Process::start("oidc-provider", &mut command, logs);
    provider.wait_until(|| TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(|error| error.to_string()));
    provider
}

fn configuration(issuer: u16, public: u16, health: u16, upstream: &str) -> String {
    format!(
        r#"
public_url = "http://127.0.0.1:{public}"
listen = "127.0.0.1:{public}"
health_listen = "127.0.0.1:{health}"
[authorization_server]
issuer = "http://127.0.0.1:{issuer}"
discovery = true
[authorization_server.introspection]
url = "http://127.0.0.1:{issuer}/token/introspection"
client_id = "sidecar"
client_secret = "{SIDECAR_SECRET}"
[[resource]]
path = "/mcp"
upstream = "{upstream}"
[[resource]]
path = "/opaque"
upstream = "{upstream}"
[logs]
level = "trace"
"#
    )
}

/// An MCP server that answers with who the caller is.
fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            thread::spawn(move || answer(&mut stream));
        }
    });
    format!("http://{address}/mcp")
}

fn answer(stream: &mut TcpStream) {
    let mut names = [String::new(), String::new(), String::new()];
    for line in BufReader::new(&*stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap_or_default();
        let of = ["x-mcp-auth-sub", "x-mcp-auth-client-id", "x-mcp-auth-scopes"];
        if let Some(place) = of.iter().position(|known| name.eq_ignore_ascii_case(known)) {
            names[place] = value.to_owned();
        }
    }
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{}"}}"#, names.join(" "));
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
}

/// A token of the client credentials grant (RFC 6749 §4.4) for a resource (RFC 8707).
fn token(issuer: &str, resource: &str) -> String {
    let form = format!("grant_type=client_credentials&scope=mcp:use&resource={resource}");
    let (status, body) = post(issuer, "/token", &format!("Basic {AGENT}"), &form);
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    body["access_token"].as_str().expect("an access token").to_owned()
}

/// RFC 7009.
fn revoke(issuer: &str, token: &str) {
    let form = format!("token={token}");
    let (status, body) = post(issuer, "/token/revocation", &format!("Basic {AGENT}"), &form);
    assert_eq!(status, 200, "{body}");
}

/// Asks for the stream of the MCP server, which needs nothing but the token.
fn call(public: &str, path: &str, token: &str) -> (u16, String) {
    exchange(public, &format!("GET {path}"), &format!("Bearer {token}"), "")
}

fn post(authority: &str, path: &str, authorization: &str, form: &str) -> (u16, String) {
    let framing =
        format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}", form.len());
    exchange(authority, &format!("POST {path}"), authorization, &framing)
}

fn exchange(authority: &str, line: &str, authorization: &str, rest: &str) -> (u16, String) {
    let rest = if rest.is_empty() { "\r\n" } else { rest };
    let head =
        format!("{line} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nAuthorization: {authorization}\r\n");
    let mut stream = TcpStream::connect(authority).expect("it listens");
    stream.write_all(format!("{head}{rest}").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head[9..12].parse().expect("a status"), body.to_owned())
}
