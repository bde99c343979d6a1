//! `[branding]`: the operator's name, logo, colour, legal texts, language and templates, for the pages. Checked with the rest of
//! the configuration; `pages/mod.rs` puts it on them.

mod color;
mod logo;

use std::path::{Path, PathBuf};

use gatelodge_service::config::Problems;
use serde::Deserialize;
use url::Url;

use crate::pages::Language;
pub use color::{Color, stylesheet};
pub use logo::Logo;

/// The largest legal text, in bytes.
const MAX_LEGAL_TEXT: u64 = 1024 * 1024;

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawBranding {
    name: String,
    logo_file: Option<PathBuf>,
    accent_color: Option<String>,
    accent_color_dark: Option<String>,
    privacy_policy_url: Option<String>,
    privacy_policy_file: Option<PathBuf>,
    terms_url: Option<String>,
    terms_file: Option<PathBuf>,
    default_locale: String,
    templates_dir: Option<PathBuf>,
}

/// As checked.
#[derive(Debug, Clone)]
pub struct Branding {
    /// What stands at the top of every page.
    pub name: String,
    /// Beside it, instead of ours.
    pub logo: Option<Logo>,
    /// Of buttons and links, on light and on dark pages.
    pub accent: Option<(Color, Color)>,
    /// At the bottom of every page.
    pub privacy_policy: Option<LegalText>,
    /// Beside it.
    pub terms: Option<LegalText>,
    /// For people whose browser asks for no language that there is.
    pub default_locale: Language,
    /// Files that take the place of ours.
    pub templates_dir: Option<PathBuf>,
}

/// A text that the law or the operator wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegalText {
    /// It is on a website.
    Url(String),
    /// It is a page of ours: its paragraphs.
    Paragraphs(Vec<String>),
}

impl Default for RawBranding {
    fn default() -> Self {
        Self {
            name: "Gatelodge".to_owned(),
            logo_file: None,
            accent_color: None,
            accent_color_dark: None,
            privacy_policy_url: None,
            privacy_policy_file: None,
            terms_url: None,
            terms_file: None,
            default_locale: "en".to_owned(),
            templates_dir: None,
        }
    }
}

impl Default for Branding {
    fn default() -> Self {
        Self {
            name: RawBranding::default().name,
            logo: None,
            accent: None,
            privacy_policy: None,
            terms: None,
            default_locale: Language::default(),
            templates_dir: None,
        }
    }
}

impl RawBranding {
    /// Notes what cannot be used.
    pub fn check(self, problems: &mut Problems) -> Option<Branding> {
        if self.name.trim().is_empty() || self.name.contains(char::is_control) || self.name.chars().count() > 80 {
            let hint = "write the name that people know this server by, in one line of up to 80 characters";
            problems.add("branding.name", format!("{:?} cannot be a name", self.name), hint);
        }
        let default_locale = Language::parse(&self.default_locale);
        if default_locale.is_none() {
            let says = format!("{:?} is not a language tag", self.default_locale);
            problems.add("branding.default_locale", says, "write for instance \"en\", \"de\" or \"es\"");
        }
        let accent = accent(self.accent_color.as_deref(), self.accent_color_dark.as_deref(), problems);
        let logo = self.logo_file.and_then(|path| Logo::read(&path, problems));
        let privacy = ("branding.privacy_policy", self.privacy_policy_url, self.privacy_policy_file);
        let terms = ("branding.terms", self.terms_url, self.terms_file);
        let [privacy_policy, terms] = [privacy, terms].map(|(key, url, file)| legal_text(key, url, file, problems));
        let templates_dir = self.templates_dir;
        Some(Branding {
            name: self.name,
            logo,
            accent,
            privacy_policy,
            terms,
            default_locale: default_locale?,
            templates_dir,
        })
    }
}

/// One colour is never readable on light and on dark pages alike, so the other shade is found or given.
fn accent(light: Option<&str>, dark: Option<&str>, problems: &mut Problems) -> Option<(Color, Color)> {
    let mut parsed = |key: &str, text: &str| {
        let color = Color::parse(text);
        if color.is_none() {
            problems.add(key, format!("{text:?} is not a colour"), "write # and six hexadecimal digits: \"#0057b8\"");
        }
        color
    };
    let light = light.and_then(|text| parsed("branding.accent_color", text));
    let dark = dark.and_then(|text| parsed("branding.accent_color_dark", text));
    if let Some(light) = light.filter(|light| !light.is_readable_on_light()) {
        let says = format!("{light} cannot be read on white: its contrast is below 4.5 : 1 (WCAG 2.2, 1.4.3)");
        problems.add(
            "branding.accent_color",
            says,
            format!("take a darker shade: \"{}\" is the nearest", light.for_light()),
        );
    }
    if let Some(dark) = dark.filter(|dark| !dark.is_readable_on_dark()) {
        let says = format!("{dark} cannot be read on dark pages: its contrast is below 4.5 : 1 (WCAG 2.2, 1.4.3)");
        let hint = format!("take a lighter shade: \"{}\" is the nearest", dark.for_dark());
        problems.add("branding.accent_color_dark", says, hint);
    }
    if light.is_none() && dark.is_some() {
        problems.add("branding.accent_color_dark", "is there without accent_color", "write accent_color too");
    }
    Some((light?, dark.unwrap_or(light?.for_dark())))
}

