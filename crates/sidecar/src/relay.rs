//! The authorization server's own paths, forwarded to it untouched, so that both live on one public origin: status, cookies,
//! `Location` and bodies pass as they are; redirects are the browser's to follow. Routed here by `app.rs`.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::body::{BodyStream, SizedStream};
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::TryStreamExt as _;
use gatelodge_service::config::PublicUrl;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::{Client, Method, Response};
use tokio::time::timeout;
use url::Url;

use crate::cors;
use crate::headers::{self, Arrival};
use crate::respond::{self, Fault};
use crate::upload;

/// Longer than any budget that clients give an authorization server.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";

/// `/introspect` is among them because the metadata announces it on the public origin; it answers to nobody without a proof.
const ENDPOINTS: [&str; 23] = [
    "/authorize",
    "/par",
    "/token",
    "/revoke",
    "/introspect",
    "/register",
    "/device_authorization",
    "/device",
    "/jwks",
    "/status-list",
    "/login",
    "/login/code",
    "/login/passkey",
    "/second-step",
    "/second-step/passkey",
    "/logout",
    "/consent",
    "/privacy",
    "/terms",
    "/password",
    "/setup",
    "/reset",
    "/forgot",
];
/// The pages' assets, the registrations that clients manage (RFC 7592 §2), the way to OpenID providers and back, and the pages of
/// the account.
const BELOW: [&str; 4] = ["/assets", "/register", "/login/oidc", "/account"];
/// Where clients look for endpoints when they know no metadata, or have forgotten it (MCP 2025-03-26, "Fallbacks for Servers
/// without Metadata Discovery"): at the root, also of an issuer with a path.
const AT_THE_ROOT: [&str; 3] = ["/authorize", "/token", "/register"];

/// What the authorization server opens to pages of any origin: what it answers there they may read, and so what we answer in its
/// place.
const OPEN_TO_PAGES: [&str; 7] =
    ["/token", "/register", "/revoke", "/par", "/device_authorization", "/jwks", "/status-list"];

const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";
const OPENID_METADATA: &str = "/.well-known/openid-configuration";

/// Which paths are the authorization server's.
#[derive(Debug, Clone)]
pub struct Paths {
    /// Whole paths.
    pub exact: Vec<String>,
    /// Everything below these.
    pub below: Vec<String>,
}

/// Whether an issuer is on our own origin. Only there its endpoints are ours to relay.
pub fn is_own(issuer: &str, public_url: &PublicUrl) -> bool {
    issuer.strip_prefix(&public_url.origin()).is_some_and(|path| path.is_empty() || path.starts_with('/'))
}

/// The path of an issuer on our own origin, without a slash at the end.
pub fn own_path<'a>(issuer: &'a str, public_url: &PublicUrl) -> &'a str {
    let path = issuer.strip_prefix(&public_url.origin()).filter(|path| path.starts_with('/')).unwrap_or_default();
    path.trim_end_matches('/')
}

/// The paths of an issuer. One with a path of its own (RFC 8414 §3.1) has its endpoints below it, and its metadata at the
/// inserted, the appended and the bare well-known form.
pub fn paths(issuer: &str, public_url: &PublicUrl) -> Paths {
    let own_path = own_path(issuer, public_url);
    let endpoints = ENDPOINTS.iter().map(|endpoint| format!("{own_path}{endpoint}"));
    let mut exact: Vec<String> = endpoints.chain([OAUTH_METADATA, OPENID_METADATA].map(str::to_owned)).collect();
    if !own_path.is_empty() {
        exact.extend([OAUTH_METADATA, OPENID_METADATA].map(|path| format!("{path}{own_path}")));
        exact.push(format!("{own_path}{OPENID_METADATA}"));
        exact.extend(AT_THE_ROOT.map(str::to_owned));
    }
    Paths { exact, below: BELOW.map(|path| format!("{own_path}{path}")).into() }
}

impl Paths {
    /// Whether `path` is one of them.
    pub fn contain(&self, path: &str) -> bool {
        let is_below = |prefix: &String| {
            path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.exact.iter().any(|exact| exact == path) || self.below.iter().any(is_below)
    }
}

/// The way to the authorization server.
pub struct Relay {
    client: Client,
    url: Url,
    /// The path of the issuer.
    own_path: String,
    arrival: Arrival,
}

impl Relay {
    /// Opens no connection yet.
    pub fn new(url: &Url, own_path: &str, arrival: Arrival) -> Result<Self, reqwest::Error> {
        let tls = Tls::for_urls([url.as_str()]);
        let client =
            http_client::build(&HttpClientOptions { response_timeout: None, tls, ..HttpClientOptions::default() })?;
        Ok(Self { client, url: url.clone(), own_path: own_path.to_owned(), arrival })
    }

    /// Where the authorization server has this path.
    fn path<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if AT_THE_ROOT.contains(&path) { Cow::Owned(format!("{}{path}", self.own_path)) } else { Cow::Borrowed(path) }
    }

    /// Whether pages of any origin may read what is answered there.
    fn opens_to_pages(&self, path: &str) -> bool {
        let below = path.strip_prefix(self.own_path.as_str()).unwrap_or(path);
        OPEN_TO_PAGES.contains(&path)
            || OPEN_TO_PAGES.contains(&below)
            || below.starts_with("/register/")
            || [path, below].iter().any(|path| path.starts_with("/.well-known/"))
    }

