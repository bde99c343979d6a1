//! One line in the log for each request to an MCP path: who asked for what, by which client, what it needed, what was decided,
//! and how long it took. Never a token, an argument, a query or a cookie. Written by `endpoint.rs`. Where the operator wants it,
//! the same goes to the audit trail (`trail.rs`), call by call.

use std::time::Instant;

use actix_web::http::StatusCode;
use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::scope::Scope;
use gatelodge_service::http;

use crate::caller::Caller;
use crate::gate::Exception;
use crate::mcp::{Operation, Target};
use crate::policy::Need;
use crate::respond::Refusal;
use crate::trail::{self, Trail};

/// No more than so many operations of a batch are named in the line, and targets of each.
const MOST_NAMED: usize = 8;

/// What is known of one request by now.
pub struct Record<'e> {
    begun: Instant,
    resource: &'e str,
    /// Where it is kept, if anywhere.
    trail: Option<&'e Trail>,
    caller: Option<Caller>,
    /// Of the first operations, for the line.
    methods: String,
    names: String,
    /// Method and targets of each operation, for the trail.
    calls: Vec<(String, String)>,
    needed: String,
    exception: Option<Exception>,
    reason: Option<String>,
    outcome: &'static str,
}

impl<'e> Record<'e> {
    /// A request to this resource arrived.
    pub fn begin(resource: &'e str, trail: Option<&'e Trail>) -> Self {
        Self {
            begun: Instant::now(),
            resource,
            trail,
            caller: None,
            methods: String::new(),
            names: String::new(),
            calls: Vec::new(),
            needed: String::new(),
            exception: None,
            reason: None,
            outcome: "forwarded",
        }
    }

    /// It is known who calls.
    pub fn caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    /// It is known what is asked.
    pub fn operations(&mut self, operations: &[Operation<'_>]) {
        for operation in operations.iter().take(MOST_NAMED) {
            name(operation, &mut self.methods, &mut self.names);
        }
        if self.trail.is_some() {
            self.calls.extend(operations.iter().map(|operation| {
                let (mut method, mut names) = (String::new(), String::new());
                name(operation, &mut method, &mut names);
                (method, names)
            }));
        }
    }

    /// It is known what that needs.
    pub fn need(&mut self, need: &Need<'_>) {
        self.needed = match need {
            Need::Public => String::new(),
            Need::Scope(scope) => scope.as_str().to_owned(),
            Need::Denied => "denied to everybody".into(),
        };
    }

    /// The rules are only tried, and would have refused it.
    pub fn exception(&mut self, exception: Option<Exception>) {
        self.exception = exception;
    }

    /// It is not forwarded, or has no answer.
    pub fn refused(&mut self, refusal: &Refusal) {
        self.outcome = refusal.outcome();
        self.reason = Some(refusal.reason().to_owned());
    }

    /// Writes the line, once the head of the answer is there, and hands the same to the trail.
    pub fn log(self, status: StatusCode) {
        let latency_us = u32::try_from(self.begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        let caller = self.caller.as_ref();
        tracing::info!(
            outcome = self.outcome,
            reason = self.reason,
            subject = caller.and_then(Caller::subject),
            client_id = caller.and_then(Caller::client_id),
            api_key = caller.and_then(Caller::api_key),
            resource = self.resource,
            mcp_method = some(&self.methods),
            mcp_name = some(&self.names),
            needed = some(&self.needed),
            held = caller.and_then(Caller::scope).map(Scope::as_str),
            dry_run = self.exception.map(Exception::as_str),
            status = status.as_u16(),
            latency_us,
            "decision"
        );
        if let Some(trail) = self.trail.filter(|trail| self.presented_something() || trail.wants_public_calls()) {
            self.keep(trail, status, latency_us, &http::id_of_current());
        }
    }

    /// A key that only the MCP server can check counts once it was taken: else whoever makes keys up could fill the trail.
    fn presented_something(&self) -> bool {
        match &self.caller {
            None | Some(Caller::Anonymous) => false,
            Some(caller) => caller.is_known() || self.outcome == "forwarded",
        }
    }

    /// One event for each operation, so that each is found by its name, however many a batch has.
    fn keep(&self, trail: &Trail, status: StatusCode, latency_us: u32, request_id: &str) {
        let caller = self.caller.as_ref();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let event = AuditEvent {
            request_id: Some(request_id.to_owned()),
            resource: Some(self.resource.to_owned()),
            issuer: owned(caller.and_then(Caller::issuer)),
            subject: owned(caller.and_then(Caller::subject)),
            client_id: owned(caller.and_then(Caller::client_id)),
            api_key: owned(caller.and_then(Caller::api_key)),
            needed: owned(some(&self.needed)),
            held: owned(caller.and_then(Caller::scope).map(Scope::as_str)),
            reason: self.reason.clone(),
            dry_run: owned(self.exception.map(Exception::as_str)),
            status: Some(status.as_u16()),
            latency_us: Some(latency_us),
            ..AuditEvent::new(trail::event_id(), trail.now(), self.outcome)
        };
        let Some(((method, names), rest)) = self.calls.split_last() else { return trail.keep(event) };
        for (method, names) in rest {
            let (mcp_method, mcp_name) = (owned(some(method)), owned(some(names)));
            trail.keep(AuditEvent { id: trail::event_id(), mcp_method, mcp_name, ..event.clone() });
        }
        trail.keep(AuditEvent { mcp_method: owned(some(method)), mcp_name: owned(some(names)), ..event });
    }
}

fn name(operation: &Operation<'_>, methods: &mut String, names: &mut String) {
    add(methods, &operation.method);
    for target in operation.targets.as_slice().iter().take(MOST_NAMED) {
        match target {
            Target::ResourceUri(uri) => add(names, without_query(uri)),
            target => add(names, target.as_str()),
        }
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Names are the client's to choose: not longer than is useful.
fn add(list: &mut String, name: &str) {
    const LONGEST: usize = 128;
    if !list.is_empty() && !name.is_empty() {
        list.push(' ');
    }
    // Most names have fewer bytes than that, and no more characters.
    let end = if name.len() <= LONGEST { None } else { name.char_indices().nth(LONGEST) };
    list.push_str(end.map_or(name, |(end, _)| &name[..end]));
}

/// What stands behind the path of a URI is an argument.
fn without_query(uri: &str) -> &str {
    uri.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_not_as_long_as_a_client_wants() {
        let uris = vec![format!("\"{}\"", "u".repeat(250)); 1000].join(",");
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{{"resourceSubscriptions":[{uris}]}}}}}}"#
        );
        let message = crate::mcp::read(body.as_bytes()).expect("a message");
        let mut record = Record::begin("r", None);
        record.operations(message.operations());
        let named = record.methods.len() + record.names.len();
        assert!((1_000..2_000).contains(&named), "{named}");
    }
}
