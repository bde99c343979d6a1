//! `gatelodge key`: the keys that tokens are signed with.

use clap::{Args, Subcommand};
use gatelodge_store::signing_keys::{self, SigningKeyRow};
use serde_json::{Value, json};

use super::{Setting, print_json, rfc3339, run, text};
use crate::cli::ConfigFile;

/// See `gatelodge key --help`.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// List the keys: the one that signs, the one that is next, and those that tokens may still be signed with.
    List(Options),
    /// Publish a new key now. It signs after keys.publish_before, and the key before stays until its last token has expired.
    Rotate(Options),
    /// Take a key out of use at once, because somebody else may have it: every token signed with it is refused, by the sidecar
    /// within a minute. When it was the key that signs, the next one or a new one takes its place. Clients refresh; personal
    /// tokens signed with it must be made anew.
    Revoke(RevokeKey),
}

/// Of every command about keys.
#[derive(Args)]
pub struct Options {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Of `revoke`.
#[derive(Args)]
pub struct RevokeKey {
    /// The name of the key, as `list` shows it.
    #[arg(allow_hyphen_values = true)]
    kid: String,
    #[command(flatten)]
    options: Options,
}

impl KeyCommand {
    /// Does it.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::List(options) => run(list(options)),
            Self::Rotate(options) => run(rotate(options)),
            Self::Revoke(revoked) => run(revoke(revoked)),
        }
    }
}

async fn list(options: Options) -> Result<(), String> {
    let setting = Setting::open(&options.config).await?;
    let keys = setting.store.read(signing_keys::list).await.map_err(text)?;
    if options.json {
        return print_json(&keys.iter().map(as_json).collect::<Vec<_>>());
    }
    for key in &keys {
        let time = match (key.state(), key.activates_at.unwrap_or(key.created_at), key.needed_until) {
            ("next", time, _) => format!("signs from {}", rfc3339(time)),
            ("active", time, _) => format!("signs since {}", rfc3339(time)),
            (_, _, Some(until)) => format!("needed until {}", rfc3339(until)),
            _ => String::new(),
        };
        println!("{}  {:<5}  {:<7}  {time}", key.kid, key.algorithm, key.state());
    }
    Ok(())
}

async fn rotate(options: Options) -> Result<(), String> {
    let setting = Setting::open(&options.config).await?;
    let (new, operator) = (setting.keys().await?.new_next(setting.now).await.map_err(text)?, setting.operator());
    let next = setting.store.write(move |tx| operator.publish_key(tx, &new)).await.map_err(text)?;
    let next = next.ok_or("another process activated the next key meanwhile; see: gatelodge key list")?;
    if options.json {
        return print_json(&as_json(&next));
    }
    println!("{} is published and signs from {}", next.kid, rfc3339(next.activates_at.unwrap_or(next.created_at)));
    Ok(())
}

async fn revoke(revoked: RevokeKey) -> Result<(), String> {
    let setting = Setting::open(&revoked.options.config).await?;
    let kid = revoked.kid;
    let (new, operator) = (setting.keys().await?.new_row(setting.now).await.map_err(text)?, setting.operator());
    let to_revoke = kid.clone();
    let active = setting.store.write(move |tx| operator.revoke_key(tx, &to_revoke, &new)).await.map_err(text)?;
    let active = active.ok_or_else(|| format!("there is no key {kid}\n  hint: gatelodge key list"))?;
    if revoked.options.json {
        return print_json(&json!({ "revoked": kid, "active": active }));
    }
    println!("revoked {kid}; {active} signs");
    Ok(())
}

fn as_json(key: &SigningKeyRow) -> Value {
    json!({
        "kid": key.kid, "algorithm": key.algorithm, "state": key.state(), "created_at": rfc3339(key.created_at),
        "activates_at": key.activates_at.map(rfc3339), "needed_until": key.needed_until.map(rfc3339),
    })
}
