//! How a credential is written into its header: the `format` of the configuration.

use std::fmt;

use reqwest::header::HeaderValue;

/// Stands for the credential.
const PLACE: &str = "{credential}";

/// Text with a place for the credential.
#[derive(Clone, PartialEq, Eq)]
pub struct Format {
    before: String,
    after: String,
}

impl Format {
    /// `None` without exactly one place, or with what a header cannot hold.
    pub fn new(text: &str) -> Option<Self> {
        let (before, after) = text.split_once(PLACE)?;
        let is_plain = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let good = is_plain(text) && text.trim() == text && !after.contains(PLACE);
        good.then(|| Self { before: before.into(), after: after.into() })
    }

    /// The value of the header, which is never shown. `None` for a credential that no header can hold as it is.
    pub fn value(&self, credential: &str) -> Option<HeaderValue> {
        let is_plain = credential.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if credential.is_empty() || !is_plain || credential.trim() != credential {
            return None;
        }
        let mut value = HeaderValue::try_from(format!("{}{credential}{}", self.before, self.after)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Format {
    /// Operators may write a secret of theirs around the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Format")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_has_one_place_and_a_credential_stays_on_its_line() {
        for bad in
            ["", "Bearer", "{credential}{credential}", "{credential}\r\nX-Admin: 1", " {credential}", "é{credential}"]
        {
            assert_eq!(Format::new(bad), None, "{bad:?}");
        }
        let format = Format::new("Token token=\"{credential}\"").expect("a format");
        let value = format.value("s3cret").expect("a value");
        assert_eq!(value.as_bytes(), b"Token token=\"s3cret\"");
        assert!(!format!("{value:?}").contains("s3cret"));
        for bad in ["", " ", "a\r\nX-Admin: 1", "a\0", "é", "a ", " a", "a\tb"] {
            assert_eq!(format.value(bad), None, "{bad:?}");
        }
    }
}
