//! Every way a token can be wrong (RFC 9068 §4, RFC 8725).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_800_000_000;

struct Issuer {
    key: SigningKey,
    pkcs8: Vec<u8>,
}

impl Issuer {
    fn new() -> Self {
        let pkcs8 = SigningKey::generate(SigningAlgorithm::Es256).expect("a key");
        Self { key: SigningKey::from_pkcs8(SigningAlgorithm::Es256, &pkcs8).expect("a key"), pkcs8 }
    }

    fn keys(&self) -> VerifyingKeys {
        VerifyingKeys::from_jwks(&serde_json::to_vec(&jwks([&self.key])).expect("JSON")).expect("a set")
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        self.sign_raw(&format!("{}.{}", encode(header), encode(claims)))
    }

    fn sign_raw(&self, message: &str) -> String {
        let key = EncodingKey::from_ec_der(&self.pkcs8);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::ES256).expect("a signature");
        format!("{message}.{signature}")
    }

    fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid()})
    }

    fn check(&self, claims: &Value) -> Result<AccessToken, Refusal> {
        verify(&self.token(&self.header(), claims), &self.keys(), &expectation(), Timestamp::from_unix(NOW))
    }
}

fn expectation() -> Expectation {
    Expectation {
        issuer: "https://h.example".into(),
        audience: ResourceId::from_config("https://h.example/mcp").expect("a resource"),
        leeway: Duration::from_secs(30),
    }
}

