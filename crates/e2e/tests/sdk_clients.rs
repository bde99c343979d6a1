//! The official SDKs, each with its own OAuth client, walk from the first 401 to a refreshed token against the real
//! binaries, with a person in real Chromium. What is asserted is what crossed the wire and what the upstream saw.

use gatelodge_e2e::{
    clients::{Client, Person, Sdk},
    postgres,
    requirements::available_or_skip,
    stack::{ACCESS_TOKEN_LIFETIME_S, Settings, Stack},
};
use serde_json::{Value, json};
use url::form_urlencoded;

const USERNAME: &str = "alice";
const PASSWORD: &str = "correct horse battery staple";
const CLIENT_NAME: &str = "Gatelodge end-to-end test";

#[test]
fn typescript_sdk_v1_walks_the_whole_flow_and_refreshes() {
    walk_and_refresh(&Settings::new("typescript_sdk_v1"), Sdk::TypeScriptV1, "2025-11-25", &[]);
}

#[test]
fn typescript_sdk_v2_walks_the_whole_flow_and_refreshes() {
    walk_and_refresh(&Settings::new("typescript_sdk_v2"), Sdk::TypeScriptV2, "2025-11-25", &[]);
}

#[test]
fn typescript_sdk_v2_walks_the_whole_flow_without_a_handshake() {
    let negotiate = [("VERSION_NEGOTIATION", "auto")];
    let settings = Settings::new("typescript_sdk_v2_without_handshake");
    walk_and_refresh(&settings, Sdk::TypeScriptV2, "2026-07-28", &negotiate);
}

#[test]
fn python_sdk_v1_walks_the_whole_flow_and_refreshes() {
    walk_and_refresh(&Settings::new("python_sdk_v1"), Sdk::PythonV1, "2025-11-25", &[]);
}

#[test]
fn python_sdk_v2_walks_the_whole_flow_and_refreshes() {
    walk_and_refresh(&Settings::new("python_sdk_v2"), Sdk::PythonV2, "2026-07-28", &[]);
}

#[test]
fn python_sdk_v2_walks_the_whole_flow_and_refreshes_on_postgresql() {
    let name = "python_sdk_v2_on_postgresql";
    let Some(server) = postgres::for_test(name) else { return };
    let settings = Settings { database_url: Some(server.fresh_database()), ..Settings::new(name) };
    walk_and_refresh(&settings, Sdk::PythonV2, "2026-07-28", &[]);
}

#[test]
fn consent_denied_reaches_the_client_as_access_denied() {
    let name = "consent_denied";
    let Some(client) = available_or_skip(name, Client::prepare(Sdk::TypeScriptV2)) else { return };
    let stack = start(&Settings::new(name));
    let report = client.walk(&stack, Person { username: USERNAME, password: PASSWORD, allows: false }, &[]);

    assert_eq!(report["outcome"], "refused");
    let response = json!({ "error": "access_denied", "state_matches": true, "iss": stack.public_url });
    assert_eq!(report["authorization_response"], response);
    assert_eq!(report["token_requests"], json!([]), "there was nothing to exchange");
    assert_no_secret_in_the_logs(&stack, &report);
    stack.stop();
}

fn walk_and_refresh(settings: &Settings, sdk: Sdk, protocol_revision: &str, variables: &[(&str, &str)]) {
    let Some(client) = available_or_skip(&settings.name, Client::prepare(sdk)) else { return };
    let stack = start(settings);
    let report = client.walk(&stack, Person { username: USERNAME, password: PASSWORD, allows: true }, variables);

    assert_eq!(report["outcome"], "authorized");
    assert_eq!(report["protocol_revision"], protocol_revision);
    assert_discovery_and_registration(&stack, &report);
    assert_browser_visit(&stack, &report);
    assert_tokens(&stack, &report);
    assert_tools(&report);
    assert_upstream_saw_the_user_and_no_token(&report);
    assert_no_secret_in_the_logs(&stack, &report);
    stack.stop();
}

fn start(settings: &Settings) -> Stack {
    let stack = Stack::start(settings);
    stack.add_user(USERNAME, PASSWORD);
    stack
}

fn assert_discovery_and_registration(stack: &Stack, report: &Value) {
    let exchanges = list(&report["exchanges"]);
    assert_eq!(exchanges[0], "POST /mcp 401");
    for expected in [
        "GET /.well-known/oauth-protected-resource/mcp 200",
        "GET /.well-known/oauth-authorization-server 200",
        "POST /register 201",
    ] {
        assert!(exchanges.contains(&json!(expected)), "{expected} is not among {exchanges:?}");
    }
    let challenge = format!(
        r#"Bearer resource_metadata="{}/.well-known/oauth-protected-resource/mcp", scope="mcp:use""#,
        stack.public_url
    );
    assert_eq!(report["challenges"][0], challenge);
    assert_eq!(report["client"]["client_name"], CLIENT_NAME);
    assert_eq!(report["client"]["token_endpoint_auth_method"], "none");
    assert!(report["client"].get("client_secret").is_none(), "a public client was given a secret");
}

