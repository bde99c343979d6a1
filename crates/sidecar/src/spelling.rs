//! Other spellings of a resource URI: RFC 3986 §6.2, and the URL standard. Asked by `policy.rs`, and by the configuration
//! about the URIs that rules name.
//!
//! MCP servers parse a URI before they look for its resource (the official SDKs do), and so take `FILE:///a/../b` for
//! `file:///b`; many decode its path too. A rule must count for each of them, or another spelling would pass it.

use std::ops::Range;

use url::Url;

/// So often is a URI parsed and decoded. Whoever decodes more often than that reads something that nobody sent.
const ROUNDS: usize = 3;

/// What else a URI may be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// What others may read in it, without the URI itself. Also what is left without its fragment and its query: many servers
    /// look at neither when they open a file.
    pub readings: Vec<String>,
    /// The same with fewer slashes, which file systems take for the same. To others they are not, so these count only for a rule that
    /// means them more than any means the URI.
    pub with_fewer_slashes: Vec<String>,
}

/// All of them.
pub fn others(uri: &str) -> Others {
    let mut others = Others { readings: readings(uri, str::to_owned), with_fewer_slashes: Vec::new() };
    let all = || std::iter::once(uri).chain(others.readings.iter().map(String::as_str));
    let with_single: Vec<String> = all().filter(|each| has_empty_segments(each)).map(single_slashes).collect();
    let without_last = all().filter(|each| each.ends_with('/')).map(single_slashes);
    let without_last: Vec<String> = without_last.filter_map(|each| each.strip_suffix('/').map(str::to_owned)).collect();
    if !with_single.is_empty() {
        // Before `..` is followed: the URL standard goes up from an empty segment, and a file system from the one before it.
        for reading in readings(uri, single_slashes) {
            if with_single.contains(&reading) {
                others.add_shorter(uri, reading);
            } else if !others.readings.contains(&reading) {
                others.readings.push(reading);
            }
        }
    }
    without_last.into_iter().for_each(|each| others.add_shorter(uri, each));
    others
}

impl Others {
    fn add_shorter(&mut self, uri: &str, shorter: String) {
        if shorter != uri && !self.readings.contains(&shorter) && !self.with_fewer_slashes.contains(&shorter) {
            self.with_fewer_slashes.push(shorter);
        }
    }
}

/// Parsed and decoded again and again, each time after `prepare`: what differs from the URI.
fn readings(uri: &str, prepare: fn(&str) -> String) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |spelling: &str| {
        if spelling != uri && !found.iter().any(|known| known == spelling) {
            found.push(spelling.to_owned());
        }
    };
    let mut last = prepare(uri);
    add(&last);
    for _ in 0..ROUNDS {
        let parsed = Url::parse(&last).map_or_else(|_| last.clone(), String::from);
        // The URL standard leaves the case of a host alone whose scheme it does not know.
        let parsed = in_lower_case(&parsed).unwrap_or(parsed);
        // Whoever decodes a path has no query in it then, and follows what is behind.
        let decoded_path = prepare(&decoded(&parsed, b"?#"));
        for spelling in [&parsed, &decoded_path] {
            add(spelling);
            add(without_query(spelling));
        }
        if decoded_path.contains('%') {
            let decoded = decoded(&parsed, b"");
            add(&decoded);
            add(without_query(&decoded));
        }
        if decoded_path == last {
            break;
        }
        last = decoded_path;
    }
    found
}

/// Nor with a fragment.
fn without_query(uri: &str) -> &str {
    uri.split(['?', '#']).next().unwrap_or_default()
}

/// Where its path is.
fn path_of(uri: &str) -> Range<usize> {
    let begin = uri.find("://").filter(|at| !uri[..*at].contains(['/', '?', '#'])).map_or(0, |at| {
        let rest = &uri[at + 3..];
        at + 3 + rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())
    });
    begin..begin + without_query(&uri[begin..]).len()
}

/// A backslash is a slash to the URL standard.
fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

fn has_empty_segments(uri: &str) -> bool {
    uri[path_of(uri)].as_bytes().windows(2).any(|two| two.iter().copied().all(is_slash))
}

/// Without the empty segments of its path.
fn single_slashes(uri: &str) -> String {
    let path = path_of(uri);
    let mut single = uri[..path.start].to_owned();
    for character in uri[path.clone()].chars() {
        let is_slash = matches!(character, '/' | '\\');
        if !(is_slash && single.len() > path.start && single.ends_with(['/', '\\'])) {
            single.push(character);
        }
    }
    single + &uri[path.end..]
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

/// RFC 3986 §2.1. What is no escape stays, and so do escapes of the bytes that are `kept`.
fn decoded(text: &str, kept: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let escaped = behind.get(..2).filter(|_| *first == b'%').and_then(hexadecimal);
        let escaped = escaped.filter(|byte| !kept.contains(byte));
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
            assert!(others(uri).readings.iter().any(|other| other == "file:///b"), "{uri}: {:?}", others(uri));
        }
    }

    #[test]
    fn the_case_of_scheme_and_host_does_not_count_whatever_the_scheme() {
        for uri in
            ["notes://SECRET/A", "NOTES://Secret/A", "notes://%53ECRET/A", "notes://sEcret/./A", "notes://secret/%41"]
        {
            assert!(others(uri).readings.iter().any(|other| other == "notes://secret/A"), "{uri}: {:?}", others(uri));
        }
        assert!(!others("notes://secret/A").readings.iter().any(|other| other.ends_with("/a")), "that of a path does");
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
        for uri in ["file:///b", "notes://a/b", "notes/a", "", "%", "%zz", "%+1"] {
            assert_eq!(others(uri), Others::default(), "{uri}");
        }
    }

    #[test]
    fn a_file_is_the_same_without_query_and_fragment_and_whatever_it_goes_up_from() {
        for uri in [
            "file:///b?",
            "file:///b#",
            "file:///b?c#d",
            "file:///b%3Fc",
            "file:///b%23c",
            "file:///a%3F%2F..%2F..%2Fb",
            "file:///a//../b",
            "file:///a/%2F../b",
            "file:///a\\/../b",
        ] {
            assert!(others(uri).readings.iter().any(|other| other == "file:///b"), "{uri}: {:?}", others(uri));
        }
    }

    #[test]
    fn empty_segments_are_left_out_beside_what_was_written() {
        for (uri, shorter) in [
            ("file:///a//b", &["file:///a/b"][..]),
            ("file:///b/", &["file:///b"]),
            ("file:///a///b//", &["file:///a/b/", "file:///a/b"]),
            ("https://h/a?b=//c", &[]),
            ("web:https://h//a", &["web:https://h/a"]),
        ] {
            assert_eq!(others(uri).with_fewer_slashes, shorter, "{uri}");
        }
    }
}
