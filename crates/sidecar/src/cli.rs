//! The command line: `serve`, `check`, `health`. Each `--help` is meant to be read.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use gatelodge_service::clock::Clock;
use gatelodge_service::config::{ConfigError, load_checked};
use gatelodge_service::http::health;
use gatelodge_service::logs;

use crate::app::Application;
use crate::config::{Config, ENV_PREFIX, IssuerConfig, KeySource, RawConfig};

const ABOUT: &str = r#"Puts OAuth in front of an MCP server, without changing it.

The sidecar stands between clients and your MCP server. It answers requests without a good access token with 401 and
tells the client where to get one; requests with a good token it forwards, with the identity of the caller in the
headers X-Mcp-Auth-Sub, X-Mcp-Auth-Issuer, X-Mcp-Auth-Client-Id and X-Mcp-Auth-Scopes, or in the form that
[resource.identity] says. The token itself is never forwarded.

This much configuration is enough:

  public_url = "https://mcp.example.com"
  [authorization_server]
  relay = "http://gatelodge:4000"
  [[resource]]
  path = "/mcp"
  upstream = "http://my-mcp:3000/mcp"

People then connect to public_url + path. Make sure that nobody can reach the MCP server around the sidecar."#;

const LOOKS_PUBLIC: &str = "the MCP server has a public name: whoever reaches it around this sidecar needs no token; let it \
                            accept nobody else (a private network, a socket, or an identity of kind \"assertion\" or \
                            \"credential\" that it checks)";

/// `gatelodge-sidecar`.
#[derive(Debug, Parser)]
#[command(name = "gatelodge-sidecar", version, about = "Puts OAuth in front of an MCP server, without changing it", long_about = ABOUT)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the sidecar.
    ///
    /// Checks the whole configuration before a port is opened. The authorization server need not run yet: until its keys
    /// can be fetched, requests with a token are answered with 503. Stops on SIGTERM or SIGINT; requests under way get up
    /// to 8 seconds to finish.
    Serve(ConfigFile),
    /// Checks the configuration and says what is wrong with it.
    ///
    /// Names file, line and key of every problem and what to write instead. Opens no port and asks no server. Exits with 0
    /// when `serve` would start.
    Check(ConfigFile),
    /// Asks the running sidecar whether it is ready.
    ///
    /// For container health checks: needs no shell and no curl. Asks /health/ready on the configured health_listen. Exits
    /// with 0 when the sidecar runs and has the keys of the authorization server.
    Health(ConfigFile),
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file (TOML). GATELODGE_SIDECAR__SECTION__KEY in the environment overrides one key of it, for
    /// instance GATELODGE_SIDECAR__PUBLIC_URL or GATELODGE_SIDECAR__RESOURCE__0__UPSTREAM.
    #[arg(long, value_name = "FILE", default_value = "config/sidecar.toml")]
    config: PathBuf,
}

impl Cli {
    /// Does what was asked; an error is for standard error and a failing exit code.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        match self.command {
            Command::Serve(file) => serve(load(&file.config)?).await,
            Command::Check(file) => {
                println!("{}", summary(&file.config, &load(&file.config)?));
                Ok(())
            }
            Command::Health(file) => Ok(health::ask(load(&file.config)?.health_listen).await?),
        }
    }
}

fn load(path: &Path) -> Result<Config, ConfigError> {
    load_checked(path, ENV_PREFIX, RawConfig::check)
}

async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    logs::init(&config.logs);
    if config.unsafe_values_allowed {
        tracing::warn!("development.allow_unsafe_values is on: values outside the safe ranges are accepted");
    }
    for resource in &config.resources {
        tracing::info!(resource = %resource.id, upstream = %resource.upstream, "protecting");
        if resource.looks_public() {
            tracing::warn!(upstream = %resource.upstream, "{LOOKS_PUBLIC}");
        }
    }
    let application = Application::build(config, Clock::system())?;
    tracing::info!(listen = %application.address, health_listen = %application.health_address, "ready to accept");
    application.run().await?;
    Ok(())
}

fn tokens_of(issuer: &IssuerConfig) -> String {
    let mut ways: Vec<String> = Vec::new();
    match &issuer.keys {
        Some(KeySource::At(url)) => ways.push(format!("checked with the keys at {url}")),
        Some(KeySource::Discovered) => ways.push("checked with the keys that its metadata names".into()),
        None => {}
    }
    ways.extend(issuer.introspection.iter().map(|way| format!("asked about at {}", way.url)));
    format!("  tokens of {} {}", issuer.issuer, ways.join(", opaque ones "))
}

/// What `check` prints when all is well: what people will type, and where it goes.
fn summary(path: &Path, config: &Config) -> String {
    let mut lines = vec![format!("{}: the configuration is good", path.display())];
    for resource in &config.resources {
        lines.push(format!("  {} -> {}", resource.id, resource.upstream));
        if resource.looks_public() {
            lines.push(format!("  warning: {LOOKS_PUBLIC}"));
        }
    }
    lines.extend(config.issuers.iter().map(tokens_of));
    if config.unsafe_values_allowed {
        lines.push("  warning: development.allow_unsafe_values is on".into());
    }
    lines.join("\n")
}
