//! The client: who asks. RFC 6749 §2, RFC 7591 §2.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::resource::ResourceId;
use crate::scope::Scope;
use crate::secret::{HashedSecret, random_base62};
use crate::time::Timestamp;

/// The `client_id` of tokens that people paste into a client that speaks no OAuth. No client has it.
pub const PERSONAL_TOKEN: &str = "personal_token";

/// `client_id` (RFC 6749 §2.2): an opaque string, compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// A new identifier of 128 random bits; it never looks like a URL and needs no escaping in Basic authentication.
    pub fn generate() -> Self {
        Self(format!("client_{}", random_base62(22)))
    }

    /// Takes the text a client or the store presents.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The identifier as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How this server came to know a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// By its operator: in the configuration, or by command.
    Configured,
    /// By the document that its `client_id` is the URL of (draft-ietf-oauth-client-id-metadata-document §3).
    MetadataDocument,
    /// By itself (RFC 7591).
    Dynamic,
}

impl Registration {
    /// Every kind.
    pub const ALL: [Registration; 3] =
        [Registration::Configured, Registration::MetadataDocument, Registration::Dynamic];

    /// The name in the store, in logs and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Registration::Configured => "configured",
            Registration::MetadataDocument => "metadata_document",
            Registration::Dynamic => "dynamic",
        }
    }
}

impl FromStr for Registration {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or_else(|| UnknownValue(text.to_owned()))
    }
}

/// `grant_type` values that this server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 8628 §3.4.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

/// A registered name that this server does not speak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown value {0:?}")]
pub struct UnknownValue(pub String);

impl GrantType {
    /// Every grant type of this server.
    pub const ALL: [GrantType; 4] =
        [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials, GrantType::DeviceCode];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            GrantType::AuthorizationCode => "authorization_code",
            GrantType::RefreshToken => "refresh_token",
            GrantType::ClientCredentials => "client_credentials",
            GrantType::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }
}

impl FromStr for GrantType {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or_else(|| UnknownValue(text.to_owned()))
    }
}

/// `token_endpoint_auth_method` (RFC 7591 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenEndpointAuthMethod {
    /// A public client.
    None,
    /// The secret in the body.
    ClientSecretPost,
    /// The secret in HTTP Basic authentication.
    ClientSecretBasic,
    /// A JWT signed with the client's own key (RFC 7523 §2.2).
    PrivateKeyJwt,
}

impl TokenEndpointAuthMethod {
    /// Every method of this server, `none` first: some clients take the first they know, and Claude looks for `none`.
    pub const ALL: [TokenEndpointAuthMethod; 4] = [
        TokenEndpointAuthMethod::None,
        TokenEndpointAuthMethod::ClientSecretPost,
        TokenEndpointAuthMethod::ClientSecretBasic,
        TokenEndpointAuthMethod::PrivateKeyJwt,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            TokenEndpointAuthMethod::None => "none",
            TokenEndpointAuthMethod::ClientSecretPost => "client_secret_post",
            TokenEndpointAuthMethod::ClientSecretBasic => "client_secret_basic",
            TokenEndpointAuthMethod::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Whether it proves at least as much as `other`: a secret can be read where it is sent, a signature cannot be used again.
    pub fn is_at_least(self, other: Self) -> bool {
        let strength = |method| match method {
            TokenEndpointAuthMethod::None => 0,
            TokenEndpointAuthMethod::ClientSecretPost | TokenEndpointAuthMethod::ClientSecretBasic => 1,
            TokenEndpointAuthMethod::PrivateKeyJwt => 2,
        };
        strength(self) >= strength(other)
    }
}

impl FromStr for TokenEndpointAuthMethod {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or_else(|| UnknownValue(text.to_owned()))
    }
}

/// Where the public keys of a client are (RFC 7591 §2: in one of the two places, never in both).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientKeys {
    /// `jwks`: a JWK set (RFC 7517 §5), as JSON text.
    Inline(String),
    /// `jwks_uri`: where the set is fetched.
    Uri(String),
}

/// A client that this server knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// Who vouches for the rest.
    pub registration: Registration,
    /// What it calls itself; proves nothing.
    pub name: Option<String>,
    /// Where answers may go, byte for byte as registered.
    pub redirect_uris: Vec<String>,
    /// Which grants it may use.
    pub grant_types: Vec<GrantType>,
    /// How it may prove itself at the token endpoint, its own choice first; never empty.
    pub auth_methods: Vec<TokenEndpointAuthMethod>,
    /// The hash of its secret, when it has one.
    pub secret: Option<HashedSecret>,
    /// What its signatures are checked with, when it has keys.
    pub keys: Option<ClientKeys>,
    /// Its page for people.
    pub client_uri: Option<String>,
    /// The most it may be granted; `None`: whatever the resource has.
    pub scope: Option<Scope>,
    /// The resources it may ask for; `None`: every one.
    pub resources: Option<Vec<ResourceId>>,
    /// Whether it is a resource server that may ask about tokens for its `resources` (RFC 7662 §2.1).
    pub may_introspect: bool,
    /// When it was registered.
    pub issued_at: Timestamp,
}

impl Client {
    /// A public client without a name and without a redirect URI yet, which may use codes and refresh tokens.
    pub fn new(id: ClientId, registration: Registration, issued_at: Timestamp) -> Self {
        Self {
            id,
            registration,
            name: None,
            redirect_uris: Vec::new(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            auth_methods: vec![TokenEndpointAuthMethod::None],
            secret: None,
            keys: None,
            client_uri: None,
            scope: None,
            resources: None,
            may_introspect: false,
            issued_at,
        }
    }

    /// Whether it registered this grant type.
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether it may ask for this resource at all.
    pub fn may_access(&self, resource: &ResourceId) -> bool {
        self.resources.as_ref().is_none_or(|permitted| permitted.contains(resource))
    }

    /// What this client may be granted of a scope.
    pub fn limited(&self, scope: &Scope) -> Scope {
        self.scope.as_ref().map_or_else(|| scope.clone(), |limit| scope.intersection(limit))
    }

    /// Whether it may prove itself this way.
    pub fn may_authenticate_by(&self, method: TokenEndpointAuthMethod) -> bool {
        self.auth_methods.contains(&method)
    }
}
