//! The programs that the quickstart runs, and how they end: together, in order, and never orphaned.
//!
//! Each one leads a process group of its own, so that Ctrl-C in the terminal reaches the quickstart only, which then stops
//! them one after the other, the last one started first.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::terminal;

const READY_WITHIN: Duration = Duration::from_secs(60);
/// Longer than the servers give their open streams.
const STOP_WITHIN: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);
const TAIL_LINES: usize = 15;

/// Notes the processes that it is told of, a line each, and ends them should this program die without a word: then the
/// system closes the pipe.
const LEASH: &str = r#"
while read -r process; do processes="$processes $process"; done
[ -z "$processes" ] || kill $processes
"#;

/// Why the work ends early.
#[derive(Debug)]
pub enum Failure {
    /// Ctrl-C, or asked to stop by the system.
    Interrupted,
    /// What went wrong, and after a line break what to do about it.
    Because(String),
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Failure::Because(text)
    }
}

/// The wishes to stop: Ctrl-C and SIGTERM. A terminal that closes ends this program, and so the leash the others.
pub struct Interrupts(Receiver<i32>);

impl Interrupts {
    pub fn listen() -> io::Result<Interrupts> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || signals.forever().try_for_each(|signal| sender.send(signal)));
        Ok(Interrupts(receiver))
    }

    /// Waits for one, at most so long.
    pub fn arrives_within(&self, patience: Duration) -> bool {
        self.0.recv_timeout(patience).is_ok()
    }

    /// Runs a command to its end; an interrupt ends it.
    pub fn run(&self, command: &mut Command) -> Result<ExitStatus, Failure> {
        let name = command.get_program().to_string_lossy().into_owned();
        let cannot = |error: io::Error| Failure::Because(format!("cannot run {name}: {error}"));
        let mut child = command.stdin(Stdio::null()).process_group(0).spawn().map_err(cannot)?;
        loop {
            if let Some(status) = child.try_wait().map_err(cannot)? {
                return Ok(status);
            }
            if self.arrives_within(POLL) {
                signal(&child, Signal::TERM);
                let _ = child.wait();
                return Err(Failure::Interrupted);
            }
        }
    }
}

struct Service {
    name: &'static str,
    log: PathBuf,
    process: Child,
}

/// The running programs, in the order of their start.
pub struct Services<'a> {
    interrupts: &'a Interrupts,
    directory: PathBuf,
    running: Vec<Service>,
    leash: Child,
    orders: ChildStdin,
}

impl<'a> Services<'a> {
    /// `directory` is where they run, and where `logs/` is.
    pub fn new(interrupts: &'a Interrupts, directory: &Path) -> io::Result<Services<'a>> {
        fs::create_dir_all(directory.join("logs"))?;
        let mut leash = Command::new("sh");
        leash.args(["-c", LEASH]).current_dir(directory).process_group(0).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut leash = leash.spawn()?;
        let orders = leash.stdin.take().expect("standard input is a pipe");
        Ok(Services { interrupts, directory: directory.to_owned(), running: Vec::new(), leash, orders })
    }

    /// Starts one more and waits until `ready` has its answer.
    pub fn start<T>(
        &mut self,
        name: &'static str,
        command: &mut Command,
        mut ready: impl FnMut(&Path) -> Option<T>,
    ) -> Result<T, Failure> {
        let log = self.directory.join("logs").join(format!("{name}.log"));
        let cannot = |error: io::Error| Failure::Because(format!("cannot start {name}: {error}"));
        let output = File::create(&log).map_err(cannot)?;
        let errors = output.try_clone().map_err(cannot)?;
        command.current_dir(&self.directory).process_group(0).stdin(Stdio::null()).stdout(output).stderr(errors);
        let process = command.spawn().map_err(cannot)?;
        writeln!(self.orders, "{}", process.id()).map_err(cannot)?;
        self.running.push(Service { name, log: log.clone(), process });

        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(answer) = ready(&log) {
                return Ok(answer);
            }
            if Instant::now() > deadline {
                let seconds = READY_WITHIN.as_secs();
                return Err(format!("{name} is not ready after {seconds} s; {}", end_of_log(&log)).into());
            }
            self.watch_for(POLL)?;
        }
    }

    /// Returns when something ends: an interrupt, or one of the programs.
    pub fn watch(&mut self) -> Failure {
        loop {
            if let Err(failure) = self.watch_for(POLL * 4) {
                return failure;
            }
        }
    }

    fn watch_for(&mut self, time: Duration) -> Result<(), Failure> {
        for service in &mut self.running {
            if let Ok(Some(status)) = service.process.try_wait() {
                return Err(format!("{} ended ({status}); {}", service.name, end_of_log(&service.log)).into());
            }
        }
        if self.interrupts.arrives_within(time) { Err(Failure::Interrupted) } else { Ok(()) }
    }

    fn stop(&mut self) {
        for Service { name, mut process, .. } in self.running.drain(..).rev() {
            if matches!(process.try_wait(), Ok(Some(_))) {
                continue;
            }
            signal(&process, Signal::TERM);
            let deadline = Instant::now() + STOP_WITHIN;
            while matches!(process.try_wait(), Ok(None)) {
                let impatient = self.interrupts.arrives_within(POLL);
                if impatient || Instant::now() > deadline {
                    terminal::warning(&format!("{name} did not stop, so it was killed"), "");
                    signal(&process, Signal::KILL);
                    let _ = process.wait();
                }
            }
        }
    }
}

/// Whatever happened, nothing is left running.
impl Drop for Services<'_> {
    fn drop(&mut self) {
        self.stop();
        let _ = self.leash.kill();
        let _ = self.leash.wait();
    }
}

fn signal(process: &Child, signal: Signal) {
    let _ = kill_process_group(Pid::from_child(process), signal);
}

fn end_of_log(log: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    if tail.is_empty() {
        return format!("it wrote nothing to {}", log.display());
    }
    format!("the end of {}:\n\n  {}", log.display(), tail.join("\n  "))
}
