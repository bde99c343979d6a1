//! The authorization response: code or error, with `state` and `iss`, added to the redirect target. RFC 6749 §4.1.2, RFC 9207 §2.

use url::form_urlencoded;

use crate::error::OAuthError;
use crate::redirect_uri::RedirectTarget;
use crate::secret::Secret;

/// What the client learns.
pub enum AuthorizationResponse<'a> {
    /// RFC 6749 §4.1.2.
    Code(&'a Secret),
    /// RFC 6749 §4.1.2.1.
    Error(&'a OAuthError),
}

impl AuthorizationResponse<'_> {
    /// The URL to send the browser to. An existing query of the target is kept (RFC 6749 §3.1.2), and `iss` is on every
    /// answer, errors too, because the metadata promises it (RFC 9207 §2).
    pub fn location(&self, target: &RedirectTarget, state: Option<&str>, issuer: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match self {
            AuthorizationResponse::Code(code) => {
                query.append_pair("code", code.expose());
            }
            AuthorizationResponse::Error(error) => {
                query.append_pair("error", error.code.as_str()).append_pair("error_description", &error.description);
            }
        }
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", issuer);
        let target = target.as_str();
        let separator = match target.find('?') {
            None => "?",
            Some(_) if target.ends_with(['?', '&']) => "",
            Some(_) => "&",
        };
        format!("{target}{separator}{}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Kind;
    use url::Url;

    fn target(uri: &str) -> RedirectTarget {
        RedirectTarget::of_client(&[uri.to_owned()], Some(uri)).expect("registered")
    }

    #[test]
    fn state_comes_back_as_it_came_and_iss_is_on_success_and_error() {
        let every_printable: String = (0x20..=0x7E).map(char::from).collect();
        for state in [every_printable.as_str(), "é漢", "a\r\nLocation: x", "x&code=evil&iss=evil"] {
            let code = Secret::generate(Kind::AuthorizationCode);
            let error = OAuthError::denied_by_user();
            for response in [AuthorizationResponse::Code(&code), AuthorizationResponse::Error(&error)] {
                let location =
                    response.location(&target("https://client.example/cb?tenant=1"), Some(state), "https://h.example");
                let url = Url::parse(&location).expect("a URL");
                let find = |wanted: &str| {
                    url.query_pairs()
                        .filter(|(name, _)| name == wanted)
                        .map(|(_, value)| value.into_owned())
                        .collect::<Vec<_>>()
                };
                assert_eq!(find("state"), [state]);
                assert_eq!(find("iss"), ["https://h.example"]);
                assert_eq!(find("tenant"), ["1"]);
                assert_eq!(find("code").len() + find("error").len(), 1);
                assert!(!location.contains(['\r', '\n', ' ']));
            }
        }
    }

    #[test]
    fn the_query_is_begun_or_continued() {
        let error = OAuthError::denied_by_user();
        for (uri, begins) in [
            ("http://127.0.0.1:1", "http://127.0.0.1:1?error="),
            ("cursor://anysphere.cursor-mcp/cb", "cursor://anysphere.cursor-mcp/cb?error="),
            ("https://c.example/cb?a=1", "https://c.example/cb?a=1&error="),
            ("https://c.example/cb?", "https://c.example/cb?error="),
        ] {
            let location = AuthorizationResponse::Error(&error).location(&target(uri), None, "https://h.example");
            assert!(location.starts_with(begins), "{location}");
            assert!(!location.contains("state="));
        }
    }
}
