//! The pages for people, made from `templates/`: sign-in, consent (RFC 6749 §4.1.1), devices (RFC 8628 §3.3) and local errors
//! (RFC 6749 §4.1.2.1), with the files they load. One context struct per template, in the file of its name. Called by the endpoints that answer browsers.
//!
//! Whatever a page shows may come from a stranger, so every value of every template goes through `escape`.

use std::io::Write;

use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera};

mod assets;
mod consent;
mod device;
mod error;
mod login;

pub use assets::{Asset, asset};
pub use consent::{ConsentPage, Destination, ScopeLine};
pub use device::{DeviceDonePage, DevicePage, DeviceProblem};
pub use error::{ErrorPage, Failure};
pub use login::{LoginPage, LoginProblem};

/// The name of the product on every page.
pub const PRODUCT: &str = "Gatelodge";

/// Templates at the top, what browsers load in `assets/`.
#[derive(RustEmbed)]
#[folder = "../../templates"]
struct Files;

/// What a template needs, with examples of it.
pub trait Page: Serialize + Sized {
    /// The file in `templates/`.
    const TEMPLATE: &'static str;

    /// Pages as they may come: plain, empty, long and hostile.
    fn samples() -> Vec<Self>;
}

/// A fault in a template.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// The templates do not fit together.
    #[error("the templates cannot be loaded")]
    Load(#[source] tera::Error),
    /// One of them failed.
    #[error("the template {0} cannot be rendered")]
    Render(&'static str, #[source] tera::Error),
}

/// The templates, ready to render.
pub struct Pages {
    tera: Tera,
}

impl Pages {
    /// Loads the embedded templates and renders every sample, so that a broken template stops the start and not a sign-in.
    pub fn load() -> Result<Self, PagesError> {
        let mut tera = Tera::new();
        tera.set_escape_fn(escape);
        tera.global_context().insert("product", PRODUCT);
        tera.register_function("asset", |arguments: Kwargs, _: &State| {
            let name: &str = arguments.must_get("name")?;
            assets::url(name).ok_or_else(|| tera::Error::message(format!("there is no asset {name}")))
        });
        let templates: Vec<(String, String)> = Files::iter()
            .filter(|name| name.ends_with(".html"))
            .filter_map(|name| Some((name.to_string(), String::from_utf8(Files::get(&name)?.data.into_owned()).ok()?)))
            .collect();
        tera.add_raw_templates(templates).map_err(PagesError::Load)?;
        let pages = Self { tera };
        pages.render_samples::<LoginPage>()?;
        pages.render_samples::<ConsentPage>()?;
        pages.render_samples::<DevicePage>()?;
        pages.render_samples::<DeviceDonePage>()?;
        pages.render_samples::<ErrorPage>()?;
        Ok(pages)
    }

    /// The page as HTML.
    pub fn render<P: Page>(&self, page: &P) -> Result<String, PagesError> {
        let render = || self.tera.render(P::TEMPLATE, &Context::from_serialize(page)?);
        render().map_err(|source| PagesError::Render(P::TEMPLATE, source))
    }

    fn render_samples<P: Page>(&self) -> Result<(), PagesError> {
        P::samples().iter().try_for_each(|sample| self.render(sample).map(drop))
    }
}

/// Escapes HTML, and shows U+FFFD for what could change how the text around it is read: control characters, and the invisible
/// ones that reorder or split words. Zero-width joiners stay: Persian, Hindi and emoji need them.
fn escape(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let is_treacherous = |c: char| {
        let reorders =
            matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let hides = matches!(c, '\u{ad}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        c.is_control() || reorders || hides
    };
    tera::escape_html(&text.replace(is_treacherous, "\u{fffd}"), out)
}

/// For samples: ends an element, an attribute, a template, and tries to turn the text around it.
const HOSTILE: &str =
    "<script>alert(1)</script>\"' onfocus=alert(2) {{ product }} &lt;\u{202e}\u{2066}\u{200b}\0\u{7f}";

/// For samples: the longest name that may be registered, without a place to break it.
const LONG_NAME: &str = "ClientWithANameOfEightyCharactersWhichIsTheLongestThatAnyClientMayRegister_Here_";

/// For samples: 300 characters.
fn long_url() -> String {
    format!("https://mcp.example.com/{}", "a".repeat(276))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown_names<P: Page>(pages: &Pages) -> Vec<String> {
        let sample = Context::from_serialize(&P::samples().remove(0)).expect("serializable");
        let names = pages.tera.get_template_variables(P::TEMPLATE).expect("a template");
        names.into_iter().filter(|name| *name != "product" && !sample.contains_key(name)).map(str::to_owned).collect()
    }

    /// Rendering finds an unknown name only where it is printed; `{% if %}` takes it for false.
    #[test]
    fn templates_name_nothing_that_their_page_does_not_give() {
        let pages = Pages::load().expect("templates");
        let unknown = [
            unknown_names::<LoginPage>,
            unknown_names::<ConsentPage>,
            unknown_names::<DevicePage>,
            unknown_names::<DeviceDonePage>,
            unknown_names::<ErrorPage>,
        ];
        assert_eq!(unknown.map(|names| names(&pages)), [const { Vec::<String>::new() }; 5]);
    }

    #[test]
    fn the_sample_name_is_as_long_as_names_may_be() {
        assert_eq!(LONG_NAME.chars().count(), 80);
        assert_eq!(long_url().len(), 300);
    }
}
