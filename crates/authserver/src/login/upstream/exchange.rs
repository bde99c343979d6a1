//! The two requests of the code flow (OpenID Connect Core 1.0 §3.1.2.1, §3.1.3.1), and the checks of the ID token that comes
//! back (§3.1.3.7).

use std::time::Duration;

use chrono::DateTime;
use gatelodge_oauth::time::Timestamp;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreResponseType, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError,
    ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdTokenClaims, IdTokenFields, IdTokenVerifier, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, StandardErrorResponse,
    StandardTokenResponse, TokenResponse as _,
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::errand::Errand;
use super::person::Person;
use super::provider::{CallError, Metadata, Provider, Unusable};
use crate::login::upstream_config::Prompt;

/// Signatures that only the provider can make. With HS256 its clients could, and with `none` anybody.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// An ID token is made for the exchange that asks for it. Its clock and ours may differ by the first, and it may be as old as
/// the second.
const ISSUED_WITHIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(600));

/// The longest `sub` (§2), in characters.
const MAX_SUBJECT: usize = 255;

/// Every claim that no standard claim is.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FurtherClaims(Map<String, Value>);

impl AdditionalClaims for FurtherClaims {}

type Claims = IdTokenClaims<FurtherClaims, CoreGenderClaim>;
type Fields = IdTokenFields<
    FurtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Answer = StandardTokenResponse<Fields, CoreTokenType>;
type Client = openidconnect::Client<
    FurtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Answer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why nobody is known after an exchange. The texts are for the log, and hold no code and no token.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// See [`Unusable`].
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The token endpoint does not answer, or with a fault of its own.
    #[error("its token endpoint could not be asked: {0}")]
    Unreachable(String),
    /// The token endpoint refuses.
    #[error("its token endpoint refuses: {0}")]
    Refused(String),
    /// The answer is none.
    #[error("its token endpoint answers something that cannot be read, or without an ID token")]
    Unreadable,
    /// The ID token is not good.
    #[error("its ID token is not good: {0}")]
    NotGood(String),
}

impl ExchangeError {
    /// Whether it may pass by itself.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unusable(_) | Self::Unreachable(_))
    }
}

/// Where to send the browser.
pub fn authorization_url(
    provider: &Provider,
    metadata: &Metadata,
    redirect_uri: &Url,
    state: &str,
    errand: &Errand,
) -> Url {
    let client = client(provider, metadata, redirect_uri);
    let (state, nonce) = (state.to_owned(), errand.nonce.clone());
    let scopes = provider.config.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
    let verifier = PkceCodeVerifier::new(errand.pkce_verifier.clone());
    let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
    let mut request = client
        .authorize_url(flow, move || CsrfToken::new(state), move || Nonce::new(nonce))
        .add_scopes(scopes)
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    let prompt = if errand.asked_again { Some(Prompt::Login) } else { provider.config.prompt };
    if let Some(prompt) = prompt {
        request = request.add_extra_param("prompt", prompt.as_str());
    }
    request.url().0
}

/// Turns the code of a callback into the person it is about.
pub async fn exchange(
    provider: &Provider,
    redirect_uri: &Url,
    code: &str,
    errand: &Errand,
    now: Timestamp,
) -> Result<Person, ExchangeError> {
    let metadata = provider.metadata(now).await?;
    let client = client(provider, &metadata, redirect_uri);
    let request = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .map_err(|_| Unusable::NoTokenEndpoint)?
        .set_pkce_verifier(PkceCodeVerifier::new(errand.pkce_verifier.clone()));
    let call = |request| provider.call(request);
    let answer = request.request_async(&call).await.map_err(refused)?;
    let nonce = Nonce::new(errand.nonce.clone());
    let claims = match verify(&answer, provider, &metadata, &nonce, now) {
        Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
            let metadata = provider.renewed(now).await.unwrap_or(metadata);
            verify(&answer, provider, &metadata, &nonce, now)
        }
        outcome => outcome,
    };
    let claims = claims.map_err(not_good)?;
    signed_in_again(&claims, errand)?;
    person(&claims, provider)
}

