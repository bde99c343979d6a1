//! What is said by e-mail: plain text, in the language of whoever it is for. The texts are in `templates/locales/` with those of the
//! pages: `mail-…`, and their attribute `subject`. Sent by `mail/`.

use fluent_bundle::FluentArgs;

use super::PagesError;
use super::locales::Locales;

/// A message, and what it tells.
#[derive(Debug, Clone)]
pub enum Letter {
    /// That messages arrive.
    Test {
        /// The URL of this server.
        server: String,
    },
    /// The link for another password.
    PasswordLink {
        /// Whose.
        account: String,
        /// What to open.
        link: String,
        /// How long it works.
        minutes: u64,
    },
    /// A code to sign in with.
    SignInCode {
        /// Whose.
        account: String,
        /// As people read it.
        code: String,
        /// How long it works.
        minutes: u64,
    },
    /// That there is another password.
    PasswordChanged {
        /// Whose.
        account: String,
        /// The URL of this server.
        server: String,
    },
    /// That something else is asked for at the second step.
    SecondFactor {
        /// What changed.
        change: FactorChange,
        /// Whose.
        account: String,
        /// The URL of this server.
        server: String,
    },
}

/// What became of a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorChange {
    /// There is one passkey more.
    PasskeyAdded,
    /// There is one less.
    PasskeyRemoved,
    /// An authenticator app was set up.
    AppAdded,
    /// It is asked for no more.
    AppRemoved,
    /// The operator took everything away.
    Reset,
}

impl FactorChange {
    const ALL: [FactorChange; 5] =
        [Self::PasskeyAdded, Self::PasskeyRemoved, Self::AppAdded, Self::AppRemoved, Self::Reset];

    fn key(self) -> &'static str {
        match self {
            Self::PasskeyAdded => "mail-passkey-added",
            Self::PasskeyRemoved => "mail-passkey-removed",
            Self::AppAdded => "mail-authenticator-added",
            Self::AppRemoved => "mail-authenticator-removed",
            Self::Reset => "mail-second-factor-reset",
        }
    }
}

/// A message in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenLetter {
    /// Which one, for the log.
    pub what: &'static str,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

impl Letter {
    /// One of each kind.
    pub fn samples() -> Vec<Self> {
        let (account, server) = ("nora".to_owned(), "https://mcp.example.com".to_owned());
        let link = format!("{server}/reset?secret=gatelodge_reset_sample");
        let mut samples = vec![
            Self::Test { server: server.clone() },
            Self::PasswordLink { account: account.clone(), link, minutes: 60 },
            Self::SignInCode { account: account.clone(), code: "1234 5678".to_owned(), minutes: 10 },
            Self::PasswordChanged { account: account.clone(), server: server.clone() },
        ];
        let changed = |change| Self::SecondFactor { change, account: account.clone(), server: server.clone() };
        samples.extend(FactorChange::ALL.map(changed));
        samples
    }

    fn key(&self) -> &'static str {
        match self {
            Letter::Test { .. } => "mail-test",
            Letter::PasswordLink { .. } => "mail-password-link",
            Letter::SignInCode { .. } => "mail-sign-in-code",
            Letter::PasswordChanged { .. } => "mail-password-changed",
            Letter::SecondFactor { change, .. } => change.key(),
        }
    }

    fn values(&self) -> FluentArgs<'_> {
        let mut values = FluentArgs::new();
        match self {
            Letter::Test { server } => values.set("server", server.as_str()),
            Letter::PasswordLink { account, link, minutes } => {
                values.set("account", account.as_str());
                values.set("link", link.as_str());
                values.set("minutes", *minutes);
            }
            Letter::SignInCode { account, code, minutes } => {
                values.set("account", account.as_str());
                values.set("code", code.as_str());
                values.set("minutes", *minutes);
            }
            Letter::PasswordChanged { account, server } | Letter::SecondFactor { account, server, .. } => {
                values.set("account", account.as_str());
                values.set("server", server.as_str());
            }
        }
        values
    }

    /// In words. `product` is what the operator calls this server.
    pub(super) fn write(&self, locales: &Locales, language: &str, product: &str) -> Result<WrittenLetter, PagesError> {
        let mut values = self.values();
        values.set("product", product);
        let text = |key: &str| {
            let failed = |says| PagesError::Letter { language: language.to_owned(), says };
            locales.plain(key, language, &values).map_err(failed)
        };
        let what = self.key();
        Ok(WrittenLetter { what, subject: text(&format!("{what}.subject"))?, text: text(what)? + "\n" })
    }
}
