//! Whether the body is what its headers say (RFC 9110 §8.3, §8.4). Called before a body is read.

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

use super::Unreadable;

/// One `Content-Type`, which is JSON, and no coding: another one would make other bytes of the body for the server.
///
/// # Errors
/// [`Unreadable::MediaType`] or [`Unreadable::ContentEncoding`].
pub fn check_media(headers: &HeaderMap) -> Result<(), Unreadable> {
    let mut types = headers.get_all(CONTENT_TYPE);
    let (Some(media_type), None) = (types.next(), types.next()) else { return Err(Unreadable::MediaType) };
    // Most clients write just this.
    if media_type != "application/json" && !media_type.to_str().is_ok_and(is_json) {
        return Err(Unreadable::MediaType);
    }
    if headers.contains_key(CONTENT_ENCODING) { Err(Unreadable::ContentEncoding) } else { Ok(()) }
}

/// RFC 9110 §8.3.1. A comma may be a second header that was joined to the first.
fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    is_json && !media_type.contains(',') && parts.all(is_harmless)
}

/// RFC 8259 §8.1: JSON is UTF-8. A parameter that says otherwise would be believed by some.
fn is_harmless(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn check(types: &[&str], encodings: &[&str]) -> Result<(), Unreadable> {
        let mut headers = HeaderMap::new();
        for value in types {
            headers.append(CONTENT_TYPE, HeaderValue::from_str(value).expect("a value"));
        }
        for value in encodings {
            headers.append(CONTENT_ENCODING, HeaderValue::from_str(value).expect("a value"));
        }
        check_media(&headers)
    }

    #[test]
    fn a_body_that_may_be_something_else_than_json_is_refused() {
        for types in [
            &[][..],
            &[""],
            &["text/plain"],
            &["text/json"],
            &["application/jsonx"],
            &["application/json-rpc"],
            &["application/vnd.api+json"],
            &["application/x-www-form-urlencoded"],
            &["multipart/form-data; boundary=application/json"],
            &["application/json, text/plain"],
            &["application/json; a=b, text/plain"],
            &["application/json; charset=utf-16"],
            &["application/json; charset=\"UTF-7\""],
            &["application/json;charset=utf-8;charset=latin1"],
            &["application/json; charset"],
            &["application/json", "application/json"],
            &["application/json", "text/plain"],
        ] {
            assert_eq!(check(types, &[]), Err(Unreadable::MediaType), "{types:?}");
        }
        for encodings in [&["gzip"][..], &["identity"], &[""], &["identity", "br"]] {
            assert_eq!(check(&["application/json"], encodings), Err(Unreadable::ContentEncoding), "{encodings:?}");
        }
    }

    #[test]
    fn json_is_taken_with_its_parameters() {
        for media_type in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;CHARSET=\"UTF-8\" ; q=1",
            "application/json;",
        ] {
            assert_eq!(check(&[media_type], &[]), Ok(()), "{media_type}");
        }
    }
}
