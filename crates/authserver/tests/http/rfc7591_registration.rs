//! Dynamic client registration: RFC 7591 §2 and §3. The bodies of real clients first, then what may not be registered.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Database, McpClient, Server, Settings, Tokens, on_both_databases};

on_both_databases! {
    what_real_clients_send_is_registered_and_given_back,
    a_client_that_was_just_registered_gets_tokens,
    a_secret_is_given_to_whoever_asks_for_one_and_can_keep_it,
    redirect_uris_that_may_not_be_registered_are_dropped_while_one_remains,
    no_dangerous_redirect_uri_is_registered,
    no_other_member_may_hold_a_dangerous_uri,
    deceptive_names_are_refused,
    metadata_that_could_never_work_is_refused,
    a_body_that_is_no_registration_is_refused,
    nothing_is_stored_by_a_refused_registration,
    identifiers_cannot_be_guessed_and_each_registration_is_a_client_of_its_own,
    pages_of_other_origins_may_register,
    registration_that_is_off_is_not_there,
}

async fn register(server: &Server, body: &Value) -> Answer {
    server.post_bytes("/register", "application/json", body.to_string()).await
}

/// What each client sends, as measured or as read in its source.
fn real_clients() -> Vec<(&'static str, Value)> {
    let both = json!(["authorization_code", "refresh_token"]);
    vec![
        (
            "Claude",
            json!({"client_name": "Claude", "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"], "grant_types": both,
                "response_types": ["code"], "token_endpoint_auth_method": "none", "scope": "mcp:use"}),
        ),
        (
            "Claude Code",
            json!({"client_name": "Claude Code (acme)", "redirect_uris": ["http://localhost:51423/callback"], "grant_types": both,
                "response_types": ["code"], "token_endpoint_auth_method": "none", "scope": "mcp:use", "application_type": "native"}),
        ),
        (
            "Cursor",
            json!({"client_name": "Cursor", "grant_types": both, "response_types": ["code"], "token_endpoint_auth_method": "none",
                "redirect_uris": ["http://localhost:8787/callback", "https://www.cursor.com/agents/mcp/oauth/callback",
                    "cursor://anysphere.cursor-mcp/oauth/callback"]}),
        ),
        (
            "VS Code",
            json!({"client_name": "Visual Studio Code", "client_uri": "https://code.visualstudio.com", "application_type": "native",
                "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
                "response_types": ["code"], "token_endpoint_auth_method": "none",
                "redirect_uris": ["https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect", "http://127.0.0.1/",
                    "http://127.0.0.1:33418/"]}),
        ),
        (
            "Gemini CLI",
            json!({"client_name": "Gemini CLI MCP Client", "redirect_uris": ["http://localhost:7777/oauth/callback"],
                "grant_types": both, "response_types": ["code"], "token_endpoint_auth_method": "none", "scope": ""}),
        ),
        (
            "Codex",
            json!({"client_name": "Codex", "redirect_uris": ["http://127.0.0.1:39211/callback"], "grant_types": both,
                "response_types": ["code"], "token_endpoint_auth_method": "none", "scope": "mcp:use", "application_type": "native"}),
        ),
        (
            "the Python SDK",
            json!({"client_name": "simple-auth-client", "redirect_uris": ["http://localhost:3030/callback"], "grant_types": both,
                "response_types": ["code"], "client_uri": null, "logo_uri": null, "contacts": null, "jwks": null, "scope": null}),
        ),
        (
            "FastMCP",
            json!({"client_name": "FastMCP Client", "redirect_uris": ["http://localhost:40404/callback"], "grant_types": both,
                "response_types": ["code"], "application_type": "native"}),
        ),
        (
            "the C# SDK",
            json!({"client_name": "MyMcpClient", "redirect_uris": ["http://localhost:1179/callback"], "grant_types": both,
                "response_types": ["code"], "token_endpoint_auth_method": "client_secret_post", "client_uri": "https://github.com/x"}),
        ),
        (
            "LibreChat",
            json!({"client_name": "LibreChat MCP Client", "redirect_uris": ["https://chat.example/api/mcp/acme/oauth/callback"],
                "grant_types": both, "response_types": ["code"], "token_endpoint_auth_method": "client_secret_basic",
                "logo_uri": "https://chat.example/logo.png", "scope": "mcp:use"}),
        ),
        (
            "mcp-remote",
            json!({"client_name": "MCP CLI Proxy", "redirect_uris": ["http://localhost:3334/oauth/callback"], "grant_types": both,
                "response_types": ["code"], "token_endpoint_auth_method": "none", "application_type": "native",
                "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d", "software_version": "0.15.1",
                "client_uri": "https://github.com/modelcontextprotocol/mcp-cli"}),
        ),
        (
            "Amazon Q",
            json!({"client_name": "Q DEV CLI", "redirect_uris": ["http://127.0.0.1:54321"], "grant_types": both,
                "response_types": ["code"], "token_endpoint_auth_method": "none"}),
        ),
        (
            "Zed",
            json!({"client_name": "Zed", "redirect_uris": ["http://127.0.0.1:40123/callback"], "grant_types": both,
                "response_types": ["code"], "token_endpoint_auth_method": "none"}),
        ),
        (
            "a client of RFC 7591 appendix B",
            json!({"redirect_uris": ["https://client.example.org/callback", "https://client.example.org/callback2"],
                "client_name": "My Example Client", "client_name#ja-Jpan-JP": "\u{30af}\u{30e9}", "example_extension": {"a": [1, null]},
                "token_endpoint_auth_method": "client_secret_basic", "logo_uri": "https://client.example.org/logo.png",
                "jwks_uri": "https://client.example.org/my_public_keys.jwks", "grant_types": [], "response_types": []}),
        ),
    ]
}

