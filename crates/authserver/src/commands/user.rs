//! `gatelodge user`: the people who may sign in. Whoever is shut out, removed, or given another password has no session and no
//! grant any more when the command ends, in the same transaction; resource servers hear of it by the status list.

use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::Secret;
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx, email_addresses};

use super::user_email::{self, UserEmail};
use super::user_export::{self, ExportUser};
use super::user_link::{self, Link};
use super::user_list::{self, ListUsers};
use super::user_second_factor;
use super::{Setting, no_user, run, text};
use crate::administration::operator::Operator;
use crate::cli::ConfigFile;
use crate::login::config::Method;
use crate::login::one_time_links::{password_url, setup_url};
use crate::login::password::{self, canonical_username};
use crate::login::second_factors::Factors;
use crate::login::setup::{self, Offer};
use crate::people::Ended;

/// See `gatelodge user --help`.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Add somebody who may sign in. Asks for the password unless told where it is, or to make a link with which they choose it; where
    /// nobody signs in with a password ([login] methods) there is none.
    Add(NewUser),
    /// List everybody who may sign in: name, identifier (the subject of their tokens), whether they set up a second step, where their
    /// messages go, and who they are at OpenID providers.
    List(ListUsers),
    /// Shut somebody out: sessions and grants end, and no sign-in succeeds.
    Disable(Named),
    /// Let somebody in again. What ended stays ended.
    Enable(Named),
    /// Remove somebody, with sessions and grants. The name is free again, for somebody else.
    Remove(Named),
    /// Give somebody another password; asks for it unless told where it is. Sessions and grants end. Or make a link, with which they
    /// choose it themselves.
    ResetPassword(AddUser),
    /// Set where messages to somebody go: links for another password, and codes to sign in with.
    Email(UserEmail),
    /// Take away what the second step of somebody's sign-in asks for, with the recovery codes: for somebody who lost it. They are signed
    /// out of every browser; the password stays, and so do connected apps.
    ResetSecondFactor(Named),
    /// Make another link that creates the first administrator, while there is nobody. The one before is dead then.
    SetupLink(ConfigFile),
    /// Make somebody an administrator.
    SetAdmin(SetAdmin),
    /// Print everything that is stored about somebody, as JSON and without secrets.
    Export(ExportUser),
    /// Let a user sign in as this person of an OpenID provider.
    Link(Link),
    /// Undo a link: the user cannot sign in as this person of the provider any more. Whoever is signed in stays signed in.
    Unlink(Link),
}

/// Of `add`.
#[derive(Args)]
pub struct NewUser {
    #[command(flatten)]
    user: AddUser,
    /// Where messages to them go. Make sure that it is theirs: whoever reads its messages can choose their password.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
}

/// Of `add` and `reset-password`.
#[derive(Args)]
pub struct AddUser {
    /// A name or an e-mail address: letters, digits and . _ @ + -, in any case.
    name: String,
    /// Read the password from the first line of this file.
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    password_file: Option<PathBuf>,
    /// Read the password from the first line of standard input.
    #[arg(long)]
    password_stdin: bool,
    /// Print a link instead, with which its holder chooses the password: once, within 24 hours. The link before is dead then.
    #[arg(long, visible_alias = "invite", conflicts_with_all = ["password_file", "password_stdin"])]
    link: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Of the commands that need a name and nothing else.
#[derive(Args)]
pub struct Named {
    /// Who.
    pub(super) name: String,
    #[command(flatten)]
    pub(super) config: ConfigFile,
}

/// Of `set-admin`.
#[derive(Args)]
pub struct SetAdmin {
    /// Who.
    name: String,
    /// No administrator any more.
    #[arg(long)]
    off: bool,
    #[command(flatten)]
    config: ConfigFile,
}

impl UserCommand {
    /// Does it.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::Add(user) => run(add(user)),
            Self::List(listing) => user_list::list(listing),
            Self::Disable(named) => run(end(named, "disabled", Operator::disable)),
            Self::Remove(named) => run(end(named, "removed", Operator::remove)),
            Self::Enable(named) => run(enable(named)),
            Self::ResetPassword(user) => run(reset_password(user)),
            Self::Email(email) => user_email::set(email),
            Self::ResetSecondFactor(named) => user_second_factor::reset(named),
            Self::SetupLink(file) => run(setup_link(file)),
            Self::SetAdmin(admin) => run(set_admin(admin)),
            Self::Export(export) => user_export::export(export),
            Self::Link(link) => user_link::link(link),
            Self::Unlink(link) => user_link::unlink(link),
        }
    }
}

