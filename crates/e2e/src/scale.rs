//! How much a proof proves: every run makes the same tests, `cargo verify --long` makes them with the big numbers.

use std::{fmt, io::Write};

use crate::requirements::variable;

/// Set by `cargo verify --long`.
const LONG: &str = "GATELODGE_LONG_PROOFS";

/// Set by whoever wants other inputs.
const SEED: &str = "GATELODGE_SEED";

/// `usual` in every run, `long` when somebody asked for it.
pub fn scale<T>(usual: T, long: T) -> T {
    if is_long() { long } else { usual }
}

/// Whether the big numbers were asked for.
pub fn is_long() -> bool {
    variable(LONG).is_some()
}

/// Where a generator begins: at `usual`, or where `GATELODGE_SEED` says, to repeat what a run found or to look elsewhere.
///
/// # Panics
/// When the variable holds no number.
pub fn seed(usual: u64) -> u64 {
    variable(SEED).map_or(usual, |seed| seed.parse().expect("GATELODGE_SEED is a number"))
}

/// Tells what was counted, in a line that `cargo verify` repeats in its summary.
///
/// # Panics
/// When standard error takes no line.
pub fn report(test: &str, figures: impl fmt::Display) {
    // Not println!: the test runner would swallow the line of a test that passes.
    writeln!(std::io::stderr(), "PROVED: {test}: {figures}").expect("standard error takes a line");
}
