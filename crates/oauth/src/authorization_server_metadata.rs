//! The document in which the authorization server describes itself. RFC 8414 §2 and §3, RFC 8628 §4, RFC 9126 §5, RFC 9207 §3.

use serde::Serialize;

use crate::access_token::SigningAlgorithm;
use crate::client::{GrantType, TokenEndpointAuthMethod};
use crate::client_keys;
use crate::resource::Resource;
use crate::scope::Scope;

/// The metadata. Members that do not apply are left out: several SDKs refuse `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuthorizationServerMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    pushed_authorization_request_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_authorization_endpoint: Option<String>,
    jwks_uri: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    code_challenge_methods_supported: [&'static str; 1],
    authorization_response_iss_parameter_supported: bool,
    #[serde(skip_serializing_if = "is_false")]
    client_id_metadata_document_supported: bool,
    protected_resources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ui_locales_supported: Vec<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    openid: Option<OpenIdMembers>,
}

/// What OpenID Connect Discovery 1.0 §3 requires besides: SDKs that look there first validate the document strictly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct OpenIdMembers {
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    /// Absent it would mean true; only what was pushed here (RFC 9126) is taken by reference.
    request_uri_parameter_supported: bool,
}

/// What the operator switched on or off: the document claims nothing that this deployment does not do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Features {
    /// RFC 7591.
    pub dynamic_registration: bool,
    /// RFC 8628.
    pub device_grant: bool,
    /// draft-ietf-oauth-client-id-metadata-document §5.
    pub client_id_metadata_documents: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl AuthorizationServerMetadata {
    /// The RFC 8414 document of `issuer`.
    pub fn new(issuer: &str, resources: &[Resource], features: Features) -> Self {
        let scopes = resources.iter().fold(Scope::empty(), |all, resource| all.union(&resource.known_scope()));
        let auth_methods = TokenEndpointAuthMethod::ALL.map(TokenEndpointAuthMethod::as_str).to_vec();
        let proofs = TokenEndpointAuthMethod::ALL.into_iter().filter(|method| *method != TokenEndpointAuthMethod::None);
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: format!("{issuer}/authorize"),
            token_endpoint: format!("{issuer}/token"),
            registration_endpoint: features.dynamic_registration.then(|| format!("{issuer}/register")),
            pushed_authorization_request_endpoint: format!("{issuer}/par"),
            device_authorization_endpoint: features.device_grant.then(|| format!("{issuer}/device_authorization")),
            jwks_uri: format!("{issuer}/jwks"),
            scopes_supported: scopes.iter().map(str::to_owned).collect(),
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: GrantType::ALL
                .into_iter()
                .filter(|grant_type| *grant_type != GrantType::DeviceCode || features.device_grant)
                .map(GrantType::as_str)
                .collect(),
            token_endpoint_auth_methods_supported: auth_methods.clone(),
            token_endpoint_auth_signing_alg_values_supported: client_keys::algorithm_names(),
            revocation_endpoint: format!("{issuer}/revoke"),
            revocation_endpoint_auth_methods_supported: auth_methods,
            revocation_endpoint_auth_signing_alg_values_supported: client_keys::algorithm_names(),
            introspection_endpoint: format!("{issuer}/introspect"),
            introspection_endpoint_auth_methods_supported: proofs.map(TokenEndpointAuthMethod::as_str).collect(),
            introspection_endpoint_auth_signing_alg_values_supported: client_keys::algorithm_names(),
            code_challenge_methods_supported: ["S256"],
            authorization_response_iss_parameter_supported: true,
            client_id_metadata_document_supported: features.client_id_metadata_documents,
            protected_resources: resources.iter().map(|resource| resource.id.to_string()).collect(),
            ui_locales_supported: Vec::new(),
            openid: None,
        }
    }

    /// The same with the languages of the pages (RFC 8414 §2), as RFC 5646 tags.
    pub fn with_ui_locales(self, tags: Vec<String>) -> Self {
        Self { ui_locales_supported: tags, ..self }
    }

    /// The same with what `openid-configuration` must hold. No ID token is ever issued: `openid` is not a scope here.
    pub fn with_openid_members(self, algorithm: SigningAlgorithm) -> Self {
        let openid = OpenIdMembers {
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: [algorithm.as_str()],
            request_uri_parameter_supported: false,
        };
        Self { openid: Some(openid), ..self }
    }
}

