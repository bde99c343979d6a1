//! Credentials from the operator's own program: asked by HTTP who calls, it answers with what the MCP server accepts.

use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::strict_json;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::format::Format;
use super::minted::{Credential, body};
use super::principal::Principal;
use crate::config::WebhookConfig;
use crate::respond::Fault;

/// Asks.
pub struct Webhook {
    url: Url,
    secret: SecretString,
    resource: String,
    format: Format,
    client: Client,
}

#[derive(Serialize)]
struct Question<'a> {
    resource: &'a str,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    credential: String,
    expires_in: Option<u64>,
}

impl Webhook {
    /// Asks nothing yet.
    pub fn new(config: &WebhookConfig, resource: &ResourceId, format: Format) -> Result<Self, reqwest::Error> {
        let options = HttpClientOptions { tls: Tls::for_urls([config.url.as_str()]), ..HttpClientOptions::default() };
        let (url, secret, resource) = (config.url.clone(), config.secret.clone(), resource.as_str().to_owned());
        Ok(Self { url, secret, resource, format, client: http_client::build(&options)? })
    }

    /// What is asked for this caller.
    pub fn question(&self, principal: &Principal<'_>) -> Result<Vec<u8>, Fault> {
        let question = Question {
            resource: &self.resource,
            subject: principal.subject,
            issuer: principal.issuer,
            client_id: principal.client_id,
            scope: principal.scope.map(ToString::to_string),
            context: principal.context,
        };
        serde_json::to_vec(&question).map_err(|_| Fault::CredentialUnavailable)
    }

    /// Asks once.
    pub async fn ask(self: Arc<Self>, question: Vec<u8>) -> Result<Credential, Fault> {
        let request = self.client.post(self.url.clone()).bearer_auth(self.secret.expose_secret());
        let sent =
            request.header("content-type", "application/json").header("accept", "application/json").body(question);
        let response = match sent.send().await {
            Ok(response) => response,
            Err(error) => return Err(failed(&http_client::cause(&error))),
        };
        match response.status() {
            StatusCode::OK => {}
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                tracing::warn!(reason = "webhook_refused", "no credential for this caller");
                return Err(Fault::NoCredential);
            }
            status => return Err(failed(&format!("it answered {status}"))),
        }
        let answer = body(response).await.ok_or_else(|| failed("its answer broke or is too large"))?;
        self.minted(&answer).ok_or_else(|| failed("its answer is not a credential"))
    }

    fn minted(&self, answer: &[u8]) -> Option<Credential> {
        let answer: Answer = serde_json::from_value(strict_json::parse(answer).ok()?).ok()?;
        let value = self.format.value(&answer.credential)?;
        Some(Credential { value, expires_in: answer.expires_in.map(Duration::from_secs) })
    }
}

fn failed(cause: &str) -> Fault {
    tracing::warn!(cause, "the webhook for credentials gives no usable answer");
    Fault::CredentialUnavailable
}
