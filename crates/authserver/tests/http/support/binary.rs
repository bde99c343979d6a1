//! The real program, for what only a process shows: its exit code, what it prints, what it logs.

use std::fs::Permissions;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gatelodge_e2e::process::Process;

use super::{PASSWORD, Server};

/// A directory with a configuration, and what the program says to it.
pub struct Workplace {
    pub directory: tempfile::TempDir,
}

impl Workplace {
    pub fn new(toml: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let workplace = Self { directory };
        std::fs::write(workplace.config(), toml.replace("DIRECTORY", &workplace.path().display().to_string()))
            .expect("the configuration can be written");
        workplace
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn config(&self) -> PathBuf {
        self.path().join("gatelodge.toml")
    }

    /// A file beside the configuration.
    pub fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
    }

    /// `gatelodge <arguments> --config <the configuration>`, with no environment but a few variables.
    pub fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatelodge"));
        command.env_clear().envs(environment.iter().copied()).current_dir(self.path());
        command.args(arguments).arg("--config").arg(self.config());
        command
    }

    /// Runs a command that must end by itself.
    pub fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = self.command(arguments, environment);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let give_up = Instant::now() + Duration::from_secs(60);
        while child.try_wait().expect("a child has a status").is_none() {
            if Instant::now() > give_up {
                let _ = child.kill();
                panic!("{arguments:?} does not end: {:?}", child.wait_with_output());
            }
            thread::sleep(Duration::from_millis(5));
        }
        child.wait_with_output().expect("it has ended")
    }

    /// Adds `ada` as an operator would.
    pub fn add_ada(&self) {
        let mut command = self.command(&["user", "add", "ada", "--password-stdin"], &[]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
        writeln!(child.stdin.take().expect("a pipe"), "{PASSWORD}").expect("it reads");
        assert!(child.wait().expect("it ends").success());
    }

    /// `gatelodge serve`, ready. The configuration has `listen` and `health_listen` at these addresses.
    pub fn serve(&self, listen: SocketAddr, health_listen: SocketAddr, issuer: &'static str) -> (Process, Server) {
        self.serve_with(&[], listen, health_listen, issuer)
    }

    /// The same in another environment.
    pub fn serve_with(
        &self,
        environment: &[(&str, &str)],
        listen: SocketAddr,
        health_listen: SocketAddr,
        issuer: &'static str,
    ) -> (Process, Server) {
        let mut process = Process::start("gatelodge", &mut self.command(&["serve"], environment), self.path());
        process.wait_until(|| {
            let asked = self.run(&["health"], &[]);
            if asked.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&asked.stderr).into_owned()) }
        });
        (process, Server::elsewhere(listen, health_listen, issuer))
    }
}

/// Two addresses that nobody else has as long as the listeners live.
pub fn reserved_addresses() -> [TcpListener; 2] {
    [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"))
}

/// Two addresses that were free a moment ago.
pub fn free_addresses() -> [SocketAddr; 2] {
    reserved_addresses().map(|listener| listener.local_addr().expect("an address"))
}
