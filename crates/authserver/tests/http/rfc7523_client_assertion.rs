//! Clients that prove themselves by a signature: `private_key_jwt` (RFC 7521 §4.2, RFC 7523 §2.2 and §3). An assertion proves
//! one client, to this server, for one request; and a client that can sign is never taken for one that did not.

use futures_util::future::join_all;
use gatelodge_oauth::client::{Client, ClientId, ClientKeys, Registration, TokenEndpointAuthMethod};
use gatelodge_oauth::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mcp_client::REDIRECT_URI;
use crate::support::signer::{ASSERTION_TYPE, with_assertion};
use crate::support::{
    Answer, Database, Form, ISSUER, McpClient, Server, Settings, Signer, Tokens, on_any_database, on_both_databases,
};

on_both_databases! {
    a_client_with_a_key_signs_every_request,
    whoever_cannot_sign_spends_nothing,
    an_assertion_proves_one_request_on_every_server_of_the_database,
    of_parallel_requests_with_one_assertion_one_is_served,
    the_method_of_the_exchange_holds_for_every_refresh,
}

on_any_database! {
    a_wrong_claim_is_refused_and_the_code_survives,
    the_audience_is_the_issuer_and_for_lenient_servers_the_endpoint,
    two_ways_at_once_are_refused,
    the_assertion_names_the_client,
    keys_that_cannot_be_fetched_are_excused,
}

/// A client that registered the signer's key.
async fn register<'s>(server: &'s Server, signer: &Signer<'_>) -> McpClient<'s> {
    let changes = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": signer.jwks() });
    let client = McpClient::register_with(server, changes).await;
    assert_eq!(client.secret, None);
    client
}

/// Proves RFC 7523 §2.2: a client proves itself by a signed assertion.
async fn a_client_with_a_key_signs_every_request(database: &Database) {
    let server = Server::start(database).await;
    let signer = Signer::new(&server);
    let client = register(&server, &signer).await;
    let exchange = signer.signed(&client.code_request(&client.code().await));
    let tokens = Tokens::of(&server.post("/token", &exchange).await);
    // RFC 7521 §4.2: client_id is not needed beside an assertion.
    let refresh = signer.signed(&client.refresh_request(&tokens.refresh_token)).without("client_id");
    let tokens = Tokens::of(&server.post("/token", &refresh).await);
    let revocation = Form::new([("client_id", client.id.as_str()), ("token", &tokens.refresh_token)]);
    server.post("/revoke", &revocation).await.assert_refused(401, "invalid_client", "a revocation without a signature");
    assert_eq!(server.post("/revoke", &signer.signed(&revocation)).await.status, 200);
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL AND auth_method = 'private_key_jwt'"), 1);
    assert_eq!(database.count("used_assertions"), 3);
}

async fn whoever_cannot_sign_spends_nothing(database: &Database) {
    let server = Server::start(database).await;
    let (signer, thief) = (Signer::new(&server), Signer::new(&server));
    let (client, other) = (register(&server, &signer).await, register(&server, &thief).await);
    let form = client.code_request(&client.code().await);
    let before = database.facts();
    let refused = async |form: &Form, why: &str| {
        server.post("/token", form).await.assert_refused(401, "invalid_client", why);
        assert_eq!(database.facts(), before, "{why}");
        assert_eq!(database.count("used_assertions"), 0, "{why}");
    };
    refused(&form, "nothing is presented").await;
    refused(&form.clone().with("client_secret", "x"), "a secret").await;
    refused(&thief.signed(&form), "the key of another client").await;
    refused(&with_assertion(&form, &signer.assertion(&other.id)), "the own key for another client").await;
    refused(&with_assertion(&form, &Signer::named(&server, "key-2").assertion(&client.id)), "an unknown key").await;
    refused(&with_assertion(&form, &signer.assertion("client_nobody")), "an unknown client").await;
    let unsigned = signer.assertion(&client.id);
    let unsigned = unsigned.rsplit_once('.').expect("a signature").0;
    refused(&with_assertion(&form, &format!("{unsigned}.")), "no signature").await;
    // The other client proves itself, and learns nothing by it.
    let foreign = thief.signed(&form.clone().with("client_id", &other.id));
    server.post("/token", &foreign).await.assert_refused(400, "invalid_grant", "the code of another client");
    Tokens::of(&server.post("/token", &signer.signed(&form)).await);
}

