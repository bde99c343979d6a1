//! `gatelodge user link` and `gatelodge user unlink`: who a user is at an OpenID provider. A sign-in there makes the link by
//! itself where `create_users` is on; for everybody else the operator makes it here.

use clap::Args;
use gatelodge_store::Tx;
use gatelodge_store::users::User;

use super::Setting;
use crate::cli::ConfigFile;

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

/// `link`.
pub fn link(link: Link) -> Result<(), String> {
    super::run(async move {
        let (setting, issuer) = open(&link).await?;
        let Link { name, provider, subject, .. } = &link;
        let (operator, to_link) = (setting.operator(), subject.clone());
        let change = move |tx: &mut Tx, user: &User| operator.link(tx, user, &issuer, &to_link);
        if !super::user::change(&setting, name, change).await? {
            return Err(format!(
                "{subject} at {provider} is linked already\n  hint: gatelodge user list shows to whom"
            ));
        }
        println!("linked {name}: {subject} at {provider}");
        Ok(())
    })
}

/// `unlink`.
pub fn unlink(link: Link) -> Result<(), String> {
    super::run(async move {
        let (setting, issuer) = open(&link).await?;
        let Link { name, provider, subject, .. } = &link;
        let (operator, to_unlink) = (setting.operator(), subject.clone());
        let change = move |tx: &mut Tx, user: &User| operator.unlink(tx, user, &issuer, &to_unlink);
        if !super::user::change(&setting, name, change).await? {
            return Err(format!("{name} is not linked to {subject} at {provider}\n  hint: gatelodge user list"));
        }
        println!("unlinked {name}: {subject} at {provider}");
        println!(
            "whoever is signed in stays so, and so do connected apps\n  hint: gatelodge user disable {name} ends both, enable lets them in again"
        );
        Ok(())
    })
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
