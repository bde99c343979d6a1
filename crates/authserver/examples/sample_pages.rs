//! Writes every sample of every page, in every language, as the server renders them: what the browser tests of `gatelodge-e2e`
//! look at. `sample_pages DIRECTORY` gives `DIRECTORY/<language>-<page>-<number>.html`. `sample_pages DIRECTORY TEXTS`, where
//! TEXTS is a JSON list, gives the hostile sample of each page once for each of these texts, in place of every text of a
//! stranger (RFC 6749 §10.14): `DIRECTORY/<page>-<number>.html`.

use std::error::Error;
use std::fs;
use std::marker::PhantomData;
use std::path::Path;

use gatelodge::branding::Branding;
use gatelodge::pages::{HOSTILE, Language, Page, PageVisitor, Pages, PagesError, visit_every_page};
use serde::Serialize;
use serde_json::Value;

/// Rendered pages, each with the name of its file.
struct Samples<'p> {
    pages: &'p Pages,
    all: Vec<(String, String)>,
}

impl PageVisitor for Samples<'_> {
    fn visit<P: Page>(&mut self) -> Result<(), PagesError> {
        for language in self.pages.languages() {
            for (sample, number) in P::samples().into_iter().zip(1..) {
                let name = format!("{}-{}-{number}", language.tag(), name_of::<P>());
                self.all.push((name, self.pages.render(&sample, language)?));
            }
        }
        Ok(())
    }
}

/// The hostile samples with other texts in them.
struct Replaced<'p> {
    pages: &'p Pages,
    texts: &'p [String],
    all: Vec<(String, String)>,
}

/// A page whose values were changed one by one, whatever its type says.
#[derive(Serialize)]
#[serde(transparent)]
struct Changed<P> {
    values: Value,
    #[serde(skip)]
    page: PhantomData<P>,
}

impl<P: Page> Page for Changed<P> {
    const TEMPLATE: &'static str = P::TEMPLATE;

    fn samples() -> Vec<Self> {
        Vec::new()
    }
}

impl PageVisitor for Replaced<'_> {
    fn visit<P: Page>(&mut self) -> Result<(), PagesError> {
        let values = P::samples().into_iter().filter_map(|sample| serde_json::to_value(sample).ok());
        for (sample, kind) in values.filter(holds_hostile_text).zip(1..) {
            for (text, number) in self.texts.iter().zip(0..) {
                let mut values = sample.clone();
                replace(&mut values, text);
                let changed = Changed::<P> { values, page: PhantomData };
                let name = format!("{}-{kind}-{number}", name_of::<P>());
                self.all.push((name, self.pages.render(&changed, &Language::default())?));
            }
        }
        Ok(())
    }
}

fn name_of<P: Page>() -> &'static str {
    P::TEMPLATE.trim_end_matches(".html")
}

fn holds_hostile_text(values: &Value) -> bool {
    match values {
        Value::String(text) => text.contains(HOSTILE),
        Value::Array(list) => list.iter().any(holds_hostile_text),
        Value::Object(members) => members.values().any(holds_hostile_text),
        _ => false,
    }
}

fn replace(values: &mut Value, with: &str) {
    match values {
        Value::String(text) => *text = text.replace(HOSTILE, with),
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, with)),
        Value::Object(members) => members.values_mut().for_each(|value| replace(value, with)),
        _ => {}
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("usage: sample_pages DIRECTORY [TEXTS]")?;
    let pages = Pages::load(&Branding::default())?;
    let all = if let Some(texts) = arguments.next() {
        let texts: Vec<String> = serde_json::from_str(&fs::read_to_string(texts)?)?;
        let mut replaced = Replaced { pages: &pages, texts: &texts, all: Vec::new() };
        visit_every_page(&mut replaced)?;
        replaced.all
    } else {
        let mut samples = Samples { pages: &pages, all: Vec::new() };
        visit_every_page(&mut samples)?;
        samples.all
    };
    fs::create_dir_all(&directory)?;
    for (name, html) in &all {
        fs::write(Path::new(&directory).join(format!("{name}.html")), html)?;
    }
    println!("{} pages", all.len());
    Ok(())
}
