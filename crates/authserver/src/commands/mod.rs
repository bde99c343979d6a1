//! The commands beside `serve`, one file for each thing they manage. They use the database and the configuration of the server
//! and work while it runs.

use std::path;

use gatelodge_oauth::grant::Grant;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use gatelodge_store::users::{self, User};
use gatelodge_store::{PoolOptions, Store, StoreError, Tx};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::administration::operator::Operator;
use crate::cli::ConfigFile;
use crate::config::{self, Config};
use crate::keys::KeyRing;
use crate::login::password::canonical_username;

pub mod administration;
pub mod audit;
pub mod audit_tail;
pub mod client;
pub mod connections;
pub mod email;
pub mod grant;
pub mod key;
pub mod token;
pub mod user;
pub mod user_email;
pub mod user_export;
pub mod user_link;
pub mod user_list;
pub mod user_second_factor;

/// What a command works with.
struct Setting {
    config: Config,
    store: Store,
    now: Timestamp,
}

impl Setting {
    async fn open(file: &ConfigFile) -> Result<Self, String> {
        let config = config::load(&file.config).map_err(text)?;
        let missing = config.database.sqlite_path().filter(|path| !path.exists()).map(path::absolute);
        let store = Store::open(&config.database, PoolOptions::command()).await.map_err(text)?;
        // A path that begins elsewhere than the server's leads to a database of nobody. Not on standard output, which scripts read.
        if let Some(made) = missing.transpose().map_err(text)? {
            eprintln!("made a new database, with nobody in it: {}", made.display());
        }
        Ok(Self { config, store, now: Clock::system().now() })
    }

    /// Whoever runs the command.
    fn operator(&self) -> Operator {
        Operator::at_the_command_line(&self.config, self.now)
    }

    async fn keys(&self) -> Result<KeyRing, String> {
        KeyRing::open(&self.store, &self.config, self.now).await.map_err(text)
    }
}

/// Runs a command to its end.
fn run(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    actix_web::rt::System::new().block_on(work)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn print_json(value: &impl Serialize) -> Result<(), String> {
    println!("{}", serde_json::to_string_pretty(value).map_err(text)?);
    Ok(())
}

/// A time for people and programs (RFC 3339), in UTC.
fn rfc3339(time: Timestamp) -> String {
    let date = OffsetDateTime::from_unix_timestamp(time.as_unix()).ok();
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_else(|| time.to_string())
}

/// Reads such a time from the command line.
fn parse_rfc3339(text: &str) -> Result<Timestamp, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map(|date| Timestamp::from_unix(date.unix_timestamp()))
        .map_err(|_| "write a date, a time and an offset: 2026-11-21T10:00:00Z".into())
}

/// A grant with the name of its user.
struct Named {
    grant: Grant,
    username: Option<String>,
}

impl Named {
    fn state(&self, now: Timestamp) -> &'static str {
        match self.grant.still_valid(now) {
            Ok(()) => "active",
            Err(_) if self.grant.revoked_at.is_some() => "revoked",
            Err(_) => "expired",
        }
    }

    fn json(&self, now: Timestamp) -> Value {
        let Grant { id, client_id, resource, scope, created_at, expires_at, name, remembered_from, .. } = &self.grant;
        json!({
            "id": id, "state": self.state(now), "user": self.username, "client_id": client_id, "name": name,
            "resource": resource, "scope": scope, "created_at": rfc3339(*created_at), "expires_at": rfc3339(*expires_at),
            "remembered_from": remembered_from,
        })
    }

    fn line(&self, now: Timestamp) -> String {
        let Grant { id, client_id, resource, scope, expires_at, name, .. } = &self.grant;
        let user = self.username.as_deref().unwrap_or("-");
        let what = name.as_deref().unwrap_or(client_id.as_str());
        format!(
            "{id}  {:<8} {user:<20} {what:<24} until {}  {resource}  {scope}",
            self.state(now),
            rfc3339(*expires_at)
        )
    }
}

/// The grants of a user, or of everybody.
async fn grants_of(setting: &Setting, username: Option<&str>) -> Result<Vec<Named>, String> {
    let name = username.map(str::to_owned);
    let found = setting.store.read(move |tx| {
        let user_id = match &name {
            Some(name) => match find_user(tx, name)? {
                Some(user) => Some(user.id),
                None => return Ok(Err(no_user(name))),
            },
            None => None,
        };
        Ok(Ok((users::list(tx)?, gatelodge_store::grants::list(tx, user_id.as_ref())?)))
    });
    let (all, found) = found.await.map_err(text)??;
    let named = found.into_iter().map(|grant| {
        let user = all.iter().find(|user| grant.user_id.as_ref() == Some(&user.id));
        Named { username: user.map(|user| user.username.clone()), grant }
    });
    Ok(named.collect())
}

fn print_grants(grants: &[Named], now: Timestamp, as_json: bool) -> Result<(), String> {
    if as_json {
        return print_json(&grants.iter().map(|grant| grant.json(now)).collect::<Vec<_>>());
    }
    grants.iter().for_each(|grant| println!("{}", grant.line(now)));
    Ok(())
}

/// Ends one grant that `wanted` accepts.
async fn revoke(setting: &Setting, id: &str, wanted: impl Fn(&Grant) -> bool) -> Result<(), String> {
    let id = gatelodge_oauth::grant::GrantId::from_stored(id.to_owned());
    let to_find = id.clone();
    let found = setting.store.read(move |tx| gatelodge_store::grants::find(tx, &to_find)).await.map_err(text)?;
    let Some(grant) = found.filter(wanted) else {
        return Err(format!("there is no {id}\n  hint: the list command shows what there is"));
    };
    let operator = setting.operator();
    let ended = setting.store.write(move |tx| operator.revoke(tx, &grant)).await.map_err(text)?;
    let (this, others): (Vec<_>, Vec<_>) = ended.iter().partition(|grant| grant.id == id);
    println!("{} {id}", if this.is_empty() { "was revoked already:" } else { "revoked" });
    others.iter().for_each(|other| println!("revoked {}, which came from the same answer", other.id));
    Ok(())
}

/// Somebody by their name, in any case.
fn find_user(tx: &mut Tx, name: &str) -> Result<Option<User>, StoreError> {
    match canonical_username(name) {
        Some(username) => users::find_by_username(tx, &username),
        None => Ok(None),
    }
}

fn no_user(name: &str) -> String {
    format!("there is no user {name}\n  hint: gatelodge user list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_in_the_same_form() {
        let time = Timestamp::from_unix(1_800_000_000);
        assert_eq!(rfc3339(time), "2027-01-15T08:00:00Z");
        assert_eq!(parse_rfc3339("2027-01-15T08:00:00Z"), Ok(time));
        assert_eq!(parse_rfc3339("2027-01-15T09:00:00+01:00"), Ok(time));
        for bad in ["", "yesterday", "1800000000", "2027-01-15", "2027-01-15T08:00:00"] {
            assert!(parse_rfc3339(bad).is_err(), "{bad}");
        }
    }
}
