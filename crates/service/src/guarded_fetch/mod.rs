//! Fetches what strangers name: client ID metadata documents (draft-ietf-oauth-client-id-metadata-document §5) and the key
//! sets of clients (RFC 7591 §2, `jwks_uri`). Every URL comes from someone unknown, so: https only, addresses of the public
//! internet only (the addresses that were checked are those connected to), no redirect, no proxy, no cookie, no connection
//! used twice, and bounds on time, size and number.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::time::Timestamp;
use reqwest::dns::Resolve;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, Response, StatusCode};
use tokio::sync::OnceCell;
use url::{Host, Url};

mod addresses;
mod error;
pub mod flights;
mod freshness;
mod resolver;

pub use addresses::is_global_unicast;
pub use error::FetchError;

use crate::http_client::{self, GuardedClientOptions};
use flights::{Flights, Slots};
use resolver::{Blocked, Busy, PublicOnly, SystemResolver};

/// How long a fetch waits for its turn.
const WAIT_FOR_SLOT: Duration = Duration::from_secs(1);

/// What may be fetched, and how much of it.
#[derive(Clone)]
pub struct GuardedFetchOptions {
    /// Hosts that may have any address.
    pub private_hosts: Vec<PrivateHost>,
    /// Certificates (PEM) believed beside those of the machine.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// For TCP and TLS together.
    pub connect_timeout: Duration,
    /// From the lookup of the name to the last byte of the answer.
    pub timeout: Duration,
    /// How many fetches at a time, in all.
    pub max_in_flight: usize,
    /// How many fetches at a time from one host.
    pub per_host: usize,
    /// Who resolves names; `None`: the machine.
    pub resolver: Option<Arc<dyn Resolve>>,
}

impl Default for GuardedFetchOptions {
    fn default() -> Self {
        Self {
            private_hosts: Vec::new(),
            extra_ca_pem: None,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            max_in_flight: 16,
            per_host: 2,
            resolver: None,
        }
    }
}

/// A host of the operator's own network, with its port: exactly as it stands in URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateHost {
    host: Host,
    port: u16,
}

impl FromStr for PrivateHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url =
            Url::parse(&format!("https://{text}/")).map_err(|error| format!("{text:?} is not a host: {error}"))?;
        let host = url.host().map(|host| host.to_owned());
        let port = url.port_or_known_default();
        let spelled = |host: &Host, port| text == host.to_string() || text == format!("{host}:{port}");
        match (host, port) {
            _ if text.contains('*') => Err(format!("{text:?} holds a wildcard")),
            (Some(host), Some(port)) if spelled(&host, port) => Ok(Self { host, port }),
            _ => Err(format!("{text:?} is not a host in lower case with or without a port")),
        }
    }
}

/// Whether a file holds certificates (PEM) that can be believed.
pub fn check_certificates(pem: &[u8]) -> Result<(), String> {
    match Certificate::from_pem_bundle(pem) {
        Ok(certificates) if certificates.is_empty() => Err("there is no certificate in it".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(http_client::cause(&error)),
    }
}

/// A document as it came.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its bytes.
    pub body: Vec<u8>,
    headers: HeaderMap,
}

impl Fetched {
    /// How long its host says that it may be used without asking again (RFC 9111 §4.2).
    pub fn fresh_for(&self, now: Timestamp) -> Duration {
        freshness::fresh_for(&self.headers, now)
    }
}

/// See the [module](self).
pub struct GuardedFetch {
    options: GuardedFetchOptions,
    /// Made at the first use: a server that never fetches needs no certificates.
    clients: OnceCell<Clients>,
    flights: Flights<Result<Arc<Fetched>, FetchError>>,
    slots: Slots,
}

struct Clients {
    public: Client,
    private: Client,
}

impl fmt::Debug for GuardedFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedFetch").finish_non_exhaustive()
    }
}

/// A URL that may be asked for.
struct Target {
    url: Url,
    private: bool,
}

impl GuardedFetch {
    /// Makes nothing yet that could fail.
    pub fn new(options: GuardedFetchOptions) -> Self {
        let slots = Slots::new(options.max_in_flight, options.per_host);
        Self { options, clients: OnceCell::new(), flights: Flights::default(), slots }
    }

    /// Whether a URL names one of the private hosts.
    pub fn is_private_host(&self, url: &Url) -> bool {
        let (host, port) = (url.host(), url.port_or_known_default());
        let named = |private: &PrivateHost| host == Some(borrowed(&private.host)) && port == Some(private.port);
        self.options.private_hosts.iter().any(named)
    }

    /// Gets what is there. `accept` is one media type; `application/json` stands for `application/*+json` too. Those who ask
    /// for the same at the same time share one fetch. Why nothing came is logged here.
    pub async fn get(&self, url: &str, accept: &'static str, max_bytes: usize) -> Result<Arc<Fetched>, FetchError> {
        let flight = self.flights.hold((url.to_owned(), accept, max_bytes), OnceCell::new);
        let fetched = flight.value().get_or_init(|| async {
            let fetched = self.fetch(url, accept, max_bytes).await;
            match &fetched {
                Ok(_) => tracing::info!(url = shown(url), "fetched a document"),
                Err(error) => tracing::warn!(url = shown(url), %error, "a document could not be fetched"),
            }
            fetched.map(Arc::new)
        });
        fetched.await.clone()
    }

