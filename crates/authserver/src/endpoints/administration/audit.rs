//! The audit trail: `GET /audit`, with `user`, `client`, `by`, `outcome`, `since`, `until`, `request` and `after` (the last event of the page
//! before). Every event with all that is kept of it.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::audit_events::{self, Order, Search};
use gatelodge_store::{StoreError, Tx};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::paging::{self, LIMIT};
use super::whose;
use crate::administration::operator::COMMAND;
use crate::administration::{Administration, visit};
use crate::pages::administration::{AuditFilter, AuditLine, AuditPage, Fact, Kind};
use crate::security_events::outcomes;

const PARAMETERS: [&str; 8] = ["user", "client", "by", "outcome", "since", "until", "request", "after"];

/// What is asked for, as it was typed, and what that means.
#[derive(Debug, Clone, Default)]
struct Asked {
    filter: AuditFilter,
    search: Search,
    after: Option<String>,
}

impl Asked {
    fn of(query: &Parameters) -> Result<Self, OAuthError> {
        let text = |name| query.optional(name).map(|typed| typed.unwrap_or_default().trim().to_owned());
        let (since, until) = (text("since")?, text("until")?);
        let filter = AuditFilter {
            user: text("user")?,
            client: text("client")?,
            by: text("by")?,
            outcome: text("outcome")?,
            request: text("request")?,
            since,
            until,
            is_unknown: false,
        };
        if !filter.outcome.is_empty() && !outcomes().any(|kind| kind == filter.outcome) {
            return Err(OAuthError::parameter_invalid("outcome"));
        }
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let time = |name, text: &str| match text {
            "" => Ok(None),
            _ => time_of(text).map(Some).ok_or_else(|| OAuthError::parameter_invalid(name)),
        };
        let search = Search {
            since: time("since", &filter.since)?,
            until: time("until", &filter.until)?,
            client_id: given(&filter.client),
            outcome: given(&filter.outcome),
            request_id: given(&filter.request),
            ..Search::default()
        };
        Ok(Self { filter, search, after: query.optional("after")?.map(str::to_owned) })
    }

    fn query(&self, last: &AuditEvent) -> String {
        let AuditFilter { user, client, by, outcome, since, until, request, .. } = &self.filter;
        paging::query(&[
            ("user", user),
            ("client", client),
            ("by", by),
            ("outcome", outcome),
            ("since", since),
            ("until", until),
            ("request", request),
            ("after", &last.id),
        ])
    }
}

/// In UTC, as pages show it: a day, or a time with or without seconds; or as RFC 3339 has it.
fn time_of(text: &str) -> Option<Timestamp> {
    let text = text.replacen(' ', "T", 1);
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text,
    };
    let time = OffsetDateTime::parse(&whole, &Rfc3339).ok()?;
    Some(Timestamp::from_unix(time.unix_timestamp()))
}

/// What is stored of it.
struct Found {
    events: Vec<AuditEvent>,
    names: HashMap<UserId, String>,
}

/// `GET /audit`.
pub async fn show(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    let (open, query) = match visit::page(&request, &app, &PARAMETERS).await {
        Ok(asked) => asked,
        Err(page) => return page,
    };
    let asked = match Asked::of(&query) {
        Ok(asked) => asked,
        Err(error) => return visit::invalid(&request, &app, &error),
    };
    let (wanted, issuer) = (asked.clone(), app.config.public_url.as_str().to_owned());
    match app.store.read(move |tx| load(tx, &wanted, &issuer)).await {
        Ok(Ok(found)) => {
            let is_unknown = found.is_none();
            let Found { events, names } = found.unwrap_or(Found { events: Vec::new(), names: HashMap::new() });
            let (events, next) = paging::cut(events, |last: &AuditEvent| asked.query(last));
            let chosen = asked.filter.outcome.clone();
            let page = AuditPage {
                frame: visit::frame(&app, &open, "audit"),
                kinds: outcomes().map(|name| Kind { name, chosen: name == chosen }).collect(),
                filter: AuditFilter { is_unknown, ..asked.filter },
                events: events.iter().map(|event| line(event, &names)).collect(),
                next,
            };
            visit::show(&request, &app, StatusCode::OK, &page)
        }
        Ok(Err(error)) => visit::invalid(&request, &app, &error),
        Err(error) => visit::store(&request, &app, &error),
    }
}