/// §3.1.2.1: whoever was to prove themselves again did, where the provider says when (`auth_time`).
fn signed_in_again(claims: &Claims, errand: &Errand) -> Result<(), ExchangeError> {
    let earliest = errand.began_at.minus(ISSUED_WITHIN.0).as_unix();
    match claims.auth_time() {
        Some(at) if errand.asked_again && at.timestamp() < earliest => {
            Err(ExchangeError::NotGood("auth_time is before the sign-in that was asked for".into()))
        }
        _ => Ok(()),
    }
}

fn client(provider: &Provider, metadata: &Metadata, redirect_uri: &Url) -> Client {
    let config = &provider.config;
    let secret = config.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
    let methods = metadata.token_endpoint_auth_methods_supported().map(Vec::as_slice).unwrap_or_default();
    let only_in_body = methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic);
    let auth_type = if only_in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
    Client::from_provider_metadata(metadata.clone(), ClientId::new(config.client_id.clone()), secret)
        .set_auth_type(auth_type)
        .set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone()))
}

fn verify(
    answer: &Answer,
    provider: &Provider,
    metadata: &Metadata,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Claims, ClaimsVerificationError> {
    let other = |says: &str| ClaimsVerificationError::Other(says.to_owned());
    let token = answer.id_token().ok_or_else(|| other("there is none"))?;
    let client_id = ClientId::new(provider.config.client_id.clone());
    let time = DateTime::from_timestamp(now.as_unix(), 0).ok_or_else(|| other("the clock is wrong"))?;
    let verifier =
        IdTokenVerifier::new_public_client(client_id.clone(), metadata.issuer().clone(), metadata.jwks().clone())
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || time)
            .set_issue_time_verifier_fn(move |issued_at| issued_lately(issued_at.timestamp(), now));
    let claims = token.claims(&verifier, nonce)?;
    // §3.1.3.7, step 5.
    if claims.authorized_party().is_some_and(|party| *party != client_id) {
        return Err(ClaimsVerificationError::InvalidAudience("azp names somebody else".into()));
    }
    // §3.1.3.8.
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(ClaimsVerificationError::SignatureVerification)?;
        let key = token.signing_key(&verifier).map_err(ClaimsVerificationError::SignatureVerification)?;
        let hash = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
        if hash.map_err(|_| other("at_hash cannot be checked"))? != *expected {
            return Err(other("at_hash is that of another access token"));
        }
    }
    Ok(claims.clone())
}

fn issued_lately(issued_at: i64, now: Timestamp) -> Result<(), String> {
    let (ahead, age) = ISSUED_WITHIN;
    let (earliest, latest) = (now.minus(age).as_unix(), now.plus(ahead).as_unix());
    if (earliest..=latest).contains(&issued_at) { Ok(()) } else { Err("iat is not a moment ago".into()) }
}

fn person(claims: &Claims, provider: &Provider) -> Result<Person, ExchangeError> {
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.chars().count() > MAX_SUBJECT || subject.contains(char::is_control) {
        return Err(ExchangeError::NotGood("sub cannot be one".into()));
    }
    match serde_json::to_value(claims) {
        Ok(Value::Object(all)) => Ok(Person::new(subject.to_owned(), &all, &provider.config)),
        _ => Err(ExchangeError::NotGood("its claims cannot be read".into())),
    }
}

fn refused(error: RequestTokenError<CallError, StandardErrorResponse<CoreErrorResponseType>>) -> ExchangeError {
    match error {
        RequestTokenError::Request(error) => ExchangeError::Unreachable(error.to_string()),
        RequestTokenError::ServerResponse(response) => ExchangeError::Refused(response.error().to_string()),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => ExchangeError::Unreadable,
    }
}

/// With the innermost cause, where there is one.
fn not_good(error: ClaimsVerificationError) -> ExchangeError {
    ExchangeError::NotGood(match error {
        ClaimsVerificationError::SignatureVerification(cause) => cause.to_string(),
        error => error.to_string(),
    })
}
