//! `login`, `[resource.access]` and `[resource.implies]`: who may do what, checked into a [`Policy`].

use std::collections::{BTreeMap, HashMap};

use gatelodge_oauth::scope::Scope;
use gatelodge_service::config::Problems;
use serde::Deserialize;

use super::resource::scope;
use crate::policy::{Login, Pattern, Policy, Rules, Verdict};
use crate::spelling;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawLogin {
    #[default]
    Eager,
    Lazy,
}

#[derive(Debug, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAccess {
    public_tools: Vec<String>,
    public_prompts: Vec<String>,
    public_resources: Vec<String>,
    list_only_permitted: bool,
    dry_run: bool,
    rule: Vec<RawRule>,
}

#[derive(Debug, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRule {
    tools: Vec<String>,
    prompts: Vec<String>,
    resources: Vec<String>,
    methods: Vec<String>,
    scopes: Vec<String>,
    deny: bool,
}

/// What else decides, beside the tables here.
pub(super) struct Rest {
    pub login: RawLogin,
    pub scope: Scope,
    /// Tools that the overlay takes out of the list: hidden ones cannot be called either.
    pub hidden_tools: Vec<String>,
}

/// The rules of one kind, with where each pattern was written.
#[derive(Default)]
struct Written(Vec<(Pattern, Verdict)>);

impl Written {
    fn add(&mut self, pattern: &str, verdict: &Verdict, key: &str, problems: &mut Problems) {
        if pattern.is_empty() {
            problems.add(key, "has an empty name", "write a name, or \"*\" for every name");
        } else if self.0.iter().any(|(known, _)| known.as_str() == pattern) {
            let says = format!("{pattern:?} is there twice, and only one of them could count");
            problems.add(key, says, "say all that counts for it in one place");
        } else {
            self.0.push((Pattern::new(pattern), verdict.clone()));
        }
    }

    /// Rules about URIs count whatever the case of scheme and host, as they do in what is asked for. The operator's own
    /// spelling stays beside the other: lists show what the MCP server writes.
    fn of_uris(self) -> Rules {
        let lower = self.0.iter().filter_map(|(pattern, verdict)| {
            Some((Pattern::new(spelling::in_lower_case(pattern.as_str())?), verdict.clone()))
        });
        let lower: Vec<_> = lower.collect();
        Rules::new(self.0.into_iter().chain(lower).collect())
    }

    fn add_all(&mut self, patterns: &[String], verdict: &Verdict, key: &str, problems: &mut Problems) {
        for (index, pattern) in patterns.iter().enumerate() {
            self.add(pattern, verdict, &format!("{key}[{index}]"), problems);
        }
    }
}

impl RawAccess {
    /// Converts, or notes what is wrong. `key` names a key of the resource.
    pub fn check(
        &self,
        implies: &BTreeMap<String, Vec<String>>,
        rest: Rest,
        key: &impl Fn(&str) -> String,
        problems: &mut Problems,
    ) -> Policy {
        let (mut tools, mut prompts, mut resources, mut methods) =
            (Written::default(), Written::default(), Written::default(), Written::default());
        for (public, name, written) in [
            (&self.public_tools, "public_tools", &mut tools),
            (&self.public_prompts, "public_prompts", &mut prompts),
            (&self.public_resources, "public_resources", &mut resources),
        ] {
            let key = key(&format!("access.{name}"));
            if !public.is_empty() && rest.login == RawLogin::Eager {
                let hint = "add login = \"lazy\" to the [[resource]], or remove this key";
                problems.add(&key, "has no effect while login is \"eager\": then everything needs a token", hint);
            }
            written.add_all(public, &Verdict::Public, &key, problems);
        }
        for (index, rule) in self.rule.iter().enumerate() {
            let key = key(&format!("access.rule[{index}]"));
            let Some(verdict) = rule.verdict(&key, problems) else { continue };
            tools.add_all(&rule.tools, &verdict, &format!("{key}.tools"), problems);
            prompts.add_all(&rule.prompts, &verdict, &format!("{key}.prompts"), problems);
            resources.add_all(&rule.resources, &verdict, &format!("{key}.resources"), problems);
            methods.add_all(&rule.methods, &verdict, &format!("{key}.methods"), problems);
        }
        for name in &rest.hidden_tools {
            tools.add(name, &Verdict::Denied, &key(&format!("tools.{name:?}.hide")), problems);
        }
        Policy {
            login: match rest.login {
                RawLogin::Eager => Login::Eager,
                RawLogin::Lazy => Login::Lazy,
            },
            scope: rest.scope,
            methods: Rules::new(methods.0),
            tools: Rules::new(tools.0),
            prompts: Rules::new(prompts.0),
            resources: resources.of_uris(),
            implied_by: implied_by(implies, key, problems),
            dry_run: self.dry_run,
            list_only_permitted: self.list_only_permitted,
        }
    }
}

impl RawRule {
    fn verdict(&self, key: &str, problems: &mut Problems) -> Option<Verdict> {
        if [&self.tools, &self.prompts, &self.resources, &self.methods].iter().all(|names| names.is_empty()) {
            problems.add(key, "names nothing", "add tools, prompts, resources or methods");
            return None;
        }
        match (self.deny, self.scopes.is_empty()) {
            (true, true) => Some(Verdict::Denied),
            (false, false) => scope(&self.scopes, &format!("{key}.scopes"), problems).map(Verdict::Scope),
            (true, false) => {
                problems.add(key, "denies, and names scopes that would help", "remove deny, or scopes");
                None
            }
            (false, true) => {
                problems.add(key, "says nothing", "add scopes = [\"…\"], or deny = true");
                None
            }
        }
    }
}

/// From "this one includes those" to "this one is included in those", through any number of steps.
fn implied_by(
    implies: &BTreeMap<String, Vec<String>>,
    key: &impl Fn(&str) -> String,
    problems: &mut Problems,
) -> HashMap<String, Scope> {
    let mut broader: HashMap<String, Scope> = HashMap::new();
    for (name, included) in implies {
        let key = key(&format!("implies.{name:?}"));
        if scope(std::slice::from_ref(name), &key, problems).is_none() || scope(included, &key, problems).is_none() {
            continue;
        }
        let mut open: Vec<&str> = included.iter().map(String::as_str).collect();
        let mut seen: Vec<&str> = Vec::new();
        while let Some(next) = open.pop() {
            if !seen.contains(&next) && next != name {
                seen.push(next);
                open.extend(implies.get(next).into_iter().flatten().map(String::as_str));
            }
        }
        for included in seen {
            let entry = broader.entry(included.to_owned()).or_insert_with(Scope::empty);
            *entry = entry.union(&std::iter::once(name.clone()).collect());
        }
    }
    broader
}
