//! The protected resource and its identifier: resource indicators (RFC 8707 §2) and the canonical URI of an MCP server.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::client::Client;
use crate::error::OAuthError;
use crate::scope::Scope;

/// The canonical URI of a protected MCP server: the `resource` of its metadata (RFC 9728 §2) and the `aud` of its tokens,
/// kept byte for byte as configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceId(String);

impl ResourceId {
    /// Takes a configured URI: absolute, https (http on loopback only), lower-case host, no default port, no user, query or fragment
    /// (RFC 8707 §2), no trailing slash. The error says what is wrong.
    pub fn from_config(uri: &str) -> Result<Self, &'static str> {
        let url = Url::parse(uri).map_err(|_| "it is not an absolute URI")?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("it is not an http or https URI with a host");
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err("it is not https (RFC 9728 section 1.2); http is accepted for localhost only");
        }
        if url.fragment().is_some() || url.query().is_some() {
            return Err("it has a query or a fragment");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it has a user name");
        }
        if uri.ends_with('/') {
            return Err("it ends in a slash, which clients do not expect");
        }
        let canonical = url.as_str().trim_end_matches('/');
        if canonical != uri {
            return Err("it is not in canonical form (lower-case scheme and host, no default port, no dot segments)");
        }
        Ok(Self(uri.to_owned()))
    }

    /// Reads an identifier that was checked before it was stored.
    pub fn from_stored(uri: String) -> Self {
        Self(uri)
    }

    /// The URI as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a received indicator names this resource. Scheme and host are compared without case, a default port and
    /// one trailing slash do not count (SDKs send `URL.href`, which adds it to an origin); everything else is exact.
    pub fn is_named_by(&self, received: &str) -> bool {
        if received == self.0 {
            return true;
        }
        let Ok(url) = Url::parse(received) else {
            return false;
        };
        // Dot segments and odd escapes would be normalised away by the parser: what was sent must already be plain.
        let rest = received.split_once("://").map_or("", |(_, rest)| rest);
        let sent_path = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
        let plain = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && (sent_path.is_empty() || sent_path == url.path());
        let text = url.as_str();
        plain && text.strip_suffix('/').unwrap_or(text) == self.0
    }
}

/// Whether a URL leads to this machine: there, and only there, http will do (RFC 9728 §1.2, RFC 8252 §8.3).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One scope of a resource, in words for the person who consents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeDefinition {
    /// The name on the wire.
    pub name: String,
    /// What it allows, in words.
    pub title: String,
    /// What it includes besides.
    pub implies: Scope,
    /// Whether nobody can leave it out when they consent.
    pub required: bool,
}

impl ScopeDefinition {
    /// A scope that includes no other, and that can be left out.
    pub fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self { name: name.into(), title: title.into(), implies: Scope::empty(), required: false }
    }
}

/// A protected MCP server as the authorization server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its identifier.
    pub id: ResourceId,
    /// Its name for people.
    pub name: String,
    /// Every scope it has.
    pub scopes: Vec<ScopeDefinition>,
    /// What a request without (known) scopes gets.
    pub default_scope: Scope,
}

impl Resource {
    /// The names of all its scopes.
    pub fn known_scope(&self) -> Scope {
        self.scopes.iter().map(|scope| scope.name.clone()).collect()
    }

    /// One of its scopes.
    pub fn scope(&self, name: &str) -> Option<&ScopeDefinition> {
        self.scopes.iter().find(|scope| scope.name == name)
    }

    /// What a scope includes beyond itself, by itself or through others, in the order in which they are defined.
    pub fn included_in(&self, name: &str) -> Scope {
        let mut reached = Scope::empty();
        let mut open = vec![name];
        while let Some(next) = open.pop() {
            let Some(definition) = self.scope(next) else { continue };
            open.extend(definition.implies.iter().filter(|included| !reached.contains(included)));
            reached = reached.union(&definition.implies);
        }
        self.known_scope().iter().filter(|own| *own != name && reached.contains(own)).map(str::to_owned).collect()
    }

    /// A scope with everything that its parts include.
    pub fn with_included(&self, scope: &Scope) -> Scope {
        scope.iter().fold(scope.clone(), |whole, name| whole.union(&self.included_in(name)))
    }

