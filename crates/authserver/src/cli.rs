//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use gatelodge_service::clock::Clock;
use gatelodge_service::http::health;
use gatelodge_service::logs;

use crate::commands::administration::AdministrationCommand;
use crate::commands::audit::AuditCommand;
use crate::commands::client::ClientCommand;
use crate::commands::connections::ConnectionsCommand;
use crate::commands::email::EmailCommand;
use crate::commands::grant::GrantCommand;
use crate::commands::key::KeyCommand;
use crate::commands::token::TokenCommand;
use crate::commands::user::UserCommand;
use crate::config::{self, Config};
use crate::pages::{Language, Pages};
use crate::server::Application;

/// OAuth 2.1 authorization server for MCP: people sign in and consent on its pages, MCP clients get tokens from it.
#[derive(Parser)]
#[command(name = "gatelodge", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  gatelodge check --config config/gatelodge.toml
  gatelodge serve --config config/gatelodge.toml
  gatelodge user add ada --config config/gatelodge.toml
  pass show gatelodge/ada | gatelodge user add ada --password-stdin --config config/gatelodge.toml
  gatelodge email test --to ada@example.com --config config/gatelodge.toml

Every key of the configuration can be overridden by an environment variable:
  GATELODGE__DATABASE__URL=postgres://… overrides url in [database]

config/gatelodge.toml lists every key with its default.";

const USER: &str = "\
Examples:
  gatelodge user add ada --invite
  gatelodge user list --json
  gatelodge user reset-password ada --link
  gatelodge user disable ada
  gatelodge user set-admin ada";

const CLIENT: &str = "\
Examples:
  gatelodge client list
  gatelodge client add Wiki --id wiki --auth-method client_secret_basic --redirect-uri https://wiki.example.com/oauth/callback
  gatelodge client add Nightly --grant-type client_credentials --auth-method client_secret_basic --scope mcp:use
  gatelodge client remove wiki";

const KEY: &str = "\
Examples:
  gatelodge key list
  gatelodge key rotate
  gatelodge key revoke KID";

const TOKEN: &str = "\
Examples:
  gatelodge token create --user ada --name laptop
  gatelodge token create --user ada --name backup --scope mcp:use --lifetime 7d
  gatelodge token list --user ada
  gatelodge token revoke grant_…";

const GRANT: &str = "\
Examples:
  gatelodge grant list --user ada
  gatelodge grant revoke grant_…
  gatelodge grant revoke --all-before 2026-11-21T10:00:00Z";

const CONNECTIONS: &str = "\
Examples:
  gatelodge connections
  gatelodge connections --user ada --limit 5
  gatelodge connections show 5f0c3a9e71d2
  gatelodge connections --json | jq '.[] | select(.diagnosis.state == \"stopped\") | .diagnosis.summary'";

#[derive(Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C. Brings the database schema up to date first.
    Serve(ConfigFile),
    /// Check the configuration and say what is wrong, where, and what to write instead. Exit code 0 when all is well.
    Check(ConfigFile),
    /// Ask a running server whether it is ready, by its health listener. For container health checks; exit code 0 when it is.
    Health(ConfigFile),
    /// Manage the people who may sign in. Works while the server runs.
    #[command(subcommand, after_help = USER)]
    User(UserCommand),
    /// Manage the clients that the operator knows. Works while the server runs.
    #[command(subcommand, after_help = CLIENT)]
    Client(ClientCommand),
    /// Manage the keys that tokens are signed with. Works while the server runs.
    #[command(subcommand, after_help = KEY)]
    Key(KeyCommand),
    /// Make, list and revoke personal tokens. Works while the server runs.
    #[command(subcommand, after_help = TOKEN)]
    Token(TokenCommand),
    /// List and revoke what people allowed. Works while the server runs.
    #[command(subcommand, after_help = GRANT)]
    Grant(GrantCommand),
    /// Show how far clients came that tried to connect, and why they stopped there. Works while the server runs.
    ///
    /// One line for each attempt, the newest first: its ID, when it began, how it stands, the user, the client. What happened and what
    /// to do about it: gatelodge connections show ID. Kept for as long as [connections] says; of those who never signed in for 3 days,
    /// and the newest 20,000 steps.
    #[command(after_help = CONNECTIONS)]
    Connections(ConnectionsCommand),
    /// Show what happened, and who asked for what through the sidecars: the audit trail. Works while the server runs.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Let an administrator in to administer in the browser. Needs [administration]; works while the server runs.
    #[command(subcommand)]
    Administration(AdministrationCommand),
    /// Find out whether e-mail arrives.
    #[command(subcommand)]
    Email(EmailCommand),
}

