//! Which headers cross, and which are ours. RFC 9110 §7.6.1 (hop by hop). Used by `forward.rs` and `relay.rs`.
//!
//! The order is what makes it safe: first everything that could pass for ours is dropped, then what belongs to one
//! connection, then ours is added. So nothing received, `Connection` included, can forge or remove a header of ours.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{self as incoming, HeaderMap as Incoming};
use gatelodge_service::http::source::TrustedProxies;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::proxy_headers::is_of_another_proxy;
use crate::sessions;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDED_HOST: &str = "x-forwarded-host";

/// For one connection only, with those that `Connection` lists; squashed: `Transfer_Encoding` frames a body for CGI-style servers.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keepalive",
    "proxyauthenticate",
    "proxyauthorization",
    "proxyconnection",
    "te",
    "trailer",
    "transferencoding",
    "upgrade",
    "http2settings",
];

/// Never sent to the MCP server, squashed: credentials and cookies of our own origin; what is set anew for the next
/// connection; and what some frameworks let replace the path or the method.
const WITHHELD: [&str; 14] = [
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
    "xrewriteurl",
    "xhttpmethodoverride",
    "xhttpmethod",
    "xmethodoverride",
];

/// What was decided on, or says how the body is read: it arrives as it was judged. No other spelling of it arrives, which
/// CGI-style servers would take for it, and `Connection` takes none of it away.
const JUDGED: [&str; 7] = [
    "content-type",
    "content-encoding",
    "mcp-session-id",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-method",
    "mcp-name",
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

/// What the head of a request to the MCP server says, beside the request line and what frames the body.
pub struct ToUpstream<'r> {
    /// As they came.
    pub received: &'r Incoming,
    /// Who calls, as the MCP server is told.
    pub identity: &'r [(HeaderName, HeaderValue)],
    /// How the names begin, squashed, that this resource uses beside ours.
    pub reserved: &'r [String],
    /// How the client reached us.
    pub arrival: &'r Arrival,
    /// Whether the session that the request names is the caller's.
    pub keep_session: bool,
}

impl ToUpstream<'_> {
    /// Writes the header lines.
    pub fn write(&self, head: &mut Vec<u8>) {
        let in_session = self.keep_session && self.received.contains_key(sessions::HEADER);
        for (name, value) in self.received {
            let name = name.as_str();
            let is_session = name == sessions::HEADER && !self.keep_session;
            // Events are resumed within a session: without one an event id would be a credential.
            let is_resumption = name == "last-event-id" && !in_session;
            let mut buffer = [0; LONGEST_SQUASHED];
            let squashed = squash_into(name, &mut buffer);
            let is_listed = !JUDGED.contains(&name) && is_listed(name, self.received);
            let is_hop = HOP_BY_HOP.contains(&squashed) || is_listed;
            if !is_session && !is_resumption && !is_hop && !self.withholds(squashed, name) {
                line(head, name, value.as_bytes());
            }
        }
        for (name, value) in self.identity {
            line(head, name.as_str(), value.as_bytes());
        }
        // An answer that is compressed cannot be kept alive with comments, and a compressor holds events back.
        line(head, "accept-encoding", b"identity");
        if let Some(client) = self.arrival.client {
            line(head, FORWARDED_FOR, client.to_canonical().to_string().as_bytes());
        }
        line(head, FORWARDED_PROTO, self.arrival.scheme.as_bytes());
        line(head, FORWARDED_HOST, self.arrival.host.as_bytes());
    }
}

impl ToUpstream<'_> {
    /// What could pass for a header of ours, or must stay with us.
    fn withholds(&self, squashed: &str, name: &str) -> bool {
        WITHHELD.contains(&squashed)
            || squashed.starts_with("xmcpauth")
            || is_of_another_proxy(squashed)
            || is_respelled(name, squashed)
            || self.reserved.iter().any(|reserved| squash(name).starts_with(reserved.as_str()))
    }
}

