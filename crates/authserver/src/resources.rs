//! `[[resource]]` of the configuration: the MCP servers that tokens are made for (RFC 8707 §2), and their scopes in words for the
//! consent page. Read by `config.rs`.

use gatelodge_oauth::resource::{Resource, ResourceId, ScopeDefinition};
use gatelodge_oauth::scope::Scope;
use gatelodge_service::config::Problems;
use serde::Deserialize;

/// A resource as it is written down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawResource {
    id: String,
    name: String,
    default_scopes: Vec<String>,
    #[serde(default)]
    scope: Vec<RawScope>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScope {
    name: String,
    title: String,
    #[serde(default)]
    implies: Vec<String>,
    #[serde(default)]
    required: bool,
}

/// Every resource, checked.
pub fn check_all(raw: Vec<RawResource>, problems: &mut Problems) -> Vec<Resource> {
    if raw.is_empty() {
        let hint = "add [[resource]] with id = \"https://mcp.example.com/mcp\", a name, default_scopes, and [[resource.scope]]";
        problems.add("resource", "no resource is configured: there is nothing to grant access to", hint);
    }
    let mut resources: Vec<Resource> = Vec::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let key = format!("resource[{index}]");
        if let Some(resource) = raw.check(&key, problems) {
            if resources.iter().any(|other| other.id == resource.id) {
                let says = format!("\"{}\" is configured twice", resource.id);
                problems.add(format!("{key}.id"), says, "remove one of the two");
            }
            resources.push(resource);
        }
    }
    resources
}

impl RawResource {
    fn check(self, key: &str, problems: &mut Problems) -> Option<Resource> {
        let id = match ResourceId::from_config(&self.id) {
            Ok(id) => Some(id),
            Err(reason) => {
                let hint =
                    "write the URL of the MCP endpoint as people type it, for instance \"https://mcp.example.com/mcp\"";
                problems.add(format!("{key}.id"), format!("{:?} cannot be used: {reason}", self.id), hint);
                None
            }
        };
        let known: Scope = self.scope.iter().map(|scope| scope.name.clone()).collect();
        for (index, scope) in self.scope.iter().enumerate() {
            scope.check(&self.scope[..index], &known, &format!("{key}.scope[{index}]"), problems);
        }
        let default_scope: Scope = self.default_scopes.into_iter().collect();
        if default_scope.is_empty() || !default_scope.is_subset_of(&known) {
            let hint = "name at least one of the scopes defined under [[resource.scope]]";
            let says = format!("\"{default_scope}\" is not part of \"{known}\"");
            problems.add(format!("{key}.default_scopes"), says, hint);
        }
        if self.name.trim().is_empty() {
            problems.add(format!("{key}.name"), "is empty", "name the server as people know it");
        }
        let scopes = self.scope.into_iter().map(RawScope::typed).collect();
        Some(Resource { id: id?, name: self.name, scopes, default_scope })
    }
}

impl RawScope {
    fn check(&self, earlier: &[RawScope], known: &Scope, key: &str, problems: &mut Problems) {
        if self.name.is_empty() || self.name.contains(' ') || self.name.parse::<Scope>().is_err() {
            let hint = "a scope name is one word of printable ASCII without \" and \\ (RFC 6749 section 3.3), for instance \"tickets:read\"";
            problems.add(format!("{key}.name"), format!("{:?} is not a scope name", self.name), hint);
        }
        if earlier.iter().any(|other| other.name == self.name) {
            problems.add(format!("{key}.name"), format!("{:?} is defined twice", self.name), "remove one of the two");
        }
        if self.title.trim().is_empty() {
            let hint = "say in words what it allows; people read it when they consent";
            problems.add(format!("{key}.title"), "is empty", hint);
        }
        for included in self.implies.iter().filter(|included| !known.contains(included)) {
            let hint = "name scopes that this resource defines under [[resource.scope]]";
            problems.add(format!("{key}.implies"), format!("{included:?} is no scope of this resource"), hint);
        }
    }

    fn typed(self) -> ScopeDefinition {
        ScopeDefinition {
            name: self.name,
            title: self.title,
            implies: self.implies.into_iter().collect(),
            required: self.required,
        }
    }
}
