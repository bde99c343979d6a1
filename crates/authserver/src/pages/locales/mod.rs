//! The texts of the pages in every language (Project Fluent), and how they get into templates: `t(key=…)` is a text, and
//! `parts(key=…)` a text with elements in it, in pieces, for the component `words`. Neither is ever HTML: templates escape
//! both, and what strangers say is no part of a text when its elements are looked for.

mod markup;
mod shape;

use std::collections::BTreeMap;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use tera::{Kwargs, State, TeraResult, Value};

use super::files::Files;
use super::{Language, PagesError};

/// The language that has every text.
const COMPLETE: &str = "en";

/// Every translation, by its tag.
pub(super) struct Locales(BTreeMap<String, FluentBundle<FluentResource>>);

/// The tag of a translation by the name of its file.
pub(super) fn tag_of(name: &str) -> Option<&str> {
    let tag = name.strip_prefix("locales/")?.strip_suffix(".ftl")?;
    Language::parse(tag).is_some_and(|language| language.tag() == tag).then_some(tag)
}

impl Locales {
    /// Reads every translation; of each language the operator's texts replace ours one by one.
    pub fn load(files: &Files) -> Result<Self, PagesError> {
        let complete = format!("locales/{COMPLETE}.ftl");
        let embedded = files.embedded(&complete).unwrap_or_default();
        let reference = parse(files, &complete, &embedded)?;
        let mut all = BTreeMap::new();
        for name in files.names() {
            let Some(language) = tag_of(&name).and_then(Language::parse) else { continue };
            let mut bundle = FluentBundle::new_concurrent(vec![language.as_ref().clone()]);
            // The templates put every argument into <bdi>, and `escape` takes marks for an attack.
            bundle.set_use_isolating(false);
            if let Some(bytes) = files.embedded(&name) {
                bundle.add_resource_overriding(parse(files, &name, &bytes)?);
            }
            if let Some(bytes) = files.own(&name) {
                let own = parse(files, &name, bytes)?;
                if let Some((key, says)) = shape::differences(&reference, &own).into_iter().next() {
                    return Err(fault(files, &name, line_of(own.source(), &key), says));
                }
                bundle.add_resource_overriding(own);
            }
            all.insert(language.tag(), bundle);
        }
        Ok(Self(all))
    }

    /// What there is a translation for.
    pub fn languages(&self) -> Vec<Language> {
        self.0.keys().filter_map(|tag| Language::parse(tag)).collect()
    }

    /// `t(key="…", name=value, …)`: a text with values in it.
    pub fn text(&self, arguments: &Kwargs, state: &State) -> TeraResult<String> {
        self.format(arguments, state, |_, value| value.to_owned())
    }

    /// `parts(key="…", name=value, …)`: a text in pieces, since a template cannot tell a value from an element otherwise.
    pub fn parts(&self, arguments: &Kwargs, state: &State) -> TeraResult<Value> {
        let mut values = BTreeMap::new();
        let text = self.format(arguments, state, |name, value| {
            values.insert(name.to_owned(), value.to_owned());
            markup::place_of(name)
        })?;
        Value::try_from_serializable(&markup::split(&text, &values).map_err(tera::Error::message)?)
    }

    /// The text in the language of the page, or else in English. Numbers are told apart, since they have plurals.
    fn format(
        &self,
        arguments: &Kwargs,
        state: &State,
        mut string: impl FnMut(&str, &str) -> String,
    ) -> TeraResult<String> {
        let key: &str = arguments.must_get("key")?;
        let language: String = state.get("lang")?.unwrap_or_default();
        let mut values = FluentArgs::new();
        for (name, value) in arguments.iter() {
            let name = name.as_str().unwrap_or_default();
            match (value.as_str(), value.as_i128()) {
                (Some(text), _) if name != "key" => values.set(name.to_owned(), string(name, text)),
                (None, Some(number)) => values.set(name.to_owned(), FluentValue::from(number)),
                (None, None) => return Err(tera::Error::message(format!("{name} is neither a string nor a number"))),
                _ => {}
            }
        }
        self.plain(key, &language, &values).map_err(tera::Error::message)
    }

    /// A text with values in it, or why there is none.
    pub fn plain(&self, key: &str, language: &str, values: &FluentArgs<'_>) -> Result<String, String> {
        let found = [language, COMPLETE].into_iter().find_map(|tag| message(self.0.get(tag)?, key, values));
        found.unwrap_or_else(|| Err(format!("there is no text {key}")))
    }
}

fn message(
    bundle: &FluentBundle<FluentResource>,
    key: &str,
    values: &FluentArgs<'_>,
) -> Option<Result<String, String>> {
    let (id, attribute) = key.split_once('.').map_or((key, None), |(id, attribute)| (id, Some(attribute)));
    let message = bundle.get_message(id)?;
    let pattern = match attribute {
        None => message.value()?,
        Some(name) => message.get_attribute(name)?.value(),
    };
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(values), &mut errors).into_owned();
    Some(match errors.first() {
        None => Ok(text),
        Some(error) => Err(format!("the text {key} cannot be written: {error}")),
    })
}

fn parse(files: &Files, name: &str, bytes: &[u8]) -> Result<FluentResource, PagesError> {
    let source = std::str::from_utf8(bytes).map_err(|_| PagesError::NotText { path: files.place_of(name) })?;
    FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| {
        let (position, says) = errors.first().map_or((0, String::new()), |error| (error.pos.start, error.to_string()));
        let line = source.get(..position).unwrap_or_default().matches('\n').count() + 1;
        fault(files, name, line, says)
    })
}

fn fault(files: &Files, name: &str, line: usize, says: String) -> PagesError {
    PagesError::Translation { path: files.place_of(name), line, says }
}

/// The line that a message begins on.
fn line_of(source: &str, key: &str) -> usize {
    let id = key.split('.').next().unwrap_or_default();
    let begins = |line: &str| line.strip_prefix(id).is_some_and(|rest| rest.trim_start().starts_with('='));
    source.lines().position(begins).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_translation_has_the_messages_the_variables_and_the_elements_of_the_english_one() {
        let files = Files::read(None).expect("no directory");
        let resource = |name: &str| parse(&files, name, &files.embedded(name).expect("a file")).expect("readable");
        let reference = resource("locales/en.ftl");
        let mut seen = 0;
        for name in files.names().iter().filter(|name| tag_of(name).is_some()) {
            let translation = resource(name);
            assert_eq!(shape::differences(&reference, &translation), [], "{name}");
            assert_eq!(shape::missing(&reference, &translation), Vec::<String>::new(), "{name}");
            seen += 1;
        }
        assert!(seen >= 3);
    }

    #[test]
    fn the_name_of_a_file_is_a_language_tag() {
        for (name, tag) in [
            ("locales/fr.ftl", Some("fr")),
            ("locales/pt-BR.ftl", Some("pt-BR")),
            ("locales/pt_BR.ftl", None),
            ("locales/english.txt", None),
            ("locales/.ftl", None),
            ("locales/DE.ftl", None),
            ("fr.ftl", None),
        ] {
            assert_eq!(tag_of(name), tag, "{name}");
        }
    }
}
