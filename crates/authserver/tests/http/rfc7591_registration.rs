//! Dynamic client registration: RFC 7591 §2 and §3. The bodies of real clients, and what they get for them.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mcp_client::path_of;
use crate::support::{Answer, Browser, Database, McpClient, Server, Settings, on_both_databases};

on_both_databases! {
    what_real_clients_send_is_registered_and_given_back,
    a_client_that_was_just_registered_gets_tokens,
    a_secret_is_given_to_whoever_asks_for_one_and_can_keep_it,
    redirect_uris_that_may_not_be_registered_are_dropped_while_one_remains,
    identifiers_cannot_be_guessed,
    the_same_public_registration_again_is_the_same_client,
    many_identical_registrations_at_once_make_one_client,
    a_client_that_gets_a_secret_is_a_new_one_each_time,
    what_a_client_registers_as_scope_never_narrows_what_it_may_ask_for,
    names_are_normalised,
    pages_of_other_origins_may_register,
    registration_that_is_off_is_not_there,
    with_an_initial_access_token_only_its_holder_registers,
    the_operator_may_add_schemes_and_hosts_for_redirect_uris,
}

pub async fn register(server: &Server, body: &Value) -> Answer {
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

/// Proves RFC 7591 §3.2.1: the answer holds what was registered.
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

/// Proves RFC 7591 §3.2.1: a secret comes with its expiry, and to confidential clients only.
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
    answer.assert_refused(400, "invalid_client_metadata", "private_key_jwt without a key");
}

async fn redirect_uris_that_may_not_be_registered_are_dropped_while_one_remains(database: &Database) {
    let server = Server::start(database).await;
    let body =
        json!({ "redirect_uris": ["javascript:alert(1)", "https://client.example/cb", "http://192.168.0.1/cb", "x"] });
    let answer = register(&server, &body).await;
    assert_eq!((answer.status, &answer.json()["redirect_uris"]), (201, &json!(["https://client.example/cb"])));
}

async fn identifiers_cannot_be_guessed(database: &Database) {
    let server = Server::start(database).await;
    let mut body =
        json!({ "redirect_uris": ["https://client.example/cb"], "client_id": "mine", "client_secret": "mine" });
    let mut identifiers = Vec::new();
    for version in 0..20 {
        body["software_version"] = json!(version.to_string());
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

async fn the_same_public_registration_again_is_the_same_client(database: &Database) {
    let server = Server::start(database).await;
    for (name, body) in real_clients() {
        let first = register(&server, &body).await;
        server.advance(600);
        let second = register(&server, &body).await;
        assert_eq!((first.status, second.status), (201, 201), "{name}");
        assert_eq!(first.json() == second.json(), first.json().get("client_secret").is_none(), "{name}: {second:?}");
        let managed = first.json().get("registration_access_token").is_some();
        assert_eq!(
            managed,
            first.json().get("client_secret").is_some(),
            "{name}: shared clients are managed by nobody"
        );
    }
    let secrets = real_clients().iter().filter(|(_, body)| keeps_a_secret(body)).count();
    let clients = database.count("clients");
    assert_eq!(usize::try_from(clients).expect("a number"), real_clients().len() + secrets);
    let clock = server.clock.clone();
    let (_, body) = &real_clients()[0];
    let before = register(&server, body).await.member("client_id");
    database.stop_servers().await;
    let server = Server::start_at(database, Settings::default(), clock).await;
    assert_eq!(register(&server, body).await.member("client_id"), before, "after a restart too");
}

fn keeps_a_secret(body: &Value) -> bool {
    let asks = body["token_endpoint_auth_method"].as_str().is_some_and(|method| method.starts_with("client_secret"));
    let on_the_web = |uri: &Value| uri.as_str().is_some_and(|uri| uri.starts_with("https://"));
    asks && body["redirect_uris"].as_array().is_some_and(|uris| uris.iter().all(on_the_web))
}

async fn many_identical_registrations_at_once_make_one_client(database: &Database) {
    let server = Server::start(database).await;
    let body = json!({ "client_name": "Twin", "redirect_uris": ["https://client.example/cb"] });
    let answers = join_all((0..64).map(|_| register(&server, &body))).await;
    let identifiers: Vec<String> = answers.iter().map(|answer| answer.member("client_id")).collect();
    assert!(identifiers.iter().all(|id| *id == identifiers[0]), "{identifiers:?}");
    assert_eq!(database.count("clients"), 1);
}

async fn a_client_that_gets_a_secret_is_a_new_one_each_time(database: &Database) {
    let server = Server::start(database).await;
    let body =
        json!({ "redirect_uris": ["https://client.example/cb"], "token_endpoint_auth_method": "client_secret_basic" });
    let (first, second) = (register(&server, &body).await, register(&server, &body).await);
    for member in ["client_id", "client_secret", "registration_access_token"] {
        assert_ne!(first.member(member), second.member(member), "{member}");
    }
}

async fn what_a_client_registers_as_scope_never_narrows_what_it_may_ask_for(database: &Database) {
    let server = Server::start(database).await;
    for scope in ["notes:read", "openid email profile", ""] {
        let client = McpClient::register_with(&server, json!({ "scope": scope })).await;
        let request = client.authorization_request().with("scope", "mcp:use notes:write");
        assert_eq!(client.connect_with(&request).await.scope, "mcp:use notes:write", "{scope}");
    }
}

async fn names_are_normalised(database: &Database) {
    let server = Server::start(database).await;
    let named = |name: &str| json!({ "client_name": name, "redirect_uris": ["https://client.example/cb"] });
    let composed = register(&server, &named("Caf\u{e9}")).await;
    let decomposed = register(&server, &named("Cafe\u{301}")).await;
    assert_eq!(decomposed.member("client_name"), "Caf\u{e9}");
    assert_eq!(composed.member("client_id"), decomposed.member("client_id"));
}

async fn with_an_initial_access_token_only_its_holder_registers(database: &Database) {
    const TOKEN: &str = "an initial access token of the operator";
    let more = "[registration]\ndcr = \"token\"\ninitial_access_token = \"an initial access token of the operator\"";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let body = json!({ "redirect_uris": ["https://client.example/cb"] }).to_string();
    let ask = |headers: Vec<String>| {
        let request = server.request(Method::POST, "/register").header("content-type", "application/json");
        let request = headers.into_iter().fold(request, |request, value| request.header("authorization", value));
        Answer::of(request.body(body.clone()))
    };
    let bearer = |token: &str| format!("Bearer {token}");
    let refused = ask(vec![]).await;
    refused.assert_refused(401, "invalid_token", "no token");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"registration\""));
    for wrong in [
        vec![bearer("x")],
        vec![bearer("")],
        vec![bearer(&TOKEN[1..])],
        vec![bearer(&format!("{TOKEN}x"))],
        vec![format!("Basic {TOKEN}")],
        vec![TOKEN.to_owned()],
        vec![bearer(TOKEN), bearer(TOKEN)],
    ] {
        let answer = ask(wrong.clone()).await;
        answer.assert_refused(401, "invalid_token", &format!("{wrong:?}"));
        assert_eq!(answer.body, refused.body, "{wrong:?}");
        let challenge = "Bearer realm=\"registration\", error=\"invalid_token\"";
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{wrong:?}");
    }
    assert_eq!(database.count("clients"), 0);
    for right in [bearer(TOKEN), format!("bearer {TOKEN}")] {
        assert_eq!(ask(vec![right]).await.status, 201);
    }
    let metadata = server.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata.member("registration_endpoint"), "https://mcp.example.com/register");
}

