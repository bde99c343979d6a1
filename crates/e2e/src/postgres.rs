//! A PostgreSQL server for tests. `TEST_DATABASE_URL` names a running one; otherwise one is started from binaries found in
//! `$PG_BIN`, on `PATH` or where Debian puts them, once per test process. Tests call [`for_test`] and [`Postgres::fresh_database`].
//!
//! Whatever happens to the test process, its server goes away: a shell keeps it, reads orders from a pipe, and cleans up when
//! the system closes the pipe. The shell does one thing after another, so there is no moment at which a kill leaves a server behind.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::requirements::{Missing, available_or_skip, variable};

/// Debian's and most others' `nobody`: the server refuses to run as root.
const NOBODY: u32 = 65534;

/// `$1` directory of the cluster, `$2` directory of the binaries, `$3` server options.
const KEEP_SERVER: &str = r#"
trap '' PIPE
dir=$1 bin=$2 options=$3
answer() { if "$@" >>"$dir/log" 2>&1 </dev/null; then echo ok; else echo failed; fi; }
while read -r order port; do
    case $order in
        init) answer "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync ;;
        start) answer "$bin/pg_ctl" start -w -t 60 -D "$dir/data" -l "$dir/server.log" -o "-p $port $options" ;;
        stop) answer "$bin/pg_ctl" stop -m immediate -D "$dir/data" ;;
    esac
done
"$bin/pg_ctl" stop -m immediate -D "$dir/data" >/dev/null 2>&1
rm -rf "$dir"
"#;

/// `$1` psql, `$2` URL; reads the names of databases and drops them in the end.
const DROP_DATABASES: &str = r#"
names=
while read -r name; do names="$names $name"; done
for name in $names; do "$1" -X -q -d "$2" -c "DROP DATABASE IF EXISTS $name WITH (FORCE)" >/dev/null 2>&1; done
"#;

/// The server that the tests of this process share; `None` means that the test is to return at once (see
/// [`available_or_skip`]).
pub fn for_test(test: &str) -> Option<&'static Postgres> {
    available_or_skip(test, Postgres::shared())
}

/// How a server of one's own runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether a commit survives a crash of the machine; slow, and needed only by tests of just that.
    pub durable: bool,
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    psql: PathBuf,
    /// Any database of it, as a superuser (or one who may create databases).
    url: String,
    keeper: Mutex<Keeper>,
    /// The port and directory of a server that we started.
    own: Option<(u16, PathBuf)>,
}

