//! The members of `params` that say what an operation is about. Called by `message.rs` before the method is known, since
//! members come in any order; `target.rs` takes what the method needs.

use std::borrow::Cow;

use super::json::Scanner;
use super::members::members_if_object;
use super::message::MAX_TARGETS;
use super::{Target, Unreadable};

/// What was found.
#[derive(Debug, Default)]
pub struct Params<'a> {
    /// `name`
    pub name: Option<Cow<'a, str>>,
    /// `uri`
    pub uri: Option<Cow<'a, str>>,
    /// `taskId`
    pub task_id: Option<Cow<'a, str>>,
    /// `ref`
    pub reference: Reference<'a>,
    /// `notifications`
    pub interests: Vec<Target<'a>>,
    /// `_meta["io.modelcontextprotocol/protocolVersion"]`
    pub protocol_version: Option<Cow<'a, str>>,
}

/// `params.ref` (MCP "Completion").
#[derive(Debug, Default)]
pub struct Reference<'a> {
    /// `type`
    pub kind: Option<Cow<'a, str>>,
    /// `name`
    pub name: Option<Cow<'a, str>>,
    /// `uri`
    pub uri: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy)]
enum Member {
    Name,
    Uri,
    TaskId,
    Reference,
    Task,
    Notifications,
    Meta,
}

const PARAMS: &[(&str, Member)] = &[
    ("name", Member::Name),
    ("uri", Member::Uri),
    ("taskId", Member::TaskId),
    ("ref", Member::Reference),
    ("task", Member::Task),
    ("notifications", Member::Notifications),
    ("_meta", Member::Meta),
];

impl<'a> Params<'a> {
    /// Reads them. By position (JSON-RPC 2.0 §4.2) nothing is named.
    pub fn read(scanner: &mut Scanner<'a>) -> Result<Self, Unreadable> {
        let mut params = Params::default();
        members_if_object(scanner, PARAMS, |scanner, member| {
            match member {
                Member::Name => params.name = Some(scanner.string()?),
                Member::Uri => params.uri = Some(scanner.string()?),
                Member::TaskId => params.task_id = Some(scanner.string()?),
                Member::Reference => params.reference = Reference::read(scanner)?,
                // Makes a task of the call, and names nothing.
                Member::Task => members_if_object::<()>(scanner, &[], |scanner, ()| scanner.skip())?,
                Member::Notifications => params.interests = interests(scanner)?,
                Member::Meta => params.protocol_version = protocol_version(scanner)?,
            }
            Ok(())
        })?;
        Ok(params)
    }
}

impl<'a> Reference<'a> {
    fn read(scanner: &mut Scanner<'a>) -> Result<Self, Unreadable> {
        let mut reference = Reference::default();
        members_if_object(scanner, &[("type", 0), ("name", 1), ("uri", 2)], |scanner, member| {
            let place = match member {
                0 => &mut reference.kind,
                1 => &mut reference.name,
                _ => &mut reference.uri,
            };
            *place = Some(scanner.string()?);
            Ok(())
        })?;
        Ok(reference)
    }
}

/// MCP 2026-07-28 "Requests", `_meta`.
fn protocol_version<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Cow<'a, str>>, Unreadable> {
    let mut version = None;
    members_if_object(scanner, &[("io.modelcontextprotocol/protocolVersion", ())], |scanner, ()| {
        version = Some(scanner.string()?);
        Ok(())
    })?;
    Ok(version)
}

#[derive(Clone, Copy)]
enum Interest {
    List(&'static str),
    Resources,
    Tasks,
}

/// MCP 2026-07-28 "Subscriptions", and `taskIds` of the tasks extension.
const INTERESTS: &[(&str, Interest)] = &[
    ("toolsListChanged", Interest::List("tools/list")),
    ("promptsListChanged", Interest::List("prompts/list")),
    ("resourcesListChanged", Interest::List("resources/list")),
    ("resourceSubscriptions", Interest::Resources),
    ("taskIds", Interest::Tasks),
];

fn interests<'a>(scanner: &mut Scanner<'a>) -> Result<Vec<Target<'a>>, Unreadable> {
    let mut interests = Vec::new();
    members_if_object(scanner, INTERESTS, |scanner, member| match member {
        // What is neither false nor null may be true to the server: 1, "yes".
        Interest::List(method) => {
            if !matches!(scanner.raw()?, "false" | "null") {
                interests.push(Target::Method(method));
            }
            Ok(())
        }
        Interest::Resources => strings(scanner, |uri| add(&mut interests, Target::resource(uri)?)),
        Interest::Tasks => strings(scanner, |task| add(&mut interests, Target::Task(task))),
    })?;
    Ok(interests)
}

fn add<'a>(interests: &mut Vec<Target<'a>>, target: Target<'a>) -> Result<(), Unreadable> {
    if interests.len() >= MAX_TARGETS {
        return Err(Unreadable::TooMany);
    }
    interests.push(target);
    Ok(())
}

/// An array of strings, or null.
fn strings<'a>(
    scanner: &mut Scanner<'a>,
    mut each: impl FnMut(Cow<'a, str>) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    if scanner.peek()? == b'[' {
        return scanner.array(|scanner| each(scanner.string()?));
    }
    if scanner.raw()? == "null" { Ok(()) } else { Err(Unreadable::UnclearValue) }
}
