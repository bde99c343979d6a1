//! Credentials that the operator wrote down: for a subject, for a client, for a context value, or for everybody else.
//! In the configuration or in a file of their own, which is read again when it changes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use gatelodge_oauth::strict_json;
use gatelodge_service::config::{Problems, secret};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::{JoinHandle, spawn_blocking};

use super::format::Format;
use super::principal::Principal;
use crate::config::MapConfig;
use crate::respond::Fault;

/// Between two looks at the file.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// Everybody else.
const DEFAULT: &str = "*";

/// What was written down, by what it is for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entries(HashMap<For, HeaderValue>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum For {
    Subject(String),
    Client(String),
    Context(String),
    Everybody,
}

impl For {
    /// A subject cannot be written so that it reads as a client; nor can one that calls itself so be looked up.
    fn parse(name: &str) -> Self {
        match name.split_once(':') {
            Some(("client", client_id)) => For::Client(client_id.into()),
            Some(("context", value)) => For::Context(value.into()),
            _ if name == DEFAULT => For::Everybody,
            _ => For::Subject(name.into()),
        }
    }
}

impl Entries {
    /// From names and credentials. The error names the entry, and never shows its credential.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, format: &Format) -> Result<Self, String> {
        let mut entries = HashMap::new();
        for (name, credential) in pairs {
            let Some(value) = format.value(credential) else {
                return Err(format!("the entry {name:?} is empty or has characters that a header cannot hold"));
            };
            entries.insert(For::parse(name), value);
        }
        if entries.is_empty() { Err("there is no entry".into()) } else { Ok(Self(entries)) }
    }

    /// From the text of a file: JSON or TOML.
    pub fn parse(path: &Path, text: &SecretString, format: &Format) -> Result<Self, String> {
        let text = text.expose_secret();
        let pairs: HashMap<String, String> = if path.extension().is_some_and(|extension| extension == "json") {
            // Without serde's words, which quote values.
            let whole = strict_json::parse(text.as_bytes()).ok();
            whole
                .and_then(|value| serde_json::from_value(value).ok())
                .ok_or("it is not one JSON object of names and strings, each name once")?
        } else {
            toml::from_str(text).map_err(|_| "it is not one TOML table of names and strings")?
        };
        Self::new(pairs.iter().map(|(name, credential)| (name.as_str(), credential.as_str())), format)
    }

    /// From the file itself, which nobody else may read; or all that is wrong with it.
    pub fn read(path: &Path, format: &Format, key: &str, problems: &mut Problems) -> Option<Self> {
        let text = secret(None, Some(path.into()), key, problems)?;
        match Self::parse(path, &text, format) {
            Ok(entries) => Some(entries),
            Err(says) => {
                let hint =
                    "write one line for each: \"user_1\" = \"…\" in TOML, or one JSON object in a file named .json";
                problems.add(format!("{key}_file"), format!("{}: {says}", path.display()), hint);
                None
            }
        }
    }

    /// The narrowest that fits. Subjects and clients are names of one issuer's: of another's callers only the operator's
    /// own words count.
    fn of(&self, principal: &Principal<'_>, issuer: &str) -> Option<&HeaderValue> {
        let known = principal.issuer.is_none_or(|own| own == issuer);
        let find = |name: For| self.0.get(&name);
        let subject = known.then(|| For::Subject(principal.subject.into())).and_then(find);
        let client = || principal.client_id.filter(|_| known).and_then(|client_id| find(For::Client(client_id.into())));
        let context = || principal.context.and_then(|value| find(For::Context(value.into())));
        let everybody = || known.then_some(For::Everybody).and_then(find);
        subject.or_else(client).or_else(context).or_else(everybody)
    }
}

/// The entries at hand.
pub struct Map {
    issuer: String,
    format: Format,
    file: Option<PathBuf>,
    entries: RwLock<Arc<Entries>>,
}

impl Map {
    /// With what the check of the configuration has read.
    pub fn new(config: &MapConfig, issuer: String, format: Format) -> Self {
        let entries = RwLock::new(Arc::new(config.entries.clone()));
        Self { issuer, format, file: config.file.clone(), entries }
    }

    /// The credential of this caller.
    pub fn credential(&self, principal: &Principal<'_>) -> Result<HeaderValue, Fault> {
        let entries = Arc::clone(&self.entries.read().unwrap_or_else(PoisonError::into_inner));
        entries.of(principal, &self.issuer).cloned().ok_or_else(|| {
            let (subject, client_id) = (principal.subject, principal.client_id);
            tracing::warn!(subject, client_id, reason = "no_entry_in_map", "no credential for this caller");
            Fault::NoCredential
        })
    }

    /// Looks at the file again and again. What cannot be used is told once, and the last good entries stay.
    pub fn keep_fresh(self: &Arc<Self>) -> Option<JoinHandle<()>> {
        let (this, file) = (Arc::clone(self), self.file.clone()?);
        Some(tokio::spawn(async move {
            let mut told = None;
            loop {
                tokio::time::sleep(LOOKED_AT_EVERY).await;
                let (path, format) = (file.clone(), this.format.clone());
                let read = spawn_blocking(move || {
                    let mut problems = Problems::default();
                    Entries::read(&path, &format, "identity.credential.map.entries", &mut problems).ok_or(problems)
                });
                match read.await {
                    Ok(Ok(entries)) => {
                        told = None;
                        this.take(entries);
                    }
                    Ok(Err(problems)) if told.as_ref() != Some(&problems) => {
                        tracing::warn!(%problems, "the map of credentials cannot be read again: the last one stays");
                        told = Some(problems);
                    }
                    _ => {}
                }
            }
        }))
    }

    fn take(&self, entries: Entries) {
        let mut held = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if **held != entries {
            tracing::info!(entries = entries.0.len(), "the map of credentials changed");
            *held = Arc::new(entries);
        }
    }
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