/// Proves RFC 7523 §3: an assertion is used once.
async fn an_assertion_proves_one_request_on_every_server_of_the_database(database: &Database) {
    let server = Server::start(database).await;
    let signer = Signer::new(&server);
    let client = register(&server, &signer).await;
    let code = client.code().await;
    let assertion = signer.assertion(&client.id);
    // It is spent by the proof, also when the request is refused for something else.
    let wrong = with_assertion(&client.code_request("x"), &assertion);
    server.post("/token", &wrong).await.assert_refused(400, "invalid_grant", "the code is wrong");
    let right = with_assertion(&client.code_request(&code), &assertion);
    server.post("/token", &right).await.assert_refused(401, "invalid_client", "used before");
    let revocation = with_assertion(&Form::new([("token", "x")]), &assertion);
    server.post("/revoke", &revocation).await.assert_refused(401, "invalid_client", "used before, elsewhere");
    let (request, clock) = (client.code_request(&code), server.clock.clone());
    let next = signer.signed(&request);
    if database.is_sqlite() {
        database.stop_servers().await;
    }
    let beside = Server::start_at(database, Settings::default(), clock).await;
    beside.post("/token", &right).await.assert_refused(401, "invalid_client", "used before, at another server");
    Tokens::of(&beside.post("/token", &next).await);
    // As long as it could be taken at all.
    for seconds in [60, 59, 1] {
        beside.advance(seconds);
        beside.post("/token", &next).await.assert_refused(401, "invalid_client", "used before, or expired");
    }
}

async fn of_parallel_requests_with_one_assertion_one_is_served(database: &Database) {
    let server = Server::start(database).await;
    let signer = Signer::new(&server);
    let client = register(&server, &signer).await;
    let exchange = signer.signed(&client.code_request(&client.code().await));
    let tokens = Tokens::of(&server.post("/token", &exchange).await);
    let refresh = signer.signed(&client.refresh_request(&tokens.refresh_token));
    let answers = join_all((0..32).map(|_| server.post("/token", &refresh))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.assert_refused(401, "invalid_client", "used before");
    }
    assert_eq!(database.count("refresh_tokens WHERE spent_at IS NULL"), 1);
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0);
}

/// Proves RFC 7523 §3: every claim of an assertion is checked.
async fn a_wrong_claim_is_refused_and_the_code_survives(database: &Database) {
    let server = Server::start(database).await;
    let signer = Signer::new(&server);
    let client = register(&server, &signer).await;
    let form = client.code_request(&client.code().await);
    let now = server.clock.now().as_unix();
    for (claim, value) in [
        ("iss", json!("x")),
        ("sub", json!("x")),
        ("aud", json!("https://other.example")),
        ("aud", json!([ISSUER, "https://other.example"])),
        ("aud", json!("https://mcp.example.com/mcp")),
        ("exp", json!(now - 61)),
        ("exp", json!(now + 3600)),
        ("nbf", json!(now + 3600)),
        ("iat", json!(now + 3600)),
        ("jti", json!("")),
        ("jti", json!(null)),
        ("exp", json!(null)),
    ] {
        let mut claims = signer.claims(&client.id);
        claims[claim] = value;
        let answer = server.post("/token", &with_assertion(&form, &signer.sign(&claims))).await;
        answer.assert_refused(401, "invalid_client", &claims.to_string());
    }
    for text in ["x", "a.b.c", "..", "\u{e9}.\u{e9}.\u{e9}", &"x".repeat(9_000)] {
        server.post("/token", &with_assertion(&form, text)).await.assert_refused(401, "invalid_client", text);
    }
    Tokens::of(&server.post("/token", &signer.signed(&form)).await);
}

/// Proves RFC 7523 §3: an assertion for another audience is refused.
async fn the_audience_is_the_issuer_and_for_lenient_servers_the_endpoint(database: &Database) {
    const STRICT: &str = "[clients]\nassertion_audience = \"strict\"";
    const LENIENT: &str = "[clients]\nassertion_audience = \"lenient\"";
    for (more, configured_may, registered_may) in [("", false, true), (STRICT, false, false), (LENIENT, true, true)] {
        let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
        let signer = Signer::new(&server);
        let registered = register(&server, &signer).await;
        let configured = format!("configured-{}", more.len());
        add_client(database, &configured, &signer, &[TokenEndpointAuthMethod::PrivateKeyJwt]).await;
        let attempt = async |client_id: &str, audience: Value| {
            let mut claims = signer.claims(client_id);
            claims["aud"] = audience;
            let form = Form::new([("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", client_id)]);
            server.post("/token", &with_assertion(&form, &signer.sign(&claims))).await.error() == "invalid_grant"
        };
        for (client, lenient) in [(&configured, configured_may), (&registered.id, registered_may)] {
            for always in [json!(ISSUER), json!([ISSUER]), json!(format!("{ISSUER}/"))] {
                assert!(attempt(client, always.clone()).await, "{more} {client} {always}");
            }
            assert_eq!(attempt(client, json!(format!("{ISSUER}/token"))).await, lenient, "{more} {client}");
            for never in [json!(format!("{ISSUER}/revoke")), json!([ISSUER, format!("{ISSUER}/token")]), json!([])] {
                assert!(!attempt(client, never.clone()).await, "{more} {client} {never}");
            }
        }
        database.stop_servers().await;
    }
}

