//! The first question about every request, whatever its path: is it meant for this server, and is it plainly written?
//! RFC 9110 §7.2 (Host), RFC 9112 §3.2 (request target). Middleware of `app.rs`; nothing passes around it.
//!
//! A target that two programs could read differently is refused, never interpreted: the path that is judged here is the
//! path that is forwarded. Ambiguous framing (RFC 9112 §6.3) and repeated `Host` are refused by actix-web before this.

use actix_web::Error;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;

use crate::config::Config;
use crate::respond::{self, Fault};

/// What a head may have (RFC 6585 §5): more than clients send, long tokens included. It was read before this is asked.
const LARGEST_HEAD: usize = 32 * 1024;

/// The names this server answers to.
#[derive(Debug, Clone)]
pub struct FrontDoor {
    hosts: Vec<String>,
    loopback: bool,
}

impl FrontDoor {
    /// The public host; and the loopback names with any port while only this machine can connect.
    pub fn new(config: &Config) -> Self {
        let authority = config.public_url.authority();
        let default_port = if config.public_url.is_https() { 443 } else { 80 };
        let mut hosts = vec![authority.clone()];
        if !has_port(&authority) {
            hosts.push(format!("{authority}:{default_port}"));
        }
        Self { hosts, loopback: config.listen.ip().is_loopback() }
    }

    /// Lets the request through or answers it.
    pub async fn check<B: MessageBody + 'static>(
        &self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
        match self.judge(request.method(), request.uri(), request.headers()) {
            Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
            Err(fault) => {
                tracing::info!(outcome = "refused", reason = fault.code(), "decision");
                Ok(request.into_response(respond::fault(fault)).map_into_right_body())
            }
        }
    }

    fn judge(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Fault> {
        if size_of_head(uri, headers) > LARGEST_HEAD {
            return Err(Fault::HeadTooLarge);
        }
        if !self.is_our_host(headers) {
            return Err(Fault::ForeignHost);
        }
        // Absolute and authority form name a host of their own; asterisk form has no path.
        let plain = uri.scheme().is_none() && uri.authority().is_none() && is_plain_path(uri.path());
        if !plain || uri.query().is_some_and(|query| !query.bytes().all(|b| b.is_ascii_graphic())) {
            return Err(Fault::UnclearTarget);
        }
        // Both would turn the rest of the connection into bytes that nobody reads as requests.
        if method == Method::CONNECT || wants_websocket(headers) {
            return Err(Fault::Tunnel);
        }
        Ok(())
    }

    fn is_our_host(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST);
        let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else {
            return false;
        };
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
            || (self.loopback && is_loopback_authority(&host.to_ascii_lowercase()))
    }
}

/// About what it took on the wire: each field with its colon, space and end of line.
fn size_of_head(uri: &Uri, headers: &HeaderMap) -> usize {
    let target = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    headers.iter().fold(target, |sum, (name, value)| sum + name.as_str().len() + value.len() + 4)
}

fn has_port(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
}

/// `localhost`, `127.0.0.1` or `[::1]`, with or without a port.
fn is_loopback_authority(authority: &str) -> bool {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => authority,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// A path that every program reads alike: plain characters, no escapes, no empty or dot segments. None of the paths
/// served here needs more.
pub fn is_plain_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:@".contains(&b);
    let mut segments = rest.split('/');
    let last = segments.next_back().unwrap_or_default();
    rest.bytes().all(plain) && segments.all(|s| !matches!(s, "" | "." | "..")) && !matches!(last, "." | "..")
}

fn wants_websocket(headers: &HeaderMap) -> bool {
    let mut upgrades = headers.get_all(header::UPGRADE).filter_map(|value| value.to_str().ok());
    upgrades.any(|value| value.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_have_one_reading() {
        for good in
            ["/", "/mcp", "/mcp/", "/a/b-c/d.e/~f", "/.well-known/oauth-protected-resource/mcp", "/...", "/@x:1"]
        {
            assert!(is_plain_path(good), "{good}");
        }
        for bad in [
            "",
            "mcp",
            "*",
            "//",
            "//mcp",
            "/mcp//",
            "/a//b",
            "/.",
            "/..",
            "/./mcp",
            "/../mcp",
            "/mcp/.",
            "/mcp/..",
            "/a/../mcp",
            "/%6dcp",
            "/mcp%2f",
            "/mcp%00",
            "/mcp;x",
            "/mcp\\x",
            "/m cp",
            "/mcp\u{e9}",
            "/mcp\"",
            "/mcp<",
            "/mcp^",
            "/mcp`",
            "/mcp{x}",
            "/mcp|",
            "/mcp#x",
            "/mcp?x",
        ] {
            assert!(!is_plain_path(bad), "{bad}");
        }
    }

    #[test]
    fn loopback_names_are_exact() {
        for good in ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:65535"] {
            assert!(is_loopback_authority(good), "{good}");
        }
        for bad in [
            "localhost.",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.1",
            "::1",
            "[::1",
            "localhost:x",
            "evil:1",
        ] {
            assert!(!is_loopback_authority(bad), "{bad}");
        }
    }
}
