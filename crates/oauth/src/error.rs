//! Every protocol refusal. RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 7591 §3.2.2, RFC 8628 §3.5, RFC 8707 §2.
//!
//! Constructors name the exact reason, so that logs and tests are precise while answers stay as vague as the RFC wants.

/// The `error` codes of the RFCs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidRequest,
    /// RFC 6749 §5.2; answered with 401.
    InvalidClient,
    /// RFC 6749 §5.2.
    InvalidGrant,
    /// RFC 6749 §4.1.2.1, §5.2.
    UnauthorizedClient,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidScope,
    /// RFC 8707 §2.
    InvalidTarget,
    /// RFC 6749 §4.1.2.1.
    AccessDenied,
    /// RFC 6749 §4.1.2.1; a fault of ours that passes.
    TemporarilyUnavailable,
    /// RFC 7009 §2.2.1.
    UnsupportedTokenType,
    /// RFC 6750 §3.1; answered with 401 and a challenge.
    InvalidToken,
    /// RFC 6585 §4; answered with 429.
    TooManyRequests,
    /// OpenID Connect Core 1.0 §3.1.2.6.
    InteractionRequired,
    /// RFC 9101 §6.2.
    InvalidRequestUri,
    /// RFC 8628 §3.5.
    AuthorizationPending,
    /// RFC 8628 §3.5.
    SlowDown,
    /// RFC 8628 §3.5.
    ExpiredToken,
    /// RFC 7591 §3.2.2.
    InvalidRedirectUri,
    /// RFC 7591 §3.2.2.
    InvalidClientMetadata,
}

impl Code {
    /// The code as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Code::InvalidRequest => "invalid_request",
            Code::InvalidClient => "invalid_client",
            Code::InvalidGrant => "invalid_grant",
            Code::UnauthorizedClient => "unauthorized_client",
            Code::UnsupportedGrantType => "unsupported_grant_type",
            Code::UnsupportedResponseType => "unsupported_response_type",
            Code::InvalidScope => "invalid_scope",
            Code::InvalidTarget => "invalid_target",
            Code::AccessDenied => "access_denied",
            Code::TemporarilyUnavailable => "temporarily_unavailable",
            Code::UnsupportedTokenType => "unsupported_token_type",
            Code::InvalidToken => "invalid_token",
            Code::TooManyRequests => "too_many_requests",
            Code::InteractionRequired => "interaction_required",
            Code::InvalidRequestUri => "invalid_request_uri",
            Code::AuthorizationPending => "authorization_pending",
            Code::SlowDown => "slow_down",
            Code::ExpiredToken => "expired_token",
            Code::InvalidRedirectUri => "invalid_redirect_uri",
            Code::InvalidClientMetadata => "invalid_client_metadata",
        }
    }
}

/// A refusal: `code` and `description` are sent, `detail` is for the log only and never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", .code.as_str())]
pub struct OAuthError {
    /// The RFC's code.
    pub code: Code,
    /// For the developer of the client: ASCII without `"` and `\` (RFC 6749 §5.2).
    pub description: String,
    /// For the operator's log: the exact reason.
    pub detail: String,
}

