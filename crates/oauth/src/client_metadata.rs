//! Client metadata sent for dynamic registration: what is taken, dropped, or refused. RFC 7591 §2.
//!
//! Real clients send much that does not concern this server: unknown members and grant types are ignored (§2), a redirect
//! URI that may not be registered is dropped as long as another one remains, and the answer says what was registered.

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;
use url::Url;

use crate::client::{GrantType, TokenEndpointAuthMethod};
use crate::client_information::RegisteredMetadata;
use crate::client_keys::ClientKeySet;
use crate::error::OAuthError;
use crate::redirect_uri::{self, RedirectPolicy};

/// How many redirect URIs one client may register.
pub const MAX_REDIRECT_URIS: usize = 10;

/// The longest name, in characters.
const MAX_NAME_LENGTH: usize = 80;

/// The body of a registration request (RFC 7591 §2). Unknown members are ignored; `null` counts as absent.
#[derive(Debug, Deserialize)]
pub struct ClientMetadata {
    redirect_uris: Option<Vec<String>>,
    client_name: Option<String>,
    client_uri: Option<String>,
    logo_uri: Option<String>,
    tos_uri: Option<String>,
    policy_uri: Option<String>,
    jwks_uri: Option<String>,
    jwks: Option<serde_json::Value>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    scope: Option<String>,
    application_type: Option<String>,
    software_id: Option<String>,
    software_version: Option<String>,
    contacts: Option<Vec<String>>,
}

impl ClientMetadata {
    /// What is registered of it, or why nothing is. `application_type` is taken as it comes: the rule of OpenID Connect for
    /// redirect URIs of web clients would shut out those that somebody runs on their own computer.
    /// `device_grant`: whether RFC 8628 is switched on.
    pub fn accept(self, policy: &RedirectPolicy, device_grant: bool) -> Result<RegisteredMetadata, OAuthError> {
        let redirect_uris = acceptable_redirect_uris(self.redirect_uris.unwrap_or_default(), policy)?;
        let client_name = self.client_name.map(|name| checked_name(&name)).transpose()?;
        for (member, uri) in [
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("tos_uri", &self.tos_uri),
            ("policy_uri", &self.policy_uri),
            ("jwks_uri", &self.jwks_uri),
        ] {
            checked_https(member, uri.as_deref())?;
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(OAuthError::client_metadata_refused("jwks and jwks_uri exclude each other"));
        }
        let grant_types = known_grant_types(self.grant_types, self.response_types, device_grant)?;
        let method = auth_method(self.token_endpoint_auth_method.as_deref(), &redirect_uris)?;
        let not_empty = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (jwks, jwks_uri) = keys(method, self.jwks, not_empty(self.jwks_uri))?;
        Ok(RegisteredMetadata {
            redirect_uris,
            grant_types,
            response_types: vec!["code".to_owned()],
            token_endpoint_auth_method: method,
            jwks,
            jwks_uri,
            client_name: not_empty(client_name),
            client_uri: not_empty(self.client_uri),
            // Told back and nothing more: what a client registered never narrows what it may ask for later.
            scope: not_empty(self.scope),
            application_type: self.application_type,
            logo_uri: not_empty(self.logo_uri),
            tos_uri: not_empty(self.tos_uri),
            policy_uri: not_empty(self.policy_uri),
            software_id: self.software_id,
            software_version: self.software_version,
            contacts: self.contacts.filter(|contacts| !contacts.is_empty()),
        })
    }
}

/// Keeps the URIs that may be registered; refuses when none is left, saying why for the first.
pub(crate) fn acceptable_redirect_uris(
    requested: Vec<String>,
    policy: &RedirectPolicy,
) -> Result<Vec<String>, OAuthError> {
    if requested.is_empty() {
        return Err(OAuthError::redirect_uris_refused("redirect_uris is missing or empty"));
    }
    if requested.len() > MAX_REDIRECT_URIS {
        return Err(OAuthError::redirect_uris_refused(format!("more than {MAX_REDIRECT_URIS} redirect_uris")));
    }
    let first_reason = requested.iter().find_map(|uri| policy.check(uri).err());
    let accepted: Vec<String> = requested.into_iter().filter(|uri| policy.check(uri).is_ok()).collect();
    match (accepted.is_empty(), first_reason) {
        (true, Some(reason)) => {
            Err(OAuthError::redirect_uris_refused(format!("no redirect URI is acceptable: {reason}")))
        }
        _ => Ok(accepted),
    }
}

