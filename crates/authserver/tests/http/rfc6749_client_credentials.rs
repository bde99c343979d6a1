//! Clients that act for themselves: RFC 6749 §4.4. Only those that the operator knows, only when they prove who they are, and
//! only within their limits.

use gatelodge_oauth::client::{Client, ClientId, ClientKeys, GrantType, Registration, TokenEndpointAuthMethod};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use serde_json::json;

use crate::support::{
    Answer, Database, Form, McpClient, RESOURCE, Server, Settings, Signer, TWO_RESOURCES, claims, on_any_database,
    on_both_databases,
};

on_both_databases! {
    a_configured_client_gets_a_token_of_its_own,
    nobody_else_gets_one,
}

on_any_database! {
    scope_and_resource_stay_within_the_limits_of_the_client,
    metadata_announces_it_and_registration_ignores_it,
}

const OTHER: &str = "https://mcp.example.com/other";

fn machine(id: &str, secret: &Secret) -> Client {
    Client {
        grant_types: vec![GrantType::ClientCredentials],
        auth_methods: vec![TokenEndpointAuthMethod::ClientSecretPost],
        secret: Some(secret.hash()),
        ..Client::new(ClientId::new(id), Registration::Configured, Timestamp::from_unix(1))
    }
}

fn request(id: &str, secret: &Secret) -> Form {
    Form::new([("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret.expose())])
}

#[track_caller]
fn assert_issued(answer: &Answer, scope: &str) -> serde_json::Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!((answer.member("token_type"), answer.member("scope")), ("Bearer".into(), scope.into()));
    assert_eq!(answer.json().get("refresh_token"), None, "RFC 6749 §4.4.3");
    claims(&answer.member("access_token"))
}

/// Proves RFC 6749 §4.4.3: a client acts for itself, and gets no refresh token.
async fn a_configured_client_gets_a_token_of_its_own(database: &Database) {
    let server = Server::start(database).await;
    let secret = Secret::generate(Kind::ClientSecret);
    database.add_client(machine("robot", &secret)).await;
    let signer = Signer::new(&server);
    let keys = Some(ClientKeys::Inline(signer.jwks().to_string()));
    let auth_methods = vec![TokenEndpointAuthMethod::PrivateKeyJwt];
    database.add_client(Client { secret: None, keys, auth_methods, ..machine("signing-robot", &secret) }).await;

    let signed = request("signing-robot", &secret).without("client_secret");
    for (id, answer) in [
        ("robot", server.post("/token", &request("robot", &secret)).await),
        ("signing-robot", server.post("/token", &signer.signed(&signed)).await),
    ] {
        let claims = assert_issued(&answer, "mcp:use");
        assert_eq!((&claims["sub"], &claims["client_id"], &claims["aud"]), (&json!(id), &json!(id), &json!(RESOURCE)));
        assert_eq!(answer.json()["expires_in"], 3600);
    }
    let grants = "grants WHERE user_id IS NULL AND status_index IS NOT NULL AND expires_at = created_at + 3600";
    assert_eq!((database.count(grants), database.count("refresh_tokens")), (2, 0));
    server.post("/token", &request("robot", &secret).with("client_secret", "x")).await.assert_refused(
        401,
        "invalid_client",
        "a wrong secret",
    );
}

/// Proves RFC 6749 §4.4: only confidential clients act for themselves.
async fn nobody_else_gets_one(database: &Database) {
    let server = Server::start(database).await;
    let secret = Secret::generate(Kind::ClientSecret);
    let public =
        Client { secret: None, auth_methods: vec![TokenEndpointAuthMethod::None], ..machine("public", &secret) };
    let unregistered = Client { grant_types: vec![GrantType::AuthorizationCode], ..machine("app", &secret) };
    let dynamic = Client { registration: Registration::Dynamic, ..machine("dynamic", &secret) };
    let document =
        Client { registration: Registration::MetadataDocument, ..machine("https://client.example/document", &secret) };
    for client in [public, unregistered, dynamic, document] {
        let id = client.id.to_string();
        database.add_client(client).await;
        let form = request(&id, &secret);
        let form = if id == "public" { form.without("client_secret") } else { form };
        server.post("/token", &form).await.assert_refused(400, "unauthorized_client", &id);
    }
    assert_eq!((database.count("grants"), database.count("status_indices")), (0, 0));
}

async fn scope_and_resource_stay_within_the_limits_of_the_client(database: &Database) {
    let server = Server::start_with(database, Settings { resources: TWO_RESOURCES, ..Settings::default() }).await;
    let secret = Secret::generate(Kind::ClientSecret);
    database.add_client(machine("free", &secret)).await;
    let resources = Some(vec![ResourceId::from_stored(OTHER.to_owned())]);
    database.add_client(Client { resources, ..machine("limited", &secret) }).await;
    let scope = Some("other:use".parse().expect("a scope"));
    database.add_client(Client { scope, ..machine("narrow", &secret) }).await;
    let ask = async |id: &str, resource: &str, scope: &str| {
        server.post("/token", &request(id, &secret).with("resource", resource).with("scope", scope)).await
    };
    assert_eq!(assert_issued(&ask("free", RESOURCE, "").await, "mcp:use")["aud"], RESOURCE);
    assert_eq!(assert_issued(&ask("free", OTHER, "other:use mcp:use").await, "other:use")["aud"], OTHER);
    assert_eq!(assert_issued(&ask("limited", "", "").await, "other:use")["aud"], OTHER, "the only one it may have");
    for (id, resource, scope, error) in [
        ("free", "", "", "invalid_target"),
        ("free", "https://elsewhere.example/mcp", "", "invalid_target"),
        ("limited", RESOURCE, "", "invalid_target"),
        ("narrow", RESOURCE, "mcp:use", "invalid_scope"),
        ("narrow", RESOURCE, "", "invalid_scope"),
    ] {
        ask(id, resource, scope).await.assert_refused(400, error, &format!("{id} {resource} {scope}"));
    }
    let twice = request("free", &secret).with("resource", RESOURCE).and("resource", OTHER);
    server.post("/token", &twice).await.assert_refused(400, "invalid_target", "two resources");
}

async fn metadata_announces_it_and_registration_ignores_it(database: &Database) {
    let server = Server::start(database).await;
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    assert!(metadata["grant_types_supported"].as_array().expect("a list").contains(&json!("client_credentials")));
    let wanted = json!(["authorization_code", "client_credentials"]);
    let client = McpClient::register_with(&server, json!({ "grant_types": wanted })).await;
    let form = Form::new([("grant_type", "client_credentials"), ("client_id", &client.id)]);
    server.post("/token", &form).await.assert_refused(400, "unauthorized_client", "it registered itself");
}
