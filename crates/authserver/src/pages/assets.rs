//! The files that pages load from `/assets/`. Their URLs carry a hash of the content, so browsers may keep them for ever.

use std::collections::BTreeMap;
use std::fmt::Write;

use actix_web::web::Bytes;
use aws_lc_rs::digest::{SHA256, digest};

use super::files::Files;
use crate::branding::{self, Branding};

/// The style sheet of the operator's colour; there is none without one.
pub(super) const ACCENT: &str = "accent.css";

/// One file, as it is answered.
#[derive(Clone)]
pub struct Asset {
    /// The body.
    pub bytes: Bytes,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `ETag`, in its quotes (RFC 9110 §8.8.3).
    pub etag: String,
}

/// Every asset; there is nothing to find outside of this list.
#[derive(Clone)]
pub(super) struct Assets(BTreeMap<String, Asset>);

impl Assets {
    /// Ours, the operator's in place of them, and what the branding adds.
    pub fn new(files: &Files, branding: &Branding) -> Self {
        let mut all = BTreeMap::new();
        for path in files.names() {
            let Some(name) = path.strip_prefix("assets/") else { continue };
            if let (Some(bytes), Some(content_type)) = (files.get(&path), content_type(name)) {
                all.insert(name.to_owned(), Asset::new(Bytes::copy_from_slice(&bytes), content_type));
            }
        }
        if let Some(logo) = &branding.logo {
            all.insert(logo.name.to_owned(), Asset::new(Bytes::copy_from_slice(&logo.bytes), logo.content_type));
        }
        if let Some((light, dark)) = branding.accent {
            let css = Bytes::from(branding::stylesheet(light, dark));
            all.insert(ACCENT.to_owned(), Asset::new(css, "text/css; charset=utf-8"));
        }
        Self(all)
    }

    /// The asset of this name.
    pub fn get(&self, name: &str) -> Option<&Asset> {
        self.0.get(name)
    }

    /// The URL that pages use.
    pub fn url(&self, name: &str) -> Option<String> {
        Some(format!("assets/{name}?v={}", self.get(name)?.etag.trim_matches('"')))
    }
}

impl Asset {
    fn new(bytes: Bytes, content_type: &'static str) -> Self {
        // 64 bits tell the versions of one file apart.
        let hash = digest(&SHA256, &bytes);
        let etag = hash.as_ref().iter().take(8).fold(String::with_capacity(16), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self { bytes, content_type, etag: format!("\"{etag}\"") }
    }
}

/// Known for every file that there is in `templates/assets`.
fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}