/// A name for people: no control, bidirectional or invisible characters, so that it cannot pose as something else.
/// Two ways to write the same letter become one (NFC), so that two names that look alike are alike. A name of which nothing
/// can be seen is none.
pub(crate) fn checked_name(name: &str) -> Result<String, OAuthError> {
    let name: String = name.nfc().collect();
    if name.chars().count() > MAX_NAME_LENGTH {
        return Err(OAuthError::client_metadata_refused(format!(
            "client_name is longer than {MAX_NAME_LENGTH} characters"
        )));
    }
    let changes_the_look =
        |c| matches!(c, '\u{180B}'..='\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}');
    if name.chars().all(|c| c.is_whitespace() || changes_the_look(c) || is_deceptive(c)) {
        return Ok(String::new());
    }
    if name.chars().any(is_deceptive) {
        return Err(OAuthError::client_metadata_refused("client_name holds control or invisible characters"));
    }
    Ok(name.trim().to_owned())
}

/// Control and bidirectional characters, and those that show nothing although they are no blanks: soft hyphens, joiners,
/// fillers, the empty Braille pattern, tags. Variation selectors, which choose between pictures, are not among them.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

pub(crate) fn checked_https(member: &'static str, uri: Option<&str>) -> Result<(), OAuthError> {
    match uri {
        None | Some("") => Ok(()),
        Some(uri) if uri.len() <= redirect_uri::MAX_LENGTH && is_https(uri) => Ok(()),
        Some(_) => Err(OAuthError::client_metadata_refused(format!("{member} is not an https URL"))),
    }
}

/// The URL parser drops spaces and control characters where it finds them: here they may not be there at all.
fn is_https(uri: &str) -> bool {
    let plain = !uri.contains(|c: char| c.is_control() || c.is_whitespace());
    plain && Url::parse(uri).is_ok_and(|url| url.scheme() == "https")
}

/// RFC 7591 §2: absent means the code grant. Unknown types are ignored; a client that is left with none, or that wants
/// responses other than `code`, could never do anything here and is told so.
pub(crate) fn known_grant_types(
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    device_grant: bool,
) -> Result<Vec<GrantType>, OAuthError> {
    if response_types.is_some_and(|types| !types.is_empty() && !types.iter().any(|kind| kind == "code")) {
        return Err(OAuthError::client_metadata_refused("response_types must hold code"));
    }
    let requested = grant_types.filter(|types| !types.is_empty()).unwrap_or_else(|| vec!["authorization_code".into()]);
    // Clients act for themselves only when the operator says so, and devices where the operator allows them.
    let registrable = GrantType::ALL.into_iter().filter(|known| match known {
        GrantType::AuthorizationCode | GrantType::RefreshToken => true,
        GrantType::ClientCredentials => false,
        GrantType::DeviceCode => device_grant,
    });
    let known: Vec<GrantType> =
        registrable.filter(|known| requested.iter().any(|name| name == known.as_str())).collect();
    if known.contains(&GrantType::AuthorizationCode) {
        Ok(known)
    } else {
        Err(OAuthError::client_metadata_refused("grant_types must hold authorization_code"))
    }
}

/// Absent means `none`: RFC 7591 §2 says `client_secret_basic`, but the SDKs that leave it out are public clients. A secret
/// is of no use to a client whose answers go to a program on somebody's computer (RFC 8252 §8.5), so such a client becomes
/// public (RFC 7591 §3.2.1 lets the server replace values). A key of its own is of use to any client.
fn auth_method(requested: Option<&str>, redirect_uris: &[String]) -> Result<TokenEndpointAuthMethod, OAuthError> {
    let requested: TokenEndpointAuthMethod = match requested {
        None | Some("") => TokenEndpointAuthMethod::None,
        Some(name) => name.parse().map_err(|_| {
            let known = TokenEndpointAuthMethod::ALL.map(TokenEndpointAuthMethod::as_str).join(", ");
            OAuthError::client_metadata_refused(format!("token_endpoint_auth_method must be one of {known}"))
        })?,
    };
    let on_the_web = redirect_uris.iter().all(|uri| redirect_uri::is_of_website(uri));
    Ok(if on_the_web || !takes_a_secret(requested) { requested } else { TokenEndpointAuthMethod::None })
}

/// Whether the method is one of those that send a secret.
pub(crate) fn takes_a_secret(method: TokenEndpointAuthMethod) -> bool {
    matches!(method, TokenEndpointAuthMethod::ClientSecretPost | TokenEndpointAuthMethod::ClientSecretBasic)
}

/// A JWK set and where one is.
type Keys = (Option<serde_json::Value>, Option<String>);

