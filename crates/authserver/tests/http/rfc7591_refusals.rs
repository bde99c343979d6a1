//! What may not be registered: RFC 7591 §3.2.2 and §5.

use reqwest::Method;
use serde_json::json;

use crate::rfc7591_registration::register;
use crate::support::{Answer, Database, Server, on_both_databases};

on_both_databases! {
    no_dangerous_redirect_uri_is_registered,
    no_other_member_may_hold_a_dangerous_uri,
    deceptive_names_are_refused,
    metadata_that_could_never_work_is_refused,
    a_body_that_is_no_registration_is_refused,
    nothing_is_stored_by_a_refused_registration,
}

/// Proves RFC 7591 §5: no dangerous redirect URI is registered.
async fn no_dangerous_redirect_uri_is_registered(database: &Database) {
    let server = Server::start(database).await;
    let too_long = format!("https://client.example/{}", "a".repeat(2048));
    let mut refused: Vec<String> = [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "\u{1}javascript:alert(1)",
        "javascript://client.example/%0aalert(1)",
        "data:text/html,x",
        "DATA:text/html,x",
        "file:///etc/passwd",
        "blob:https://x.example/1",
        "vbscript:x",
        "view-source:https://x.example/",
        "about:blank",
        "ws://x.example/",
        "wss://x.example/",
        "ftp://x.example/",
        "mailto:a@b.example",
        "myapp:/cb",
        "http://client.example/cb",
        "http://192.168.0.1/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1@evil.example/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "http://0.0.0.0/cb",
        "https://client.example/cb#x",
        "https://client.example/cb#",
        "https://user@client.example/cb",
        "https://user:pw@client.example/cb",
        "https://client.example/a/../cb",
        "https://client.example/%2e%2e/cb",
        "https://client.example/./cb",
        "https://*.example/cb#",
        "https://CLIENT.example/cb",
        "https://client.example:443/cb",
        "https://client.example\\cb",
        "https:client.example",
        "https://",
        "//client.example/cb",
        "/cb",
        "cb",
        "",
        " ",
        "https://client.example/c b",
        "https://client.example/cb\n",
        "http://127.0.0.1:0/cb",
        "https://client.example/cb?code=x",
        "https://client.example/cb?st%61te=x",
        "https://client.example/cb?a=b&iss=x",
        "https://client.example/cb?error=x",
        "https://client.example/cb?error_description",
        "https://client.example/\u{0}",
    ]
    .map(str::to_owned)
    .into();
    refused.push(too_long);
    for uri in refused {
        let answer = register(&server, &json!({ "redirect_uris": [uri] })).await;
        answer.assert_refused(400, "invalid_redirect_uri", &uri);
    }
    for none in [json!({}), json!({ "redirect_uris": [] }), json!({ "redirect_uris": null })] {
        register(&server, &none).await.assert_refused(400, "invalid_redirect_uri", "none at all");
    }
    let many = |number: usize| json!({ "redirect_uris": (0..number).map(|n| format!("https://client.example/{n}")).collect::<Vec<_>>() });
    assert_eq!(register(&server, &many(10)).await.status, 201);
    register(&server, &many(11)).await.assert_refused(400, "invalid_redirect_uri", "eleven");
    assert_eq!(database.count("clients"), 1);
}

/// Proves RFC 7591 §5: no dangerous URI is kept for pages.
async fn no_other_member_may_hold_a_dangerous_uri(database: &Database) {
    let server = Server::start(database).await;
    for member in ["client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"] {
        for uri in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            " https://x.example/",
            "https://x.example/\u{0}",
            "https://x\n.example/",
            "data:image/svg+xml,x",
            "file:///etc/passwd",
            "blob:https://x.example/1",
            "vbscript:x",
            "view-source:https://x.example/",
            "http://x.example/",
            "x",
            "//x.example/",
        ] {
            let body = json!({ "redirect_uris": ["https://client.example/cb"], member: uri });
            register(&server, &body).await.assert_refused(400, "invalid_client_metadata", &format!("{member} {uri:?}"));
        }
    }
}

async fn deceptive_names_are_refused(database: &Database) {
    let server = Server::start(database).await;
    let named = |name: &str| json!({ "redirect_uris": ["https://client.example/cb"], "client_name": name });
    for name in [
        "Claude\u{202e}edoC",
        "Cla\u{200b}ude",
        "Claude\u{0}",
        "Claude\r\nCode",
        "\u{1b}[31mClaude",
        "Claude\u{2066}",
        "Claude\u{feff}",
        "Cl\u{ad}aude",
        "Claude\u{2028}Code",
        "\u{7f}Claude",
        &"x".repeat(81),
    ] {
        register(&server, &named(name)).await.assert_refused(400, "invalid_client_metadata", &format!("{name:?}"));
    }
    for name in
        ["Claude Code (acme)", "\u{30af}\u{30e9}\u{30a4}", "Zo\u{eb}'s \"client\" & <b>", &"\u{1F511}".repeat(80)]
    {
        assert_eq!(register(&server, &named(name)).await.member("client_name"), name);
    }
}