impl OAuthError {
    fn new(code: Code, description: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code, description: description.into(), detail: detail.into() }
    }

    fn plain(code: Code, description: impl Into<String>) -> Self {
        let description = description.into();
        Self { code, detail: description.clone(), description }
    }

    // --- parameters -------------------------------------------------------------------------------------------------

    /// RFC 6749 §3.1, §3.2: parameters must not be included more than once.
    pub fn parameter_repeated(name: &str) -> Self {
        Self::plain(Code::InvalidRequest, format!("the parameter {} is repeated", printable(name)))
    }

    /// A parameter of a page that it does not have.
    pub fn parameter_unknown(name: &str) -> Self {
        Self::plain(Code::InvalidRequest, format!("there is no parameter {}", printable(name)))
    }

    /// A parameter whose value cannot be.
    pub fn parameter_invalid(name: &'static str) -> Self {
        Self::plain(Code::InvalidRequest, format!("the parameter {name} has a value that cannot be"))
    }

    /// A required parameter is absent or empty.
    pub fn parameter_missing(name: &'static str) -> Self {
        Self::plain(Code::InvalidRequest, format!("the parameter {name} is missing"))
    }

    /// A parameter longer than this server takes.
    pub fn parameter_too_long(name: &'static str, limit: usize) -> Self {
        Self::plain(Code::InvalidRequest, format!("the parameter {name} is longer than {limit} bytes"))
    }

    /// The body is not `application/x-www-form-urlencoded` (RFC 6749 §3.2), or not readable as such.
    pub fn form_malformed() -> Self {
        Self::plain(Code::InvalidRequest, "the body is not application/x-www-form-urlencoded in UTF-8")
    }

    /// Credentials in the URL of the token endpoint (RFC 6749 §2.3.1).
    pub fn parameters_in_url() -> Self {
        Self::plain(Code::InvalidRequest, "this endpoint takes no parameters in its URL")
    }

    /// The body is larger than this server takes.
    pub fn body_too_large(limit: usize) -> Self {
        Self::plain(Code::InvalidRequest, format!("the body is larger than {limit} bytes"))
    }

    // --- client -----------------------------------------------------------------------------------------------------

    /// No registration with this `client_id`.
    pub fn client_unknown() -> Self {
        Self::plain(Code::InvalidClient, "no client is registered with this client_id")
    }

    /// RFC 6749 §2.3: the client must not use more than one authentication method in each request.
    pub fn client_authentication_twice() -> Self {
        Self::plain(Code::InvalidRequest, "more than one client authentication method was used")
    }

    /// The credentials do not fit the registration; which part did not is only logged.
    pub fn client_authentication_failed(detail: &'static str) -> Self {
        Self::new(Code::InvalidClient, "client authentication failed", detail)
    }

    /// The `Authorization` header cannot be read (RFC 7617 §2).
    pub fn client_authentication_malformed() -> Self {
        Self::plain(Code::InvalidClient, "the Authorization header is not well-formed Basic authentication")
    }

    /// RFC 7521 §4.2.1.
    pub fn client_assertion_type_unsupported() -> Self {
        Self::plain(Code::InvalidClient, "client_assertion_type is not supported")
    }

    /// Only clients that the operator knows act for themselves, and they prove who they are.
    pub fn client_may_not_act_for_itself() -> Self {
        Self::plain(Code::UnauthorizedClient, "only a confidential client of the operator may use this grant type")
    }

    /// RFC 7662 §2.1: the caller must be authorized.
    pub fn introspection_not_allowed() -> Self {
        Self::plain(Code::InvalidClient, "the client may not introspect tokens")
    }

    /// The client did not register this grant type.
    pub fn grant_type_not_registered() -> Self {
        Self::plain(Code::UnauthorizedClient, "the client is not registered for this grant type")
    }

    /// RFC 6749 §5.2.
    pub fn grant_type_unsupported() -> Self {
        Self::plain(Code::UnsupportedGrantType, "this grant type is not supported")
    }

    /// The document that a `client_id` is the URL of (draft-ietf-oauth-client-id-metadata-document §4).
    pub fn client_document_refused(reason: impl Into<String>) -> Self {
        Self::plain(Code::InvalidClient, reason)
    }

    // --- authorization request --------------------------------------------------------------------------------------

    /// RFC 6749 §3.1.2.4: never answered by a redirect.
    pub fn redirect_uri_not_registered() -> Self {
        Self::plain(Code::InvalidRequest, "the redirect_uri is not registered for this client")
    }

    /// Absent, while the client has several.
    pub fn redirect_uri_ambiguous() -> Self {
        Self::plain(Code::InvalidRequest, "redirect_uri is missing and the client has more than one")
    }

    /// RFC 6749 §4.1.2.1.
    pub fn response_type_unsupported() -> Self {
        Self::plain(Code::UnsupportedResponseType, "response_type must be code")
    }

    /// Only the query carries responses.
    pub fn response_mode_unsupported() -> Self {
        Self::plain(Code::InvalidRequest, "response_mode must be query")
    }

    /// RFC 7636 §4.4.1: PKCE with S256 is required.
    pub fn code_challenge_required() -> Self {
        Self::plain(Code::InvalidRequest, "PKCE is required: send code_challenge and code_challenge_method=S256")
    }

    /// RFC 7636 §4.4.1: `plain` is refused.
    pub fn code_challenge_method_unsupported() -> Self {
        Self::plain(Code::InvalidRequest, "code_challenge_method must be S256")
    }

    /// RFC 7636 §4.2: an S256 challenge has 43 base64url characters.
    pub fn code_challenge_malformed() -> Self {
        Self::plain(Code::InvalidRequest, "code_challenge is not 43 characters of base64url")
    }

    /// The person said no.
    pub fn denied_by_user() -> Self {
        Self::plain(Code::AccessDenied, "the user denied the request")
    }

    /// `prompt=none` (OpenID Connect Core 1.0 §3.1.2.6). The same whether somebody is signed in or not: a client cannot find
    /// that out.
    pub fn interaction_required() -> Self {
        Self::plain(Code::InteractionRequired, "this server asks the user every time; prompt=none cannot be answered")
    }

    /// OpenID Connect Core 1.0 §3.1.2.1: `none` with any other value.
    pub fn prompt_contradictory() -> Self {
        Self::plain(Code::InvalidRequest, "prompt=none excludes every other value of prompt")
    }

    /// OpenID Connect Core 1.0 §3.1.2.1.
    pub fn max_age_malformed() -> Self {
        Self::plain(Code::InvalidRequest, "max_age must be a number of seconds")
    }

    /// RFC 9126 §2.1: a pushed request must not point to another one.
    pub fn request_uri_pushed() -> Self {
        Self::plain(Code::InvalidRequest, "request_uri must not be sent to this endpoint")
    }

    /// RFC 9126 §4: not a request that this client pushed, or used or expired; which of these is only logged.
    pub fn request_uri_unusable(detail: &'static str) -> Self {
        Self::new(Code::InvalidRequestUri, "the request_uri is unknown, used or expired", detail)
    }

    // --- device grant -----------------------------------------------------------------------------------------------

    /// RFC 8628 §3.5: nobody has decided yet.
    pub fn authorization_pending() -> Self {
        Self::plain(Code::AuthorizationPending, "the user has not decided yet")
    }

    /// RFC 8628 §3.5: asked again too soon.
    pub fn slow_down() -> Self {
        Self::plain(Code::SlowDown, "asked too soon: wait 5 seconds longer between two requests from now on")
    }

    /// RFC 8628 §3.5.
    pub fn device_code_expired() -> Self {
        Self::plain(Code::ExpiredToken, "the device code expired")
    }

    // --- resource and scope -----------------------------------------------------------------------------------------

    /// RFC 8707 §2.
    pub fn resource_unknown() -> Self {
        Self::plain(Code::InvalidTarget, "the resource is not served here")
    }

    /// RFC 8707 §2: absent, and there is no default.
    pub fn resource_missing() -> Self {
        Self::plain(Code::InvalidTarget, "resource is missing and this server protects more than one")
    }

    /// One token has one audience.
    pub fn resource_several() -> Self {
        Self::plain(Code::InvalidTarget, "one request may name one resource")
    }

    /// RFC 8707 §2.2.
    pub fn resource_not_granted() -> Self {
        Self::plain(Code::InvalidTarget, "the resource is not the one that was granted")
    }

    /// RFC 6749 §6: a refresh cannot widen.
    pub fn scope_beyond_grant() -> Self {
        Self::plain(Code::InvalidScope, "the scope goes beyond what was granted")
    }

    /// RFC 6749 §4.1.2.1: nothing is left of the scope under the limit of the client.
    pub fn scope_not_permitted() -> Self {
        Self::plain(Code::InvalidScope, "the client may not be granted any scope of this resource")
    }

    // --- revocation -------------------------------------------------------------------------------------------------

    /// RFC 7009 §2.1: refused, and the client is told.
    pub fn token_of_another_client() -> Self {
        Self::plain(Code::InvalidRequest, "the token was not issued to this client")
    }

    /// RFC 7009 §2.2.1: a secret of ours that is no token, or a token that nothing can revoke.
    pub fn token_type_unsupported() -> Self {
        Self::plain(Code::UnsupportedTokenType, "only access tokens and refresh tokens can be revoked here")
    }

    // --- grants: all look alike to the client -----------------------------------------------------------------------

    /// RFC 6749 §5.2 `invalid_grant`; the reason is only logged, so that the answer is no oracle.
    fn invalid_grant(detail: &'static str) -> Self {
        Self::new(
            Code::InvalidGrant,
            "the code or refresh token is invalid, expired, revoked or was issued to another client",
            detail,
        )
    }

    /// Not a code of ours.
    pub fn code_unknown() -> Self {
        Self::invalid_grant("unknown authorization code")
    }

    /// Issued to another client.
    pub fn code_of_another_client() -> Self {
        Self::invalid_grant("authorization code of another client")
    }

    /// RFC 6749 §4.1.3.
    pub fn redirect_uri_changed() -> Self {
        Self::invalid_grant("redirect_uri differs from the authorization request")
    }

    /// RFC 7636 §4.6.
    pub fn code_verifier_wrong() -> Self {
        Self::invalid_grant("code_verifier does not match the code_challenge")
    }

    /// RFC 6749 §4.1.2.
    pub fn code_expired() -> Self {
        Self::invalid_grant("authorization code expired")
    }

    /// RFC 6749 §4.1.2: single use.
    pub fn code_replayed() -> Self {
        Self::invalid_grant("authorization code was used before")
    }

    /// Too many failed attempts with this code.
    pub fn code_burnt() -> Self {
        Self::invalid_grant("authorization code was tried wrongly too often")
    }

    /// Not a device code of ours.
    pub fn device_code_unknown() -> Self {
        Self::invalid_grant("unknown device code")
    }

    /// Issued to another client.
    pub fn device_code_of_another_client() -> Self {
        Self::invalid_grant("device code of another client")
    }

    /// RFC 8628 §3.5: it was exchanged before.
    pub fn device_code_used() -> Self {
        Self::invalid_grant("device code was used before")
    }

    /// Not a refresh token of ours.
    pub fn refresh_token_unknown() -> Self {
        Self::invalid_grant("unknown refresh token")
    }

    /// Issued to another client.
    pub fn refresh_token_of_another_client() -> Self {
        Self::invalid_grant("refresh token of another client")
    }

    /// RFC 6749 §6.
    pub fn refresh_token_expired() -> Self {
        Self::invalid_grant("refresh token expired")
    }

    /// RFC 9700 §4.14.2: rotation detected a replay.
    pub fn refresh_token_replayed() -> Self {
        Self::invalid_grant("refresh token was used before, outside the windows: grant revoked")
    }

    /// The first token of the grant was given to a stronger proof.
    pub fn client_authentication_weaker() -> Self {
        Self::invalid_grant("the client proved less than when the grant began")
    }

    /// The grant was revoked or has reached its absolute end.
    pub fn grant_ended() -> Self {
        Self::invalid_grant("grant revoked or expired")
    }

    /// The user of the grant is gone or disabled.
    pub fn user_disabled() -> Self {
        Self::invalid_grant("user disabled or deleted")
    }

    // --- registration -----------------------------------------------------------------------------------------------

    /// RFC 7591 §3.2.2.
    pub fn redirect_uris_refused(reason: impl Into<String>) -> Self {
        Self::plain(Code::InvalidRedirectUri, reason)
    }

    /// RFC 7591 §3.2.2.
    pub fn client_metadata_refused(reason: impl Into<String>) -> Self {
        Self::plain(Code::InvalidClientMetadata, reason)
    }

    /// RFC 7591 §3, RFC 7592 §2: nothing tells an unknown client from a wrong token.
    pub fn registration_token_refused(detail: &'static str) -> Self {
        Self::new(Code::InvalidToken, "the access token of the registration is missing or wrong", detail)
    }

    /// RFC 7592 §2.2: the operator closed the registration.
    pub fn registration_is_off() -> Self {
        Self::plain(Code::AccessDenied, "registrations cannot be changed: registration is switched off")
    }

    /// RFC 6585 §4.
    pub fn too_many_requests() -> Self {
        Self::plain(Code::TooManyRequests, "too many requests; wait as long as Retry-After says")
    }

    // --- faults of ours ---------------------------------------------------------------------------------------------

    /// The store or another part of ours does not answer: the client keeps everything and tries again.
    pub fn temporarily_unavailable(detail: impl Into<String>) -> Self {
        Self::new(
            Code::TemporarilyUnavailable,
            "the server cannot answer right now; try again in a few seconds",
            detail,
        )
    }
}

/// What may stand in `error_description` (RFC 6749 §5.2) of a text that came from outside; the rest becomes `?`.
fn printable(text: &str) -> String {
    text.chars().take(64).map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves RFC 6749 §5.2: descriptions keep to their alphabet.
    #[test]
    fn descriptions_hold_only_the_characters_rfc_6749_allows() {
        let error = OAuthError::parameter_repeated("a\"b\\c\r\né");
        assert_eq!(error.description, "the parameter a?b?c??? is repeated");
    }

    #[test]
    fn all_refusals_of_a_code_or_refresh_token_read_alike() {
        let answers = [
            OAuthError::code_unknown(),
            OAuthError::code_of_another_client(),
            OAuthError::code_verifier_wrong(),
            OAuthError::refresh_token_expired(),
            OAuthError::grant_ended(),
        ]
        .map(|error| (error.code, error.description));
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}