fn claims() -> Value {
    json!({"iss": "https://h.example", "sub": "user_1", "aud": "https://h.example/mcp", "client_id": "client_1",
        "scope": "mcp:use", "iat": NOW - 10, "exp": NOW + 3600, "jti": "j"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

/// Proves RFC 9068 §2.1: an access token is typed at+jwt.
#[test]
fn a_token_made_here_is_accepted_here_and_has_the_shape_of_rfc_9068() {
    let issuer = Issuer::new();
    let claims = Claims {
        iss: "https://h.example".into(),
        sub: "user_1".into(),
        aud: expectation().audience,
        client_id: ClientId::new("client_1"),
        scope: "mcp:use".parse().expect("a scope"),
        iat: Timestamp::from_unix(NOW),
        exp: Timestamp::from_unix(NOW + 60),
        jti: "j".into(),
        status: None,
    };
    let token = issuer.key.sign(&claims).expect("a token");
    let accepted = verify(&token, &issuer.keys(), &expectation(), Timestamp::from_unix(NOW)).expect("accepted");
    assert_eq!((accepted.subject.as_str(), accepted.client_id.as_str()), ("user_1", "client_1"));
    let decode = |part: &str| -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
    };
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(decode(parts[0]), json!({"typ": "at+jwt", "alg": "ES256", "kid": issuer.key.kid()}));
    let body = decode(parts[1]);
    assert!(body["aud"].is_string() && body["scope"].is_string() && body["exp"].is_i64());
    assert_eq!(body.as_object().map(|members| members.len()), Some(8));
}

#[test]
fn the_published_set_holds_public_members_only() {
    let published = serde_json::to_value(jwks([&Issuer::new().key])).expect("JSON");
    let key = published["keys"][0].as_object().expect("a key");
    let names: Vec<&str> = key.keys().map(String::as_str).collect();
    assert!(names.iter().all(|name| ["kty", "crv", "x", "y", "kid", "use", "alg"].contains(name)), "{names:?}");
    assert_eq!(key["use"], "sig");
    assert_eq!(key["alg"], "ES256");
}

#[test]
fn every_required_claim_must_be_there_with_its_type_and_value() {
    let issuer = Issuer::new();
    assert!(issuer.check(&claims()).is_ok());
    for name in ["iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti"] {
        let mut without = claims();
        without.as_object_mut().expect("an object").remove(name);
        assert!(issuer.check(&without).is_err(), "{name} absent");
        for wrong in [json!(null), json!(true), json!({}), json!([]), json!([1])] {
            assert!(issuer.check(&with(name, wrong.clone())).is_err(), "{name} = {wrong}");
        }
    }
    for name in ["sub", "client_id", "jti"] {
        assert_eq!(issuer.check(&with(name, json!(""))), Err(Refusal::MalformedClaims), "{name} empty");
    }
    for name in ["exp", "iat", "nbf"] {
        for wrong in [json!("1900000000"), json!(1.9e9), json!(9_223_372_036_854_775_808_u64), json!(null)] {
            assert_eq!(issuer.check(&with(name, wrong.clone())), Err(Refusal::MalformedClaims), "{name} = {wrong}");
        }
    }
}

#[test]
fn a_claim_given_twice_is_refused() {
    let issuer = Issuer::new();
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let twice = claims().to_string().replacen('{', "{\"sub\":\"admin\",", 1);
    let token = issuer.sign_raw(&format!("{}.{}", encode(&issuer.header().to_string()), encode(&twice)));
    assert_eq!(
        verify(&token, &issuer.keys(), &expectation(), Timestamp::from_unix(NOW)),
        Err(Refusal::MalformedClaims)
    );
}

/// Proves RFC 9068 §4: an expired token is refused.
#[test]
fn time_is_checked_with_the_leeway_and_not_a_second_more() {
    let issuer = Issuer::new();
    for (name, offset, expected) in [
        ("exp", -29, None),
        ("exp", -30, Some(Refusal::Expired)),
        ("exp", -NOW - 1, Some(Refusal::Expired)),
        ("nbf", 30, None),
        ("nbf", 31, Some(Refusal::NotYetValid)),
        ("iat", 30, None),
        ("iat", 31, Some(Refusal::NotYetValid)),
    ] {
        assert_eq!(issuer.check(&with(name, json!(NOW + offset))).err(), expected, "{name} {offset}");
    }
}

/// Proves RFC 9068 §4: issuer and audience are compared as strings.
#[test]
fn issuer_and_audience_are_whole_strings() {
    let issuer = Issuer::new();
    for wrong in ["https://h.example/", "https://H.example", "http://h.example", "https://h.example.evil.example", ""] {
        assert_eq!(issuer.check(&with("iss", json!(wrong))), Err(Refusal::WrongIssuer), "{wrong}");
    }
    for wrong in [
        "https://h.example",
        "https://h.example/",
        "https://h.example/mcp/",
        "https://h.example/mcp2",
        "https://h.example/mc",
        "https://h.example/MCP",
        "https://h.example:443/mcp",
        "https://h.example/other",
        "http://h.example/mcp",
        "https://evil.example/mcp",
        "",
    ] {
        assert_eq!(issuer.check(&with("aud", json!(wrong))), Err(Refusal::WrongAudience), "{wrong}");
        assert_eq!(issuer.check(&with("aud", json!([wrong]))), Err(Refusal::WrongAudience), "[{wrong}]");
    }
    assert!(issuer.check(&with("aud", json!(["https://other.example", "https://h.example/mcp"]))).is_ok());
}

/// Proves RFC 8725 §3.1: the algorithm is fixed by the key and never by the token.
#[test]
fn a_forged_header_never_gets_through() {
    let issuer = Issuer::new();
    let other = Issuer::new();
    let kid = issuer.key.kid();
    for (header, refusal) in [
        (json!({"alg": "ES256", "typ": "JWT", "kid": kid}), Refusal::NotAnAccessToken),
        (json!({"alg": "ES256", "kid": kid}), Refusal::NotAnAccessToken),
        (json!({"alg": "ES256", "typ": "at+jwt", "kid": kid, "crit": ["x"]}), Refusal::NotAnAccessToken),
        (json!({"alg": "ES256", "typ": "at+jwt"}), Refusal::Malformed),
        (json!({"alg": "none", "typ": "at+jwt", "kid": kid}), Refusal::BadSignature),
        (json!({"alg": "HS256", "typ": "at+jwt", "kid": kid}), Refusal::BadSignature),
        (json!({"alg": "RS256", "typ": "at+jwt", "kid": kid}), Refusal::BadSignature),
        (json!({"alg": "ES256", "typ": "at+jwt", "kid": "k".repeat(129)}), Refusal::Malformed),
        (json!({"alg": "ES256", "typ": "at+jwt", "kid": "other"}), Refusal::UnknownKey { kid: "other".into() }),
    ] {
        let token = issuer.token(&header, &claims());
        assert_eq!(verify(&token, &issuer.keys(), &expectation(), Timestamp::from_unix(NOW)), Err(refusal), "{header}");
    }
    let foreign_key =
        other.token(&json!({"alg": "ES256", "typ": "at+jwt", "kid": kid, "jwk": other.key.public_jwk()}), &claims());
    assert_eq!(
        verify(&foreign_key, &issuer.keys(), &expectation(), Timestamp::from_unix(NOW)),
        Err(Refusal::BadSignature)
    );
    let spelled = issuer.token(&json!({"alg": "ES256", "typ": "application/AT+jwt", "kid": kid}), &claims());
    assert!(verify(&spelled, &issuer.keys(), &expectation(), Timestamp::from_unix(NOW)).is_ok());
}

#[test]
fn garbage_is_malformed_and_every_altered_byte_is_noticed() {
    let issuer = Issuer::new();
    let good = issuer.token(&issuer.header(), &claims());
    let check = |token: &str| verify(token, &issuer.keys(), &expectation(), Timestamp::from_unix(NOW));
    let long = format!("{good}{}", "A".repeat(MAX_LENGTH));
    for garbage in ["", "x", "..", "a.b", "a.b.c", "a.b.c.d", "é.é.é", &".".repeat(5_000), long.as_str()] {
        assert_eq!(check(garbage), Err(Refusal::Malformed), "{garbage:.20}");
    }
    assert!(check(&good).is_ok());
    for i in 0..good.len() {
        let mut altered = good.clone().into_bytes();
        altered[i] = if altered[i] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).expect("ASCII");
        // The last character of a base64url segment may carry unused bits; a decoder that ignored them would accept it.
        assert!(check(&altered).is_err(), "byte {i}");
    }
    assert!(check(&format!("{good}=")).is_err());
    assert!(check(&good[..good.len() - 1]).is_err());
}

/// Proves RFC 8725 §2 as far as parsers go: what is not signed yet costs nothing, however deep it is.
#[test]
fn a_head_that_is_nested_as_deep_as_it_is_long_is_malformed() {
    let issuer = Issuer::new();
    for head in ["[".repeat(6_000), format!(r#"{{"alg":"ES256","x":{}"#, "[".repeat(5_900))] {
        let token = issuer.sign_raw(&format!("{}.e30", BASE64_URL_SAFE_NO_PAD.encode(head)));
        assert!(token.len() <= MAX_LENGTH, "it is read");
        let verified = verify(&token, &issuer.keys(), &expectation(), Timestamp::from_unix(NOW));
        assert_eq!(verified, Err(Refusal::Malformed));
    }
}

#[test]
fn keys_of_other_kinds_uses_or_sizes_are_left_out_of_a_set() {
    let issuer = Issuer::new();
    let good = serde_json::to_value(issuer.key.public_jwk()).expect("JSON");
    let change = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        key
    };
    let weak_rsa = json!({"kty": "RSA", "kid": "r", "n": BASE64_URL_SAFE_NO_PAD.encode([0xFFu8; 128]), "e": "AQAB"});
    let set = json!({"keys": [
        change("use", json!("enc")), change("alg", json!("RS256")), change("crv", json!("P-384")), change("kid", json!(null)),
        {"kty": "oct", "kid": "s", "k": "AAAA"}, {"kty": "OKP", "crv": "X25519", "kid": "x", "x": "AAAA"}, weak_rsa, {"kty": "unknown"}, 7,
    ]});
    assert!(VerifyingKeys::from_jwks(set.to_string().as_bytes()).expect("a set").is_empty());
    assert!(VerifyingKeys::from_jwks(b"[]").is_err());
    assert!(VerifyingKeys::from_jwks(b"{}").is_err());
    assert!(issuer.keys().knows(issuer.key.kid()));
}

/// RFC 7515 §5.2, RFC 8725 §3.1: with each kind of key, only its own algorithm counts.
#[test]
fn each_algorithm_signs_what_its_published_key_verifies_and_no_other_algorithm_passes() {
    let algorithms = [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa, SigningAlgorithm::Rs256];
    let keys = algorithms.map(|algorithm| {
        let pkcs8 = SigningKey::generate(algorithm).expect("a key");
        let key = SigningKey::from_pkcs8(algorithm, &pkcs8).expect("a key");
        assert_eq!(key.kid(), SigningKey::from_pkcs8(algorithm, &pkcs8).expect("the same").kid());
        assert_eq!(key.algorithm().as_str().parse::<SigningAlgorithm>().expect("known"), algorithm);
        for other in algorithms.into_iter().filter(|other| *other != algorithm) {
            assert!(SigningKey::from_pkcs8(other, &pkcs8).is_err(), "{algorithm} as {other}");
        }
        key
    });
    let set = serde_json::to_value(jwks(&keys)).expect("JSON");
    for key in set["keys"].as_array().expect("keys") {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{key}");
        }
    }
    let published = VerifyingKeys::from_jwks(set.to_string().as_bytes()).expect("a set");
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    for (key, algorithm) in keys.iter().zip(algorithms) {
        let token = key.sign_as(TYPE, &claims()).expect("a token");
        let (header, rest) = token.split_once('.').expect("segments");
        let decoded: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON");
        assert_eq!(decoded, json!({"typ": "at+jwt", "alg": algorithm.as_str(), "kid": key.kid()}));
        assert!(verify(&token, &published, &expectation(), Timestamp::from_unix(NOW)).is_ok(), "{algorithm}");
        for forged in ["none", "HS256", "ES256", "EdDSA", "RS256", "PS256"] {
            if forged != algorithm.as_str() {
                let header = encode(&json!({"typ": "at+jwt", "alg": forged, "kid": key.kid()}));
                let refused =
                    verify(&format!("{header}.{rest}"), &published, &expectation(), Timestamp::from_unix(NOW));
                assert_eq!(refused, Err(Refusal::BadSignature), "{algorithm} as {forged}");
            }
        }
        // The public key as the secret of an HMAC.
        let header = encode(&json!({"typ": "at+jwt", "alg": "HS256", "kid": key.kid()}));
        let message = format!("{header}.{}", encode(&claims()));
        let secret = EncodingKey::from_secret(serde_json::to_string(key.public_jwk()).expect("JSON").as_bytes());
        let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).expect("a MAC");
        let refused = verify(&format!("{message}.{mac}"), &published, &expectation(), Timestamp::from_unix(NOW));
        assert_eq!(refused, Err(Refusal::BadSignature));
    }
}
