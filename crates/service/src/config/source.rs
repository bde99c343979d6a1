//! The text of a configuration file with the environment laid over it. Knows where each key comes from, so that every
//! error can name file, line and column, or the variable.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::{ConfigError, Place, Problem, Problems};

/// A step from a table or array to one of its members: `resource`, `0`, `upstream`.
type KeyPath = Vec<String>;

pub struct Source {
    path: PathBuf,
    text: String,
    merged: Table,
    /// Which key each environment variable set.
    variables: BTreeMap<KeyPath, String>,
}

impl Source {
    pub fn read(
        path: &Path,
        env_prefix: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let text =
            fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::new(path, text, env_prefix, environment)
    }

    fn new(
        path: &Path,
        text: String,
        env_prefix: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let merged = text.parse::<Table>().map_err(|error| {
            // The message alone: the error's own rendering quotes the line, and the line may hold a secret.
            let place = place_at(path, &text, error.span().map_or(0, |span| span.start));
            let hint = "correct the TOML there: strings need double quotes, and a key may stand once in its table";
            invalid(place, "", &format!("this is not TOML: {}", error.message().trim().replace('\n', ", ")), hint)
        })?;
        let mut source = Self { path: path.to_owned(), text, merged: Table::new(), variables: BTreeMap::new() };
        let mut root = Value::Table(merged);
        let prefix = format!("{env_prefix}__");
        // Sorted, so that the result does not depend on the order of the environment.
        let ours: BTreeMap<String, String> = environment.filter(|(name, _)| name.starts_with(&prefix)).collect();
        for (name, value) in ours {
            let keys: KeyPath = name[prefix.len()..].to_ascii_lowercase().split("__").map(str::to_owned).collect();
            if !insert(&mut root, &keys, value_of(&value)) {
                let hint =
                    format!("write {prefix}SECTION__KEY, and {prefix}SECTION__0__KEY for the first table of a list");
                return Err(invalid(
                    Place::Variable(name),
                    &joined(&keys),
                    "there is no such place in the file",
                    &hint,
                ));
            }
            source.variables.insert(keys, name);
        }
        if let Value::Table(merged) = root {
            source.merged = merged;
        }
        Ok(source)
    }

    pub fn parse<Raw: DeserializeOwned>(&self) -> Result<Raw, ConfigError> {
        serde_path_to_error::deserialize(self.merged.clone()).map_err(|error| {
            let mut keys = KeyPath::new();
            for segment in error.path() {
                use serde_path_to_error::Segment;
                match segment {
                    Segment::Seq { index } => keys.push(index.to_string()),
                    Segment::Map { key } => keys.push(key.clone()),
                    Segment::Enum { .. } | Segment::Unknown => {}
                }
            }
            let place = self.place_of(&keys);
            let (says, hint) = explain(error.inner().message(), &keys, &place);
            invalid(place, &joined(&keys), &says, &hint)
        })
    }

    /// Adds to each problem where its key stands.
    pub fn locate(&self, problems: Problems) -> ConfigError {
        let located = problems.0.into_iter().map(|problem| {
            let keys = problem.key.replace('[', ".").replace(']', "").split('.').map(str::to_owned).collect();
            (self.place_of(&keys), problem)
        });
        ConfigError::Invalid(located.collect())
    }

    /// The variable that set the key, else the line of the key, else the line of the nearest table around it.
    fn place_of(&self, keys: &KeyPath) -> Place {
        if let Some(name) = self.variables.get(keys) {
            return Place::Variable(name.clone());
        }
        let offset = DeTable::parse(&self.text).ok().and_then(|document| offset_of(document.get_ref(), keys));
        match offset {
            Some(offset) => place_at(&self.path, &self.text, offset),
            None => Place::WholeFile { path: self.path.clone() },
        }
    }
}

