//! The pages for people, made from `templates/`: sign-in, consent (RFC 6749 §4.1.1), devices (RFC 8628 §3.3), local errors
//! (RFC 6749 §4.1.2.1) and legal texts, with the files they load. One context struct per template, in the file of its name. Called
//! by the endpoints that answer browsers.
//!
//! Whatever a page shows may come from a stranger, so every value of every template goes through `escape`. Every text of ours
//! comes from `templates/locales/`, in the language that the person wants.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, TeraResult, Value};

use crate::branding::{Branding, LegalText};

mod account;
mod account_activity;
mod account_delete;
mod account_passkeys;
mod account_second_factor;
mod account_tokens;
pub mod administration;
mod assets;
mod consent;
mod device;
mod email_code;
mod error;
mod every;
mod files;
mod forgot;
mod language;
mod legal;
mod letter;
mod locales;
mod login;
mod one_time_link;
mod passkey;
mod second_step;
mod sign_in;
mod sign_in_method;

pub use account::{
    AccountPage, ConnectedApp, Moment, PasswordPage, PasswordProblem, PersonalToken, SecondFactorLine, SignedInBrowser,
    Use,
};
pub use account_activity::{ActivityPage, Happening};
pub use account_delete::{AccountDeletedPage, DeleteAccountPage, DeletionProblem};
pub use account_passkeys::{PasskeyEntry, PasskeyProblem, PasskeysPage};
pub use account_second_factor::{SecondFactorPage, SecondFactorProblem, TotpApp};
pub use account_tokens::{AccountTokensPage, Lifetime, MadeToken, TokenProblem, TokenResource, TokenScope};
pub use assets::Asset;
pub use consent::{
    AskedScope, Choice, ConsentPage, Destination, Lasting, ScopeLine, ShownTool, ShownTools, StepUp, Voucher,
};
pub use device::{DeviceDonePage, DevicePage, DeviceProblem};
pub use email_code::{EmailCodePage, EmailCodeProblem};
pub use error::{ErrorPage, Failure};
pub use every::{PageVisitor, visit_every_page};
pub use forgot::{ForgotPage, ForgotProblem};
pub use language::Language;
pub use legal::LegalPage;
pub use letter::{FactorChange, Letter, WrittenLetter};
pub use login::{LoginPage, LoginProblem};
pub use one_time_link::{NewPasswordProblem, ResetPage, SetupPage};
pub use passkey::PasskeyPage;
pub use second_step::{SecondStepPage, SecondStepProblem, TotpSetUp};
pub use sign_in::{SignInPage, Wait};
pub use sign_in_method::SignInMethod;

use assets::Assets;
use files::Files;
use locales::Locales;

/// What a template needs, with examples of it.
pub trait Page: Serialize + Sized {
    /// The file in `templates/`.
    const TEMPLATE: &'static str;

    /// The fields that its forms must have: an operator's template without one would let nobody through.
    const FIELDS: &'static [&'static str] = &[];

    /// The way up, for a page that lies deeper than the assets and the other pages.
    const ROOT: &'static str = "";

    /// Pages as they may come: plain, empty, long and hostile.
    fn samples() -> Vec<Self>;
}

/// What is wrong with a template, a translation or an asset.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// A file or the directory of the operator.
    #[error("{}: cannot be read: {source}\n  hint: correct branding.templates_dir or the rights of the file", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that no page would use.
    #[error("{}: overrides nothing\n  hint: {hint}", path.display())]
    UnknownFile {
        /// Which.
        path: PathBuf,
        /// What may be meant.
        hint: String,
    },
    /// A file that every visitor would have to wait for.
    #[error("{}: has {length} bytes\n  hint: make it smaller than {most} bytes", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// Its bytes.
        length: u64,
        /// The most there may be.
        most: u64,
    },
    /// A template or a translation in another encoding.
    #[error("{}: is not UTF-8\n  hint: save it in UTF-8", path.display())]
    NotText {
        /// Which.
        path: PathBuf,
    },
    /// A translation with a fault.
    #[error("{}:{line}: {says}\n  hint: compare it with templates/locales/en.ftl", path.display())]
    Translation {
        /// Which file.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong.
        says: String,
    },
    /// The operator's language has no translation.
    #[error(
        "branding.default_locale: there is no translation \"{wanted}\"\n  hint: write one of {there}, or add locales/{wanted}.ftl to branding.templates_dir"
    )]
    NoTranslation {
        /// The tag.
        wanted: String,
        /// Those that there are.
        there: String,
    },
    /// The templates do not fit together. What the template engine says names file and line.
    #[error(
        "the templates cannot be used: {0}\n  hint: mend the file in branding.templates_dir, or remove it to have ours"
    )]
    Load(tera::Error),
    /// One of them failed.
    #[error("{} cannot be shown in \"{language}\": {source}\n  hint: mend the file in branding.templates_dir, or remove it to have ours", path.display())]
    Render {
        /// Which template.
        path: PathBuf,
        /// In which language.
        language: String,
        /// Why, with the line.
        source: tera::Error,
    },
    /// A message cannot be written.
    #[error(
        "no message can be written in \"{language}\": {says}\n  hint: compare the translation with templates/locales/en.ftl"
    )]
    Letter {
        /// In which language.
        language: String,
        /// Why.
        says: String,
    },
    /// One of them shows a form that cannot be answered.
    #[error("{}: has no field \"{field}\"\n  hint: keep the forms of our template, with {{% include \"form_fields.html\" %}}", path.display())]
    FieldMissing {
        /// Which template.
        path: PathBuf,
        /// What a form of it lacks.
        field: &'static str,
    },
}

