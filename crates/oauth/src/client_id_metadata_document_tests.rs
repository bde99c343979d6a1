//! Near misses: only the exact one passes.

use serde_json::json;

use super::*;
use crate::client::GrantType;

const URL: &str = "https://app.example/oauth/client.json";

fn parse(url: &str) -> Result<DocumentUrl, OAuthError> {
    DocumentUrl::parse(&ClientId::new(url))
}

fn read(document: &str) -> Result<Client, OAuthError> {
    parse(URL).expect("a good URL").client(document.as_bytes(), Timestamp::from_unix(7))
}

fn good() -> Value {
    json!({"client_id": URL, "client_name": "App", "redirect_uris": ["https://app.example/cb"], "grant_types": ["authorization_code", "refresh_token"]})
}

/// The good document with one member changed; `null` takes it out.
fn with(name: &str, value: Value) -> String {
    let mut document = good();
    match value {
        Value::Null => drop(document.as_object_mut().expect("an object").remove(name)),
        value => document[name] = value,
    }
    document.to_string()
}

#[test]
fn urls_of_real_documents_are_taken() {
    for (url, host) in [
        ("https://claude.ai/oauth/mcp-oauth-client-metadata", "claude.ai"),
        ("https://chatgpt.com/oauth/codex/aBc_-9/client.json", "chatgpt.com"),
        ("https://a.example/x", "a.example"),
        ("https://a.example//", "a.example"),
        ("https://a.example/x/", "a.example"),
        ("https://a.example/...", "a.example"),
        ("https://a.example/.well-known/client", "a.example"),
        ("https://a.example/%7Euser", "a.example"),
        ("https://a.example:443/x", "a.example"),
        ("https://a.example:8443/x", "a.example"),
        ("https://xn--bcher-kva.example/x", "xn--bcher-kva.example"),
        ("https://[2606:4700::1111]/x", "[2606:4700::1111]"),
    ] {
        assert_eq!(parse(url).expect(url).host(), host);
    }
    assert!(parse(&format!("https://a.example/{}", "a".repeat(2048 - 18))).is_ok());
}

#[test]
fn no_url_passes_that_could_mean_something_else() {
    let too_long = format!("https://a.example/{}", "a".repeat(2048 - 17));
    for url in [
        "",
        "client_1",
        "https",
        "https:",
        "https:/",
        "https://",
        "https:///x",
        "http://a.example/x",
        "HTTPS://a.example/x",
        "Https://a.example/x",
        "https:a.example/x",
        "https:/a.example/x",
        "//a.example/x",
        " https://a.example/x",
        "https://a.example/x ",
        "https://a.example/x\n",
        "https://a.\texample/x",
        "https://a.example",
        "https://a.example/",
        "https://a.example:443",
        "https://a.example/x#",
        "https://a.example/x#y",
        "https://a.example/x?",
        "https://a.example/x?y=1",
        "https://a.example?x",
        "https://u@a.example/x",
        "https://u:p@a.example/x",
        "https://@a.example/x",
        "https://a.example/.",
        "https://a.example/..",
        "https://a.example/./x",
        "https://a.example/../x",
        "https://a.example/x/.",
        "https://a.example/x/..",
        "https://a.example/x/../y",
        "https://a.example/x/%2e",
        "https://a.example/%2E/x",
        "https://a.example/x/%2e%2e/y",
        "https://a.example/x/.%2e/y",
        "https://a.example/x/%2E./y",
        "https://a.example/x%2fy",
        "https://a.example/x%5Cy",
        "https://a.example/x\\y",
        "https://a.example\\x/y",
        "https://a.example/%",
        "https://a.example/%2",
        "https://a.example/%zz",
        "https://a.example/%00",
        "https://a.example/x\0",
        "https://A.example/x",
        "https://a.example./x",
        "https://./x",
        "https://a.example:/x",
        "https://a.example:0/x",
        "https://a.example:0443/x",
        "https://a.example:65536/x",
        "https://a.example:x/y",
        "https://b\u{fc}cher.example/x",
        "https://a.example/\u{e9}",
        "https://127.1/x",
        "https://0x7f000001/x",
        "https://2130706433/x",
        "https://%61.example/x",
        "https://a.example/<x>",
        "https://a.example/\"",
        "https://a.example/{x}",
        "https://a.example/x|y",
        "https://a.example/x^y",
        "https://a.example/`",
        "https://[::1/x",
        "https://[::ffff:1.2.3.4]/x",
        "https://a b.example/x",
        &too_long,
    ] {
        assert!(parse(url).is_err(), "{url}");
    }
}

