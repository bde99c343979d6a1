//! Everything that is stored about one person, as JSON to be read by them and by programs. Never a secret, nor the hash of one. Given
//! out by `/account/export` and by `gatelodge user export`.

use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::grant::Grant;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::audit_events::{self, Order, Search};
use gatelodge_store::grants::LastUse;
use gatelodge_store::users::User;
use gatelodge_store::{
    StoreError, Tx, browser_sessions, connection_steps, email_addresses, grants, upstream_identities,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::Config;
use crate::login::second_factors::Factors;

/// The most events; `gatelodge audit export` has them all.
const MOST_EVENTS: u32 = 10_000;

/// As it is stored now.
pub fn export(tx: &mut Tx, config: &Config, user: &User, now: Timestamp) -> Result<Value, StoreError> {
    let issuer = config.public_url.as_str().to_owned();
    let search = Search { issuer: Some(issuer.clone()), subject: Some(user.id.to_string()), ..Search::default() };
    let events = audit_events::page(tx, &search, Order::NewestFirst, None, MOST_EVENTS)?;
    let identities = upstream_identities::of_user(tx, &user.id)?;
    let address = email_addresses::of_user(tx, &user.id)?;
    let grants = grants::all_of_user(tx, &user.id)?;
    let sessions = browser_sessions::of_user(tx, &user.id, now)?;
    let steps = connection_steps::of_user(tx, &user.id)?;
    let factors = Factors::of(tx, &user.id)?;
    Ok(json!({
        "exported_at": shown(now),
        "server": issuer,
        "account": {
            "id": user.id,
            "username": user.username,
            "email": address,
            "created_at": shown(user.created_at),
            "disabled_at": user.disabled_at.map(shown),
            "administrator": user.is_admin,
            "has_password": user.password_hash.is_some(),
        },
        "sign_in_providers": identities.iter().map(|identity| json!({
            "issuer": identity.issuer, "subject": identity.subject, "since": shown(identity.created_at),
        })).collect::<Vec<_>>(),
        "second_factors": {
            "authenticator_app": factors.totp.map(|totp| json!({
                "since": shown(totp.created_at), "last_used_at": totp.last_used_at.map(shown),
            })),
            "passkeys": factors.passkeys.iter().map(|passkey| json!({
                "name": passkey.name, "since": shown(passkey.created_at), "last_used_at": passkey.last_used_at.map(shown),
            })).collect::<Vec<_>>(),
            "recovery_codes_left": factors.recovery_codes,
        },
        "grants": grants.iter().map(|(grant, last_use)| of_grant(grant, last_use.as_ref())).collect::<Vec<_>>(),
        "browser_sessions": sessions.iter().map(|session| json!({
            "signed_in_at": session.authenticated_at.map(shown), "last_seen_at": shown(session.last_seen_at),
            "ends_at": shown(session.expires_at),
        })).collect::<Vec<_>>(),
        "connections": steps.iter().map(|step| json!({
            "connection": step.connection, "at": shown(step.at), "step": step.step, "client_id": step.client_id,
            "resource": step.resource, "source": step.source, "grant_id": step.grant_id, "detail": step.detail,
        })).collect::<Vec<_>>(),
        "activity": events.iter().map(of_event).collect::<Vec<_>>(),
        "activity_is_complete": events.len() < MOST_EVENTS as usize,
    }))
}

fn of_grant(grant: &Grant, last_use: Option<&LastUse>) -> Value {
    json!({
        "id": grant.id, "client_id": grant.client_id, "name": grant.name, "resource": grant.resource, "scope": grant.scope,
        "created_at": shown(grant.created_at), "expires_at": shown(grant.expires_at),
        "revoked_at": grant.revoked_at.map(shown), "last_used_at": last_use.map(|last_use| shown(last_use.at)),
        "last_used_from": last_use.and_then(|last_use| last_use.source.as_deref()), "remembered_from": grant.remembered_from,
    })
}

fn of_event(event: &AuditEvent) -> Value {
    let mut value = json!(event);
    value["at"] = shown(event.at).into();
    value
}

/// A time for people and programs (RFC 3339), in UTC.
fn shown(time: Timestamp) -> String {
    let date = OffsetDateTime::from_unix_timestamp(time.as_unix()).ok();
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_else(|| time.to_string())
}
