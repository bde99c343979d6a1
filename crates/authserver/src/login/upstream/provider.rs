//! One provider: its metadata (OpenID Connect Discovery 1.0 §4) and keys are fetched when they are needed first, and kept. One
//! that is away stops neither the start of the server nor any other way to sign in.

use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::time::Timestamp;
use gatelodge_service::bounded_client::{BoundedClient, NoAnswer};
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, DiscoveryError, HttpRequest, HttpResponse, IssuerUrl, ProviderMetadata,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::login::upstream_config::ProviderConfig;

/// How long metadata and keys are used without a question.
const FRESH: Duration = Duration::from_secs(3600);

/// How long they are used while the provider does not answer.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// A provider is not asked again sooner than this, after a failure or for a key that it does not have.
const COOL_DOWN: Duration = Duration::from_secs(10);

/// What a provider says of itself.
pub type Metadata = ProviderMetadata<
    IssInAnswers,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// RFC 9207 §3.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct IssInAnswers {
    /// Whether every answer says who it is from.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for IssInAnswers {}

/// A provider.
pub struct Provider {
    /// As configured.
    pub config: ProviderConfig,
    client: BoundedClient,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    metadata: Option<(Arc<Metadata>, Timestamp)>,
    asked_at: Option<Timestamp>,
}

/// Why nothing is known of a provider.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It was asked a moment ago, in vain.
    #[error("it did not answer a moment ago and is not asked again yet")]
    AskedLately,
    /// Its metadata or keys cannot be had.
    #[error("{0}")]
    Discovery(String),
    /// Its metadata names an endpoint that anybody between could read.
    #[error("its {0} is not https")]
    NotHttps(&'static str),
    /// Its metadata lacks an endpoint.
    #[error("its metadata names no token endpoint")]
    NoTokenEndpoint,
}

/// Why a request of ours got no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// See [`NoAnswer`].
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// It would have gone to a URL that anybody between could read.
    #[error("its metadata names a URL that is not https")]
    NotHttps,
}

impl Provider {
    /// Nothing is asked yet.
    pub fn new(config: ProviderConfig, client: BoundedClient) -> Self {
        Self { config, client, kept: Mutex::default() }
    }

    /// Its metadata and keys. Whoever comes while another one asks waits for the same answer.
    pub async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, Unusable> {
        let mut kept = self.kept.lock().await;
        match &kept.metadata {
            Some((metadata, since)) if now.is_within(FRESH, *since) => return Ok(metadata.clone()),
            _ => {}
        }
        let stale = kept.metadata.clone().filter(|(_, since)| now.is_within(STALE, *since));
        if kept.asked_at.is_some_and(|at| now.is_within(COOL_DOWN, at)) {
            return stale.map(|(metadata, _)| metadata).ok_or(Unusable::AskedLately);
        }
        match (self.ask(&mut kept, now).await, stale) {
            (Err(error), Some((metadata, _))) => {
                tracing::warn!(provider = self.config.id, %error, "an OpenID provider could not be asked anew");
                Ok(metadata)
            }
            (outcome, _) => outcome,
        }
    }

    /// The same, asked anew for a key that is not among those at hand: providers rotate theirs too (OpenID Connect Core 1.0
    /// §10.1.1). `None`: it was asked just now.
    pub async fn renewed(&self, now: Timestamp) -> Option<Arc<Metadata>> {
        let mut kept = self.kept.lock().await;
        if kept.asked_at.is_some_and(|at| now.is_within(COOL_DOWN, at)) {
            return None;
        }
        self.ask(&mut kept, now).await.ok()
    }

    async fn ask(&self, kept: &mut Kept, now: Timestamp) -> Result<Arc<Metadata>, Unusable> {
        kept.asked_at = Some(now);
        let metadata = Arc::new(self.discover().await?);
        kept.metadata = Some((metadata.clone(), now));
        Ok(metadata)
    }

    async fn discover(&self) -> Result<Metadata, Unusable> {
        let issuer = IssuerUrl::new(self.config.issuer.clone()).map_err(|_| Unusable::Discovery("no URL".into()))?;
        let call = |request| self.call(request);
        let metadata =
            Metadata::discover_async(issuer, &call).await.map_err(|error| Unusable::Discovery(told(error)))?;
        if !self.may_be_called(metadata.authorization_endpoint().url().scheme()) {
            return Err(Unusable::NotHttps("authorization_endpoint"));
        }
        match metadata.token_endpoint() {
            None => Err(Unusable::NoTokenEndpoint),
            Some(endpoint) if !self.may_be_called(endpoint.url().scheme()) => Err(Unusable::NotHttps("token_endpoint")),
            Some(_) => Ok(metadata),
        }
    }

    /// Carries the requests of the library.
    pub async fn call(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        if !self.may_be_called(request.uri().scheme_str().unwrap_or_default()) {
            return Err(CallError::NotHttps);
        }
        Ok(self.client.send(request).await?)
    }

    /// A provider on this machine may have plain http everywhere; no other one anywhere.
    fn may_be_called(&self, scheme: &str) -> bool {
        scheme == "https" || (scheme == "http" && self.config.issuer.starts_with("http://"))
    }
}

/// For the log. Bodies are left out: a page of a proxy in between may say anything.
fn told(error: DiscoveryError<CallError>) -> String {
    match error {
        DiscoveryError::Request(error) => error.to_string(),
        DiscoveryError::Response(status, ..) => format!("its metadata or its keys are answered with status {status}"),
        DiscoveryError::Validation(what) => format!("its metadata is not that of the configured issuer: {what}"),
        DiscoveryError::Parse(error) => format!("its metadata or its keys cannot be read at {}", error.path()),
        _ => "its metadata cannot be had".into(),
    }
}
