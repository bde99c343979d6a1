//! Which headers cross, and which are ours. RFC 9110 §7.6.1 (hop by hop). Used by `forward.rs` and `relay.rs`.
//!
//! The order is what makes it safe: first everything that could pass for ours is dropped, then what belongs to one
//! connection, then ours is added. So nothing received, `Connection` included, can forge or remove a header of ours.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{self as incoming, HeaderMap as Incoming};
use gatelodge_service::http::source::TrustedProxies;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// For one connection only, with those that `Connection` lists.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Never sent to the MCP server, squashed: credentials and cookies of our own origin; what is set anew for the next
/// connection; and what some frameworks let replace the path.
const WITHHELD: [&str; 12] = [
    "authorization",
    "proxyauthorization",
    "dpop",
    "cookie",
    "cookie2",
    "host",
    "origin",
    "contentlength",
    "expect",
    "acceptencoding",
    "xoriginalurl",
    "xrewriteurl",
];

/// Never passed back from the MCP server: it would send clients to another authorization server, change cookies or the
/// address of our own origin, or double our CORS headers.
const NOT_PASSED_BACK: [&str; 5] = ["www-authenticate", "set-cookie", "set-cookie2", "alt-svc", "clear-site-data"];

/// How the client reached us: the only source of the forwarding headers.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The address of the client, or of the first proxy that is not ours.
    pub client: Option<IpAddr>,
    /// Our own proxies, whose word on the address of the client counts.
    pub trusted_proxies: TrustedProxies,
    /// `http` or `https`, as the public URL says.
    pub scheme: &'static str,
    /// The public host and port.
    pub host: HeaderValue,
}

impl Arrival {
    /// Of one request.
    pub fn of(&self, request: &HttpRequest) -> Self {
        Self { client: self.trusted_proxies.source_of(request), ..self.clone() }
    }
}

/// The headers for the MCP server. `reserved` is how the names begin, squashed, that this resource uses beside ours;
/// `identity` is who calls.
pub fn to_upstream(
    received: &Incoming,
    reserved: &[String],
    identity: Vec<(HeaderName, HeaderValue)>,
    arrival: &Arrival,
) -> HeaderMap {
    let mut headers = end_to_end(received, |name| {
        let squashed = squash(name);
        let is_reserved =
            squashed.starts_with("xmcpauth") || reserved.iter().any(|name| squashed.starts_with(name.as_str()));
        !WITHHELD.contains(&squashed.as_str()) && !is_reserved && !is_forwarding(&squashed)
    });
    for (name, value) in identity {
        headers.insert(name, value);
    }
    // An answer that is compressed cannot be kept alive with comments, and a compressor holds events back.
    headers.insert(reqwest::header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    add_arrival(&mut headers, arrival);
    headers
}

/// The headers for the authorization server: everything but what belongs to this connection or names the client.
pub fn to_relay(received: &Incoming, arrival: &Arrival) -> HeaderMap {
    let mut headers = end_to_end(received, |name| {
        let squashed = squash(name);
        !is_forwarding(&squashed) && squashed != "contentlength" && squashed != "expect"
    });
    add_arrival(&mut headers, arrival);
    headers
}

/// What the MCP server's answer brings to the client.
pub fn from_upstream(answered: &HeaderMap) -> Vec<(incoming::HeaderName, incoming::HeaderValue)> {
    back(answered, |name| !NOT_PASSED_BACK.contains(&name) && !name.starts_with("access-control-"))
}

/// What the authorization server's answer brings to the client: everything.
pub fn from_relay(answered: &HeaderMap) -> Vec<(incoming::HeaderName, incoming::HeaderValue)> {
    back(answered, |_| true)
}

fn end_to_end(received: &Incoming, wanted: impl Fn(&str) -> bool) -> HeaderMap {
    let listed: Vec<String> = received.get_all(incoming::CONNECTION).flat_map(|v| listed_in(v.as_bytes())).collect();
    let mut headers = HeaderMap::new();
    for (name, value) in received {
        let name = name.as_str();
        if is_hop_by_hop(name, &listed) || !wanted(name) {
            continue;
        }
        // Two versions of the `http` crate meet here; both hold bytes.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    headers
}

fn back(answered: &HeaderMap, wanted: impl Fn(&str) -> bool) -> Vec<(incoming::HeaderName, incoming::HeaderValue)> {
    let connection = answered.get_all(reqwest::header::CONNECTION);
    let listed: Vec<String> = connection.iter().flat_map(|v| listed_in(v.as_bytes())).collect();
    let mut headers = Vec::new();
    for (name, value) in answered {
        let name = name.as_str();
        // The length is set again from the body itself.
        if is_hop_by_hop(name, &listed) || name == "content-length" || !wanted(name) {
            continue;
        }
        let name = incoming::HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, incoming::HeaderValue::from_bytes(value.as_bytes())) {
            headers.push((name, value));
        }
    }
    headers
}

fn is_hop_by_hop(name: &str, listed: &[String]) -> bool {
    HOP_BY_HOP.contains(&name) || listed.iter().any(|listed| listed == name)
}

fn listed_in(connection: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(connection).split(',').map(|name| name.trim().to_ascii_lowercase()).collect()
}

/// CGI-style servers turn `-` and `_` (and some every sign) into the same variable: only letters and digits tell names apart.
pub fn squash(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn is_forwarding(squashed: &str) -> bool {
    squashed == "forwarded" || squashed == "xrealip" || squashed.starts_with("xforwarded")
}

fn add_arrival(headers: &mut HeaderMap, arrival: &Arrival) {
    if let Some(client) = arrival.client.and_then(|ip| HeaderValue::from_str(&ip.to_canonical().to_string()).ok()) {
        headers.insert(FORWARDED_FOR, client);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(arrival.scheme));
    headers.insert(FORWARDED_HOST, arrival.host.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_name_is_the_same_name() {
        for name in [
            "x-mcp-auth-sub",
            "x_mcp_auth_sub",
            "x-mcp_auth-sub",
            "x.mcp.auth.sub",
            "X--MCP__Auth-Sub",
            "x!mcp~auth^sub",
        ] {
            assert!(squash(name).starts_with("xmcpauth"), "{name}");
        }
        assert!(!squash("mcp-param-x-mcp-auth").starts_with("xmcpauth"));
    }
}
