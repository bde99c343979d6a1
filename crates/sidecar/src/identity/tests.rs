//! Tests of the plain headers and of the rules for the context value.

use gatelodge_oauth::access_token::AccessToken;
use gatelodge_oauth::time::Timestamp;

use super::*;
use crate::api_keys::ApiKey;

const OWN: &str = "https://h.example";
const OTHER: &str = "https://other.example";

/// A caller with an access token.
pub(super) fn caller(issuer: &str, subject: &str, client_id: &str, scope: &str) -> Caller {
    Caller::Token(Arc::new(AccessToken {
        issuer: issuer.into(),
        subject: subject.into(),
        client_id: client_id.into(),
        scope: scope.parse().expect("a scope"),
        issued_at: Timestamp::from_unix(0),
        expires_at: Timestamp::from_unix(0),
        id: "j".into(),
        status: None,
    }))
}

fn key(name: &str) -> Caller {
    Caller::Key(Arc::new(ApiKey::mapped(name.into(), "alice".into(), "mcp:use".parse().expect("a scope"))))
}

fn rule() -> ContextRule {
    ContextRule {
        value: HeaderValue::from_static("agent"),
        issuer: None,
        subject: None,
        client_id: None,
        scope: None,
        api_key: None,
        anonymous: false,
    }
}

#[test]
fn identities_stay_apart_as_header_values() {
    for (identity, value) in [
        ("user_1", "user_1"),
        ("https://c.example/id", "https://c.example/id"),
        ("a b", "a%20b"),
        ("a%20b", "a%2520b"),
        ("é\n", "%C3%A9%0A"),
    ] {
        assert_eq!(visible(identity), value);
    }
}

#[test]
fn a_rule_holds_for_those_of_whom_all_holds_that_it_names() {
    let some = |text: &str| Some(text.to_owned());
    let (alice, bob) = (caller(OWN, "alice", "c1", "a b"), caller(OWN, "bob", "c2", "b"));
    let (her_name, key) = (caller(OTHER, "alice", "c1", "a b"), key("ci"));
    let anonymous = Caller::Anonymous;
    for (rule, holds_for) in [
        (rule(), [true, true, false, true, false]),
        (ContextRule { subject: some("alice"), ..rule() }, [true, false, false, true, false]),
        (ContextRule { subject: some("Alice"), ..rule() }, [false; 5]),
        (ContextRule { client_id: some("c1"), ..rule() }, [true, false, false, false, false]),
        (ContextRule { scope: some("a"), ..rule() }, [true, false, false, false, false]),
        (ContextRule { scope: some("b"), ..rule() }, [true, true, false, false, false]),
        (ContextRule { scope: some("b"), subject: some("bob"), ..rule() }, [false, true, false, false, false]),
        (ContextRule { api_key: some("ci"), ..rule() }, [false, false, false, true, false]),
        (ContextRule { api_key: some("other"), ..rule() }, [false; 5]),
        (ContextRule { issuer: some(OTHER), ..rule() }, [false, false, true, false, false]),
        (ContextRule { issuer: some(OTHER), subject: some("alice"), ..rule() }, [false, false, true, false, false]),
        (ContextRule { anonymous: true, ..rule() }, [false, false, false, false, true]),
    ] {
        let found = [&alice, &bob, &her_name, &key, &anonymous].map(|caller| matches(&rule, caller, OWN));
        assert_eq!(found, holds_for, "{rule:?}");
    }
}
