//! The authorization endpoint: RFC 6749 §3.1 and §4.1.1, with PKCE (RFC 7636 §4.3), `iss` (RFC 9207) and resource indicators
//! (RFC 8707 §2.1). Which faults are shown here, and which are told to the client (§4.1.2.1).

use reqwest::Method;
use serde_json::json;

use crate::support::mcp_client::{REDIRECT_URI, path_of};
use crate::support::{
    Answer, Browser, Database, Form, ISSUER, McpClient, Page, Server, Settings, TWO_RESOURCES, Tokens,
    on_both_databases,
};

on_both_databases! {
    a_fault_that_leaves_the_target_in_doubt_is_a_page_and_never_a_redirect,
    every_other_fault_is_told_to_the_client_with_state_and_issuer,
    every_fault_together_with_an_unknown_target_is_a_page,
    repeated_parameters_are_refused,
    unknown_and_empty_parameters_are_ignored,
    state_comes_back_byte_for_byte,
    a_state_that_is_too_long_is_refused_before_anybody_signs_in,
    the_answer_carries_code_state_and_issuer_and_keeps_the_query_of_the_target,
    a_denial_is_told_to_the_client_and_writes_no_code,
    the_same_url_may_be_opened_again_and_each_opening_can_be_finished,
    the_scope_is_what_was_asked_and_is_known,
    with_several_resources_one_must_be_named,
    only_reading_is_answered_and_no_other_origin_may_read_it,
}

/// Opens an authorization request without any session.
async fn open(server: &Server, request: &Form) -> Page {
    Browser::new(server).open(&path_of(request)).await
}

/// Proves RFC 6749 §4.1.2.1: nobody is redirected to an unknown client or an unregistered URI.
async fn a_fault_that_leaves_the_target_in_doubt_is_a_page_and_never_a_redirect(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let good = client.authorization_request();
    let before = database.facts();
    for (request, code) in [
        (Form::default(), "request_invalid"),
        (good.clone().without("client_id"), "request_invalid"),
        (good.clone().with("client_id", ""), "request_invalid"),
        (good.clone().with("client_id", "client_nobody"), "client_unknown"),
        (good.clone().with("client_id", &client.id.to_lowercase()), "client_unknown"),
        (good.clone().with("client_id", "\0"), "request_invalid"),
        (good.clone().with("client_id", "http://client.example/metadata.json"), "client_unknown"),
        (good.clone().and("client_id", &client.id), "request_invalid"),
        (good.clone().and("client_id", "other"), "request_invalid"),
        (good.clone().and("redirect_uri", REDIRECT_URI), "request_invalid"),
        (good.clone().and("redirect_uri", "https://evil.example/"), "request_invalid"),
        (good.clone().with("redirect_uri", "https://evil.example/"), "redirect_uri_refused"),
    ] {
        let page = open(&server, &request).await;
        page.assert_error(400, code);
        assert!(!page.answer.body.contains("evil.example"), "{page:?}");
    }
    for query in ["client_id=%ff", "%", "client_id=%00&redirect_uri=https://evil.example/"] {
        Browser::new(&server).open(&format!("/authorize?{query}")).await.assert_error(400, "request_invalid");
    }
    assert_eq!(database.facts(), before);
}

/// What is wrong with a request whose target is good, and the code that the client is told.
fn faults(good: &Form) -> Vec<(Form, &'static str)> {
    let challenge = good.get("code_challenge").to_owned();
    vec![
        (good.clone().without("response_type"), "invalid_request"),
        (good.clone().with("response_type", "token"), "unsupported_response_type"),
        (good.clone().with("response_type", "code token"), "unsupported_response_type"),
        (good.clone().with("response_type", "CODE"), "unsupported_response_type"),
        (good.clone().with("response_mode", "fragment"), "invalid_request"),
        (good.clone().with("response_mode", "form_post"), "invalid_request"),
        (good.clone().without("code_challenge"), "invalid_request"),
        (good.clone().with("code_challenge", ""), "invalid_request"),
        (good.clone().with("code_challenge", &challenge[..42]), "invalid_request"),
        (good.clone().with("code_challenge", &format!("{challenge}A")), "invalid_request"),
        (good.clone().with("code_challenge", &format!("{}=", &challenge[..42])), "invalid_request"),
        (good.clone().with("code_challenge", &format!("{}+", &challenge[..42])), "invalid_request"),
        (good.clone().with("code_challenge", &"a".repeat(129)), "invalid_request"),
        (good.clone().without("code_challenge_method"), "invalid_request"),
        (good.clone().with("code_challenge_method", "plain"), "invalid_request"),
        (good.clone().with("code_challenge_method", "s256"), "invalid_request"),
        (good.clone().with("code_challenge_method", "S512"), "invalid_request"),
        (good.clone().with("resource", "https://other.example.com/mcp"), "invalid_target"),
        (good.clone().with("resource", "https://mcp.example.com/mcp#x"), "invalid_target"),
        (good.clone().with("resource", "https://mcp.example.com/mcp?x"), "invalid_target"),
        (good.clone().with("resource", "https://user@mcp.example.com/mcp"), "invalid_target"),
        (good.clone().with("resource", "https://mcp.example.com/x/../mcp"), "invalid_target"),
        (good.clone().with("resource", "http://mcp.example.com/mcp"), "invalid_target"),
        (good.clone().with("resource", "/mcp"), "invalid_target"),
        (good.clone().with("resource", "mcp"), "invalid_target"),
        (good.clone().and("resource", "https://other.example.com/mcp"), "invalid_target"),
    ]
}

