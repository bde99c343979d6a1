//! The authorization code grant: may this code be exchanged? RFC 6749 §4.1.2 and §4.1.3, OAuth 2.1 §4.1.3.
//! Pure; the token endpoint calls it inside the transaction that then consumes the code.

use std::time::Duration;

use crate::client::{Client, ClientId};
use crate::error::OAuthError;
use crate::grant::GrantId;
use crate::pkce::CodeChallenge;
use crate::resource::{self, ResourceId};
use crate::scope::Scope;
use crate::secret::HashedSecret;
use crate::time::Timestamp;

/// After so many failed attempts a code is burnt: nobody may try verifiers on it.
pub const MAX_FAILURES: i64 = 5;

/// A second use this soon is a repeated click or a lost answer; later it is a sign of theft.
const REPEATED_REQUEST_WINDOW: Duration = Duration::from_secs(10);

/// A code as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// SHA-256 of the code.
    pub hash: HashedSecret,
    /// The approval it stands for.
    pub grant_id: GrantId,
    /// To whom it was issued.
    pub client_id: ClientId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// RFC 7636 §4.4.
    pub code_challenge: CodeChallenge,
    /// What was granted.
    pub scope: Scope,
    /// For which resource.
    pub resource: ResourceId,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was exchanged.
    pub consumed_at: Option<Timestamp>,
    /// How many attempts failed.
    pub failures: i64,
}

/// The token request of RFC 6749 §4.1.3.
#[derive(Debug)]
pub struct CodeRequest<'a> {
    /// Must equal the one of the authorization request when sent; OAuth 2.1 clients leave it out.
    pub redirect_uri: Option<&'a str>,
    /// RFC 7636 §4.5.
    pub code_verifier: Option<&'a str>,
    /// RFC 8707 §2.2.
    pub resource: &'a [String],
}

/// What to do with a request that proved possession.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redemption {
    /// Exchange it.
    Fresh,
    /// It was exchanged before: refuse, and revoke the grant if that looks like theft (RFC 6749 §4.1.2).
    Replayed {
        /// Whether the first use was long enough ago.
        revoke_grant: bool,
    },
}

/// RFC 6749 §4.1.3, in the order the checks must run: possession is proven before anything is consumed or revoked.
pub fn redeem(
    request: &CodeRequest<'_>,
    code: &AuthorizationCode,
    client: &Client,
    now: Timestamp,
) -> Result<Redemption, OAuthError> {
    not_burnt(code)?;
    issued_to(code, client)?;
    redirect_uri_unchanged(code, request)?;
    code.code_challenge.verify(request.code_verifier)?;
    if let Some(consumed_at) = code.consumed_at {
        return Ok(Redemption::Replayed { revoke_grant: now.since(consumed_at) > REPEATED_REQUEST_WINDOW });
    }
    not_expired(code, now)?;
    resource::within_grant(&code.resource, request.resource)?;
    Ok(Redemption::Fresh)
}

/// A code that was exchanged cannot be burnt any more: wrong attempts of a thief must not hide that its owner comes later.
fn not_burnt(code: &AuthorizationCode) -> Result<(), OAuthError> {
    if code.failures < MAX_FAILURES || code.consumed_at.is_some() { Ok(()) } else { Err(OAuthError::code_burnt()) }
}

fn issued_to(code: &AuthorizationCode, client: &Client) -> Result<(), OAuthError> {
    if code.client_id == client.id { Ok(()) } else { Err(OAuthError::code_of_another_client()) }
}

/// Byte for byte, the port of a loopback URI included: it must be the URI that the code really went to.
fn redirect_uri_unchanged(code: &AuthorizationCode, request: &CodeRequest<'_>) -> Result<(), OAuthError> {
    match request.redirect_uri {
        Some(uri) if uri != code.redirect_uri => Err(OAuthError::redirect_uri_changed()),
        _ => Ok(()),
    }
}

