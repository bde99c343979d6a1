//! What is registered of a client, and how it is told: RFC 7591 §3.2.1, RFC 7592 §3. Made by [`crate::client_metadata`], kept
//! by the store as JSON, sent by the registration and the management endpoint.

use serde::{Deserialize, Serialize};

use crate::client::{Client, ClientId, ClientKeys, GrantType, Registration, TokenEndpointAuthMethod};
use crate::client_metadata::takes_a_secret;
use crate::error::OAuthError;
use crate::secret::{HashedSecret, Secret, sha256};
use crate::time::Timestamp;

/// Everything that was registered of a client and nothing that was not. Members without a value are left out: several SDKs
/// refuse `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredMetadata {
    /// Byte for byte as they were sent, and in that order.
    pub redirect_uris: Vec<String>,
    /// What is known here of what was asked for.
    pub grant_types: Vec<GrantType>,
    /// `code`.
    pub response_types: Vec<String>,
    /// As it was asked for, or as it was replaced.
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    /// The public keys that its signatures are checked with (RFC 7517 §5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// What the client means to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// OpenID Connect Dynamic Client Registration 1.0 §2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
    /// No page shows it: it would be loaded from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Which program it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// Which version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<String>>,
}

impl RegisteredMetadata {
    /// Whether the client proves itself with a secret.
    pub fn takes_a_secret(&self) -> bool {
        takes_a_secret(self.token_endpoint_auth_method)
    }

    /// The client of this registration.
    pub fn client(&self, id: ClientId, secret: Option<HashedSecret>, issued_at: Timestamp) -> Client {
        Client {
            name: self.client_name.clone(),
            redirect_uris: self.redirect_uris.clone(),
            grant_types: self.grant_types.clone(),
            auth_methods: vec![self.token_endpoint_auth_method],
            secret,
            keys: match (&self.jwks, &self.jwks_uri) {
                (Some(jwks), _) => Some(ClientKeys::Inline(jwks.to_string())),
                (None, uri) => uri.clone().map(ClientKeys::Uri),
            },
            client_uri: self.client_uri.clone(),
            ..Client::new(id, Registration::Dynamic, issued_at)
        }
    }

    /// The JSON that is stored and told.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("lists and text always have a JSON form")
    }

    /// What makes two registrations one: the same public metadata. `None` for a client that has something of its own to
    /// prove itself with, which is another one each time.
    ///
    /// Clients register anew at every start or connection, and a table that grows with each would have to forget clients that
    /// are in use. A public client is nothing but its metadata: whoever registers the same could send the same `client_id`
    /// anyway, so giving them one identifier gives nothing away.
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        (self.token_endpoint_auth_method == TokenEndpointAuthMethod::None).then(|| sha256(self.to_json().as_bytes()))
    }

    /// Whether the client may read, change and delete its registration (RFC 7592 §1). Not when it shares it with everybody
    /// who registers the same: one of them could send the answers of all others elsewhere, or log them out.
    pub fn may_be_managed(&self) -> bool {
        self.token_endpoint_auth_method != TokenEndpointAuthMethod::None
    }
}

/// RFC 7591 §3.2.1 and RFC 7592 §3.
#[derive(Debug, Serialize)]
pub struct ClientInformation {
    client_id: ClientId,
    client_id_issued_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<Exposed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_access_token: Option<Exposed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_client_uri: Option<String>,
    #[serde(flatten)]
    metadata: RegisteredMetadata,
}

/// A secret on its way to its owner.
#[derive(Serialize)]
#[serde(transparent)]
struct Exposed(String);

impl std::fmt::Debug for Exposed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl ClientInformation {
    /// Without any secret.
    pub fn new(client: &Client, metadata: RegisteredMetadata) -> Self {
        Self {
            client_id: client.id.clone(),
            client_id_issued_at: client.issued_at,
            client_secret: None,
            // RFC 7591 §3.2.1: it goes with a secret, also where the secret itself is not told again. 0: never.
            client_secret_expires_at: client.secret.map(|_| 0),
            registration_access_token: None,
            registration_client_uri: None,
            metadata,
        }
    }

    /// With the secret, which is told once.
    #[must_use]
    pub fn with_secret(mut self, secret: Option<&Secret>) -> Self {
        self.client_secret = secret.map(|secret| Exposed(secret.expose().to_owned()));
        self
    }

    /// With where and by what the client manages its registration (RFC 7592 §3).
    #[must_use]
    pub fn with_management(mut self, issuer: &str, token: Option<&Secret>) -> Self {
        self.registration_client_uri = token.map(|_| format!("{issuer}/register/{}", self.client_id));
        self.registration_access_token = token.map(|token| Exposed(token.expose().to_owned()));
        self
    }
}

/// What an update holds besides metadata (RFC 7592 §2.2).
#[derive(Deserialize)]
pub struct ClientUpdate {
    client_id: Option<String>,
    client_secret: Option<String>,
    registration_access_token: Option<serde::de::IgnoredAny>,
    registration_client_uri: Option<serde::de::IgnoredAny>,
    client_secret_expires_at: Option<serde::de::IgnoredAny>,
    client_id_issued_at: Option<serde::de::IgnoredAny>,
}

