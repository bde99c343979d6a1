//! Where the keys of an issuer are, by its own metadata: RFC 8414 §3, OpenID Connect Discovery 1.0 §4. Called by `jwks.rs`
//! in the background, or for the first token when nothing is known yet.
//!
//! The metadata is read again every ten minutes, and at once when the keys are not where it said. While it cannot be had, what
//! it said last goes on counting.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatelodge_oauth::resource::is_loopback;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::document::{self, FetchError};

/// Between two looks at the metadata.
const READ_AGAIN: Duration = Duration::from_secs(600);

/// The metadata of one issuer.
pub struct Discovery {
    issuer: String,
    candidates: Vec<Url>,
    found: Mutex<Option<Found>>,
}

#[derive(Clone)]
struct Found {
    keys: Url,
    /// `None` when it is in doubt.
    read_at: Option<Instant>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: Option<String>,
}

impl Discovery {
    /// Nothing is fetched yet.
    pub fn new(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), candidates: candidates(issuer), found: Mutex::default() }
    }

    /// Whose metadata it is.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where it would look.
    pub fn candidates(&self) -> &[Url] {
        &self.candidates
    }

    /// Where the keys are.
    pub async fn keys(&self, client: &Client) -> Result<Url, FetchError> {
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(Found { keys, read_at: Some(read_at) }) = &known
            && read_at.elapsed() < READ_AGAIN
        {
            return Ok(keys.clone());
        }
        match self.look(client).await {
            Ok(keys) => {
                self.hold(Found { keys: keys.clone(), read_at: Some(Instant::now()) });
                Ok(keys)
            }
            Err(error) => known.map(|known| known.keys).ok_or(error),
        }
    }

    /// The keys are not where the metadata said: it is read again before they are looked for the next time.
    pub fn doubt(&self) {
        if let Some(found) = self.found.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            found.read_at = None;
        }
    }

    fn hold(&self, found: Found) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    /// A place without a document leads to the next one; a document that must not be used ends the search.
    async fn look(&self, client: &Client) -> Result<Url, FetchError> {
        let mut outcome = Err(FetchError::Status(StatusCode::NOT_FOUND));
        for url in &self.candidates {
            outcome = match document::get(client, url).await {
                Ok(document) => return self.key_address(&document),
                Err(FetchError::Status(status)) => Err(FetchError::Status(status)),
                Err(other) => return Err(other),
            };
        }
        outcome
    }

    /// RFC 8414 §3.3: of the very issuer, byte for byte. Keys over plain http are for issuers on this machine only.
    fn key_address(&self, document: &[u8]) -> Result<Url, FetchError> {
        let metadata: Metadata = serde_json::from_slice(document).map_err(|_| FetchError::ForeignMetadata)?;
        if metadata.issuer != self.issuer {
            return Err(FetchError::ForeignMetadata);
        }
        let is_local = self.issuer.starts_with("http://");
        let url = metadata.jwks_uri.and_then(|text| Url::parse(&text).ok());
        url.filter(|url| url.scheme() == "https" || (url.scheme() == "http" && is_local && is_loopback(url)))
            .ok_or(FetchError::NoKeyAddress)
    }
}

/// RFC 8414 §3.1: between host and path; then the same for OpenID Connect, then behind the path (OpenID Connect Discovery 1.0
/// §4.1): the order in which MCP clients look.
fn candidates(issuer: &str) -> Vec<Url> {
    let Ok(url) = Url::parse(issuer) else { return Vec::new() };
    let (origin, path) = (url.origin().ascii_serialization(), url.path().trim_end_matches('/'));
    let mut places = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        places.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    places.iter().filter_map(|place| Url::parse(place).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_mcp_clients_look() {
        for (issuer, expected) in [
            (
                "https://h.example",
                &["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"][..],
            ),
            ("https://h.example/", &["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]),
            (
                "https://h.example/a/b/",
                &[
                    "/.well-known/oauth-authorization-server/a/b",
                    "/.well-known/openid-configuration/a/b",
                    "/a/b/.well-known/openid-configuration",
                ],
            ),
        ] {
            let discovery = Discovery::new(issuer);
            let found: Vec<&str> = discovery.candidates().iter().map(Url::path).collect();
            assert_eq!(found, expected, "{issuer}");
        }
    }

    #[test]
    fn only_the_issuer_itself_says_where_its_keys_are_and_never_on_an_open_line() {
        let says = |issuer: &str, document: &str| {
            Discovery::new(issuer).key_address(document.as_bytes()).ok().map(|url| url.to_string())
        };
        let keys = "https://keys.example/jwks";
        let good = format!("{{\"issuer\":\"https://h.example\",\"jwks_uri\":\"{keys}\"}}");
        assert_eq!(says("https://h.example", &good).as_deref(), Some(keys));
        for issuer in ["https://h.example/", "https://H.example", "https://other.example", "http://h.example"] {
            assert_eq!(says(issuer, &good), None, "{issuer}");
        }
        for address in ["http://keys.example/jwks", "http://127.0.0.1/jwks", "file:///etc/passwd", "/jwks", ""] {
            assert_eq!(says("https://h.example", &good.replace(keys, address)), None, "{address}");
        }
        let local = good.replace("https://h.example", "http://127.0.0.1:9000");
        assert!(says("http://127.0.0.1:9000", &local.replace(keys, "http://127.0.0.1:9000/jwks")).is_some());
        assert_eq!(says("http://127.0.0.1:9000", &local.replace(keys, "http://keys.example/jwks")), None);
        for document in ["{}", "[]", "<html>", "{\"issuer\":\"https://h.example\"}"] {
            assert_eq!(says("https://h.example", document), None, "{document}");
        }
    }
}