/// `None`: nobody is called so.
fn load(tx: &mut Tx, asked: &Asked, issuer: &str) -> Result<Result<Option<Found>, OAuthError>, StoreError> {
    let last = match &asked.after {
        None => None,
        Some(after) => match audit_events::find(tx, after)? {
            None => return Ok(Err(OAuthError::parameter_invalid("after"))),
            last => last,
        },
    };
    let mut search = asked.search.clone();
    if !asked.filter.user.is_empty() {
        let Some(id) = whose::id_of(tx, &asked.filter.user)? else { return Ok(Ok(None)) };
        // Who is called so elsewhere is somebody else.
        (search.subject, search.issuer) = (Some(id.to_string()), Some(issuer.to_owned()));
    }
    search.actor = match asked.filter.by.as_str() {
        "" => None,
        COMMAND => Some(COMMAND.to_owned()),
        typed => match whose::id_of(tx, typed)? {
            None => return Ok(Ok(None)),
            id => id.map(|id| id.to_string()),
        },
    };
    let limit = u32::try_from(LIMIT).unwrap_or(u32::MAX);
    let events = audit_events::page(tx, &search, Order::NewestFirst, last.as_ref(), limit)?;
    let here = events.iter().filter(|event| event.issuer.as_deref() == Some(issuer));
    let names = whose::names(tx, here.filter_map(|event| event.subject.clone()))?;
    Ok(Ok(Some(Found { events, names })))
}

fn line(event: &AuditEvent, names: &HashMap<UserId, String>) -> AuditLine {
    let subject = event.subject.clone().map(UserId::from_stored);
    let user = subject.and_then(|id| names.get(&id).map(|name| whose::shown(&id, name)));
    AuditLine {
        id: event.id.clone(),
        time: event.at.into(),
        outcome: event.outcome.clone(),
        subject: event.subject.clone().or_else(|| event.api_key.clone()).filter(|_| user.is_none()),
        user,
        client: event.client_id.clone(),
        what: event.mcp_name.clone().or_else(|| event.mcp_method.clone()),
        facts: facts(event),
    }
}

/// All that is kept, under the names that `gatelodge audit export` has for it.
fn facts(event: &AuditEvent) -> Vec<Fact> {
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let all = [
        ("id", Some(event.id.clone())),
        ("at", OffsetDateTime::from_unix_timestamp(event.at.as_unix()).ok().and_then(|at| at.format(&Rfc3339).ok())),
        ("request_id", event.request_id.clone()),
        ("resource", event.resource.clone()),
        ("issuer", event.issuer.clone()),
        ("subject", event.subject.clone()),
        ("actor", event.actor.clone()),
        ("client_id", event.client_id.clone()),
        ("api_key", event.api_key.clone()),
        ("mcp_method", event.mcp_method.clone()),
        ("mcp_name", event.mcp_name.clone()),
        ("needed", event.needed.clone()),
        ("held", event.held.clone()),
        ("reason", event.reason.clone()),
        ("dry_run", event.dry_run.clone()),
        ("status", number(event.status.map(u32::from))),
        ("latency_us", number(event.latency_us)),
        ("lost", number(event.lost)),
        ("source", event.source.clone()),
    ];
    all.into_iter().filter_map(|(name, value)| value.map(|value| Fact { name, value })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_pages_and_standards_have_it() {
        let time = Timestamp::from_unix(1_800_000_000);
        for text in ["2027-01-15 08:00", "2027-01-15T08:00:00", "2027-01-15T08:00:00Z", "2027-01-15T09:00:00+01:00"] {
            assert_eq!(time_of(text), Some(time), "{text}");
        }
        assert_eq!(time_of("2027-01-15"), Some(Timestamp::from_unix(1_800_000_000 - 8 * 3_600)));
        for bad in ["yesterday", "1800000000", "2027-13-15", "2027-13-15 08:00", "2027-01-15T08:00 "] {
            assert_eq!(time_of(bad), None, "{bad}");
        }
    }
}
