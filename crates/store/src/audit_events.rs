//! The audit trail: one row for each call, and for each thing that happened to somebody's access, kept until the operator says
//! otherwise. Written in batches that a resource server sends, and by the authorization server with what it changes; read in pages
//! by `gatelodge audit` and by the page of a person's activity. Nothing refers to a row, and no row changes.

use diesel::prelude::*;
use gatelodge_oauth::audit_event::{AuditEvent, TOOLS_CALL};
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::row::RowName;
use crate::schema::audit_events as t;
use crate::{Insertion, StoreError, Tx};

/// Which events are wanted; what is left out is not asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Of whom this issuer knows.
    pub issuer: Option<String>,
    /// On behalf of this subject.
    pub subject: Option<String>,
    /// Done by this administrator, or by `command`.
    pub actor: Option<String>,
    /// By this client.
    pub client_id: Option<String>,
    /// Calls of this tool.
    pub tool: Option<String>,
    /// Where this was decided.
    pub outcome: Option<String>,
    /// Of this request.
    pub request_id: Option<String>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// For people.
    NewestFirst,
    /// For programs: what comes while they read comes last.
    OldestFirst,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    id: String,
    at: i64,
    outcome: String,
    request_id: Option<String>,
    resource: Option<String>,
    issuer: Option<String>,
    subject: Option<String>,
    client_id: Option<String>,
    api_key: Option<String>,
    mcp_method: Option<String>,
    mcp_name: Option<String>,
    needed: Option<String>,
    held: Option<String>,
    reason: Option<String>,
    dry_run: Option<String>,
    status: Option<i64>,
    latency_us: Option<i64>,
    lost: Option<i64>,
    source: Option<String>,
    actor: Option<String>,
}

impl From<&AuditEvent> for Row {
    fn from(event: &AuditEvent) -> Self {
        let event = event.clone();
        Self {
            id: event.id,
            at: event.at.as_unix(),
            outcome: event.outcome,
            request_id: event.request_id,
            resource: event.resource,
            issuer: event.issuer,
            subject: event.subject,
            client_id: event.client_id,
            api_key: event.api_key,
            mcp_method: event.mcp_method,
            mcp_name: event.mcp_name,
            needed: event.needed,
            held: event.held,
            reason: event.reason,
            dry_run: event.dry_run,
            status: event.status.map(i64::from),
            latency_us: event.latency_us.map(i64::from),
            lost: event.lost.map(i64::from),
            source: event.source,
            actor: event.actor,
        }
    }
}

impl TryFrom<Row> for AuditEvent {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of("audit_events", &row.id);
        let status = row.status.map(u16::try_from).transpose().map_err(|_| name.corrupt("status"))?;
        let latency_us = row.latency_us.map(u32::try_from).transpose().map_err(|_| name.corrupt("latency_us"))?;
        let lost = row.lost.map(u32::try_from).transpose().map_err(|_| name.corrupt("lost"))?;
        Ok(Self {
            id: row.id,
            at: Timestamp::from_unix(row.at),
            outcome: row.outcome,
            request_id: row.request_id,
            resource: row.resource,
            issuer: row.issuer,
            subject: row.subject,
            client_id: row.client_id,
            api_key: row.api_key,
            mcp_method: row.mcp_method,
            mcp_name: row.mcp_name,
            needed: row.needed,
            held: row.held,
            reason: row.reason,
            dry_run: row.dry_run,
            status,
            latency_us,
            lost,
            source: row.source,
            actor: row.actor,
        })
    }
}

/// Keeps a batch; how many of it were not there before.
pub fn insert(tx: &mut Tx, events: &[AuditEvent]) -> Result<usize, StoreError> {
    let mut inserted = 0;
    for event in events {
        let row = Row::from(event);
        let insertion = unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))?;
        inserted += usize::from(insertion == Insertion::Inserted);
    }
    Ok(inserted)
}

/// By its name.
pub fn find(tx: &mut Tx, id: &str) -> Result<Option<AuditEvent>, StoreError> {
    t::table.filter(t::id.eq(id)).first::<Row>(&mut tx.0).optional()?.map(AuditEvent::try_from).transpose()
}

