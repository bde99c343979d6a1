//! `gatelodge user list`: everybody who may sign in. Tells whose a subject is that a sidecar, a webhook or the audit trail names.

use clap::Args;
use gatelodge_store::upstream_identities::{self, UpstreamIdentity};
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx, email_addresses};
use serde_json::{Value, json};

use super::{Setting, print_json, rfc3339, run, text};
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::login::second_factors::Factors;
use crate::login::upstream::accounts;

/// Of `list`.
#[derive(Args)]
pub struct ListUsers {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Prints them.
pub fn list(list: ListUsers) -> Result<(), String> {
    run(async move {
        let setting = Setting::open(&list.config).await?;
        let people = setting.store.read(everybody).await.map_err(text)?;
        if list.json {
            return print_json(&people.iter().map(Person::json).collect::<Vec<_>>());
        }
        people.iter().for_each(|person| println!("{}", person.line(&setting.config)));
        Ok(())
    })
}

struct Person {
    user: User,
    address: Option<String>,
    has_second_step: bool,
    identities: Vec<UpstreamIdentity>,
}

fn everybody(tx: &mut Tx) -> Result<Vec<Person>, StoreError> {
    let (identities, addresses) = (upstream_identities::list(tx)?, email_addresses::list(tx)?);
    let person = |tx: &mut Tx, user: User| {
        let address = addresses.iter().find(|(user_id, _)| *user_id == user.id);
        Ok(Person {
            address: address.map(|(_, address)| address.clone()),
            has_second_step: Factors::of(tx, &user.id)?.exist(),
            identities: identities.iter().filter(|identity| identity.user_id == user.id).cloned().collect(),
            user,
        })
    };
    users::list(tx)?.into_iter().map(|user| person(tx, user)).collect()
}

impl Person {
    fn state(&self) -> &'static str {
        if self.user.disabled_at.is_some() { "disabled" } else { "enabled" }
    }

    fn json(&self) -> Value {
        let User { id, username, created_at, is_admin, .. } = &self.user;
        let identity = |identity: &UpstreamIdentity| json!({ "issuer": identity.issuer, "subject": identity.subject });
        json!({
            "id": id, "username": username, "state": self.state(), "administrator": is_admin, "created_at": rfc3339(*created_at),
            "email": self.address, "second_step": self.has_second_step,
            "identities": self.identities.iter().map(identity).collect::<Vec<_>>(),
        })
    }

    fn line(&self, config: &Config) -> String {
        let User { id, username, is_admin, .. } = &self.user;
        let role = if *is_admin { "  administrator" } else { "" };
        let second = if self.has_second_step { "  second step" } else { "" };
        let address = self.address.as_ref().map(|address| format!("  {address}")).unwrap_or_default();
        let links = self.identities.iter().map(|identity| format!("  {}", accounts::shown(identity, config)));
        format!("{username:<32} {:<9} {id}{role}{second}{address}{}", self.state(), links.collect::<String>())
    }
}
