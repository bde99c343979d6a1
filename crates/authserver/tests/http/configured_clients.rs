//! Clients of `[[client]]` and of `gatelodge client`: they need no registration, prove themselves with what their operator
//! gave them, and stay within their limits.

use serde_json::json;

use crate::support::binary::Workplace;

use crate::support::{Answer, Browser, Database, Form, McpClient, Server, Settings, TWO_RESOURCES, Tokens};
use crate::support::{on_any_database, on_both_databases};

on_both_databases! {
    a_configured_client_gets_tokens_without_registering,
    a_configured_client_stays_within_its_scopes_and_resources,
    a_limit_that_came_later_holds_for_what_was_granted_before,
}

on_any_database! {
    a_secret_of_any_form_proves_a_configured_client_and_no_other_does,
    nobody_registers_over_a_configured_client,
}

/// SHA-256 of `a secret chosen by the operator`.
const CLIENTS: &str = r#"
[registration]
dcr = "off"
[[client]]
id = "wiki"
name = "Company Wiki"
redirect_uris = ["https://wiki.example/callback"]
secret_sha256 = "17e5318cb7849b3655f832516a6a4191bf74aa749e5c08cd7b75cdb916b4da63"
[[client]]
id = "https://desk.example/client.json"
name = "Desk"
redirect_uris = ["http://127.0.0.1/callback"]
scopes = ["notes:read"]
[[client]]
id = "bot:1"
name = "Bot"
redirect_uris = ["https://bot.example/callback"]
secret = "päss word of 22+ charact€rs:%"
token_endpoint_auth_method = "client_secret_post"
"#;

const WIKI_SECRET: &str = "a secret chosen by the operator";
const BOT_SECRET: &str = "päss word of 22+ charact€rs:%";

async fn start(database: &Database, more: &'static str) -> Server {
    Server::start_with(database, Settings { more, ..Settings::default() }).await
}

async fn a_configured_client_gets_tokens_without_registering(database: &Database) {
    let server = start(database, CLIENTS).await;
    let desk = McpClient::known(&server, "https://desk.example/client.json", None, "http://127.0.0.1:40001/callback");
    let consent = Browser::new(&server).consent_page(&desk).await;
    assert!(consent.answer.body.contains("Desk"), "{consent:?}");
    assert!(
        !consent.answer.body.contains("Unverified")
            && consent.answer.body.contains("Set up by whoever runs this server"),
        "its operator vouches for it: {consent:?}"
    );
    let tokens = desk.connect().await;
    desk.refreshed(&tokens.refresh_token).await;
    let wiki = McpClient::known(&server, "wiki", Some(WIKI_SECRET), "https://wiki.example/callback");
    let code = wiki.code().await;
    Tokens::of(&wiki.post_with_basic(&wiki.code_request(&code), "wiki", WIKI_SECRET).await);
    assert_eq!(database.count("clients"), 0, "they are not in the database");
}

async fn a_secret_of_any_form_proves_a_configured_client_and_no_other_does(database: &Database) {
    let server = start(database, CLIENTS).await;
    let bot = McpClient::known(&server, "bot:1", Some(BOT_SECRET), "https://bot.example/callback");
    let code = bot.code().await;
    let form = bot.code_request(&code);
    let longer = format!("{BOT_SECRET} ");
    for wrong in [WIKI_SECRET, "17e5318cb7849b3655f832516a6a4191bf74aa749e5c08cd7b75cdb916b4da63", "x", &longer] {
        let answer = server.post("/token", &form.clone().with("client_secret", wrong)).await;
        answer.assert_refused(401, "invalid_client", wrong);
    }
    server.post("/token", &form).await.assert_refused(401, "invalid_client", "no secret");
    Tokens::of(&server.post("/token", &form.with("client_secret", BOT_SECRET)).await);
}

async fn a_configured_client_stays_within_its_scopes_and_resources(database: &Database) {
    let server = start(database, CLIENTS).await;
    let desk = McpClient::known(&server, "https://desk.example/client.json", None, "http://127.0.0.1:40001/callback");
    for scope in ["", "notes:read", "notes:write", "notes:read notes:write", "notes:read mcp:use offline_access"] {
        let tokens = desk.connect_with(&desk.authorization_request().with("scope", scope)).await;
        assert_eq!(tokens.scope, "notes:read", "{scope}");
    }
    database.stop_servers().await;

    let more = "[[client]]\nid = \"o\"\nname = \"O\"\nredirect_uris = [\"https://o.example/cb\"]\nresources = [\"https://mcp.example.com/other\"]";
    let server = Server::start_with(database, Settings { resources: TWO_RESOURCES, more, ..Settings::default() }).await;
    let other = McpClient::known(&server, "o", None, "https://o.example/cb");
    let refused = Browser::new(&server).open(&server.at(&path_of(&other.authorization_request()))).await;
    assert_eq!(refused.answered("error"), "invalid_target");
    let unnamed = other.authorization_request().without("resource");
    let code = other.code_of(&unnamed).await;
    let tokens = Tokens::of(&server.post("/token", &other.code_request(&code).without("resource")).await);
    assert_eq!(crate::support::claims(&tokens.access_token)["aud"], "https://mcp.example.com/other");
}

