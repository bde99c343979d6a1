//! Which language a page is in: what the client asked for (`ui_locales`, OpenID Connect Core 1.0 §3.1.2.1), else what the browser
//! prefers (`Accept-Language`, RFC 9110 §12.5.4), else the operator's. Called by `pages/mod.rs`.

use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::{CharacterDirection, LanguageIdentifier};

/// Languages that are looked at of those that somebody asks for.
const MAX_RANGES: usize = 20;

/// A language that there is a translation for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language(LanguageIdentifier);

impl Language {
    /// From its tag (RFC 5646).
    pub fn parse(tag: &str) -> Option<Self> {
        let language: LanguageIdentifier = tag.parse().ok()?;
        (!language.language.is_empty()).then_some(Self(language))
    }

    /// For the attribute `lang` and for `Content-Language`.
    pub fn tag(&self) -> String {
        self.0.to_string()
    }

    /// For the attribute `dir`.
    pub fn direction(&self) -> &'static str {
        if self.0.character_direction() == CharacterDirection::RTL { "rtl" } else { "ltr" }
    }
}

/// English, in which every text is there.
impl Default for Language {
    fn default() -> Self {
        Self("en".parse().expect("a language tag"))
    }
}

impl AsRef<LanguageIdentifier> for Language {
    fn as_ref(&self) -> &LanguageIdentifier {
        &self.0
    }
}

/// The best of what there is, by the first list that any of it fits.
pub(super) fn choose<'l>(
    available: &'l [Language],
    ui_locales: Option<&str>,
    accept_language: Option<&str>,
) -> Option<&'l Language> {
    let of_client: Vec<Language> =
        ui_locales.unwrap_or_default().split(' ').take(MAX_RANGES).filter_map(Language::parse).collect();
    let of_browser = accepted(accept_language.unwrap_or_default());
    [of_client, of_browser]
        .iter()
        .find_map(|wanted| negotiate_languages(wanted, available, None, NegotiationStrategy::Lookup).into_iter().next())
}

/// The ranges of `Accept-Language`, the best first; what has a weight of nothing, or one that cannot be read, is not wanted.
fn accepted(header: &str) -> Vec<Language> {
    let weighted = header.split(',').take(MAX_RANGES).filter_map(|item| {
        let (tag, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
        let (name, weight) = parameter.split_once('=')?;
        let weight: f32 = weight.trim().parse().ok()?;
        let is_wanted = name.trim().eq_ignore_ascii_case("q") && weight > 0.0 && weight <= 1.0;
        Some((Language::parse(tag.trim()).filter(|_| is_wanted)?, weight))
    });
    let mut weighted: Vec<(Language, f32)> = weighted.collect();
    // Stable: of two with the same weight the first one stays first.
    weighted.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    weighted.into_iter().map(|(language, _)| language).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(ui_locales: &str, accept_language: &str) -> Option<String> {
        let available = ["de", "en", "es", "pt-BR"].map(|tag| Language::parse(tag).expect("a tag"));
        choose(&available, Some(ui_locales), Some(accept_language)).map(Language::tag)
    }

    #[test]
    fn what_the_client_asks_for_comes_before_what_the_browser_prefers() {
        for (ui_locales, accept_language, tag) in [
            ("de", "es", Some("de")),
            ("xx de", "es", Some("de")),
            ("xx", "es", Some("es")),
            ("xx", "yy", None),
            ("", "", None),
            ("fr-CA es-419 de", "", Some("es")),
        ] {
            assert_eq!(chosen(ui_locales, accept_language).as_deref(), tag, "{ui_locales} {accept_language}");
        }
    }

    #[test]
    fn the_browser_says_in_weights_what_it_prefers() {
        for (header, tag) in [
            ("de-AT,de;q=0.9,en;q=0.8", Some("de")),
            ("fr;q=0.9, es;q=0.2, de;q=0.4", Some("de")),
            ("de;q=0.4,es;q=0.4", Some("de")),
            ("de;q=0,es;q=0.1", Some("es")),
            ("DE-de", Some("de")),
            ("de ; q=0.2 , en ; q=0.3", Some("en")),
            ("pt", Some("pt-BR")),
            ("pt-PT", Some("pt-BR")),
            ("zh-Hant-TW", None),
            ("*", None),
            ("de;q=2,es;q=x,en;level=1", None),
            (";;;,,,=q", None),
        ] {
            assert_eq!(chosen("", header).as_deref(), tag, "{header}");
        }
        let endless = format!("{}de", "xx,".repeat(100_000));
        assert_eq!(chosen("", &endless), None);
        assert_eq!(chosen(&endless.replace(',', " "), ""), None);
    }

    #[test]
    fn text_runs_the_way_the_script_does() {
        for (tag, direction) in
            [("en", "ltr"), ("de", "ltr"), ("ar", "rtl"), ("he", "rtl"), ("fa-IR", "rtl"), ("az-Arab", "rtl")]
        {
            assert_eq!(Language::parse(tag).expect("a tag").direction(), direction, "{tag}");
        }
        for no_tag in ["", "*", "und", "e", "english!", "../en", "en/x"] {
            assert_eq!(Language::parse(no_tag), None, "{no_tag}");
        }
    }
}
