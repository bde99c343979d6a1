//! How a client proves itself: `none`, `client_secret_basic`, `client_secret_post`, `private_key_jwt`.
//! RFC 6749 §2.3, RFC 7617 §2, RFC 7521 §4.2.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use url::form_urlencoded;

use crate::client::{Client, ClientId, TokenEndpointAuthMethod};
use crate::client_assertion::{self, AssertionRules, ClientAssertion, UsedAssertion};
use crate::error::OAuthError;
use crate::parameters::Parameters;
use crate::secret::HashedSecret;

/// What a request presents. `Debug` prints no secret.
pub struct ClientCredentials {
    /// Who the request says it is from.
    pub client_id: ClientId,
    presented: Presented,
}

enum Presented {
    Nothing,
    Post(String),
    /// Decoded as RFC 6749 §2.3.1 wants, and as it came: many clients skip the form-encoding.
    Basic {
        decoded: String,
        raw: String,
    },
    Assertion(ClientAssertion),
}

/// How a client proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The method.
    pub method: TokenEndpointAuthMethod,
    /// The assertion that must not prove anything again.
    pub assertion: Option<UsedAssertion>,
}

impl ClientCredentials {
    /// Reads the credentials of a request: from the header or from the body, and of one kind only (RFC 6749 §2.3).
    pub fn from_request(authorization: Option<&[u8]>, body: &Parameters) -> Result<Self, OAuthError> {
        let client_id = body.optional("client_id")?;
        let client_secret = body.optional("client_secret")?;
        if let Some(assertion) = assertion(body)? {
            if authorization.is_some() || client_secret.is_some() {
                return Err(OAuthError::client_authentication_twice());
            }
            return Self::from_assertion(assertion, client_id);
        }
        let Some(header) = authorization else {
            let client_id = client_id.ok_or_else(|| OAuthError::parameter_missing("client_id"))?;
            let presented = client_secret.map_or(Presented::Nothing, |secret| Presented::Post(secret.to_owned()));
            return Ok(Self { client_id: ClientId::new(client_id), presented });
        };
        if client_secret.is_some() {
            return Err(OAuthError::client_authentication_twice());
        }
        let (user, password) = basic(header).ok_or_else(OAuthError::client_authentication_malformed)?;
        let basic_id = form_decode(&user);
        if basic_id.contains(char::is_control) {
            return Err(OAuthError::client_authentication_malformed());
        }
        if client_id.is_some_and(|id| id != basic_id && id != user) {
            return Err(OAuthError::client_authentication_twice());
        }
        let presented = match password.as_str() {
            "" => Presented::Nothing,
            _ => Presented::Basic { decoded: form_decode(&password), raw: password },
        };
        Ok(Self { client_id: ClientId::new(basic_id), presented })
    }

    /// RFC 7521 §4.2: the assertion names the client; `client_id` may be there besides, and must then name the same.
    fn from_assertion(assertion: &str, client_id: Option<&str>) -> Result<Self, OAuthError> {
        let assertion = ClientAssertion::parse(assertion)?;
        let subject = assertion.subject().clone();
        if client_id.is_some_and(|id| id != subject.as_str()) {
            return Err(OAuthError::client_authentication_failed("client_id is not the subject of the assertion"));
        }
        Ok(Self { client_id: subject, presented: Presented::Assertion(assertion) })
    }

    /// The assertion, when there is one: its keys have to be found before anything is checked.
    pub fn assertion(&self) -> Option<&ClientAssertion> {
        match &self.presented {
            Presented::Assertion(assertion) => Some(assertion),
            _ => None,
        }
    }

    /// RFC 6749 §2.3: the client that registered a secret must present it, by either way that carries one. A public client
    /// must not present any; an empty Basic password counts as none (the Go OAuth library begins with it).
    /// A client with keys signs. Returns what was used.
    pub fn authenticate(&self, client: &Client, rules: &AssertionRules<'_>) -> Result<Proof, OAuthError> {
        let failed = OAuthError::client_authentication_failed;
        let method = self.method();
        let proven = Proof { method, assertion: None };
        let secret = client.secret.filter(|_| takes_a_secret(client));
        match (&self.presented, secret) {
            (Presented::Assertion(assertion), _) if client.may_authenticate_by(method) => {
                Ok(Proof { assertion: Some(assertion.verify(&client.id, rules)?), ..proven })
            }
            (Presented::Assertion(_), _) => Err(failed("a client that is not registered for assertions presented one")),
            (Presented::Nothing, _) if client.may_authenticate_by(method) => Ok(proven),
            (Presented::Nothing, _) => Err(failed("the client did not prove itself")),
            (_, None) => Err(failed("a client without a secret presented one")),
            (Presented::Post(presented), Some(stored)) if is_secret(presented, stored) => Ok(proven),
            (Presented::Basic { decoded, raw }, Some(stored))
                if is_secret(decoded, stored) || is_secret(raw, stored) =>
            {
                Ok(proven)
            }
            _ => Err(failed("the secret is wrong")),
        }
    }

    fn method(&self) -> TokenEndpointAuthMethod {
        match &self.presented {
            Presented::Nothing => TokenEndpointAuthMethod::None,
            Presented::Post(_) => TokenEndpointAuthMethod::ClientSecretPost,
            Presented::Basic { .. } => TokenEndpointAuthMethod::ClientSecretBasic,
            Presented::Assertion(_) => TokenEndpointAuthMethod::PrivateKeyJwt,
        }
    }
}