fn legal_text(key: &str, url: Option<String>, file: Option<PathBuf>, problems: &mut Problems) -> Option<LegalText> {
    match (url, file) {
        (Some(_), Some(_)) => {
            problems.add(format!("{key}_file"), format!("is there beside {key}_url"), "keep one of the two");
            None
        }
        (Some(url), None) => {
            let parsed = Url::parse(&url).ok().filter(|url| ["https", "http"].contains(&url.scheme()));
            if parsed.is_none() {
                let says = format!("{url:?} is not the URL of a website");
                problems.add(format!("{key}_url"), says, "write the whole URL: \"https://example.com/privacy\"");
            }
            parsed.map(|url| LegalText::Url(url.into()))
        }
        (None, Some(path)) => match paragraphs(&path) {
            Ok(paragraphs) => Some(LegalText::Paragraphs(paragraphs)),
            Err(says) => {
                let hint = "name a text file in UTF-8 of up to 1 MiB; empty lines separate its paragraphs";
                problems.add(format!("{key}_file"), format!("{}: {says}", path.display()), hint);
                None
            }
        },
        (None, None) => None,
    }
}

fn paragraphs(path: &Path) -> Result<Vec<String>, String> {
    let text = String::from_utf8(read_at_most(path, MAX_LEGAL_TEXT)?).map_err(|_| "is not UTF-8".to_owned())?;
    let mut paragraphs: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines().map(str::trim) {
        match paragraphs.last_mut() {
            Some(paragraph) if !line.is_empty() => paragraph.push(line),
            _ => paragraphs.push(Vec::new()),
        }
    }
    let paragraphs: Vec<String> =
        paragraphs.into_iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join(" ")).collect();
    if paragraphs.is_empty() { Err("is empty".to_owned()) } else { Ok(paragraphs) }
}

/// A file of the operator that is not larger than it may be.
fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > most {
        return Err(format!("has {length} bytes; {most} are the most"));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str) -> Result<Branding, Vec<String>> {
        let raw: RawBranding = toml::from_str(toml).map_err(|error| vec![error.to_string()])?;
        let mut problems = Problems::default();
        let branding = raw.check(&mut problems);
        let told = problems.0.iter().map(|problem| problem.key.clone()).collect();
        branding.filter(|_| problems.is_empty()).ok_or(told)
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let told = check(
            "name = ''\naccent_color = '#ffcc00'\ndefault_locale = '!'\nlogo_file = '/nowhere'\nprivacy_policy_url = 'javascript:alert(1)'\n\
             terms_url = 'https://example.com'\nterms_file = '/nowhere'",
        )
        .expect_err("six problems");
        let keys = ["name", "default_locale", "accent_color", "logo_file", "privacy_policy_url", "terms_file"];
        assert_eq!(told, keys.map(|key| format!("branding.{key}")));
    }

    #[test]
    fn an_accent_has_a_shade_for_dark_pages() {
        let (light, dark) = check("accent_color = '#0057b8'").expect("good").accent.expect("a colour");
        assert!(light.is_readable_on_light() && dark.is_readable_on_dark() && light != dark);
        let given = check("accent_color = '#0057b8'\naccent_color_dark = '#9fc5ff'").expect("good").accent;
        assert_eq!(given.expect("colours").1.to_string(), "#9fc5ff");
        assert!(check("accent_color_dark = '#9fc5ff'").is_err());
        assert!(check("accent_color = '#0057b8'\naccent_color_dark = '#0057b8'").is_err());
    }

    #[test]
    fn empty_lines_separate_the_paragraphs_of_a_legal_text() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "\n\nOne\nline.\r\n\r\n  \nTwo <b>.\n").expect("written");
        assert_eq!(paragraphs(file.path()), Ok(vec!["One line.".to_owned(), "Two <b>.".to_owned()]));
        std::fs::write(file.path(), " \n\n").expect("written");
        assert!(paragraphs(file.path()).is_err());
        std::fs::write(file.path(), [0xff]).expect("written");
        assert!(paragraphs(file.path()).is_err());
    }
}
