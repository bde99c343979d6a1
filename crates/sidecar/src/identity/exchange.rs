//! Credentials by token exchange (RFC 8693): the caller's access token is shown to an authorization server that the MCP
//! server trusts, and what that issues goes on. The access token itself never does.

use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::strict_json;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use super::format::Format;
use super::minted::{Credential, body};
use crate::config::ExchangeConfig;
use crate::respond::Fault;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// RFC 8693 §2.2.2 and RFC 6749 §5.2: the ways to say that this caller gets nothing. All others are between the two servers.
const REFUSALS: [&str; 3] = ["invalid_request", "invalid_grant", "access_denied"];

/// Exchanges.
pub struct Exchange {
    config: ExchangeConfig,
    format: Format,
    client: Client,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<u64>,
}

impl Exchange {
    /// Asks nothing yet.
    pub fn new(config: &ExchangeConfig, format: Format) -> Result<Self, reqwest::Error> {
        let tls = Tls::for_urls([config.token_endpoint.as_str()]);
        let client = http_client::build(&HttpClientOptions { tls, ..HttpClientOptions::default() })?;
        Ok(Self { config: config.clone(), format, client })
    }

    /// What is exchanged. Callers without an access token have nothing.
    pub fn question(&self, token: Option<&str>) -> Result<SecretString, Fault> {
        token.map(SecretString::from).ok_or_else(|| {
            tracing::warn!(reason = "no_token_to_exchange", "no credential for this caller");
            Fault::NoCredential
        })
    }

    /// Asks once.
    pub async fn ask(self: Arc<Self>, token: SecretString) -> Result<Credential, Fault> {
        let config = &self.config;
        let parameters = [
            ("grant_type", Some(GRANT_TYPE)),
            ("subject_token", Some(token.expose_secret())),
            ("subject_token_type", Some(ACCESS_TOKEN)),
            ("requested_token_type", Some(ACCESS_TOKEN)),
            ("audience", config.audience.as_deref()),
            ("resource", config.resource.as_deref()),
            ("scope", config.scope.as_deref()),
        ];
        let given: Vec<(&str, &str)> =
            parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        // RFC 6749 §2.3.1: both are form-encoded first.
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let secret = encoded(config.client_secret.expose_secret());
        let request =
            self.client.post(config.token_endpoint.clone()).basic_auth(encoded(&config.client_id), Some(secret));
        let response = match request.header("accept", "application/json").form(&given).send().await {
            Ok(response) => response,
            Err(error) => return Err(failed(&http_client::cause(&error))),
        };
        let status = response.status();
        let answer = body(response).await.ok_or_else(|| failed("its answer broke or is too large"))?;
        self.read(status, &answer, &token)
    }

    fn read(&self, status: StatusCode, answer: &[u8], token: &SecretString) -> Result<Credential, Fault> {
        let answer = strict_json::parse(answer).ok().ok_or_else(|| failed(&format!("it answered {status}")))?;
        if status != StatusCode::OK {
            let error = answer.get("error").and_then(Value::as_str).unwrap_or_default();
            let refusal = REFUSALS.iter().find(|refusal| **refusal == error && status.is_client_error());
            return Err(match refusal {
                Some(error) => {
                    tracing::warn!(reason = "exchange_refused", error, "no credential for this caller");
                    Fault::NoCredential
                }
                None => failed(&format!("it answered {status}")),
            });
        }
        let answer: Answer = serde_json::from_value(answer).map_err(|_| failed("its answer has no access_token"))?;
        if answer.access_token == token.expose_secret() {
            return Err(failed("it gave the same token back, which is not for the MCP server"));
        }
        let value = self.format.value(&answer.access_token).ok_or_else(|| failed("no header can hold its token"))?;
        Ok(Credential { value, expires_in: answer.expires_in.map(Duration::from_secs) })
    }
}

fn failed(cause: &str) -> Fault {
    tracing::warn!(cause, "the token exchange gives no usable answer");
    Fault::CredentialUnavailable
}
