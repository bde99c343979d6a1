//! The metadata of the protected resources, RFC 9728 §3: at the path-inserted URL, with and without a trailing slash, and at
//! the root. Served by `well_known.rs`.

use bytes::Bytes;
use gatelodge_oauth::protected_resource_metadata::{ProtectedResourceMetadata, well_known_path};
use url::Url;

use crate::config::{Config, Resource};
use crate::well_known::Document;

/// Every document with its path. The root form exists while there is one resource: of several, none is *the* resource.
pub fn documents(config: &Config) -> Vec<Document> {
    let mut documents = Vec::new();
    let mut add = |path, body| documents.push(Document { path, media_type: "application/json", body });
    for resource in &config.resources {
        let (plain, slashed) = (metadata(resource, config, ""), metadata(resource, config, "/"));
        let path = well_known_path(&resource.path);
        // Who typed the slash compares with the slash (RFC 9728 §3.3).
        add(format!("{path}/"), slashed);
        add(path, plain.clone());
        // Clients of HTTP+SSE that saw no challenge look where the path that was typed leads.
        if let Some(legacy) = &resource.legacy_sse {
            add(well_known_path(&legacy.sse_path), plain.clone());
        }
        if config.resources.len() == 1 && resource.path != "/" {
            add(well_known_path(""), plain.clone());
            add(well_known_path("") + "/", plain);
        }
    }
    documents
}

/// The URL that challenges name for requests to `path`, which may end in a slash.
pub fn url(config: &Config, path: &str) -> String {
    let slash = if path.len() > 1 && path.ends_with('/') { "/" } else { "" };
    format!("{}{}{slash}", config.public_url.origin(), well_known_path(path))
}

fn metadata(resource: &Resource, config: &Config, slash: &str) -> Bytes {
    let mut document =
        ProtectedResourceMetadata::new(&resource.id, &config.issuer, &resource.policy.scope, resource.name.as_deref());
    document.resource.push_str(slash);
    let url = |url: &Option<Url>| url.as_ref().map(Url::to_string);
    document.resource_documentation = url(&resource.pages.documentation_url);
    document.resource_policy_uri = url(&resource.pages.policy_url);
    document.resource_tos_uri = url(&resource.pages.terms_url);
    Bytes::from(serde_json::to_vec(&document).expect("a document of strings can always be written as JSON"))
}
