//! An object whose members are decided on (RFC 8259 §4). Called by `message.rs` and `params.rs`.
//!
//! Of a name that is there twice some parsers take the first value, others the last. Some fold case (Go's encoding/json, with
//! the long s and the Kelvin sign), and some take `task_id` for `taskId` (the Python SDK of MCP does). One reading is left.

use std::borrow::Cow;

use super::Unreadable;
use super::json::Scanner;

/// More than any honest object of the protocol has.
const MAX_MEMBERS: usize = 1_000;

/// So many names are remembered without allocating.
const FEW: usize = 8;

/// Reads an object: `read` gets the members that are in `ours`, the others are passed over.
pub fn members<'a, K: Copy>(
    scanner: &mut Scanner<'a>,
    ours: &[(&str, K)],
    mut read: impl FnMut(&mut Scanner<'a>, K) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut seen: u32 = 0;
    let mut others = Others::default();
    scanner.object(|scanner, name| {
        let Some(index) = ours.iter().position(|(our, _)| *our == name) else {
            if is_ambiguous(&name) || resembles_any(&name, ours.iter().map(|(our, _)| *our)) {
                return Err(Unreadable::AmbiguousName);
            }
            others.add(name)?;
            return scanner.skip();
        };
        if seen & 1 << index != 0 {
            return Err(Unreadable::DuplicateName);
        }
        seen |= 1 << index;
        read(scanner, ours[index].1)
    })?;
    others.are_unique()
}

/// The same for a member that may also hold something else, such as null, in which nothing can be named.
pub fn members_if_object<'a, K: Copy>(
    scanner: &mut Scanner<'a>,
    ours: &[(&str, K)],
    read: impl FnMut(&mut Scanner<'a>, K) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    if scanner.peek()? == b'{' { members(scanner, ours, read) } else { scanner.skip() }
}

/// A NUL ends a name for some; `__proto__` gives an object of JavaScript members that it does not have.
fn is_ambiguous(name: &str) -> bool {
    name == "__proto__" || name.contains('\0')
}

/// Whether `name` is one of ours, but for case and for `_` and `-`. From the end, where names of one family differ.
fn resembles_any<'o>(name: &str, mut ours: impl Iterator<Item = &'o str>) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = u8> {
        let letters = text.bytes().rev().filter(|byte| !matches!(byte, b'_' | b'-'));
        letters.map(|byte| byte.to_ascii_lowercase())
    }
    match name.is_ascii() {
        true => ours.any(|our| letters(name).eq(letters(our))),
        false => ours.any(|our| folded(name).eq(folded(our))),
    }
}

/// Both cases after another, since either alone leaves something: the Kelvin sign has no upper case, the long s no lower
/// one. U+0307 is what the Turkish capital I leaves.
fn folded(text: &str) -> impl Iterator<Item = char> {
    let cased = text.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    cased.filter(|letter| !matches!(letter, '_' | '-' | '\u{307}'))
}

/// The names that are not ours: they must be unique too.
#[derive(Default)]
struct Others<'a> {
    few: [&'a str; FEW],
    count: usize,
    more: Vec<Cow<'a, str>>,
}

impl<'a> Others<'a> {
    fn add(&mut self, name: Cow<'a, str>) -> Result<(), Unreadable> {
        match name {
            Cow::Borrowed(name) if self.count < FEW => {
                if self.few[..self.count].contains(&name) {
                    return Err(Unreadable::DuplicateName);
                }
                self.few[self.count] = name;
                self.count += 1;
            }
            _ if self.more.len() == MAX_MEMBERS => return Err(Unreadable::TooMany),
            name => self.more.push(name),
        }
        Ok(())
    }

    fn are_unique(mut self) -> Result<(), Unreadable> {
        if self.more.is_empty() {
            return Ok(());
        }
        self.more.extend(self.few[..self.count].iter().map(|name| Cow::Borrowed(*name)));
        self.more.sort_unstable();
        if self.more.windows(2).any(|two| two[0] == two[1]) { Err(Unreadable::DuplicateName) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &[(&str, char)] =
        &[("method", 'm'), ("taskId", 't'), ("ask", 'a'), ("notifications", 'n'), ("_meta", '_')];

    fn read(text: &str) -> Result<String, Unreadable> {
        let mut read = String::new();
        let mut scanner = Scanner::new(text.as_bytes())?;
        members(&mut scanner, OURS, |scanner, member| {
            read.push(member);
            scanner.skip()
        })?;
        scanner.end().map(|()| read)
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused_however_it_is_written() {
        let many: String = (0..20).map(|n| format!("\"x{n}\":1,")).collect();
        for text in [
            r#"{"method":1,"method":1}"#,
            r#"{"method":1,"m\u0065thod":1}"#,
            r#"{"x":1,"x":1}"#,
            r#"{"x":1,"\u0078":1}"#,
            r#"{"\u0078":1,"x":1}"#,
            r#"{"\u0078":1,"\u0078":1}"#,
            &format!(r#"{{{many}"x0":1}}"#),
            &format!(r#"{{{many}"x19":1}}"#),
        ] {
            assert_eq!(read(text), Err(Unreadable::DuplicateName), "{text}");
        }
        assert_eq!(read(&format!(r#"{{{many}"method":{{"x0":1,"x0":1}}}}"#)).as_deref(), Ok("m"));
    }

    #[test]
    fn a_name_that_another_parser_takes_for_one_of_ours_is_refused() {
        for name in [
            "Method",
            "METHOD",
            "mETHOD",
            "a\u{17f}k",
            "as\u{212a}",
            "A\u{17f}\u{212a}",
            "taskid",
            "TASKID",
            "task_id",
            "TASK_ID",
            "task-id",
            "TaskId",
            "ta\u{17f}\u{212a}Id",
            "task\u{131}d",
            "task\u{130}d",
            "notiﬁcations",
            "meta",
            "Meta",
            "_META",
            "__meta",
            "_method_",
            "\\u004dethod",
            "method\\u0000",
            "\\u0000",
            "x\\ud800",
            "__proto__",
            "__prot\\u006f__",
        ] {
            for text in [
                format!(r#"{{"{name}":1}}"#),
                format!(r#"{{"method":1,"{name}":1}}"#),
                format!(r#"{{"{name}":1,"method":1}}"#),
            ] {
                assert_eq!(read(&text), Err(Unreadable::AmbiguousName), "{text}");
            }
        }
    }

    #[test]
    fn other_names_are_passed_over() {
        let text =
            r#"{"methods":1,"metho":2,"":3,"xmethod":4,"мethod":5,"method ":6,"taskıds":7,"m\u0065thod":8,"_meta":9}"#;
        assert_eq!(read(text).as_deref(), Ok("m_"));
    }

    #[test]
    fn an_object_with_a_thousand_names_more_is_refused() {
        let object = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| format!("\"x{n}\":1")).collect();
            format!("{{{}}}", names.join(","))
        };
        assert_eq!(read(&object(MAX_MEMBERS + FEW)).as_deref(), Ok(""));
        assert_eq!(read(&object(MAX_MEMBERS + FEW + 1)), Err(Unreadable::TooMany));
    }
}