/// RFC 8414 §3.1 and OpenID Connect Discovery 1.0 §4: every path a client may look at for an issuer whose URL has the
/// path `issuer_path` (empty, or beginning with a slash), as (RFC 8414 paths, OpenID paths).
pub fn well_known_paths(issuer_path: &str) -> (Vec<String>, Vec<String>) {
    let oauth = vec![format!("/.well-known/oauth-authorization-server{issuer_path}")];
    let mut openid = vec![format!("/.well-known/openid-configuration{issuer_path}")];
    if !issuer_path.is_empty() {
        openid.push(format!("{issuer_path}/.well-known/openid-configuration"));
    }
    (oauth, openid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Features =
        Features { dynamic_registration: true, device_grant: false, client_id_metadata_documents: false };

    fn json(metadata: &AuthorizationServerMetadata) -> serde_json::Value {
        serde_json::to_value(metadata).expect("JSON")
    }

    #[test]
    fn the_document_holds_what_clients_refuse_to_go_without() {
        let document = json(&AuthorizationServerMetadata::new("https://h.example/auth", &[], OPEN));
        assert_eq!(document["issuer"], "https://h.example/auth");
        assert_eq!(document["authorization_endpoint"], "https://h.example/auth/authorize");
        assert_eq!(document["registration_endpoint"], "https://h.example/auth/register");
        assert_eq!(document["response_types_supported"], serde_json::json!(["code"]));
        assert_eq!(document["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        assert_eq!(document["token_endpoint_auth_methods_supported"][0], "none");
        assert_eq!(
            document["token_endpoint_auth_signing_alg_values_supported"],
            serde_json::json!(["ES256", "RS256", "PS256", "EdDSA"])
        );
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
        assert!(document.get("subject_types_supported").is_none());
        assert!(document.get("client_id_metadata_document_supported").is_none());
        assert!(!document.to_string().contains("null"));
    }

    #[test]
    fn registration_is_announced_only_when_it_is_open() {
        let closed = json(&AuthorizationServerMetadata::new("https://h.example", &[], Features::default()));
        assert!(closed.get("registration_endpoint").is_none());
    }

    #[test]
    fn client_id_metadata_documents_are_announced_only_when_they_are_read() {
        let features = Features { client_id_metadata_documents: true, ..OPEN };
        let document = json(&AuthorizationServerMetadata::new("https://h.example", &[], features));
        assert_eq!(document["client_id_metadata_document_supported"], true);
        // Claude takes a document only where it sees both.
        assert_eq!(document["token_endpoint_auth_methods_supported"][0], "none");
    }

    #[test]
    fn the_device_grant_is_announced_only_when_it_is_on() {
        let document = |device_grant| {
            let features = Features { device_grant, ..Features::default() };
            json(&AuthorizationServerMetadata::new("https://h.example", &[], features))
        };
        let urn = serde_json::json!("urn:ietf:params:oauth:grant-type:device_code");
        let lists_it = |document: &serde_json::Value| {
            document["grant_types_supported"].as_array().is_some_and(|types| types.contains(&urn))
        };
        let (on, off) = (document(true), document(false));
        assert_eq!(on["device_authorization_endpoint"], "https://h.example/device_authorization");
        assert!(lists_it(&on) && !lists_it(&off) && off.get("device_authorization_endpoint").is_none());
    }

    #[test]
    fn the_openid_alias_is_complete() {
        let alias = json(
            &AuthorizationServerMetadata::new("https://h.example", &[], OPEN)
                .with_openid_members(SigningAlgorithm::Es256),
        );
        for required in [
            "issuer",
            "jwks_uri",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
            "code_challenge_methods_supported",
        ] {
            assert!(alias.get(required).is_some(), "{required}");
        }
    }

    #[test]
    fn an_issuer_with_a_path_is_found_at_all_three_forms() {
        let (oauth, openid) = well_known_paths("/auth");
        assert_eq!(oauth, ["/.well-known/oauth-authorization-server/auth"]);
        assert_eq!(openid, ["/.well-known/openid-configuration/auth", "/auth/.well-known/openid-configuration"]);
        assert_eq!(well_known_paths("").1, ["/.well-known/openid-configuration"]);
    }
}