/// At most `limit` events behind `after`, the last one of the page before.
pub fn page(
    tx: &mut Tx,
    search: &Search,
    order: Order,
    after: Option<&AuditEvent>,
    limit: u32,
) -> Result<Vec<AuditEvent>, StoreError> {
    let mut query = t::table.into_boxed();
    if let Some(since) = search.since {
        query = query.filter(t::at.ge(since.as_unix()));
    }
    if let Some(until) = search.until {
        query = query.filter(t::at.lt(until.as_unix()));
    }
    if let Some(issuer) = &search.issuer {
        query = query.filter(t::issuer.eq(issuer.clone()));
    }
    if let Some(subject) = &search.subject {
        query = query.filter(t::subject.eq(subject.clone()));
    }
    if let Some(actor) = &search.actor {
        query = query.filter(t::actor.eq(actor.clone()));
    }
    if let Some(client_id) = &search.client_id {
        query = query.filter(t::client_id.eq(client_id.clone()));
    }
    if let Some(tool) = &search.tool {
        query = query.filter(t::mcp_name.eq(tool.clone())).filter(t::mcp_method.eq(TOOLS_CALL));
    }
    if let Some(outcome) = &search.outcome {
        query = query.filter(t::outcome.eq(outcome.clone()));
    }
    if let Some(request_id) = &search.request_id {
        query = query.filter(t::request_id.eq(request_id.clone()));
    }
    if let Some(last) = after {
        let (at, id) = (last.at.as_unix(), last.id.clone());
        query = match order {
            Order::NewestFirst => query.filter(t::at.le(at)).filter(t::at.lt(at).or(t::id.lt(id))),
            Order::OldestFirst => query.filter(t::at.ge(at)).filter(t::at.gt(at).or(t::id.gt(id))),
        };
    }
    let ordered = match order {
        Order::NewestFirst => query.order((t::at.desc(), t::id.desc())),
        Order::OldestFirst => query.order((t::at.asc(), t::id.asc())),
    };
    let rows = ordered.limit(i64::from(limit)).load::<Row>(&mut tx.0)?;
    rows.into_iter().map(AuditEvent::try_from).collect()
}

/// What a resource server decided: every other outcome is of the authorization server itself.
pub const DECISIONS: [&str; 3] = ["forwarded", "challenged", "refused"];

/// At most `limit` calls of a client for a subject at a resource, from `since` on and before `until`, the first one first.
pub fn calls(
    tx: &mut Tx,
    (resource, client_id, subject): (&str, &str, &str),
    since: Timestamp,
    until: Option<Timestamp>,
    limit: u32,
) -> Result<Vec<AuditEvent>, StoreError> {
    let of_both = t::table.filter(t::client_id.eq(client_id)).filter(t::subject.eq(subject));
    let decided = of_both.filter(t::resource.eq(resource)).filter(t::outcome.eq_any(DECISIONS));
    let mut in_time = decided.filter(t::at.ge(since.as_unix())).into_boxed();
    if let Some(until) = until {
        in_time = in_time.filter(t::at.lt(until.as_unix()));
    }
    let rows = in_time.order((t::at, t::id)).limit(i64::from(limit)).load::<Row>(&mut tx.0)?;
    rows.into_iter().map(AuditEvent::try_from).collect()
}

/// When somebody without a token was last challenged at a resource, within this time.
pub fn last_challenge(
    tx: &mut Tx,
    resource: &str,
    since: Timestamp,
    until: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let challenged = t::table.filter(t::resource.eq(resource)).filter(t::outcome.eq("challenged"));
    let in_time = challenged.filter(t::at.ge(since.as_unix())).filter(t::at.le(until.as_unix()));
    let strangers = in_time.filter(t::subject.is_null()).filter(t::client_id.is_null());
    let at = strangers.select(t::at).order(t::at.desc()).first::<i64>(&mut tx.0).optional()?;
    Ok(at.map(Timestamp::from_unix))
}

/// Whether the resource server of this resource sends what it decides.
pub fn is_told_by(tx: &mut Tx, resource: &str, since: Timestamp) -> Result<bool, StoreError> {
    let told = t::table.filter(t::at.ge(since.as_unix())).filter(t::resource.eq(resource));
    let decided = told.filter(t::outcome.eq_any(DECISIONS));
    Ok(decided.select(t::id).order(t::at).first::<String>(&mut tx.0).optional()?.is_some())
}

/// Deletes at most `limit` events of before this time; how many there were.
pub fn delete_before(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<usize, StoreError> {
    let old = t::table.filter(t::at.lt(before.as_unix())).order(t::at);
    let batch = old.select(t::id).limit(i64::from(limit)).load::<String>(&mut tx.0)?;
    Ok(diesel::delete(t::table.filter(t::id.eq_any(batch))).execute(&mut tx.0)?)
}
