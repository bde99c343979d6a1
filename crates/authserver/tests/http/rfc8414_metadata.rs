//! What clients read before anything else: RFC 8414 §3, OpenID Connect Discovery 1.0 §4, RFC 7517 §5, and that there is
//! nothing else to find.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Database, ISSUER, Server, Settings, on_any_database, on_both_databases};

on_any_database! {
    the_document_says_what_clients_refuse_to_go_without,
    the_openid_document_says_the_same_and_what_its_schema_requires,
    an_issuer_with_a_path_is_found_at_every_place_where_clients_look,
    an_issuer_with_a_path_serves_its_endpoints_under_it,
    the_documents_may_be_kept_and_read_from_any_origin,
    a_preflight_of_any_sdk_is_allowed,
    a_path_that_is_not_there_is_a_short_404,
    the_host_header_is_never_believed,
}

on_both_databases! { every_start_and_every_server_publishes_the_same_key }

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const METHODS: [&str; 4] = ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"];
const ALGORITHMS: [&str; 4] = ["ES256", "RS256", "PS256", "EdDSA"];
const OPENID: &str = "/.well-known/openid-configuration";

/// Proves RFC 8414 §2: the metadata is complete.
async fn the_document_says_what_clients_refuse_to_go_without(database: &Database) {
    let server = Server::start(database).await;
    let answer = server.get(OAUTH).await;
    assert_eq!(answer.status, 200);
    answer.assert_no_null();
    let expected = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://mcp.example.com/authorize",
        "token_endpoint": "https://mcp.example.com/token",
        "registration_endpoint": "https://mcp.example.com/register",
        "pushed_authorization_request_endpoint": "https://mcp.example.com/par",
        "jwks_uri": "https://mcp.example.com/jwks",
        "scopes_supported": ["mcp:use", "notes:read", "notes:write"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint": "https://mcp.example.com/revoke",
        "revocation_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint": "https://mcp.example.com/introspect",
        "introspection_endpoint_auth_methods_supported": METHODS[1..],
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
        "protected_resources": ["https://mcp.example.com/mcp"],
        "ui_locales_supported": ["de", "en", "es"],
    });
    // Equality: no member that announces what is not there.
    assert_eq!(answer.json(), expected);
}

/// Proves OpenID Connect Discovery 1.0 §3: the alias holds every required member.
async fn the_openid_document_says_the_same_and_what_its_schema_requires(database: &Database) {
    let server = Server::start(database).await;
    let mut openid = server.get(OPENID).await.json();
    let members = openid.as_object_mut().expect("an object");
    assert_eq!(members.remove("subject_types_supported"), Some(json!(["public"])));
    assert_eq!(members.remove("id_token_signing_alg_values_supported"), Some(json!(["ES256"])));
    assert_eq!(members.remove("request_uri_parameter_supported"), Some(json!(false)), "absent means true");
    assert_eq!(openid, server.get(OAUTH).await.json());
}

const WITH_PATH: &str = "https://mcp.example.com/auth/a";