async fn add(new: NewUser) -> Result<(), String> {
    let NewUser { user: add, email } = new;
    let username = checked_name(&add.name)?;
    let address = email.as_deref().map(user_email::checked).transpose()?;
    let setting = Setting::open(&add.config).await?;
    let has_passwords = setting.config.login.offers(Method::Password);
    if !has_passwords && (add.link || add.password_stdin || add.password_file.is_some()) {
        return Err(no_passwords());
    }
    let password_hash = if add.link || !has_passwords { None } else { Some(read_hash(&add)?) };
    let user = User {
        id: UserId::generate(),
        username: username.clone(),
        password_hash,
        created_at: setting.now,
        disabled_at: None,
        is_admin: false,
    };
    let (with_link, operator, to_set) = (add.link, setting.operator(), address.clone());
    let added = setting.store.write(move |tx| {
        if let Some(address) = &to_set
            && email_addresses::owner(tx, address)?.is_some()
        {
            return Ok(Added::AddressTaken);
        }
        if !operator.add(tx, &user)? {
            return Ok(Added::NameTaken);
        }
        if let Some(address) = &to_set {
            operator.set_address(tx, &user, address)?;
        }
        with_link.then(|| operator.offer_password(tx, &user)).transpose().map(Added::Done)
    });
    let link = match added.await.map_err(text)? {
        Added::Done(link) => link,
        Added::NameTaken => return Err(name_taken(&username)),
        Added::AddressTaken => return Err(user_email::taken(&address.unwrap_or_default())),
    };
    println!("added {username}");
    if let Some(link) = link {
        print_link(&setting, &username, &link);
    }
    Ok(())
}

fn name_taken(username: &str) -> String {
    format!(
        "there is a user {username} already\n  \
         hint: choose another name, or give them another password: gatelodge user reset-password {username}"
    )
}

enum Added {
    Done(Option<Secret>),
    NameTaken,
    AddressTaken,
}

/// Changes a user, found by name in the same transaction.
pub(super) async fn change<T: Send + 'static>(
    setting: &Setting,
    name: &str,
    work: impl Fn(&mut Tx, &User) -> Result<T, gatelodge_store::StoreError> + Send + 'static,
) -> Result<T, String> {
    let username = checked_name(name)?;
    let to_find = username.clone();
    let changed = setting.store.write(move |tx| {
        let found = users::find_by_username(tx, &to_find)?;
        let held = found.map(|user| users::lock(tx, &user.id)).transpose()?.flatten();
        held.map(|user| work(tx, &user)).transpose()
    });
    changed.await.map_err(text)?.ok_or_else(|| no_user(&username))
}

async fn end(
    named: Named,
    done: &str,
    work: impl Fn(&Operator, &mut Tx, &User) -> Result<Ended, StoreError> + Send + 'static,
) -> Result<(), String> {
    let setting = Setting::open(&named.config).await?;
    let operator = setting.operator();
    let ended = change(&setting, &named.name, move |tx, user| work(&operator, tx, user)).await?;
    println!("{done} {}; {ended}", named.name);
    Ok(())
}

async fn enable(named: Named) -> Result<(), String> {
    let setting = Setting::open(&named.config).await?;
    let operator = setting.operator();
    let was_shut_out = change(&setting, &named.name, move |tx, user| operator.enable(tx, user)).await?;
    println!("{} {}", if was_shut_out { "enabled" } else { "was enabled already:" }, named.name);
    Ok(())
}

