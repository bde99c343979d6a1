//! Scope: an ordered set of case-sensitive names. RFC 6749 §3.3.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A set of scope names that keeps the order they were first named in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope {
    names: Vec<String>,
    /// All of them, as they are written.
    text: Box<str>,
}

/// A name that breaks the grammar of RFC 6749 §3.3.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope name: allowed are printable ASCII characters except space, \" and \\")]
pub struct InvalidScope(pub String);

impl Scope {
    /// The empty scope.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads a scope and drops what breaks the grammar: clients that send one bad name still mean the others.
    pub fn parse_lenient(text: &str) -> Self {
        text.split(' ').filter(|name| is_scope_name(name)).map(str::to_owned).collect()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names in order, with a space between two.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether `name` is in the set.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|own| own == name)
    }

    /// Whether every name here is in `other` too.
    pub fn is_subset_of(&self, other: &Scope) -> bool {
        self.iter().all(|name| other.contains(name))
    }

    /// The names here, then those only in `other`.
    pub fn union(&self, other: &Scope) -> Scope {
        self.iter().chain(other.iter()).map(str::to_owned).collect()
    }

    /// The names that are in both, in the order of this one.
    pub fn intersection(&self, other: &Scope) -> Scope {
        self.iter().filter(|name| other.contains(name)).map(str::to_owned).collect()
    }
}

/// `scope-token` of RFC 6749 §3.3: `1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_scope_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        text.split(' ')
            .filter(|name| !name.is_empty())
            .map(|name| if is_scope_name(name) { Ok(name.to_owned()) } else { Err(InvalidScope(name.to_owned())) })
            .collect()
    }
}

impl FromIterator<String> for Scope {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        let mut set = Vec::new();
        for name in names {
            if !set.contains(&name) {
                set.push(name);
            }
        }
        Self { text: set.join(" ").into(), names: set }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Two scopes are equal when they hold the same names, in whatever order.
impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.is_subset_of(other) && other.is_subset_of(self)
    }
}

impl Eq for Scope {}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, InvalidScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> String {
        scope.text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().expect("a scope")
    }

    /// Proves RFC 6749 §3.3: a scope is a list of scope tokens.
    #[test]
    fn the_grammar_of_rfc_6749_section_3_3_is_enforced() {
        for good in ["a", "mcp:use", "tickets:read tickets:write", "!#$[]~", ""] {
            assert_eq!(scope(good).to_string(), good);
        }
        for bad in ["a\"b", "a\\b", "é", "a\tb", "a\nb", "\u{7f}"] {
            assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
        }
        assert_eq!(scope("a  b a ").to_string(), "a b", "extra spaces and repetitions mean nothing");
        assert_eq!(Scope::parse_lenient("a \"x b").to_string(), "a b");
    }

    #[test]
    fn sets_compare_without_order_and_case_counts() {
        assert_eq!(scope("a b"), scope("b a"));
        assert_ne!(scope("a"), scope("A"));
        assert!(scope("a").is_subset_of(&scope("b a")));
        assert!(!scope("a c").is_subset_of(&scope("b a")));
        assert_eq!(scope("a b").union(&scope("c a")).to_string(), "a b c");
        assert_eq!(scope("a b c").intersection(&scope("c a")).to_string(), "a c");
    }
}
