//! The public URL of a server, as the person who connects types it. It becomes issuer (RFC 8414 §2) and the origin of
//! resource identifiers (RFC 8707 §2), which clients compare byte for byte: so it is kept byte for byte, and refused
//! unless it is in the one form that clients derive from it.

use std::fmt;

use gatelodge_oauth::resource::is_loopback;
use url::Url;

use super::Problems;

/// A public URL: https (http only on loopback), canonical, without query, fragment, user or trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    url: Url,
}

impl PublicUrl {
    /// As configured, byte for byte.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port as a browser writes them in `Origin` (RFC 6454 §6.2).
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Host and, unless it is the scheme's default, port: what `Host` says (RFC 9110 §7.2).
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The path without a trailing slash: empty for a bare origin.
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Whether the scheme is https.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Checks a public URL; notes what is wrong under `key`.
pub fn public_url(text: &str, key: &str, problems: &mut Problems) -> Option<PublicUrl> {
    match parse(text) {
        Ok(url) => Some(url),
        Err((says, hint)) => {
            problems.add(key, format!("{text:?} {says}"), hint);
            None
        }
    }
}

fn parse(text: &str) -> Result<PublicUrl, (&'static str, String)> {
    let example = || "write it as people will type it, for instance \"https://mcp.example.com\"".to_owned();
    let url = Url::parse(text).map_err(|_| ("is not an absolute URL", example()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(("is not an https URL with a host", example()));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err((
            "is not https",
            format!("write \"https{}\"; http is accepted for localhost only", &text["http".len()..]),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(("has a user name or a password", "remove what stands before the @".into()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(("has a query or a fragment", "remove everything from the ? or # on".into()));
    }
    let canonical = url.as_str().trim_end_matches('/');
    if canonical != text {
        return Err(("is not in the form that clients compare with", format!("write \"{canonical}\"")));
    }
    Ok(PublicUrl { text: text.to_owned(), url })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_urls_are_kept_byte_for_byte() {
        for (text, origin, authority, path) in [
            ("https://mcp.example.com", "https://mcp.example.com", "mcp.example.com", ""),
            ("https://h.example:8443/tenant", "https://h.example:8443", "h.example:8443", "/tenant"),
            ("http://localhost:8080", "http://localhost:8080", "localhost:8080", ""),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080", ""),
            ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080", ""),
        ] {
            let url = parse(text).expect(text);
            assert_eq!((url.as_str(), url.authority().as_str(), url.path()), (text, authority, path));
            assert_eq!(url.origin(), origin);
        }
    }

    #[test]
    fn what_clients_would_not_recognise_is_refused_with_what_to_write() {
        for (text, hint) in [
            ("https://mcp.example.com/", "write \"https://mcp.example.com\""),
            ("https://MCP.example.com", "write \"https://mcp.example.com\""),
            ("https://mcp.example.com:443", "write \"https://mcp.example.com\""),
            ("http://mcp.example.com", "write \"https://mcp.example.com\"; http is accepted for localhost only"),
            ("https://mcp.example.com?x=1", "remove everything from the ? or # on"),
            ("https://mcp.example.com#x", "remove everything from the ? or # on"),
            ("https://me@mcp.example.com", "remove what stands before the @"),
            (
                "http://localhost.evil.example",
                "write \"https://localhost.evil.example\"; http is accepted for localhost only",
            ),
        ] {
            assert_eq!(parse(text).expect_err(text).1, hint, "{text}");
        }
        for text in ["mcp.example.com", "ftp://mcp.example.com", "", "mailto:a@b.example"] {
            let mut problems = Problems::default();
            assert!(public_url(text, "public_url", &mut problems).is_none(), "{text}");
            assert!(problems.to_string().contains("hint: write it as people will type it"), "{problems}");
        }
    }
}
