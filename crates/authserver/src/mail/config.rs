//! The table `[email]` of the configuration: the mail server that messages to people go out by.

use std::path::PathBuf;

use gatelodge_service::config::{Problems, secret};
use lettre::message::Mailbox;
use secrecy::SecretString;
use serde::Deserialize;
use url::Host;

/// The table, checked.
#[derive(Debug, Clone)]
pub struct EmailConfig {
    /// The mail server.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// How the way to it is kept private.
    pub tls: Tls,
    /// What we prove ourselves with.
    pub credentials: Option<Credentials>,
    /// Who messages are from.
    pub from: Mailbox,
}

/// How the way to the mail server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// From the first byte on (RFC 8314 §3.3).
    Wrapper,
    /// Asked for before anything else is said, and nothing is said without it (RFC 3207).
    Starttls,
    /// Not at all.
    None,
}

/// What we prove ourselves with (RFC 4954).
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who we are there.
    pub username: String,
    /// Our password there.
    pub password: SecretString,
}

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEmail {
    host: String,
    port: Option<u16>,
    #[serde(default = "default_tls")]
    tls: Tls,
    username: Option<String>,
    password: Option<SecretString>,
    password_file: Option<PathBuf>,
    from: String,
}

fn default_tls() -> Tls {
    Tls::Wrapper
}

impl Tls {
    /// RFC 8314 §7.3, RFC 6409 §3.1, RFC 5321 §4.5.4.2.
    fn usual_port(self) -> u16 {
        match self {
            Tls::Wrapper => 465,
            Tls::Starttls => 587,
            Tls::None => 25,
        }
    }

    /// As the configuration has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Tls::Wrapper => "wrapper",
            Tls::Starttls => "starttls",
            Tls::None => "none",
        }
    }
}

impl RawEmail {
    /// Converts, or notes what is wrong.
    pub fn check(self, problems: &mut Problems) -> Option<EmailConfig> {
        self.check_host(problems);
        if self.port == Some(0) {
            problems.add("email.port", "0 is no port", "remove the line, or write 465, 587 or 25");
        }
        let has_password = self.password.is_some() || self.password_file.is_some();
        let password = secret(self.password, self.password_file, "email.password", problems);
        let credentials = match (self.username, password) {
            (Some(username), Some(password)) => Some(Credentials { username, password }),
            (Some(_), None) if !has_password => {
                let hint = "write email.password or email.password_file, or remove email.username";
                problems.add("email.username", "has no password", hint);
                None
            }
            (None, Some(_)) => {
                let hint = "write email.username as well: often it is the whole address";
                problems.add("email.password", "has no user name", hint);
                None
            }
            _ => None,
        };
        let Ok(from) = self.from.parse::<Mailbox>() else {
            let hint = "write \"accounts@example.com\" or \"Acme accounts <accounts@example.com>\"";
            problems.add("email.from", format!("{:?} is no e-mail address", self.from), hint);
            return None;
        };
        let port = self.port.unwrap_or(self.tls.usual_port());
        Some(EmailConfig { host: self.host, port, tls: self.tls, credentials, from })
    }

    fn check_host(&self, problems: &mut Problems) {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let address = bare.parse::<std::net::IpAddr>().ok();
        let is_name =
            !self.host.is_empty() && matches!(Host::parse(&self.host), Ok(Host::Domain(name)) if name == self.host);
        if address.is_none() && !is_name {
            let hint =
                "write the name of the mail server alone, for instance \"smtp.example.com\"; its port is email.port";
            problems.add("email.host", format!("{:?} is no host", self.host), hint);
        }
        let is_here = self.host == "localhost" || address.is_some_and(|address| address.is_loopback());
        if self.tls == Tls::None && !is_here {
            let says = "\"none\" would send links and codes in clear over the network";
            let hint =
                "write \"wrapper\" or \"starttls\"; \"none\" is for a mail server on this machine (localhost) only";
            problems.add("email.tls", says, hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(toml: &str) -> Result<EmailConfig, String> {
        let raw: RawEmail = toml::from_str(toml).expect("the keys are known");
        let mut problems = Problems::default();
        let config = raw.check(&mut problems);
        if problems.is_empty() { Ok(config.expect("nothing is wrong")) } else { Err(problems.to_string()) }
    }

    #[test]
    fn the_usual_port_goes_with_the_usual_protection() {
        for (tls, port) in [("", 465), ("tls = \"wrapper\"", 465), ("tls = \"starttls\"", 587), ("port = 2525", 2525)] {
            let config = checked(&format!("host = \"smtp.example.com\"\nfrom = \"a@example.com\"\n{tls}"));
            assert_eq!(config.expect(tls).port, port);
        }
    }

    #[test]
    fn only_a_mail_server_on_this_machine_is_asked_in_clear() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"] {
            let config = checked(&format!("host = \"{host}\"\nfrom = \"a@example.com\"\ntls = \"none\""));
            assert_eq!(config.expect(host).port, 25);
        }
        for host in ["smtp.example.com", "10.0.0.1", "localhost.example.com", "mail", "0.0.0.0", "::"] {
            let refused = checked(&format!("host = \"{host}\"\nfrom = \"a@example.com\"\ntls = \"none\""));
            assert!(refused.expect_err(host).contains("email.tls"), "{host}");
        }
    }
}
