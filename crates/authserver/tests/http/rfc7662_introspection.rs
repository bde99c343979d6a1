//! Introspection: RFC 7662. A resource server that the operator knows learns about tokens for itself, and nobody else learns
//! anything.

use gatelodge_oauth::client::{Client, ClientId, ClientKeys, Registration, TokenEndpointAuthMethod};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Answer, Database, Form, ISSUER, McpClient, RESOURCE, Server, Settings, Signer, TWO_RESOURCES, claims,
    on_any_database, on_both_databases,
};

on_both_databases! {
    a_living_access_token_is_described,
    a_refresh_token_is_described_to_whoever_asks_about_one,
    a_token_that_ended_says_nothing_else,
    only_a_resource_server_of_the_operator_may_ask,
}

on_any_database! {
    each_resource_server_sees_its_own_tokens_only,
    what_is_no_token_is_inactive,
    no_page_of_another_origin_may_ask,
}

const OTHER: &str = "https://mcp.example.com/other";
const INACTIVE: &str = r#"{"active":false}"#;

/// A resource server with its credentials.
struct ResourceServer<'s> {
    server: &'s Server,
    id: &'static str,
    secret: Secret,
}

fn resource_server(id: &str, resources: &[&str], secret: &Secret) -> Client {
    Client {
        grant_types: Vec::new(),
        auth_methods: vec![TokenEndpointAuthMethod::ClientSecretBasic],
        secret: Some(secret.hash()),
        resources: Some(resources.iter().map(|id| ResourceId::from_stored((*id).to_owned())).collect()),
        may_introspect: true,
        ..Client::new(ClientId::new(id), Registration::Configured, Timestamp::from_unix(1))
    }
}

impl<'s> ResourceServer<'s> {
    async fn add(server: &'s Server, database: &Database, id: &'static str, resources: &[&str]) -> Self {
        let secret = Secret::generate(Kind::ClientSecret);
        database.add_client(resource_server(id, resources, &secret)).await;
        Self { server, id, secret }
    }

    async fn ask_with(&self, form: &[(&str, &str)]) -> Answer {
        let request = self.server.request(Method::POST, "/introspect");
        Answer::of(request.basic_auth(self.id, Some(self.secret.expose())).form(form)).await
    }

    /// What it says about an access token.
    async fn ask(&self, token: &str) -> Answer {
        self.ask_with(&[("token", token)]).await
    }

    /// What it says about a refresh token.
    async fn ask_about_refresh(&self, token: &str) -> Answer {
        self.ask_with(&[("token", token), ("token_type_hint", "refresh_token")]).await
    }
}

#[track_caller]
fn assert_inactive(answer: &Answer, why: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (200, INACTIVE), "{why}: {answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{why}");
}

