//! What a caller must hold for one operation: which scopes a method, tool, prompt or resource needs, what is public, what is
//! denied. MCP authorization ("Scope Selection", "Scope Challenge Handling"). Pure; asked by `gate.rs`, once for each
//! operation of a request.
//!
//! Of the patterns that match a name, the most specific one decides; where several are equally specific, a denial comes
//! first, and then all their scopes are needed.

use std::borrow::Cow;
use std::collections::HashMap;

use gatelodge_oauth::scope::Scope;

use crate::lists::List;
use crate::mcp::{Kind, Operation, Target, Targets};
use crate::spelling::{self, Others};

/// Whether there is anything to do without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// Nothing: the first request is challenged, which is how clients recognise OAuth.
    Eager,
    /// Public operations; the others are challenged when they are asked for.
    Lazy,
}

/// What one rule says of the names that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody may.
    Denied,
    /// These scopes are needed, beside those of the resource.
    Scope(Scope),
    /// Everybody may, with a token or without.
    Public,
}

/// A name in which `*` stands for any characters. Case counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// As the operator wrote it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As the operator wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How specific it is when it matches: a whole name beats every pattern, and more characters beat fewer.
    fn specificity(&self, name: &str) -> Option<usize> {
        if !self.0.contains('*') {
            return (self.0 == name).then_some(usize::MAX);
        }
        matches(&self.0, name).then(|| self.0.bytes().filter(|byte| *byte != b'*').count())
    }
}

/// Linear in both: each part is looked for once, from the left.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let last = parts.next_back().unwrap_or_default();
    let Some(rest) = name.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    let mut rest = rest;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// The rules for one kind of name.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<(Pattern, Verdict)>);

impl Rules {
    /// In any order.
    pub fn new(rules: Vec<(Pattern, Verdict)>) -> Self {
        Self(rules)
    }

    /// How much the rules that count mean this name.
    fn specificity(&self, name: &str) -> Option<usize> {
        self.0.iter().filter_map(|(pattern, _)| pattern.specificity(name)).max()
    }

    /// What the most specific patterns say; nothing when none matches.
    fn of<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r Verdict> + Clone {
        let best = self.specificity(name);
        let is_best = move |pattern: &Pattern| best.is_some() && pattern.specificity(name) == best;
        self.0.iter().filter(move |(pattern, _)| is_best(pattern)).map(|(_, verdict)| verdict)
    }

    fn deny(&self, name: &str) -> bool {
        self.of(name).any(|verdict| *verdict == Verdict::Denied)
    }

    fn deny_anything(&self) -> bool {
        self.0.iter().any(|(_, verdict)| *verdict == Verdict::Denied)
    }

    fn open(&self, name: &str) -> bool {
        let mut verdicts = self.of(name).peekable();
        verdicts.peek().is_some() && verdicts.all(|verdict| *verdict == Verdict::Public)
    }

    fn scopes<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r Scope> {
        self.of(name).filter_map(|verdict| match verdict {
            Verdict::Scope(scope) => Some(scope),
            Verdict::Denied | Verdict::Public => None,
        })
    }
}

/// The policy of one resource.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether there is anything to do without a token.
    pub login: Login,
    /// What every operation needs that is not public.
    pub scope: Scope,
    /// By method.
    pub methods: Rules,
    /// By the name of the tool.
    pub tools: Rules,
    /// By the name of the prompt.
    pub prompts: Rules,
    /// By the URI of the resource, or of its template.
    pub resources: Rules,
    /// Each scope with the broader ones that include it.
    pub implied_by: HashMap<String, Scope>,
    /// Whether the rules are only tried: what they would refuse is logged, and goes through. What the resource itself needs
    /// is needed all the same.
    pub dry_run: bool,
    /// Whether lists show only what the token reaches.
    pub list_only_permitted: bool,
}

/// What one operation needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need<'p> {
    /// Nothing.
    Public,
    /// These scopes.
    Scope(Cow<'p, Scope>),
    /// What nobody has.
    Denied,
}

impl<'p> Need<'p> {
    /// What both need together.
    pub fn and(self, other: Need<'p>) -> Need<'p> {
        match (self, other) {
            (Need::Denied, _) | (_, Need::Denied) => Need::Denied,
            (Need::Public, other) | (other, Need::Public) => other,
            (Need::Scope(one), Need::Scope(other)) if one == other => Need::Scope(one),
            (Need::Scope(one), Need::Scope(other)) => Need::Scope(Cow::Owned(one.union(&other))),
        }
    }
}

/// Done before anybody is known: how a connection begins, and what there is. Nothing is changed by it and nothing shown but
/// names. A rule for the method closes it.
const PUBLIC_METHODS: [&str; 8] = [
    "initialize",
    "server/discover",
    "ping",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "logging/setLevel",
];

/// Methods that do nothing but what their target is for, so that a public target makes them public. Others, known or not,
/// need a token.
const ABOUT_THEIR_TARGET: [&str; 6] = [
    "tools/call",
    "prompts/get",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "completion/complete",
];

impl Policy {
    /// What an operation needs, however the resource is spelled that it is about.
    pub fn need(&self, operation: &Operation<'_>) -> Need<'_> {
        match self.in_every_spelling(operation) {
            Some(targets) => self.need_of_all(&Operation { targets, ..operation.clone() }),
            None => self.need_of_all(operation),
        }
    }

    /// A URI that a rule names in full was meant as it is written.
    fn in_every_spelling<'o>(&self, operation: &Operation<'o>) -> Option<Targets<'o>> {
        if self.resources.0.is_empty() {
            return None;
        }
        let targets = operation.targets.as_slice();
        let mut more = Vec::new();
        for target in targets {
            if let Target::ResourceUri(uri) = target
                && !self.resources.0.iter().any(|(pattern, _)| pattern.as_str() == uri)
            {
                let Others { readings, with_fewer_slashes } = spelling::others(uri);
                let meant = self.resources.specificity(uri);
                let shorter = with_fewer_slashes.into_iter().filter(|other| self.resources.specificity(other) > meant);
                more.extend(readings.into_iter().chain(shorter).map(|other| Target::ResourceUri(other.into())));
            }
        }
        (!more.is_empty()).then(|| Targets::Several(targets.iter().cloned().chain(more).collect()))
    }

