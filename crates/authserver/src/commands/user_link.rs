//! `gatelodge user link` and `gatelodge user unlink`: who a user is at an OpenID provider. A sign-in there makes the link by
//! itself where `create_users` is on; for everybody else the operator makes it here.

use clap::Args;
use gatelodge_store::upstream_identities::{self, UpstreamIdentity};
use gatelodge_store::users;
use gatelodge_store::{Insertion, Tx};

use super::{Setting, no_user, text};
use crate::cli::ConfigFile;
use crate::login::password::canonical_username;

/// Of both commands.
#[derive(Args)]
pub struct Link {
    /// The user.
    name: String,
    /// The provider: the id of its [[login.oidc]].
    #[arg(long, value_name = "ID")]
    provider: String,
    /// Who they are there: the claim sub of their ID tokens. A refused sign-in shows it.
    #[arg(long, value_name = "SUB")]
    subject: String,
    #[command(flatten)]
    config: ConfigFile,
}

enum Change {
    Done,
    NoUser,
    Already,
    NoLink,
}

/// `link`.
pub fn link(link: Link) -> Result<(), String> {
    super::run(async move {
        let (setting, issuer) = open(&link).await?;
        let (name, subject, now) = (username(&link), link.subject.clone(), setting.now);
        let change = move |tx: &mut Tx| {
            let Some(user) = users::find_by_username(tx, &name)? else { return Ok(Change::NoUser) };
            let (issuer, subject) = (issuer.clone(), subject.clone());
            let identity = UpstreamIdentity { issuer, subject, user_id: user.id, created_at: now };
            Ok(match upstream_identities::insert(tx, &identity)? {
                Insertion::Inserted => Change::Done,
                Insertion::AlreadyExists => Change::Already,
            })
        };
        tell("linked", &link, setting.store.write(change).await.map_err(text)?)
    })
}

/// `unlink`.
pub fn unlink(link: Link) -> Result<(), String> {
    super::run(async move {
        let (setting, issuer) = open(&link).await?;
        let (name, subject) = (username(&link), link.subject.clone());
        let change = move |tx: &mut Tx| {
            let Some(user) = users::find_by_username(tx, &name)? else { return Ok(Change::NoUser) };
            let gone = upstream_identities::delete(tx, &user.id, &issuer, &subject)?;
            Ok(if gone { Change::Done } else { Change::NoLink })
        };
        tell("unlinked", &link, setting.store.write(change).await.map_err(text)?)
    })
}

/// Nobody has a name that cannot be one.
fn username(link: &Link) -> String {
    canonical_username(&link.name).unwrap_or_default()
}

async fn open(link: &Link) -> Result<(Setting, String), String> {
    let setting = Setting::open(&link.config).await?;
    let provider = setting.config.login.oidc.iter().find(|provider| provider.id == link.provider);
    let issuer = provider.map(|provider| provider.issuer.clone());
    let known = || setting.config.login.oidc.iter().map(|provider| provider.id.as_str()).collect::<Vec<_>>().join(", ");
    let issuer = issuer.ok_or_else(|| {
        format!("there is no provider {}\n  hint: those in [[login.oidc]]: {}", link.provider, known())
    })?;
    Ok((setting, issuer))
}

fn tell(done: &str, link: &Link, change: Change) -> Result<(), String> {
    let Link { name, provider, subject, .. } = link;
    match change {
        Change::Done => {
            println!("{done} {name}: {subject} at {provider}");
            Ok(())
        }
        Change::NoUser => Err(no_user(name)),
        Change::Already => {
            Err(format!("{subject} at {provider} is linked already\n  hint: gatelodge user list shows to whom"))
        }
        Change::NoLink => Err(format!("{name} is not linked to {subject} at {provider}\n  hint: gatelodge user list")),
    }
}