/// Proves RFC 7662 §2.2: an active token is described.
async fn a_living_access_token_is_described(database: &Database) {
    let server = Server::start(database).await;
    let rs = ResourceServer::add(&server, database, "rs", &[RESOURCE]).await;
    let client = McpClient::register(&server).await;
    let token = client.connect().await.access_token;
    let claims = claims(&token);
    let expected = json!({
        "active": true, "iss": ISSUER, "aud": RESOURCE, "sub": claims["sub"], "username": "ada", "client_id": client.id,
        "scope": "mcp:use", "token_type": "Bearer", "iat": claims["iat"], "exp": claims["exp"], "jti": claims["jti"],
    });
    for hint in ["access_token", "refresh_token", "x", ""] {
        let answer = rs.ask_with(&[("token", &token), ("token_type_hint", hint)]).await;
        assert_eq!((answer.status, answer.json()), (200, expected.clone()), "{hint}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let signer = Signer::new(&server);
    let secret = Secret::generate(Kind::ClientSecret);
    let signing = Client {
        auth_methods: vec![TokenEndpointAuthMethod::PrivateKeyJwt],
        keys: Some(ClientKeys::Inline(signer.jwks().to_string())),
        secret: None,
        ..resource_server("signing", &[RESOURCE], &secret)
    };
    database.add_client(signing).await;
    let form = signer.signed(&Form::new([("client_id", "signing"), ("token", &token)]));
    assert_eq!(server.post("/introspect", &form).await.json(), expected);
    server.post("/introspect", &form).await.assert_refused(401, "invalid_client", "the assertion again");
}

async fn a_refresh_token_is_described_to_whoever_asks_about_one(database: &Database) {
    let server = Server::start(database).await;
    let rs = ResourceServer::add(&server, database, "rs", &[RESOURCE]).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let now = server.clock.now().as_unix();
    let answer = rs.ask_about_refresh(&tokens.refresh_token).await;
    let expected = json!({
        "active": true, "iss": ISSUER, "aud": RESOURCE, "sub": claims(&tokens.access_token)["sub"], "username": "ada",
        "client_id": client.id, "scope": "mcp:use", "iat": now, "exp": now + 30 * 86_400,
    });
    assert_eq!(answer.json(), expected);
    // Presented where access tokens are due, it is nothing.
    assert_inactive(&rs.ask(&tokens.refresh_token).await, "a refresh token as access token");
    let as_access = rs.ask_with(&[("token", &tokens.refresh_token), ("token_type_hint", "access_token")]).await;
    assert_inactive(&as_access, "a refresh token as access token");
    let next = client.refreshed(&tokens.refresh_token).await;
    assert_inactive(&rs.ask_about_refresh(&tokens.refresh_token).await, "spent");
    server.advance(30 * 86_400);
    assert_inactive(&rs.ask_about_refresh(&next.refresh_token).await, "expired");
}

/// Proves RFC 7662 §2.2: of an inactive token nothing else is said.
async fn a_token_that_ended_says_nothing_else(database: &Database) {
    let server = Server::start(database).await;
    let rs = ResourceServer::add(&server, database, "rs", &[RESOURCE]).await;
    let client = McpClient::register(&server).await;
    let (revoked, kept) = (client.connect().await, client.connect().await);
    let form = Form::new([("client_id", client.id.as_str()), ("token", &revoked.refresh_token)]);
    assert_eq!(server.post("/revoke", &form).await.status, 200);
    assert_inactive(&rs.ask(&revoked.access_token).await, "its grant was revoked");
    assert_inactive(&rs.ask_about_refresh(&revoked.refresh_token).await, "its grant was revoked");
    assert_eq!(rs.ask(&kept.access_token).await.json()["active"], true);
    database.execute("UPDATE users SET disabled_at = 1 WHERE username = 'ada'");
    assert_inactive(&rs.ask(&kept.access_token).await, "its person was disabled");
    assert_inactive(&rs.ask_about_refresh(&kept.refresh_token).await, "its person was disabled");
    database.execute("UPDATE users SET disabled_at = NULL WHERE username = 'ada'");
    server.advance(3_599);
    assert_eq!(rs.ask(&kept.access_token).await.json()["active"], true);
    server.advance(1);
    assert_inactive(&rs.ask(&kept.access_token).await, "expired");
}

/// Proves RFC 7662 §2.1: only known resource servers may ask.
async fn only_a_resource_server_of_the_operator_may_ask(database: &Database) {
    let server = Server::start(database).await;
    let secret = Secret::generate(Kind::ClientSecret);
    let rs = resource_server("rs", &[RESOURCE], &secret);
    let public = Client {
        auth_methods: vec![TokenEndpointAuthMethod::None],
        secret: None,
        ..resource_server("public", &[RESOURCE], &secret)
    };
    let not_allowed = Client { may_introspect: false, ..resource_server("app", &[RESOURCE], &secret) };
    for client in [rs, public, not_allowed] {
        database.add_client(client).await;
    }
    let client = McpClient::register(&server).await;
    let token = client.connect().await.access_token;
    let own = Form::new([("client_id", client.id.as_str()), ("token", &token)]);
    server.post("/introspect", &own).await.assert_refused(401, "invalid_client", "the client of the token");
    let (living, dead) = (own.with("client_id", "public"), Form::new([("client_id", "public"), ("token", "x")]));
    let answers = [server.post("/introspect", &living).await, server.post("/introspect", &dead).await];
    answers[0].assert_refused(401, "invalid_client", "a public client");
    assert_eq!(answers[0].body, answers[1].body, "whatever the token is");
    for (id, password, why) in [
        ("app", secret.expose(), "not allowed to ask"),
        ("rs", "wrong", "a wrong secret"),
        ("rs", "", "no secret"),
        ("nobody", secret.expose(), "an unknown client"),
    ] {
        let request = server.request(Method::POST, "/introspect").basic_auth(id, Some(password));
        let answer = Answer::of(request.form(&[("token", &token)])).await;
        answer.assert_refused(401, "invalid_client", why);
        assert!(answer.header("www-authenticate").is_some(), "{why}");
    }
    let bearer = server.request(Method::POST, "/introspect").bearer_auth(&token).form(&[("token", &token)]);
    Answer::of(bearer).await.assert_refused(401, "invalid_client", "with the token itself");
    server.post("/introspect", &Form::new([("token", &token)])).await.assert_refused(400, "invalid_request", "nobody");
}

/// Proves RFC 7662 §2.2: a token for another resource server is inactive.
async fn each_resource_server_sees_its_own_tokens_only(database: &Database) {
    let server = Server::start_with(database, Settings { resources: TWO_RESOURCES, ..Settings::default() }).await;
    let one = ResourceServer::add(&server, database, "one", &[RESOURCE]).await;
    let other = ResourceServer::add(&server, database, "other", &[OTHER]).await;
    let gateway = ResourceServer::add(&server, database, "gateway", &[RESOURCE, OTHER]).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let code = client.code_of(&client.authorization_request().with("resource", OTHER)).await;
    let others = server.post("/token", &client.code_request(&code).with("resource", OTHER)).await;
    let (access, refresh) = (others.member("access_token"), others.member("refresh_token"));
    for (token, refresh, for_one) in [(&tokens.access_token, &tokens.refresh_token, true), (&access, &refresh, false)] {
        assert_eq!(one.ask(token).await.json()["active"], for_one);
        assert_eq!(one.ask_about_refresh(refresh).await.json()["active"], for_one);
        assert_eq!(other.ask(token).await.json()["active"], !for_one);
        assert_eq!(other.ask_about_refresh(refresh).await.json()["active"], !for_one);
        assert_eq!(gateway.ask(token).await.json()["active"], true);
    }
    assert_inactive(&other.ask(&tokens.access_token).await, "a token for somebody else");
}

async fn what_is_no_token_is_inactive(database: &Database) {
    let server = Server::start(database).await;
    let rs = ResourceServer::add(&server, database, "rs", &[RESOURCE]).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let token = client.connect().await.access_token;
    let (head, signature) = token.rsplit_once('.').expect("a signature");
    let unsigned = format!("{head}.");
    let kinds = Kind::ALL.map(|kind| Secret::generate(kind).expose().to_owned());
    let made_up =
        ["x", "a.b.c", "\u{e9}", "' OR 1=1", &code, rs.secret.expose(), &unsigned, signature].map(str::to_owned);
    for text in kinds.iter().chain(&made_up) {
        assert_inactive(&rs.ask(text).await, text);
        assert_inactive(&rs.ask_about_refresh(text).await, text);
    }
    rs.ask("").await.assert_refused(400, "invalid_request", "no token");
    rs.ask_with(&[("token", "x"), ("token", "y")]).await.assert_refused(400, "invalid_request", "two tokens");
    assert_eq!(client.exchange(&code).await.status, 200, "asking spends nothing");
}

async fn no_page_of_another_origin_may_ask(database: &Database) {
    let server = Server::start(database).await;
    for method in [Method::OPTIONS, Method::POST] {
        let request = server.request(method, "/introspect").header("origin", "https://page.example");
        let answer = Answer::of(request.header("access-control-request-method", "POST")).await;
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{answer:?}");
    }
    assert_eq!(server.get("/introspect").await.status, 405);
}
