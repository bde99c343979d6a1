//! By which headers other proxies say who calls, from which address, with which certificate, or by which way (RFC 7239,
//! RFC 9440, and many of no RFC). From outside they are forged: whatever is behind us may have stood behind such a proxy, and
//! believe them still. Asked by `headers.rs`.

/// How the names begin, squashed: in order, and none the beginning of another, so that one comparison finds it.
const FAMILIES: [&str; 49] = [
    "cfaccess",
    "cfconnectingip",
    "clientcert",
    "clientip",
    "fastlyclientip",
    "flyclientip",
    "forwarded",
    "remoteaddr",
    "remoteemail",
    "remotegroup",
    "remotename",
    "remoteuser",
    "sslclient",
    "tailscale",
    "trueclientip",
    "xamznmtls",
    "xamznoidc",
    "xapigatewayapiuserinfo",
    "xappengine",
    "xarrclientcert",
    "xauthenticated",
    "xauthentik",
    "xauthrequest",
    "xazureclientip",
    "xclientcert",
    "xclientdn",
    "xclientip",
    "xclientverify",
    "xclusterclientip",
    "xconsumer",
    "xcredentialidentifier",
    "xendpointapiuserinfo",
    "xenvoy",
    "xforwarded",
    "xgoog",
    "xhost",
    "xmsclientprincipal",
    "xmstoken",
    "xoriginal",
    "xoriginatingip",
    "xpomerium",
    "xproxyuser",
    "xrealip",
    "xremote",
    "xssl",
    "xtlsclient",
    "xuserinfo",
    "xvouch",
    "xwebauth",
];

/// CGI-style servers make `HTTP_PROXY` of it, which their own HTTP clients obey.
const HTTPOXY: &[u8] = b"proxy";

/// Whether a name, squashed, is one of theirs. Only the family that comes last among those before it can be its beginning.
pub fn is_of_another_proxy(squashed: &[u8]) -> bool {
    // No family begins with another letter, and most headers do.
    if !matches!(squashed.first(), Some(b'c' | b'f' | b'r' | b's' | b't' | b'x')) {
        return squashed == HTTPOXY;
    }
    let before = FAMILIES.partition_point(|family| family.as_bytes() <= squashed);
    let family = before.checked_sub(1).and_then(|last| FAMILIES.get(last));
    family.is_some_and(|family| squashed.starts_with(family.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_are_in_order_and_none_begins_with_another() {
        for pair in FAMILIES.windows(2) {
            assert!(pair[0] < pair[1] && !pair[1].starts_with(pair[0]), "{pair:?}");
        }
    }

    #[test]
    fn a_family_is_found_by_its_beginning() {
        for family in FAMILIES {
            let bytes = family.as_bytes();
            assert!(is_of_another_proxy(bytes) && is_of_another_proxy(&[bytes, b"z9"].concat()), "{family}");
            assert!(!is_of_another_proxy(&bytes[..bytes.len() - 1]), "{family}");
        }
        for other in ["", "a", "zzz", "cf", "cfray", "proxyz", "remote", "xmcp", "contenttype"] {
            assert!(!is_of_another_proxy(other.as_bytes()), "{other}");
        }
        assert!(is_of_another_proxy(b"proxy"));
    }
}
