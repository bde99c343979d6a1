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
        kid: None,
    }))
}

fn key(name: &str) -> Caller {
    Caller::Key(Arc::new(ApiKey::mapped(name.into(), "alice".into(), "mcp:use".parse().expect("a scope"), [7; 32])))
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

/// What callers that nobody knows are told, with this in `[resource.identity]`.
async fn told(toml: &str, caller: &Caller) -> Vec<(String, String)> {
    let toml = format!(
        "public_url = \"https://h.example\"\n[authorization_server]\nrelay = \"http://127.0.0.1:1\"\n\
         [[resource]]\npath = \"/mcp\"\nupstream = \"http://127.0.0.1:2/\"\n[resource.identity]\n{toml}"
    );
    let config = toml::from_str::<crate::config::RawConfig>(&toml).expect("TOML").check().expect("a configuration");
    let identity = Identity::new(&config, &config.resources[0], &Clock::system()).expect("an identity");
    let lines = String::from_utf8(identity.lines_for(caller, || None).await.expect("lines")).expect("text");
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.into(), value.into()));
    lines.split_terminator("\r\n").map(|line| header(line).expect("a header")).collect()
}

#[tokio::test]
async fn of_callers_that_nobody_knows_nothing_is_said_but_what_the_operator_wants() {
    let dir = tempfile::tempdir().expect("a directory");
    let assertion = format!("kind = \"assertion\"\nassertion = {{ key_file = {:?} }}\n", dir.path().join("key.pem"));
    let credential = |more: &str| format!("kind = \"credential\"\n[resource.identity.credential]\n{more}\n");
    let rule = "[[resource.identity.context]]\nvalue = \"user\"\n[[resource.identity.context]]\nanonymous = true\nvalue = \"guest\"\n";
    for (form, headers) in [
        (String::new(), &[][..]),
        (assertion, &[]),
        (credential("value = \"shared\""), &[]),
        (credential("map = { entries = { \"*\" = \"everybody's\" } }"), &[]),
        (credential("webhook = { url = \"http://127.0.0.1:3/\", secret = \"x\" }"), &[]),
        (credential("value = \"shared\"\nanonymous = \"guest-pass\""), &[("authorization", "Bearer guest-pass")]),
    ] {
        let mut expected: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(told(&form, &Caller::Anonymous).await, expected, "{form}");
        expected.push(("x-mcp-auth-context".into(), "guest".into()));
        assert_eq!(told(&format!("{form}{rule}"), &Caller::Anonymous).await, expected, "{form}");
    }
}