    /// What a page reads of a fault of ours. The preflight says only that it may: the fault is told to the request.
    fn expose(&self, request: &HttpRequest, fault: Fault) -> HttpResponse {
        let headers = request.headers();
        if !self.opens_to_pages(request.path()) {
            respond::fault(fault)
        } else if request.method() == "OPTIONS" && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            cors::preflight_for_all(headers, METHODS)
        } else {
            cors::expose_to_all(respond::fault(fault))
        }
    }

    async fn exchange(&self, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Fault> {
        let mut url = self.url.clone();
        url.set_path(&self.path(request.uri().path()));
        url.set_query(request.uri().query());
        let method = Method::from_bytes(request.method().as_str().as_bytes());
        let method = method.map_err(|_| Fault::MethodNotAllowed(METHODS))?;
        let headers = headers::to_relay(request.headers(), self.arrival.of(request));
        let onward = upload::attach(self.client.request(method, url).headers(headers), request.headers(), payload)?;
        match timeout(RESPONSE_TIMEOUT, onward.send()).await {
            Ok(Ok(response)) => answer(response),
            Ok(Err(error)) => {
                let fault = upload::fault_of(&error).unwrap_or(Fault::RelayUnavailable);
                let cause = http_client::cause(&error);
                tracing::warn!(reason = fault.code(), cause, "the request was not relayed to the authorization server");
                Err(fault)
            }
            Err(_) => Err(Fault::RelayUnavailable),
        }
    }
}

fn answer(response: Response) -> Result<HttpResponse, Fault> {
    let status = StatusCode::from_u16(response.status().as_u16()).map_err(|_| Fault::RelayUnavailable)?;
    let mut builder = HttpResponse::build(status);
    for header in headers::from_relay(response.headers()) {
        builder.append_header(header);
    }
    Ok(with_body(builder, response))
}

/// Streams the body; a length that is known stays known. An answer that breaks ends the connection, so that the client
/// sees that it broke.
fn with_body(mut head: HttpResponseBuilder, response: Response) -> HttpResponse {
    let length = response.content_length();
    // actix-web logs these errors, and a URL has a query.
    let stream = response.bytes_stream().map_err(reqwest::Error::without_url);
    match length {
        Some(length) => head.body(SizedStream::new(length, stream)),
        None => head.body(BodyStream::new(stream)),
    }
}

/// Relays one request.
pub async fn handle(request: HttpRequest, payload: Payload, relay: Data<Relay>) -> HttpResponse {
    relay.exchange(&request, payload).await.unwrap_or_else(|fault| relay.expose(&request, fault))
}

#[cfg(test)]
mod tests {
    use gatelodge_service::config::{Problems, public_url};

    use super::*;

    fn relayed(issuer: &str) -> Paths {
        paths(issuer, &public_url("https://h.example", "k", &mut Problems::default()).expect("a URL"))
    }

    #[test]
    fn only_the_authorization_servers_paths_are_relayed() {
        let paths = relayed("https://h.example");
        for ours in [
            "/authorize",
            "/token",
            "/status-list",
            "/revoke",
            "/introspect",
            "/assets/app.css",
            "/register",
            "/register/client_1",
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
        ] {
            assert!(paths.contain(ours), "{ours}");
        }
        for not in [
            "/",
            "/mcp",
            "/authorize/",
            "/authorize/x",
            "/assetsx",
            "/registers",
            "/health/ready",
            "/.well-known/oauth-authorization-server/mcp",
        ] {
            assert!(!paths.contain(not), "{not}");
        }
    }

    /// Every route of the authorization server, found in its source: behind the sidecar one that is not relayed is a dead end.
    #[test]
    fn no_path_of_the_authorization_server_is_forgotten() {
        let source = include_str!("../../authserver/src/app.rs");
        let found = source.split("at(\"").skip(1).filter_map(|rest| rest.split('"').next());
        let routes: Vec<&str> = found.filter(|path| path.starts_with('/')).collect();
        assert!(routes.len() > 25, "app.rs names its routes in another way now: {routes:?}");
        let paths = relayed("https://h.example");
        for route in routes {
            assert!(paths.contain(&route.replace(['{', '}'], "")), "{route}");
        }
    }

    #[test]
    fn an_issuer_with_a_path_has_every_form_of_its_metadata() {
        let paths = relayed("https://h.example/o");
        for ours in [
            "/o/authorize",
            "/o/token",
            "/o/assets/app.css",
            "/.well-known/oauth-authorization-server/o",
            "/.well-known/openid-configuration/o",
            "/o/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server",
        ] {
            assert!(paths.contain(ours), "{ours}");
        }
        for at_the_root in ["/authorize", "/token", "/register"] {
            assert!(paths.contain(at_the_root), "{at_the_root}");
        }
        assert!(!paths.contain("/login") && !paths.contain("/register/x"));
        for elsewhere in ["https://elsewhere.example/o", "https://h.example.elsewhere/o", "https://h.example:8443/o"] {
            assert!(relayed(elsewhere).contain("/authorize"), "the path counts on our own origin only");
        }
    }
}
