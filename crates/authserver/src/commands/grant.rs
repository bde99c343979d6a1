//! `gatelodge grant`: what people allowed.

use clap::{Args, Subcommand};
use gatelodge_oauth::time::Timestamp;

use super::{Setting, grants_of, parse_rfc3339, print_grants, revoke, run, text};
use crate::cli::ConfigFile;

/// See `gatelodge grant --help`.
#[derive(Subcommand)]
pub enum GrantCommand {
    /// List what people allowed, the newest first.
    List(ListGrants),
    /// End what somebody allowed, and with it every code and token of it. The sidecar refuses its access tokens within
    /// seconds. After a database was restored from a backup, end everything that is older than the restore.
    Revoke(RevokeGrants),
}

/// Of `list`.
#[derive(Args)]
pub struct ListGrants {
    /// Of this user only.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Of `revoke`.
#[derive(Args)]
pub struct RevokeGrants {
    /// The identifier, as `list` shows it.
    #[arg(required_unless_present = "all_before")]
    id: Option<String>,
    /// Everything that was allowed before this time, as 2026-11-21T10:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "id", value_parser = parse_rfc3339)]
    all_before: Option<Timestamp>,
    #[command(flatten)]
    config: ConfigFile,
}

impl GrantCommand {
    /// Does it.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::List(list) => run(async move {
                let setting = Setting::open(&list.config).await?;
                print_grants(&grants_of(&setting, list.user.as_deref()).await?, setting.now, list.json)
            }),
            Self::Revoke(RevokeGrants { id: Some(id), config, .. }) => {
                run(async move { revoke(&Setting::open(&config).await?, &id, |_| true).await })
            }
            Self::Revoke(RevokeGrants { all_before, config, .. }) => run(async move {
                let setting = Setting::open(&config).await?;
                let before = all_before.ok_or("name a grant, or a time with --all-before")?;
                let operator = setting.operator();
                let ended = setting.store.write(move |tx| operator.revoke_all_before(tx, before)).await;
                println!("revoked {}", ended.map_err(text)?);
                Ok(())
            }),
        }
    }
}
