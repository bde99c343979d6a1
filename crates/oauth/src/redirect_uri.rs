//! Redirect URIs: what may be registered, what matches, and the proof that a target belongs to its client.
//! RFC 6749 §3.1.2, RFC 8252 §7.1, §7.3 and §8.3. Called by registration and by the authorization endpoint.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::error::OAuthError;
use crate::resource::is_loopback;

/// The longest URI that may be registered, in bytes.
pub const MAX_LENGTH: usize = 2048;

/// Private-use schemes without a dot (RFC 8252 §7.1 wants one) that known desktop clients really use.
const KNOWN_PRIVATE_USE_SCHEMES: [&str; 6] = ["cursor", "vscode", "vscode-insiders", "windsurf", "zed", "claude"];

/// Never a way back to a client, whatever the operator lists: a browser runs, shows or fetches what follows.
pub const DANGEROUS_SCHEMES: [&str; 12] =
    ["javascript", "data", "file", "blob", "vbscript", "about", "view-source", "ws", "wss", "ftp", "mailto", "intent"];

/// Parameters that this server appends to a redirect URI: a client would read a registered copy of them first.
const RESPONSE_PARAMETERS: [&str; 7] = ["code", "state", "iss", "error", "error_description", "error_uri", "response"];

/// A redirect URI proven to belong to the client: nothing can be redirected anywhere without one.
/// Made by [`crate::authorization_request::identify`] only, and read back from the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectTarget(String);

impl RedirectTarget {
    /// The one of the client's registered URIs that `requested` names; none requested: the only one registered.
    pub(crate) fn of_client(registered: &[String], requested: Option<&str>) -> Result<Self, OAuthError> {
        match (requested, registered) {
            (Some(uri), _) if registered.iter().any(|known| matches(known, uri)) => Ok(Self(uri.to_owned())),
            (Some(_), _) => Err(OAuthError::redirect_uri_not_registered()),
            (None, [only]) => Ok(Self(only.clone())),
            (None, _) => Err(OAuthError::redirect_uri_ambiguous()),
        }
    }

    /// The URI as it was requested.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the answer goes, for people: the host, or the scheme of a desktop program.
    pub fn host_for_display(&self) -> String {
        match Url::parse(&self.0) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url.host_str().unwrap_or(&self.0).to_owned(),
            Ok(url) => format!("{}:", url.scheme()),
            Err(_) => self.0.clone(),
        }
    }

    /// Whether the answer goes to a website over TLS.
    pub fn is_of_website(&self) -> bool {
        is_of_website(&self.0)
    }

    /// The port on this computer that the answer goes to, over http or https.
    pub fn loopback_port(&self) -> Option<u16> {
        loopback_port(&self.0)
    }
}

/// Whether whatever is sent there goes to a website over TLS, and to no program on somebody's computer.
pub fn is_of_website(uri: &str) -> bool {
    uri.starts_with("https://") && loopback_port(uri).is_none()
}

fn loopback_port(uri: &str) -> Option<u16> {
    let url = Url::parse(uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.port_or_known_default().filter(|_| is_loopback(&url))
}

/// RFC 6749 §3.1.2.3 and RFC 8252 §7.3: byte for byte, but the port of a loopback URI is free (also when the registered
/// one names a port: several desktop clients register one and then take another).
pub fn matches(registered: &str, requested: &str) -> bool {
    if registered == requested {
        return true;
    }
    match (loopback(registered), loopback(requested)) {
        (Some(registered), Some(requested)) => {
            registered.host == requested.host && registered.path_and_query == requested.path_and_query
        }
        _ => false,
    }
}

struct Loopback<'a> {
    host: &'a str,
    path_and_query: &'a str,
}

/// Takes a loopback http URI apart as text, after the URL parser agreed that the text is what it means.
fn loopback(uri: &str) -> Option<Loopback<'_>> {
    let url = parse_exact(uri)?;
    let rest = uri.strip_prefix("http://")?;
    let (authority, path_and_query) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = match url.port() {
        Some(port) => authority.strip_suffix(&format!(":{port}"))?,
        None => authority,
    };
    let is_loopback = matches!(host, "127.0.0.1" | "[::1]" | "localhost");
    (is_loopback && url.port() != Some(0)).then_some(Loopback { host, path_and_query })
}

/// Parses a URI that means exactly what it says: writing it out again changes nothing (an empty path may become `/`).
fn parse_exact(uri: &str) -> Option<Url> {
    let url = Url::parse(uri).ok()?;
    let written = url.as_str();
    let same = written == uri || (url.path() == "/" && written.strip_suffix('/') == Some(uri));
    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    (same && plain).then_some(url)
}

/// What the operator lets clients register besides what is always allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedirectPolicy {
    /// Private-use schemes without a dot, as `url` writes them.
    pub extra_schemes: Vec<String>,
    /// Hosts that plain http may go to, as `url` writes them: machines of a network that the operator trusts.
    pub http_hosts: Vec<String>,
}