    async fn fetch(&self, url: &str, accept: &'static str, max_bytes: usize) -> Result<Fetched, FetchError> {
        let target = self.target(url)?;
        let clients = self.clients.get_or_try_init(|| async { self.build_clients() }).await?;
        let client = if target.private { &clients.private } else { &clients.public };
        let host = target.url.host_str().unwrap_or_default();
        let slot = tokio::time::timeout(WAIT_FOR_SLOT, self.slots.take(host)).await;
        let _slot = slot.ok().flatten().ok_or(FetchError::Overloaded)?;
        let limit = self.options.timeout;
        let exchange = exchange(client, target.url.clone(), accept, max_bytes);
        match tokio::time::timeout(limit, exchange).await {
            Ok(Err(Failed::Http(error))) => Err(self.explain(&error)),
            Ok(Err(Failed::Answer(error))) => Err(error),
            Ok(Ok(fetched)) => Ok(fetched),
            Err(_) => Err(FetchError::Timeout(limit)),
        }
    }

    /// Names are checked when they are resolved; what is checked here is what the resolver is never asked about.
    fn target(&self, url: &str) -> Result<Target, FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::Refused("not a URL"))?;
        if url.scheme() != "https" {
            return Err(FetchError::Refused("not an https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Refused("a URL with a user"));
        }
        let private = self.is_private_host(&url);
        if private {
            return Ok(Target { url, private });
        }
        if url.port_or_known_default() != Some(443) {
            return Err(FetchError::Refused("a port other than 443 at a host that is not listed"));
        }
        match url.host() {
            Some(Host::Domain(_)) => Ok(Target { url, private }),
            Some(Host::Ipv4(address)) => public_address(address.into()).map(|()| Target { url, private }),
            Some(Host::Ipv6(address)) => public_address(address.into()).map(|()| Target { url, private }),
            None => Err(FetchError::Refused("a URL without a host")),
        }
    }

    fn build_clients(&self) -> Result<Clients, FetchError> {
        let resolver = self.options.resolver.clone();
        let resolver = resolver.unwrap_or_else(|| Arc::new(SystemResolver::new(self.options.max_in_flight)));
        let build = |resolver: Arc<dyn Resolve>| {
            http_client::build_guarded(GuardedClientOptions {
                connect_timeout: self.options.connect_timeout,
                extra_ca_pem: self.options.extra_ca_pem.as_deref(),
                resolver,
            })
            .map_err(|error| FetchError::NoTls(http_client::cause(&error)))
        };
        Ok(Clients { public: build(Arc::new(PublicOnly(resolver.clone())))?, private: build(resolver)? })
    }

    fn explain(&self, error: &reqwest::Error) -> FetchError {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(Blocked(address)) = error.downcast_ref() {
                return FetchError::BlockedAddress(*address);
            }
            if error.is::<Busy>() {
                return FetchError::Overloaded;
            }
            cause = error.source();
        }
        if error.is_timeout() {
            return FetchError::Timeout(self.options.connect_timeout);
        }
        FetchError::Unreachable(http_client::cause(error))
    }
}

enum Failed {
    Http(reqwest::Error),
    Answer(FetchError),
}

async fn exchange(client: &Client, url: Url, accept: &'static str, max_bytes: usize) -> Result<Fetched, Failed> {
    let request = client.get(url).header(ACCEPT, HeaderValue::from_static(accept)).header(ACCEPT_ENCODING, "identity");
    let mut response = request.send().await.map_err(Failed::Http)?;
    check_head(&response, accept, max_bytes).map_err(Failed::Answer)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failed::Http)? {
        if body.len() + chunk.len() > max_bytes {
            return Err(Failed::Answer(FetchError::TooLarge(max_bytes)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Fetched { body, headers: response.headers().clone() })
}

fn check_head(response: &Response, accept: &str, max_bytes: usize) -> Result<(), FetchError> {
    let header =
        |name: &str| response.headers().get(name).map(|value| shown(&String::from_utf8_lossy(value.as_bytes())));
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status { status: response.status().as_u16(), cf_mitigated: header("cf-mitigated") });
    }
    if let Some(encoding) =
        header(CONTENT_ENCODING.as_str()).filter(|encoding| !encoding.eq_ignore_ascii_case("identity"))
    {
        return Err(FetchError::WrongType(format!("encoded ({encoding})")));
    }
    let media_type = header(CONTENT_TYPE.as_str()).unwrap_or_default();
    if !is_media_type(&media_type, accept) {
        return Err(FetchError::WrongType(format!("{media_type:?} instead of {accept}")));
    }
    match response.content_length() {
        Some(length) if length > max_bytes as u64 => Err(FetchError::TooLarge(max_bytes)),
        _ => Ok(()),
    }
}

fn is_media_type(content_type: &str, accept: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let suffixed = || essence.strip_prefix("application/").and_then(|subtype| subtype.strip_suffix("+json"));
    essence == accept || (accept == "application/json" && suffixed().is_some_and(|subtype| !subtype.is_empty()))
}

fn public_address(address: IpAddr) -> Result<(), FetchError> {
    if is_global_unicast(address) { Ok(()) } else { Err(FetchError::BlockedAddress(address)) }
}

fn borrowed(host: &Host) -> Host<&str> {
    match host {
        Host::Domain(name) => Host::Domain(name),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    }
}

/// What strangers wrote, for the log.
fn shown(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
