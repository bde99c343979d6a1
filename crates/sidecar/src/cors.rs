//! Which web pages may call the MCP path, and what they may see. RFC 6454, the Fetch standard's CORS protocol.
//!
//! `Origin` is checked on every method, so a page of a foreign site cannot use a visitor's network (DNS rebinding). A page
//! that may call also gets the CORS headers, on refusals too: without them it could not read the challenge and begin to
//! log in. Credentials are never allowed: the only credential here is a header.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use url::{Host, Url};

use crate::config::{Config, Resource};

/// What a public document takes (`Allow` and `Access-Control-Allow-Methods`).
pub const DOCUMENT_METHODS: &str = "GET, HEAD, OPTIONS";

/// What clients of all protocol revisions send, beside what a page asks for.
const REQUEST_HEADERS: &str = "authorization, content-type, accept, mcp-protocol-version, mcp-session-id, last-event-id, \
    mcp-method, mcp-name, dpop, traceparent, tracestate, baggage";

/// What a page may read of an answer.
const EXPOSED_HEADERS: &str =
    "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, DPoP-Nonce, Retry-After, X-Request-Id";

/// More than a page asks for in one preflight is not echoed.
const LONGEST_HEADER_LIST: usize = 1024;

/// The origins that may call one resource.
#[derive(Debug, Clone)]
pub struct Origins {
    allowed: Vec<String>,
    loopback: bool,
}

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Not from a page.
    Absent,
    /// From a page that may call.
    Allowed(HeaderValue),
    /// From any other page.
    Foreign,
}

impl Origins {
    /// The public origin and the configured ones; pages of this machine too, while only this machine can connect.
    pub fn new(config: &Config, resource: &Resource) -> Self {
        let mut allowed = resource.allowed_origins.clone();
        allowed.push(config.public_url.origin());
        Self { allowed, loopback: config.listen.ip().is_loopback() }
    }

    /// Judges the `Origin` header; several are as foreign as a wrong one.
    pub fn judge(&self, headers: &HeaderMap) -> Origin {
        let mut origins = headers.get_all(header::ORIGIN);
        match (origins.next(), origins.next()) {
            (None, _) => Origin::Absent,
            (Some(origin), None) if self.allows(origin) => Origin::Allowed(origin.clone()),
            _ => Origin::Foreign,
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.allowed.iter().any(|allowed| allowed == origin) || (self.loopback && is_loopback_origin(origin))
    }
}

fn is_loopback_origin(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    // The comparison refuses user names, paths and other spellings at once.
    loopback && matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == origin
}

/// Answers OPTIONS on a path that takes these methods, with or without a preflight, before any authentication.
pub fn preflight(requested: &HeaderMap, origin: &Origin, methods: &'static str) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    response.insert_header((header::ALLOW, methods));
    if matches!(origin, Origin::Allowed(_)) && requested.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        response.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods));
        response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(requested)));
        response.insert_header((header::ACCESS_CONTROL_MAX_AGE, "3600"));
        response.append_header((header::VARY, "Access-Control-Request-Headers"));
    }
    response.finish()
}

/// Our list and, because tools may define headers of their own, what the page asks for.
fn allowed_headers(requested: &HeaderMap) -> String {
    let asked = requested.get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok());
    let asked = asked.filter(|names| names.len() <= LONGEST_HEADER_LIST).unwrap_or_default();
    let known: Vec<&str> = REQUEST_HEADERS.split(", ").collect();
    let others = asked.split(',').map(|name| name.trim().to_ascii_lowercase());
    let others = others.filter(|name| is_header_name(name) && !known.contains(&name.as_str()));
    others.fold(REQUEST_HEADERS.to_owned(), |list, name| format!("{list}, {name}"))
}

/// `token` of RFC 9110 §5.6.2.
fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Makes an answer of the MCP path readable for the page that asked, when it may ask.
pub fn expose_to(origin: &Origin, mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Origin::Allowed(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    }
    response
}

/// Answers a preflight for a public document.
pub fn public_preflight(requested: &HeaderMap) -> HttpResponse {
    preflight_for_all(requested, DOCUMENT_METHODS)
}

/// Answers a preflight for what every page may call.
pub fn preflight_for_all(requested: &HeaderMap, methods: &'static str) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    response.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods));
    response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(requested)));
    response.insert_header((header::ACCESS_CONTROL_MAX_AGE, "3600"));
    expose_to_all(response.finish())
}

/// Makes a public document readable for every page: it says nothing that a page could not fetch by other means.
pub fn expose_to_all(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if headers.contains_key(header::RETRY_AFTER) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_origins_are_written_as_browsers_write_them() {
        for good in [
            "http://localhost",
            "http://localhost:6274",
            "https://127.0.0.1:1",
            "http://[::1]:8080",
            "http://127.9.9.9",
        ] {
            assert!(is_loopback_origin(good), "{good}");
        }
        for bad in [
            "null",
            "",
            "localhost",
            "http://localhost/",
            "http://localhost:80",
            "http://localhost.evil.example",
            "http://LOCALHOST",
            "http://evil@localhost",
            "file://localhost",
            "http://0.0.0.0",
            "http://2130706433",
            "http://127.1",
            "ws://localhost",
        ] {
            assert!(!is_loopback_origin(bad), "{bad}");
        }
    }

    #[test]
    fn only_header_names_are_echoed() {
        let asked = |names: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_str(names).expect("a value"));
            allowed_headers(&headers)
        };
        assert_eq!(asked("Mcp-Param-City, authorization"), format!("{REQUEST_HEADERS}, mcp-param-city"));
        assert_eq!(asked("a b, <script>, \"x\", ,"), REQUEST_HEADERS);
        assert_eq!(asked(&"x".repeat(LONGEST_HEADER_LIST + 1)), REQUEST_HEADERS);
    }
}
