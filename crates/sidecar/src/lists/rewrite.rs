//! One JSON-RPC message (or a batch, which revision 2025-03-26 has) on its way back: lists in it are rewritten. Called with
//! the body of an `application/json` answer, and by `events.rs`. MCP server/tools, server/prompts, server/resources.
//!
//! A response counts as a list when its `id` was asked for a list, and also, whatever its `id`, when its result has the shape
//! of one: clients exist that take `"1"` for `1`, and on some streams the requests are not known.

use std::borrow::Cow;

use super::asked::{Asked, Id};
use super::json::{Value, folds_to, pick};
use super::splice::{Change, New, Splice};
use super::{List, MAX_SIZE, Rewriter, Unrewritable, View};

const PRIVATE: &str = "\"private\"";

impl<V: View> Rewriter<V> {
    /// Rewrites the body of an answer. `None`: nothing is to be changed in it.
    pub fn json(&self, body: &[u8], mut asked: Asked) -> Result<Option<Vec<u8>>, Unrewritable> {
        if body.len() > MAX_SIZE {
            return Err(Unrewritable::TooLarge);
        }
        let text = std::str::from_utf8(body).map_err(|_| Unrewritable::NotJson)?;
        Ok(self.message(text, &mut asked)?.map(String::into_bytes))
    }

    /// Rewrites one message or batch, and notes what it answers.
    pub(super) fn message(&self, text: &str, asked: &mut Asked) -> Result<Option<String>, Unrewritable> {
        let message = Value::only(text)?;
        let mut new = Splice::of(text);
        if !message.is_array() {
            self.response(message, asked, &mut new)?;
        } else {
            for element in message.elements() {
                let element = element?;
                if element.is_array() {
                    return Err(Unrewritable::NotAList);
                }
                self.response(element, asked, &mut new)?;
            }
        }
        Ok(new.finish())
    }

