//! What a request presents to prove who sends it: RFC 6750 §2.1, only the `Authorization` header counts. Read by `endpoint.rs`.

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use gatelodge_oauth::access_token::MAX_LENGTH;
use memchr::memchr3;

/// What the header holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Presented<'a> {
    /// No `Authorization` header, one of another scheme, or one without a token.
    Nothing,
    /// One bearer token.
    Token(&'a str),
    /// More than one.
    Several,
    /// Nothing that could be a token.
    Garbage,
}

/// Reads the `Authorization` header.
pub fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    match (values.next(), values.next()) {
        (None, _) => Presented::Nothing,
        (Some(value), None) => bearer(value),
        (Some(_), Some(_)) => Presented::Several,
    }
}

fn bearer(value: &HeaderValue) -> Presented<'_> {
    // A header value holds no control character but the tab, so that ASCII is all there is to ask for. Both are asked for by
    // the vector, and not by the character: a token has a thousand.
    let text = Some(value.as_bytes()).filter(|bytes| bytes.is_ascii()).map(str::from_utf8);
    let Some(Ok(text)) = text else { return Presented::Garbage };
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let token = rest.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        // What an unset variable leaves behind is no token, and the client should log in.
        return Presented::Nothing;
    }
    if memchr3(b' ', b',', b'\t', token.as_bytes()).is_some() {
        return Presented::Several;
    }
    if token.len() > MAX_LENGTH { Presented::Garbage } else { Presented::Token(token) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_after_the_scheme() {
        let read = |text: &str| format!("{:?}", bearer(&HeaderValue::from_str(text).expect("a value")));
        for (text, expected) in [
            ("Bearer abc", "Token(\"abc\")"),
            ("bearer   abc ", "Token(\"abc\")"),
            ("Bearer a b", "Several"),
            ("Bearer a,b", "Several"),
            ("Bearer a\tb", "Several"),
            ("Bearer", "Nothing"),
            ("Bearer\tabc", "Nothing"),
            ("Basic abc", "Nothing"),
            ("", "Nothing"),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        let outside_ascii = HeaderValue::from_bytes("Bearer \u{e9}".as_bytes()).expect("a value");
        assert_eq!(bearer(&outside_ascii), Presented::Garbage);
        assert_eq!(read(&format!("Bearer {}", "a".repeat(MAX_LENGTH + 1))), "Garbage");
    }
}
