//! What `cargo verify` found, added up and printed.

use std::time::Duration;

use anstream::{eprintln, println};

use super::Step;
use crate::terminal::{self, BAD, BOLD, GOOD, WARN};

/// What one step found. Every number of the closing line is the length of one of these or `passed`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub passed: usize,
    pub failures: Vec<String>,
    pub skipped: Vec<Skipped>,
    /// What the proofs counted.
    pub proved: Vec<String>,
    /// The tests that passed, each with its executable: `http::rfc6749_token::sqlite::a_code_lives_for_sixty_seconds`.
    pub names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub what: String,
    pub why: String,
}

impl Outcome {
    pub fn passed() -> Outcome {
        Outcome { passed: 1, ..Outcome::default() }
    }

    pub fn failed(why: String) -> Outcome {
        Outcome { failures: vec![why], ..Outcome::default() }
    }

    pub fn skipped(what: &str, why: &str) -> Outcome {
        Outcome { skipped: vec![Skipped { what: what.to_owned(), why: why.to_owned() }], ..Outcome::default() }
    }

    fn counts(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failures.len(), self.skipped.len())
    }
}

pub struct Summary {
    nothing_may_be_skipped: bool,
    lines: Vec<String>,
    total: Outcome,
    build_failed: bool,
}

impl Summary {
    pub fn new(nothing_may_be_skipped: bool) -> Summary {
        Summary { nothing_may_be_skipped, lines: Vec::new(), total: Outcome::default(), build_failed: false }
    }

    pub fn add(&mut self, step: Step, took: Duration, mut outcome: Outcome) {
        if self.nothing_may_be_skipped {
            let skipped = outcome.skipped.drain(..);
            outcome
                .failures
                .extend(skipped.map(|Skipped { what, why }| format!("{what}: skipped, and CI is set: {why}")));
        }
        let took = terminal::took(took);
        let (style, mark) = match &outcome {
            Outcome { failures, .. } if !failures.is_empty() => (BAD, '✗'),
            Outcome { skipped, .. } if !skipped.is_empty() => (WARN, '!'),
            _ => (GOOD, '✓'),
        };
        let counts = if step == Step::Test { outcome.counts() } else { String::new() };
        let line = format!("{style}{mark}{style:#} {:<11} {took:>12}   {counts}", step.name());
        eprintln!("\n  {}", line.trim_end());
        self.lines.push(line);
        self.build_failed |= step == Step::Build && !outcome.failures.is_empty();
        self.total.passed += outcome.passed;
        self.total.failures.append(&mut outcome.failures);
        self.total.skipped.append(&mut outcome.skipped);
        self.total.proved.append(&mut outcome.proved);
    }

    pub fn build_failed(&self) -> bool {
        self.build_failed
    }

    pub fn is_good(&self) -> bool {
        self.total.failures.is_empty()
    }

    pub fn print(&self, took: Duration) {
        println!("\n{BOLD}Summary{BOLD:#}\n");
        for line in &self.lines {
            println!("  {}", line.trim_end());
        }
        println!("    {:<11} {:>12}", "in all", terminal::took(took));
        if !self.total.proved.is_empty() {
            println!("\n{BOLD}Proved{BOLD:#}");
            for proved in &self.total.proved {
                println!("  {proved}");
            }
        }
        if !self.total.skipped.is_empty() {
            println!("\n{WARN}Skipped{WARN:#}");
            for Skipped { what, why } in &self.total.skipped {
                println!("  {what}\n      {why}");
            }
        }
        if !self.total.failures.is_empty() {
            println!("\n{BAD}Failed{BAD:#}");
            for failure in &self.total.failures {
                println!("  {failure}");
            }
        }
        println!("\n{}", self.total.counts());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_adds_up_and_a_skip_on_ci_is_a_failure() {
        let tests = || Outcome { passed: 7, ..Outcome::skipped("browser", "no Chromium") };
        for (on_ci, closing, good) in
            [(false, "8 passed, 0 failed, 1 skipped", true), (true, "8 passed, 1 failed, 0 skipped", false)]
        {
            let mut summary = Summary::new(on_ci);
            summary.add(Step::Fmt, Duration::ZERO, Outcome::passed());
            summary.add(Step::Test, Duration::ZERO, tests());
            assert_eq!((summary.total.counts().as_str(), summary.is_good()), (closing, good));
        }
    }
}