/// Proves RFC 6749 §4.1.2.1: every other error goes to the client with its state.
async fn every_other_fault_is_told_to_the_client_with_state_and_issuer(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let before = database.facts();
    for (request, error) in faults(&client.authorization_request()) {
        let page = open(&server, &request).await;
        assert_eq!(page.answer.status, 303, "{request:?}");
        assert!(page.left_for.as_ref().is_some_and(|url| url.as_str().starts_with(REDIRECT_URI)), "{page:?}");
        assert_eq!(page.answered("error"), error, "{request:?}");
        assert_eq!(page.answered("state"), "state-of-the-client", "{request:?}");
        assert_eq!(page.answered("iss"), ISSUER, "{request:?}");
        assert_eq!(page.parameter("code"), None, "{request:?}");
        assert_eq!(page.answer.header("set-cookie"), None, "{request:?}");
    }
    assert_eq!(database.facts(), before);
}

async fn every_fault_together_with_an_unknown_target_is_a_page(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for (request, _) in faults(&client.authorization_request()) {
        open(&server, &request.clone().with("client_id", "nobody")).await.assert_error(400, "client_unknown");
        let elsewhere = request.with("redirect_uri", "https://evil.example/callback");
        open(&server, &elsewhere).await.assert_error(400, "redirect_uri_refused");
    }
}

/// Proves RFC 6749 §3.1: a repeated parameter is refused.
async fn repeated_parameters_are_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let good = client.authorization_request().with("scope", "mcp:use").with("response_mode", "query");
    for (name, value) in good.pairs() {
        if ["client_id", "redirect_uri", "resource"].contains(&name.as_str()) {
            continue;
        }
        for second in [value.as_str(), "other", ""] {
            let page = open(&server, &good.clone().and(name, second)).await;
            assert_eq!(page.answered("error"), "invalid_request", "{name}");
            // Of two states neither is the client's for sure.
            let state = (name != "state").then(|| "state-of-the-client".to_owned());
            assert_eq!(page.parameter("state"), state, "{name}");
            assert_eq!(page.answered("iss"), ISSUER, "{name}");
        }
    }
}

/// Proves RFC 6749 §3.1: an unknown parameter is ignored, and an empty one counts as absent.
async fn unknown_and_empty_parameters_are_ignored(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let good = client.authorization_request();
    let odd = [("audience", "x"), ("id_token_hint", "x.y.z"), ("nonce", "n"), ("acr_values", "1")];
    let request = odd.iter().fold(good, |form, (name, value)| form.and(name, value).and(name, value));
    let request = request
        .and("scope", "")
        .and("response_mode", "")
        .and("", "x")
        .and("code", "x")
        .and("iss", "x")
        .and("error", "x");
    Tokens::of(&client.exchange(&client.code_of(&request).await).await);
    let bare = client.authorization_request().without("state").without("resource").without("redirect_uri");
    Tokens::of(&client.exchange(&client.code_of(&bare).await).await);
}

/// Proves RFC 6749 §4.1.2: the state comes back as it was sent.
async fn state_comes_back_byte_for_byte(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    browser.consent_page(&client).await.assert_consent();
    let printable: String = (0x20..=0x7E_u8).map(char::from).collect();
    let longest = "x".repeat(4096);
    for state in [
        printable.as_str(),
        "\u{e9}\u{6f22}\u{1F511}",
        "a\r\nLocation: https://evil.example/",
        "x&code=evil&iss=evil&error=evil",
        "x#fragment",
        "a+b c%20d%2520",
        "\t",
        " ",
        "<script>alert(1)</script>",
        "{\"a\": \"\\u0000\"}",
        "eyJhbGciOiJub25lIn0.e30.",
        &longest,
    ] {
        let request = client.authorization_request().with("state", state);
        let consent = browser.open(&path_of(&request)).await;
        assert!(state.len() < 20 || !consent.answer.body.contains(state), "the page shows the state: {consent:?}");
        let allowed = browser.allow(&consent).await;
        assert_eq!(allowed.answered("state"), state);
        assert!(allowed.answered("code").starts_with("gatelodge_code_"));
        let denied = browser.open(&path_of(&request)).await;
        assert_eq!(browser.deny(&denied).await.answered("state"), state);
        let refused = browser.open(&path_of(&request.with("response_type", "token"))).await;
        assert_eq!(
            (refused.answered("state").as_str(), refused.answered("error").as_str()),
            (state, "unsupported_response_type")
        );
    }
}