fn not_expired(code: &AuthorizationCode, now: Timestamp) -> Result<(), OAuthError> {
    if now < code.expires_at { Ok(()) } else { Err(OAuthError::code_expired()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Registration;
    use crate::error::Code;
    use crate::secret::{Kind, Secret};

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const REDIRECT_URI: &str = "http://127.0.0.1:4711/cb";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_000 + seconds)
    }

    fn client(id: &str) -> Client {
        Client::new(ClientId::new(id), Registration::Dynamic, at(0))
    }

    fn code() -> AuthorizationCode {
        AuthorizationCode {
            hash: Secret::generate(Kind::AuthorizationCode).hash(),
            grant_id: GrantId::generate(),
            client_id: ClientId::new("c"),
            redirect_uri: REDIRECT_URI.into(),
            code_challenge: CodeChallenge::from_request(
                Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
                Some("S256"),
            )
            .expect("a challenge"),
            scope: Scope::empty(),
            resource: ResourceId::from_config("https://h.example/mcp").expect("a resource"),
            created_at: at(0),
            expires_at: at(60),
            consumed_at: None,
            failures: 0,
        }
    }

    fn good() -> CodeRequest<'static> {
        CodeRequest { redirect_uri: Some(REDIRECT_URI), code_verifier: Some(VERIFIER), resource: &[] }
    }

    fn refusal(request: &CodeRequest<'_>, code: &AuthorizationCode, id: &str, now: Timestamp) -> OAuthError {
        redeem(request, code, &client(id), now).expect_err("refused")
    }

    #[test]
    fn a_good_exchange_passes_until_the_last_second_with_or_without_redirect_uri() {
        for redirect_uri in [Some(REDIRECT_URI), None] {
            let request = CodeRequest { redirect_uri, ..good() };
            assert_eq!(redeem(&request, &code(), &client("c"), at(59)), Ok(Redemption::Fresh));
        }
        assert_eq!(refusal(&good(), &code(), "c", at(60)), OAuthError::code_expired());
    }

    #[test]
    fn each_wrong_part_is_refused_and_so_is_every_pair() {
        let foreign = ["https://h.example/other".to_owned()];
        for wrong in 1..32u8 {
            let has = |bit: u8| wrong & (1 << bit) != 0;
            let request = CodeRequest {
                redirect_uri: Some(if has(0) { "http://127.0.0.1:4712/cb" } else { REDIRECT_URI }),
                code_verifier: Some(if has(1) { "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl" } else { VERIFIER }),
                resource: if has(2) { &foreign } else { &[] },
            };
            let id = if has(3) { "other" } else { "c" };
            let now = if has(4) { at(61) } else { at(1) };
            let expected = if wrong == 1 << 2 { Code::InvalidTarget } else { Code::InvalidGrant };
            assert_eq!(refusal(&request, &code(), id, now).code, expected, "{wrong:05b}");
        }
    }

    #[test]
    fn a_replay_is_noticed_only_after_possession_was_proven_and_revokes_only_when_late() {
        let consumed = AuthorizationCode { consumed_at: Some(at(1)), ..code() };
        for (seconds, revoke_grant) in [(1, false), (11, false), (12, true), (5_000, true), (-100, false)] {
            let redemption = redeem(&good(), &consumed, &client("c"), at(seconds));
            assert_eq!(redemption, Ok(Redemption::Replayed { revoke_grant }), "{seconds}");
        }
        let thief = CodeRequest { code_verifier: Some(REDIRECT_URI), ..good() };
        assert_eq!(refusal(&thief, &consumed, "c", at(30)), OAuthError::code_verifier_wrong());
        assert_eq!(refusal(&good(), &consumed, "other", at(30)), OAuthError::code_of_another_client());
    }

    #[test]
    fn five_failures_burn_a_code() {
        let tried = |failures| AuthorizationCode { failures, ..code() };
        assert_eq!(redeem(&good(), &tried(MAX_FAILURES - 1), &client("c"), at(1)), Ok(Redemption::Fresh));
        assert_eq!(refusal(&good(), &tried(MAX_FAILURES), "c", at(1)), OAuthError::code_burnt());
    }
}
