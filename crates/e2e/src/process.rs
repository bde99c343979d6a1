//! One child process of the stack: its output goes to a log file, it is asked to stop with SIGTERM, and whatever happens
//! to the test process, it does not outlive it: a shell at the other end of a pipe sees to that.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);
const TAIL_LINES: usize = 40;

/// `$1` the process: the end of the pipe, wanted or not, is the order to stop it; a line lets it be.
const KEEPER: &str = r#"read -r line || kill -TERM "$1""#;

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
    keeper: Child,
    leash: Option<ChildStdin>,
}

impl Process {
    /// Starts `command` with both its outputs in `<logs>/<name>.log`.
    ///
    /// # Panics
    /// When the program cannot be started or the log not be written.
    pub fn start(name: &str, command: &mut Command, logs: &Path) -> Process {
        let log = logs.join(format!("{name}.log"));
        let output = File::create(&log).unwrap_or_else(|error| panic!("cannot write {}: {error}", log.display()));
        let errors = output.try_clone().expect("an open file can be cloned");
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let leash = keeper.stdin.take();
        Process { name: name.to_owned(), log, child, keeper, leash }
    }

    /// Waits until `ready` has an answer; `ready` says what is still missing as its error.
    ///
    /// # Panics
    /// When the program ends first or takes too long; the message carries the end of its log.
    pub fn wait_until<T>(&mut self, mut ready: impl FnMut() -> Result<T, String>) -> T {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let missing = match ready() {
                Ok(answer) => return answer,
                Err(missing) => missing,
            };
            if let Some(status) = self.child.try_wait().expect("a child can be asked for its status") {
                panic!("{} ended at start ({status})\n{}", self.name, self.log_tail());
            }
            assert!(
                Instant::now() < deadline,
                "{} is not ready after {READY_WITHIN:?}: {missing}\n{}",
                self.name,
                self.log_tail()
            );
            thread::sleep(POLL);
        }
    }

    /// Everything the program printed so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Asks the program to stop (SIGTERM), as an operator's supervisor does.
    ///
    /// # Panics
    /// When it does not stop in time.
    pub fn stop(&mut self) -> ExitStatus {
        self.terminate().unwrap_or_else(|| {
            panic!("{} did not stop within {STOP_WITHIN:?} of SIGTERM\n{}", self.name, self.log_tail())
        })
    }

    /// Ends the program as a crash would (SIGKILL): it has no time for anything.
    ///
    /// # Panics
    /// When the system does not let us.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child may be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// Its number, to look at it from outside.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The name given at start.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn terminate(&mut self) -> Option<ExitStatus> {
        drop(self.leash.take());
        let _ = self.keeper.wait();
        wait_for(&mut self.child, STOP_WITHIN)
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        format!("--- end of {} ---\n{}", self.log.display(), tail.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(Some(_)) = self.child.try_wait() {
            // Its number may belong to another process by now.
            let _ = self.leash.take().map(|mut leash| leash.write_all(b"gone\n"));
            let _ = self.keeper.wait();
        } else if self.terminate().is_none() {
            eprintln!("{} had to be killed", self.name);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Waits for the end of `child`, at most `patience`.
pub(crate) fn wait_for(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
            _ => return None,
        }
    }
}
