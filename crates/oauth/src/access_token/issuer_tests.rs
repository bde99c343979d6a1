//! Tokens of issuers that are not ours, and what introspection endpoints say (RFC 7662 §2.2).

use serde_json::{Value, json};

use super::*;
use crate::access_token::{SigningAlgorithm, SigningKey, jwks};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const AUDIENCES: [&str; 2] = ["https://h.example/mcp", "api://mcp"];

fn issuer(wording: Wording) -> Issuer {
    Issuer { identifier: "https://as.example/".into(), wording, leeway: Duration::from_secs(30) }
}

fn foreign() -> Wording {
    Wording { types: vec!["JWT".into(), "at+jwt".into()], client_id_claim: "azp".into(), scope_claim: "scp".into() }
}

fn claims() -> Value {
    json!({"iss": "https://as.example/", "sub": "user_1", "aud": "api://mcp", "azp": "client_1", "scp": ["a", "b"],
        "iat": NOW.as_unix(), "exp": NOW.as_unix() + 60})
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

struct Signer(SigningKey, VerifyingKeys);

impl Signer {
    fn new() -> Self {
        let pkcs8 = SigningKey::generate(SigningAlgorithm::Es256).expect("a key");
        let key = SigningKey::from_pkcs8(SigningAlgorithm::Es256, &pkcs8).expect("a key");
        let keys = VerifyingKeys::from_jwks(&serde_json::to_vec(&jwks([&key])).expect("JSON")).expect("a set");
        Self(key, keys)
    }

    fn check(&self, wording: Wording, typ: &str, claims: &Value) -> Result<AccessToken, Refusal> {
        let token = self.0.sign_as(typ, claims).expect("a token");
        issuer(wording).verify(&token, &self.1, &AUDIENCES, NOW)
    }
}

#[test]
fn another_wording_is_read_where_it_is_named_and_refused_elsewhere() {
    let signer = Signer::new();
    let token = signer.check(foreign(), "JWT", &claims()).expect("good");
    assert_eq!((token.issuer.as_str(), token.client_id.as_str()), ("https://as.example/", "client_1"));
    assert_eq!((token.scope.to_string().as_str(), token.id.as_str()), ("a b", ""));
    assert!(signer.check(foreign(), "at+jwt", &claims()).is_ok());
    assert_eq!(signer.check(foreign(), "logout+jwt", &claims()), Err(Refusal::NotAnAccessToken));
    assert_eq!(signer.check(Wording::default(), "JWT", &claims()), Err(Refusal::NotAnAccessToken));
    assert_eq!(signer.check(Wording::default(), "at+jwt", &claims()), Err(Refusal::MalformedClaims));
}

#[test]
fn what_is_said_otherwise_is_checked_as_strictly() {
    let signer = Signer::new();
    for (claims, expected) in [
        (with(claims(), "scp", json!("a b")), None),
        (without(claims(), "scp"), None),
        (with(claims(), "scp", json!(["a b"])), Some(Refusal::MalformedClaims)),
        (with(claims(), "scp", json!(["a", 1])), Some(Refusal::MalformedClaims)),
        (with(claims(), "scp", json!([""])), Some(Refusal::MalformedClaims)),
        (with(claims(), "scp", json!({})), Some(Refusal::MalformedClaims)),
        (without(claims(), "azp"), Some(Refusal::MalformedClaims)),
        (with(claims(), "azp", json!(["client_1"])), Some(Refusal::MalformedClaims)),
        (without(claims(), "sub"), Some(Refusal::MalformedClaims)),
        (without(claims(), "exp"), Some(Refusal::MalformedClaims)),
        (without(claims(), "iat"), Some(Refusal::MalformedClaims)),
        (without(claims(), "aud"), Some(Refusal::MalformedClaims)),
        (with(claims(), "jti", json!("")), Some(Refusal::MalformedClaims)),
        (with(claims(), "iss", json!("https://as.example")), Some(Refusal::WrongIssuer)),
        (with(claims(), "aud", json!(["x", "https://h.example/mcp"])), None),
        (with(claims(), "aud", json!(["x", "api://mc"])), Some(Refusal::WrongAudience)),
        (with(claims(), "aud", json!(["api://mcp", null])), Some(Refusal::MalformedClaims)),
        (with(claims(), "cnf", json!({"jkt": "x"})), Some(Refusal::BoundToKey)),
        (with(claims(), "cnf", json!(null)), Some(Refusal::BoundToKey)),
    ] {
        assert_eq!(signer.check(foreign(), "JWT", &claims).err(), expected, "{claims}");
    }
    let default = with(with(without(claims(), "scp"), "client_id", json!("c")), "jti", json!("j"));
    for scope in [json!(["a"]), json!([]), json!(null)] {
        let claims = with(default.clone(), "scope", scope);
        assert_eq!(signer.check(Wording::default(), "at+jwt", &claims), Err(Refusal::MalformedClaims), "{claims}");
    }
}

fn answer() -> Value {
    json!({"active": true, "client_id": "client_1", "aud": "api://mcp", "scope": "a b", "token_type": "Bearer",
        "exp": NOW.as_unix() + 60})
}

#[test]
fn an_active_token_is_one_for_us_and_of_now_and_nothing_else() {
    let read = |answer: &Value| issuer(foreign()).introspected(answer.to_string().as_bytes(), &AUDIENCES, NOW);
    let token = read(&answer()).expect("good");
    assert_eq!((token.subject.as_str(), token.issuer.as_str()), ("client_1", "https://as.example/"));
    let exp = |offset| with(answer(), "exp", json!(NOW.as_unix() + offset));
    for (answer, expected) in [
        (with(answer(), "sub", json!("user_1")), None),
        (with(answer(), "sub", json!("")), Some(Refusal::MalformedClaims)),
        (with(answer(), "sub", json!(null)), Some(Refusal::MalformedClaims)),
        (with(answer(), "active", json!(false)), Some(Refusal::Inactive)),
        (json!({"active": false}), Some(Refusal::Inactive)),
        (with(answer(), "iss", json!("https://as.example")), Some(Refusal::WrongIssuer)),
        (with(answer(), "token_type", json!("N_A")), Some(Refusal::NotAnAccessToken)),
        (without(answer(), "token_type"), Some(Refusal::NotAnAccessToken)),
        (without(answer(), "aud"), Some(Refusal::MalformedClaims)),
        (without(answer(), "exp"), Some(Refusal::MalformedClaims)),
        (exp(-29), None),
        (exp(-30), Some(Refusal::Expired)),
        (with(answer(), "nbf", json!(NOW.as_unix() + 31)), Some(Refusal::NotYetValid)),
        (with(answer(), "cnf", json!({})), Some(Refusal::BoundToKey)),
    ] {
        assert_eq!(read(&answer).err(), expected.map(NotIntrospected::Refused), "{answer}");
    }
    for no_answer in ["", "x", "{}", "[]", "null", "{\"active\":1}", "{\"active\":true,\"active\":false}"] {
        let read = issuer(foreign()).introspected(no_answer.as_bytes(), &AUDIENCES, NOW);
        assert_eq!(read, Err(NotIntrospected::NotAnAnswer), "{no_answer}");
    }
}

#[test]
fn whom_a_token_names_is_read_once_or_not_at_all() {
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let header = encode("{\"alg\":\"ES256\"}");
    let jwt = |payload: &str| Shape::of(&format!("{header}.{}.AAAA", encode(payload)));
    let names = |issuer: Option<&str>| Shape::Jwt { issuer: issuer.map(str::to_owned) };
    assert_eq!(jwt("{\"iss\":\"https://a.example\",\"x\":1}"), names(Some("https://a.example")));
    for payload in ["{}", "[]", "x", "{\"iss\":1}", "{\"iss\":null}", "{\"iss\":\"a\",\"iss\":\"b\"}"] {
        assert_eq!(jwt(payload), names(None), "{payload}");
    }
    for opaque in ["", "opaque", "a.b.c", "a.b", "..", &format!("{header}.x"), &format!("{header}.x.y.z.w")] {
        assert_eq!(Shape::of(opaque), Shape::Opaque, "{opaque}");
    }
}
