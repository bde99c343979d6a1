//! `[registration.client_id_metadata_documents]`: whose documents are read, and how.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use gatelodge_oauth::client::{Client, ClientId, Registration};
use gatelodge_oauth::client_id_metadata_document::DocumentUrl;
use gatelodge_oauth::host_policy::{HostPattern, HostPolicy};
use gatelodge_service::config::Problems;
use gatelodge_service::guarded_fetch::{self, GuardedFetchOptions, PrivateHost};
use serde::Deserialize;

use super::pinned::{self, Pinned};

const SECTION: &str = "registration.client_id_metadata_documents";

/// What the operator decided about client ID metadata documents.
#[derive(Debug, Clone)]
pub struct ClientDocuments {
    /// Whether such clients are known here at all.
    pub enabled: bool,
    /// Whose documents count.
    pub policy: HostPolicy,
    /// Hosts that may have private addresses.
    pub private_hosts: Vec<PrivateHost>,
    /// A certificate authority believed beside those of the machine (PEM).
    pub extra_ca: Option<Vec<u8>>,
    /// What known clients' documents said when they were last seen.
    pub pinned: Vec<Pinned>,
}

impl ClientDocuments {
    /// Whether a client may still act, as far as its document's host decides.
    pub fn permits(&self, client: &Client) -> bool {
        client.registration != Registration::MetadataDocument
            || DocumentUrl::parse(&client.id).is_ok_and(|url| self.permits_host(url.host()))
    }

    /// Whether documents of this host count.
    pub fn permits_host(&self, host: &str) -> bool {
        self.enabled && self.policy.permits(host)
    }

    /// How documents are fetched.
    pub fn fetch_options(&self) -> GuardedFetchOptions {
        GuardedFetchOptions {
            private_hosts: self.private_hosts.clone(),
            extra_ca_pem: self.extra_ca.clone(),
            ..GuardedFetchOptions::default()
        }
    }

    /// The last known document of a client.
    pub fn pinned(&self, id: &ClientId) -> Option<&Pinned> {
        self.pinned.iter().find(|pinned| pinned.id == *id)
    }
}

/// The section as written.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawClientDocuments {
    mode: Mode,
    allow: Vec<String>,
    deny: Vec<String>,
    private_hosts: Vec<String>,
    extra_ca_file: Option<PathBuf>,
    pinned: BuiltIn,
    pinned_directory: Option<PathBuf>,
}

#[derive(Debug, Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Open,
    Allowlist,
    Off,
}

#[derive(Debug, Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum BuiltIn {
    #[default]
    Builtin,
    Off,
}

impl RawClientDocuments {
    /// Reads the files that it names.
    pub fn check(self, problems: &mut Problems) -> ClientDocuments {
        let allow: Vec<HostPattern> = parsed(&self.allow, "allow", problems);
        if self.mode == Mode::Allowlist && self.allow.is_empty() {
            let hint = "name hosts, for instance allow = [\"claude.ai\", \".example.com\"], or write mode = \"off\"";
            problems.add(format!("{SECTION}.allow"), "is empty, so that nobody is allowed", hint);
        }
        if self.mode == Mode::Open && !self.allow.is_empty() {
            let hint = "write mode = \"allowlist\" to let nobody else in, or take allow away";
            problems.add(format!("{SECTION}.allow"), "means nothing with mode = \"open\"", hint);
        }
        let mut documents = match &self.pinned_directory {
            Some(directory) => pinned_files(directory, problems),
            None => Vec::new(),
        };
        if self.pinned == BuiltIn::Builtin {
            // What the operator gave comes first, and so counts.
            documents.extend(pinned::built_in());
        }
        ClientDocuments {
            enabled: self.mode != Mode::Off,
            policy: HostPolicy {
                allow: (self.mode == Mode::Allowlist).then_some(allow),
                deny: parsed(&self.deny, "deny", problems),
            },
            private_hosts: parsed(&self.private_hosts, "private_hosts", problems),
            extra_ca: self.extra_ca_file.and_then(|path| certificates(&path, problems)),
            pinned: documents,
        }
    }
}

fn parsed<T: FromStr<Err = String>>(texts: &[String], key: &str, problems: &mut Problems) -> Vec<T> {
    let mut values = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(value) => values.push(value),
            Err(says) => {
                let hint = "write hosts as they stand in URLs, without https:// and without a path";
                problems.add(format!("{SECTION}.{key}[{index}]"), says, hint);
            }
        }
    }
    values
}

fn certificates(path: &Path, problems: &mut Problems) -> Option<Vec<u8>> {
    let read = std::fs::read(path).map_err(|error| error.to_string());
    match read.and_then(|pem| guarded_fetch::check_certificates(&pem).map(|()| pem)) {
        Ok(pem) => Some(pem),
        Err(error) => {
            let says = format!("{} cannot be used: {error}", path.display());
            problems.add(format!("{SECTION}.extra_ca_file"), says, "name a file with certificates in PEM");
            None
        }
    }
}

fn pinned_files(directory: &Path, problems: &mut Problems) -> Vec<Pinned> {
    match pinned::read_directory(directory) {
        Ok(documents) => documents,
        Err(says) => {
            let hint = "put one file NAME.json for each document there, exactly as its URL answered";
            problems.add(format!("{SECTION}.pinned_directory"), says, hint);
            Vec::new()
        }
    }
}
