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
        vec![Self::Test { server: "https://mcp.example.com".to_owned() }]
    }

    fn key(&self) -> &'static str {
        match self {
            Letter::Test { .. } => "mail-test",
        }
    }

    fn values(&self) -> FluentArgs<'_> {
        let mut values = FluentArgs::new();
        match self {
            Letter::Test { server } => values.set("server", server.as_str()),
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