/// The templates, ready to render.
pub struct Pages {
    tera: Tera,
    files: Files,
    assets: Arc<Assets>,
    locales: Arc<Locales>,
    product: String,
    languages: Vec<Language>,
    default_language: Language,
}

impl Pages {
    /// Loads templates and translations and renders every sample in every language, so that a broken one stops the start and
    /// not a sign-in.
    pub fn load(branding: &Branding) -> Result<Self, PagesError> {
        let files = Files::read(branding.templates_dir.as_deref())?;
        let locales = Arc::new(Locales::load(&files)?);
        let languages = locales.languages();
        let wanted = branding.default_locale.tag();
        let Some(default_language) = language::choose(&languages, Some(&wanted), None).cloned() else {
            let there: Vec<String> = languages.iter().map(|language| format!("\"{}\"", language.tag())).collect();
            return Err(PagesError::NoTranslation { wanted, there: there.join(", ") });
        };
        let assets = Arc::new(Assets::new(&files, branding));
        let mut tera = Tera::new();
        tera.set_escape_fn(escape);
        set_globals(&mut tera, branding, &default_language);
        register_functions(&mut tera, &locales, Arc::clone(&assets));
        let mut templates = Vec::new();
        for name in files.names().into_iter().filter(|name| name.ends_with(".html")) {
            let text = files.text(&name)?.unwrap_or_default();
            templates.push((name, text));
        }
        tera.add_raw_templates(templates).map_err(PagesError::Load)?;
        let product = branding.name.clone();
        let pages = Self { tera, files, assets, locales, product, languages, default_language };
        pages.languages.iter().try_for_each(|language| pages.render_every_sample(language))?;
        Ok(pages)
    }

    fn render_every_sample(&self, language: &Language) -> Result<(), PagesError> {
        struct Samples<'p>(&'p Pages, &'p Language);
        impl PageVisitor for Samples<'_> {
            fn visit<P: Page>(&mut self) -> Result<(), PagesError> {
                self.0.render_samples::<P>(self.1)
            }
        }
        Letter::samples().iter().try_for_each(|letter| self.write(letter, language).map(drop))?;
        visit_every_page(&mut Samples(self, language))
    }

    fn render_samples<P: Page>(&self, language: &Language) -> Result<(), PagesError> {
        for sample in P::samples() {
            let html = self.render(&sample, language)?;
            let is_missing = |field: &&&'static str| !html.contains(&format!("name=\"{field}\""));
            if let Some(field) = P::FIELDS.iter().find(is_missing) {
                return Err(PagesError::FieldMissing { path: self.files.place_of(P::TEMPLATE), field });
            }
        }
        Ok(())
    }

    /// The page as HTML.
    pub fn render<P: Page>(&self, page: &P, language: &Language) -> Result<String, PagesError> {
        let render = || {
            let mut context = Context::from_serialize(page)?;
            if !P::ROOT.is_empty() {
                context.insert("root", P::ROOT);
            }
            context.insert("lang", &language.tag());
            context.insert("dir", language.direction());
            self.tera.render(P::TEMPLATE, &context)
        };
        render().map_err(|source| PagesError::Render {
            path: self.files.place_of(P::TEMPLATE),
            language: language.tag(),
            source,
        })
    }

    /// A message in words.
    pub fn write(&self, letter: &Letter, language: &Language) -> Result<WrittenLetter, PagesError> {
        letter.write(&self.locales, &language.tag(), &self.product)
    }

    /// What a page loads.
    pub fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.get(name)
    }

    /// Every language that pages can be in.
    pub fn languages(&self) -> &[Language] {
        &self.languages
    }

    /// The language for somebody: what the client asked for, else what the browser prefers, else the operator's.
    pub fn language(&self, ui_locales: Option<&str>, accept_language: Option<&str>) -> &Language {
        language::choose(&self.languages, ui_locales, accept_language).unwrap_or(&self.default_language)
    }
}

