//! A body into its operations: JSON-RPC 2.0 §4 to §6, as the transports of MCP narrow it. Called for every POST to an MCP
//! server, and by nobody who has not the whole body.

use std::borrow::Cow;

use super::json::Scanner;
use super::members::members;
use super::params::Params;
use super::{Target, Targets, Unreadable};

/// How many elements a batch may have.
pub const MAX_BATCH: usize = 100;

/// How many tools, prompts, URIs and tasks a body may name altogether: more than a client listens to in one stream.
pub(super) const MAX_TARGETS: usize = 1_000;

/// How many bytes all its URIs may have: each is held against every rule, in each of its spellings.
const MAX_URI_BYTES: usize = 256 * 1024;

/// What a body holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it asks for; all of it needs to be allowed.
    pub operations: Operations<'a>,
}

/// One operation, or the elements of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operations<'a> {
    /// A JSON object.
    One(Operation<'a>),
    /// A JSON array (JSON-RPC 2.0 §6; MCP 2025-03-26 only).
    Batch(Vec<Operation<'a>>),
}

/// A request, notification or response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<'a> {
    /// Which of the three.
    pub kind: Kind,
    /// Requests and responses have one.
    pub id: Option<Id<'a>>,
    /// Empty for a response, and for nothing else.
    pub method: Cow<'a, str>,
    /// What the method is applied to.
    pub targets: Targets<'a>,
    /// `params._meta["io.modelcontextprotocol/protocolVersion"]`, not checked.
    pub protocol_version: Option<Cow<'a, str>>,
}

/// JSON-RPC 2.0 §4, §4.1, §5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Wants an answer.
    Request,
    /// Wants none.
    Notification,
    /// Answers a request of the server.
    Response,
}

/// The id of a request: a string or a number, as the client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// JSON, to be repeated in an answer as it is.
    pub fn as_json(self) -> &'a str {
        self.0
    }
}

impl<'a> Message<'a> {
    /// Everything it asks for, in its order.
    pub fn operations(&self) -> &[Operation<'a>] {
        match &self.operations {
            Operations::One(operation) => std::slice::from_ref(operation),
            Operations::Batch(operations) => operations,
        }
    }

    fn names_too_much(&self) -> bool {
        let targets = self.operations().iter().flat_map(|operation| operation.targets.as_slice());
        let (count, bytes) = targets.fold((0, 0), |(count, bytes), target| match target {
            Target::ResourceUri(uri) => (count + 1, bytes + uri.len()),
            _ => (count + 1, bytes),
        });
        count > MAX_TARGETS || bytes > MAX_URI_BYTES
    }

    /// Whether it is an array.
    pub fn is_batch(&self) -> bool {
        matches!(self.operations, Operations::Batch(_))
    }
}

/// Reads a whole body.
///
/// # Errors
/// When it can be read in two ways, or in none.
pub fn read(body: &[u8]) -> Result<Message<'_>, Unreadable> {
    let mut scanner = Scanner::new(body)?;
    let operations = match scanner.peek()? {
        b'{' => Operations::One(operation(&mut scanner)?),
        b'[' => Operations::Batch(batch(&mut scanner)?),
        _ => {
            scanner.skip()?;
            return Err(Unreadable::NotJsonRpc);
        }
    };
    scanner.end()?;
    let message = Message { operations };
    if message.names_too_much() { Err(Unreadable::TooMany) } else { Ok(message) }
}

fn batch<'a>(scanner: &mut Scanner<'a>) -> Result<Vec<Operation<'a>>, Unreadable> {
    let mut operations = Vec::new();
    scanner.array(|scanner| {
        if operations.len() == MAX_BATCH {
            return Err(Unreadable::TooMany);
        }
        if scanner.peek()? != b'{' {
            return Err(Unreadable::BadBatch);
        }
        let operation = operation(scanner)?;
        if operation.method == "initialize" {
            return Err(Unreadable::BadBatch);
        }
        operations.push(operation);
        Ok(())
    })?;
    if operations.is_empty() { Err(Unreadable::BadBatch) } else { Ok(operations) }
}

#[derive(Clone, Copy)]
enum Member {
    Version,
    Id,
    Method,
    Params,
    Outcome,
}

const ENVELOPE: &[(&str, Member)] = &[
    ("jsonrpc", Member::Version),
    ("id", Member::Id),
    ("method", Member::Method),
    ("params", Member::Params),
    ("result", Member::Outcome),
    ("error", Member::Outcome),
];

#[derive(Default)]
struct Envelope<'a> {
    is_version_2: bool,
    id: Option<Id<'a>>,
    method: Option<Cow<'a, str>>,
    params: Option<Params<'a>>,
    outcomes: u8,
}

fn operation<'a>(scanner: &mut Scanner<'a>) -> Result<Operation<'a>, Unreadable> {
    let mut envelope = Envelope::default();
    members(scanner, ENVELOPE, |scanner, member| {
        match member {
            Member::Version => envelope.is_version_2 = scanner.string()? == "2.0",
            Member::Id => envelope.id = Some(id(scanner)?),
            Member::Method => envelope.method = Some(scanner.string()?),
            Member::Params => envelope.params = Some(Params::read(scanner)?),
            Member::Outcome => {
                envelope.outcomes += 1;
                scanner.skip()?;
            }
        }
        Ok(())
    })?;
    envelope.classify()
}

/// MCP "Messages": a string or a number, never null.
fn id<'a>(scanner: &mut Scanner<'a>) -> Result<Id<'a>, Unreadable> {
    let raw = scanner.raw()?;
    if raw.starts_with(['{', '[', 't', 'f', 'n']) { Err(Unreadable::UnclearValue) } else { Ok(Id(raw)) }
}

impl<'a> Envelope<'a> {
    /// What is half a request and half a response is neither: servers differ on which half they look at first.
    fn classify(self) -> Result<Operation<'a>, Unreadable> {
        if !self.is_version_2 {
            return Err(Unreadable::NotJsonRpc);
        }
        let (kind, method) = match (self.method, self.id, self.outcomes) {
            (Some(method), _, 0) if method.is_empty() => return Err(Unreadable::NotJsonRpc),
            (Some(method), Some(_), 0) => (Kind::Request, method),
            (Some(method), None, 0) => (Kind::Notification, method),
            (None, Some(_), 1) if self.params.is_none() => (Kind::Response, Cow::Borrowed("")),
            _ => return Err(Unreadable::NotJsonRpc),
        };
        let mut params = self.params.unwrap_or_default();
        let protocol_version = params.protocol_version.take();
        Ok(Operation { kind, id: self.id, targets: Targets::of(&method, params)?, method, protocol_version })
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
