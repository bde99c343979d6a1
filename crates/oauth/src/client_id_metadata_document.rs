//! A `client_id` that is the URL of a document with the client's metadata: what such a URL may look like (§3) and what the
//! document may say (§4). draft-ietf-oauth-client-id-metadata-document. Called before anything is fetched, and with what came.

use serde_json::{Map, Value};
use url::Url;

use crate::client::{Client, ClientId, ClientKeys, Registration, TokenEndpointAuthMethod};
use crate::client_keys::{ClientKeySet, InvalidClientKeys};
use crate::client_metadata::{acceptable_redirect_uris, checked_https, checked_name, known_grant_types};
use crate::error::OAuthError;
use crate::redirect_uri::RedirectPolicy;
use crate::strict_json;
use crate::time::Timestamp;

/// The largest document taken, in bytes (§6.6 recommends this limit).
pub const MAX_BYTES: usize = 5 * 1024;

/// The longest URL taken, in bytes.
const MAX_URL_LENGTH: usize = 2048;

/// How such a client may prove itself: with nothing, or with a key of its own. A document is public, so no secret can be agreed
/// on (§4.1).
const METHODS: [TokenEndpointAuthMethod; 2] = [TokenEndpointAuthMethod::None, TokenEndpointAuthMethod::PrivateKeyJwt];

/// The URL of a document. It is the client's identity exactly as it was sent: two spellings are two clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentUrl {
    id: ClientId,
    host: String,
}

impl DocumentUrl {
    /// Whether a `client_id` wants to be one. No identifier that this server hands out does.
    pub fn is_meant_by(id: &ClientId) -> bool {
        id.as_str().starts_with("https://")
    }

    /// §3, on the text itself: the URL parser would quietly take dot segments and much else away.
    pub fn parse(id: &ClientId) -> Result<Self, OAuthError> {
        let host = checked_host(id.as_str()).map_err(|reason| refused(format!("the client_id {reason}")))?;
        Ok(Self { id: id.clone(), host })
    }

    /// The client that the document is about.
    pub fn id(&self) -> &ClientId {
        &self.id
    }

    /// Its host, without a port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// §4: the client that a document describes. Members that do not concern this server are ignored.
    pub fn client(&self, document: &[u8], now: Timestamp) -> Result<Client, OAuthError> {
        let Value::Object(document) =
            strict_json::parse(document).map_err(|error| refused(format!("it is not JSON: {error}")))?
        else {
            return Err(refused("it is not a JSON object"));
        };
        if text(&document, "client_id")? != Some(self.id.as_str()) {
            return Err(refused("its client_id is not its own URL"));
        }
        let name = checked_name(text(&document, "client_name")?.unwrap_or_default())?;
        if name.is_empty() {
            return Err(refused("client_name is missing"));
        }
        for secret in ["client_secret", "client_secret_expires_at"] {
            if document.contains_key(secret) {
                return Err(refused(format!("it has a {secret}, which everybody can read")));
            }
        }
        for uri in ["client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"] {
            checked_https(uri, text(&document, uri)?)?;
        }
        let keys = keys(&document)?;
        Ok(Client {
            name: Some(name),
            redirect_uris: acceptable_redirect_uris(
                texts(&document, "redirect_uris")?.unwrap_or_default(),
                &RedirectPolicy::default(),
            )?,
            grant_types: known_grant_types(
                texts(&document, "grant_types")?,
                texts(&document, "response_types")?,
                true,
            )?,
            auth_methods: auth_methods(&document, keys.is_some())?,
            keys,
            client_uri: text(&document, "client_uri")?.filter(|uri| !uri.is_empty()).map(str::to_owned),
            ..Client::new(self.id.clone(), Registration::MetadataDocument, now)
        })
    }
}

fn refused(reason: impl Into<String>) -> OAuthError {
    OAuthError::client_document_refused(reason)
}

