//! The flight recorder: `GET /connections`, with `user`, `client`, `state`, `readers` (also who only read the metadata) and `after` (the
//! step behind which the page begins), and `GET /connection` with `id`, one attempt step by step.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::connection_steps::{self, Search};
use gatelodge_store::{StoreError, Tx};

use super::paging::{self, PAGE};
use super::whose;
use crate::administration::{Administration, visit};
use crate::config::Config;
use crate::flight_recorder::diagnosis::State;
use crate::flight_recorder::timeline::{self, Attempt, Page, Wanted};
use crate::pages::administration::{
    AttemptHead, ConnectionFilter, ConnectionPage, ConnectionsPage, Obstacle, StateChoice, TimelineMoment,
};

/// What is asked for.
#[derive(Debug, Clone, Default)]
struct Asked {
    user: String,
    client: String,
    state: Option<State>,
    readers: bool,
    after: Option<String>,
}

impl Asked {
    fn of(query: &Parameters) -> Result<Self, OAuthError> {
        let text = |name| query.optional(name).map(|typed| typed.unwrap_or_default().trim().to_owned());
        let state = text("state")?;
        let (known, readers) = (State::of(&state), text("readers")?);
        if (known.is_none() && !state.is_empty()) || !["", "on"].contains(&readers.as_str()) {
            return Err(OAuthError::parameter_invalid("state"));
        }
        let after = query.optional("after")?.map(str::to_owned);
        Ok(Self { user: text("user")?, client: text("client")?, state: known, readers: readers == "on", after })
    }

    fn query(&self, after: &str) -> String {
        let state = self.state.map(State::as_str).unwrap_or_default();
        let readers = if self.readers { "on" } else { "" };
        let Self { user, client, .. } = self;
        paging::query(&[("user", user), ("client", client), ("state", state), ("readers", readers), ("after", after)])
    }
}

/// `GET /connections`.
pub async fn show(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    let known = ["user", "client", "state", "readers", "after"];
    let (open, query) = match visit::page(&request, &app, &known).await {
        Ok(asked) => asked,
        Err(page) => return page,
    };
    let asked = match Asked::of(&query) {
        Ok(asked) => asked,
        Err(error) => return visit::invalid(&request, &app, &error),
    };
    let (wanted, config, now) = (asked.clone(), app.config.clone(), app.clock.now());
    match app.store.read(move |tx| load(tx, &config, &wanted, now)).await {
        Ok(Ok(found)) => {
            let is_unknown = found.is_none();
            let Page { attempts, next } = found.unwrap_or(Page { attempts: Vec::new(), next: None });
            let page = ConnectionsPage {
                frame: visit::frame(&app, &open, "connections"),
                states: State::ALL.map(|state| StateChoice::new(state, asked.state)).into(),
                next: next.map(|step| asked.query(&step.id)),
                filter: ConnectionFilter { user: asked.user, client: asked.client, readers: asked.readers, is_unknown },
                attempts: attempts.iter().map(head).collect(),
            };
            visit::show(&request, &app, StatusCode::OK, &page)
        }
        Ok(Err(error)) => visit::invalid(&request, &app, &error),
        Err(error) => visit::store(&request, &app, &error),
    }
}

/// `None`: nobody is called so.
fn load(
    tx: &mut Tx,
    config: &Config,
    asked: &Asked,
    now: Timestamp,
) -> Result<Result<Option<Page>, OAuthError>, StoreError> {
    let after = match &asked.after {
        None => None,
        Some(after) => match connection_steps::find(tx, after)? {
            None => return Ok(Err(OAuthError::parameter_invalid("after"))),
            after => after,
        },
    };
    let user_id = match asked.user.as_str() {
        "" => None,
        typed => match whose::id_of(tx, typed)? {
            None => return Ok(Ok(None)),
            id => id,
        },
    };
    let client_id = Some(asked.client.clone()).filter(|client| !client.is_empty());
    let search = Search { client_id, user_id: user_id.as_ref().map(UserId::to_string) };
    let wanted = Wanted { search, all: asked.readers, state: asked.state };
    timeline::page(tx, config, &wanted, after, PAGE, now).map(|page| Ok(Some(page)))
}

/// `GET /connection`.
pub async fn one(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    let (open, query) = match visit::page(&request, &app, &["id"]).await {
        Ok(asked) => asked,
        Err(page) => return page,
    };
    let id = match query.required("id") {
        Ok(id) => id.to_owned(),
        Err(error) => return visit::invalid(&request, &app, &error),
    };
    let (config, now) = (app.config.clone(), app.clock.now());
    match app.store.read(move |tx| timeline::find(tx, &config, &id, now)).await {
        Ok(Some(attempt)) => {
            let page = ConnectionPage {
                frame: visit::frame(&app, &open, "connections"),
                moments: moments(&attempt),
                resource: attempt.resource.clone(),
                cause: attempt.diagnosis.cause.clone(),
                advice: attempt.diagnosis.advice.clone(),
                head: head(&attempt),
            };
            visit::show(&request, &app, StatusCode::OK, &page)
        }
        Ok(None) => visit::refuse(&request, &app, Obstacle::NotFound, None),
        Err(error) => visit::store(&request, &app, &error),
    }
}

fn head(attempt: &Attempt) -> AttemptHead {
    let first = attempt.steps.first().map(|(_, step)| step);
    AttemptHead {
        query: paging::query(&[("id", &attempt.id)]),
        id: attempt.id.clone(),
        state: attempt.diagnosis.state.as_str(),
        summary: attempt.diagnosis.summary.clone(),
        began: first.map(|step| step.at.into()),
        source: attempt.steps.iter().find_map(|(_, step)| step.source.clone()),
        client_name: attempt.client_name.clone(),
        client_id: attempt.client_id.clone(),
        user: attempt.username.clone(),
    }
}

/// Everything that is known, in its order.
fn moments(attempt: &Attempt) -> Vec<TimelineMoment> {
    let challenged = attempt.challenged_at.map(|at| TimelineMoment {
        what: "challenged",
        time: at.into(),
        detail: None,
        source: None,
    });
    let steps = attempt.steps.iter().map(|(step, recorded)| TimelineMoment {
        what: step.as_str(),
        time: recorded.at.into(),
        detail: recorded.detail.clone(),
        source: recorded.source.clone(),
    });
    challenged.into_iter().chain(steps).chain(attempt.call.as_ref().map(call)).collect()
}

fn call(event: &AuditEvent) -> TimelineMoment {
    let status = event.status.map(|status| status.to_string());
    let parts = [&event.mcp_method, &event.mcp_name, &status, &event.reason];
    TimelineMoment {
        what: if event.outcome == "forwarded" { "first_call" } else { "call_refused" },
        time: event.at.into(),
        detail: Some(parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")),
        source: event.source.clone(),
    }
}