#[test]
fn a_document_describes_a_public_client() {
    let client = read(&good().to_string()).expect("good");
    assert_eq!((client.id.as_str(), client.registration), (URL, Registration::MetadataDocument));
    assert_eq!(
        (client.name.as_deref(), client.redirect_uris.as_slice()),
        (Some("App"), &["https://app.example/cb".to_owned()][..])
    );
    assert_eq!(client.auth_methods, [TokenEndpointAuthMethod::None]);
    assert_eq!((client.secret, client.keys, client.scope, client.resources), (None, None, None, None));
    assert!(!client.may_introspect);
}

#[test]
fn what_real_documents_hold_besides_is_ignored() {
    let mut document = good();
    for (name, value) in [
        ("grant_types", json!(["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"])),
        ("response_types", json!(["code", "token"])),
        ("application_type", json!("native")),
        ("token_endpoint_auth_signing_alg", json!("RS256")),
        ("unknown", json!({"deeply": [{"nested": [1, 2, null]}]})),
        ("client_secret_basic", json!("not a secret, only a name like one")),
        ("logo_uri", json!("https://app.example/logo.png")),
        ("tos_uri", Value::Null),
        ("scope", json!("openid")),
        ("contacts", json!(["a@app.example"])),
    ] {
        document[name] = value;
    }
    let client = read(&document.to_string()).expect("good");
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    let client = read(&with("grant_types", Value::Null)).expect("good");
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode]);
}

#[test]
fn no_near_miss_of_a_document_passes() {
    let jwk = |member: &str| json!({"keys": [{"kty": "EC"}, {"kty": "EC", member: "x"}]});
    let many: Vec<String> = (0..11).map(|i| format!("https://app.example/{i}")).collect();
    for (name, value) in [
        ("client_id", Value::Null),
        ("client_id", json!("")),
        ("client_id", json!(1)),
        ("client_id", json!([URL])),
        ("client_id", json!(format!("{URL}/"))),
        ("client_id", json!(format!("{URL} "))),
        ("client_id", json!(format!("{URL}#"))),
        ("client_id", json!("https://app.example:443/oauth/client.json")),
        ("client_id", json!("https://APP.example/oauth/client.json")),
        ("client_id", json!("https://app.example/oauth/./client.json")),
        ("client_id", json!("https://app.example/oauth/client%2ejson")),
        ("client_id", json!("http://app.example/oauth/client.json")),
        ("client_name", Value::Null),
        ("client_name", json!("")),
        ("client_name", json!("   ")),
        ("client_name", json!({"en": "App"})),
        ("client_name", json!("a\u{202e}b")),
        ("client_name", json!("a\nb")),
        ("client_name", json!("a\u{200b}b")),
        ("client_name", json!("a".repeat(81))),
        ("redirect_uris", Value::Null),
        ("redirect_uris", json!([])),
        ("redirect_uris", json!("https://app.example/cb")),
        ("redirect_uris", json!([1])),
        ("redirect_uris", json!([null])),
        ("redirect_uris", json!(["javascript:alert(1)"])),
        ("redirect_uris", json!(["http://app.example/cb"])),
        ("redirect_uris", json!(["https://app.example/cb#x"])),
        ("redirect_uris", json!(["https://app.example/cb?code=x"])),
        ("redirect_uris", json!(["https://app.example/../cb"])),
        ("redirect_uris", json!(many)),
        ("client_secret", json!("s")),
        ("client_secret", json!("")),
        ("client_secret_expires_at", json!(0)),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("token_endpoint_auth_method", json!("")),
        ("token_endpoint_auth_method", json!(["none"])),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_methods_supported", json!(["client_secret_basic"])),
        ("token_endpoint_auth_methods_supported", json!("none")),
        ("token_endpoint_auth_methods_supported", json!(["none", "private_key_jwt"])),
        ("jwks", json!({})),
        ("jwks", json!({"keys": {}})),
        ("jwks", json!({"keys": ["x"]})),
        ("jwks", jwk("d")),
        ("jwks", jwk("p")),
        ("jwks", jwk("q")),
        ("jwks", jwk("dp")),
        ("jwks", jwk("dq")),
        ("jwks", jwk("qi")),
        ("jwks", jwk("k")),
        ("jwks_uri", json!("http://app.example/jwks")),
        ("logo_uri", json!("http://app.example/logo.png")),
        ("logo_uri", json!("data:image/png;base64,AAAA")),
        ("client_uri", json!("javascript:alert(1)")),
        ("policy_uri", json!("https://app\n.example/policy")),
        ("tos_uri", json!("//app.example/tos")),
        ("grant_types", json!(["client_credentials"])),
        ("grant_types", json!("authorization_code")),
        ("response_types", json!(["token"])),
    ] {
        let error = read(&with(name, value.clone())).expect_err(name);
        assert!(error.description.len() < 200, "{name} {value}: {error}");
    }
    let good = good().to_string();
    for document in [
        "",
        "null",
        "[]",
        "\"\"",
        &format!("[{good}]"),
        &format!("{good}{good}"),
        &good.replacen('{', "{\"client_id\":\"x\",", 1),
        &good.replacen('{', "{\"client_name\":\"App\",", 1),
        &good.replacen('{', "{\"x\":{\"y\":1,\"y\":2},", 1),
        &good[1..],
        &format!("\u{feff}{good}"),
        &good.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(17), "]".repeat(17)), 1),
    ] {
        assert!(read(document).is_err(), "{document}");
    }
}