fn assert_browser_visit(stack: &Stack, report: &Value) {
    let browser = &report["browser"];
    let consent = |field: &str| browser["consent"][field].as_str().unwrap_or_default().to_owned();
    assert_eq!(consent("client_name"), CLIENT_NAME);
    assert_eq!(consent("resource_name"), "Notes");
    assert!(consent("account").contains(USERNAME), "the account shown is {:?}", consent("account"));
    let redirect_uri = report["client"]["redirect_uris"][0].as_str().expect("the client registered one redirect URI");
    let host = url::Url::parse(redirect_uri).expect("it is a URL").host_str().expect("it has a host").to_owned();
    assert!(consent("redirect_host").contains(&host), "the redirect host shown is {:?}", consent("redirect_host"));
    assert_ne!(consent("loopback_warning"), "", "any program on this machine could have asked");

    let cookies = list(&browser["cookies"]);
    assert!(!cookies.is_empty(), "nobody stays signed in without a cookie");
    assert!(cookies.iter().all(|cookie| cookie["httpOnly"] == true && cookie["sameSite"] != "None"), "{cookies:?}");

    let response = json!({ "error": null, "state_matches": true, "iss": stack.public_url });
    assert_eq!(report["authorization_response"], response);
}

fn assert_tokens(stack: &Stack, report: &Value) {
    let requests = list(&report["token_requests"]);
    let grants: Vec<&Value> = requests.iter().map(|request| &request["grant_type"]).collect();
    assert_eq!(grants, ["authorization_code", "refresh_token", "refresh_token"]);
    for request in requests {
        assert_eq!(request["status"], 200, "{request}");
        assert_eq!(request["resource"], stack.mcp_url, "{request}");
        assert_eq!(request["scope"], "mcp:use", "{request}");
        assert_eq!(request["expires_in"], ACCESS_TOKEN_LIFETIME_S, "{request}");
        assert_eq!(request["new_access_token"], true, "{request}");
        assert_eq!(request["new_refresh_token"], true, "a used refresh token was not rotated: {request}");
        assert_eq!(request["cache_control"], "no-store", "{request}");
    }
}

fn assert_tools(report: &Value) {
    let hints = |name: &str| {
        let tool = list(&report["tools"]).iter().find(|tool| tool["name"] == name);
        tool.unwrap_or_else(|| panic!("{name} is not among {}", report["tools"]))["annotations"]["readOnlyHint"].clone()
    };
    assert_eq!((hints("list_notes"), hints("add_note")), (json!(true), json!(false)));
}

fn assert_upstream_saw_the_user_and_no_token(report: &Value) {
    let calls = list(&report["calls"]);
    let tools: Vec<&Value> = calls.iter().map(|call| &call["tool"]).collect();
    assert_eq!(tools, ["add_note", "list_notes", "list_notes"]);
    let subject = &calls[0]["result"]["note"]["author"];
    assert!(subject.as_str().is_some_and(|subject| !subject.is_empty() && subject != "anonymous"), "{subject}");
    for call in calls {
        let caller = &call["result"]["caller"];
        assert_eq!(&caller["identity"]["x-mcp-auth-sub"], subject);
        assert_eq!(caller["identity"]["x-mcp-auth-client-id"], report["client"]["client_id"]);
        assert_eq!(caller["identity"]["x-mcp-auth-scopes"], "mcp:use");
        assert_eq!(caller["authorization_received"], false, "the client's token was passed on to the upstream");
    }
    assert_eq!(&calls[2]["result"]["notes"][0]["author"], subject);
}

/// Access and refresh tokens, code, verifier, state, cookies, form tokens, password: the logs are at level debug.
fn assert_no_secret_in_the_logs(stack: &Stack, report: &Value) {
    let seen: Vec<&str> = list(&report["secrets"]).iter().filter_map(Value::as_str).chain([PASSWORD]).collect();
    assert!(seen.len() > 4, "the driver saw hardly any secrets: it no longer looks");
    for (name, log) in stack.logs() {
        assert!(!log.is_empty(), "{name} logs nothing at all");
        for secret in &seen {
            // A part is a leak too: the signature alone of a JWT, the form in which it stands in a query.
            let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let last = secret.rsplit('.').next().filter(|part| part.len() > 16).unwrap_or(secret);
            for form in [secret, encoded.as_str(), last] {
                let line = log.lines().find(|line| line.contains(form));
                assert!(line.is_none(), "{name} logged the secret {form}: {}", line.unwrap_or_default());
            }
        }
    }
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}