/// The public keys that `private_key_jwt` needs, or where they are, as they were sent. No other method has a use for them.
fn keys(
    method: TokenEndpointAuthMethod,
    jwks: Option<serde_json::Value>,
    jwks_uri: Option<String>,
) -> Result<Keys, OAuthError> {
    if method != TokenEndpointAuthMethod::PrivateKeyJwt {
        return Ok((None, None));
    }
    let jwks = match (jwks, jwks_uri) {
        (Some(jwks), _) => jwks,
        (None, Some(uri)) => return Ok((None, Some(uri))),
        (None, None) => return Err(OAuthError::client_metadata_refused("private_key_jwt needs jwks or jwks_uri")),
    };
    match ClientKeySet::parse(jwks.to_string().as_bytes()) {
        Ok(_) => Ok((Some(jwks), None)),
        Err(reason) => Err(OAuthError::client_metadata_refused(format!("jwks cannot be used: {reason}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Client, ClientId, ClientKeys};
    use crate::client_information::ClientInformation;
    use crate::error::Code;
    use crate::secret::{Kind, Secret};
    use crate::time::Timestamp;
    use serde_json::{Value, json};

    fn register(body: Value) -> Result<(Client, Value), OAuthError> {
        let metadata: ClientMetadata = serde_json::from_value(body).expect("readable metadata");
        let registered = metadata.accept(&RedirectPolicy::default(), false)?;
        let secret = registered.takes_a_secret().then(|| Secret::generate(Kind::ClientSecret));
        let hash = secret.as_ref().map(Secret::hash);
        let client = registered.client(ClientId::generate(), hash, Timestamp::from_unix(7));
        let information = ClientInformation::new(&client, registered).with_secret(secret.as_ref());
        Ok((client, serde_json::to_value(information).expect("JSON")))
    }

    #[test]
    fn what_real_clients_send_is_registered_and_echoed_without_null() {
        for body in [
            json!({"client_name": "Claude Code (notes)", "redirect_uris": ["http://localhost:3118/callback"], "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"], "token_endpoint_auth_method": "none", "scope": "mcp:use", "application_type": "native"}),
            json!({"client_name": "Cursor", "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/mcp/oauth/callback",
                "http://localhost:8787/callback"], "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none"}),
            json!({"client_name": "Visual Studio Code", "redirect_uris": ["https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect", "http://127.0.0.1/", "http://127.0.0.1:33418/"],
                "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"], "response_types": ["code"],
                "token_endpoint_auth_method": "none", "application_type": "native", "client_uri": "https://code.visualstudio.com"}),
            json!({"client_name": "Gemini CLI MCP Client", "redirect_uris": ["http://localhost:7777/oauth/callback"], "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"], "token_endpoint_auth_method": "none", "scope": ""}),
            json!({"client_name": "FastMCP Client", "redirect_uris": ["http://localhost:5000/callback"], "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
                "client_uri": null, "logo_uri": null, "jwks": null, "unknown_member": {"a": 1}}),
            json!({"client_name": "Q DEV CLI", "redirect_uris": ["http://127.0.0.1:49153"], "grant_types": ["authorization_code", "refresh_token"]}),
        ] {
            let (client, answer) = register(body.clone()).expect("registered");
            assert_eq!(answer["redirect_uris"], body["redirect_uris"]);
            assert_eq!(answer["token_endpoint_auth_method"], "none");
            assert!(answer.get("client_secret").is_none());
            assert!(!answer.to_string().contains("null"), "{answer}");
            assert!(client.may_use(GrantType::RefreshToken));
        }
    }

    #[test]
    fn a_secret_is_given_only_to_a_web_client_that_asked_for_it() {
        let ask = |method: &str, uri: &str| {
            register(json!({"redirect_uris": [uri], "token_endpoint_auth_method": method})).expect("registered")
        };
        for method in ["client_secret_post", "client_secret_basic"] {
            let (client, answer) = ask(method, "https://client.example/cb");
            let secret =
                Secret::parse(Kind::ClientSecret, answer["client_secret"].as_str().expect("a secret")).expect("ours");
            assert_eq!(client.secret, Some(secret.hash()));
            assert_eq!(answer["client_secret_expires_at"], 0);
            assert_eq!(answer["token_endpoint_auth_method"], method);
            for here in ["http://127.0.0.1:1/cb", "https://localhost:8443/cb"] {
                let (client, answer) = ask(method, here);
                assert_eq!((client.secret, &answer["token_endpoint_auth_method"]), (None, &json!("none")), "{here}");
            }
        }
    }

    #[test]
    fn a_client_with_a_public_key_registers_it_and_gets_no_secret() {
        let jwks = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]});
        for uri in ["https://client.example/cb", "http://127.0.0.1:1/cb"] {
            let (client, answer) = register(json!({"redirect_uris": [uri], "jwks": jwks,
                "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["authorization_code", "client_credentials"]}))
            .expect("registered");
            assert_eq!(client.auth_methods, [TokenEndpointAuthMethod::PrivateKeyJwt]);
            assert!(
                matches!(&client.keys, Some(ClientKeys::Inline(set)) if serde_json::from_str::<Value>(set).ok() == Some(jwks.clone()))
            );
            assert_eq!((client.secret, answer.get("client_secret")), (None, None));
            assert_eq!((&answer["jwks"], &answer["grant_types"]), (&jwks, &json!(["authorization_code"])));
        }
        let published = json!({"redirect_uris": ["https://c.example/cb"], "jwks_uri": "https://c.example/jwks",
            "token_endpoint_auth_method": "private_key_jwt"});
        let (client, answer) = register(published).expect("registered");
        assert_eq!(client.keys, Some(ClientKeys::Uri("https://c.example/jwks".into())));
        assert_eq!(answer["jwks_uri"], "https://c.example/jwks");
        let mut private = jwks.clone();
        private["keys"][0]["d"] = json!("AAAA");
        for jwks in [private, json!({"keys": []}), json!({}), json!("x")] {
            let body = json!({"redirect_uris": ["https://c.example/cb"], "jwks": jwks, "token_endpoint_auth_method": "private_key_jwt"});
            assert_eq!(register(body.clone()).expect_err("refused").code, Code::InvalidClientMetadata, "{body}");
        }
    }

    #[test]
    fn an_unacceptable_redirect_uri_is_dropped_while_another_remains() {
        let (client, answer) = register(json!({"redirect_uris": ["javascript:alert(1)", "https://client.example/cb"]}))
            .expect("registered");
        assert_eq!(client.redirect_uris, ["https://client.example/cb"]);
        assert_eq!(answer["redirect_uris"], json!(["https://client.example/cb"]));
    }

    #[test]
    fn a_name_hides_nothing_and_one_that_cannot_be_seen_is_none() {
        for hidden in "\u{3164}\u{115F}\u{1160}\u{FFA0}\u{034F}\u{180E}\u{2800}\u{E0000}\u{E0041}\u{E007F}\u{200B}\u{202E}\u{AD}\0".chars() {
            assert!(checked_name(&format!("Cla{hidden}ude")).is_err(), "{hidden:?}");
            assert!(checked_name(&format!("Claude{hidden}")).is_err(), "{hidden:?}");
            assert_eq!(checked_name(&format!(" {hidden}{hidden}")), Ok(String::new()), "{hidden:?}");
        }
        for (name, shown) in [
            ("", ""),
            (" \u{A0}\u{3000}", ""),
            ("\u{FE0F}\u{E0100}", ""),
            (" \u{2764}\u{FE0F} ", "\u{2764}\u{FE0F}"),
            ("\u{D55C}", "\u{D55C}"),
        ] {
            assert_eq!(checked_name(name).as_deref(), Ok(shown), "{name:?}");
        }
    }

    #[test]
    fn what_could_never_work_or_deceives_is_refused() {
        let many: Vec<String> = (0..11).map(|i| format!("https://client.example/{i}")).collect();
        for (body, code) in [
            (json!({}), Code::InvalidRedirectUri),
            (json!({"redirect_uris": []}), Code::InvalidRedirectUri),
            (json!({"redirect_uris": ["javascript:alert(1)"]}), Code::InvalidRedirectUri),
            (json!({"redirect_uris": many}), Code::InvalidRedirectUri),
            (
                json!({"redirect_uris": ["https://c.example/cb"], "grant_types": ["client_credentials"]}),
                Code::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": ["https://c.example/cb"], "response_types": ["token"]}),
                Code::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": ["https://c.example/cb"], "token_endpoint_auth_method": "private_key_jwt"}),
                Code::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": ["https://c.example/cb"], "client_uri": "javascript:alert(1)"}),
                Code::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": ["https://c.example/cb"], "logo_uri": "data:image/png,x"}),
                Code::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": ["https://c.example/cb"], "logo_uri": "https://c\n.example/logo.png"}),
                Code::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": ["https://c.example/cb"], "client_name": "a\u{202E}b"}),
                Code::InvalidClientMetadata,
            ),
            (json!({"redirect_uris": ["https://c.example/cb"], "client_name": "a\nb"}), Code::InvalidClientMetadata),
            (
                json!({"redirect_uris": ["https://c.example/cb"], "client_name": "a".repeat(81)}),
                Code::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": ["https://c.example/cb"], "jwks": {}, "jwks_uri": "https://c.example/jwks"}),
                Code::InvalidClientMetadata,
            ),
        ] {
            assert_eq!(register(body.clone()).expect_err("refused").code, code, "{body}");
        }
    }
}