async fn what_real_clients_send_is_registered_and_given_back(database: &Database) {
    let server = Server::start(database).await;
    for (name, body) in real_clients() {
        let answer = register(&server, &body).await;
        assert_eq!(answer.status, 201, "{name}: {answer:?}");
        assert_eq!(
            (answer.header("cache-control"), answer.header("pragma")),
            (Some("no-store"), Some("no-cache")),
            "{name}"
        );
        answer.assert_no_null();
        let registered = answer.json();
        for member in [
            "redirect_uris",
            "client_name",
            "client_uri",
            "logo_uri",
            "application_type",
            "software_id",
            "software_version",
        ] {
            let sent = body.get(member).filter(|value| !value.is_null());
            assert_eq!(registered.get(member), sent, "{name}: {member}");
        }
        assert_eq!(registered["response_types"], json!(["code"]), "{name}");
        assert!(registered["client_id_issued_at"].is_i64(), "{name}");
        let grants = registered["grant_types"].as_array().expect("an array");
        let known = [json!("authorization_code"), json!("refresh_token")];
        assert!(!grants.is_empty() && grants.iter().all(|grant| known.contains(grant)), "{name}: {grants:?}");
        let secret = registered.get("client_secret").is_some();
        assert_eq!(registered["token_endpoint_auth_method"] != "none", secret, "{name}");
        assert_eq!(registered.get("client_secret_expires_at"), secret.then_some(&json!(0)), "{name}");
    }
}

async fn a_client_that_was_just_registered_gets_tokens(database: &Database) {
    let server = Server::start(database).await;
    for (name, body) in real_clients() {
        let client = McpClient::register_with(&server, body).await;
        let form = client.code_request(&client.code().await);
        let answer = match &client.secret {
            Some(secret) => client.post_with_basic(&form, &client.id, secret).await,
            None => server.post("/token", &form).await,
        };
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
    }
}

async fn a_secret_is_given_to_whoever_asks_for_one_and_can_keep_it(database: &Database) {
    let server = Server::start(database).await;
    let (web, local) = ("https://client.example/cb", "http://127.0.0.1/cb");
    for (redirect_uris, asked, registered) in [
        (json!([web]), json!("client_secret_basic"), "client_secret_basic"),
        (json!([web]), json!("client_secret_post"), "client_secret_post"),
        (json!([web]), json!("none"), "none"),
        (json!([web]), json!(null), "none"),
        (json!([web]), json!(""), "none"),
        // RFC 8252 §8.5: a program on somebody's computer keeps no secret.
        (json!([local]), json!("client_secret_basic"), "none"),
        (json!([web, local]), json!("client_secret_post"), "none"),
        (json!([web, "cursor://x/cb"]), json!("client_secret_post"), "none"),
    ] {
        let body = json!({ "redirect_uris": redirect_uris, "token_endpoint_auth_method": asked });
        let answer = register(&server, &body).await;
        assert_eq!(answer.member("token_endpoint_auth_method"), registered, "{body}");
        let secret = answer.json().get("client_secret").cloned();
        assert_eq!(secret.is_some(), registered != "none", "{body}");
        assert!(
            secret.is_none_or(|secret| secret.as_str().is_some_and(|text| text.starts_with("gatelodge_cs_"))),
            "{body}"
        );
    }
    let answer =
        register(&server, &json!({ "redirect_uris": [web], "token_endpoint_auth_method": "private_key_jwt" })).await;
    answer.assert_refused(400, "invalid_client_metadata", "a method that is not offered");
}

async fn redirect_uris_that_may_not_be_registered_are_dropped_while_one_remains(database: &Database) {
    let server = Server::start(database).await;
    let body =
        json!({ "redirect_uris": ["javascript:alert(1)", "https://client.example/cb", "http://192.168.0.1/cb", "x"] });
    let answer = register(&server, &body).await;
    assert_eq!((answer.status, &answer.json()["redirect_uris"]), (201, &json!(["https://client.example/cb"])));
}

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

async fn identifiers_cannot_be_guessed_and_each_registration_is_a_client_of_its_own(database: &Database) {
    let server = Server::start(database).await;
    let body = json!({ "redirect_uris": ["https://client.example/cb"], "client_id": "mine", "client_secret": "mine" });
    let mut identifiers = Vec::new();
    for _ in 0..20 {
        let answer = register(&server, &body).await;
        assert!(answer.json().get("client_secret").is_none(), "{answer:?}");
        identifiers.push(answer.member("client_id"));
    }
    identifiers.sort();
    identifiers.dedup();
    assert_eq!(identifiers.len(), 20);
    let plain = |id: &String| id.len() >= 22 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    assert!(identifiers.iter().all(plain), "{identifiers:?}");
}

async fn pages_of_other_origins_may_register(database: &Database) {
    let server = Server::start(database).await;
    for (body, status) in [(json!({ "redirect_uris": ["https://client.example/cb"] }), 201), (json!({}), 400)] {
        let request = server.request(Method::POST, "/register").header("origin", "https://inspector.example");
        let answer = Answer::of(request.header("content-type", "application/json").body(body.to_string())).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some("*")));
    }
}

async fn registration_that_is_off_is_not_there(database: &Database) {
    let server =
        Server::start_with(database, Settings { more: "[registration]\ndcr = \"off\"", ..Settings::default() }).await;
    let answer = register(&server, &json!({ "redirect_uris": ["https://client.example/cb"] })).await;
    assert_eq!((answer.status, answer.error().as_str()), (404, "not_found"));
    let metadata = server.get("/.well-known/oauth-authorization-server").await;
    assert!(metadata.json().get("registration_endpoint").is_none());
    assert_eq!(database.count("clients"), 0);
}
