//! The decisions that no HTTP client can bring about, and that the order of the checks holds.

use gatelodge_oauth::time::Timestamp;

use super::*;

fn policy() -> Policy {
    let resource = ResourceId::from_config("https://h.example/mcp").expect("a resource");
    let scope = "mcp:use".parse().expect("a scope");
    Policy { resource, scope, resource_metadata: "https://h.example/meta".into() }
}

fn token(scope: &str) -> Answer {
    Ok(Arc::new(AccessToken {
        issuer: "https://h.example".into(),
        subject: "user_1".into(),
        client_id: "client_1".into(),
        scope: scope.parse().expect("a scope"),
        issued_at: Timestamp::from_unix(0),
        expires_at: Timestamp::from_unix(0),
        id: "j".into(),
        status: None,
    }))
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
    let away = || Err(Rejection::Unavailable(Fault::KeysUnavailable));
    let expired = || Err(Rejection::Bad(access_token::Refusal::Expired));
    for (presented, expected) in [
        (Presented::Nothing, ("challenge", 401)),
        (Presented::Several, ("challenge", 400)),
        (Presented::Garbage, ("challenge", 401)),
    ] {
        assert_eq!(outcome(&without_token(&presented, &policy())), expected, "{presented:?}");
    }
    for (judged, method, expected) in [
        (away(), Method::PUT, ("refuse", 503)),
        (away(), Method::POST, ("refuse", 503)),
        (expired(), Method::PUT, ("challenge", 401)),
        (token("other"), Method::PUT, ("challenge", 403)),
        (token("mcp:use"), Method::PUT, ("refuse", 405)),
        (token("mcp:use"), Method::POST, ("forward", 200)),
        (token("mcp:use"), Method::GET, ("forward", 200)),
        (token("mcp:use"), Method::DELETE, ("forward", 200)),
    ] {
        let decision = decide(judged.clone(), &method, &policy());
        assert_eq!(outcome(&decision), expected, "{judged:?} {method}");
    }
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
