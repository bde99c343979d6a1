//! What the token endpoint hands out, one file for each grant type. Each runs inside the transaction of the request.

use gatelodge_oauth::client::{Client, GrantType, TokenEndpointAuthMethod};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::Grant;
use gatelodge_oauth::grant::refresh_token::RefreshToken;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::secret::Secret;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{StoreError, Tx, grants, refresh_tokens, users};

use crate::app::App;
use crate::security_events::{SecurityEvent, What};

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
pub mod personal_token;
pub mod presented_token;
pub mod refresh_token;

/// What a transaction decided: refusals are values, so that what they changed is kept.
pub type Decision = Result<Result<Issued, OAuthError>, StoreError>;

/// What is handed out; the access token is signed from it.
pub struct Issued {
    /// The approval it stands for.
    pub grant: Grant,
    /// The scope of the access token.
    pub scope: Scope,
    /// The head of the grant's chain, for clients that refresh.
    pub refresh_token: Option<Secret>,
}

/// A token request whose client has proven itself.
pub struct TokenRequest<'a> {
    /// Everything else a grant may need.
    pub app: &'a App,
    /// Who asks.
    pub client: &'a Client,
    /// How it proved that.
    pub method: TokenEndpointAuthMethod,
    /// What was sent.
    pub parameters: &'a Parameters,
    /// When.
    pub now: Timestamp,
    /// From which network.
    pub source: Option<&'a str>,
    /// The refresh token that it gets if it gets a new one. It is made once for the request, not in the transaction, which may
    /// be repeated: a transaction that was committed although the answer to its COMMIT never came is recognised by it.
    pub new_token: &'a Secret,
}

/// The grant, if it is alive and its user may still sign in.
pub fn usable_grant(
    tx: &mut Tx,
    grant: Option<Grant>,
    now: Timestamp,
) -> Result<Result<Grant, OAuthError>, StoreError> {
    let Some(grant) = grant else { return Ok(Err(OAuthError::grant_ended())) };
    if let Err(refusal) = grant.still_valid(now) {
        return Ok(Err(refusal));
    }
    let Some(user_id) = &grant.user_id else { return Ok(Ok(grant)) };
    let user = users::find_enabled(tx, user_id)?;
    Ok(if user.is_some() { Ok(grant) } else { Err(OAuthError::user_disabled()) })
}

/// Lets the person see that their grant ended because something that was used up came again (RFC 9700 §4.14.2).
pub fn replayed(tx: &mut Tx, request: &TokenRequest<'_>, grant: &Grant) -> Result<(), StoreError> {
    let issuer = request.app.config.public_url.as_str();
    SecurityEvent::of_server(issuer, What::Revoked, request.now).about(grant).because("replayed").keep(tx)
}

/// What a grant begins with once its code is spent: the way its client proved itself, which later requests may not do with less,
/// and the first refresh token, unless this very request stored that before.
pub fn begin(
    tx: &mut Tx,
    request: &TokenRequest<'_>,
    grant: &Grant,
    done_before: bool,
) -> Result<Option<Secret>, StoreError> {
    let TokenRequest { app, client, method, now, new_token, .. } = *request;
    let refresh_token = client.may_use(GrantType::RefreshToken).then(|| new_token.clone());
    if refresh_token.is_some() && !done_before {
        let idle = app.config.tokens.refresh_token_idle;
        refresh_tokens::insert(tx, &RefreshToken::unspent(new_token, grant, idle, now))?;
    }
    // Nothing is less than none.
    if method != TokenEndpointAuthMethod::None {
        grants::keep_auth_method(tx, &grant.id, method)?;
    }
    Ok(refresh_token)
}
