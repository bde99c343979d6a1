//! The files that pages load from `/assets/`. Their URLs carry a hash of the content, so browsers may keep them for ever.

use std::borrow::Cow;
use std::fmt::Write;

use super::Files;

/// One file, as it is answered.
pub struct Asset {
    /// The body.
    pub bytes: Cow<'static, [u8]>,
    /// `Content-Type`.
    pub content_type: String,
    /// `ETag`, in its quotes (RFC 9110 §8.8.3).
    pub etag: String,
}

/// The asset of this name; there is nothing to find outside the list made at compile time.
pub fn asset(name: &str) -> Option<Asset> {
    let file = Files::get(&format!("assets/{name}"))?;
    let media_type = file.metadata.mimetype();
    let charset = if media_type.starts_with("text/") { "; charset=utf-8" } else { "" };
    let content_type = format!("{media_type}{charset}");
    Some(Asset { content_type, etag: format!("\"{}\"", version(&file.metadata.sha256_hash())), bytes: file.data })
}

/// The URL that pages use.
pub(super) fn url(name: &str) -> Option<String> {
    let file = Files::get(&format!("assets/{name}"))?;
    Some(format!("assets/{name}?v={}", version(&file.metadata.sha256_hash())))
}

/// 64 bits tell the versions of one file apart.
fn version(hash: &[u8; 32]) -> String {
    hash[..8].iter().fold(String::with_capacity(16), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
