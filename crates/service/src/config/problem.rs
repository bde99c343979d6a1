//! What can be wrong with a configuration, and how it is told: where, which key, what is wrong, what to write instead.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// One thing that is wrong, for instance `listen: "8080" is not an address` with the hint `write "127.0.0.1:8080"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The full key, for instance `resource[0].upstream`.
    pub key: String,
    /// What is wrong with it. Never shows a secret.
    pub says: String,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  hint: {}", self.key, self.says, self.hint)
    }
}

/// Everything that is wrong: a conversion reports all of it at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Notes one problem.
    pub fn add(&mut self, key: impl Into<String>, says: impl Into<String>, hint: impl Into<String>) {
        self.0.push(Problem { key: key.into(), says: says.into(), hint: hint.into() });
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Where a problem comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line and column of the file, counted from 1.
    File { path: PathBuf, line: usize, column: usize },
    /// A key that the file does not have.
    WholeFile { path: PathBuf },
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Place::WholeFile { path } => write!(f, "{}", path.display()),
            Place::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// Why there is no configuration to start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}\n  hint: name the configuration file with --config", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file or the environment says something that cannot be used.
    #[error("{}", located(.0))]
    Invalid(Vec<(Place, Problem)>),
}

fn located(problems: &[(Place, Problem)]) -> String {
    problems.iter().map(|(place, problem)| format!("{place}: {problem}")).collect::<Vec<_>>().join("\n")
}
