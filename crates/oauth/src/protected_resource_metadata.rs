//! The document in which a protected resource names its authorization server. RFC 9728 §2 and §3.

use serde::Serialize;

use crate::resource::ResourceId;
use crate::scope::Scope;

/// The metadata of one resource. Members without a value are left out (RFC 9728 §3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProtectedResourceMetadata {
    /// Byte for byte what the user typed (RFC 9728 §3.3).
    pub resource: String,
    /// One issuer, byte for byte as in the authorization server's own metadata.
    pub authorization_servers: [String; 1],
    /// What basic use needs; clients ask for exactly these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// Only the `Authorization` header (RFC 6750 §2.1).
    pub bearer_methods_supported: [&'static str; 1],
    /// The name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// A page for developers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_documentation: Option<String>,
    /// What may be done with what it gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_policy_uri: Option<String>,
    /// The terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_tos_uri: Option<String>,
}

impl ProtectedResourceMetadata {
    /// The document of a resource.
    pub fn new(resource: &ResourceId, issuer: &str, scope: &Scope, name: Option<&str>) -> Self {
        Self {
            resource: resource.as_str().to_owned(),
            authorization_servers: [issuer.to_owned()],
            scopes_supported: scope.iter().map(str::to_owned).collect(),
            bearer_methods_supported: ["header"],
            resource_name: name.map(str::to_owned),
            resource_documentation: None,
            resource_policy_uri: None,
            resource_tos_uri: None,
        }
    }
}

/// RFC 9728 §3.1: the path of a resource's metadata, inserted between host and path. `resource_path` is empty or begins
/// with a slash.
pub fn well_known_path(resource_path: &str) -> String {
    format!("/.well-known/oauth-protected-resource{}", resource_path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_members_are_left_out() {
        let id = ResourceId::from_config("https://h.example/mcp").expect("a resource");
        let document = ProtectedResourceMetadata::new(&id, "https://h.example", &Scope::empty(), None);
        let json = serde_json::to_string(&document).expect("JSON");
        assert_eq!(
            json,
            r#"{"resource":"https://h.example/mcp","authorization_servers":["https://h.example"],"bearer_methods_supported":["header"]}"#
        );
    }

    /// Proves RFC 9728 §3.1: the well-known path is inserted before the path of the resource.
    #[test]
    fn the_well_known_path_is_inserted_before_the_path_of_the_resource() {
        assert_eq!(well_known_path("/public/mcp"), "/.well-known/oauth-protected-resource/public/mcp");
        assert_eq!(well_known_path("/mcp/"), "/.well-known/oauth-protected-resource/mcp");
        assert_eq!(well_known_path("/"), "/.well-known/oauth-protected-resource");
        assert_eq!(well_known_path(""), "/.well-known/oauth-protected-resource");
    }
}
