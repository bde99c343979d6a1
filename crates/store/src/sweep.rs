//! Clears away what has expired. Called again and again by the server, with pauses, so that a large backlog never blocks a
//! request for long. What still tells a theft stays: a spent token of a living grant until it would have expired itself.

use std::time::Duration;

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use gatelodge_oauth::time::Timestamp;

use crate::schema::{
    administration_links, administration_sessions, authorization_codes, browser_sessions, device_authorizations,
    grants, known_sources, password_links, pending_authorizations, pushed_authorization_requests, refresh_tokens,
    setup_links, sign_in_failures, upstream_sign_ins, used_assertions,
};
use crate::{StoreError, Tx, clients};

/// Rows of one table that one sweep deletes at most.
const BATCH: i64 = 1000;

/// An authorization code is kept for so long after it expired, to recognise that it is used a second time (RFC 6749 §4.1.2).
const CODES_STAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A client's document without a grant is kept for so long: a day more than it may be used while its host does not answer.
const DOCUMENTS_STAY: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// A pushed request (RFC 9126 §4) and the codes of a device (RFC 8628 §3.5) are kept for so long after they expired: they open
/// no new page since then, and whoever has one open may still answer it, for as long as a person may take at most. No longer,
/// because strangers cause these rows.
const ANSWERABLE_FOR: Duration = Duration::from_secs(30 * 60);

/// A refresh token is kept for so long after it expired, longer than any window in which a spent one leads to the head of its
/// chain. From then on it is unknown instead of expired, which reads alike.
const TOKENS_STAY: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// A grant is kept for so long after it was revoked or has expired, for whoever asks what happened.
const GRANTS_STAY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How much one sweep deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Rows of `pending_authorizations`.
    pub pending_authorizations: usize,
    /// Rows of `browser_sessions`.
    pub browser_sessions: usize,
    /// Rows of `authorization_codes`.
    pub authorization_codes: usize,
    /// Rows of `pushed_authorization_requests`.
    pub pushed_authorization_requests: usize,
    /// Rows of `device_authorizations`.
    pub device_authorizations: usize,
    /// Rows of `upstream_sign_ins`.
    pub upstream_sign_ins: usize,
    /// Rows of `used_assertions`.
    pub used_assertions: usize,
    /// Rows of `sign_in_failures`.
    pub sign_in_failures: usize,
    /// Rows of `known_sources`.
    pub known_sources: usize,
    /// Rows of `password_links`.
    pub password_links: usize,
    /// Rows of `setup_links`.
    pub setup_links: usize,
    /// Rows of `administration_links`.
    pub administration_links: usize,
    /// Rows of `administration_sessions`.
    pub administration_sessions: usize,
    /// Rows of `clients` that came from documents.
    pub documents: usize,
    /// Rows of `refresh_tokens`.
    pub refresh_tokens: usize,
    /// Rows of `grants`.
    pub grants: usize,
    /// Whether a table may have more to delete: sweep again after a pause.
    pub unfinished: bool,
}

/// The keys of a batch first, then the rows: a limit on the deletion itself has no common form on both databases. Whatever was
/// renewed in between no longer matches and stays.
macro_rules! delete_batch {
    ($tx:ident, $table:ident, $before:expr) => {{
        let expired = || $table::table.filter($table::expires_at.le($before.as_unix()));
        let batch =
            expired().select($table::hash).order($table::expires_at).limit(BATCH).load::<Vec<u8>>(&mut $tx.0)?;
        diesel::delete(expired().filter($table::hash.eq_any(batch))).execute(&mut $tx.0)?
    }};
}

