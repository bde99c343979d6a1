//! `cargo test`, shown as it comes and read along: how many tests passed, which failed, which were skipped and why.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anstream::adapter::strip_str;

use super::summary::{Outcome, Skipped};

/// Runs the tests. Both of their outputs go through one pipe, so that their order is kept.
pub fn run(command: &mut Command) -> Outcome {
    match read_along(command) {
        Ok((reader, success)) => reader.finish(success),
        Err(error) => Outcome::failed(format!("test: cargo does not run: {error}")),
    }
}

fn read_along(command: &mut Command) -> io::Result<(Reader, bool)> {
    let (reader, writer) = io::pipe()?;
    let mut process = command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The command keeps its ends of the pipe: while they are open, there is no end to read.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut lines = BufReader::new(reader);
    let (mut tests, mut line) = (Reader::default(), Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 {
        io::stderr().write_all(&line)?;
        tests.read(&strip_str(String::from_utf8_lossy(&line).trim_end()).to_string());
        line.clear();
    }
    Ok((tests, process.wait()?.success()))
}

#[derive(Debug, Default)]
struct Reader {
    outcome: Outcome,
    /// The test executable whose lines these are, until its result.
    running: Option<String>,
    listing_failures: bool,
}

impl Reader {
    fn read(&mut self, line: &str) {
        if let Some(name) = executable(line) {
            self.note_crash();
            self.running = Some(name);
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.outcome.passed += count(result, "passed");
            self.running = None;
            self.listing_failures = false;
        } else if let Some((_, skipped)) = line.split_once("SKIPPED: ") {
            // Written around the test runner, which would keep it: perhaps behind the name of a test.
            let (what, why) = skipped.split_once(": ").unwrap_or((skipped, "no reason given"));
            self.note_skipped(what, why);
        } else if let Some((_, proved)) = line.split_once("PROVED: ") {
            self.outcome.proved.push(proved.to_owned());
        } else if let Some(name) = line.strip_prefix("test ").and_then(|test| test.strip_suffix(" ... ok")) {
            let executable = self.running.as_deref().unwrap_or("?");
            self.outcome.names.push(format!("{executable}::{name}"));
        } else if let Some((name, why)) = ignored(line) {
            self.outcome.passed += 1;
            self.note_skipped(name, why);
        } else if line == "failures:" {
            self.listing_failures = true;
        } else if line.starts_with("---- ") {
            self.listing_failures = false;
        } else if self.listing_failures
            && let Some(name) = line.strip_prefix("    ")
        {
            let executable = self.running.as_deref().unwrap_or("?");
            self.outcome.failures.push(format!("{executable}: {name}"));
        }
    }

    /// To the test runner, the test that skipped passed.
    fn note_skipped(&mut self, what: &str, why: &str) {
        if self.outcome.skipped.iter().all(|skipped| skipped.what != what) {
            self.outcome.skipped.push(Skipped { what: what.to_owned(), why: why.to_owned() });
        }
    }

    fn note_crash(&mut self) {
        if let Some(name) = self.running.take() {
            self.outcome.failures.push(format!("{name}: ended before its tests did"));
        }
    }

    fn finish(mut self, success: bool) -> Outcome {
        self.note_crash();
        let mut outcome = self.outcome;
        outcome.passed = outcome.passed.saturating_sub(outcome.skipped.len());
        if !success && outcome.failures.is_empty() {
            outcome.failures.push("test: `cargo test` failed, see its last messages".to_owned());
        }
        if success && outcome.passed == 0 {
            outcome.failures.push("test: no test ran".to_owned());
        }
        outcome
    }
}

/// `Running tests/flow.rs (target/debug/deps/flow-1a2b3c)` or `Doc-tests gatelodge_oauth`.
fn executable(line: &str) -> Option<String> {
    if let Some(library) = line.trim_start().strip_prefix("Doc-tests ") {
        return Some(format!("{library} (documentation)"));
    }
    let path = line.trim_start().strip_prefix("Running ")?.strip_suffix(')')?.split_once(" (")?.1;
    let name = Path::new(path).file_stem()?.to_str()?;
    Some(name.rsplit_once('-').map_or(name, |(name, _hash)| name).to_owned())
}

/// `test name ... ignored` or `test name ... ignored, reason`.
fn ignored(line: &str) -> Option<(&str, &str)> {
    let (name, result) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let why = result.strip_prefix("ignored")?;
    Some((name, why.strip_prefix(", ").unwrap_or("marked #[ignore]")))
}

/// The number before `what` in `ok. 3 passed; 0 failed; …`.
fn count(result: &str, what: &str) -> usize {
    let mut words = result.split([' ', ';']).filter(|word| !word.is_empty()).peekable();
    while let Some(word) = words.next() {
        if words.peek() == Some(&what) {
            return word.parse().unwrap_or(0);
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, success: bool) -> Outcome {
        let mut reader = Reader::default();
        text.lines().for_each(|line| reader.read(line));
        reader.finish(success)
    }

    const GREEN: &str = "\
   Compiling gatelodge-store v0.1.0
     Running unittests src/lib.rs (target/debug/deps/gatelodge_store-0123456789abcdef)

running 3 tests
SKIPPED: postgres_half: PostgreSQL is needed: install it
test a ... ok
SKIPPED: postgres_half: PostgreSQL is needed: install it
test postgres_half ... ok
test slow ... ignored, takes an hour

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s

   Doc-tests gatelodge_oauth

running 1 test
test crates/oauth/src/pkce.rs - pkce (line 7) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.20s
";

    #[test]
    fn skipped_tests_are_not_counted_as_passed() {
        let outcome = read(GREEN, true);
        let skipped: Vec<_> =
            outcome.skipped.iter().map(|skipped| (skipped.what.as_str(), skipped.why.as_str())).collect();
        assert_eq!(skipped, [("postgres_half", "PostgreSQL is needed: install it"), ("slow", "takes an hour")]);
        assert_eq!((outcome.passed, outcome.failures.len()), (2, 0));
        assert_eq!(outcome.names[..2], ["gatelodge_store::a", "gatelodge_store::postgres_half"]);
    }

    #[test]
    fn a_skip_behind_the_name_of_a_test_is_seen() {
        let outcome =
            read("test browser ... SKIPPED: browser: Chromium is needed\nok\ntest result: ok. 2 passed;", true);
        assert_eq!(outcome.skipped, [Skipped { what: "browser".into(), why: "Chromium is needed".into() }]);
        assert_eq!(outcome.passed, 1);
    }

    #[test]
    fn what_a_proof_counted_is_kept() {
        let outcome = read("test kill ... PROVED: kill -9: 200 kills\nok\ntest result: ok. 1 passed;", true);
        assert_eq!((outcome.proved, outcome.passed), (vec!["kill -9: 200 kills".to_owned()], 1));
    }

    #[test]
    fn failing_tests_are_named_with_their_executable() {
        let text = "\
     Running tests/races.rs (target/debug/deps/races-0123)
test one_wins ... FAILED

failures:

---- one_wins stdout ----
thread 'one_wins' panicked at crates/store/tests/races.rs:1:
    indented output

failures:
    one_wins

test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
error: 1 target failed:
    `-p gatelodge-store --test races`
";
        let outcome = read(text, false);
        assert_eq!((outcome.passed, outcome.failures), (4, vec!["races: one_wins".to_owned()]));
    }

    #[test]
    fn an_executable_that_crashes_is_a_failure() {
        let text = "\
     Running tests/one.rs (target/debug/deps/one-0123)
running 2 tests
     Running tests/two.rs (target/debug/deps/two-0123)
test result: ok. 1 passed; 0 failed;
";
        assert_eq!(read(text, false).failures, ["one: ended before its tests did"]);
    }

    #[test]
    fn a_run_that_does_not_compile_or_has_no_tests_is_a_failure() {
        assert_eq!(read("error: could not compile `x`", false).failures.len(), 1);
        assert_eq!(read("", true).failures, ["test: no test ran"]);
    }
}