/// Of every command.
#[derive(Args)]
pub(crate) struct ConfigFile {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "config/gatelodge.toml")]
    pub(crate) config: PathBuf,
}

/// Runs the command line; errors go to standard error with what to do about them.
pub fn run() -> ExitCode {
    // jsonwebtoken would otherwise look for its crypto backend at first use and panic if a second one were compiled in.
    jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default().ok();
    let result = match Cli::parse().command {
        Command::Serve(file) => serve(&file.config),
        Command::Check(file) => check(&file.config),
        Command::Health(file) => ask_health(&file.config),
        Command::User(command) => command.run(),
        Command::Client(command) => command.run(),
        Command::Key(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Grant(command) => command.run(),
        Command::Connections(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Administration(command) => command.run(),
        Command::Email(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn load(path: &Path) -> Result<Config, String> {
    config::load(path).map_err(|error| error.to_string())
}

fn serve(path: &Path) -> Result<(), String> {
    let config = load(path)?;
    logs::init(&config.logs);
    actix_web::rt::System::new().block_on(async {
        warn_about(&config);
        let (issuer, administration) = (config.public_url.clone(), config.administration.clone());
        let application = Application::build(config, Clock::system()).await.map_err(|error| error.to_string())?;
        tracing::info!(%issuer, listen = %application.address, health = %application.health_address, "ready");
        if let (Some(listen), Some(config)) = (application.administration_address, &administration) {
            tracing::info!(%listen, url = %config.url, "administrators are let in; gatelodge administration link makes their link");
        }
        application.offer_setup().await.map_err(|error| error.to_string())?;
        application.run().await.map_err(|error| error.to_string())?;
        tracing::info!("stopped");
        Ok(())
    })
}

fn warn_about(config: &Config) {
    if config.unsafe_values_allowed {
        tracing::warn!(
            "development.allow_unsafe_values is on: lifetimes outside the safe ranges are accepted; never use this in production"
        );
    }
}

fn check(path: &Path) -> Result<(), String> {
    let config = load(path)?;
    let pages = Pages::load(&config.branding).map_err(|error| error.to_string())?;
    println!("{}: the configuration is good", path.display());
    println!("  issuer     {}", config.public_url);
    for resource in &config.resources {
        println!("  resource   {} ({})", resource.id, resource.name);
    }
    println!("  database   {}", config.database);
    if let Some(administration) = &config.administration {
        println!("  administration  {} (listens on {})", administration.url, administration.listen);
    }
    if let Some(email) = &config.email {
        println!("  email      {}:{} ({})", email.host, email.port, email.tls.as_str());
    }
    let languages: Vec<String> = pages.languages().iter().map(Language::tag).collect();
    println!("  languages  {}", languages.join(", "));
    Ok(())
}

fn ask_health(path: &Path) -> Result<(), String> {
    let config = load(path)?;
    actix_web::rt::System::new().block_on(health::ask(config.health_listen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// The examples of a command and of all below it.
    fn examples(command: &clap::Command) -> Vec<String> {
        let own = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = own.lines().filter_map(|line| line.strip_prefix("  ").map(str::to_owned));
        own.chain(command.get_subcommands().flat_map(examples)).collect()
    }

    /// Every example of a help page is a command that there is, with its options.
    #[test]
    fn examples_can_be_typed_as_they_are() {
        let examples: Vec<String> =
            examples(&Cli::command()).into_iter().filter(|line| line.contains("gatelodge ")).collect();
        assert!(examples.len() > 20, "{examples:?}");
        for line in examples {
            let typed = &line[line.find("gatelodge ").unwrap_or_default()..];
            let typed = typed.split(['|', '>']).next().unwrap_or_default();
            let understood = Cli::try_parse_from(typed.split_whitespace());
            assert!(
                understood.is_ok(),
                "{line}: {}",
                understood.err().map(|error| error.to_string()).unwrap_or_default()
            );
        }
    }
}