/// What every template knows besides its page.
const GLOBALS: [&str; 7] = ["product", "logo", "accent", "privacy_policy", "terms", "default_lang", "root"];

fn set_globals(tera: &mut Tera, branding: &Branding, default_language: &Language) {
    let link = |text: &Option<LegalText>, page: &str| match text {
        None => None,
        Some(LegalText::Url(url)) => Some(url.clone()),
        Some(LegalText::Paragraphs(_)) => Some(page.to_owned()),
    };
    let accent = branding.accent.map(|_| assets::ACCENT);
    let [product, logo, accent_name, privacy_policy, terms, default_lang, root] = GLOBALS;
    let globals = tera.global_context();
    globals.insert(product, &branding.name);
    globals.insert(logo, branding.logo.as_ref().map_or("logo.svg", |logo| logo.name));
    globals.insert(accent_name, &accent);
    globals.insert(privacy_policy, &link(&branding.privacy_policy, "privacy"));
    globals.insert(terms, &link(&branding.terms, "terms"));
    globals.insert(default_lang, &default_language.tag());
    // Pages that lie deeper say how far up the others are.
    globals.insert(root, "");
}

fn register_functions(tera: &mut Tera, locales: &Arc<Locales>, assets: Arc<Assets>) {
    tera.register_function("asset", move |arguments: Kwargs, state: &State| {
        let name: &str = arguments.must_get("name")?;
        // Of pages that lie deeper than others: the way up.
        let root: Option<String> = state.get("root")?;
        let url = assets.url(name).map(|url| root.unwrap_or_default() + &url);
        url.ok_or_else(|| tera::Error::message(format!("there is no asset {name}")))
    });
    let (texts, pieces) = (Arc::clone(locales), Arc::clone(locales));
    tera.register_function("t", move |arguments: Kwargs, state: &State| texts.text(&arguments, state));
    tera.register_function("parts", move |arguments: Kwargs, state: &State| pieces.parts(&arguments, state));
    // Nothing that is shown may skip `escape`.
    tera.register_filter("safe", |_: Value, _: Kwargs, _: &State| -> TeraResult<Value> {
        Err(tera::Error::message(
            "the filter \"safe\" is not allowed: what strangers say would become a part of the page",
        ))
    });
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

/// For samples: ends an element, an attribute, a template, and tries to turn the text around it. Each kind of page has a sample
/// with it in every value of a stranger.
pub const HOSTILE: &str =
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

    /// Names that a template uses and its page does not give.
    struct Unknown<'p>(&'p Pages, Vec<String>);

    impl PageVisitor for Unknown<'_> {
        fn visit<P: Page>(&mut self) -> Result<(), PagesError> {
            let sample = Context::from_serialize(&P::samples().remove(0)).expect("serializable");
            let names = self.0.tera.get_template_variables(P::TEMPLATE).expect("a template");
            let is_known =
                |name: &str| GLOBALS.contains(&name) || ["lang", "dir"].contains(&name) || sample.contains_key(name);
            let unknown = names.into_iter().filter(|name| !is_known(name));
            self.1.extend(unknown.map(|name| format!("{}: {name}", P::TEMPLATE)));
            Ok(())
        }
    }

    /// Rendering finds an unknown name only where it is printed; `{% if %}` takes it for false.
    #[test]
    fn templates_name_nothing_that_their_page_does_not_give() {
        let pages = Pages::load(&Branding::default()).expect("templates");
        let mut unknown = Unknown(&pages, Vec::new());
        visit_every_page(&mut unknown).expect("every page");
        assert!(unknown.1.is_empty(), "{:?}", unknown.1);
    }

    /// A page that is not in the list is not checked when the server starts, nor by any test.
    #[test]
    fn every_template_of_a_page_is_in_the_list() {
        struct Templates(Vec<String>);
        impl PageVisitor for Templates {
            fn visit<P: Page>(&mut self) -> Result<(), PagesError> {
                self.0.push(P::TEMPLATE.to_owned());
                Ok(())
            }
        }
        let mut listed = Templates(Vec::new());
        visit_every_page(&mut listed).expect("every page");
        let files = Files::read(None).expect("templates");
        let extended = |name: &String| {
            let text = files.text(name).expect("UTF-8").unwrap_or_default();
            text.strip_prefix("{% extends \"").and_then(|rest| rest.split('"').next()).map(str::to_owned)
        };
        let layouts: Vec<String> = files.names().iter().filter_map(extended).collect();
        let is_page = |name: &String| extended(name).is_some() && !layouts.contains(name);
        let there: Vec<String> = files.names().into_iter().filter(is_page).collect();
        listed.0.sort();
        assert_eq!(listed.0, there);
    }

    #[test]
    fn the_sample_name_is_as_long_as_names_may_be() {
        assert_eq!(LONG_NAME.chars().count(), 80);
        assert_eq!(long_url().len(), 300);
    }
}