/// The host of a URL that means exactly what it says.
fn checked_host(url: &str) -> Result<String, &'static str> {
    if url.len() > MAX_URL_LENGTH {
        return Err("is longer than 2048 bytes");
    }
    let rest = url.strip_prefix("https://").ok_or("is not an https URL")?;
    if url
        .contains(|c: char| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}'))
    {
        return Err("holds characters that no URL has");
    }
    if url.contains('#') {
        return Err("has a fragment");
    }
    if url.contains('?') {
        return Err("has a query");
    }
    let (authority, path) = rest.split_once('/').ok_or("has no path")?;
    if authority.contains('@') {
        return Err("has a user");
    }
    if path.is_empty() {
        return Err("has no path");
    }
    check_path(path)?;
    // Writing the parsed URL out again changes nothing: no other spelling of the host, no port that goes without saying.
    let parsed = Url::parse(url).map_err(|_| "is not a URL")?;
    let written = match authority.strip_suffix(":443") {
        Some(host) => format!("https://{host}/{path}"),
        None => url.to_owned(),
    };
    let host = parsed.host_str().filter(|host| !host.ends_with('.') && !host.is_empty());
    match host {
        Some(host) if parsed.as_str() == written && parsed.port() != Some(0) => Ok(host.to_owned()),
        _ => Err("is not in normal form"),
    }
}

fn check_path(path: &str) -> Result<(), &'static str> {
    let mut escapes = path.split('%').skip(1).map(|rest| rest.get(..2).unwrap_or_default());
    if escapes.any(|hex| {
        hex.len() != 2
            || !hex.bytes().all(|digit| digit.is_ascii_hexdigit())
            || matches!(hex, "2f" | "2F" | "5c" | "5C" | "00")
    }) {
        return Err("has an escape that servers read in different ways");
    }
    let dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split('/').any(dots) { Err("has a dot segment") } else { Ok(()) }
}

/// A member that is a string, if it is there.
fn text<'a>(document: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, OAuthError> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(refused(format!("{name} is not a string"))),
    }
}

/// A member that is an array of strings, if it is there.
fn texts(document: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, OAuthError> {
    let wrong = || refused(format!("{name} is not an array of strings"));
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(values)) => {
            let texts = values.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong));
            texts.collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

/// §4.1: what the client and this server both can. ChatGPT names its favourite in the singular and all it can in the plural
/// (OpenID Connect RP Metadata Choices 1.0 §2). Absent means `none`: RFC 7591's default needs a secret.
fn auth_methods(document: &Map<String, Value>, has_keys: bool) -> Result<Vec<TokenEndpointAuthMethod>, OAuthError> {
    let own = text(document, "token_endpoint_auth_method")?;
    if own.is_some_and(|method| method.starts_with("client_secret_")) {
        return Err(refused("token_endpoint_auth_method needs a secret, which everybody could read"));
    }
    let several = texts(document, "token_endpoint_auth_methods_supported")?.unwrap_or_default();
    if own.is_none() && several.is_empty() {
        return Ok(vec![TokenEndpointAuthMethod::None]);
    }
    let mut methods: Vec<TokenEndpointAuthMethod> = Vec::new();
    for method in own.into_iter().chain(several.iter().map(String::as_str)) {
        if let Some(known) = METHODS.into_iter().find(|known| known.as_str() == method && !methods.contains(known)) {
            methods.push(known);
        }
    }
    if methods.is_empty() {
        return Err(refused("none of its token endpoint authentication methods is none or private_key_jwt"));
    }
    if methods.contains(&TokenEndpointAuthMethod::PrivateKeyJwt) && !has_keys {
        return Err(refused("private_key_jwt needs a key in jwks, or jwks_uri"));
    }
    Ok(methods)
}

fn keys(document: &Map<String, Value>) -> Result<Option<ClientKeys>, OAuthError> {
    let uri = text(document, "jwks_uri")?.filter(|uri| !uri.is_empty());
    match (document.get("jwks").filter(|jwks| !jwks.is_null()), uri) {
        (None, None) => Ok(None),
        (None, Some(uri)) => Ok(Some(ClientKeys::Uri(uri.to_owned()))),
        (Some(_), Some(_)) => Err(refused("jwks and jwks_uri exclude each other")),
        (Some(jwks), None) => {
            let jwks = jwks.to_string();
            match ClientKeySet::parse(jwks.as_bytes()) {
                Ok(_) => Ok(Some(ClientKeys::Inline(jwks))),
                // Of no use here, and no harm for a client that can do without.
                Err(InvalidClientKeys::NoUsableKey) => Ok(None),
                Err(reason) => Err(refused(format!("jwks cannot be used: {reason}"))),
            }
        }
    }
}

#[cfg(test)]
#[path = "client_id_metadata_document_tests.rs"]
mod tests;
