//! One attempt as a timeline: the steps that were recorded here, what the audit trail knows of before and after them, and what that
//! means. Read by `gatelodge connections`.

use std::collections::HashSet;
use std::time::Duration;

use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::client::{Client, ClientId};
use gatelodge_oauth::grant::{GrantId, UserId};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::connection_steps::{self, ConnectionStep, Search};
use gatelodge_store::{StoreError, Tx, audit_events, clients, grants, users};

use super::diagnosis::{Calls, Diagnosis, Facts, State, diagnose};
use super::step::Step;
use crate::config::Config;

/// How many steps are read at a time.
const STEPS: u32 = 500;

/// How many attempts are looked at for one page, when most of them are not wanted.
const MOST_LOOKED_AT: usize = 100;

/// Calls of one client that are looked at.
const MOST_CALLS: u32 = 200;

/// A client is challenged shortly before it begins.
const BEFORE: Duration = Duration::from_secs(600);

/// A sidecar that sent nothing for so long sends nothing.
const SILENT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A new token is not a refresh.
const AT_ONCE: Duration = Duration::from_secs(5);

/// One attempt of one client to connect.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its name.
    pub id: String,
    /// What was recorded, the first one first; never empty.
    pub steps: Vec<(Step, ConnectionStep)>,
    /// Which client.
    pub client_id: Option<String>,
    /// What it calls itself.
    pub client_name: Option<String>,
    /// The user it is for.
    pub username: Option<String>,
    /// The resource it wants.
    pub resource: Option<String>,
    /// When somebody without a token was challenged there, shortly before: probably this client.
    pub challenged_at: Option<Timestamp>,
    /// The first call with the token that the MCP server got, or the last one that it did not get.
    pub call: Option<AuditEvent>,
    /// What it means.
    pub diagnosis: Diagnosis,
}

/// Which attempts are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Whose, and of which client.
    pub search: Search,
    /// Also those who only read the metadata.
    pub all: bool,
    /// Those that stand so.
    pub state: Option<State>,
}

impl Wanted {
    /// Whether an attempt is shown where this step of it stands. The first thing that a client does is to read the metadata: whose
    /// newest step it is did nothing else. What a later release records is nothing to this one.
    fn is_shown_at(&self, step: &ConnectionStep) -> bool {
        let what = Step::of(&step.step);
        self.search.is_of(step) && what.is_some_and(|what| self.all || what != Step::MetadataRead)
    }

    fn is(&self, attempt: &Attempt) -> bool {
        self.state.is_none_or(|state| attempt.diagnosis.state == state)
    }
}

/// Attempts one after the other.
#[derive(Debug, Clone)]
pub struct Page {
    /// The newest one first.
    pub attempts: Vec<Attempt>,
    /// The step behind which the next page begins, if there may be one.
    pub next: Option<ConnectionStep>,
}

/// At most `limit` attempts behind this step. Each stands where its newest step is; how one stands is not stored, so of those that
/// are wanted by it there may be fewer on a page.
pub fn page(
    tx: &mut Tx,
    config: &Config,
    wanted: &Wanted,
    after: Option<ConnectionStep>,
    limit: usize,
    now: Timestamp,
) -> Result<Page, StoreError> {
    let (mut attempts, mut seen, mut last) = (Vec::new(), HashSet::new(), after);
    loop {
        let steps = connection_steps::page(tx, &wanted.search, last.as_ref(), STEPS)?;
        if steps.is_empty() {
            return Ok(Page { attempts, next: None });
        }
        for step in steps {
            if attempts.len() >= limit || seen.len() >= MOST_LOOKED_AT.max(limit) {
                return Ok(Page { attempts, next: last });
            }
            if wanted.is_shown_at(&step) && seen.insert(step.connection.clone()) {
                let found = find(tx, config, &step.connection, now)?;
                // One that is newer than this step stands on a page before.
                let stands_here = |attempt: &Attempt| {
                    let shown = attempt.steps.iter().rev().find(|(_, recorded)| wanted.is_shown_at(recorded));
                    shown.is_some_and(|(_, recorded)| recorded.id == step.id)
                };
                attempts.extend(found.filter(|attempt| stands_here(attempt) && wanted.is(attempt)));
            }
            last = Some(step);
        }
    }
}

