//! The table `[login]` of the configuration: the ways in which people prove who they are.

use gatelodge_service::config::Problems;
use serde::Deserialize;

use super::setup::{RawSetup, SetupConfig};
use super::upstream_config::{self, ProviderConfig, RawProvider};

/// The table, checked.
#[derive(Debug, Clone)]
pub struct LoginConfig {
    /// How people may sign in, in the order of the page.
    pub methods: Vec<Method>,
    /// The OpenID providers of `[[login.oidc]]`.
    pub oidc: Vec<ProviderConfig>,
    /// How the first administrator is made.
    pub setup: SetupConfig,
    /// Whether a password suffices.
    pub second_factor: SecondFactor,
}

impl LoginConfig {
    /// Whether people may sign in so.
    pub fn offers(&self, method: Method) -> bool {
        self.methods.contains(&method)
    }
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A password.
    Password,
    /// A passkey, alone. As a second step it needs no mention.
    Passkey,
    /// An account at a provider of `[[login.oidc]]`.
    Oidc,
    /// A code that is sent by e-mail.
    EmailCode,
}

/// Who is asked for more than a password.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// Whoever set it up.
    #[default]
    Optional,
    /// Everybody: who has nothing sets it up while signing in.
    Required,
}

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLogin {
    methods: Vec<Method>,
    oidc: Vec<RawProvider>,
    setup: RawSetup,
    second_factor: SecondFactor,
}

impl Default for RawLogin {
    fn default() -> Self {
        Self {
            methods: vec![Method::Password, Method::Passkey, Method::Oidc],
            oidc: Vec::new(),
            setup: RawSetup::default(),
            second_factor: SecondFactor::default(),
        }
    }
}

impl RawLogin {
    /// Converts, or notes what is wrong.
    pub fn check(self, sends_mail: bool, problems: &mut Problems) -> LoginConfig {
        check_methods(&self.methods, sends_mail, self.oidc.len(), problems);
        let has_passwords = self.methods.contains(&Method::Password);
        LoginConfig {
            methods: self.methods,
            oidc: upstream_config::check_all(self.oidc, problems),
            setup: self.setup.check(has_passwords),
            second_factor: self.second_factor,
        }
    }
}

fn check_methods(methods: &[Method], sends_mail: bool, providers: usize, problems: &mut Problems) {
    const KEY: &str = "login.methods";
    let offers = |method| methods.contains(&method);
    if methods.iter().enumerate().any(|(index, method)| methods.iter().skip(index + 1).any(|other| other == method)) {
        problems.add(KEY, "names a method twice", "name each once, in the order of the page");
    }
    if offers(Method::EmailCode) && !sends_mail {
        let hint = "add [email], which says what mail server sends them; or leave \"email_code\" out";
        problems.add(KEY, "codes go by e-mail, and there is no [email]", hint);
    }
    if !offers(Method::Oidc) && providers > 0 {
        let hint = "add \"oidc\" where its buttons belong, or remove [[login.oidc]]";
        problems.add(KEY, "leaves \"oidc\" out, and there is [[login.oidc]]", hint);
    }
    if offers(Method::Passkey) && !offers(Method::Password) {
        let hint = "add \"password\", or leave \"passkey\" out";
        problems.add(KEY, "passkeys are for people with a password, and it leaves \"password\" out", hint);
    }
    if !offers(Method::Password) && !offers(Method::EmailCode) && (!offers(Method::Oidc) || providers == 0) {
        let hint = "add \"password\", or \"oidc\" with a provider in [[login.oidc]], or \"email_code\" with [email]";
        problems.add(KEY, "leaves nobody a way to sign in", hint);
    }
}
