//! JSON text, walked in place: where the members of an object and the elements of an array stand. RFC 8259.
//!
//! For `rewrite.rs`, which must leave what it does not change as it was written: order, numbers, escapes. serde_json reads
//! over each value (into `IgnoredAny`: nothing is kept, nothing recurses); here is only the way from one value to the next.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;

use super::Unrewritable;

type Result<T> = std::result::Result<T, Unrewritable>;

/// One value within a text.
#[derive(Debug, Clone, Copy)]
pub struct Value<'t> {
    whole: &'t str,
    start: usize,
    end: usize,
}

impl<'t> Value<'t> {
    /// The one value that a text consists of.
    pub fn only(text: &'t str) -> Result<Self> {
        let value = Self::at(text, after_space(text, 0))?;
        if after_space(text, value.end) == text.len() { Ok(value) } else { Err(Unrewritable::NotJson) }
    }

    fn at(whole: &'t str, start: usize) -> Result<Self> {
        let rest = whole.get(start..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => Ok(Self { whole, start, end: start + values.byte_offset() }),
            _ => Err(Unrewritable::NotJson),
        }
    }

    /// Where it stands in the text.
    pub fn span(self) -> Range<usize> {
        self.start..self.end
    }

    /// As it is written.
    pub fn raw(self) -> &'t str {
        &self.whole[self.span()]
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.raw().starts_with('{')
    }

    /// Whether it is an array.
    pub fn is_array(self) -> bool {
        self.raw().starts_with('[')
    }

    /// Whether it is nothing.
    pub fn is_null(self) -> bool {
        self.raw() == "null"
    }

    /// A string without its escapes. `None`: another value, or one with half a character, which readers replace differently.
    pub fn string(self) -> Option<Cow<'t, str>> {
        let inner = self.raw().strip_prefix('"')?.strip_suffix('"')?;
        if !inner.contains('\\') {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str(self.raw()).ok().map(Cow::Owned)
    }

    /// The members of an object, in order.
    pub fn members(self) -> Members<'t> {
        Members(Walk::within(self))
    }

    /// The elements of an array, in order.
    pub fn elements(self) -> Elements<'t> {
        Elements(Walk::within(self))
    }
}

/// See [`Value::members`].
pub struct Members<'t>(Walk<'t>);

impl<'t> Iterator for Members<'t> {
    type Item = Result<(Cow<'t, str>, Value<'t>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let key = match self.0.step()? {
            Ok(key) => key,
            Err(error) => return Some(Err(error)),
        };
        let member = self.0.pass(b':').and_then(|()| self.0.value());
        // Nobody knows what others read in a key with half a character.
        Some(member.and_then(|value| Ok((key.string().ok_or(Unrewritable::Ambiguous)?, value))))
    }
}

/// See [`Value::elements`].
pub struct Elements<'t>(Walk<'t>);

impl<'t> Iterator for Elements<'t> {
    type Item = Result<Value<'t>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step()
    }
}

/// From the first sign behind a bracket to the closing one.
struct Walk<'t> {
    whole: &'t str,
    at: usize,
    closing: usize,
    has_begun: bool,
}

impl<'t> Walk<'t> {
    fn within(value: Value<'t>) -> Self {
        Self { whole: value.whole, at: value.start + 1, closing: value.end - 1, has_begun: false }
    }

    /// The next value, behind the comma that parts it from the one before.
    fn step(&mut self) -> Option<Result<Value<'t>>> {
        self.at = after_space(self.whole, self.at);
        if self.at >= self.closing {
            return None;
        }
        if self.has_begun
            && let Err(error) = self.pass(b',')
        {
            return Some(Err(error));
        }
        self.has_begun = true;
        Some(self.value())
    }

    fn value(&mut self) -> Result<Value<'t>> {
        let value = Value::at(self.whole, after_space(self.whole, self.at))?;
        self.at = value.end;
        Ok(value)
    }

    fn pass(&mut self, sign: u8) -> Result<()> {
        self.at = after_space(self.whole, self.at);
        if self.whole.as_bytes().get(self.at) != Some(&sign) {
            return Err(Unrewritable::NotJson);
        }
        self.at += 1;
        Ok(())
    }
}

fn after_space(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// Whether a reader that takes no notice of letter case would take `key` for `ours`. Two letters outside ASCII fold into it.
pub fn folds_to(key: &str, ours: &str) -> bool {
    let folded = |c: char| match c {
        'ſ' => 's',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    };
    key.chars().map(folded).eq(ours.chars().map(folded))
}

/// Finds members by name. One that is there twice, or in other letter case, is refused: readers differ in which they take.
pub fn pick<'t, const N: usize>(object: Value<'t>, names: [&str; N]) -> Result<[Option<Value<'t>>; N]> {
    let mut found = [None; N];
    for member in object.members() {
        let (key, value) = member?;
        if let Some(index) = names.iter().position(|name| folds_to(&key, name))
            && (key != names[index] || found[index].replace(value).is_some())
        {
            return Err(Unrewritable::Ambiguous);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_text_are_found_where_they_stand() {
        let value = Value::only(" {\"a\" : [ 1e400 ,{ } , \"]\" ] ,\n\"\\u0062\":-0.10} ").expect("JSON");
        let members: Vec<_> = value.members().map(|member| member.expect("a member")).collect();
        let read: Vec<_> = members.iter().map(|(key, value)| (key.as_ref(), value.raw())).collect();
        assert_eq!(read, [("a", "[ 1e400 ,{ } , \"]\" ]"), ("b", "-0.10")]);
        let elements: Vec<_> = members[0].1.elements().map(|element| element.expect("an element").raw()).collect();
        assert_eq!(elements, ["1e400", "{ }", "\"]\""]);
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for text in ["", " ", "{", "{}{}", "{} 1", "[1,]", "{\"a\":1,}", "{a:1}", "\u{feff}{}", "NaN", "{\"a\":\"\n\"}"]
        {
            assert_eq!(Value::only(text).map(Value::raw), Err(Unrewritable::NotJson), "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(Value::only(&deep).expect("JSON").is_array());
    }

    #[test]
    fn a_name_in_other_letter_case_is_seen() {
        for key in ["tools", "Tools", "TOOLS", "tool\u{17f}"] {
            assert!(folds_to(key, "tools"), "{key}");
        }
        assert!(folds_to("to\u{212a}en", "token"));
        for key in ["tool", "toolss", "tôols", ""] {
            assert!(!folds_to(key, "tools"), "{key}");
        }
    }
}
