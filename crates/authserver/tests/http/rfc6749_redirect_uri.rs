//! The redirect URI of an authorization request: byte for byte the registered one (RFC 6749 §3.1.2.3), with the port of
//! loopback URIs free (RFC 8252 §7.3). Everything else gets the local page and no `Location` at all.

use serde_json::json;

use crate::support::mcp_client::path_of;
use crate::support::{Browser, Database, McpClient, Server, Tokens, on_both_databases};

on_both_databases! {
    no_near_miss_of_a_website_is_redirected_to,
    no_near_miss_of_a_loopback_address_is_redirected_to,
    no_near_miss_of_a_private_use_scheme_is_redirected_to,
    the_port_of_a_loopback_address_is_free_and_stays_the_same_at_the_token_endpoint,
    it_may_be_left_out_when_one_is_registered,
}

async fn assert_refused(server: &Server, client: &McpClient<'_>, near_misses: &[&str]) {
    assert!(near_misses.len() >= 20, "{}", near_misses.len());
    for uri in near_misses {
        let path = path_of(&client.authorization_request().with("redirect_uri", uri));
        Browser::new(server).open(&path).await.assert_error(400, "redirect_uri_refused");
    }
    Browser::new(server).open(&client.authorize_path()).await.assert_login();
}

/// Proves RFC 9700 §4.1.3: redirect URIs are compared as strings.
async fn no_near_miss_of_a_website_is_redirected_to(database: &Database) {
    let server = Server::start(database).await;
    let metadata = json!({ "redirect_uris": ["https://client.example/cb?tenant=1", "https://client.example/other"] });
    let client = McpClient::register_with(&server, metadata).await;
    let near_misses = [
        "https://client.example/cb",
        "https://client.example/cb?",
        "https://client.example/cb?tenant=2",
        "https://client.example/cb?tenant=1&x=y",
        "https://client.example/cb?x=y&tenant=1",
        "https://client.example/cb?tenant=1#",
        "https://client.example/cb?tenant=1#x",
        "https://client.example/cb/?tenant=1",
        "https://client.example/cb/../cb?tenant=1",
        "https://client.example/./cb?tenant=1",
        "https://client.example//cb?tenant=1",
        "https://client.example/CB?tenant=1",
        "https://client.example/%63b?tenant=1",
        "https://client.example/cb%3Ftenant=1",
        "https://client.example/other/",
        "https://client.example/other?",
        "https://client.example/other?tenant=1",
        "https://client.example/otherwise",
        "https://client.example/",
        "https://client.example",
        "HTTPS://client.example/other",
        "https://CLIENT.example/other",
        "https://client.example./other",
        "https://client.example:443/other",
        "https://client.example:8443/other",
        "https://user@client.example/other",
        "https://user:password@client.example/other",
        "http://client.example/other",
        "https:client.example/other",
        "https:/client.example/other",
        "https:///client.example/other",
        "//client.example/other",
        "/other",
        "other",
        "https://client.example.evil.example/other",
        "https://client.example@evil.example/other",
        "https://evil.example/client.example/other",
        "https://evil.example#https://client.example/other",
        "https://evil.example\\@client.example/other",
        "https://client.example\\other",
        "https://sub.client.example/other",
        "https://client.example/other\t",
        "https://client.example/other ",
        " https://client.example/other",
        "https://client.example/other\r\nSet-Cookie: x=y",
        "https://client.example/other%00",
        "https://client.example/other;x",
        "https://client.ex\u{430}mple/other",
        "https://client\u{3002}example/other",
        "https://*/other",
        "javascript:alert(1)",
        "javascript://client.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "ftp://client.example/other",
        "client.example:/other",
        "*",
        "null",
        "urn:ietf:wg:oauth:2.0:oob",
        "https://client.example/other, https://evil.example/",
    ];
    assert!(near_misses.len() >= 60, "{}", near_misses.len());
    assert_refused(&server, &client, &near_misses).await;
}

