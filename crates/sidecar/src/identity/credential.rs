//! What the MCP server accepts already: its own kind of token or key, for this caller, in its own header.

use std::sync::Arc;

use gatelodge_oauth::resource::ResourceId;
use reqwest::header::{HeaderName, HeaderValue};
use tokio::task::JoinHandle;

use super::exchange::Exchange;
use super::map::Map;
use super::minted::Minted;
use super::principal::Principal;
use super::webhook::Webhook;
use crate::config::{CredentialConfig, CredentialSource};
use crate::respond::Fault;

/// The credentials for one MCP server.
pub struct Credential {
    header: HeaderName,
    anonymous: Option<HeaderValue>,
    source: Source,
}

enum Source {
    Static(HeaderValue),
    Map(Arc<Map>),
    Webhook(Arc<Webhook>, Arc<Minted>),
    Exchange(Arc<Exchange>, Arc<Minted>),
}

impl Credential {
    /// Asks nobody yet. `issuer` is the one whose subjects and clients a map names.
    pub fn new(config: &CredentialConfig, issuer: &str, resource: &ResourceId) -> Result<Self, reqwest::Error> {
        let format = config.format.clone();
        let source = match &config.source {
            CredentialSource::Static(value) => Source::Static(value.clone()),
            CredentialSource::Map(map) => Source::Map(Arc::new(Map::new(map, issuer.to_owned(), format))),
            CredentialSource::Webhook(webhook) => {
                let minted = Minted::new(webhook.cache_for);
                Source::Webhook(Arc::new(Webhook::new(webhook, resource, format)?), Arc::new(minted))
            }
            CredentialSource::Exchange(exchange) => {
                let minted = Minted::new(exchange.cache_for);
                Source::Exchange(Arc::new(Exchange::new(exchange, format)?), Arc::new(minted))
            }
        };
        Ok(Self { header: config.header.clone(), anonymous: config.anonymous.clone(), source })
    }

    /// The header of this caller. Two requests of one caller never ask for a credential at the same time.
    pub async fn header(
        &self,
        principal: &Principal<'_>,
        token: Option<&str>,
    ) -> Result<(HeaderName, HeaderValue), Fault> {
        let value = match &self.source {
            Source::Static(value) => value.clone(),
            Source::Map(map) => map.credential(principal)?,
            Source::Webhook(webhook, minted) => {
                let ask = || webhook.question(principal).map(|question| Arc::clone(webhook).ask(question));
                minted.get(principal.key(), ask).await?
            }
            Source::Exchange(exchange, minted) => {
                let ask = || exchange.question(token).map(|token| Arc::clone(exchange).ask(token));
                minted.get(principal.key(), ask).await?
            }
        };
        Ok((self.header.clone(), value))
    }

    /// The header of callers that nobody knows, where the operator wants one.
    pub fn anonymous(&self) -> Option<(HeaderName, HeaderValue)> {
        Some((self.header.clone(), self.anonymous.clone()?))
    }

    /// The MCP server refused it.
    pub fn rejected(&self, principal: &Principal<'_>) {
        match &self.source {
            Source::Webhook(_, minted) | Source::Exchange(_, minted) => minted.rejected(&principal.key()),
            Source::Static(_) | Source::Map(_) => {}
        }
    }

    /// Runs for as long as the process.
    pub fn keep_fresh(&self) -> Option<JoinHandle<()>> {
        match &self.source {
            Source::Map(map) => map.keep_fresh(),
            Source::Static(_) | Source::Webhook(..) | Source::Exchange(..) => None,
        }
    }
}