async fn two_ways_at_once_are_refused(database: &Database) {
    let server = Server::start(database).await;
    let signer = Signer::new(&server);
    let client = register(&server, &signer).await;
    let form = client.code_request(&client.code().await);
    let signed = || signer.signed(&form);
    for (request, why) in [
        (signed().with("client_secret", "x"), "a secret besides"),
        (signed().without("client_assertion"), "the type alone"),
        (signed().without("client_assertion_type"), "the assertion alone"),
        (signed().and("client_assertion", "x"), "two assertions"),
    ] {
        server.post("/token", &request).await.assert_refused(400, "invalid_request", why);
    }
    let basic = client.post_with_basic(&signed(), &client.id, "").await;
    basic.assert_refused(400, "invalid_request", "a header besides");
    let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    let other_type = signed().with("client_assertion_type", saml);
    server.post("/token", &other_type).await.assert_refused(401, "invalid_client", "another kind of assertion");
    let as_bearer = server.request(Method::POST, "/token").bearer_auth(signer.assertion(&client.id));
    Answer::of(as_bearer.form(form.pairs())).await.assert_refused(401, "invalid_client", "as a bearer token");
    Tokens::of(&server.post("/token", &signed()).await);
}

/// Proves RFC 7521 §4.2: client_id and the subject of the assertion agree.
async fn the_assertion_names_the_client(database: &Database) {
    let server = Server::start(database).await;
    let signer = Signer::new(&server);
    let client = register(&server, &signer).await;
    let public = McpClient::register(&server).await;
    let form = client.code_request(&client.code().await);
    let other_id = with_assertion(&form, &signer.assertion(&client.id)).with("client_id", &public.id);
    server.post("/token", &other_id).await.assert_refused(401, "invalid_client", "another client_id besides");
    // A client without keys cannot be made to have some.
    let for_public = signer.signed(&public.code_request(&public.code().await));
    server.post("/token", &for_public).await.assert_refused(401, "invalid_client", "a public client");
    let unspent = Form::new([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", "")]);
    server.post("/token", &unspent).await.assert_refused(400, "invalid_request", "an empty assertion is none");
    Tokens::of(&server.post("/token", &signer.signed(&form)).await);
}

async fn the_method_of_the_exchange_holds_for_every_refresh(database: &Database) {
    let server = Server::start(database).await;
    let signer = Signer::new(&server);
    let methods = [TokenEndpointAuthMethod::PrivateKeyJwt, TokenEndpointAuthMethod::None];
    add_client(database, "either-way", &signer, &methods).await;
    let client = McpClient::known(&server, "either-way", None, REDIRECT_URI);

    let exchange = signer.signed(&client.code_request(&client.code().await));
    let first = Tokens::of(&server.post("/token", &exchange).await);
    let spent = signer.signed(&client.refresh_request(&first.refresh_token));
    let second = Tokens::of(&server.post("/token", &spent).await);
    for seconds in [0, 301, 3_600] {
        server.advance(seconds);
        let before = database.facts();
        for token in [&first.refresh_token, &second.refresh_token] {
            client.refresh(token).await.assert_refused(400, "invalid_grant", "without the signature of the exchange");
        }
        assert_eq!(database.facts(), before, "a thief without the key ends nothing either");
    }
    let refresh = signer.signed(&client.refresh_request(&second.refresh_token));
    Tokens::of(&server.post("/token", &refresh).await);

    // Who began without a signature may go on without one, and may do more.
    let tokens = client.connect().await;
    let tokens = client.refreshed(&tokens.refresh_token).await;
    let refresh = signer.signed(&client.refresh_request(&tokens.refresh_token));
    let tokens = Tokens::of(&server.post("/token", &refresh).await);
    client.refreshed(&tokens.refresh_token).await;
}

async fn add_client(database: &Database, id: &str, signer: &Signer<'_>, methods: &[TokenEndpointAuthMethod]) {
    let client = Client {
        redirect_uris: vec![REDIRECT_URI.to_owned()],
        auth_methods: methods.to_vec(),
        keys: Some(ClientKeys::Inline(signer.jwks().to_string())),
        ..Client::new(ClientId::new(id), Registration::Configured, Timestamp::from_unix(1))
    };
    database.add_client(client).await;
}

async fn keys_that_cannot_be_fetched_are_excused(database: &Database) {
    let server = Server::start(database).await;
    let signer = Signer::new(&server);
    // An address that is never asked: it is this machine's own.
    let jwks_uri = "https://127.0.0.1/jwks";
    let changes = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": jwks_uri });
    let client = McpClient::register_with(&server, changes).await;
    let form = client.code_request(&client.code().await);
    for _ in 0..3 {
        let answer = server.post("/token", &signer.signed(&form)).await;
        answer.assert_refused(503, "temporarily_unavailable", "its host does not answer");
        assert!(answer.header("retry-after").is_some());
    }
    server.post("/token", &form).await.assert_refused(401, "invalid_client", "nothing is presented");
    assert_eq!(database.count("authorization_codes WHERE consumed_at IS NOT NULL OR failures > 0"), 0);
    assert_eq!(database.count("used_assertions"), 0);
}
