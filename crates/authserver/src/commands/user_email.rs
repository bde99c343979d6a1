//! `gatelodge user email`: where messages to somebody go.

use clap::Args;
use gatelodge_store::Tx;
use gatelodge_store::users::User;

use super::{Setting, run};
use crate::cli::ConfigFile;
use crate::mail::address;

/// Of `email`.
#[derive(Args)]
pub struct UserEmail {
    /// Who.
    name: String,
    /// Their address. Make sure that it is theirs: whoever reads its messages can choose their password.
    #[arg(required_unless_present = "remove")]
    address: Option<String>,
    /// Take the address away instead: they are sent nothing any more.
    #[arg(long, conflicts_with = "address")]
    remove: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Sets it or takes it away.
pub fn set(email: UserEmail) -> Result<(), String> {
    run(async move {
        let address = email.address.as_deref().map(checked).transpose()?;
        let setting = Setting::open(&email.config).await?;
        let (operator, to_set) = (setting.operator(), address.clone());
        let change = move |tx: &mut Tx, user: &User| match &to_set {
            Some(address) => operator.set_address(tx, user, address),
            None => operator.take_address(tx, user),
        };
        let changed = super::user::change(&setting, &email.name, change).await?;
        match (&address, changed) {
            (Some(address), true) => println!("messages to {} go to {address}", email.name),
            (Some(address), false) => return Err(taken(address)),
            (None, true) => println!("{} is sent nothing any more", email.name),
            (None, false) => println!("{} had no address", email.name),
        }
        Ok(())
    })
}

/// An address in the form in which it is stored.
pub fn checked(typed: &str) -> Result<String, String> {
    address::canonical(typed)
        .ok_or_else(|| format!("{typed:?} is no e-mail address\n  hint: write it whole, in ASCII: ada@example.com"))
}

/// What there is to say when somebody else has it.
pub fn taken(address: &str) -> String {
    format!("{address} is the address of somebody else\n  hint: gatelodge user list shows whose")
}
