//! How a client reads, changes and deletes its own registration: RFC 7592 §2 and §3. Whoever has no token, or another one,
//! learns nothing, not even whether the client exists.

use reqwest::Method;
use serde_json::{Value, json};

use crate::rfc7591_registration::register;
use crate::support::{
    Answer, Browser, Database, McpClient, Server, Settings, Tokens, on_any_database, on_both_databases,
};

on_both_databases! {
    a_client_reads_what_it_registered_and_never_its_secret,
    an_update_replaces_everything,
    an_update_that_may_not_be_changes_nothing,
    a_deleted_client_is_gone_with_everything_it_was_allowed,
    a_request_on_the_screen_ends_with_the_client_it_was_for,
}

on_any_database! {
    every_wrong_token_gets_the_same_answer,
    a_change_of_the_method_takes_and_gives_the_secret,
    other_methods_are_refused_and_other_origins_are_not,
    while_registration_is_off_a_client_may_read_and_leave,
}

const WEB: &str = "https://client.example/callback";

/// A client with a secret, and so with a registration of its own.
struct Managed<'s> {
    server: &'s Server,
    registered: Value,
}

impl<'s> Managed<'s> {
    async fn register(server: &'s Server, name: &str) -> Self {
        let answer = register(server, &metadata(name)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let registered = answer.json();
        let place = format!("{}/register/{}", server.issuer, registered["client_id"].as_str().expect("an identifier"));
        assert_eq!(registered["registration_client_uri"], place);
        assert!(registered["registration_access_token"].as_str().expect("a token").starts_with("gatelodge_rat_"));
        Self { server, registered }
    }

    fn text(&self, member: &str) -> &str {
        self.registered[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.registered))
    }

    fn path(&self) -> String {
        format!("/register/{}", self.text("client_id"))
    }

    fn token(&self) -> &str {
        self.text("registration_access_token")
    }

    async fn read(&self) -> Answer {
        ask(self.server, Method::GET, &self.path(), Some(self.token()), None).await
    }

    async fn put(&self, body: &Value) -> Answer {
        ask(self.server, Method::PUT, &self.path(), Some(self.token()), Some(body)).await
    }

    async fn delete(&self) -> Answer {
        ask(self.server, Method::DELETE, &self.path(), Some(self.token()), None).await
    }

    fn client(&self) -> McpClient<'s> {
        McpClient::known(self.server, self.text("client_id"), Some(self.text("client_secret")), WEB)
    }

    async fn connect(&self) -> Tokens {
        let client = self.client();
        let form = client.code_request(&client.code().await);
        Tokens::of(&client.post_with_basic(&form, &client.id, self.text("client_secret")).await)
    }

    /// What it was told, without the secret that is told once.
    fn without_secret(&self) -> Value {
        let mut registered = self.registered.clone();
        registered.as_object_mut().expect("an object").remove("client_secret");
        registered
    }
}

fn metadata(name: &str) -> Value {
    json!({ "client_name": name, "redirect_uris": [WEB], "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_basic", "logo_uri": "https://client.example/logo.png", "scope": "mcp:use" })
}

