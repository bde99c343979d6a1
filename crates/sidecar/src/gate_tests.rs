//! The decisions that no HTTP client can bring about, and that the order of the checks holds.

use std::time::Duration;

use gatelodge_oauth::access_token::{Claims, SigningAlgorithm, SigningKey, jwks};
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::resource::ResourceId;

use super::*;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn policy() -> Policy {
    let audience = ResourceId::from_config("https://h.example/mcp").expect("a resource");
    let expected = Expectation { issuer: "https://h.example".into(), audience, leeway: Duration::from_secs(30) };
    let scope = "mcp:use".parse().expect("a scope");
    Policy { expected, scope, resource_metadata: "https://h.example/meta".into() }
}

fn token(key: &SigningKey, scope: &str, exp: Timestamp) -> String {
    let claims = Claims {
        iss: "https://h.example".into(),
        sub: "user_1".into(),
        aud: policy().expected.audience,
        client_id: ClientId::new("client_1"),
        scope: scope.parse().expect("a scope"),
        iat: NOW,
        exp,
        jti: "j".into(),
        status: None,
    };
    key.sign(&claims).expect("a token")
}

fn key() -> (SigningKey, VerifyingKeys) {
    let key =
        SigningKey::from_pkcs8(SigningAlgorithm::Es256, &SigningKey::generate(SigningAlgorithm::Es256).expect("a key"))
            .expect("a key");
    let keys = VerifyingKeys::from_jwks(&serde_json::to_vec(&jwks([&key])).expect("JSON")).expect("a set");
    (key, keys)
}

fn outcome(decision: &Decision) -> (&'static str, u16) {
    match decision {
        Decision::Forward(_) => ("forward", 200),
        Decision::Challenge(challenge, _) => ("challenge", crate::respond::challenge(challenge).status().as_u16()),
        Decision::Refuse(fault) => ("refuse", crate::respond::fault(*fault).status().as_u16()),
    }
}

#[test]
fn the_first_reason_counts() {
    let (signing, keys) = key();
    let later = NOW.plus(Duration::from_secs(60));
    let good = token(&signing, "mcp:use", later);
    let narrow = token(&signing, "other", later);
    let old = token(&signing, "other", NOW.minus(policy().expected.leeway));
    for (presented, method, keys, expected) in [
        (Presented::Nothing, Method::PUT, None, ("challenge", 401)),
        (Presented::Several, Method::PUT, None, ("challenge", 400)),
        (Presented::Garbage, Method::PUT, None, ("challenge", 401)),
        (Presented::Token(&good), Method::PUT, None, ("refuse", 503)),
        (Presented::Token("garbage"), Method::POST, None, ("refuse", 503)),
        (Presented::Token(&old), Method::PUT, Some(&keys), ("challenge", 401)),
        (Presented::Token(&narrow), Method::PUT, Some(&keys), ("challenge", 403)),
        (Presented::Token(&good), Method::PUT, Some(&keys), ("refuse", 405)),
        (Presented::Token(&good), Method::POST, Some(&keys), ("forward", 200)),
        (Presented::Token(&good), Method::GET, Some(&keys), ("forward", 200)),
        (Presented::Token(&good), Method::DELETE, Some(&keys), ("forward", 200)),
    ] {
        let decision = decide(&presented, &method, &policy(), keys, None, NOW);
        assert_eq!(outcome(&decision), expected, "{presented:?} {method}");
    }
}

#[test]
fn only_an_unknown_key_is_worth_another_look() {
    let (signing, keys) = key();
    let (_, others) = key();
    let good = token(&signing, "mcp:use", NOW.plus(Duration::from_secs(60)));
    let decide = |text, keys| decide(&Presented::Token(text), &Method::POST, &policy(), Some(keys), None, NOW);
    assert!(decide(&good, &others).names_an_unknown_key());
    assert!(!decide(&good, &keys).names_an_unknown_key());
    assert!(!decide("garbage", &others).names_an_unknown_key());
}

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
    assert_eq!(read(&format!("Bearer {}", "a".repeat(MAX_LENGTH + 1))), "Garbage");
}
