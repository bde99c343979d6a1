//! Whose documents an operator trusts, by the host of the `client_id`.
//! draft-ietf-oauth-client-id-metadata-document §6.1. Asked when a client is identified, and so at each refresh too.

use std::str::FromStr;

use url::Host;

/// A host, or with a dot in front a host and every name below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    host: String,
    and_below: bool,
}

impl HostPattern {
    /// Whether a host is meant. Names are compared label by label: `.example.com` is not `badexample.com`.
    pub fn matches(&self, host: &str) -> bool {
        let below = || host.strip_suffix(&self.host).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1);
        host == self.host || (self.and_below && below())
    }
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, and_below) = match text.strip_prefix('.') {
            Some(host) => (host, true),
            None => (text, false),
        };
        match Host::parse(host) {
            Ok(Host::Domain(name)) if name == host && host.split('.').all(is_label) => {
                Ok(Self { host: name, and_below })
            }
            Ok(address @ (Host::Ipv4(_) | Host::Ipv6(_))) if address.to_string() == host && !and_below => {
                Ok(Self { host: address.to_string(), and_below })
            }
            _ => Err(format!("{text:?} is not a host in lower case, with a dot in front or without")),
        }
    }
}

/// A part of a name between two dots (RFC 1123 §2.1).
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// Which hosts may say who a client is. What is denied stays denied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostPolicy {
    /// Only these; `None`: all.
    pub allow: Option<Vec<HostPattern>>,
    /// Never these.
    pub deny: Vec<HostPattern>,
}

impl HostPolicy {
    /// Whether documents of this host count.
    pub fn permits(&self, host: &str) -> bool {
        let any = |patterns: &[HostPattern]| patterns.iter().any(|pattern| pattern.matches(host));
        !any(&self.deny) && self.allow.as_deref().is_none_or(any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<HostPattern> {
        texts.iter().map(|text| text.parse().expect("a pattern")).collect()
    }

    #[test]
    fn a_pattern_ends_at_the_dots_of_names() {
        for (pattern, host, expected) in [
            ("example.com", "example.com", true),
            ("example.com", "a.example.com", false),
            ("example.com", "badexample.com", false),
            ("example.com", "example.com.evil", false),
            (".example.com", "example.com", true),
            (".example.com", "a.example.com", true),
            (".example.com", "a.b.example.com", true),
            (".example.com", "badexample.com", false),
            (".example.com", "bad-example.com", false),
            (".example.com", ".example.com", false),
            (".example.com", "example.com.", false),
            (".example.com", "example.org", false),
            (".example.com", "com", false),
            (".com", "example.com", true),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "110.0.0.1", false),
            ("[::1]", "[::1]", true),
        ] {
            assert_eq!(pattern.parse::<HostPattern>().expect(pattern).matches(host), expected, "{pattern} {host}");
        }
    }

    #[test]
    fn what_is_denied_stays_denied() {
        let open = HostPolicy::default();
        assert!(open.permits("example.com"));
        let denied = HostPolicy { allow: None, deny: patterns(&[".example.com"]) };
        assert!(!denied.permits("example.com") && !denied.permits("a.example.com") && denied.permits("badexample.com"));
        let both = HostPolicy { allow: Some(patterns(&[".example.com"])), deny: patterns(&["evil.example.com"]) };
        assert!(both.permits("a.example.com") && !both.permits("evil.example.com") && !both.permits("example.org"));
        assert!(!HostPolicy { allow: Some(Vec::new()), deny: Vec::new() }.permits("example.com"));
    }

    #[test]
    fn a_pattern_is_a_host_and_nothing_else() {
        for text in [
            "",
            ".",
            "..example.com",
            "Example.com",
            "example.com.",
            "*.example.com",
            "https://example.com",
            "example.com/",
            "example.com:443",
            "a b",
            ".10.0.0.1",
            "b\u{fc}cher.example",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