async fn a_limit_that_came_later_holds_for_what_was_granted_before(database: &Database) {
    const FREE: &str = "[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]";
    const LIMITED: &str =
        "[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nscopes = [\"notes:read\"]";
    const EMPTIED: &str =
        "[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nscopes = [\"notes:write\"]";
    let known = |server| McpClient::known(server, "c", None, "https://c.example/cb");
    let server = start(database, FREE).await;
    let client = known(&server);
    let asked = client.authorization_request().with("scope", "mcp:use notes:read");
    let tokens = client.connect_with(&asked).await;
    assert_eq!(tokens.scope, "mcp:use notes:read");
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.at(&path_of(&asked))).await;
    let consent = browser.sign_in(&page, "ada").await;
    let (clock, cookies, verifier) = (server.clock.clone(), browser.cookies.clone(), client.verifier.clone());
    database.stop_servers().await;

    let settings = |more| Settings { more, ..Settings::default() };
    let server = Server::start_at(database, settings(LIMITED), clock.clone()).await;
    let refreshed = known(&server).refreshed(&tokens.refresh_token).await;
    assert_eq!(refreshed.scope, "notes:read");
    let mut same_browser = Browser::new(&server);
    same_browser.cookies = cookies;
    let code = same_browser.allow(&consent).await.answered("code");
    let mut same_client = known(&server);
    same_client.verifier = verifier;
    let granted = Tokens::of(&same_client.exchange(&code).await);
    assert_eq!(granted.scope, "notes:read", "consent was asked before and given after the limit came");
    database.stop_servers().await;

    let server = Server::start_at(database, settings(EMPTIED), clock).await;
    let refused = known(&server).refresh(&refreshed.refresh_token).await;
    refused.assert_refused(400, "invalid_grant", "nothing is left of what was granted");
}

async fn nobody_registers_over_a_configured_client(database: &Database) {
    let server =
        start(database, "[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]").await;
    let body = json!({ "client_id": "c", "client_name": "C", "redirect_uris": ["https://evil.example/cb"] });
    let answer: Answer = server.post_bytes("/register", "application/json", body.to_string()).await;
    assert_eq!(answer.status, 201);
    assert_ne!(answer.member("client_id"), "c");
    // A row of the same name, however it came there, changes nothing.
    database.execute(
        "INSERT INTO clients (id, redirect_uris, grant_types, token_endpoint_auth_method, issued_at) \
         VALUES ('c', '[\"https://evil.example/cb\"]', '[\"authorization_code\"]', 'none', 1)",
    );
    let client = McpClient::known(&server, "c", None, "https://c.example/cb");
    let evil = client.authorization_request().with("redirect_uri", "https://evil.example/cb");
    let page = Browser::new(&server).open(&server.at(&path_of(&evil))).await;
    assert!(page.left_for.is_none(), "{page:?}");
    client.connect().await;
}

#[test]
fn the_operator_adds_lists_and_removes_clients_by_command() {
    let settings = Settings::default().toml("sqlite://DIRECTORY/gatelodge.db");
    let workplace = Workplace::new(
        &(settings + "[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]"),
    );
    let run = |arguments: &[&str]| {
        let output = workplace.run(&[&["client"], arguments].concat(), &[]);
        let said =
            String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr }).into_owned();
        (output.status.success(), said)
    };
    let redirect = ["--redirect-uri", "https://wiki.example/cb"];
    let (ok, said) =
        run(&[&["add", "Wiki", "--id", "wiki", "--auth-method", "client_secret_basic", "--json"], &redirect[..]]
            .concat());
    assert!(ok, "{said}");
    let added: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&added["client_id"], &added["registration"]), (&json!("wiki"), &json!("configured")));
    let secret = added["client_secret"].as_str().expect("a secret");
    assert!(secret.starts_with("gatelodge_cs_"));
    let (ok, said) = run(&[&["add", "Desk"], &redirect[..]].concat());
    assert!(ok && said.starts_with("client_id      client_") && !said.contains("secret"), "{said}");
    for (arguments, says) in [
        (&["add", "Again", "--id", "wiki", "--redirect-uri", "https://wiki.example/cb"][..], "already"),
        (&["add", "Again", "--id", "c", "--redirect-uri", "https://wiki.example/cb"], "configuration has a client c"),
        (&["add", "Nowhere"], "client.redirect_uris: is empty"),
        (&["add", "Bad", "--redirect-uri", "javascript:x"], "hint:"),
        (&["add", "Bad", "--redirect-uri", "https://a.example/", "--scope", "x"], "client.scopes"),
        (&["add", "Bad", "--redirect-uri", "https://a.example/", "--auth-method", "private_key_jwt"], "neither secret"),
        (&["add", "Bad", "--grant-type", "password"], "choose from"),
        (&["remove", "c"], "is in the configuration"),
        (&["remove", "nobody"], "no client \"nobody\""),
    ] {
        let (ok, said) = run(arguments);
        assert!(!ok && said.contains(says), "{arguments:?}: {said}");
    }
    let (_, listed) = run(&["list"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.contains("configured") && !listed.contains(secret), "{listed}");
    let (_, listed) = run(&["list", "--json"]);
    assert!(!listed.contains("secret\":") && listed.contains("\"wiki\""), "{listed}");
    let (ok, said) = run(&["remove", "wiki"]);
    assert!(ok && said.contains("removed wiki"), "{said}");
    assert!(!run(&["list"]).1.contains("wiki"));
}

fn path_of(request: &Form) -> String {
    crate::support::mcp_client::path_of(request)
}
