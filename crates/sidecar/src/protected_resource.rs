//! The metadata of the protected resources, RFC 9728 §3: at the path-inserted URL, with and without a trailing slash, and at
//! the root. Public documents, made once at start from the configuration and from nothing a request says.

use actix_web::http::Method;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use gatelodge_oauth::protected_resource_metadata::{ProtectedResourceMetadata, well_known_path};
use url::Url;

use crate::config::{Config, Resource};
use crate::cors;
use crate::respond::{self, Fault};

/// One document at one path.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it is served.
    pub path: String,
    body: Bytes,
}

/// Every document with its path. The root form exists while there is one resource: of several, none is *the* resource.
pub fn documents(config: &Config) -> Vec<Document> {
    let mut documents = Vec::new();
    for resource in &config.resources {
        let (plain, slashed) = (metadata(resource, config, ""), metadata(resource, config, "/"));
        let path = well_known_path(&resource.path);
        // Who typed the slash compares with the slash (RFC 9728 §3.3).
        documents.push(Document { path: format!("{path}/"), body: slashed });
        documents.push(Document { path, body: plain.clone() });
        if config.resources.len() == 1 && resource.path != "/" {
            for path in [well_known_path(""), well_known_path("") + "/"] {
                documents.push(Document { path, body: plain.clone() });
            }
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

/// Answers with the document.
pub async fn serve(request: HttpRequest, document: web::Data<Document>) -> HttpResponse {
    match *request.method() {
        Method::GET | Method::HEAD => cors::expose_to_all(
            HttpResponse::Ok()
                .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
                .content_type("application/json")
                .body(document.body.clone()),
        ),
        Method::OPTIONS => cors::public_preflight(request.headers()),
        _ => cors::expose_to_all(respond::fault(Fault::MethodNotAllowed(cors::DOCUMENT_METHODS))),
    }
}