async fn the_operator_may_add_schemes_and_hosts_for_redirect_uris(database: &Database) {
    let more = "[registration]\nextra_redirect_schemes = [\"myeditor\"]\nhttp_redirect_hosts = [\"192.168.1.20\", \"chat.lan\"]";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    for uri in ["myeditor://oauth/cb", "http://192.168.1.20:3000/oauth/cb", "http://chat.lan/cb"] {
        let client = McpClient::register_with(&server, json!({ "redirect_uris": [uri] })).await;
        client.connect().await;
        // Only the port of a loopback URL is free.
        if let Some(other) = uri.strip_prefix("http://").and_then(|rest| rest.split(['/', ':']).next()) {
            let request = client.authorization_request().with("redirect_uri", &format!("http://{other}:3001/oauth/cb"));
            let page = Browser::new(&server).open(&path_of(&request)).await;
            page.assert_error(400, "redirect_uri_refused");
        }
    }
    for uri in ["myeditors://cb", "http://192.168.1.21/cb", "http://chat.lan.evil.example/cb", "javascript:alert(1)"] {
        let answer = register(&server, &json!({ "redirect_uris": [uri] })).await;
        answer.assert_refused(400, "invalid_redirect_uri", uri);
    }
}

async fn pages_of_other_origins_may_register(database: &Database) {
    let server = Server::start(database).await;
    for (body, status) in [(json!({ "redirect_uris": ["https://client.example/cb"] }), 201), (json!({}), 400)] {
        let request = server.request(Method::POST, "/register").header("origin", "https://inspector.example");
        let answer = Answer::of(request.header("content-type", "application/json").body(body.to_string())).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some("*")));
    }
}

/// Proves RFC 8414 §2: registration_endpoint is published only when there is one.
async fn registration_that_is_off_is_not_there(database: &Database) {
    let server =
        Server::start_with(database, Settings { more: "[registration]\ndcr = \"off\"", ..Settings::default() }).await;
    let answer = register(&server, &json!({ "redirect_uris": ["https://client.example/cb"] })).await;
    assert_eq!((answer.status, answer.error().as_str()), (404, "not_found"));
    let metadata = server.get("/.well-known/oauth-authorization-server").await;
    assert!(metadata.json().get("registration_endpoint").is_none());
    assert_eq!(database.count("clients"), 0);
}
