//! The server under load: the release binary in a process of its own, with the configuration that an operator would write.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gatelodge_bench::machine;

use crate::CONNECTIONS;
use crate::data::RESOURCE;

const PATIENCE: Duration = Duration::from_secs(60);

/// Stops when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    process: Child,
    _directory: tempfile::TempDir,
}

impl Server {
    /// Starts it, and tells how long it took until it could serve.
    pub fn start(database_url: &str) -> (Self, Duration) {
        let directory = tempfile::tempdir().expect("a directory");
        let [address, health] = [machine::free_address(), machine::free_address()];
        let config = directory.path().join("gatelodge.toml");
        let toml = format!(
            "public_url = \"https://mcp.example.com\"\nlisten = \"{address}\"\nhealth_listen = \"{health}\"\n\
             [database]\nurl = \"{database_url}\"\nmax_connections = {CONNECTIONS}\n\
             [keys]\nencryption_key = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n\
             [[resource]]\nid = \"{RESOURCE}\"\nname = \"Acme MCP\"\ndefault_scopes = [\"mcp:use\"]\n\
             [[resource.scope]]\nname = \"mcp:use\"\ntitle = \"Use the tools of this server\"\n"
        );
        fs::write(&config, toml).expect("the configuration can be written");
        let log = || fs::File::create(directory.path().join("log")).expect("a log");
        let begin = Instant::now();
        let process = Command::new(machine::beside("gatelodge").unwrap_or_else(|missing| panic!("{missing}")))
            .args(["serve", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .spawn()
            .expect("gatelodge starts");
        let server = Self { address, process, _directory: directory };
        while !is_ready(health) {
            assert!(begin.elapsed() < PATIENCE, "the server does not become ready");
            thread::sleep(Duration::from_millis(1));
        }
        (server, begin.elapsed())
    }

    /// What it keeps of the machine's memory.
    pub fn resident_mebibytes(&self) -> f64 {
        machine::resident_mebibytes(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_ready(health: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(health)?;
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer.starts_with("HTTP/1.1 200 "))
    };
    ask().unwrap_or(false)
}