/// What the variable means: TOML where it is TOML (`true`, `10`, `["a"]`), else the text itself.
fn value_of(text: &str) -> Value {
    toml::de::ValueDeserializer::parse(text)
        .ok()
        .and_then(|value| Value::deserialize(value).ok())
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Puts the value at its place, making tables (and the next member of a list) on the way. `false`: no such place.
fn insert(node: &mut Value, keys: &[String], value: Value) -> bool {
    let Some((key, rest)) = keys.split_first() else {
        *node = value;
        return true;
    };
    if key.is_empty() {
        return false;
    }
    let fresh = || match rest.first().map(|next| next.parse::<usize>()) {
        Some(Ok(_)) => Value::Array(Vec::new()),
        _ => Value::Table(Table::new()),
    };
    match node {
        Value::Table(table) => insert(table.entry(key.clone()).or_insert_with(fresh), rest, value),
        Value::Array(list) => match key.parse::<usize>() {
            Ok(index) if index <= list.len() => {
                if index == list.len() {
                    list.push(fresh());
                }
                insert(&mut list[index], rest, value)
            }
            _ => false,
        },
        _ => false,
    }
}

fn offset_of(root: &DeTable<'_>, keys: &[String]) -> Option<usize> {
    let (first, rest) = keys.split_first()?;
    let (key, value) = root.iter().find(|(name, _)| name.get_ref() == first)?;
    let here = Some(key.span().start);
    match (value.get_ref(), rest.split_first()) {
        (DeValue::Table(table), Some(_)) => offset_of(table, rest).or(here),
        (DeValue::Array(list), Some((index, inner))) => {
            let member = index.parse::<usize>().ok().and_then(|index| list.get(index));
            let within = member.and_then(|member| match member.get_ref() {
                DeValue::Table(table) => offset_of(table, inner).or(Some(member.span().start)),
                _ => Some(member.span().start),
            });
            within.or(here)
        }
        _ => here,
    }
}

fn place_at(path: &Path, text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    Place::File { path: path.to_owned(), line, column: before[line_start..].chars().count() + 1 }
}

/// `resource[0].upstream`
fn joined(keys: &[String]) -> String {
    keys.iter().fold(String::new(), |joined, key| match key.parse::<usize>() {
        Ok(_) => format!("{joined}[{key}]"),
        Err(_) if joined.is_empty() => key.clone(),
        Err(_) => format!("{joined}.{key}"),
    })
}

fn invalid(place: Place, key: &str, says: &str, hint: &str) -> ConfigError {
    let key = if key.is_empty() { "syntax" } else { key };
    ConfigError::Invalid(vec![(place, Problem { key: key.into(), says: says.into(), hint: hint.into() })])
}

/// serde's message in our words, with what to write instead.
fn explain(message: &str, keys: &[String], place: &Place) -> (String, String) {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let written = keys.last().map_or("", String::as_str);
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let expected = quoted.get(1..).unwrap_or_default();
        let says = if message.starts_with("unknown field") {
            "this key is unknown".to_owned()
        } else {
            format!("{:?} is not one of the possible values", quoted.first().unwrap_or(&""))
        };
        let wrong = if message.starts_with("unknown field") { written } else { quoted.first().unwrap_or(&"") };
        let list = format!("possible here: {}", expected.join(", "));
        let hint = nearest(wrong, expected).map_or(list.clone(), |near| format!("did you mean {near}? ({list})"));
        return (says, hint);
    }
    if message.starts_with("missing field") {
        let field = quoted.first().unwrap_or(&"");
        return (format!("the key {field} is missing"), format!("add {field} = … there"));
    }
    if let Some((found, expected)) = message.strip_prefix("invalid type: ").and_then(|m| m.split_once(", expected ")) {
        // Without the value, which may be a secret.
        let found = found.split(['`', '"']).next().unwrap_or(found).trim();
        let hint = match (place, expected) {
            (Place::Variable(_), "a string") => "put the value in double quotes inside the variable".to_owned(),
            (_, "a string") => "put the value in double quotes".to_owned(),
            _ => format!("write {expected}"),
        };
        return (format!("found {found}, expected {expected}"), hint);
    }
    // Our own types (`HumanDuration`, …) say what is wrong and, after a semicolon, what to write.
    match message.split_once("; ") {
        Some((says, hint)) => (says.to_owned(), hint.to_owned()),
        None => (message.to_owned(), "see the comments in the configuration file that comes with this program".into()),
    }
}

/// The expected key that was probably meant: at most two edits away, and no more than half of it.
fn nearest<'a>(written: &str, expected: &[&'a str]) -> Option<&'a str> {
    let near = expected.iter().map(|key| (edits(written, key), *key)).min()?;
    (near.0 <= 2 && near.0 * 2 <= near.1.len()).then_some(near.1)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