impl Postgres {
    /// The server of this test process, started at the first call.
    pub fn shared() -> Result<&'static Postgres, Missing> {
        static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
        let start = || match variable("TEST_DATABASE_URL") {
            Some(url) => Self::existing(url),
            None => Self::dedicated(Options::default()),
        };
        SHARED.get_or_init(|| start().map_err(|missing| missing.0)).as_ref().map_err(|why| Missing(why.clone()))
    }

    /// A server of one's own, which may be stopped and started.
    ///
    /// # Panics
    /// When PostgreSQL is there and does not start.
    pub fn dedicated(options: Options) -> Result<Postgres, Missing> {
        let bin = directory_with(&["initdb", "pg_ctl", "postgres", "psql"])?;
        let directory = tempfile::Builder::new().prefix("gatelodge-postgres-").tempdir().expect("a directory").keep();
        let durability = if options.durable { "" } else { "-c fsync=off -c full_page_writes=off" };
        let server_options =
            format!("-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 {durability}");
        let mut shell = Command::new("sh");
        if fs::metadata(&directory).expect("the directory was just made").uid() == 0 {
            chown(&directory, Some(NOBODY), Some(NOBODY)).expect("root may give a directory away");
            shell.uid(NOBODY).gid(NOBODY);
        }
        shell.args(["-c", KEEP_SERVER, "sh"]).arg(&directory).arg(&bin).arg(server_options).current_dir(&directory);
        let mut keeper = Keeper::run(&mut shell);
        assert!(keeper.order("init"), "initdb failed:\n{}", log_of(&directory));
        // Between our look and the server's start somebody else may take the port, so it is tried a few times.
        let mut start = || Some(free_port()).filter(|port| keeper.order(&format!("start {port}")));
        let port = (0..5).find_map(|_| start()).unwrap_or_else(|| panic!("{}", log_of(&directory)));
        let url = format!("postgresql://postgres@127.0.0.1:{port}/postgres");
        Ok(Self { psql: bin.join("psql"), url, keeper: Mutex::new(keeper), own: Some((port, directory)) })
    }

    fn existing(url: String) -> Result<Postgres, Missing> {
        let psql = directory_with(&["psql"])?.join("psql");
        let mut shell = Command::new("sh");
        shell.args(["-c", DROP_DATABASES, "sh"]).arg(&psql).arg(&url);
        Ok(Self { psql, url, keeper: Mutex::new(Keeper::run(&mut shell)), own: None })
    }

    /// A new, empty database; gone with the test process.
    pub fn fresh_database(&self) -> String {
        let name = format!("gatelodge_{:016x}", RandomState::new().build_hasher().finish());
        if self.own.is_none() {
            self.keeper().tell(&name);
        }
        self.psql(&self.url, &format!("CREATE DATABASE {name}"));
        let (before_query, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let (scheme, rest) = before_query.split_once("://").expect("a database URL has a scheme");
        let authority = rest.split('/').next().unwrap_or(rest);
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!("{scheme}://{authority}/{name}{query}")
    }

    /// Runs SQL on a database with psql, and returns the rows: one a line, columns separated by `|`.
    pub fn psql(&self, url: &str, sql: &str) -> String {
        let output = Command::new(&self.psql)
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
            .stdin(Stdio::null())
            .output()
            .expect("psql runs");
        assert!(output.status.success(), "psql -c {sql:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Stops the server as a crash would: connections break, nothing is written down any more.
    pub fn stop_immediate(&self) {
        let (_, directory) = self.own.as_ref().expect("only a dedicated server is stopped");
        assert!(self.keeper().order("stop"), "{}", log_of(directory));
    }

    /// Starts it again, on the same port.
    pub fn start(&self) {
        let (port, directory) = self.own.as_ref().expect("only a dedicated server is started");
        assert!(self.keeper().order(&format!("start {port}")), "{}", log_of(directory));
    }

    /// For a proxy that cuts connections: where the server listens.
    pub fn port(&self) -> u16 {
        self.own.as_ref().expect("only a dedicated server has a known port").0
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shell at the other end of the pipe.
#[derive(Debug)]
struct Keeper {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    fn run(shell: &mut Command) -> Self {
        // A process group of its own: Ctrl-C is for the test process, and the closed pipe for the shell.
        let mut shell = shell
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts (as `nobody` when root runs the tests: the temporary directory must be open to it)");
        let orders = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().expect("standard output is a pipe"));
        Self { shell, orders, answers }
    }

    fn tell(&mut self, line: &str) {
        let orders = self.orders.as_mut().expect("the pipe is open until the keeper is dropped");
        writeln!(orders, "{line}").expect("the shell listens");
    }

    /// Whether it succeeded.
    fn order(&mut self, line: &str) -> bool {
        self.tell(line);
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the shell answers");
        answer == "ok\n"
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        // It ends by itself; waiting only means that everything is gone when the next test begins.
        let _ = self.shell.wait();
    }
}

/// The best directory that has all of `programs`.
fn directory_with(programs: &[&str]) -> Result<PathBuf, Missing> {
    let complete = |directory: &PathBuf| programs.iter().all(|program| directory.join(program).is_file());
    if let Some(named) = variable("PG_BIN").map(PathBuf::from) {
        let missing = || Missing(format!("PG_BIN names a directory without all of {}", programs.join(", ")));
        return Some(named).filter(complete).ok_or_else(missing);
    }
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(debian_directories()).find(complete).ok_or_else(|| {
        Missing(
            "no PostgreSQL server found: install it (Debian: apt-get install --no-install-recommends postgresql), set \
             PG_BIN to the directory of its programs, or TEST_DATABASE_URL to a server where databases may be created"
                .to_owned(),
        )
    })
}

/// `/usr/lib/postgresql/<version>/bin`, newest first.
fn debian_directories() -> Vec<PathBuf> {
    let entries = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|version| Path::new("/usr/lib/postgresql").join(version.to_string()).join("bin")).collect()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("the loopback address has a free port");
    listener.local_addr().expect("a listener has an address").port()
}

fn log_of(directory: &Path) -> String {
    let read = |name| fs::read_to_string(directory.join(name)).unwrap_or_default();
    format!("{}{}", read("log"), read("server.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    /// Set in the process that is to be killed.
    const VICTIM: &str = "GATELODGE_TEST_POSTGRES_VICTIM";

    #[test]
    fn a_killed_test_process_leaves_no_server_behind() {
        let name = "postgres::tests::a_killed_test_process_leaves_no_server_behind";
        let Some(postgres) = available_or_skip(name, Postgres::dedicated(Options::default())) else { return };
        let (port, directory) = postgres.own.as_ref().expect("it is our own");
        if variable(VICTIM).is_some() {
            writeln!(std::io::stdout(), "\nvictim {port} {}", directory.display()).expect("the other process listens");
            std::thread::sleep(Duration::from_secs(60));
            return;
        }
        let (port, directory) = (*port, directory.clone());
        drop(postgres);
        assert!(!directory.exists() && TcpStream::connect(("127.0.0.1", port)).is_err(), "dropped, and still there");

        let mut victim = Command::new(std::env::current_exe().expect("its own path"))
            .args(["--exact", name])
            .env(VICTIM, "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts again");
        let output = BufReader::new(victim.stdout.take().expect("a pipe"));
        let line =
            output.lines().map_while(Result::ok).find(|line| line.starts_with("victim ")).expect("its server runs");
        let [_, port, directory] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let port: u16 = port.parse().expect("a port");
        TcpStream::connect(("127.0.0.1", port)).expect("the server runs");
        victim.kill().expect("can be killed");
        victim.wait().expect("is dead");

        let end = Instant::now() + Duration::from_secs(20);
        while Path::new(directory).exists() || TcpStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(Instant::now() < end, "{directory} is still there");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
