//! Every way an assertion can be wrong (RFC 7523 §3, RFC 8725).

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

use super::*;
use crate::error::Code;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://as.example";

enum Key {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    fn ec() -> Self {
        Key::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn rsa(encoding: &'static dyn RsaEncoding) -> Self {
        Key::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"), encoding)
    }

    fn jwk(&self, kid: &str) -> Value {
        match self {
            Key::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": encode(&point[1..33]), "y": encode(&point[33..])})
            }
            Key::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(pair.public_key())}),
            Key::Rsa(pair, _) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let [n, e] = [n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero()].map(encode);
                json!({"kty": "RSA", "kid": kid, "n": n, "e": e})
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Key::Ec(pair) => pair.sign(&random, message).expect("a signature").as_ref().to_vec(),
            Key::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Key::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).expect("a signature");
                signature
            }
        }
    }

    fn assertion(&self, header: &Value, claims: &str) -> String {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims));
        format!("{message}.{}", encode(self.sign(message.as_bytes())))
    }
}

fn claims() -> Value {
    json!({"iss": "c", "sub": "c", "aud": ISSUER, "exp": NOW + 300, "iat": NOW, "jti": "1"})
}

fn changed(member: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[member] = value;
    claims
}

fn set(keys: &[Value]) -> ClientKeySet {
    ClientKeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).expect("keys")
}

fn check(keys: &ClientKeySet, assertion: &str) -> Result<UsedAssertion, OAuthError> {
    check_at(keys, assertion, NOW)
}

fn check_at(keys: &ClientKeySet, assertion: &str, now: i64) -> Result<UsedAssertion, OAuthError> {
    let audiences = [ISSUER.to_owned(), format!("{ISSUER}/")];
    let rules = AssertionRules { keys: Some(keys), audiences: &audiences, now: Timestamp::from_unix(now) };
    ClientAssertion::parse(assertion)?.verify(&ClientId::new("c"), &rules)
}

#[track_caller]
fn assert_refused(outcome: Result<UsedAssertion, OAuthError>, why: &str) {
    let refusal = outcome.expect_err(why);
    assert_eq!((refusal.code, refusal.description.as_str()), (Code::InvalidClient, "client authentication failed"));
}

#[test]
fn every_algorithm_of_the_list_proves_a_client_with_and_without_the_name_of_the_key() {
    let ed = Key::Ed(Ed25519KeyPair::generate().expect("a key"));
    let keys = [Key::ec(), Key::rsa(&RSA_PKCS1_SHA256), Key::rsa(&RSA_PSS_SHA256), ed];
    let names = ["ES256", "RS256", "PS256", "EdDSA"];
    let all = set(&keys.iter().zip(names).map(|(key, name)| key.jwk(name)).collect::<Vec<_>>());
    for (key, alg) in keys.iter().zip(names) {
        for header in [json!({"alg": alg}), json!({"alg": alg, "kid": alg, "typ": "client-authentication+jwt"})] {
            assert!(check(&all, &key.assertion(&header, &claims().to_string())).is_ok(), "{header}");
        }
        for other in names.into_iter().filter(|other| *other != alg) {
            for header in [json!({"alg": other}), json!({"alg": alg, "kid": other})] {
                assert_refused(check(&all, &key.assertion(&header, &claims().to_string())), &header.to_string());
            }
        }
    }
}

#[test]
fn each_claim_is_required_and_exact() {
    let key = Key::ec();
    let keys = set(&[key.jwk("k")]);
    let sign = |claims: &Value| key.assertion(&json!({"alg": "ES256", "kid": "k"}), &claims.to_string());
    assert!(check(&keys, &sign(&claims())).is_ok());
    for member in ["iss", "sub", "aud", "exp", "jti"] {
        let mut without = claims();
        without.as_object_mut().expect("an object").remove(member);
        assert_refused(check(&keys, &sign(&without)), member);
        for value in [json!(""), json!([]), json!({}), json!(null), json!(true), json!(["c", "d"]), json!("d")] {
            if (member, value.as_str()) == ("jti", Some("d")) {
                continue;
            }
            let wrong = changed(member, value);
            assert_refused(check(&keys, &sign(&wrong)), &wrong.to_string());
        }
    }
    for (member, value) in [
        ("iss", json!("C")),
        ("sub", json!("c ")),
        ("exp", json!(NOW.to_string())),
        ("exp", json!(NOW - 60)),
        ("exp", json!(NOW + 661)),
        ("exp", json!(1e300)),
        ("exp", json!(-1e300)),
        ("nbf", json!(NOW + 61)),
        ("nbf", json!(null)),
        ("nbf", json!("now")),
        ("iat", json!(NOW + 61)),
        ("iat", json!(null)),
        ("jti", json!("x".repeat(257))),
        ("jti", json!(1)),
    ] {
        let wrong = changed(member, value);
        assert_refused(check(&keys, &sign(&wrong)), &wrong.to_string());
    }
    for (member, value) in [
        ("exp", json!(NOW - 59)),
        ("exp", json!(NOW + 660)),
        ("exp", json!(NOW as f64 + 299.5)),
        ("nbf", json!(NOW + 60)),
        ("iat", json!(NOW - 86_400)),
        ("jti", json!("x".repeat(256))),
        ("unknown", json!([1])),
    ] {
        let right = changed(member, value);
        assert!(check(&keys, &sign(&right)).is_ok(), "{right}");
    }
    let doubled = claims().to_string().replacen('{', "{\"aud\":\"https://other.example\",", 1);
    assert_refused(check(&keys, &key.assertion(&json!({"alg": "ES256"}), &doubled)), "aud is there twice");
}

