//! Elements in texts: `<strong>`, `<em>`, `<code>` and `<kbd>`, as Project Fluent's overlays have them, and nothing else. A text
//! is cut where an element begins or ends and where a value stands, and the component `words` builds the HTML.

use std::collections::BTreeMap;

use serde::Serialize;

/// What may stand in a text.
pub(super) const ELEMENTS: [&str; 4] = ["strong", "em", "code", "kbd"];

/// Around the name of a value, in its place. Private-use characters, and values are not there yet when they are looked for.
const BEGIN: char = '\u{e000}';
const END: char = '\u{e001}';

/// A piece of a text.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    /// The element that it is in.
    element: Option<&'static str>,
    /// The name of the value that it is.
    argument: Option<String>,
    /// What is read.
    text: String,
}

/// What stands in a text for a value until the text is cut.
pub(super) fn place_of(name: &str) -> String {
    format!("{BEGIN}{name}{END}")
}

/// Cuts a text. An element ends before the next one begins.
pub(super) fn split(text: &str, values: &BTreeMap<String, String>) -> Result<Vec<Part>, String> {
    let (mut parts, mut element, mut rest) = (Vec::new(), None, text);
    while !rest.is_empty() {
        let (plain, after) = rest.split_at(next_cut(rest));
        if !plain.is_empty() {
            parts.push(Part { element, argument: None, text: plain.to_owned() });
        }
        rest = after;
        if let Some((name, after)) = rest.strip_prefix(BEGIN).and_then(|rest| rest.split_once(END)) {
            let value = values.get(name).ok_or_else(|| format!("there is no value {name} for {text:?}"))?;
            parts.push(Part { element, argument: Some(name.to_owned()), text: value.clone() });
            rest = after;
        } else if let Some((name, after)) = tag(rest, "<") {
            if element.replace(name).is_some() {
                return Err(format!("an element begins inside of another one in {text:?}"));
            }
            rest = after;
        } else if let Some((name, after)) = tag(rest, "</") {
            if element.take() != Some(name) {
                return Err(format!("</{name}> ends what did not begin in {text:?}"));
            }
            rest = after;
        }
    }
    match element {
        None => Ok(parts),
        Some(name) => Err(format!("<{name}> does not end in {text:?}")),
    }
}

/// The tag that `text` begins with, and what follows it.
fn tag<'t>(text: &'t str, begin: &str) -> Option<(&'static str, &'t str)> {
    let rest = text.strip_prefix(begin)?;
    ELEMENTS.into_iter().find_map(|name| Some((name, rest.strip_prefix(name)?.strip_prefix('>')?)))
}

/// Where the next tag or value begins.
fn next_cut(text: &str) -> usize {
    let is_cut = |at: &usize| {
        let rest = &text[*at..];
        rest.starts_with(BEGIN) || tag(rest, "<").is_some() || tag(rest, "</").is_some()
    };
    text.match_indices(['<', BEGIN]).map(|(at, _)| at).find(is_cut).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its element, what it says, and whether that is a value.
    type Piece = (Option<&'static str>, String, bool);

    fn cut(text: &str) -> Result<Vec<Piece>, String> {
        let values = BTreeMap::from([("name".to_owned(), "<em>x</em>\u{e000}other\u{e001}".to_owned())]);
        let parts = split(text, &values)?;
        Ok(parts.into_iter().map(|part| (part.element, part.text, part.argument.is_some())).collect())
    }

    #[test]
    fn a_text_is_cut_at_elements_and_values_and_a_value_is_never_cut() {
        let value = || "<em>x</em>\u{e000}other\u{e001}".to_owned();
        let name = place_of("name");
        assert_eq!(
            cut(&format!("a <strong>b {name}</strong> c{name}")),
            Ok(vec![
                (None, "a ".into(), false),
                (Some("strong"), "b ".into(), false),
                (Some("strong"), value(), true),
                (None, " c".into(), false),
                (None, value(), true),
            ])
        );
    }

    #[test]
    fn whatever_else_looks_like_an_element_is_text() {
        for text in ["a < b", "<script>", "<strong onclick=x>", "</ strong>", "<STRONG>", "<", "1 <2> 3"] {
            assert_eq!(cut(text), Ok(vec![(None, text.into(), false)]), "{text}");
        }
        assert_eq!(cut(""), Ok(vec![]));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        for text in ["<strong>a", "a</strong>", "<em>a</strong>", "<em><code>a</code></em>", "\u{e000}unknown\u{e001}"]
        {
            assert!(cut(text).is_err(), "{text}");
        }
    }
}
