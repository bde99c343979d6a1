//! One line in the log for each request to an MCP path: who asked for what, by which client, what it needed, what was decided,
//! and how long it took. Never a token, an argument, a query or a cookie. Written by `endpoint.rs`.

use std::time::Instant;

use actix_web::http::StatusCode;

use crate::caller::Caller;
use crate::gate::Exception;
use crate::mcp::{Operation, Target};
use crate::policy::Need;
use crate::respond::Refusal;

/// No more than so many operations of a batch are named, and targets of each.
const MOST_NAMED: usize = 8;

/// What is known of one request by now.
pub struct Record<'e> {
    begun: Instant,
    resource: &'e str,
    caller: Option<Caller>,
    methods: String,
    names: String,
    needed: String,
    exception: Option<Exception>,
    reason: Option<String>,
    outcome: &'static str,
}

impl<'e> Record<'e> {
    /// A request to this resource arrived.
    pub fn begin(resource: &'e str) -> Self {
        Self {
            begun: Instant::now(),
            resource,
            caller: None,
            methods: String::new(),
            names: String::new(),
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
            add(&mut self.methods, &operation.method);
            for target in operation.targets.as_slice().iter().take(MOST_NAMED) {
                match target {
                    Target::ResourceUri(uri) => add(&mut self.names, without_query(uri)),
                    target => add(&mut self.names, target.as_str()),
                }
            }
        }
    }

    /// It is known what that needs.
    pub fn need(&mut self, need: &Need<'_>) {
        self.needed = match need {
            Need::Public => String::new(),
            Need::Scope(scope) => scope.to_string(),
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

    /// Writes the line, once the head of the answer is there.
    pub fn log(self, status: StatusCode) {
        let caller = self.caller.as_ref();
        let held = caller.and_then(Caller::scope).map(ToString::to_string);
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
            held,
            dry_run = self.exception.map(Exception::as_str),
            status = status.as_u16(),
            latency_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            "decision"
        );
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Names are the client's to choose: not longer than is useful.
fn add(list: &mut String, name: &str) {
    const LONGEST: usize = 128;
    if !list.is_empty() {
        list.push(' ');
    }
    list.extend(name.chars().take(LONGEST));
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
        let uris = vec![format!("\"{}\"", "u".repeat(1000)); 1000].join(",");
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{{"resourceSubscriptions":[{uris}]}}}}}}"#
        );
        let message = crate::mcp::read(body.as_bytes()).expect("a message");
        let mut record = Record::begin("r");
        record.operations(message.operations());
        assert!(record.names.len() < 2_000, "{}", record.names.len());
    }
}
