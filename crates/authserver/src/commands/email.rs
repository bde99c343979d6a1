//! `gatelodge email`: whether messages arrive.

use clap::{Args, Subcommand};
use lettre::Address;

use super::{run, text};
use crate::cli::ConfigFile;
use crate::config::{self, Config};
use crate::mail::{Addressed, NotSent, Postman};
use crate::pages::{Letter, Pages};

/// See `gatelodge email --help`.
#[derive(Subcommand)]
pub enum EmailCommand {
    /// Send a test message, and tell all that the mail server says. It goes out as the messages of the server do, by [email] of the
    /// configuration; the server need not run.
    Test(TestMessage),
}

/// Of `test`.
#[derive(Args)]
pub struct TestMessage {
    /// Who gets it: an address of yours.
    #[arg(long, value_name = "ADDRESS")]
    to: Address,
    /// In which language: a tag such as "de". Left out: branding.default_locale.
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
}

impl EmailCommand {
    /// Does it.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::Test(test) => run(send(test)),
        }
    }
}

async fn send(test: TestMessage) -> Result<(), String> {
    let config = config::load(&test.config.config).map_err(text)?;
    let Some(email) = &config.email else {
        return Err(
            "there is no [email] in the configuration, so no message can be sent\n  hint: write host and from \
                    below [email]; config/gatelodge.toml shows every key"
                .into(),
        );
    };
    let pages = Pages::load(&config.branding).map_err(text)?;
    let language = pages.language(test.language.as_deref(), None);
    let letter = pages.write(&Letter::Test { server: config.public_url.to_string() }, language).map_err(text)?;
    let postman = Postman::new(&config, email).map_err(text)?;
    let to = test.to.to_string();
    let sent = postman.send(&Addressed { to: test.to, letter }).await;
    sent.map_err(|error| explained(&error, &config))?;
    println!("{}:{} took a message to {to}", email.host, email.port);
    println!("If it does not arrive, look for it among the junk, and at the log of that mail server.");
    Ok(())
}

/// With all that is known, since it goes to whoever wrote the configuration, and what to do.
fn explained(error: &NotSent, config: &Config) -> String {
    let (host, port, tls) = match &config.email {
        Some(email) => (email.host.as_str(), email.port, email.tls.as_str()),
        None => ("", 0, ""),
    };
    let hint = match error {
        // RFC 4954 §6.
        NotSent::Refused { code: 530 | 534 | 535 | 538 | 454, .. } => {
            "it does not accept email.username and email.password; some providers want a password made for this program"
        }
        NotSent::Refused { passes: true, .. } => "it may take it later: try again in some minutes",
        NotSent::Refused { .. } => {
            "it does not take messages from email.from, or to this address; or it wants email.username and email.password"
        }
        NotSent::Garbled => "check email.host and email.port",
        NotSent::Unsafe(_) => {
            "email.tls = \"wrapper\" goes with port 465, \"starttls\" with 587; the certificate must be for email.host and from an \
             authority that this machine knows, or that SSL_CERT_FILE names"
        }
        NotSent::Unusable(_) | NotSent::TooSlow => {
            "check email.host and email.port, and whether a firewall lets this machine out to it; many block port 25"
        }
        NotSent::Unwritable(_) => "check email.from",
    };
    let says = match error {
        NotSent::Refused { says, .. } => format!("{error}: {says}"),
        _ => error.to_string(),
    };
    format!("{host}:{port} (tls = \"{tls}\"): {says}\n  hint: {hint}")
}
