//! What a translation must have in common with the English texts: the messages, and in each the variables and the elements.
//! Asked by `locales/mod.rs` of operators' files at start, and of ours by a test.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

use super::markup::ELEMENTS;

/// Of one text.
#[derive(Default, PartialEq, Eq)]
struct Shape {
    variables: BTreeSet<String>,
    elements: BTreeSet<&'static str>,
}

/// Texts that `reference` does not have, or has in another shape: their keys, and what is wrong.
pub(super) fn differences(reference: &FluentResource, translation: &FluentResource) -> Vec<(String, String)> {
    let reference = shapes(reference);
    let differs = |(key, shape): (String, Shape)| {
        let Some(wanted) = reference.get(&key) else {
            let closeness = |known: &&String| strsim::normalized_damerau_levenshtein(known, &key);
            let nearest = reference.keys().max_by(|a, b| closeness(a).total_cmp(&closeness(b)));
            return Some((
                key.clone(),
                format!("no page has a text {key:?}; perhaps {nearest:?} is meant", nearest = nearest?),
            ));
        };
        (*wanted != shape).then(|| {
            let names = wanted.variables.iter().map(|name| format!("{{ ${name} }}"));
            let tags = wanted.elements.iter().map(|name| format!("<{name}>"));
            let all: Vec<String> = names.chain(tags).collect();
            let all = if all.is_empty() { "no variable and no element".to_owned() } else { all.join(", ") };
            (key.clone(), format!("the text {key:?} must have {all}, and no others"))
        })
    };
    shapes(translation).into_iter().filter_map(differs).collect()
}

/// The keys of the texts that `translation` lacks.
#[cfg(test)]
pub(super) fn missing(reference: &FluentResource, translation: &FluentResource) -> Vec<String> {
    let translated = shapes(translation);
    shapes(reference).into_keys().filter(|key| !translated.contains_key(key)).collect()
}

fn shapes(resource: &FluentResource) -> BTreeMap<String, Shape> {
    let mut all = BTreeMap::new();
    for entry in resource.entries() {
        let Entry::Message(message) = entry else { continue };
        let id = message.id.name;
        if let Some(value) = &message.value {
            all.insert(id.to_owned(), shape(value));
        }
        for attribute in &message.attributes {
            all.insert(format!("{id}.{}", attribute.id.name), shape(&attribute.value));
        }
    }
    all
}

fn shape(pattern: &Pattern<&str>) -> Shape {
    let mut shape = Shape::default();
    look(pattern, &mut shape);
    shape
}

fn look(pattern: &Pattern<&str>, shape: &mut Shape) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => {
                shape.elements.extend(ELEMENTS.iter().filter(|name| value.contains(&format!("<{name}>"))));
            }
            PatternElement::Placeable { expression } => look_at_expression(expression, shape),
        }
    }
}

fn look_at_expression(expression: &Expression<&str>, shape: &mut Shape) {
    match expression {
        Expression::Inline(inline) => look_at_inline(inline, shape),
        Expression::Select { selector, variants } => {
            look_at_inline(selector, shape);
            variants.iter().for_each(|variant| look(&variant.value, shape));
        }
    }
}

fn look_at_inline(inline: &InlineExpression<&str>, shape: &mut Shape) {
    match inline {
        InlineExpression::VariableReference { id } => {
            shape.variables.insert(id.name.to_owned());
        }
        InlineExpression::FunctionReference { arguments, .. } => {
            arguments.positional.iter().for_each(|argument| look_at_inline(argument, shape));
        }
        InlineExpression::Placeable { expression } => look_at_expression(expression, shape),
        InlineExpression::StringLiteral { .. }
        | InlineExpression::NumberLiteral { .. }
        | InlineExpression::MessageReference { .. }
        | InlineExpression::TermReference { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(source: &str) -> FluentResource {
        FluentResource::try_new(source.to_owned()).expect("readable")
    }

    #[test]
    fn what_a_translation_adds_loses_or_misspells_is_named() {
        let reference =
            resource("a = <em>{ $x }</em>\n    .b = b\nc = { $n ->\n    [one] 1\n   *[other] { $n }\n    }\n");
        for (translation, keys) in [
            ("a = { $x } <em>auf</em>\nc = { $n }", vec![]),
            ("a = <em>y</em>", vec!["a"]),
            ("a = { $x }", vec!["a"]),
            ("a = <em>{ $x } { $y }</em>", vec!["a"]),
            ("a = <em>{ $x }</em>\n    .b = { $x }\nd = d", vec!["a.b", "d"]),
            ("c = <code>{ $n ->\n    [one] 1\n   *[other] { $n }\n    }</code>", vec!["c"]),
        ] {
            let found = differences(&reference, &resource(translation));
            assert_eq!(found.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), keys, "{translation}");
        }
        assert_eq!(missing(&reference, &resource("a = x")), ["a.b", "c"]);
    }
}