/// Proves RFC 8414 §3.1: the well-known path is inserted before the path of the issuer.
async fn an_issuer_with_a_path_is_found_at_every_place_where_clients_look(database: &Database) {
    let server = Server::start_with(database, Settings { public_url: WITH_PATH, ..Settings::default() }).await;
    for path in [format!("{OAUTH}/auth/a"), format!("{OPENID}/auth/a"), format!("/auth/a{OPENID}")] {
        let answer = server.get(&path).await;
        assert_eq!((answer.status, answer.member("issuer").as_str()), (200, WITH_PATH), "{path}");
        assert_eq!(answer.member("token_endpoint"), format!("{WITH_PATH}/token"), "{path}");
    }
    // RFC 8414 §3.3: a document found here would name another issuer than the one it was looked up for.
    for path in [OAUTH, OPENID, &format!("{OAUTH}/auth"), &format!("{OAUTH}/auth/a/"), &format!("{OAUTH}/auth/b")] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

async fn an_issuer_with_a_path_serves_its_endpoints_under_it(database: &Database) {
    let server = Server::start_with(database, Settings { public_url: WITH_PATH, ..Settings::default() }).await;
    for path in [
        "/jwks",
        "/token",
        "/par",
        "/revoke",
        "/introspect",
        "/register",
        "/authorize",
        "/login",
        "/consent",
        "/logout",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
        assert_ne!(server.get(&format!("/auth/a{path}")).await.status, 404, "{path}");
    }
}

async fn the_documents_may_be_kept_and_read_from_any_origin(database: &Database) {
    let server = Server::start(database).await;
    for path in [OAUTH, OPENID, "/jwks"] {
        let request = server.request(Method::GET, path).header("origin", "https://inspector.example");
        let get = Answer::of(request).await;
        assert_eq!((get.status, get.header("access-control-allow-origin")), (200, Some("*")), "{path}");
        assert_eq!(get.header("access-control-allow-credentials"), None, "{path}");
        assert_eq!(get.header("cache-control"), Some("public, max-age=300"), "{path}");
        assert_eq!(get.header("set-cookie"), None, "{path}");
        let head = Answer::of(server.request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(
            (head.header("content-type"), head.header("content-length")),
            (get.header("content-type"), get.header("content-length"))
        );
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = Answer::of(server.request(method, path)).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{path}");
        }
    }
}

async fn a_preflight_of_any_sdk_is_allowed(database: &Database) {
    let server = Server::start(database).await;
    let wanted = "mcp-protocol-version,authorization,content-type,accept,dpop";
    for (path, method) in [
        (OAUTH, "GET"),
        (OPENID, "GET"),
        ("/jwks", "GET"),
        ("/token", "POST"),
        ("/par", "POST"),
        ("/revoke", "POST"),
        ("/register", "POST"),
    ] {
        let request = server.request(Method::OPTIONS, path).header("origin", "https://inspector.example");
        let request =
            request.header("access-control-request-method", method).header("access-control-request-headers", wanted);
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        assert!(
            answer.header("access-control-allow-methods").is_some_and(|methods| methods.contains(method)),
            "{answer:?}"
        );
        let allowed = answer.header("access-control-allow-headers").expect("headers").to_ascii_lowercase();
        assert!(wanted.split(',').all(|header| allowed.contains(header)), "{path}: {allowed}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
        let exposed = Answer::of(server.request(Method::GET, path).header("origin", "https://inspector.example")).await;
        let exposed = exposed.header("access-control-expose-headers").expect("exposed headers").to_ascii_lowercase();
        assert!(exposed.contains("www-authenticate") && exposed.contains("retry-after"), "{path}: {exposed}");
    }
    // The pages for people are nobody else's: no other origin may call or read them.
    for path in ["/authorize", "/login", "/consent", "/logout", "/nothing"] {
        let request = server.request(Method::OPTIONS, path).header("origin", "https://inspector.example");
        let answer = Answer::of(request.header("access-control-request-method", "POST")).await;
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{path}: {answer:?}");
    }
}

async fn a_path_that_is_not_there_is_a_short_404(database: &Database) {
    let server = Server::start(database).await;
    for path in [
        "/",
        "/favicon.ico",
        "/.well-known/",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration/mcp",
        "/.well-known/jwks.json",
        "/mcp/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/",
        "/token/",
        "/TOKEN",
        "/assets/",
        "/assets/../Cargo.toml",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e%2flogin.html",
        "/login.html",
        "/health/ready",
        "/admin",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(answer.json(), json!({ "error": "not_found" }), "{path}");
        assert_eq!(answer.header("location"), None, "{path}");
    }
}

/// Proves RFC 8414 §3.3: the issuer is the configured one.
async fn the_host_header_is_never_believed(database: &Database) {
    let server = Server::start(database).await;
    let plain = server.get(OAUTH).await.body;
    for name in ["host", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix", "x-original-url", "forwarded"] {
        let request = server.request(Method::GET, OAUTH).header(name, "evil.example");
        assert_eq!(Answer::of(request).await.body, plain, "{name}");
        let login = server.request(Method::GET, "/authorize").header(name, "evil.example");
        assert!(!Answer::of(login).await.body.contains("evil.example"), "{name}");
    }
}

/// Proves RFC 7517 §5: the public keys are published as a set.
async fn every_start_and_every_server_publishes_the_same_key(database: &Database) {
    let server = Server::start(database).await;
    let first = server.get("/jwks").await.json();
    let key = first["keys"][0].as_object().expect("a key");
    assert_eq!(first["keys"].as_array().map(Vec::len), Some(1));
    let members: Vec<&str> = key.keys().map(String::as_str).collect();
    assert!(!members.iter().any(|member| ["d", "p", "q", "dp", "dq", "qi", "k"].contains(member)), "{members:?}");
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&json!("EC"), &json!("P-256"), &json!("sig")));
    assert!(key["kid"].as_str().is_some_and(|kid| kid.len() == 43), "an RFC 7638 thumbprint");
    database.stop_servers().await;
    let again: Value = Server::start(database).await.get("/jwks").await.json();
    assert_eq!(again, first);
}
