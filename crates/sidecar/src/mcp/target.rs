//! What an operation is about, by its method: the tables of MCP "Tools", "Prompts", "Resources", "Completion", "Tasks" and
//! "Subscriptions", all revisions. Called by `message.rs`, for notifications too: some servers run whatever has a method.

use std::borrow::Cow;

use super::Unreadable;
use super::params::{Params, Reference};

/// How many bytes a URI may have.
const LONGEST_URI: usize = 8 * 1024;

/// What a rule can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<'a> {
    /// `params.name` of `tools/call`.
    Tool(Cow<'a, str>),
    /// `params.name` of `prompts/get`, or what is completed.
    Prompt(Cow<'a, str>),
    /// A resource, or the template of resources that is completed.
    ResourceUri(Cow<'a, str>),
    /// `params.taskId`.
    Task(Cow<'a, str>),
    /// `subscriptions/listen` tells of changes to a list: as good as this method, which reads the list.
    Method(&'static str),
}

impl<'a> Target<'a> {
    pub(super) fn resource(uri: Cow<'a, str>) -> Result<Self, Unreadable> {
        if uri.len() > LONGEST_URI { Err(Unreadable::LongUri) } else { Ok(Target::ResourceUri(uri)) }
    }

    /// Its name, URI, task or method.
    pub fn as_str(&self) -> &str {
        match self {
            Target::Tool(text) | Target::Prompt(text) | Target::ResourceUri(text) | Target::Task(text) => text,
            Target::Method(method) => method,
        }
    }
}

/// What one operation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets<'a> {
    /// The method says it all.
    None,
    /// One thing.
    One(Target<'a>),
    /// Everything that `subscriptions/listen` wants to hear of.
    Several(Vec<Target<'a>>),
}

impl<'a> Targets<'a> {
    /// All of them; every one needs to be allowed.
    pub fn as_slice(&self) -> &[Target<'a>] {
        match self {
            Targets::None => &[],
            Targets::One(target) => std::slice::from_ref(target),
            Targets::Several(targets) => targets,
        }
    }

    /// What `params` name for this method. Where the method needs a name and there is none, nothing could be decided.
    pub(super) fn of(method: &str, params: Params<'a>) -> Result<Self, Unreadable> {
        let one = |make: fn(Cow<'a, str>) -> Target<'a>, name: Option<Cow<'a, str>>| {
            name.map(|name| Targets::One(make(name))).ok_or(Unreadable::MissingTarget)
        };
        match method {
            "tools/call" => one(Target::Tool, params.name),
            "prompts/get" => one(Target::Prompt, params.name),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                Target::resource(params.uri.ok_or(Unreadable::MissingTarget)?).map(Targets::One)
            }
            "tasks/get" | "tasks/result" | "tasks/update" | "tasks/cancel" => one(Target::Task, params.task_id),
            "completion/complete" => completed(params.reference).map(Targets::One),
            "subscriptions/listen" => Ok(Targets::Several(params.interests)),
            _ => Ok(Targets::None),
        }
    }
}

/// MCP "Completion": the type says which member counts, and the other one must not be there to be taken instead.
fn completed(reference: Reference<'_>) -> Result<Target<'_>, Unreadable> {
    match (reference.kind.as_deref(), reference.name, reference.uri) {
        (Some("ref/prompt"), Some(name), None) => Ok(Target::Prompt(name)),
        (Some("ref/resource"), None, Some(uri)) => Target::resource(uri),
        (_, None, None) => Err(Unreadable::MissingTarget),
        _ => Err(Unreadable::UnclearValue),
    }
}
