//! Forgery of form posts: a token derived from the browser session and the transaction, and the origin the browser names.
//!
//! The token is not stored and does not change while the page is open, so two tabs and the Back button work.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::secret::Secret;

use crate::config::Config;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What browsers say, by their age, of a page that they fetch before anybody wants it (W3C Fetch Metadata §2.5).
const PURPOSES: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// The token of the forms of one transaction in one browser session.
pub fn token(session: &Secret, transaction: &Secret) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key(session), transaction.expose().as_bytes()))
}

/// Whether a form came with its token; compared in constant time.
pub fn is_token(presented: &str, session: &Secret, transaction: &Secret) -> bool {
    is_tag(presented, session, transaction.expose())
}

/// What the token of a session is derived from; no transaction is called so.
const OF_SESSION: &str = "session";

/// The token of the forms of a browser session that belong to no transaction.
pub fn session_token(session: &Secret) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key(session), OF_SESSION.as_bytes()))
}

/// As [`is_token`], for such a form.
pub fn is_session_token(presented: &str, session: &Secret) -> bool {
    is_tag(presented, session, OF_SESSION)
}

/// The token of a form; empty where there is none, or more than one.
pub fn presented(form: &Parameters) -> &str {
    form.optional("csrf_token").ok().flatten().unwrap_or_default()
}

/// What a form calls that which it makes, the same however often it is sent from this session: sent twice, it makes it once.
pub fn made_by(session: &Secret, form: &str) -> String {
    let tag = hmac::sign(&key(session), format!("made by {form}").as_bytes());
    tag.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn is_tag(presented: &str, session: &Secret, about: &str) -> bool {
    let presented = BASE64_URL_SAFE_NO_PAD.decode(presented);
    presented.is_ok_and(|tag| hmac::verify(&key(session), about.as_bytes(), &tag).is_ok())
}

fn key(session: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, session.expose().as_bytes())
}

/// Whether nobody but the person sent the browser here, or a page of ours: a link typed or opened from outside of the browser, in a window
/// of its own, to look at now and not perhaps later. W3C Fetch Metadata §2; a browser that does not say all of it is not believed to.
pub fn is_opened_by_the_person(request: &HttpRequest) -> bool {
    let is_one_of = |name: HeaderName, wanted: &[&[u8]]| {
        let mut values = request.headers().get_all(name);
        let (first, second) = (values.next(), values.next());
        second.is_none() && first.is_some_and(|value| wanted.contains(&value.as_bytes()))
    };
    is_one_of(SEC_FETCH_SITE, &[b"none", b"same-origin"])
        && is_one_of(SEC_FETCH_MODE, &[b"navigate"])
        && is_one_of(SEC_FETCH_DEST, &[b"document"])
        && !PURPOSES.iter().any(|purpose| request.headers().contains_key(*purpose))
}

/// Whether a request comes from one of our own pages, by what its browser says.
pub fn comes_from_our_page(request: &HttpRequest, config: &Config) -> bool {
    comes_from(request, &config.public_url.origin())
}

/// The same of pages at another origin of ours.
pub fn comes_from(request: &HttpRequest, own_origin: &str) -> bool {
    let text = |name: HeaderName| request.headers().get(name).map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
    is_same_origin(text(SEC_FETCH_SITE).as_deref(), text(header::ORIGIN).as_deref(), own_origin)
}

/// Whether the browser says that the post comes from one of our own pages. `Sec-Fetch-Site` (W3C Fetch Metadata §2.4)
/// cannot be forged by a page and decides where there is one. `Origin` is `null` for our own forms, because our pages send
/// no referrer (Fetch §3.2); a foreign one is refused.
fn is_same_origin(sec_fetch_site: Option<&str>, origin: Option<&str>, own_origin: &str) -> bool {
    let origin_fits = origin.is_none_or(|origin| origin == own_origin || origin == "null");
    sec_fetch_site.is_none_or(|site| site == "same-origin") && origin_fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatelodge_oauth::secret::Kind;

    #[test]
    fn a_token_fits_only_its_own_session_and_transaction() {
        let session = Secret::generate(Kind::BrowserSession);
        let transaction = Secret::generate(Kind::Transaction);
        let good = token(&session, &transaction);
        assert!(is_token(&good, &session, &transaction));
        assert!(!is_token(&good, &Secret::generate(Kind::BrowserSession), &transaction));
        assert!(!is_token(&good, &session, &Secret::generate(Kind::Transaction)));
        for bad in ["", "x", &good[1..], &format!("{good}A")] {
            assert!(!is_token(bad, &session, &transaction), "{bad}");
        }
    }

    #[test]
    fn a_token_of_a_session_fits_no_transaction_and_no_other_session() {
        let (session, transaction) = (Secret::generate(Kind::BrowserSession), Secret::generate(Kind::Transaction));
        let good = session_token(&session);
        assert!(is_session_token(&good, &session));
        assert!(!is_session_token(&good, &Secret::generate(Kind::BrowserSession)));
        assert!(
            !is_session_token(&token(&session, &transaction), &session) && !is_token(&good, &session, &transaction)
        );
    }

    #[test]
    fn only_our_own_pages_may_post() {
        let own = "https://h.example";
        for (site, origin, allowed) in [
            (Some("same-origin"), Some("null"), true),
            (Some("same-origin"), Some(own), true),
            (Some("same-origin"), None, true),
            (None, Some(own), true),
            (None, Some("null"), true),
            (None, None, true),
            (Some("cross-site"), Some("null"), false),
            (Some("same-site"), Some(own), false),
            (Some("none"), None, false),
            (Some("same-origin"), Some("https://evil.example"), false),
            (None, Some("https://evil.example"), false),
            (None, Some("https://h.example.evil.example"), false),
            (None, Some("http://h.example"), false),
            (None, Some("HTTPS://H.EXAMPLE"), false),
        ] {
            assert_eq!(is_same_origin(site, origin, own), allowed, "{site:?} {origin:?}");
        }
    }
}