    /// What nobody can take out of a request when they consent: what is required, and a scope that is asked for alone, since
    /// nothing would be left.
    pub fn fixed_scope(&self, requested: &Scope) -> Scope {
        let possible = requested.intersection(&self.known_scope());
        if possible.iter().count() == 1 {
            return possible;
        }
        possible.iter().filter(|name| self.scope(name).is_some_and(|scope| scope.required)).map(str::to_owned).collect()
    }

    /// What a person allows of a request (RFC 6749 §3.3: it may be less than was asked for): of the scopes that were asked for
    /// and that there still are, those that they left ticked and those that nobody can leave out. Whatever else is ticked
    /// changes nothing.
    pub fn allowed_scope(&self, requested: &Scope, ticked: &Scope) -> Scope {
        let kept = self.fixed_scope(requested).union(ticked);
        requested.intersection(&self.known_scope()).intersection(&kept)
    }
}

/// The resource that the `resource` parameters of a request name (RFC 8707 §2). None sent: the only one there is, because
/// clients of the 2025-03-26 revision never send it. Several different ones, or an unknown one: `invalid_target`.
pub fn select<'a>(
    resources: &'a [Resource],
    client: &Client,
    indicators: &[String],
) -> Result<&'a Resource, OAuthError> {
    let mut permitted = resources.iter().filter(|resource| client.may_access(&resource.id));
    let Some(first) = indicators.first() else {
        return match (permitted.next(), permitted.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(OAuthError::resource_missing()),
        };
    };
    let resource = permitted.find(|known| known.id.is_named_by(first)).ok_or_else(OAuthError::resource_unknown)?;
    if indicators.iter().all(|indicator| resource.id.is_named_by(indicator)) {
        Ok(resource)
    } else {
        Err(OAuthError::resource_several())
    }
}

