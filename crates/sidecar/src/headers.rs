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
fn is_hop_by_hop(squashed: &[u8]) -> bool {
    matches!(
        squashed,
        b"connection"
            | b"keepalive"
            | b"proxyauthenticate"
            | b"proxyauthorization"
            | b"proxyconnection"
            | b"te"
            | b"trailer"
            | b"transferencoding"
            | b"upgrade"
            | b"http2settings"
    )
}

/// Never sent to the MCP server, squashed: credentials and cookies of our own origin; what is set anew for the next
/// connection; and what some frameworks let replace the path or the method.
fn is_withheld(squashed: &[u8]) -> bool {
    matches!(
        squashed,
        b"authorization"
            | b"proxyauthorization"
            | b"dpop"
            | b"cookie"
            | b"cookie2"
            | b"host"
            | b"origin"
            | b"contentlength"
            | b"expect"
            | b"acceptencoding"
            | b"xrewriteurl"
            | b"xhttpmethodoverride"
            | b"xhttpmethod"
            | b"xmethodoverride"
    )
}

/// What was decided on, or says how the body is read, by its squashed name: it arrives as it was judged. No other spelling of it
/// arrives, which CGI-style servers would take for it, and `Connection` takes none of it away.
fn judged(squashed: &[u8]) -> Option<&'static str> {
    Some(match squashed {
        b"contenttype" => "content-type",
        b"contentencoding" => "content-encoding",
        b"mcpsessionid" => "mcp-session-id",
        b"lasteventid" => "last-event-id",
        b"mcpprotocolversion" => "mcp-protocol-version",
        b"mcpmethod" => "mcp-method",
        b"mcpname" => "mcp-name",
        _ => return None,
    })
}

/// Never passed back from the MCP server: it would send clients to another authorization server, change cookies or the
/// address of our own origin, or double our CORS headers.
fn changes_clients(name: &str) -> bool {
    matches!(name, "www-authenticate" | "set-cookie" | "set-cookie2" | "alt-svc" | "clear-site-data")
        || name.starts_with("access-control-")
}

/// How clients reach us: the only source of the forwarding headers.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Our own proxies, whose word on the address of the client counts.
    pub trusted_proxies: TrustedProxies,
    /// `http` or `https`, as the public URL says.
    pub scheme: &'static str,
    /// The public host and port.
    pub host: HeaderValue,
}

/// How one request did.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// The address of the client, or of the first proxy that is not ours.
    pub client: Option<IpAddr>,
    /// As all others.
    pub like: &'a Arrival,
}

impl Arrival {
    /// Of one request.
    pub fn of(&self, request: &HttpRequest) -> Arrived<'_> {
        Arrived { client: self.trusted_proxies.source_of(request), like: self }
    }
}

/// What the head of a request to the MCP server says, beside the request line and what frames the body.
pub struct ToUpstream<'r> {
    /// As they came.
    pub received: &'r Incoming,
    /// The lines that say who calls, as the MCP server is told.
    pub identity: &'r [u8],
    /// How the names begin, squashed, that this resource uses beside ours.
    pub reserved: &'r [String],
    /// How the client reached us.
    pub arrived: Arrived<'r>,
    /// Whether the session that the request names is the caller's.
    pub keep_session: bool,
}

impl ToUpstream<'_> {
    /// Writes the header lines.
    pub fn write(&self, head: &mut Vec<u8>) {
        let listed = listed(self.received.get_all(incoming::CONNECTION));
        for (name, value) in self.received {
            if self.takes(name.as_str(), &listed) {
                line(head, name.as_str(), value.as_bytes());
            }
        }
        head.extend_from_slice(self.identity);
        // An answer that is compressed cannot be kept alive with comments, and a compressor holds events back.
        line(head, "accept-encoding", b"identity");
        if let Some(client) = self.arrived.client {
            forwarded_for(head, client.to_canonical());
        }
        line(head, FORWARDED_PROTO, self.arrived.like.scheme.as_bytes());
        line(head, FORWARDED_HOST, self.arrived.like.host.as_bytes());
    }

    /// Whether a received header goes on.
    fn takes(&self, name: &str, listed: &[&[u8]]) -> bool {
        let mut buffer = [0; LONGEST_SQUASHED];
        let squashed = squash_into(name, &mut buffer);
        let is_theirs = match judged(squashed) {
            Some(judged) => judged == name && self.keeps(judged),
            None => !is_hop_by_hop(squashed) && !is_withheld(squashed) && !is_listed(name, listed),
        };
        is_theirs && !self.could_pass_for_ours(squashed, name)
    }

    /// Events are resumed within a session: without one an event id would be a credential.
    fn keeps(&self, judged: &str) -> bool {
        match judged {
            sessions::HEADER => self.keep_session,
            "last-event-id" => self.keep_session && self.received.contains_key(sessions::NAME),
            _ => true,
        }
    }

    fn could_pass_for_ours(&self, squashed: &[u8], name: &str) -> bool {
        squashed.starts_with(b"xmcpauth")
            || is_of_another_proxy(squashed)
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

/// An IPv4 address is written without the formatter, which takes longer than all other lines together.
fn forwarded_for(head: &mut Vec<u8>, client: IpAddr) {
    let IpAddr::V4(client) = client else { return line(head, FORWARDED_FOR, client.to_string().as_bytes()) };
    let mut text = Vec::with_capacity(15);
    for octet in client.octets() {
        let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|digit| b'0' + digit);
        let leading = if octet >= 100 {
            0
        } else if octet >= 10 {
            1
        } else {
            2
        };
        text.extend_from_slice(&digits[leading..]);
        text.push(b'.');
    }
    text.pop();
    line(head, FORWARDED_FOR, &text);
}