/// By its name.
pub fn find(tx: &mut Tx, config: &Config, id: &str, now: Timestamp) -> Result<Option<Attempt>, StoreError> {
    let recorded = connection_steps::of_connection(tx, id)?;
    // What a later release records is nothing to this one.
    let known = recorded.into_iter().filter_map(|step| Some((Step::of(&step.step)?, step)));
    let steps: Vec<(Step, ConnectionStep)> = known.collect();
    let (Some((_, first)), Some((last, newest))) = (steps.first(), steps.last()) else { return Ok(None) };
    let newest_of =
        |read: fn(&ConnectionStep) -> &Option<String>| steps.iter().rev().find_map(|(_, step)| read(step).clone());
    let (client_id, user_id) = (newest_of(|step| &step.client_id), newest_of(|step| &step.user_id));
    let resource = newest_of(|step| &step.resource);
    let challenged_at = match &resource {
        Some(resource) => audit_events::last_challenge(tx, resource, first.at.minus(BEFORE), first.at)?,
        None => None,
    };
    let token = steps.iter().rev().find(|(step, _)| *step == Step::TokenIssued).map(|(_, step)| step);
    let after = match token {
        Some(token) => after_token(tx, config, token)?,
        None => AfterToken::default(),
    };
    let asked = steps.iter().find(|(step, _)| *step == Step::Asked).and_then(|(_, step)| step.detail.as_deref());
    let number_of = |wanted: Step| steps.iter().filter(|(step, _)| *step == wanted).count();
    let facts = Facts {
        last: *last,
        detail: newest.detail.as_deref(),
        since: now.since(newest.at),
        failed_sign_ins: number_of(Step::SignInFailed),
        failed_second_steps: number_of(Step::SecondStepFailed),
        to_this_computer: asked.is_some_and(|detail| detail.contains(", port ")),
        calls: after.calls(),
        refreshed: after.refreshed,
        revoked: after.revoked,
    };
    let diagnosis = diagnose(&facts);
    Ok(Some(Attempt {
        id: id.to_owned(),
        client_name: client_id.as_ref().map(|id| client(tx, config, id)).transpose()?.flatten().and_then(|it| it.name),
        username: user_id
            .map(|id| users::find(tx, &UserId::from_stored(id)))
            .transpose()?
            .flatten()
            .map(|it| it.username),
        client_id,
        resource,
        challenged_at,
        call: after.call,
        diagnosis,
        steps,
    }))
}

fn client(tx: &mut Tx, config: &Config, id: &str) -> Result<Option<Client>, StoreError> {
    let configured = config.clients.iter().find(|client| client.id.as_str() == id);
    match configured {
        Some(client) => Ok(Some(client.clone())),
        None => clients::find(tx, &ClientId::new(id)),
    }
}

/// What is known of the time after the token was issued.
#[derive(Default)]
struct AfterToken {
    call: Option<AuditEvent>,
    is_recorded: bool,
    refreshed: bool,
    revoked: bool,
}

impl AfterToken {
    fn calls(&self) -> Calls<'_> {
        match &self.call {
            Some(call) if call.outcome == "forwarded" => Calls::Forwarded,
            Some(call) => Calls::Refused { reason: call.reason.as_deref() },
            None if self.is_recorded => Calls::None,
            None => Calls::NotRecorded,
        }
    }
}

fn after_token(tx: &mut Tx, config: &Config, token: &ConnectionStep) -> Result<AfterToken, StoreError> {
    let (Some(client_id), Some(user_id), Some(resource)) = (&token.client_id, &token.user_id, &token.resource) else {
        return Ok(AfterToken::default());
    };
    let owner = UserId::from_stored(user_id.clone());
    // From then on calls may be those of the next attempt.
    let until = connection_steps::next_time(tx, token, &ClientId::new(client_id), &owner)?;
    let mut calls = audit_events::calls(tx, (resource, client_id, user_id), token.at, until, MOST_CALLS)?;
    let forwarded = calls.iter().position(|call| call.outcome == "forwarded");
    let call = match forwarded {
        Some(index) => Some(calls.swap_remove(index)),
        None => calls.pop(),
    };
    // Only where no call is known: it may have to look far.
    let is_recorded = call.is_some()
        || config.audit.secret.is_some() && audit_events::is_told_by(tx, resource, token.at.minus(SILENT_FOR))?;
    let id = token.grant_id.clone().map(GrantId::from_stored);
    let grant = id.map(|id| grants::find_with_last_use(tx, &id)).transpose()?.flatten();
    let grant = grant.filter(|(grant, _)| grant.user_id.as_ref() == Some(&owner));
    let last_used_at = grant.as_ref().and_then(|(_, last_use)| last_use.as_ref()).map(|last_use| last_use.at);
    Ok(AfterToken {
        call,
        is_recorded,
        refreshed: last_used_at.is_some_and(|at| at > token.at.plus(AT_ONCE)),
        revoked: grant.is_some_and(|(grant, _)| grant.revoked_at.is_some()),
    })
}