async fn a_state_that_is_too_long_is_refused_before_anybody_signs_in(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for length in [4097, 20_000] {
        let page = open(&server, &client.authorization_request().with("state", &"x".repeat(length))).await;
        assert_eq!((page.answered("error").as_str(), page.parameter("state")), ("invalid_request", None));
        assert_eq!(page.answered("iss"), ISSUER);
    }
}

/// Proves RFC 9207 §2: the authorization response names the issuer.
async fn the_answer_carries_code_state_and_issuer_and_keeps_the_query_of_the_target(database: &Database) {
    let server = Server::start(database).await;
    for target in [
        "https://client.example/callback?tenant=1&empty=",
        "http://127.0.0.1:4711/cb",
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ] {
        let client = McpClient::register_with(&server, json!({ "redirect_uris": [target] })).await;
        let mut browser = Browser::new(&server);
        let consent = browser.consent_page(&client).await;
        let allowed = browser.allow(&consent).await;
        let location = allowed.answer.header("location").expect("a location");
        let separator = if target.contains('?') { "&code=" } else { "?code=" };
        assert!(location.starts_with(&format!("{target}{separator}")), "{location}");
        assert!(!location.contains('#'), "{location}");
        assert_eq!(
            (allowed.answered("state").as_str(), allowed.answered("iss").as_str()),
            ("state-of-the-client", ISSUER)
        );
        Tokens::of(&client.exchange(&allowed.answered("code")).await);
    }
}

/// Proves RFC 6749 §4.1.2.1: a denial is told as access_denied.
async fn a_denial_is_told_to_the_client_and_writes_no_code(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    let denied = browser.deny(&consent).await;
    assert_eq!(denied.answered("error"), "access_denied");
    assert_eq!((denied.answered("state").as_str(), denied.answered("iss").as_str()), ("state-of-the-client", ISSUER));
    assert_eq!(denied.parameter("code"), None);
    assert_eq!((database.count("authorization_codes"), database.count("grants")), (0, 0));
    browser.allow(&consent).await.assert_error(400, "request_ended");
    assert_eq!((database.count("authorization_codes"), database.count("grants")), (0, 0));
}

async fn the_same_url_may_be_opened_again_and_each_opening_can_be_finished(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    // FastMCP fetches the URL once itself, without cookies, before it opens the browser.
    server.get(&client.authorize_path()).await;
    let mut browser = Browser::new(&server);
    let (first, second) = (browser.open(&client.authorize_path()).await, browser.open(&client.authorize_path()).await);
    assert_ne!(first.path, second.path);
    let consent = browser.sign_in(&second, "ada").await;
    let code = browser.allow(&consent).await.answered("code");
    Tokens::of(&client.exchange(&code).await);
    let consent = browser.open(&first.path).await;
    let code = browser.allow(&consent).await.answered("code");
    Tokens::of(&client.exchange(&code).await);
}

/// Proves RFC 6749 §3.3: the scope may be less than was asked for, and the client is told.
async fn the_scope_is_what_was_asked_and_is_known(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for (asked, granted) in [
        ("mcp:use", "mcp:use"),
        ("notes:write notes:read", "notes:write notes:read"),
        ("notes:read notes:read", "notes:read"),
        ("notes:read openid offline_access", "notes:read"),
        ("openid profile email", "mcp:use"),
        ("NOTES:READ", "mcp:use"),
        ("notes:read,notes:write", "mcp:use"),
        ("notes:read \"quoted\" back\\slash \u{e9}", "notes:read"),
        ("  notes:read  ", "notes:read"),
        ("", "mcp:use"),
    ] {
        let tokens = client.connect_with(&client.authorization_request().with("scope", asked)).await;
        assert_eq!(tokens.scope, granted, "{asked}");
        assert_eq!(crate::support::claims(&tokens.access_token)["scope"], granted, "{asked}");
    }
}

/// Proves RFC 8707 §2: an ambiguous or unknown resource is invalid_target.
async fn with_several_resources_one_must_be_named(database: &Database) {
    let server = Server::start_with(database, Settings { resources: TWO_RESOURCES, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let page = open(&server, &client.authorization_request().without("resource")).await;
    assert_eq!(page.answered("error"), "invalid_target");
    let page = open(&server, &client.authorization_request().and("resource", "https://mcp.example.com/other")).await;
    assert_eq!(page.answered("error"), "invalid_target");
    open(&server, &client.authorization_request().and("resource", "https://mcp.example.com/mcp/")).await.assert_login();
}

async fn only_reading_is_answered_and_no_other_origin_may_read_it(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let request = server.request(method.clone(), &client.authorize_path()).header("origin", "https://evil.example");
        let answer = Answer::of(request.header("access-control-request-method", "GET")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{method}");
    }
    for method in [Method::GET, Method::HEAD] {
        let request = server.request(method.clone(), &client.authorize_path()).header("origin", "https://evil.example");
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 303, "{method}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{method}");
    }
}
