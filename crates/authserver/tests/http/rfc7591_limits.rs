//! Registration as an attack: RFC 7591 §5. Everybody may register, so it costs little, is limited by source, and what nobody
//! ever used is cleared away. Nothing of it reaches a client that was allowed something.

use reqwest::Method;
use serde_json::json;

use crate::rfc7591_registration::register;
use crate::support::{Answer, Browser, Database, McpClient, Server, Settings, on_any_database, on_both_databases};

on_both_databases! {
    clients_beyond_the_cap_push_out_the_oldest_that_were_never_used,
    a_client_whose_request_is_on_the_screen_is_not_pushed_out,
}

on_any_database! {
    too_many_registrations_are_told_when_to_come_back,
    a_source_is_the_address_behind_the_trusted_proxies_and_nothing_else,
    updates_count_as_registrations,
}

const FEW: &str = "[registration]\nmax_unused_clients = 10";

async fn register_number(server: &Server, number: u32) -> Answer {
    register(server, &json!({ "client_name": number.to_string(), "redirect_uris": ["https://client.example/cb"] }))
        .await
}

async fn clients_beyond_the_cap_push_out_the_oldest_that_were_never_used(database: &Database) {
    let server = Server::start_with(database, Settings { more: FEW, ..Settings::default() }).await;
    let granted = McpClient::register(&server).await;
    let tokens = granted.connect().await;
    let forgotten = register_number(&server, 0).await.member("client_id");
    let returning = json!({ "client_name": "returning", "redirect_uris": ["https://client.example/cb"] });
    let mut known = register(&server, &returning).await.member("client_id");
    for number in 1..=50 {
        server.advance(1);
        register_number(&server, number).await;
        assert!(database.count("clients") <= 11, "ten, and the one that was allowed something");
        let again = register(&server, &returning).await.member("client_id");
        assert_eq!(again, known, "who registers again is as young as the youngest");
        known = again;
    }
    assert_eq!(database.count(&format!("clients WHERE id = '{forgotten}'")), 0);
    granted.refreshed(&tokens.refresh_token).await;
    granted.connect().await;
}

async fn a_client_whose_request_is_on_the_screen_is_not_pushed_out(database: &Database) {
    let server = Server::start_with(database, Settings { more: FEW, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    for number in 0..30 {
        server.advance(1);
        register_number(&server, number).await;
    }
    assert_eq!(database.count("clients"), 11);
    let code = browser.allow(&consent).await.answered("code");
    assert_eq!(client.exchange(&code).await.status, 200);
    register_number(&server, 31).await;
    assert_eq!(database.count("clients"), 11, "now it is one that was allowed something");
}

/// Proves RFC 7591 §5: registrations are limited in rate.
async fn too_many_registrations_are_told_when_to_come_back(database: &Database) {
    // The numbers that are shipped.
    let server = Server::start_with(database, Settings { limits: "", ..Settings::default() }).await;
    for number in 0..10 {
        assert_eq!(register_number(&server, number).await.status, 201, "{number}");
    }
    for _ in 0..20 {
        let refused = register_number(&server, 0).await;
        refused.assert_refused(429, "too_many_requests", "the eleventh in a minute");
        assert_eq!(refused.header("retry-after"), Some("6"));
    }
    let request = server.request(Method::POST, "/register").header("origin", "https://inspector.example");
    let refused = Answer::of(request.header("content-type", "application/json").body("{}")).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (429, Some("*")));
    assert_eq!(database.count("clients"), 10, "a refused registration does not reach the database");
    server.advance(6);
    assert_eq!(register_number(&server, 0).await.status, 201);
    assert_eq!(register_number(&server, 0).await.status, 429);
    assert_eq!(server.get("/.well-known/oauth-authorization-server").await.status, 200, "nothing else is limited");
}

async fn a_source_is_the_address_behind_the_trusted_proxies_and_nothing_else(database: &Database) {
    let limits = "registrations_per_source = 1\nregistrations = 1000";
    let ask = async |server: &Server, lines: &[&str]| {
        let request = server.request(Method::POST, "/register").header("content-type", "application/json");
        let request = lines.iter().fold(request, |request, line| request.header("x-forwarded-for", *line));
        let request = request.header("forwarded", "for=198.51.100.77").header("x-real-ip", "198.51.100.78");
        Answer::of(request.body(json!({ "redirect_uris": ["https://client.example/cb"] }).to_string())).await.status
    };
    let untrusting = Settings { limits, ..Settings::default() };
    let server = Server::start_with(database, untrusting).await;
    assert_eq!(ask(&server, &["198.51.100.1"]).await, 201);
    for spoofed in [&["198.51.100.2"][..], &["203.0.113.9, 198.51.100.3"], &["127.0.0.1"], &["::1"], &[]] {
        assert_eq!(ask(&server, spoofed).await, 429, "{spoofed:?}: nobody is trusted by default");
    }
    database.stop_servers().await;
    let trusting =
        Settings { limits, trusted_proxies: "[\"127.0.0.0/8\", \"::1\", \"10.0.0.0/8\"]", ..Settings::default() };
    let server = Server::start_with(database, trusting).await;
    assert_eq!(ask(&server, &["198.51.100.1"]).await, 201);
    for same in [
        &["198.51.100.1"][..],
        &["203.0.113.1, 198.51.100.1"],
        &["203.0.113.2", "198.51.100.1"],
        &["203.0.113.3, 198.51.100.1, 10.1.2.3"],
        &["::ffff:198.51.100.1"],
        &["198.51.100.1:4711"],
    ] {
        assert_eq!(ask(&server, same).await, 429, "{same:?} is the same client");
    }
    assert_eq!(ask(&server, &["198.51.100.1, 198.51.100.2"]).await, 201, "another client");
    assert_eq!(ask(&server, &["2001:db8:0:1::1"]).await, 201);
    assert_eq!(ask(&server, &["2001:db8:0:1:ffff::2"]).await, 429, "the same /64");
    assert_eq!(ask(&server, &["2001:db8:0:2::1"]).await, 201);
}

async fn updates_count_as_registrations(database: &Database) {
    let limits = "registrations_per_source = 2\nregistrations = 1000";
    let server = Server::start_with(database, Settings { limits, ..Settings::default() }).await;
    let put = async || {
        let request = server.request(Method::PUT, "/register/x").header("content-type", "application/json");
        Answer::of(request.body("{}")).await.status
    };
    assert_eq!([put().await, put().await, put().await], [401, 401, 429]);
}