impl std::fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCredentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// RFC 7521 §4.2: the assertion, if there is one and it is of the one kind that is taken.
fn assertion(body: &Parameters) -> Result<Option<&str>, OAuthError> {
    match (body.optional("client_assertion_type")?, body.optional("client_assertion")?) {
        (None, None) => Ok(None),
        (Some(client_assertion::TYPE), Some(assertion)) => Ok(Some(assertion)),
        (Some(_), Some(_)) => Err(OAuthError::client_assertion_type_unsupported()),
        (Some(_), None) => Err(OAuthError::parameter_missing("client_assertion")),
        (None, Some(_)) => Err(OAuthError::parameter_missing("client_assertion_type")),
    }
}

/// Either way that carries a secret will do for a client that registered one of the two.
fn takes_a_secret(client: &Client) -> bool {
    [TokenEndpointAuthMethod::ClientSecretBasic, TokenEndpointAuthMethod::ClientSecretPost]
        .into_iter()
        .any(|method| client.may_authenticate_by(method))
}

/// Whatever its form: an operator may have chosen it.
fn is_secret(presented: &str, stored: HashedSecret) -> bool {
    HashedSecret::of(presented) == stored
}

/// RFC 7617 §2: user and password of a Basic header.
fn basic(header: &[u8]) -> Option<(String, String)> {
    let header = std::str::from_utf8(header).ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    (!user.is_empty()).then(|| (user.to_owned(), password.to_owned()))
}

/// RFC 6749 appendix B for one value.
fn form_decode(text: &str) -> String {
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Registration;
    use crate::error::Code;
    use crate::secret::{Kind, Secret};
    use crate::time::Timestamp;

    fn client(method: TokenEndpointAuthMethod, secret: Option<&Secret>) -> Client {
        Client {
            auth_methods: vec![method],
            secret: secret.map(Secret::hash),
            ..Client::new(ClientId::new("c"), Registration::Dynamic, Timestamp::from_unix(0))
        }
    }

    fn header(user: &str, password: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
    }

    fn check(credentials: &ClientCredentials, client: &Client) -> Result<TokenEndpointAuthMethod, OAuthError> {
        let rules = AssertionRules { keys: None, audiences: &[], now: Timestamp::from_unix(0) };
        credentials.authenticate(client, &rules).map(|proof| proof.method)
    }

    fn read(header: Option<&str>, body: &str) -> Result<ClientCredentials, OAuthError> {
        let body = Parameters::parse(body.as_bytes())?;
        ClientCredentials::from_request(header.map(str::as_bytes), &body)
    }

    #[test]
    fn a_public_client_is_named_in_the_body_or_by_basic_with_an_empty_password() {
        let public = client(TokenEndpointAuthMethod::None, None);
        for (authorization, body) in
            [(None, "client_id=c"), (Some(header("c", "")), ""), (Some(header("c", "")), "client_id=c")]
        {
            let credentials = read(authorization.as_deref(), body).expect("readable");
            assert_eq!(credentials.client_id.as_str(), "c");
            assert_eq!(check(&credentials, &public), Ok(TokenEndpointAuthMethod::None));
        }
        let with_secret = read(None, "client_id=c&client_secret=x").expect("readable");
        assert_eq!(check(&with_secret, &public).expect_err("refused").code, Code::InvalidClient);
    }

    #[test]
    fn a_confidential_client_presents_its_secret_by_header_or_body() {
        let secret = Secret::generate(Kind::ClientSecret);
        let text = secret.expose();
        let escaped: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        for method in [TokenEndpointAuthMethod::ClientSecretBasic, TokenEndpointAuthMethod::ClientSecretPost] {
            let confidential = client(method, Some(&secret));
            for credentials in [
                read(Some(&header("c", text)), ""),
                read(Some(&header("%63", &escaped)), ""),
                read(None, &format!("client_id=c&client_secret={text}")),
            ] {
                assert!(check(&credentials.expect("readable"), &confidential).is_ok());
            }
            for credentials in
                [read(Some(&header("c", "")), ""), read(None, "client_id=c"), read(None, "client_id=c&client_secret=x")]
            {
                let refused = check(&credentials.expect("readable"), &confidential).expect_err("refused");
                assert_eq!(refused.code, Code::InvalidClient);
            }
            let shorter =
                read(None, &format!("client_id=c&client_secret={}", &text[..text.len() - 1])).expect("readable");
            assert!(check(&shorter, &confidential).is_err());
        }
    }

    #[test]
    fn two_methods_at_once_are_refused() {
        for body in ["client_id=c&client_secret=x", "client_id=other", "client_id=c&client_id=c", "client_secret=x"] {
            assert_eq!(read(Some(&header("c", "x")), body).expect_err(body).code, Code::InvalidRequest, "{body}");
        }
    }

    /// Proves RFC 7617 §2: an unreadable Authorization header is invalid_client.
    #[test]
    fn an_unreadable_header_is_invalid_client() {
        for bad in
            ["Basic", "Basic !", "Basic Yw==", "Bearer x", "Basic Og==", "Basic YSUwMGI6", "", "basic  ", "Digest x"]
        {
            assert_eq!(read(Some(bad), "client_id=c").expect_err(bad).code, Code::InvalidClient, "{bad}");
        }
    }
}
