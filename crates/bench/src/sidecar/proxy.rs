//! The programs that are measured, each as one worker in a process of its own, with a configuration that an operator would write.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gatelodge_bench::machine;
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::authority::{AUDIENCE, Authority, ISSUER};
use crate::cores::Cores;
use crate::load::Connection;

const PATIENCE: Duration = Duration::from_secs(60);

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// A plain reverse proxy: no token is looked at, no line is logged.
    Nginx,
    /// The same with an access log.
    NginxLogging,
    /// It verifies the token of each request.
    Haproxy,
    /// With all its checks and its log.
    Sidecar,
}

impl Program {
    pub const ALL: [Self; 4] = [Self::Nginx, Self::NginxLogging, Self::Haproxy, Self::Sidecar];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::NginxLogging => "nginx, access log",
            Self::Haproxy => "HAProxy, verifying",
            Self::Sidecar => "sidecar",
        }
    }

    /// Where it is, or how to get it.
    pub fn find(self) -> Result<PathBuf, String> {
        let installed = |name: &str| {
            let places =
                ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"].map(|place| Path::new(place).join(name));
            places.into_iter().find(|path| path.is_file()).ok_or_else(|| format!("{name} is not installed"))
        };
        match self {
            Self::Nginx | Self::NginxLogging => installed("nginx"),
            Self::Haproxy => installed("haproxy"),
            Self::Sidecar => machine::beside("gatelodge-sidecar"),
        }
    }

    /// Writes its configuration, and tells the arguments to start it with.
    fn configure(self, world: &World<'_>, listen: SocketAddr, directory: &Path) -> Vec<String> {
        let (text, file) = match self {
            Self::Nginx => (nginx(world.upstream, listen, directory, "off"), "nginx.conf"),
            Self::NginxLogging => {
                (nginx(world.upstream, listen, directory, &format!("{}/access.log", directory.display())), "nginx.conf")
            }
            Self::Haproxy => {
                let key = directory.join("key.pem");
                world.authority.write_public_key(&key);
                (haproxy(world.upstream, listen, &key), "haproxy.cfg")
            }
            Self::Sidecar => (sidecar(world.upstream, listen), "sidecar.toml"),
        };
        let path = directory.join(file);
        fs::write(&path, text).expect("the configuration can be written");
        let path = path.display().to_string();
        match self {
            Self::Nginx | Self::NginxLogging => vec!["-p".into(), directory.display().to_string(), "-c".into(), path],
            Self::Haproxy => vec!["-db".into(), "-f".into(), path],
            Self::Sidecar => vec!["serve".into(), "--config".into(), path],
        }
    }
}

/// What is around the proxies.
#[derive(Clone, Copy)]
pub struct World<'a> {
    pub upstream: SocketAddr,
    pub authority: &'a Authority,
    pub cores: Cores,
    /// A request that every proxy forwards.
    pub good: &'a [u8],
    /// Where callgrind's profiles are kept, if anybody wants to read them.
    pub profiles: Option<&'a Path>,
}

/// A running proxy. Stops when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    process: Child,
    directory: tempfile::TempDir,
}

impl Proxy {
    /// Starts it, by way of `runner` if there is one, and tells how long it took until the first request was forwarded.
    pub async fn start(program: Program, world: &World<'_>, runner: &[&str]) -> (Self, Duration) {
        let directory = tempfile::tempdir().expect("a directory");
        let address = machine::free_address();
        let mut words: Vec<String> = runner.iter().map(ToString::to_string).collect();
        words.push(program.find().expect("the program is there").display().to_string());
        words.extend(program.configure(world, address, directory.path()));
        let log =
            || fs::OpenOptions::new().create(true).append(true).open(directory.path().join("log")).expect("a log");
        let begin = Instant::now();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(log()).stderr(log());
        let process = world.cores.spawn_proxy(&mut command);
        let mut proxy = Self { address, process, directory };
        while Connection::status(address, world.good).await != Some(200) {
            let has_ended = proxy.process.try_wait().expect("a child").is_some();
            assert!(!has_ended && begin.elapsed() < PATIENCE, "{} does not start: {}", program.name(), proxy.log());
            // A simulated program is slow: asked all the time, it would count how often it was asked.
            match runner.is_empty() {
                true => yield_now().await,
                false => sleep(Duration::from_millis(100)).await,
            }
        }
        (proxy, begin.elapsed())
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::INT).expect("it runs");
        let begin = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a child") {
                let is_well = status.success() || status.signal() == Some(Signal::INT.as_raw());
                assert!(is_well || status.code() == Some(130), "{status}: {}", self.log());
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "it does not stop: {}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn nginx(upstream: SocketAddr, listen: SocketAddr, directory: &Path, access_log: &str) -> String {
    let directory = directory.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {directory}/{name};"))
        .join(" ");
    format!(
        "daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 8192;\n\
         pid {directory}/nginx.pid; error_log {directory}/log;\n\
         events {{ worker_connections 8192; }}\n\
         http {{\n  access_log {access_log}; {temporary}\n  keepalive_requests 1000000000;\n\
           upstream mcp {{ server {upstream}; keepalive 64; keepalive_requests 1000000000; }}\n\
           server {{\n    listen {listen};\n    location / {{\n      proxy_pass http://mcp; proxy_http_version 1.1;\n\
             proxy_set_header Connection \"\"; proxy_set_header X-Forwarded-For $remote_addr;\n\
             proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host;\n    }}\n  }}\n}}\n"
    )
}

/// RFC 9068 §4, as far as its rules reach: algorithm, signature, issuer, audience and end.
fn haproxy(upstream: SocketAddr, listen: SocketAddr, key: &Path) -> String {
    let key = key.display();
    format!(
        "global\n  nbthread 1\n  maxconn 4096\n\
         defaults\n  mode http\n  option http-no-delay\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n  http-reuse always\n\
         frontend mcp\n  bind {listen}\n\
         \x20 http-request deny deny_status 401 unless {{ req.hdr(authorization) -m found }}\n\
         \x20 http-request set-var(txn.bearer) http_auth_bearer\n\
         \x20 http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')\n\
         \x20 http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')\n\
         \x20 http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')\n\
         \x20 http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')\n\
         \x20 http-request set-var(txn.now) date()\n\
         \x20 http-request deny deny_status 401 unless {{ var(txn.alg) -m str ES256 }}\n\
         \x20 http-request deny deny_status 401 unless {{ var(txn.iss) -m str {ISSUER} }}\n\
         \x20 http-request deny deny_status 401 unless {{ var(txn.aud) -m str {AUDIENCE} }}\n\
         \x20 http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}\n\
         \x20 http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_verify(txn.alg,\"{key}\") -m int 1 }}\n\
         \x20 http-request del-header authorization\n\
         \x20 default_backend mcp\n\
         backend mcp\n  server mcp {upstream}\n"
    )
}

/// The requests name a session that was begun elsewhere, as behind a load balancer; whose it is, is remembered and checked. All
/// streams are one user's, and come from one address.
fn sidecar(upstream: SocketAddr, listen: SocketAddr) -> String {
    let health = machine::free_address();
    format!(
        "public_url = \"{ISSUER}\"\nlisten = \"{listen}\"\nhealth_listen = \"{health}\"\n\
         [authorization_server]\nrelay = \"http://{upstream}\"\nstatus_list_interval = \"30s\"\n\
         [[resource]]\npath = \"/mcp\"\nupstream = \"http://{upstream}/mcp\"\nunknown_sessions = \"adopt\"\n\
         [limits]\nopen_requests_per_user = 2048\nconnections_per_source = 2048\nrequests_per_caller = 0\n"
    )
}
