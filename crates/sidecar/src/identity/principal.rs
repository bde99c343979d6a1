//! The caller as the forms of identity see it, and its name in their caches.

use aws_lc_rs::digest::{Context, SHA256};
use gatelodge_oauth::scope::Scope;

use crate::caller::Caller;

/// Names a principal in a cache: a hash of everything that identities are made of, so of one size whatever a token says.
pub type Key = [u8; 32];

/// Somebody who was let in, with everything that may be said.
#[derive(Debug, Clone, Copy)]
pub struct Principal<'a> {
    /// Whose word it is; `None` for an API key, which is the operator's.
    pub issuer: Option<&'a str>,
    pub subject: &'a str,
    pub client_id: Option<&'a str>,
    pub scope: Option<&'a Scope>,
    /// The value of the operator's rule.
    pub context: Option<&'a str>,
}

impl<'a> Principal<'a> {
    /// `None` for callers that nobody knows.
    pub fn of(caller: &'a Caller, context: Option<&'a str>) -> Option<Self> {
        let subject = caller.subject()?;
        let (issuer, client_id, scope) = (caller.issuer(), caller.client_id(), caller.scope());
        Some(Self { issuer, subject, client_id, scope, context })
    }

    /// Each part with its length before it: two principals never have the same bytes.
    pub fn key(&self) -> Key {
        let mut hash = Context::new(&SHA256);
        let mut part = |text: Option<&str>| {
            hash.update(&text.map_or(u64::MAX, |text| text.len() as u64).to_be_bytes());
            hash.update(text.unwrap_or_default().as_bytes());
        };
        part(self.issuer);
        part(Some(self.subject));
        part(self.client_id);
        part(self.context);
        self.scope.into_iter().flat_map(Scope::iter).for_each(|name| part(Some(name)));
        let mut key = Key::default();
        key.copy_from_slice(hash.finish().as_ref());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_principals_share_a_name() {
        let scopes: Vec<Scope> = ["", "a", "a b", "ab"].iter().map(|text| text.parse().expect("a scope")).collect();
        let mut keys = Vec::new();
        for issuer in [None, Some(""), Some("a")] {
            for subject in ["", "a", "aa"] {
                for client_id in [None, Some("a"), Some("")] {
                    for context in [None, Some("a")] {
                        for scope in &scopes {
                            keys.push(Principal { issuer, subject, client_id, scope: Some(scope), context }.key());
                        }
                    }
                }
            }
        }
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }
}