/// Names and values hold no line ends: the received ones were headers, and ours are made here.
pub fn line(head: &mut Vec<u8>, name: &str, value: &[u8]) {
    head.extend_from_slice(name.as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

/// The headers for the authorization server: everything but what belongs to this connection or names the client, a person or
/// a certificate on the word of whoever sent it.
pub fn to_relay(received: &Incoming, arrival: &Arrival) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in received {
        let name = name.as_str();
        let mut buffer = [0; LONGEST_SQUASHED];
        let squashed = squash_into(name, &mut buffer);
        let framing = squashed == "contentlength" || squashed == "expect";
        let is_hop_by_hop = HOP_BY_HOP.contains(&squashed) || is_listed(name, received);
        if framing || is_of_another_proxy(squashed) || is_hop_by_hop {
            continue;
        }
        // Two versions of the `http` crate meet here; both hold bytes.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    add_arrival(&mut headers, arrival);
    headers
}

/// Whether a header of the MCP server's answer reaches the client.
pub fn is_passed_back(name: &str, connection: &[incoming::HeaderValue]) -> bool {
    !NOT_PASSED_BACK.contains(&name)
        && !name.starts_with("access-control-")
        && !is_for_one_connection(name)
        && !connection.iter().any(|value| lists(value.as_bytes(), name))
}

/// What the authorization server's answer brings to the client: everything.
pub fn from_relay(answered: &HeaderMap) -> Vec<(incoming::HeaderName, incoming::HeaderValue)> {
    let connection = answered.get_all(reqwest::header::CONNECTION);
    let mut headers = Vec::new();
    for (name, value) in answered {
        let name = name.as_str();
        let is_listed = connection.iter().any(|value| lists(value.as_bytes(), name));
        // The length is set again from the body itself.
        if is_for_one_connection(name) || is_listed || name == "content-length" {
            continue;
        }
        let name = incoming::HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, incoming::HeaderValue::from_bytes(value.as_bytes())) {
            headers.push((name, value));
        }
    }
    headers
}

fn is_listed(name: &str, received: &Incoming) -> bool {
    received.get_all(incoming::CONNECTION).any(|value| lists(value.as_bytes(), name))
}

fn is_for_one_connection(name: &str) -> bool {
    HOP_BY_HOP.contains(&squash_into(name, &mut [0; LONGEST_SQUASHED]))
}

/// Whether `Connection` names this header.
fn lists(connection: &[u8], name: &str) -> bool {
    connection.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

/// Longer than every name that is looked for; of longer ones only the beginning counts.
const LONGEST_SQUASHED: usize = 32;

/// CGI-style servers turn `-` and `_` (and some every sign) into the same variable: only letters and digits tell names apart.
pub fn squash(name: &str) -> String {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// The beginning of that, without a `String`.
fn squash_into<'b>(name: &str, buffer: &'b mut [u8; LONGEST_SQUASHED]) -> &'b str {
    let mut length = 0;
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    for (place, byte) in buffer.iter_mut().zip(letters) {
        *place = byte.to_ascii_lowercase();
        length += 1;
    }
    std::str::from_utf8(&buffer[..length]).unwrap_or_default()
}

/// Whether it could pass for a header that was judged.
fn is_respelled(name: &str, squashed: &str) -> bool {
    let is_it = |judged: &&str| judged.bytes().filter(u8::is_ascii_alphanumeric).eq(squashed.bytes());
    JUDGED.iter().any(|judged| is_it(judged) && *judged != name)
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

    fn is_withheld(name: &str) -> bool {
        let arrival = Arrival {
            client: None,
            trusted_proxies: TrustedProxies::default(),
            scheme: "https",
            host: HeaderValue::from_static("h"),
        };
        let (received, reserved) = (Incoming::new(), ["xapikey".to_owned()]);
        let to = ToUpstream {
            received: &received,
            identity: &[],
            reserved: &reserved,
            arrival: &arrival,
            keep_session: true,
        };
        to.withholds(squash_into(name, &mut [0; LONGEST_SQUASHED]), name)
    }

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
            assert!(is_withheld(name), "{name}");
        }
        assert!(!is_withheld("mcp-param-x-mcp-auth"));
        assert!(is_withheld("X_API-Key") && is_withheld("x-api-key-2") && !is_withheld("x-api"));
        assert!(is_withheld(&format!("x-forwarded-{}", "a".repeat(100))));
    }
}