/// RFC 8707 §2.2: at the token endpoint `resource` may only repeat what was granted.
pub fn within_grant(granted: &ResourceId, indicators: &[String]) -> Result<(), OAuthError> {
    if indicators.iter().all(|indicator| granted.is_named_by(indicator)) {
        Ok(())
    } else {
        Err(OAuthError::resource_not_granted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ClientId, Registration};
    use crate::error::Code;
    use crate::time::Timestamp;

    fn id(uri: &str) -> ResourceId {
        ResourceId::from_config(uri).expect("a resource")
    }

    fn resource(uri: &str) -> Resource {
        Resource { id: id(uri), name: uri.into(), scopes: Vec::new(), default_scope: Scope::empty() }
    }

    #[test]
    fn configured_identifiers_must_be_canonical() {
        for good in [
            "https://mcp.example.com/mcp",
            "https://mcp.example.com",
            "http://127.0.0.1:8080/mcp",
            "https://h.example/a/b",
        ] {
            assert_eq!(id(good).as_str(), good);
        }
        for bad in [
            "mcp.example.com/mcp",
            "ftp://h.example/x",
            "https://h.example/mcp/",
            "https://h.example/",
            "https://h.example/mcp?x=1",
            "https://h.example/mcp#a",
            "https://u@h.example/mcp",
            "https://H.example/mcp",
            "https://h.example:443/mcp",
            "http://h.example/mcp",
            "http://127.0.0.1.h.example/mcp",
            "https://h.example/a/../mcp",
            "mailto:a@b.example",
            "https:///mcp",
            "",
        ] {
            assert!(ResourceId::from_config(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn indicators_differ_from_the_identifier_only_in_case_of_host_default_port_and_one_trailing_slash() {
        let mcp = id("https://mcp.example.com/mcp");
        for same in [
            "https://mcp.example.com/mcp",
            "https://mcp.example.com/mcp/",
            "HTTPS://MCP.Example.com/mcp",
            "https://mcp.example.com:443/mcp",
        ] {
            assert!(mcp.is_named_by(same), "{same}");
        }
        for other in [
            "https://mcp.example.com",
            "https://mcp.example.com/MCP",
            "https://mcp.example.com/mcp2",
            "https://mcp.example.com/mcp//",
            "https://mcp.example.com/mcp/x",
            "https://mcp.example.com:8443/mcp",
            "http://mcp.example.com/mcp",
            "https://mcp.example.com/mcp?a",
            "https://mcp.example.com/mcp#a",
            "https://mcp.example.com.evil.example/mcp",
            "https://evil@mcp.example.com/mcp",
            "https://mcp.example.com/a/../mcp",
            "https://mcp.example.com/%6dcp",
            "mcp",
            "",
        ] {
            assert!(!mcp.is_named_by(other), "{other}");
        }
        assert!(id("https://mcp.example.com").is_named_by("https://mcp.example.com/"));
    }

    fn anybody() -> Client {
        Client::new(ClientId::new("c"), Registration::Dynamic, Timestamp::from_unix(0))
    }

    fn scope(text: &str) -> Scope {
        text.parse().expect("a scope")
    }

    /// "use" is required; "admin" includes "write", which includes "read"; "a" and "b" include one another.
    fn tickets() -> Resource {
        let define = |name: &str, implies: &str, required| ScopeDefinition {
            implies: scope(implies),
            required,
            ..ScopeDefinition::new(name, name)
        };
        let scopes = vec![
            define("use", "", true),
            define("read", "", false),
            define("write", "read", false),
            define("admin", "write", false),
            define("a", "b", false),
            define("b", "a", false),
        ];
        Resource { scopes, ..resource("https://h.example/mcp") }
    }

    #[test]
    fn a_scope_includes_what_those_include_that_it_includes() {
        let included = |name: &str| tickets().included_in(name).to_string();
        assert_eq!(included("admin"), "read write");
        assert_eq!(included("write"), "read");
        assert_eq!((included("read"), included("a"), included("nothing")), (String::new(), "b".into(), String::new()));
        let whole = |scope: &str| tickets().with_included(&scope.parse().expect("a scope")).to_string();
        assert_eq!(
            (whole("a read"), whole("use write"), whole("gone")),
            ("a read b".into(), "use write read".into(), "gone".into())
        );
    }

    /// Proves RFC 6749 §3.3: a person may allow less than was asked for, and never more.
    #[test]
    fn what_is_allowed_was_asked_for_exists_and_was_ticked_or_is_required() {
        for (requested, ticked, allowed) in [
            ("use read write", "use read write", "use read write"),
            ("use read write", "read", "use read"),
            ("use read write", "", "use"),
            ("read write", "write", "write"),
            ("read write", "", ""),
            ("read write", "use", ""),
            ("read write", "admin a b read", "read"),
            ("read write", "READ", ""),
            // Alone, nobody can leave it out: that would be a denial.
            ("read", "", "read"),
            ("read", "write admin", "read"),
            ("read gone", "gone", "read"),
            ("gone", "gone", ""),
            ("use", "", "use"),
            ("", "read", ""),
        ] {
            let granted = tickets().allowed_scope(&scope(requested), &scope(ticked));
            assert_eq!(granted.to_string(), allowed, "{requested:?} with {ticked:?} ticked");
        }
    }

    #[test]
    fn a_missing_indicator_means_the_only_resource_and_an_unknown_one_is_invalid_target() {
        let one = [resource("https://h.example/a")];
        let two = [resource("https://h.example/a"), resource("https://h.example/b")];
        let b = || vec!["https://h.example/b".to_owned()];
        assert_eq!(select(&one, &anybody(), &[]).map(|r| r.id.as_str()), Ok("https://h.example/a"));
        assert_eq!(select(&two, &anybody(), &b()).map(|r| r.id.as_str()), Ok("https://h.example/b"));
        for (resources, indicators) in
            [(&two[..], vec![]), (&one[..], b()), (&two[..], vec![b()[0].clone(), "https://h.example/a".into()])]
        {
            assert_eq!(select(resources, &anybody(), &indicators).expect_err("refused").code, Code::InvalidTarget);
        }
    }

    #[test]
    fn the_token_endpoint_takes_no_resource_beyond_the_grant() {
        let granted = id("https://h.example/a");
        assert_eq!(within_grant(&granted, &[]), Ok(()));
        assert_eq!(within_grant(&granted, &["https://h.example/a/".into()]), Ok(()));
        assert!(within_grant(&granted, &["https://h.example/b".into()]).is_err());
    }
}
