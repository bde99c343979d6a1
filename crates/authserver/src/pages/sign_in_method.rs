//! `sign_in_methods.html`: how people may sign in, a part of `login.html` and of `sign_in.html`.

use serde::Serialize;

use super::HOSTILE;
use crate::config::Config;
use crate::login::config::Method;

/// One way to sign in. Its form holds `csrf_token`, and `transaction` where a client waits.
#[derive(Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignInMethod {
    /// POSTs `username` and `password` to `/login`.
    Password {
        /// Whether another password can be had by e-mail.
        forgot: bool,
        /// Whether the same form can ask for a code instead: it needs the name too.
        email_code: bool,
    },
    /// POSTs `username` to `/login/code`; only where there is no form for passwords to be a part of.
    EmailCode,
    /// POSTs to `/login/passkey`.
    Passkey,
    /// POSTs to `/login/oidc/{id}`.
    Provider {
        /// Its name in our URLs.
        id: String,
        /// Its name for people.
        name: String,
    },
}

impl SignInMethod {
    /// All that there are here, in the order of `[login] methods`.
    pub fn offered(config: &Config, has_passkeys: bool) -> Vec<Self> {
        let login = &config.login;
        let password = Self::Password { forgot: config.email.is_some(), email_code: login.offers(Method::EmailCode) };
        let has_form = login.offers(Method::Password);
        let providers = || login.oidc.iter().map(|provider| Self::provider(&provider.id, &provider.name));
        let of = |method: &Method| match method {
            Method::Password => vec![password.clone()],
            Method::EmailCode if has_form => Vec::new(),
            Method::EmailCode => vec![Self::EmailCode],
            Method::Passkey if has_passkeys => vec![Self::Passkey],
            Method::Passkey => Vec::new(),
            Method::Oidc => providers().collect(),
        };
        login.methods.iter().flat_map(of).collect()
    }

    pub(super) fn provider(id: &str, name: &str) -> Self {
        Self::Provider { id: id.to_owned(), name: name.to_owned() }
    }

    /// Samples: a password alone.
    pub(super) fn password() -> Vec<Self> {
        vec![Self::Password { forgot: false, email_code: false }]
    }

    /// Samples: a password with all that belongs to it.
    pub(super) fn by_mail() -> Vec<Self> {
        vec![Self::Password { forgot: true, email_code: true }]
    }

    /// Samples: no password; a provider of that name comes first.
    pub(super) fn provider_first(name: &str) -> Vec<Self> {
        vec![Self::provider("acme", name), Self::provider("google", "Google"), Self::EmailCode]
    }

    /// Samples: what strangers could have named.
    pub(super) fn hostile() -> Vec<Self> {
        [Self::by_mail(), vec![Self::Passkey, Self::provider(HOSTILE, HOSTILE)]].concat()
    }
}