/// Proves RFC 7591 §3.2.2: inconsistent metadata is refused with its error.
async fn metadata_that_could_never_work_is_refused(database: &Database) {
    let server = Server::start(database).await;
    for (member, value) in [
        ("grant_types", json!(["client_credentials"])),
        ("grant_types", json!(["refresh_token"])),
        ("grant_types", json!(["implicit"])),
        ("response_types", json!(["token"])),
        ("response_types", json!(["id_token token"])),
        ("grant_types", json!("authorization_code")),
        ("redirect_uris", json!("https://client.example/cb")),
        ("redirect_uris", json!([1])),
        ("redirect_uris", json!({ "0": "https://client.example/cb" })),
        ("client_name", json!(["x"])),
        ("client_uri", json!(true)),
        ("contacts", json!("x")),
        ("token_endpoint_auth_method", json!(0)),
        ("token_endpoint_auth_method", json!("NONE")),
    ] {
        let mut body = json!({ "redirect_uris": ["https://client.example/cb"] });
        body[member] = value;
        register(&server, &body).await.assert_refused(400, "invalid_client_metadata", &body.to_string());
    }
    let keys_twice = json!({ "redirect_uris": ["https://client.example/cb"], "jwks": {"keys": []}, "jwks_uri": "https://client.example/k" });
    register(&server, &keys_twice).await.assert_refused(400, "invalid_client_metadata", "RFC 7591 section 2");
}

/// Proves RFC 7591 §3.1: a registration is a JSON object.
async fn a_body_that_is_no_registration_is_refused(database: &Database) {
    let server = Server::start(database).await;
    let good = json!({ "redirect_uris": ["https://client.example/cb"] }).to_string();
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(8_000), "]".repeat(8_000 - 10));
    let twice = r#"{"redirect_uris": ["https://client.example/cb"], "redirect_uris": ["https://evil.example/"]}"#;
    for body in [
        "",
        " ",
        "{",
        "}",
        "null",
        "true",
        "1",
        "\"x\"",
        "[]",
        "[{}]",
        "{}}",
        "{\"redirect_uris\"}",
        "{'redirect_uris': []}",
        "<xml/>",
        "redirect_uris=x",
        "\u{feff}{}",
        "{\"redirect_uris\": [\"\\ud800\"]}",
        "NaN",
        "{\"a\": 1e999999}",
        twice,
        &deep,
    ] {
        let answer = server.post_bytes("/register", "application/json", body.to_owned()).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(["invalid_client_metadata", "invalid_redirect_uri"].contains(&answer.error().as_str()), "{answer:?}");
        assert!(!answer.body.contains("evil.example"), "{answer:?}");
    }
    for bytes in [
        b"\xff\xfe{}".to_vec(),
        b"{\"client_name\": \"\xff\"}".to_vec(),
        good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ] {
        let answer = server.post_bytes("/register", "application/json", bytes).await;
        answer.assert_refused(400, "invalid_client_metadata", "not UTF-8");
    }
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/jwt",
        "multipart/form-data",
    ] {
        let answer = server.post_bytes("/register", content_type, good.clone()).await;
        answer.assert_refused(400, "invalid_client_metadata", content_type);
    }
    for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(server.post_bytes("/register", content_type, good.clone()).await.status, 201, "{content_type}");
    }
    let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    assert_eq!(server.post_bytes("/register", "application/json", padded(16 * 1024)).await.status, 201);
    let answer = server.post_bytes("/register", "application/json", padded(16 * 1024 + 1)).await;
    answer.assert_refused(400, "invalid_client_metadata", "too large");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = Answer::of(server.request(method.clone(), "/register")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
}

async fn nothing_is_stored_by_a_refused_registration(database: &Database) {
    let server = Server::start(database).await;
    register(&server, &json!({ "redirect_uris": ["javascript:x"] })).await.assert_refused(
        400,
        "invalid_redirect_uri",
        "no",
    );
    register(&server, &json!({})).await.assert_refused(400, "invalid_redirect_uri", "no");
    assert_eq!(database.count("clients"), 0);
}