    fn need_of_all(&self, operation: &Operation<'_>) -> Need<'_> {
        if self.denies(operation) {
            return Need::Denied;
        }
        if self.login == Login::Lazy && self.opens(operation) {
            return Need::Public;
        }
        let by_method = self.methods.scopes(&operation.method);
        let by_name = self.named(operation).flat_map(|(rules, name)| rules.scopes(name));
        Need::Scope(self.and_base(by_method.chain(by_name)))
    }

    fn and_base<'m>(&self, more: impl Iterator<Item = &'m Scope>) -> Cow<'_, Scope> {
        more.fold(Cow::Borrowed(&self.scope), |sum, more| Cow::Owned(sum.union(more)))
    }

    /// What a request needs that names no operation: the stream of the server, or the end of a session. Whose session it is,
    /// `sessions.rs` knows.
    pub fn need_of_session(&self, in_session: bool) -> Need<'_> {
        match self.login {
            Login::Lazy if in_session => Need::Public,
            _ => Need::Scope(Cow::Borrowed(&self.scope)),
        }
    }

    /// Whether anything that the MCP server lists is denied to everybody.
    pub fn hides_anything(&self) -> bool {
        [&self.tools, &self.prompts, &self.resources, &self.methods].iter().any(|rules| rules.deny_anything())
    }

    /// What using one entry of a list needs, as a rule names it, or the method that uses it.
    pub fn need_for(&self, list: List, name: &str) -> Need<'_> {
        let (rules, method) = match list {
            List::Tools => (&self.tools, "tools/call"),
            List::Prompts => (&self.prompts, "prompts/get"),
            List::Resources | List::ResourceTemplates => (&self.resources, "resources/read"),
            // Not by rules: they are shown to whom they were created for.
            List::Tasks => return Need::Public,
        };
        if rules.deny(name) || self.methods.deny(method) {
            return Need::Denied;
        }
        let mut by_method = self.methods.scopes(method).peekable();
        if self.login == Login::Lazy && rules.open(name) && by_method.peek().is_none() {
            return Need::Public;
        }
        Need::Scope(self.and_base(by_method.chain(rules.scopes(name))))
    }

    /// Whether `granted` reaches as far as `needed`: a broader scope counts for those that it includes.
    pub fn is_met(&self, needed: &Scope, granted: &Scope) -> bool {
        needed.iter().all(|name| {
            let broader = self.implied_by.get(name);
            granted.contains(name)
                || broader.is_some_and(|broader| broader.iter().any(|broader| granted.contains(broader)))
        })
    }

    fn denies(&self, operation: &Operation<'_>) -> bool {
        self.methods.deny(&operation.method) || self.named(operation).any(|(rules, name)| rules.deny(name))
    }

    fn opens(&self, operation: &Operation<'_>) -> bool {
        if self.methods.scopes(&operation.method).next().is_some() {
            return false;
        }
        match operation.kind {
            // An answer to a question of the server: it belongs to the session that was asked.
            Kind::Response => true,
            // A request without an id may be executed like any other: only what is a notification by its name is one.
            Kind::Notification if operation.method.starts_with("notifications/") => true,
            _ if PUBLIC_METHODS.contains(&&*operation.method) => true,
            _ => {
                ABOUT_THEIR_TARGET.contains(&&*operation.method)
                    && !operation.targets.as_slice().is_empty()
                    && operation
                        .targets
                        .as_slice()
                        .iter()
                        .all(|target| self.rules(target).is_some_and(|(rules, name)| rules.open(name)))
            }
        }
    }

    /// The rules for a name of its kind. Tasks have none: they belong to whoever began them.
    fn rules<'p>(&'p self, target: &'p Target<'_>) -> Option<(&'p Rules, &'p str)> {
        match target {
            Target::Tool(name) => Some((&self.tools, name)),
            Target::Prompt(name) => Some((&self.prompts, name)),
            Target::ResourceUri(uri) => Some((&self.resources, uri)),
            Target::Method(method) => Some((&self.methods, method)),
            Target::Task(_) => None,
        }
    }

    fn named<'p>(&'p self, operation: &'p Operation<'_>) -> impl Iterator<Item = (&'p Rules, &'p str)> {
        operation.targets.as_slice().iter().filter_map(|target| self.rules(target))
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
