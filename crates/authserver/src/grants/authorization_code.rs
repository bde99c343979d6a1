//! The exchange of an authorization code: RFC 6749 §4.1.3.

use gatelodge_oauth::error::{Code, OAuthError};
use gatelodge_oauth::grant::authorization_code::{self, CodeRequest, Redemption};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::{Tx, authorization_codes, grants};

use super::{Decision, Issued, TokenRequest, begin, replayed, usable_grant};

/// RFC 6749 §4.1.3.
pub fn exchange(tx: &mut Tx, request: &TokenRequest<'_>) -> Decision {
    let TokenRequest { client, parameters, now, source, new_token, .. } = *request;
    let (presented, resource) = match (parameters.required("code"), parameters.every("resource")) {
        (Ok(code), resource) => (Secret::parse(Kind::AuthorizationCode, code), resource),
        (Err(refusal), _) => return Ok(Err(refusal)),
    };
    let code_request = match (parameters.optional("redirect_uri"), parameters.optional("code_verifier")) {
        (Ok(redirect_uri), Ok(code_verifier)) => CodeRequest { redirect_uri, code_verifier, resource: &resource },
        (Err(refusal), _) | (_, Err(refusal)) => return Ok(Err(refusal)),
    };
    let Some(hash) = presented.map(|code| code.hash()) else { return Ok(Err(OAuthError::code_unknown())) };
    let Some(code) = authorization_codes::find(tx, &hash)? else { return Ok(Err(OAuthError::code_unknown())) };
    let done_before = match authorization_code::redeem(&code_request, &code, client, now) {
        Ok(Redemption::Fresh) => false,
        // Done by this very request, which could not know because its connection broke while committing.
        Ok(Redemption::Replayed { .. }) if authorization_codes::was_consumed_by(tx, &hash, &new_token.hash())? => true,
        Ok(Redemption::Replayed { revoke_grant }) => {
            let ended = if revoke_grant { grants::revoke(tx, &code.grant_id, now)? } else { Vec::new() };
            for grant in &ended {
                replayed(tx, request, grant)?;
            }
            if !ended.is_empty() {
                tracing::warn!(client_id = %client.id, grant_id = %code.grant_id, "authorization code replayed: grant revoked");
            }
            return Ok(Err(OAuthError::code_replayed()));
        }
        Err(refusal) => {
            if refusal.code == Code::InvalidGrant {
                authorization_codes::record_failure(tx, &hash)?;
            }
            return Ok(Err(refusal));
        }
    };
    let grant = grants::lock(tx, &code.grant_id, source, now)?;
    let grant = match usable_grant(tx, grant, now)? {
        Ok(grant) => grant,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // Of two requests with one code, the second waited at the grant and finds the code consumed.
    if !done_before && !authorization_codes::consume(tx, &hash, &new_token.hash(), now)? {
        return Ok(Err(OAuthError::code_replayed()));
    }
    let refresh_token = begin(tx, request, &grant, done_before)?;
    Ok(Ok(Issued { grant, scope: code.scope, refresh_token }))
}
