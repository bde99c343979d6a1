//! What is said in advance is what would be said.

use actix_web::body::{self, BoxBody};

use super::*;

async fn parts(response: HttpResponse<BoxBody>) -> (StatusCode, Vec<(String, HeaderValue)>, Bytes) {
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), value.clone()));
    let (status, mut headers) = (response.status(), headers.collect::<Vec<_>>());
    headers.sort_by(|one, other| one.0.cmp(&other.0));
    (status, headers, body::to_bytes(response.into_body()).await.expect("a body"))
}

/// Proves RFC 6750 §3: what is made in advance for a request without a token is the challenge that is made for any other.
#[actix_web::test]
async fn the_login_that_is_made_in_advance_is_the_challenge_word_for_word() {
    let made = Challenge {
        resource_metadata: "https://h.example/.well-known/oauth-protected-resource/mcp".into(),
        scope: "mcp:use".parse().expect("a scope"),
        error: None,
    };
    let in_advance = Refusal::Login(HeaderValue::try_from(made.header_value()).expect("a header"));
    let made = Refusal::Challenge(made);
    assert_eq!((in_advance.outcome(), in_advance.reason()), (made.outcome(), made.reason()));
    assert_eq!(parts(refusal(&in_advance)).await, parts(refusal(&made)).await);
}