impl ClientUpdate {
    /// RFC 7592 §2.2: it names its client, and the secret if it likes, and nothing that only the server says.
    pub fn check(&self, client: &Client) -> Result<(), OAuthError> {
        for (member, given) in [
            ("registration_access_token", self.registration_access_token.is_some()),
            ("registration_client_uri", self.registration_client_uri.is_some()),
            ("client_secret_expires_at", self.client_secret_expires_at.is_some()),
            ("client_id_issued_at", self.client_id_issued_at.is_some()),
        ] {
            if given {
                return Err(OAuthError::client_metadata_refused(format!("{member} may not be in an update")));
            }
        }
        if self.client_id.as_deref() != Some(client.id.as_str()) {
            return Err(OAuthError::client_metadata_refused("client_id is not the one of this registration"));
        }
        match &self.client_secret {
            Some(secret) if client.secret != Some(HashedSecret::of(secret)) => {
                Err(OAuthError::client_metadata_refused("client_secret is not the one that was issued"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_metadata::ClientMetadata;
    use crate::redirect_uri::RedirectPolicy;
    use crate::secret::Kind;
    use serde_json::{Value, json};

    fn registered(body: Value) -> RegisteredMetadata {
        let metadata: ClientMetadata = serde_json::from_value(body).expect("readable metadata");
        metadata.accept(&RedirectPolicy::default(), false).expect("acceptable metadata")
    }

    #[test]
    fn what_is_stored_is_read_back_the_same() {
        let full = registered(json!({"redirect_uris": ["https://c.example/cb"], "client_name": "C", "scope": "a b",
            "grant_types": ["authorization_code", "refresh_token"], "application_type": "web", "contacts": ["a@c.example"],
            "logo_uri": "https://c.example/logo", "software_id": "1", "software_version": "2"}));
        assert_eq!(serde_json::from_str::<RegisteredMetadata>(&full.to_json()).expect("JSON"), full);
    }

    #[test]
    fn only_public_clients_that_registered_the_same_are_one() {
        let base = json!({"redirect_uris": ["https://c.example/cb"], "client_name": "C"});
        let with = |name: &str, value: Value| {
            let mut body = base.clone();
            body[name] = value;
            registered(body).fingerprint()
        };
        let same = registered(base.clone()).fingerprint();
        assert!(same.is_some());
        for (name, value) in [
            ("unknown", json!(1)),
            ("logo_uri", json!("")),
            ("token_endpoint_auth_method", json!("none")),
            ("grant_types", json!(["authorization_code", "unheard_of"])),
            ("redirect_uris", json!(["https://c.example/cb", "javascript:x"])),
            ("client_name", json!(" C ")),
        ] {
            assert_eq!(with(name, value), same, "{name}");
        }
        for (name, value) in [
            ("redirect_uris", json!(["https://c.example/cb2"])),
            ("redirect_uris", json!(["https://c.example/cb", "https://c.example/cb2"])),
            ("client_name", json!("c")),
            ("scope", json!("a")),
            ("grant_types", json!(["authorization_code", "refresh_token"])),
            ("software_version", json!("2")),
        ] {
            assert_ne!(with(name, value), same, "{name}");
        }
        assert_eq!(with("token_endpoint_auth_method", json!("client_secret_basic")), None);
        assert_eq!(with("client_name", json!("Caf\u{e9}")), with("client_name", json!("Cafe\u{301}")));
    }

    #[test]
    fn an_update_names_its_client_and_nothing_that_only_the_server_says() {
        let secret = Secret::generate(Kind::ClientSecret);
        let metadata = registered(json!({"redirect_uris": ["https://c.example/cb"]}));
        let client = metadata.client(ClientId::new("c"), Some(secret.hash()), Timestamp::from_unix(0));
        let check = |body: Value| serde_json::from_value::<ClientUpdate>(body).expect("readable").check(&client);
        for good in [
            json!({"client_id": "c"}),
            json!({"client_id": "c", "client_secret": secret.expose(), "client_name": "x"}),
            json!({"client_id": "c", "registration_client_uri": null}),
        ] {
            assert!(check(good.clone()).is_ok(), "{good}");
        }
        for bad in [
            json!({}),
            json!({"client_id": "d"}),
            json!({"client_id": ""}),
            json!({"client_id": "c", "client_secret": "x"}),
            json!({"client_id": "c", "registration_access_token": "x"}),
            json!({"client_id": "c", "registration_client_uri": "x"}),
            json!({"client_id": "c", "client_secret_expires_at": 0}),
            json!({"client_id": "c", "client_id_issued_at": 0}),
        ] {
            assert!(check(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let secret = Secret::generate(Kind::RegistrationAccessToken);
        let metadata = registered(json!({"redirect_uris": ["https://c.example/cb"]}));
        let client = metadata.client(ClientId::new("c"), None, Timestamp::from_unix(0));
        let information = ClientInformation::new(&client, metadata).with_secret(Some(&secret));
        let shown = format!("{:?}", information.with_management("https://h.example", Some(&secret)));
        assert!(!shown.contains(secret.expose()), "{shown}");
    }
}
