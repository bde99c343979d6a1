//! Public documents under `/.well-known/` (RFC 8615): the metadata of the protected resources, and texts of the operator's by which
//! others know who owns this host. Made once at start, from nothing that a request says. Routed here by `app.rs`.

use actix_web::http::Method;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use crate::config::Config;
use crate::cors;
use crate::protected_resource;
use crate::respond::{self, Fault};

/// One document at one path.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it is served.
    pub path: String,
    /// What it is.
    pub media_type: &'static str,
    /// What it says.
    pub body: Bytes,
}

/// All of them.
pub fn documents(config: &Config) -> Vec<Document> {
    let texts = config.well_known.iter().map(|(name, text)| Document {
        path: format!("/.well-known/{name}"),
        media_type: "text/plain; charset=utf-8",
        body: Bytes::from(text.clone()),
    });
    protected_resource::documents(config).into_iter().chain(texts).collect()
}

/// Answers with the document, to everybody.
pub async fn serve(request: HttpRequest, document: web::Data<Document>) -> HttpResponse {
    match *request.method() {
        Method::GET | Method::HEAD => cors::expose_to_all(
            HttpResponse::Ok()
                .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
                .content_type(document.media_type)
                .body(document.body.clone()),
        ),
        Method::OPTIONS => cors::public_preflight(request.headers()),
        _ => cors::expose_to_all(respond::fault(Fault::MethodNotAllowed(cors::DOCUMENT_METHODS))),
    }
}
