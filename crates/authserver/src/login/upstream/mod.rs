//! Sign-in at OpenID providers (OpenID Connect Core 1.0 §3.1), as their client: `provider.rs` finds one, `exchange.rs` turns a
//! code into verified claims, `person.rs` reads them, `allow.rs` says who may come in, `accounts.rs` who that is here. Called
//! by `endpoints/upstream_sign_in.rs`.

pub mod accounts;
pub mod allow;
pub mod errand;
pub mod exchange;
pub mod person;
pub mod provider;

use gatelodge_service::bounded_client::{BoundedClient, NoAnswer};

use self::provider::Provider;
use super::upstream_config::ProviderConfig;

/// Every provider of the configuration. None is asked for anything before somebody wants to sign in there.
pub struct Providers(Vec<Provider>);

impl Providers {
    /// Of these configurations.
    pub fn new(configured: &[ProviderConfig]) -> Result<Self, NoAnswer> {
        let client = BoundedClient::for_urls(configured.iter().map(|provider| provider.issuer.as_str()))?;
        Ok(Self(configured.iter().map(|config| Provider::new(config.clone(), client.clone())).collect()))
    }

    /// By the name in our URLs.
    pub fn find(&self, id: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.config.id == id)
    }
}
