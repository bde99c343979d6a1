//! The new text of a message: copied from the old one except where something is set or left out. Used by `rewrite.rs`.

use std::ops::Range;

use super::json::{Value, folds_to};
use super::{MAX_SIZE, Unrewritable};

/// One member that is set in an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name; needs no escapes.
    pub name: &'static str,
    /// What it becomes.
    pub new: New,
}

/// What a member becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum New {
    /// This JSON text.
    Value(String),
    /// An object in which these are set; what else it holds stays.
    Members(Vec<Change>),
}

impl New {
    fn written(&self) -> String {
        match self {
            Self::Value(json) => json.clone(),
            Self::Members(changes) => {
                let members: Vec<String> = changes.iter().map(Change::written).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }
}

impl Change {
    fn written(&self) -> String {
        format!("\"{}\":{}", self.name, self.new.written())
    }
}

/// A text that is being changed, from its beginning to its end.
pub struct Splice<'t> {
    old: &'t str,
    new: String,
    copied: usize,
    is_changed: bool,
}

impl<'t> Splice<'t> {
    /// Nothing is changed yet.
    pub fn of(old: &'t str) -> Self {
        Self { old, new: String::new(), copied: 0, is_changed: false }
    }

    /// Puts `with` in place of a part that begins no earlier than the one before ended.
    pub fn replace(&mut self, part: Range<usize>, with: &str) -> Result<(), Unrewritable> {
        self.new.push_str(&self.old[self.copied..part.start]);
        self.new.push_str(with);
        self.copied = part.end;
        self.is_changed = true;
        // A long description, set in each of very many tools, must not fill the memory.
        if self.new.len() > MAX_SIZE { Err(Unrewritable::TooLarge) } else { Ok(()) }
    }

    /// Sets members of an object: each where it stands, the others at the end.
    pub fn set<'c>(
        &mut self,
        object: Value<'t>,
        changes: impl IntoIterator<Item = &'c Change>,
    ) -> Result<(), Unrewritable> {
        let mut missing: Vec<&Change> = changes.into_iter().collect();
        let mut present: Vec<&str> = Vec::new();
        let mut end = object.span().start + 1;
        let mut is_empty = true;
        for member in object.members() {
            let (key, value) = member?;
            (end, is_empty) = (value.span().end, false);
            if present.iter().any(|name| folds_to(&key, name)) {
                return Err(Unrewritable::Ambiguous);
            }
            if let Some(index) = missing.iter().position(|change| folds_to(&key, change.name)) {
                let change = missing.remove(index);
                if key != change.name {
                    return Err(Unrewritable::Ambiguous);
                }
                present.push(change.name);
                self.set_value(value, &change.new)?;
            }
        }
        for change in missing {
            let comma = if is_empty { "" } else { "," };
            self.replace(end..end, &format!("{comma}{}", change.written()))?;
            is_empty = false;
        }
        Ok(())
    }

    fn set_value(&mut self, old: Value<'t>, new: &New) -> Result<(), Unrewritable> {
        match new {
            New::Members(changes) if old.is_object() => self.set(old, changes),
            New::Members(_) if !old.is_null() => Err(Unrewritable::Annotations),
            New::Value(json) if json == old.raw() => Ok(()),
            _ => self.replace(old.span(), &new.written()),
        }
    }

    /// The new text, or `None` where nothing was changed.
    pub fn finish(mut self) -> Option<String> {
        if !self.is_changed {
            return None;
        }
        self.new.push_str(&self.old[self.copied..]);
        Some(self.new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &'static str, json: &str) -> Change {
        Change { name, new: New::Value(json.into()) }
    }

    fn set(text: &str, changes: &[Change]) -> Result<Option<String>, Unrewritable> {
        let mut splice = Splice::of(text);
        splice.set(Value::only(text)?, changes)?;
        Ok(splice.finish())
    }

    #[test]
    fn members_are_set_where_they_stand_and_added_at_the_end() {
        let hints = || Change { name: "n", new: New::Members(vec![value("a", "true"), value("b", "false")]) };
        for (old, changes, new) in [
            ("{}", vec![value("a", "1"), value("b", "2")], Some("{\"a\":1,\"b\":2}")),
            ("{ \"a\" : 0 , \"z\" : 1e400 }", vec![value("a", "1")], Some("{ \"a\" : 1 , \"z\" : 1e400 }")),
            ("{ \"a\" : 1 }", vec![value("a", "1")], None),
            ("{\"z\":0 }", vec![value("a", "1")], Some("{\"z\":0,\"a\":1 }")),
            ("{\"\\u0061\":0}", vec![value("a", "1")], Some("{\"\\u0061\":1}")),
            ("{\"n\":{\"b\":true,\"c\":0}}", vec![hints()], Some("{\"n\":{\"b\":false,\"c\":0,\"a\":true}}")),
            ("{\"n\":{}}", vec![hints()], Some("{\"n\":{\"a\":true,\"b\":false}}")),
            ("{\"n\":null}", vec![hints()], Some("{\"n\":{\"a\":true,\"b\":false}}")),
            ("{}", vec![hints()], Some("{\"n\":{\"a\":true,\"b\":false}}")),
        ] {
            assert_eq!(set(old, &changes), Ok(new.map(str::to_owned)), "{old}");
        }
    }

    #[test]
    fn a_member_that_others_may_read_differently_is_not_set() {
        for old in ["{\"a\":0,\"a\":1}", "{\"A\":0}", "{\"a\":0,\"A\":1}", "{\"\\u0061\":0,\"a\":1}", "{\"\\ud800\":0}"]
        {
            assert_eq!(set(old, &[value("a", "1")]), Err(Unrewritable::Ambiguous), "{old}");
        }
        let hints = [Change { name: "n", new: New::Members(vec![value("a", "1")]) }];
        assert_eq!(set("{\"n\":[]}", &hints), Err(Unrewritable::Annotations));
        assert_eq!(set("{\"n\":{\"a\":1,\"a\":2}}", &hints), Err(Unrewritable::Ambiguous));
    }
}
