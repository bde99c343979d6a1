//! The device grant: RFC 8628 §3.4. The rules are in `gatelodge_oauth::grant::device_code`; somebody allowed it, or not, at
//! `endpoints/consent.rs`.

use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::device_code::{self, DeviceAuthorization};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::{Tx, device_authorizations, grants};

use super::{Decision, Issued, TokenRequest, begin, usable_grant};

/// RFC 8628 §3.5.
pub fn poll(tx: &mut Tx, request: &TokenRequest<'_>) -> Decision {
    let TokenRequest { client, parameters, now, new_token, .. } = *request;
    let presented = match parameters.required("device_code") {
        Ok(code) => Secret::parse(Kind::DeviceCode, code),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(hash) = presented.map(|code| code.hash()) else { return Ok(Err(OAuthError::device_code_unknown())) };
    let Some(device) = device_authorizations::find(tx, &hash)? else {
        return Ok(Err(OAuthError::device_code_unknown()));
    };
    // Done by this very request, which could not know because its connection broke while committing.
    let done_before =
        device.consumed_at.is_some() && device_authorizations::was_consumed_by(tx, &hash, &new_token.hash())?;
    let consumed_at = device.consumed_at.filter(|_| !done_before);
    let device = DeviceAuthorization { consumed_at, ..device };
    let grant_id = match device_code::poll(&device, client, &parameters.every("resource"), now) {
        Ok(grant_id) => grant_id,
        Err(refusal) => {
            if let Some(poll_interval) = device.poll_interval_after(&refusal) {
                device_authorizations::record_poll(tx, &hash, poll_interval, now)?;
            }
            return Ok(Err(refusal));
        }
    };
    let grant = grants::lock(tx, grant_id, request.source, now)?;
    let grant = match usable_grant(tx, grant, now)? {
        Ok(grant) => grant,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // Of two requests with one code, the second waited at the grant and finds the code consumed.
    if !done_before && !device_authorizations::consume(tx, &hash, &new_token.hash(), now)? {
        return Ok(Err(OAuthError::device_code_used()));
    }
    let refresh_token = begin(tx, request, &grant, done_before)?;
    Ok(Ok(Issued { scope: grant.scope.clone(), grant, refresh_token }))
}