/// Deletes a batch of what has expired by `now`.
pub fn sweep(tx: &mut Tx, now: Timestamp) -> Result<SweepReport, StoreError> {
    let pending_authorizations = delete_batch!(tx, pending_authorizations, now);
    let browser_sessions = delete_batch!(tx, browser_sessions, now);
    let authorization_codes = delete_batch!(tx, authorization_codes, now.minus(CODES_STAY));
    let pushed_authorization_requests = delete_batch!(tx, pushed_authorization_requests, now.minus(ANSWERABLE_FOR));
    let device_authorizations = delete_batch!(tx, device_authorizations, now.minus(ANSWERABLE_FOR));
    let upstream_sign_ins = delete_batch!(tx, upstream_sign_ins, now);
    let used_assertions = delete_batch!(tx, used_assertions, now);
    let sign_in_failures = delete_batch!(tx, sign_in_failures, now);
    let known_sources = delete_batch!(tx, known_sources, now);
    let password_links = delete_batch!(tx, password_links, now);
    let setup_links = delete_batch!(tx, setup_links, now);
    let administration_links = delete_batch!(tx, administration_links, now);
    let administration_sessions = delete_batch!(tx, administration_sessions, now);
    let documents = clients::forget_documents(tx, now.minus(DOCUMENTS_STAY), BATCH)?;
    let refresh_tokens = match delete_batch!(tx, refresh_tokens, now.minus(TOKENS_STAY)) {
        0 => delete_tokens_of_revoked_grants(tx, now)?,
        rows => rows,
    };
    let grants = delete_ended_grants(tx, now)?;
    let counts = [
        pending_authorizations,
        browser_sessions,
        authorization_codes,
        pushed_authorization_requests,
        device_authorizations,
        upstream_sign_ins,
        used_assertions,
        sign_in_failures,
        known_sources,
        password_links,
        setup_links,
        administration_links,
        administration_sessions,
        documents,
        refresh_tokens,
        grants,
    ];
    let unfinished = counts.into_iter().any(|rows| i64::try_from(rows).is_ok_and(|rows| rows >= BATCH));
    Ok(SweepReport {
        pending_authorizations,
        browser_sessions,
        authorization_codes,
        pushed_authorization_requests,
        device_authorizations,
        upstream_sign_ins,
        used_assertions,
        sign_in_failures,
        known_sources,
        password_links,
        setup_links,
        administration_links,
        administration_sessions,
        documents,
        refresh_tokens,
        grants,
        unfinished,
    })
}

/// The tokens of a grant that ended early, before the grant itself: a busy chain has thousands, and its deletion would take
/// them all along at once.
fn delete_tokens_of_revoked_grants(tx: &mut Tx, now: Timestamp) -> Result<usize, StoreError> {
    let revoked = grants::table.filter(grants::revoked_at.le(now.minus(GRANTS_STAY).as_unix())).select(grants::id);
    let of_revoked = refresh_tokens::table.filter(refresh_tokens::grant_id.eq_any(revoked));
    let batch = of_revoked.select(refresh_tokens::hash).limit(BATCH).load::<Vec<u8>>(&mut tx.0)?;
    Ok(diesel::delete(refresh_tokens::table.filter(refresh_tokens::hash.eq_any(batch))).execute(&mut tx.0)?)
}

/// Grants that ended long ago and have no token left; their one code goes with them.
fn delete_ended_grants(tx: &mut Tx, now: Timestamp) -> Result<usize, StoreError> {
    let before = now.minus(GRANTS_STAY).as_unix();
    let tokens = refresh_tokens::table.filter(refresh_tokens::grant_id.eq(grants::id));
    let revoked = grants::table.filter(grants::revoked_at.le(before)).filter(not(exists(tokens)));
    let mut batch = revoked.select(grants::id).limit(BATCH).load::<String>(&mut tx.0)?;
    let expired = grants::table.filter(grants::expires_at.le(before)).filter(not(exists(tokens)));
    let rest = BATCH.saturating_sub(i64::try_from(batch.len()).unwrap_or(BATCH));
    batch.extend(expired.select(grants::id).limit(rest).load::<String>(&mut tx.0)?);
    Ok(diesel::delete(grants::table.filter(grants::id.eq_any(batch))).execute(&mut tx.0)?)
}