impl RedirectPolicy {
    /// Whether a client may register this URI; the error says why not.
    pub fn check(&self, uri: &str) -> Result<(), &'static str> {
        if uri.len() > MAX_LENGTH {
            return Err("it is longer than 2048 bytes");
        }
        let url =
            parse_exact(uri).ok_or("it is not an absolute URI in normal form, or has a fragment or a user name")?;
        let listed = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
        let allowed = match url.scheme() {
            "https" => matches!(url.host(), Some(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_))),
            "http" => loopback(uri).is_some() || url.host_str().is_some_and(|host| listed(&self.http_hosts, host)),
            scheme if DANGEROUS_SCHEMES.contains(&scheme) => false,
            scheme => {
                scheme.contains('.')
                    || KNOWN_PRIVATE_USE_SCHEMES.contains(&scheme)
                    || listed(&self.extra_schemes, scheme)
            }
        };
        if !allowed {
            return Err(
                "its scheme is not allowed: use https, http on a loopback address, or a private-use scheme with a dot",
            );
        }
        if url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref())) {
            return Err("its query holds a parameter that this server adds to its answers");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTERED: &str = "https://client.example/cb?tenant=1";

    #[test]
    fn a_registered_uri_matches_itself_and_no_near_miss() {
        assert!(matches(REGISTERED, REGISTERED));
        let near_misses = [
            "https://client.example/cb",
            "https://client.example/cb?tenant=2",
            "https://client.example/cb?tenant=1&x=1",
            "https://client.example/cb?tenant=1#",
            "https://client.example/cb?tenant=1#a",
            "https://client.example/cb/?tenant=1",
            "https://client.example/CB?tenant=1",
            "https://client.example/cb?TENANT=1",
            "https://CLIENT.example/cb?tenant=1",
            "HTTPS://client.example/cb?tenant=1",
            "http://client.example/cb?tenant=1",
            "https://client.example:443/cb?tenant=1",
            "https://client.example:8443/cb?tenant=1",
            "https://user@client.example/cb?tenant=1",
            "https://client.example./cb?tenant=1",
            "https://client.example/./cb?tenant=1",
            "https://client.example/x/../cb?tenant=1",
            "https://client.example//cb?tenant=1",
            "https://client.example/%63b?tenant=1",
            "https://client.example/cb%3Ftenant=1",
            "https://client.example/cb?tenant=%31",
            "https://client.example.evil.example/cb?tenant=1",
            "https://evil.example/https://client.example/cb?tenant=1",
            "https://client.example@evil.example/cb?tenant=1",
            "https://sub.client.example/cb?tenant=1",
            "https://client.example\\cb?tenant=1",
            " https://client.example/cb?tenant=1",
            "https://client.example/cb?tenant=1 ",
            "https://client.example/cb?tenant=1\n",
            "\thttps://client.example/cb?tenant=1",
            "https://client.example/cb;x?tenant=1",
            "https://client.example/cb?tenant=1?",
            "https:/client.example/cb?tenant=1",
            "https:client.example/cb?tenant=1",
            "//client.example/cb?tenant=1",
            "/cb?tenant=1",
            "",
            "https://client.example/cb?tenant=1%00",
            "https://client.example/cb?tenant=1%0d%0aLocation:x",
            "https://client.exаmple/cb?tenant=1",
            "https://xn--client.example/cb?tenant=1",
            "javascript://client.example/cb?tenant=1",
            "data:text/html,x",
            "https://client.example/c",
            "https://client.example/cb?tenant",
            "https://client.example/cb?",
            "https://client.example",
            "https://client.example/",
            "https://client.example/cb?tenant=1/",
            "https://client.example/cb/..?tenant=1",
            "https://client.example/cb?tenant=1+",
            "https://client.example/cb?tenant=01",
            "https://client.example/cb?&tenant=1",
            "https://client.example/cb?tenant=1&",
            "https://client-example/cb?tenant=1",
            "https://clientexample/cb?tenant=1",
            "https://client.example:/cb?tenant=1",
            "https://client.example:0443/cb?tenant=1",
            "https://[client.example]/cb?tenant=1",
            "https://127.0.0.1/cb?tenant=1",
            "https://client.example/cb\u{200b}?tenant=1",
            "https://client.example/cb?tenant=1\u{0}",
            "*",
            "https://*/cb?tenant=1",
        ];
        assert!(near_misses.len() >= 60);
        for uri in near_misses {
            assert!(!matches(REGISTERED, uri), "{uri}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_uri_is_free() {
        for registered in ["http://127.0.0.1/callback", "http://127.0.0.1:33418/callback"] {
            for port in ["", ":1", ":8080", ":65535", ":33418"] {
                assert!(matches(registered, &format!("http://127.0.0.1{port}/callback")), "{port}");
            }
        }
        assert!(matches("http://[::1]/cb", "http://[::1]:4000/cb"));
        assert!(matches("http://localhost/cb?x=1", "http://localhost:4000/cb?x=1"));
        assert!(matches("http://127.0.0.1", "http://127.0.0.1:4000"));
        for (registered, requested) in [
            ("http://127.0.0.1/callback", "http://localhost:1/callback"),
            ("http://localhost/callback", "http://127.0.0.1:1/callback"),
            ("http://127.0.0.1/callback", "http://[::1]:1/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.2:1/callback"),
            ("http://127.0.0.1/callback", "http://127.1:1/callback"),
            ("http://127.0.0.1/callback", "http://0x7f.0.0.1:1/callback"),
            ("http://127.0.0.1/callback", "http://2130706433:1/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:0/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:65536/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:1/callback/"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:1/Callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:1/callback?x"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:1/callback#x"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:1/x/../callback"),
            ("http://127.0.0.1/callback", "http://user@127.0.0.1:1/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1@evil.example:1/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:1@evil.example/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1.evil.example:1/callback"),
            ("http://127.0.0.1/callback", "https://127.0.0.1:1/callback"),
            ("http://localhost/callback", "http://LOCALHOST:1/callback"),
            ("http://localhost/callback", "http://localhost.:1/callback"),
            ("http://localhost/callback", "http://evil.localhost:1/callback"),
            ("http://[::1]/callback", "http://[0:0:0:0:0:0:0:1]:1/callback"),
            ("http://[::1]/callback", "http://[::ffff:127.0.0.1]:1/callback"),
            ("https://127.0.0.1/callback", "https://127.0.0.1:1/callback"),
            ("http://client.example/callback", "http://client.example:1/callback"),
        ] {
            assert!(!matches(registered, requested), "{registered} {requested}");
        }
    }

    #[test]
    fn registration_takes_https_loopback_and_desktop_schemes_only() {
        for good in [
            "https://claude.ai/api/mcp/auth_callback",
            "http://localhost:8787/callback",
            "http://127.0.0.1:33418/",
            "http://127.0.0.1",
            "http://[::1]:1/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "com.example.app:/oauth",
            "vscode://x/y",
        ] {
            assert_eq!(RedirectPolicy::default().check(good), Ok(()), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "blob:https://x.example/1",
            "vbscript:x",
            "view-source:https://x.example/",
            "about:blank",
            "ftp://x.example/",
            "myapp:/cb",
            "mailto:a@b.example",
            "http://client.example/cb",
            "http://192.168.0.1/cb",
            "https://client.example/cb#x",
            "https://u@client.example/cb",
            "https://*/cb#",
            "https://client.example/a/../cb",
            "/cb",
            "",
            "https://",
            "https://client.example:443/cb",
            "http://127.0.0.1:0/cb",
        ] {
            assert!(RedirectPolicy::default().check(bad).is_err(), "{bad}");
        }
        assert!(
            RedirectPolicy::default().check(&format!("https://client.example/{}", "a".repeat(MAX_LENGTH))).is_err()
        );
    }

    #[test]
    fn registration_refuses_the_names_of_response_parameters_in_the_query() {
        for name in RESPONSE_PARAMETERS {
            assert!(RedirectPolicy::default().check(&format!("https://client.example/cb?{name}=x")).is_err(), "{name}");
        }
        for encoded in ["c%6fde=x", "a=1&st%61te", "%65rror="] {
            assert!(
                RedirectPolicy::default().check(&format!("https://client.example/cb?{encoded}")).is_err(),
                "{encoded}"
            );
        }
        assert_eq!(RedirectPolicy::default().check("https://client.example/cb?codec=1"), Ok(()));
    }

    #[test]
    fn people_are_told_the_host_or_the_scheme() {
        let host = |uri: &str| RedirectTarget(uri.into()).host_for_display();
        assert_eq!(host("https://claude.ai/api/mcp/auth_callback"), "claude.ai");
        assert_eq!(host("cursor://anysphere.cursor-mcp/oauth/callback"), "cursor:");
        assert_eq!(RedirectTarget("http://localhost:8787/cb".into()).loopback_port(), Some(8787));
        assert_eq!(RedirectTarget("https://claude.ai/cb".into()).loopback_port(), None);
        for (here, port) in
            [("https://127.0.0.1:4443/cb", 4443), ("https://[::1]/cb", 443), ("https://app.localhost/cb", 443)]
        {
            let target = RedirectTarget(here.into());
            assert_eq!((target.loopback_port(), target.is_of_website()), (Some(port), false), "{here}");
        }
        assert!(RedirectTarget("https://localhost.example/cb".into()).is_of_website());
    }
}
