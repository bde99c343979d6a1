//! `cargo verify`: every check of this repository, on a machine that may have nothing but Rust and a C compiler. Ends with
//! a summary and, alone on the last line, `N passed, N failed, N skipped`. Continuous integration calls exactly this.

mod compliance;
mod prepare;
mod smoke;
mod summary;
mod test_run;

use std::io;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anstream::eprintln;
use clap::{Args, ValueEnum};

use crate::terminal::{self, BOLD, DIM};
use crate::workspace::{cargo, variable};

use prepare::Machine;
use summary::{Outcome, Summary};

const DETAILS: &str = "\
What it runs, in this order:
  prepare     looks for PostgreSQL, Chromium, Node.js and Python. As root, or with sudo that asks for no password, it
              installs Debian's packages for what is missing; otherwise it says what to install
  fmt         cargo fmt --check
  clippy      cargo clippy, warnings are errors
  doc         cargo doc, warnings are errors
  build       cargo build of all binaries and examples
  test        cargo test: rules, both databases, both servers, and the whole system with the official MCP SDKs and a real
              browser. Logs, reports and screenshots stay in target/e2e-artifacts
  compliance  compares docs/compliance.md with what the tests say that they prove; with --write, writes it
  quickstart  cargo quickstart for real: ready, 401, metadata, busy port, Ctrl-C, and a second run with the same data

--long makes the proofs of the test step with the big numbers: 1000 codes and 1000 grants, each asked for 64 times at once;
1000 people who sign in at once; the server killed 200 times and PostgreSQL crashed 20 times under refreshing clients;
PostgreSQL away for a minute. The summary then tells what was counted. About 15 minutes more.

A test whose needs are not met is skipped with the reason; where the environment variable CI is set that is a failure.
The last line is `N passed, N failed, N skipped`: tests, and each other step as one. The exit code is 0 when none failed.";

/// Read by the test harness.
const LONG: &str = "GATELODGE_LONG_PROOFS";

/// Run every check and every test, and say at the end what ran, what was skipped and why.
///
/// From a fresh checkout about 20 minutes on two cores, most of it compiling; later about ten.
#[derive(Debug, Args)]
#[command(after_help = DETAILS)]
pub struct Options {
    /// Run only this step. Can be given more than once.
    #[arg(long, value_name = "STEP", hide_possible_values = true)]
    only: Vec<Step>,
    /// Make the proofs of concurrency and of crashes with their big numbers.
    #[arg(long)]
    long: bool,
    /// Write docs/compliance.md instead of comparing it.
    #[arg(long)]
    write: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Step {
    Prepare,
    Fmt,
    Clippy,
    Doc,
    Build,
    Test,
    Compliance,
    Quickstart,
}

impl Step {
    pub fn name(self) -> &'static str {
        match self {
            Step::Prepare => "prepare",
            Step::Fmt => "fmt",
            Step::Clippy => "clippy",
            Step::Doc => "doc",
            Step::Build => "build",
            Step::Test => "test",
            Step::Compliance => "compliance",
            Step::Quickstart => "quickstart",
        }
    }

    fn says(self) -> &'static str {
        match self {
            Step::Prepare => "what the tests need from this machine",
            Step::Fmt => "cargo fmt --all --check",
            Step::Clippy => "cargo clippy --workspace --all-targets, warnings are errors",
            Step::Doc => "cargo doc --workspace --no-deps, warnings are errors",
            Step::Build => "cargo build --workspace --bins --examples",
            Step::Test => "cargo test --workspace",
            Step::Compliance => "docs/compliance.md is what the tests prove",
            Step::Quickstart => "cargo quickstart, twice",
        }
    }
}

pub fn run(options: &Options) -> ExitCode {
    let on_ci = variable("CI").is_some();
    let started = Instant::now();
    terminal::title("Gatelodge verify");
    let steps = chosen(&options.only);
    let mut summary = Summary::new(on_ci);
    let mut run = Run { options, machine: Machine::default(), tests: Outcome::default() };
    for (index, step) in steps.iter().enumerate() {
        eprintln!("\n{BOLD}[{}/{}] {}{BOLD:#}  {DIM}{}{DIM:#}", index + 1, steps.len(), step.name(), step.says());
        let started = Instant::now();
        let outcome =
            if summary.build_failed() { Outcome::skipped(step.name(), "the build failed") } else { run.perform(*step) };
        summary.add(*step, started.elapsed(), outcome);
    }
    summary.print(started.elapsed());
    if summary.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What one step leaves for the next.
struct Run<'a> {
    options: &'a Options,
    machine: Machine,
    tests: Outcome,
}

impl Run<'_> {
    fn perform(&mut self, step: Step) -> Outcome {
        match step {
            Step::Prepare => {
                self.machine = prepare::run();
                self.machine.outcome()
            }
            Step::Fmt => check(step, &mut cargo(&["fmt", "--all", "--check"])),
            Step::Clippy => {
                check(step, &mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
            }
            Step::Doc => {
                let mut doc = cargo(&["doc", "--workspace", "--no-deps"]);
                check(step, doc.env("RUSTDOCFLAGS", "--deny warnings"))
            }
            Step::Build => check(step, &mut cargo(&["build", "--workspace", "--bins", "--examples"])),
            Step::Test => {
                let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
                if self.options.long {
                    tests.env(LONG, "1");
                }
                let outcome = test_run::run(self.machine.surround(&mut tests));
                self.tests = outcome.clone();
                outcome
            }
            Step::Compliance => compliance::check(&self.tests, self.options.write),
            Step::Quickstart => match smoke::run() {
                Ok(()) => Outcome::passed(),
                Err(why) => Outcome::failed(format!("quickstart: {why}")),
            },
        }
    }
}

/// The tests cannot do without the preparation: it may have fetched what they run with. Nothing is proven without the tests.
fn chosen(only: &[Step]) -> Vec<Step> {
    let wanted = |step: &Step| only.is_empty() || only.contains(step);
    let tests = wanted(&Step::Test) || wanted(&Step::Compliance);
    let needed = |step: &Step| tests && matches!(step, Step::Prepare | Step::Test);
    Step::value_variants().iter().copied().filter(|step| wanted(step) || needed(step)).collect()
}

fn check(step: Step, command: &mut Command) -> Outcome {
    // Standard output is for the summary.
    match command.stdin(Stdio::null()).stdout(io::stderr()).status() {
        Ok(status) if status.success() => Outcome::passed(),
        Ok(_) => Outcome::failed(format!("{}: see the messages of this step above", step.name())),
        Err(error) => Outcome::failed(format!("{}: cargo does not run: {error}", step.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_alone_are_still_prepared_for() {
        assert_eq!(chosen(&[]).len(), 8);
        assert_eq!(chosen(&[Step::Compliance]), [Step::Prepare, Step::Test, Step::Compliance]);
        assert_eq!(chosen(&[Step::Test]), [Step::Prepare, Step::Test]);
        assert_eq!(chosen(&[Step::Doc, Step::Fmt]), [Step::Fmt, Step::Doc]);
    }
}
