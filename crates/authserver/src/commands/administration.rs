//! `gatelodge administration`: letting administrators in to the pages of `endpoints/administration/`.

use clap::{Args, Subcommand};
use gatelodge_oauth::secret::Secret;
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx};

use super::{Setting, find_user, no_user, run, text};
use crate::administration::session;
use crate::cli::ConfigFile;
use crate::security_events::What;

/// See `gatelodge administration --help`.
#[derive(Subcommand)]
pub enum AdministrationCommand {
    /// Print a link that lets an administrator in: once, within 10 minutes, for 4 hours. The one before is dead then.
    #[command(after_help = "\
Examples:
  gatelodge administration link
  gatelodge administration link --as ada
  ssh mcp.example.com gatelodge administration link --as ada --config /etc/gatelodge.toml")]
    Link(MakeLink),
}

/// Of `link`.
#[derive(Args)]
pub struct MakeLink {
    /// Who. Need not be said while there is one administrator only.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
}

enum Outcome {
    Made(User, Secret),
    Refused(String),
}

impl AdministrationCommand {
    /// Does it.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::Link(link) => run(make(link)),
        }
    }
}

async fn make(link: MakeLink) -> Result<(), String> {
    let setting = Setting::open(&link.config).await?;
    let Some(administration) = &setting.config.administration else {
        let file = link.config.config.display();
        return Err(format!(
            "there is no administration in the browser\n  hint: write [administration] into {file} and start the server anew"
        ));
    };
    let (name, operator) = (link.name, setting.operator());
    let made = setting.store.write(move |tx| {
        Ok(match chosen(tx, name.as_deref())? {
            Ok(user) => {
                let secret = session::offer_link(tx, &user.id, operator.now())?;
                operator.event(What::AdministrationLinkMade, &user.id).keep(tx)?;
                Outcome::Made(user, secret)
            }
            Err(why) => Outcome::Refused(why),
        })
    });
    match made.await.map_err(text)? {
        Outcome::Made(user, secret) => {
            println!(
                "this link lets {} in, once, within 10 minutes:\n{}",
                user.username,
                session::link_url(&administration.url, &secret)
            );
            Ok(())
        }
        Outcome::Refused(why) => Err(why),
    }
}

/// Whom to let in, or why nobody.
fn chosen(tx: &mut Tx, name: Option<&str>) -> Result<Result<User, String>, StoreError> {
    let mut administrators = users::administrators(tx)?;
    let Some(name) = name else {
        let names: Vec<&str> = administrators.iter().map(|user| user.username.as_str()).collect();
        return Ok(match names[..] {
            [] => Err("nobody administers this server\n  hint: gatelodge user set-admin NAME".to_owned()),
            [_] => Ok(administrators.remove(0)),
            _ => Err(format!("say who is let in, with --as NAME\n  hint: administrators are {}", names.join(", "))),
        });
    };
    Ok(match find_user(tx, name)? {
        None => Err(no_user(name)),
        Some(user) if user.disabled_at.is_some() => {
            Err(format!("{name} is disabled\n  hint: gatelodge user enable {name}"))
        }
        Some(user) if !user.is_admin => {
            Err(format!("{name} is no administrator\n  hint: gatelodge user set-admin {name}"))
        }
        Some(user) => Ok(user),
    })
}