async fn reset_password(reset: AddUser) -> Result<(), String> {
    let setting = Setting::open(&reset.config).await?;
    if !setting.config.login.offers(Method::Password) {
        return Err(no_passwords());
    }
    let (name, operator) = (&reset.name, setting.operator());
    let factors = if reset.link {
        let make = move |tx: &mut Tx, user: &User| Ok((operator.offer_password(tx, user)?, Factors::of(tx, &user.id)?));
        let (link, factors) = change(&setting, name, make).await?;
        print_link(&setting, name, &link);
        factors
    } else {
        let hash = read_hash(&reset)?;
        let set =
            move |tx: &mut Tx, user: &User| Ok((operator.set_password(tx, user, &hash)?, Factors::of(tx, &user.id)?));
        let (ended, factors) = change(&setting, name, set).await?;
        println!("set a new password of {name}; {ended}");
        factors
    };
    // Not on standard output, where scripts look for the link.
    if let Some(left) = user_second_factor::remaining(&factors, name) {
        eprintln!("{left}");
    }
    Ok(())
}

fn no_passwords() -> String {
    "nobody signs in with a password here: login.methods leaves \"password\" out\n  \
     hint: gatelodge user link NAME lets somebody in through an OpenID provider, gatelodge user email NAME ADDRESS by e-mail"
        .to_owned()
}

fn print_link(setting: &Setting, name: &str, link: &Secret) {
    println!(
        "with this link {name} chooses a password, once, within 24 hours:\n{}",
        password_url(&setting.config.public_url, link)
    );
}

async fn setup_link(file: ConfigFile) -> Result<(), String> {
    let setting = Setting::open(&file).await?;
    if !setting.config.login.setup.enabled {
        return Err(
            "no link makes the first administrator here: login.setup.enabled is false, or login.methods leaves \"password\" out\n  \
             hint: use gatelodge user set-admin NAME".into()
        );
    }
    match setup::offer_anew(&setting.store, setting.now).await.map_err(text)? {
        Offer::Link(secret) => {
            println!(
                "with this link the first administrator is created, once, within 24 hours:\n{}",
                setup_url(&setting.config.public_url, &secret)
            );
            Ok(())
        }
        Offer::Shown | Offer::Nothing => Err("somebody can sign in already\n  hint: make an administrator with \
             gatelodge user set-admin NAME, or add one with gatelodge user add NAME --invite"
            .into()),
    }
}

async fn set_admin(admin: SetAdmin) -> Result<(), String> {
    let setting = Setting::open(&admin.config).await?;
    let (operator, is_admin) = (setting.operator(), !admin.off);
    change(&setting, &admin.name, move |tx, user| operator.set_administrator(tx, user, is_admin)).await?;
    println!("{} is {} administrator", admin.name, if is_admin { "an" } else { "no" });
    Ok(())
}

fn checked_name(name: &str) -> Result<String, String> {
    canonical_username(name)
        .ok_or_else(|| format!("{name:?} cannot be a user name\n  hint: use up to 128 letters, digits and . _ @ + -"))
}

fn read_hash(add: &AddUser) -> Result<String, String> {
    let password = read_password(add)?;
    if !password::may_be_new(&password) {
        let (shortest, longest) = (password::MIN_LENGTH, password::MAX_LENGTH);
        return Err(format!("the password must have at least {shortest} characters and at most {longest} bytes"));
    }
    password::hash(&password).map_err(text)
}

fn read_password(add: &AddUser) -> Result<String, String> {
    if let Some(path) = &add.password_file {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        return Ok(first_line(&text));
    }
    if add.password_stdin {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(|error| format!("standard input: {error}"))?;
        return Ok(first_line(&text));
    }
    if !io::stdin().is_terminal() {
        return Err(
            "there is no terminal to ask for the password\n  hint: use --password-stdin or --password-file FILE".into(),
        );
    }
    let ask = |prompt: &str| {
        io::stderr().flush().ok();
        rpassword::prompt_password(prompt).map_err(|error| error.to_string())
    };
    let password = ask("Password: ")?;
    if password == ask("Again: ")? { Ok(password) } else { Err("the two passwords differ".into()) }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