async fn ask(server: &Server, method: Method, path: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
    let mut request = server.request(method, path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    Answer::of(request).await
}

/// Proves RFC 7592 §2.1: a client reads its registration.
async fn a_client_reads_what_it_registered_and_never_its_secret(database: &Database) {
    let server = Server::start(database).await;
    let client = Managed::register(&server, "Reader").await;
    for _ in 0..2 {
        let answer = client.read().await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
        assert_eq!(answer.json(), client.without_secret());
        answer.assert_no_null();
    }
    assert_eq!(client.registered["client_secret_expires_at"], 0);
}

/// Proves RFC 7592 §2.2: an update replaces every member.
async fn an_update_replaces_everything(database: &Database) {
    let server = Server::start(database).await;
    let client = Managed::register(&server, "Before").await;
    let tokens = client.connect().await;
    let id = client.text("client_id");
    let body = json!({ "client_id": id, "client_secret": client.text("client_secret"), "client_name": "After",
        "redirect_uris": ["https://client.example/other"], "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"] });
    let answer = client.put(&body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let updated = answer.json();
    for (member, value) in [
        ("client_id", json!(id)),
        ("client_name", json!("After")),
        ("redirect_uris", json!(["https://client.example/other"])),
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("registration_access_token", json!(client.token())),
        ("client_id_issued_at", client.registered["client_id_issued_at"].clone()),
    ] {
        assert_eq!(updated[member], value, "{member}");
    }
    for reset in ["logo_uri", "scope", "client_secret"] {
        assert!(updated.get(reset).is_none(), "{reset} was not sent: {updated}");
    }
    assert_eq!(client.read().await.json(), updated);
    let before = client.client();
    Browser::new(&server).open(&before.authorize_path()).await.assert_error(400, "redirect_uri_refused");
    let after = McpClient::known(&server, id, before.secret.as_deref(), "https://client.example/other");
    assert!(after.code().await.starts_with("gatelodge_code_"));
    let refresh = before.refresh_request(&tokens.refresh_token);
    Tokens::of(&before.post_with_basic(&refresh, id, client.text("client_secret")).await);
}

/// Proves RFC 7592 §2.2: an update with members of the server, or for another client, is refused.
async fn an_update_that_may_not_be_changes_nothing(database: &Database) {
    let server = Server::start(database).await;
    let (client, other) = (Managed::register(&server, "One").await, Managed::register(&server, "Other").await);
    let with = |changes: Value| {
        let mut body = metadata("Changed");
        body["client_id"] = json!(client.text("client_id"));
        for (name, value) in changes.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    for (changes, error) in [
        (json!({ "client_id": null }), "invalid_client_metadata"),
        (json!({ "client_id": other.text("client_id") }), "invalid_client_metadata"),
        (json!({ "client_secret": other.text("client_secret") }), "invalid_client_metadata"),
        (json!({ "client_secret": "chosen by the client itself" }), "invalid_client_metadata"),
        (json!({ "registration_access_token": client.token() }), "invalid_client_metadata"),
        (json!({ "registration_client_uri": client.text("registration_client_uri") }), "invalid_client_metadata"),
        (json!({ "client_secret_expires_at": 0 }), "invalid_client_metadata"),
        (json!({ "client_id_issued_at": 1 }), "invalid_client_metadata"),
        (json!({ "client_name": "a\u{202e}b" }), "invalid_client_metadata"),
        (json!({ "grant_types": ["password"] }), "invalid_client_metadata"),
        (json!({ "logo_uri": "javascript:alert(1)" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": null }), "invalid_redirect_uri"),
    ] {
        let body = with(changes);
        client.put(&body).await.assert_refused(400, error, &body.to_string());
    }
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", with(json!({})).to_string()),
        ("application/json", "{".to_owned()),
        ("application/json", "[]".to_owned()),
        ("application/json", format!("{{\"x\": \"{}\"}}", "y".repeat(17_000))),
    ] {
        let request = server.request(Method::PUT, &client.path()).header("content-type", content_type);
        let request = request.header("authorization", format!("Bearer {}", client.token())).body(body.clone());
        Answer::of(request).await.assert_refused(400, "invalid_client_metadata", &body[..body.len().min(40)]);
    }
    assert_eq!(client.read().await.json(), client.without_secret());
    assert_eq!(other.read().await.json(), other.without_secret());
}

/// Proves RFC 7592 §2.3: deleting a registration ends its grants and tokens.
async fn a_deleted_client_is_gone_with_everything_it_was_allowed(database: &Database) {
    let server = Server::start(database).await;
    let (client, other) = (Managed::register(&server, "Leaves").await, Managed::register(&server, "Stays").await);
    let (tokens, others) = (client.connect().await, other.connect().await);
    let answer = client.delete().await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(database.count("grants WHERE revoked_at IS NULL"), 1);
    let gone = client.client();
    let refresh = gone.refresh_request(&tokens.refresh_token);
    let refused = gone.post_with_basic(&refresh, &gone.id, client.text("client_secret")).await;
    refused.assert_refused(401, "invalid_client", "a client that is gone");
    Browser::new(&server).open(&gone.authorize_path()).await.assert_error(400, "client_unknown");
    for answer in [client.read().await, client.put(&metadata("Back")).await, client.delete().await] {
        answer.assert_refused(401, "invalid_token", "its token went with it");
    }
    let stays = other.client();
    let refresh = stays.refresh_request(&others.refresh_token);
    Tokens::of(&stays.post_with_basic(&refresh, &stays.id, other.text("client_secret")).await);
}

async fn a_request_on_the_screen_ends_with_the_client_it_was_for(database: &Database) {
    let server = Server::start(database).await;
    let elsewhere = ("redirect_uris", json!(["https://client.example/elsewhere"]));
    for change in [None, Some(elsewhere), Some(("client_name", json!("Your Bank")))] {
        let client = Managed::register(&server, "Moves").await;
        let mut browser = Browser::new(&server);
        let consent = browser.consent_page(&client.client()).await;
        let answer = match change {
            None => client.delete().await,
            Some((member, value)) => {
                let mut body = metadata("Moves");
                body["client_id"] = json!(client.text("client_id"));
                body[member] = value;
                client.put(&body).await
            }
        };
        assert!((200..300).contains(&answer.status), "{answer:?}");
        let page = browser.allow(&consent).await;
        assert!(page.left_for.is_none() && page.answer.status >= 400, "{page:?}");
    }
    assert_eq!(database.count("grants"), 0);
}

/// Proves RFC 7592 §2: a wrong or foreign registration access token is answered with 401.
async fn every_wrong_token_gets_the_same_answer(database: &Database) {
    let server = Server::start(database).await;
    let (client, other) = (Managed::register(&server, "A").await, Managed::register(&server, "B").await);
    let public = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let unknown = "client_0000000000000000000000";
    let flipped = format!("{}x", &client.token()[..client.token().len() - 1]);
    let shared = format!("/register/{}", public.id);
    let before = database.facts();
    let mut bodies = Vec::new();
    for (path, token) in [
        (client.path(), other.token()),
        (other.path(), client.token()),
        (client.path(), &flipped),
        (client.path(), "x"),
        (client.path(), ""),
        (client.path(), client.text("client_secret")),
        (client.path(), &tokens.access_token),
        (format!("/register/{unknown}"), client.token()),
        (shared.clone(), client.token()),
        (shared, "x"),
        (format!("{}%20", client.path()), client.token()),
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = ask(&server, method.clone(), &path, Some(token), Some(&metadata("Stolen"))).await;
            answer.assert_refused(401, "invalid_token", &format!("{method} {path} {token}"));
            let challenge = "Bearer realm=\"registration\", error=\"invalid_token\"";
            assert_eq!(answer.header("www-authenticate"), Some(challenge), "{method} {path}");
            bodies.push(answer.body);
        }
    }
    let none = ask(&server, Method::GET, &client.path(), None, None).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some("Bearer realm=\"registration\"")));
    bodies.push(none.body);
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(database.facts(), before);
    assert_eq!(client.read().await.json(), client.without_secret());
}

async fn a_change_of_the_method_takes_and_gives_the_secret(database: &Database) {
    let server = Server::start(database).await;
    let client = Managed::register(&server, "Changes").await;
    let mut body = metadata("Changes");
    body["client_id"] = json!(client.text("client_id"));
    body["token_endpoint_auth_method"] = json!("none");
    let public = client.put(&body).await;
    assert_eq!(public.member("token_endpoint_auth_method"), "none");
    assert!(public.json().get("client_secret_expires_at").is_none());
    let id = client.text("client_id");
    McpClient::known(&server, id, None, WEB).connect().await;
    // Still its own: whoever registers the same does not get it.
    let same = register(&server, &body).await;
    assert_ne!(same.member("client_id"), id);
    body["token_endpoint_auth_method"] = json!("client_secret_post");
    let again = client.put(&body).await.member("client_secret");
    assert_ne!(again, client.text("client_secret"));
    let confidential = McpClient::known(&server, id, Some(&again), WEB);
    let form = confidential.code_request(&confidential.code().await);
    Tokens::of(&confidential.post_with_basic(&form, id, &again).await);
}

async fn other_methods_are_refused_and_other_origins_are_not(database: &Database) {
    let server = Server::start(database).await;
    let client = Managed::register(&server, "C").await;
    for method in [Method::POST, Method::PATCH, Method::HEAD] {
        let answer = ask(&server, method.clone(), &client.path(), Some(client.token()), None).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, PUT, DELETE")), "{method}");
    }
    for method in ["GET", "PUT", "DELETE"] {
        let preflight = server.request(Method::OPTIONS, &client.path()).header("origin", "https://inspector.example");
        let preflight = preflight.header("access-control-request-method", method);
        let answer = Answer::of(preflight.header("access-control-request-headers", "authorization")).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")), "{method}");
        assert!(answer.header("access-control-allow-methods").is_some_and(|allowed| allowed.contains(method)));
    }
}

async fn while_registration_is_off_a_client_may_read_and_leave(database: &Database) {
    let server = Server::start(database).await;
    let registered = Managed::register(&server, "D").await.registered;
    let clock = server.clock.clone();
    database.stop_servers().await;
    let settings = Settings { more: "[registration]\ndcr = \"off\"", ..Settings::default() };
    let server = Server::start_at(database, settings, clock).await;
    let client = Managed { server: &server, registered };
    assert_eq!(client.read().await.status, 200);
    let mut body = metadata("E");
    body["client_id"] = json!(client.text("client_id"));
    client.put(&body).await.assert_refused(403, "access_denied", "registration is off");
    assert_eq!(client.delete().await.status, 204);
}