    fn response<'t>(&self, message: Value<'t>, asked: &mut Asked, new: &mut Splice<'t>) -> Result<(), Unrewritable> {
        if !message.is_object() {
            return Ok(());
        }
        let [id, result, error, method] = pick(message, ["id", "result", "error", "method"])?;
        let id = id.and_then(Id::of);
        let expected = asked.list(id.as_ref());
        let lists = match result {
            Some(result) if result.is_object() => {
                let lists = lists_in(result, expected)?;
                self.result(result, &lists, new)?;
                lists
            }
            _ => Vec::new(),
        };
        // A request of the MCP server may have the same id, and a client may go on waiting after half an answer.
        if let Some(expected) = expected
            && method.is_none()
            && match (result, error) {
                (Some(_), None) => lists.iter().any(|(list, _)| *list == expected),
                (None, Some(error)) => error.is_object(),
                _ => false,
            }
        {
            asked.answer(id.as_ref(), expected);
        }
        Ok(())
    }

    fn result<'t>(
        &self,
        result: Value<'t>,
        lists: &[(List, Value<'t>)],
        new: &mut Splice<'t>,
    ) -> Result<(), Unrewritable> {
        if lists.is_empty() {
            return Ok(());
        }
        let [scope, cursor] = pick(result, ["cacheScope", "nextCursor"])?;
        let is_private = self.view.depends_on_caller() || lists.iter().any(|(list, _)| *list == List::Tasks);
        let mut parts: Vec<(Option<List>, Value<'t>)> =
            lists.iter().map(|(list, value)| (Some(*list), *value)).collect();
        parts.extend(scope.filter(|scope| is_private && scope.raw() != PRIVATE).map(|scope| (None, scope)));
        parts.sort_by_key(|(_, value)| value.span().start);
        for (list, value) in parts {
            match list {
                Some(list) => self.list(list, value, new)?,
                // What depends on the caller, no cache may share (MCP server/utilities/caching).
                None => new.replace(value.span(), PRIVATE)?,
            }
        }
        if is_private && scope.is_none() && self.is_modern {
            let end = result.span().end - 1;
            new.replace(end..end, &format!(",\"cacheScope\":{PRIVATE}"))?;
        }
        let is_last = cursor.is_none_or(Value::is_null);
        if is_last && lists.iter().any(|(list, _)| *list == List::Tools) {
            self.overlay.tell_missing();
        }
        Ok(())
    }

    /// Leaves out what is hidden, with the comma before it, or behind it where nothing is left before.
    fn list<'t>(&self, list: List, entries: Value<'t>, new: &mut Splice<'t>) -> Result<(), Unrewritable> {
        if entries.is_null() {
            // As some servers write a list without entries.
            return Ok(());
        }
        if !entries.is_array() {
            return Err(Unrewritable::NotAList);
        }
        let mut last_kept: Option<usize> = None;
        let mut gap: Option<usize> = None;
        let mut before = entries.span().start + 1;
        for entry in entries.elements() {
            let entry = entry?;
            let name = name_of(list, entry)?;
            if !self.shows(list, &name) {
                gap.get_or_insert(last_kept.unwrap_or(entry.span().start));
            } else {
                if let Some(begin) = gap.take() {
                    let end = if last_kept.is_some() { before } else { entry.span().start };
                    new.replace(begin..end, "")?;
                }
                last_kept = Some(entry.span().end);
                if list == List::Tools {
                    self.tool(&name, entry, new)?;
                }
            }
            before = entry.span().end;
        }
        match gap {
            Some(begin) => new.replace(begin..before, ""),
            None => Ok(()),
        }
    }

    fn shows(&self, list: List, name: &str) -> bool {
        if list == List::Tools {
            self.overlay.note_seen(name);
            if self.overlay.hides(name) {
                return false;
            }
        }
        self.view.shows(list, name)
    }

    fn tool<'t>(&self, name: &str, tool: Value<'t>, new: &mut Splice<'t>) -> Result<(), Unrewritable> {
        if let Some(listed) = &self.listed {
            listed.note(name, tool.raw());
        }
        let schemes = self.view.security_schemes(name).map(|schemes| {
            let schemes = serde_json::to_string(&schemes).map_err(|_| Unrewritable::NotJson)?;
            Ok::<_, Unrewritable>(Change { name: "securitySchemes", new: New::Value(schemes) })
        });
        let schemes = schemes.transpose()?;
        let changes = self.overlay.changes(name);
        if changes.is_empty() && schemes.is_none() {
            return Ok(());
        }
        new.set(tool, changes.iter().chain(&schemes))
    }
}

/// The lists in a result, in order: the one that was asked for, and whatever looks like one.
fn lists_in<'t>(result: Value<'t>, expected: Option<List>) -> Result<Vec<(List, Value<'t>)>, Unrewritable> {
    let mut lists: Vec<(List, Value<'t>)> = Vec::new();
    // How often each is named, in whatever letter case.
    let mut named = [0_usize; List::ALL.len()];
    for member in result.members() {
        let (key, value) = member?;
        let Some(index) = List::ALL.iter().position(|list| folds_to(&key, list.member())) else {
            continue;
        };
        let list = List::ALL[index];
        named[index] += 1;
        if expected == Some(list) || looks_like(list, value)? {
            if key != list.member() {
                return Err(Unrewritable::Ambiguous);
            }
            lists.push((list, value));
        }
    }
    let is_ambiguous = |(list, _): &(List, Value<'_>)| named[*list as usize] > 1;
    if lists.iter().any(is_ambiguous) { Err(Unrewritable::Ambiguous) } else { Ok(lists) }
}

/// An array with at least one object that has a name.
fn looks_like(list: List, value: Value<'_>) -> Result<bool, Unrewritable> {
    if !value.is_array() {
        return Ok(false);
    }
    for entry in value.elements() {
        let entry = entry?;
        if entry.is_object() {
            for member in entry.members() {
                if folds_to(&member?.0, list.naming_member()) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

fn name_of<'t>(list: List, entry: Value<'t>) -> Result<Cow<'t, str>, Unrewritable> {
    if !entry.is_object() {
        return Err(Unrewritable::NotAList);
    }
    let [name] = pick(entry, [list.naming_member()])?;
    name.and_then(Value::string).ok_or(Unrewritable::NotAList)
}

#[cfg(test)]
#[path = "rewrite_tests.rs"]
mod tests;
