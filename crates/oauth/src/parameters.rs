//! The parameters of a request: `application/x-www-form-urlencoded`, in a query or a body. RFC 6749 §3.1, §3.2 and appendix B.

use url::form_urlencoded;

use crate::error::OAuthError;

/// Decoded parameters in order. An empty value counts as absent (RFC 6749 §3.1), an unknown name is never looked at.
/// `Debug` prints names only: values may be secrets.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Decodes a query or a body; refuses what is not UTF-8, since a replaced character would be given back altered, and
    /// U+0000, which no parameter may hold (RFC 6749 appendix A) and PostgreSQL cannot store.
    pub fn parse(encoded: &[u8]) -> Result<Self, OAuthError> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(encoded).into_owned().collect();
        let unusable = |text: &String| text.contains(['\u{fffd}', '\0']);
        if pairs.iter().any(|(name, value)| unusable(name) || unusable(value)) {
            Err(OAuthError::form_malformed())
        } else {
            Ok(Self(pairs))
        }
    }

    /// A parameter that may be there once (RFC 6749 §3.1: must not be included more than once).
    pub fn optional(&self, name: &'static str) -> Result<Option<&str>, OAuthError> {
        let mut values = self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(OAuthError::parameter_repeated(name)),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// A parameter that must be there once.
    pub fn required(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.optional(name)?.ok_or_else(|| OAuthError::parameter_missing(name))
    }

    /// Refuses every name but these, for our own pages: what is misspelt must not read as "everything".
    pub fn only(self, known: &[&str]) -> Result<Self, OAuthError> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(OAuthError::parameter_unknown(name)),
            None => Ok(self),
        }
    }

    /// A parameter that may be repeated: `resource` (RFC 8707 §2), and the checkboxes of our own pages.
    pub fn every(&self, name: &'static str) -> Vec<String> {
        self.0.iter().filter(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| value.clone()).collect()
    }

    /// The parameters of these names, encoded again as they came.
    pub fn encoded(&self, names: &[&str]) -> String {
        let named = self.0.iter().filter(|(own, _)| names.contains(&own.as_str()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(named).finish()
    }
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(text: &str) -> Parameters {
        Parameters::parse(text.as_bytes()).expect("parameters")
    }

    #[test]
    fn a_repeated_parameter_is_refused_an_empty_one_is_absent_and_an_unknown_one_ignored() {
        let p = parameters("a=1&b=&c=1&c=2&unknown=1&unknown=2&d=x+y%20%C3%A9&resource=r1&resource=r2&resource=");
        assert_eq!(p.optional("a"), Ok(Some("1")));
        assert_eq!(p.optional("b"), Ok(None));
        assert!(p.optional("c").is_err());
        assert_eq!(p.optional("d"), Ok(Some("x y é")));
        assert!(p.required("b").is_err());
        assert_eq!(p.every("resource"), ["r1", "r2"]);
        assert!(parameters("a=&a=1").optional("a").is_err(), "an empty copy is still a copy");
    }

    #[test]
    fn bytes_that_are_not_utf_8_and_nul_are_refused() {
        assert!(Parameters::parse(b"client_id=%00").is_err());
        assert!(Parameters::parse(b"state=%ff").is_err());
        assert!(Parameters::parse(b"state=\xff").is_err());
    }

    #[test]
    fn some_of_them_can_be_kept_and_read_again() {
        let kept = parameters("a=1&secret=x&b=x+y%26&a=2&c=").encoded(&["a", "b", "c"]);
        assert_eq!(kept, "a=1&b=x+y%26&a=2&c=");
        assert_eq!(parameters(&kept).optional("b"), Ok(Some("x y&")));
    }

    #[test]
    fn debug_output_shows_no_values() {
        assert_eq!(format!("{:?}", parameters("code=secret&state=x")), r#"["code", "state"]"#);
    }
}