/// The headers for the authorization server: everything but what belongs to this connection or names the client, a person or
/// a certificate on the word of whoever sent it.
pub fn to_relay(received: &Incoming, arrived: Arrived<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let listed = listed(received.get_all(incoming::CONNECTION));
    for (name, value) in received {
        let name = name.as_str();
        let mut buffer = [0; LONGEST_SQUASHED];
        let squashed = squash_into(name, &mut buffer);
        let framing = matches!(squashed, b"contentlength" | b"expect");
        let is_hop = is_hop_by_hop(squashed) || is_listed(name, &listed);
        if framing || is_of_another_proxy(squashed) || is_hop {
            continue;
        }
        // Two versions of the `http` crate meet here; both hold bytes.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    add_arrival(&mut headers, arrived);
    headers
}

/// Whether a header of the MCP server's answer reaches the client.
pub fn is_passed_back(name: &str, listed: &[&[u8]]) -> bool {
    !changes_clients(name) && !is_for_one_connection(name) && !is_listed(name, listed)
}

/// What the authorization server's answer brings to the client: everything.
pub fn from_relay(answered: &HeaderMap) -> Vec<(incoming::HeaderName, incoming::HeaderValue)> {
    let listed = listed(answered.get_all(reqwest::header::CONNECTION));
    let mut headers = Vec::new();
    for (name, value) in answered {
        let name = name.as_str();
        // The length is set again from the body itself.
        if is_for_one_connection(name) || is_listed(name, &listed) || name == "content-length" {
            continue;
        }
        let name = incoming::HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, incoming::HeaderValue::from_bytes(value.as_bytes())) {
            headers.push((name, value));
        }
    }
    headers
}

/// What the `Connection` headers name.
pub fn listed<'c, V: AsRef<[u8]> + 'c>(connection: impl IntoIterator<Item = &'c V>) -> Vec<&'c [u8]> {
    let parts = connection.into_iter().flat_map(|value| value.as_ref().split(|byte| *byte == b','));
    parts.map(<[u8]>::trim_ascii).collect()
}

fn is_listed(name: &str, listed: &[&[u8]]) -> bool {
    listed.iter().any(|other| other.eq_ignore_ascii_case(name.as_bytes()))
}

fn is_for_one_connection(name: &str) -> bool {
    is_hop_by_hop(squash_into(name, &mut [0; LONGEST_SQUASHED]))
}

/// Longer than every name that is looked for; of longer ones only the beginning counts.
const LONGEST_SQUASHED: usize = 32;

/// CGI-style servers turn `-` and `_` (and some every sign) into the same variable: only letters and digits tell names apart.
pub fn squash(name: &str) -> String {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// The beginning of that, without a `String` and without a branch for each letter.
fn squash_into<'b>(name: &str, buffer: &'b mut [u8; LONGEST_SQUASHED]) -> &'b [u8] {
    let mut length = 0;
    for byte in name.bytes() {
        let Some(place) = buffer.get_mut(length) else { break };
        *place = SQUASHED[usize::from(byte)];
        length += usize::from(*place != 0);
    }
    &buffer[..length]
}

/// What becomes of each byte; 0: nothing.
static SQUASHED: [u8; 256] = {
    let mut squashed = [0; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            squashed[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    squashed
};

fn add_arrival(headers: &mut HeaderMap, Arrived { client, like }: Arrived<'_>) {
    if let Some(client) = client.and_then(|ip| HeaderValue::from_str(&ip.to_canonical().to_string()).ok()) {
        headers.insert(FORWARDED_FOR, client);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(like.scheme));
    headers.insert(FORWARDED_HOST, like.host.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stays_behind(name: &str) -> bool {
        let arrival = Arrival {
            trusted_proxies: TrustedProxies::default(),
            scheme: "https",
            host: HeaderValue::from_static("h"),
        };
        let (received, reserved) = (Incoming::new(), ["xapikey".to_owned()]);
        let to = ToUpstream {
            received: &received,
            identity: &[],
            reserved: &reserved,
            arrived: Arrived { client: None, like: &arrival },
            keep_session: true,
        };
        !to.takes(name, &[])
    }

    #[test]
    fn addresses_are_written_as_everybody_writes_them() {
        for address in ["0.0.0.0", "1.22.209.100", "255.255.255.255", "10.101.9.99", "2001:db8::1"] {
            let mut head = Vec::new();
            forwarded_for(&mut head, address.parse().expect("an address"));
            assert_eq!(String::from_utf8(head).expect("text"), format!("x-forwarded-for: {address}\r\n"));
        }
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
            assert!(stays_behind(name), "{name}");
        }
        assert!(!stays_behind("mcp-param-x-mcp-auth"));
        assert!(stays_behind("X_API-Key") && stays_behind("x-api-key-2") && !stays_behind("x-api"));
        assert!(stays_behind(&format!("x-forwarded-{}", "a".repeat(100))));
    }
}
