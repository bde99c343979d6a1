//! Who sent a request, behind whatever stands in front: the forwarding headers are believed only as far as they were written
//! by proxies that the operator named. RFC 7239 §8.1 says why.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use ipnet::IpNet;

use crate::config::Problems;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose word counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Addresses and networks in CIDR notation; notes what is neither.
    pub fn from_config(networks: &[String], key: &str, problems: &mut Problems) -> Self {
        let network = |text: &String| {
            let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            if parsed.is_err() {
                let hint = "write the address of a proxy, or a network: \"10.0.0.0/8\"";
                problems.add(key, format!("{text:?} is neither an address nor a network"), hint);
            }
            parsed.ok()
        };
        Self(networks.iter().filter_map(network).collect())
    }

    /// Whether this is one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address that a request came from: the peer, or, as long as that is one of these proxies, whoever it names as the
    /// one before, from right to left. What a client writes there itself stands further left and is never reached. A hop that
    /// is no address, whatever its bytes, ends the walk at the last trusted address before it.
    pub fn source_of(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        if !self.contain(peer) {
            // Nobody asks what it writes.
            return Some(peer);
        }
        let lines = request.headers().get_all(FORWARDED_FOR).map(HeaderValue::as_bytes);
        Some(self.walk(peer, &lines.collect::<Vec<_>>()))
    }

    fn walk(&self, peer: IpAddr, lines: &[&[u8]]) -> IpAddr {
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        let mut source = peer;
        for hop in hops {
            // Whatever a proxy wrote that is no address, the proxy itself is known.
            let (true, Some(before)) = (self.contain(source), address(hop)) else { break };
            source = before;
        }
        source
    }
}

/// An address as proxies write it, with or without a port.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let plain = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let parsed = plain.parse::<IpAddr>().ok();
    parsed.or_else(|| hop.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip())).map(|ip| ip.to_canonical())
}

/// What one subscriber holds at least: an IPv4 address, or the /64 of an IPv6 address (RFC 6177 §2).
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        let mut problems = Problems::default();
        let networks: Vec<String> = networks.iter().map(|network| (*network).to_owned()).collect();
        let proxies = TrustedProxies::from_config(&networks, "trusted_proxies", &mut problems);
        assert!(problems.is_empty(), "{problems}");
        proxies
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let trusted = ["10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48"];
        for (peer, lines, source) in [
            // Nobody is trusted by default, and a stranger is not.
            ("203.0.113.9", vec!["198.51.100.1"], "203.0.113.9"),
            ("203.0.113.9", vec!["10.0.0.1"], "203.0.113.9"),
            ("192.0.2.8", vec!["198.51.100.1"], "192.0.2.8"),
            // One proxy, two, and one that appends to what the client wrote.
            ("10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["198.51.100.1, 192.0.2.7"], "198.51.100.1"),
            ("10.0.0.1", vec!["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["1.2.3.4, 10.9.9.9, 198.51.100.1,10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", vec!["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["1.2.3.4", "198.51.100.1", "10.0.0.3"], "198.51.100.1"),
            // Nothing there, only proxies, or no address: the last that is known.
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec![""], "10.0.0.1"),
            ("10.0.0.1", vec!["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
            ("10.0.0.1", vec!["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.1, _hidden, 10.0.0.4"], "10.0.0.4"),
            ("10.0.0.1", vec!["198.51.100.1,"], "10.0.0.1"),
            ("10.0.0.1", vec!["010.0.0.1"], "10.0.0.1"),
            // Bytes outside ASCII spoil their own hop and no other.
            ("10.0.0.1", vec!["\u{e9}, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["\u{e9}", "198.51.100.1, 192.0.2.7"], "198.51.100.1"),
            ("10.0.0.1", vec!["198.51.100.1, \u{e9}, 10.0.0.4"], "10.0.0.4"),
            ("10.0.0.1", vec!["198.51.100.1, \u{e9}"], "10.0.0.1"),
            // The ways to write an address.
            ("10.0.0.1", vec!["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", vec!["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.0.0.1", vec!["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", vec!["2001:DB8:0::1"], "2001:db8::1"),
            ("10.0.0.1", vec!["::ffff:198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            ("2001:db8:1::5", vec!["198.51.100.1, ::ffff:10.0.0.7"], "198.51.100.1"),
        ] {
            let peer: IpAddr = peer.parse().expect("an address");
            // As latin-1, so that what stands for a byte above 0x7F is one, and no UTF-8.
            let bytes: Vec<Vec<u8>> =
                lines.iter().map(|line| line.chars().filter_map(|c| u8::try_from(c).ok()).collect()).collect();
            let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
            let found = proxies(&trusted).walk(peer.to_canonical(), &bytes);
            assert_eq!(found.to_string(), source, "{peer} {lines:?}");
            let believed_by_default = proxies(&[]).walk(peer.to_canonical(), &bytes);
            assert_eq!(believed_by_default, peer.to_canonical(), "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_subscriber_is_an_ipv4_address_or_a_64_of_ipv6() {
        for (address, key) in [
            ("198.51.100.1", "198.51.100.1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ] {
            assert_eq!(subscriber(address.parse().expect("an address")).to_string(), key);
        }
    }

    #[test]
    fn what_is_no_network_is_a_problem() {
        for bad in ["", "10.0.0.0/33", "localhost", "10.0.0", "10.0.0.1:80", "*"] {
            let mut problems = Problems::default();
            TrustedProxies::from_config(&[bad.to_owned()], "trusted_proxies", &mut problems);
            assert_eq!(problems.0.len(), 1, "{bad}");
        }
    }
}
