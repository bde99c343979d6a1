//! The first administrator. There is no default password: a server that nobody can sign in to makes one link when it starts, shows
//! it to whoever started it, and takes it once. Called by `gatelodge serve` and `gatelodge user setup-link`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::setup_links::{self, SetupLink};
use gatelodge_store::{Insertion, Store, StoreError, Tx, users};
use serde::Deserialize;

use super::one_time_links::{LIFETIME, setup_url};
use crate::config::Config;

/// `[login.setup]`, checked.
#[derive(Debug, Clone)]
pub struct SetupConfig {
    /// Whether the first administrator may be created by a link.
    pub enabled: bool,
    link_file: Option<PathBuf>,
}

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawSetup {
    enabled: bool,
    link_file: Option<PathBuf>,
}

impl Default for RawSetup {
    fn default() -> Self {
        Self { enabled: true, link_file: None }
    }
}

impl RawSetup {
    /// Converts. Whoever opens the link chooses a password, so there is none where nobody signs in with one.
    pub fn check(self, has_passwords: bool) -> SetupConfig {
        SetupConfig { enabled: self.enabled && has_passwords, link_file: self.link_file }
    }
}

/// What there is for whoever starts the server.
#[derive(Debug)]
pub enum Offer {
    /// This link; nobody else has been shown it.
    Link(Secret),
    /// A link that was shown before, here or by another process.
    Shown,
    /// Somebody can sign in, or the operator wants no link.
    Nothing,
}

/// Makes the link, if there is nobody yet and no link that works.
pub async fn offer(store: &Store, config: &Config, now: Timestamp) -> Result<Offer, StoreError> {
    if !config.login.setup.enabled {
        return Ok(Offer::Nothing);
    }
    store.write(move |tx| offer_in(tx, now)).await
}

/// The same, in place of the link that was shown before.
pub async fn offer_anew(store: &Store, now: Timestamp) -> Result<Offer, StoreError> {
    let anew = move |tx: &mut Tx| {
        setup_links::withdraw(tx)?;
        offer_in(tx, now)
    };
    store.write(anew).await
}

fn offer_in(tx: &mut Tx, now: Timestamp) -> Result<Offer, StoreError> {
    if users::exist(tx)? {
        return Ok(Offer::Nothing);
    }
    let secret = Secret::generate(Kind::Setup);
    let link = SetupLink { hash: secret.hash(), created_at: now, expires_at: now.plus(LIFETIME) };
    Ok(match setup_links::offer(tx, &link, now)? {
        Insertion::Inserted => Offer::Link(secret),
        Insertion::AlreadyExists => Offer::Shown,
    })
}

/// Where the link is kept until it is used: beside the SQLite file, unless the configuration says where. With PostgreSQL there may be
/// no place to write to.
pub fn link_file(config: &Config) -> Option<PathBuf> {
    let beside = || {
        let mut name = config.database.sqlite_path()?.as_os_str().to_owned();
        name.push(".setup-link");
        Some(name.into())
    };
    config.login.setup.link_file.clone().or_else(beside)
}

/// Writes the link for its owner's eyes only, in place of an older one.
pub fn keep(path: &Path, config: &Config, secret: &Secret) -> io::Result<()> {
    forget(path)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{}", setup_url(&config.public_url, secret))
}

/// Removes the link that was used.
pub fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Shows the link to whoever looks at the terminal, and not to the log: logs are kept, and read by many.
pub fn show(config: &Config, secret: &Secret) {
    let kept = link_file(config).map(|path| (keep(&path, config, secret), path));
    let also = match kept {
        Some((Ok(()), path)) => format!("It is in {} too. ", path.display()),
        Some((Err(error), path)) => {
            tracing::warn!(%error, file = %path.display(), "the setup link could not be written to its file");
            String::new()
        }
        None => String::new(),
    };
    eprintln!(
        "\nNobody can sign in yet. Create the administrator with this link; it works once, for 24 hours:\n\n  {}\n\n\
         {also}Another one: gatelodge user setup-link\n",
        setup_url(&config.public_url, secret)
    );
}