#[test]
fn the_audience_is_one_accepted_value_alone() {
    let key = Key::ec();
    let keys = set(&[key.jwk("k")]);
    let sign = |aud: Value| key.assertion(&json!({"alg": "ES256"}), &changed("aud", aud).to_string());
    for right in [json!(ISSUER), json!([ISSUER]), json!(format!("{ISSUER}/")), json!([format!("{ISSUER}/")])] {
        assert!(check(&keys, &sign(right.clone())).is_ok(), "{right}");
    }
    for wrong in [
        json!(format!("{ISSUER}//")),
        json!(format!("{ISSUER}/token")),
        json!("https://AS.example"),
        json!("http://as.example"),
        json!("https://as.example.evil.example"),
        json!([ISSUER, ISSUER]),
        json!([ISSUER, "https://other.example"]),
        json!(["https://other.example", ISSUER]),
        json!([[ISSUER]]),
        json!({ "0": ISSUER }),
    ] {
        assert_refused(check(&keys, &sign(wrong.clone())), &wrong.to_string());
    }
}

#[test]
fn endpoints_are_audiences_for_lenient_servers_and_by_default_for_clients_that_nobody_configured() {
    let endpoint = "https://as.example/revoke";
    for (rule, registration, lenient) in [
        (AssertionAudience::Auto, Registration::Configured, false),
        (AssertionAudience::Auto, Registration::MetadataDocument, true),
        (AssertionAudience::Auto, Registration::Dynamic, true),
        (AssertionAudience::Strict, Registration::MetadataDocument, false),
        (AssertionAudience::Strict, Registration::Dynamic, false),
        (AssertionAudience::Lenient, Registration::Configured, true),
    ] {
        let accepted = rule.accepted(registration, ISSUER, endpoint);
        let issuer = ["https://as.example", "https://as.example/"];
        assert_eq!(accepted[..2], issuer, "{rule:?}");
        let endpoints: &[&str] = if lenient { &["https://as.example/token", endpoint] } else { &[] };
        assert_eq!(accepted[2..], *endpoints, "{rule:?} {registration:?}");
    }
}

#[test]
fn no_other_algorithm_key_or_shape_is_taken() {
    let (key, other) = (Key::ec(), Key::ec());
    let keys = set(&[key.jwk("k")]);
    let claims = claims().to_string();
    let good = key.assertion(&json!({"alg": "ES256", "kid": "k"}), &claims);
    assert_refused(check(&keys, &other.assertion(&json!({"alg": "ES256", "kid": "k"}), &claims)), "another key");
    assert_refused(check(&keys, &key.assertion(&json!({"alg": "ES256", "kid": "x"}), &claims)), "an unknown kid");
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "None"}),
        json!({"alg": ""}),
        json!({"alg": "es256"}),
        json!({"alg": "ES384"}),
        json!({"alg": ["ES256"]}),
        json!({"kid": "k"}),
        json!({"alg": "ES256", "kid": 1}),
        json!({"alg": "ES256", "crit": ["exp"], "exp": 1}),
        json!({"alg": "ES256", "crit": ["b64"], "b64": false}),
        json!({"alg": "ES256", "kid": "x", "jwk": key.jwk("x")}),
    ] {
        assert_refused(check(&keys, &key.assertion(&header, &claims)), &header.to_string());
    }
    // The public key as the secret of an HMAC.
    let jwk = key.jwk("k").to_string();
    for secret in [jwk.as_bytes(), &BASE64_URL_SAFE_NO_PAD.decode(key.jwk("k")["x"].as_str().expect("x")).expect("x")] {
        let message = format!("{}.{}", encode(json!({"alg": "HS256", "kid": "k"}).to_string()), encode(&claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        assert_refused(check(&keys, &format!("{message}.{}", encode(tag))), "HS256");
    }
    let parts: Vec<&str> = good.split('.').collect();
    for bad in [
        String::new(),
        "..".into(),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}.x"),
        format!("{good}=="),
        format!(" {good}"),
        format!("{}.{}.{}", parts[0], encode("{}"), parts[2]),
        format!("{}.{}.{}", parts[0], encode(claims.replace("\"1\"", "\"2\"")), parts[2]),
        key.assertion(&json!({"alg": "ES256"}), "[]"),
        key.assertion(&json!({"alg": "ES256"}), "\"c\""),
        key.assertion(&json!({"alg": "ES256", "x": "x".repeat(MAX_LENGTH)}), &claims),
    ] {
        assert_refused(check(&keys, &bad), &bad);
    }
}

#[test]
fn an_assertion_is_remembered_by_client_and_jti_as_long_as_any_server_could_take_it() {
    let key = Key::ec();
    let keys = set(&[key.jwk("k")]);
    let sign = |claims: &Value| key.assertion(&json!({"alg": "ES256"}), &claims.to_string());
    let first = check(&keys, &sign(&claims())).expect("accepted");
    let again = check_at(&keys, &sign(&changed("exp", json!(NOW + 200))), NOW + 10).expect("accepted");
    assert_eq!(first.hash, again.hash, "another signature, the same jti");
    assert_ne!(first.hash, check(&keys, &sign(&changed("jti", json!("2")))).expect("accepted").hash);
    assert_eq!(first.expires_at, Timestamp::from_unix(NOW + 300 + 120));
    assert!(check_at(&keys, &sign(&claims()), first.expires_at.as_unix() - 60).is_err());
    let rules = AssertionRules { keys: None, audiences: &[ISSUER.into()], now: Timestamp::from_unix(NOW) };
    let assertion = ClientAssertion::parse(&sign(&claims())).expect("readable");
    assert_refused(assertion.verify(&ClientId::new("c"), &rules), "a client without keys");
    assert_eq!(format!("{assertion:?}"), "ClientAssertion(***)");
}