/// Proves RFC 8252 §7.3: of a loopback address only the port is free.
async fn no_near_miss_of_a_loopback_address_is_redirected_to(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register_with(&server, json!({ "redirect_uris": ["http://127.0.0.1:4711/cb"] })).await;
    let near_misses = [
        "http://localhost:4711/cb",
        "http://[::1]:4711/cb",
        "http://0.0.0.0:4711/cb",
        "http://127.0.0.2:4711/cb",
        "http://127.1:4711/cb",
        "http://2130706433:4711/cb",
        "http://0x7f.0.0.1:4711/cb",
        "http://0177.0.0.1:4711/cb",
        "http://127.0.0.1.:4711/cb",
        "http://127.0.0.1.evil.example:4711/cb",
        "http://127.0.0.1@evil.example:4711/cb",
        "http://evil.example@127.0.0.1:4711/cb",
        "http://user:password@127.0.0.1:4711/cb",
        "http://127.0.0.1:4711@evil.example/cb",
        "http://evil.example:4711/cb",
        "https://127.0.0.1:4711/cb",
        "HTTP://127.0.0.1:4711/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:-1/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:04711/cb",
        "http://127.0.0.1: 4711/cb",
        "http://127.0.0.1:80/cb",
        "http://127.0.0.1:4711/cb/",
        "http://127.0.0.1:4711/CB",
        "http://127.0.0.1:4711/cb?x=y",
        "http://127.0.0.1:4711/cb#x",
        "http://127.0.0.1:4711/%63b",
        "http://127.0.0.1:4711/x/../cb",
        "http://127.0.0.1:4711//cb",
        "http://127.0.0.1:4711\\cb",
        "http://127.0.0.1:4711",
        "http:127.0.0.1:4711/cb",
        "http://[::ffff:127.0.0.1]:4711/cb",
    ];
    assert_refused(&server, &client, &near_misses).await;
}

/// Proves RFC 8252 §7.1: private-use schemes are compared as strings.
async fn no_near_miss_of_a_private_use_scheme_is_redirected_to(database: &Database) {
    let server = Server::start(database).await;
    let client =
        McpClient::register_with(&server, json!({ "redirect_uris": ["cursor://anysphere.cursor-mcp/cb"] })).await;
    let near_misses = [
        "cursor://anysphere.cursor-mcp/cb/",
        "cursor://anysphere.cursor-mcp/cb?x",
        "cursor://anysphere.cursor-mcp/cb#x",
        "cursor://anysphere.cursor-mcp:1/cb",
        "cursor://anysphere.cursor-mcp/",
        "cursor://anysphere.cursor-mcp",
        "cursor://anysphere.cursor-retrieval/cb",
        "cursor://ANYSPHERE.cursor-mcp/cb",
        "cursor://user@anysphere.cursor-mcp/cb",
        "cursor:anysphere.cursor-mcp/cb",
        "cursor:/anysphere.cursor-mcp/cb",
        "cursor:///anysphere.cursor-mcp/cb",
        "cursor:\\\\anysphere.cursor-mcp\\cb",
        "CURSOR://anysphere.cursor-mcp/cb",
        "cursors://anysphere.cursor-mcp/cb",
        "xcursor://anysphere.cursor-mcp/cb",
        "vscode://anysphere.cursor-mcp/cb",
        "https://anysphere.cursor-mcp/cb",
        "javascript://anysphere.cursor-mcp/cb",
        "cursor://anysphere.cursor-mcp/%63b",
        "cursor://anysphere.cursor-mcp/x/../cb",
    ];
    assert_refused(&server, &client, &near_misses).await;
}

/// Proves RFC 8252 §7.3: any port of a loopback address is taken.
async fn the_port_of_a_loopback_address_is_free_and_stays_the_same_at_the_token_endpoint(database: &Database) {
    let server = Server::start(database).await;
    for (registered, used, other) in [
        ("http://127.0.0.1/callback", "http://127.0.0.1:53280/callback", "http://127.0.0.1:53281/callback"),
        ("http://127.0.0.1:33418/", "http://127.0.0.1:40001/", "http://127.0.0.1:33418/"),
        ("http://localhost/callback", "http://localhost:8787/callback", "http://localhost/callback"),
        ("http://[::1]/callback", "http://[::1]:1/callback", "http://[::1]:65535/callback"),
        ("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:2/"),
    ] {
        let mut client = McpClient::register_with(&server, json!({ "redirect_uris": [registered] })).await;
        used.clone_into(&mut client.redirect_uri);
        let code = client.code().await;
        let wrong = client.code_request(&code).with("redirect_uri", other);
        server.post("/token", &wrong).await.assert_refused(400, "invalid_grant", other);
        Tokens::of(&client.exchange(&code).await);
    }
}

/// Proves RFC 6749 §3.1.2.3: the redirect URI may be left out when one is registered.
async fn it_may_be_left_out_when_one_is_registered(database: &Database) {
    let server = Server::start(database).await;
    let one = McpClient::register(&server).await;
    let code = one.code_of(&one.authorization_request().without("redirect_uri")).await;
    Tokens::of(&one.exchange(&code).await);
    let two = json!({ "redirect_uris": ["https://client.example/1", "https://client.example/2"] });
    let two = McpClient::register_with(&server, two).await;
    let path = path_of(&two.authorization_request().without("redirect_uri"));
    Browser::new(&server).open(&path).await.assert_error(400, "request_invalid");
}