#[test]
fn the_methods_are_those_that_both_sides_can() {
    use TokenEndpointAuthMethod::{None as Public, PrivateKeyJwt};
    let methods = |own: Value, several: Value| {
        let mut document = good();
        document["jwks_uri"] = json!("https://app.example/jwks.json");
        document["token_endpoint_auth_method"] = own;
        document["token_endpoint_auth_methods_supported"] = several;
        read(&document.to_string()).map(|client| client.auth_methods)
    };
    for (own, several, expected) in [
        (Value::Null, Value::Null, Some(vec![Public])),
        (Value::Null, json!([]), Some(vec![Public])),
        (json!("none"), Value::Null, Some(vec![Public])),
        (json!("private_key_jwt"), Value::Null, Some(vec![PrivateKeyJwt])),
        (json!("private_key_jwt"), json!(["none", "private_key_jwt"]), Some(vec![PrivateKeyJwt, Public])),
        (json!("none"), json!(["private_key_jwt"]), Some(vec![Public, PrivateKeyJwt])),
        (Value::Null, json!(["private_key_jwt"]), Some(vec![PrivateKeyJwt])),
        (json!("tls_client_auth"), json!(["none"]), Some(vec![Public])),
        (Value::Null, json!(["client_secret_basic", "none", "none"]), Some(vec![Public])),
        (Value::Null, json!(["client_secret_basic"]), None),
        (json!("client_secret_basic"), json!(["none"]), None),
    ] {
        assert_eq!(methods(own.clone(), several.clone()).ok(), expected, "{own} {several}");
    }
}

#[test]
fn keys_are_in_one_place() {
    let key = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]});
    let useless = json!({"keys": [{"kty": "EC", "crv": "P-521", "x": "a", "y": "b"}]});
    assert_eq!(read(&with("jwks", useless)).expect("good").keys, None);
    let client = read(&with("jwks", key.clone())).expect("good");
    assert!(
        matches!(client.keys, Some(ClientKeys::Inline(set)) if serde_json::from_str::<Value>(&set).expect("JSON") == key)
    );
    let client = read(&with("jwks_uri", json!("https://app.example/jwks"))).expect("good");
    assert_eq!(client.keys, Some(ClientKeys::Uri("https://app.example/jwks".into())));
    let mut both = good();
    both["jwks"] = key;
    both["jwks_uri"] = json!("https://app.example/jwks");
    assert!(read(&both.to_string()).is_err());
}
