//! Which addresses belong to the public internet: RFC 6890 and the special-purpose registries of IANA that continue it.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::{Ipv4Net, Ipv6Net};

/// Never fetched from. A range is listed whole even where the registry calls a few addresses in it global: no website lives there.
const REFUSED_V4: &[&str] = &[
    "0.0.0.0/8",        // this network
    "10.0.0.0/8",       // private
    "100.64.0.0/10",    // carrier-grade NAT
    "127.0.0.0/8",      // loopback
    "168.63.129.16/32", // the platform of Azure, reachable from every machine there
    "169.254.0.0/16",   // link-local, with the metadata services of most clouds
    "172.16.0.0/12",    // private
    "192.0.0.0/24",     // IETF protocol assignments
    "192.0.2.0/24",     // documentation
    "192.88.99.0/24",   // 6to4 relays, deprecated
    "192.168.0.0/16",   // private
    "198.18.0.0/15",    // benchmarking
    "198.51.100.0/24",  // documentation
    "203.0.113.0/24",   // documentation
    "224.0.0.0/4",      // multicast
    "240.0.0.0/4",      // reserved, and broadcast
];

/// What IANA hands out as global unicast. Loopback, mapped and compatible IPv4, NAT64, unique local, link-local and
/// multicast addresses are all outside of it.
const GLOBAL_V6: &str = "2000::/3";

/// Refused inside [`GLOBAL_V6`].
const REFUSED_V6: &[&str] = &[
    "2001::/23",     // IETF protocol assignments: Teredo, benchmarking, ORCHID
    "2001:db8::/32", // documentation
    "2002::/16",     // 6to4: an IPv4 address in disguise
    "3fff::/20",     // documentation
];

struct Ranges {
    refused_v4: Vec<Ipv4Net>,
    global_v6: Vec<Ipv6Net>,
    refused_v6: Vec<Ipv6Net>,
}

static RANGES: LazyLock<Ranges> = LazyLock::new(|| Ranges {
    refused_v4: REFUSED_V4.iter().filter_map(|range| range.parse().ok()).collect(),
    global_v6: GLOBAL_V6.parse().into_iter().collect(),
    refused_v6: REFUSED_V6.iter().filter_map(|range| range.parse().ok()).collect(),
});

/// Whether a server of the public internet can have this address. An IPv4 address inside an IPv6 one is refused in each form
/// that has one, whatever it is: name servers of honest websites answer with plain addresses.
pub fn is_global_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !RANGES.refused_v4.iter().any(|range| range.contains(&address)),
        IpAddr::V6(address) => {
            RANGES.global_v6.iter().any(|range| range.contains(&address))
                && !RANGES.refused_v6.iter().any(|range| range.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_written_correctly() {
        assert_eq!(RANGES.refused_v4.len(), REFUSED_V4.len());
        assert_eq!((RANGES.global_v6.len(), RANGES.refused_v6.len()), (1, REFUSED_V6.len()));
    }

    #[test]
    fn websites_have_global_addresses() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "160.79.104.10",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.1.0.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::6810:84e5",
            "2a00:1450:4001:81d::200e",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2620:0:ccc::2",
        ] {
            assert!(is_global_unicast(address.parse().expect("an address")), "{address}");
        }
    }

    /// Proves RFC 6890 §2.2: no address with a special purpose is fetched from.
    #[test]
    fn no_address_with_a_special_purpose_is_global() {
        for (class, addresses) in [
            ("this network", &["0.0.0.0", "0.1.2.3", "0.255.255.255"][..]),
            (
                "private",
                &["10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.0", "192.168.255.255"],
            ),
            ("carrier-grade NAT", &["100.64.0.0", "100.100.100.200", "100.127.255.255"]),
            ("loopback", &["127.0.0.1", "127.255.255.255", "::1"]),
            ("unspecified", &["0.0.0.0", "::"]),
            (
                "link-local and cloud metadata",
                &["169.254.0.0", "169.254.169.254", "169.254.170.2", "fe80::1", "febf::1", "168.63.129.16"],
            ),
            ("protocol assignments", &["192.0.0.8", "192.0.0.192", "192.0.0.255", "2001::1", "2001:1ff:ffff::"]),
            ("documentation", &["192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1", "3fff:fff::"]),
            ("benchmarking", &["198.18.0.0", "198.19.255.255", "2001:2::1"]),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"]),
            ("reserved", &["240.0.0.1", "255.255.255.254", "255.255.255.255", "4000::1", "8000::1", "fec0::1"]),
            ("unique local", &["fc00::1", "fd00:ec2::254", "fdff::1"]),
            ("IPv4-mapped", &["::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:1.1.1.1", "::ffff:0:1.1.1.1"]),
            ("IPv4-compatible", &["::10.0.0.1", "::127.0.0.1", "::1.1.1.1"]),
            ("6to4", &["2002:a00:1::1", "2002:7f00:1::", "2002:101:101::1", "192.88.99.1"]),
            ("Teredo", &["2001:0:4136:e378:8000:63bf:3fff:fdd2"]),
            ("NAT64", &["64:ff9b::a00:1", "64:ff9b::101:101", "64:ff9b:1::a00:1"]),
            ("ORCHID", &["2001:10::1", "2001:20::1"]),
            ("discard, dummy and segment routing", &["100::1", "100:0:0:1::1", "5f00::1"]),
        ] {
            for address in addresses {
                assert!(!is_global_unicast(address.parse().expect("an address")), "{class}: {address}");
            }
        }
    }
}
