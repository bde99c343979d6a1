//! Tests of `api_keys.rs`: what is a key, what is two credentials, and what is neither.

use actix_web::http::header::{HeaderName as Name, HeaderValue as Value};

use super::*;

const LISTED: &str = "acme_key_listed";

fn keys(header: &'static str, prefixes: &[&str], pass_through: bool) -> ApiKeys {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, LISTED.as_bytes()).as_ref());
    let key = Arc::new(ApiKey::mapped("ci".into(), "robot".into(), "mcp:use".parse().expect("a scope"), sha256));
    ApiKeys::new(ApiKeysConfig {
        header: HeaderName::from_static(header),
        prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
        pass_through,
        scope: None,
        keys: vec![key],
    })
}

fn found(keys: &ApiKeys, headers: &[(&str, &[u8])]) -> &'static str {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = Name::from_bytes(name.as_bytes()).expect("a name");
        map.append(name, Value::from_bytes(value).expect("a value"));
    }
    match keys.find(&map) {
        Found::None => "none",
        Found::PassThrough(_) => "passed through",
        Found::Mapped(_) => "mapped",
        Found::Unknown => "unknown",
        Found::Several => "several",
    }
}

#[test]
fn in_the_authorization_header_the_prefix_tells_a_key_from_a_token() {
    for (headers, listed_only, others_pass) in [
        (&[][..], "none", "none"),
        (&[("authorization", &b"Bearer eyJhbGciOi.x.y"[..])], "none", "none"),
        (&[("authorization", b"Bearer acme_key_listed")], "mapped", "mapped"),
        (&[("authorization", b"bearer  acme_key_listed ")], "mapped", "mapped"),
        (&[("authorization", b"Bearer acme_key_listed2")], "unknown", "passed through"),
        (&[("authorization", b"Bearer acme_key_")], "unknown", "passed through"),
        (&[("authorization", b"Bearer ACME_KEY_listed")], "none", "none"),
        (&[("authorization", b"acme_key_listed")], "none", "none"),
        (&[("authorization", b"Basic acme_key_listed")], "none", "none"),
        // For the gate, which refuses both with 400.
        (&[("authorization", b"Bearer acme_key_listed"), ("authorization", b"Bearer x")], "none", "none"),
        (&[("authorization", b"Bearer acme_key_listed, Bearer x")], "none", "none"),
        (&[("x-api-key", b"acme_key_listed")], "none", "none"),
    ] {
        assert_eq!(found(&keys("authorization", &["acme_key_"], false), headers), listed_only, "{headers:?}");
        assert_eq!(found(&keys("authorization", &["acme_key_"], true), headers), others_pass, "{headers:?}");
    }
}

#[test]
fn in_a_header_of_its_own_a_key_stands_alone() {
    for (headers, any, prefixed) in [
        (&[][..], "none", "none"),
        (&[("authorization", &b"Bearer x"[..])], "none", "none"),
        (&[("x-api-key", b"")], "none", "none"),
        (&[("x-api-key", b"  ")], "none", "none"),
        (&[("x-api-key", b"acme_key_listed")], "mapped", "mapped"),
        (&[("X-Api-Key", b"acme_key_listed"), ("authorization", b"Basic eA==")], "mapped", "mapped"),
        (&[("x-api-key", b"other")], "passed through", "unknown"),
        (&[("x_api_key", b"acme_key_listed")], "none", "none"),
        (&[("x-api-key", b"acme_key_\xe9")], "unknown", "unknown"),
        (&[("x-api-key", b"acme_key_listed"), ("x-api-key", b"acme_key_listed")], "several", "several"),
        (&[("x-api-key", b""), ("x-api-key", b"acme_key_listed")], "several", "several"),
        (&[("x-api-key", b"acme_key_listed,acme_key_x")], "several", "several"),
        (&[("x-api-key", b"acme_key_listed"), ("authorization", b"Bearer x")], "several", "several"),
        (&[("x-api-key", b"other"), ("authorization", b"Bearer a b")], "several", "several"),
    ] {
        assert_eq!(found(&keys("x-api-key", &[], true), headers), any, "{headers:?}");
        assert_eq!(found(&keys("x-api-key", &["acme_key_"], true), headers), prefixed, "{headers:?}");
    }
}

#[test]
fn a_key_that_is_passed_through_is_named_by_its_hash_and_never_shown() {
    let keys = keys("x-api-key", &[], true);
    let mut headers = HeaderMap::new();
    headers.insert(Name::from_static("x-api-key"), Value::from_static("s3cret"));
    let Found::PassThrough(key) = keys.find(&headers) else { panic!("no key") };
    // printf %s s3cret | sha256sum
    assert_eq!(key.subject, "key:1ec1c26b");
    assert_eq!(key.scope, None);
    assert_eq!(
        key.passed_through().map(|(name, value)| (name.as_str(), value.as_bytes())),
        Some(("x-api-key", &b"s3cret"[..]))
    );
    assert!(!format!("{key:?}").contains("s3cret"));
}
