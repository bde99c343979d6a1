//! Other spellings of a resource URI: RFC 3986 §6.2, and the URL standard. Asked by `policy.rs`, and by the configuration
//! about the URIs that rules name.
//!
//! MCP servers parse a URI before they look for its resource (the official SDKs do), and so take `FILE:///a/../b` for
//! `file:///b`; many decode its path too. A rule must count for each of them, or another spelling would pass it.

use url::Url;

/// So often is a URI parsed and decoded. Whoever decodes more often than that reads something that nobody sent.
const ROUNDS: usize = 3;

/// What others may read in it, without the URI itself.
pub fn others(uri: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut last = uri.to_owned();
    for _ in 0..ROUNDS {
        let parsed = Url::parse(&last).map_or_else(|_| last.clone(), String::from);
        // The URL standard leaves the case of a host alone whose scheme it does not know.
        let parsed = in_lower_case(&parsed).unwrap_or(parsed);
        let decoded = decoded(&parsed);
        let is_end = decoded == last;
        for spelling in [parsed, decoded.clone()] {
            if spelling != uri && !found.contains(&spelling) {
                found.push(spelling);
            }
        }
        if is_end {
            break;
        }
        last = decoded;
    }
    found
}

/// RFC 3986 §6.2.2.1: the case of scheme and host does not count. Nothing, where there is nothing to change. The user in front
/// of a host is left alone.
pub fn in_lower_case(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.*".contains(&byte)) {
        return None;
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    let (user, host, rest) = (&rest[..host], &rest[host..end], &rest[end..]);
    let lower = format!("{}://{user}{}{rest}", scheme.to_ascii_lowercase(), host.to_lowercase());
    (lower != uri).then_some(lower)
}

/// RFC 3986 §2.1. What is no escape stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let escaped = behind.get(..2).filter(|_| *first == b'%').and_then(hexadecimal);
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u8::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_leads_to_what_a_server_would_read() {
        for uri in
            ["FILE:///b", "file:///a/../b", "file:///a/%2e%2e/b", "file:///a/..%2fb", "file:///%62", "file:///%2562"]
        {
            assert!(others(uri).iter().any(|other| other == "file:///b"), "{uri}: {:?}", others(uri));
        }
    }

    #[test]
    fn the_case_of_scheme_and_host_does_not_count_whatever_the_scheme() {
        for uri in
            ["notes://SECRET/A", "NOTES://Secret/A", "notes://%53ECRET/A", "notes://sEcret/./A", "notes://secret/%41"]
        {
            assert!(others(uri).iter().any(|other| other == "notes://secret/A"), "{uri}: {:?}", others(uri));
        }
        assert!(!others("notes://secret/A").iter().any(|other| other.ends_with("/a")), "that of a path does");
        for (uri, lower) in [
            ("Notes://User:Pw@Host:1/Path?Q=R#F", Some("notes://User:Pw@host:1/Path?Q=R#F")),
            ("*://HOST", Some("*://host")),
            ("Notes*", None),
            ("notes://host/A://B", None),
            ("A b://C", None),
            ("Urn:X:Y", None),
        ] {
            assert_eq!(in_lower_case(uri).as_deref(), lower, "{uri}");
        }
    }

    #[test]
    fn what_is_plain_has_no_other_spelling() {
        for uri in ["file:///b", "notes://a/b?c=d", "notes/a", "", "%", "%zz", "%+1"] {
            assert_eq!(others(uri), Vec::<String>::new(), "{uri}");
        }
    }
}
