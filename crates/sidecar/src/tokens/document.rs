//! Documents of issuers (RFC 7517 §5, RFC 8414 §3): fetched whole, and never larger than 64 KiB. Called by `jwks.rs`,
//! `discovery.rs` and `introspection.rs`.

use reqwest::header::{ACCEPT, CACHE_CONTROL};
use reqwest::{Client, Response, StatusCode};
use url::Url;

/// A document larger than this is not read.
pub const LARGEST: usize = 64 * 1024;

/// Why there is no document, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No answer.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// No document in the answer.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// Not read to its end.
    #[error("the document is larger than {LARGEST} bytes")]
    TooLarge,
    /// RFC 7517 §5.
    #[error(transparent)]
    NotJwks(#[from] gatelodge_oauth::access_token::InvalidJwks),
    /// RFC 7517 §5.
    #[error("the document has no key that can be used")]
    NoKey,
    /// RFC 8414 §3.3: it must not be used.
    #[error("the metadata is of another issuer")]
    ForeignMetadata,
    /// RFC 8414 §2.
    #[error("the metadata names no https address of keys")]
    NoKeyAddress,
    /// RFC 7662 §2.2.
    #[error("the answer is not one of RFC 7662")]
    NotAnAnswer,
    /// So many questions are on their way already.
    #[error("it does not answer in time")]
    TooSlow,
}

/// RFC 9111 §5.2.1.4: no cache in between may answer on its own, with what was withdrawn since.
pub async fn get(client: &Client, url: &Url) -> Result<Vec<u8>, FetchError> {
    let request = client.get(url.clone()).header(ACCEPT, "application/json").header(CACHE_CONTROL, "no-cache");
    read(request.send().await?).await
}

/// The body of an answer that is 200.
pub async fn read(mut response: Response) -> Result<Vec<u8>, FetchError> {
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        document.extend_from_slice(&chunk);
        if document.len() > LARGEST {
            return Err(FetchError::TooLarge);
        }
    }
    Ok(document)
}
