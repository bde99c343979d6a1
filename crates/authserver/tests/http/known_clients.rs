//! Every known client as it registers and as it then asks: the body of its registration, and the redirect URI that it really
//! uses, which for programs on somebody's computer is often not the one they registered. Each of them reaches sign-in.

use serde_json::{Value, json};

use crate::rfc7591_registration::register;
use crate::support::mcp_client::path_of;
use crate::support::{Browser, Database, McpClient, Server, Settings, on_both_databases};

on_both_databases! {
    every_known_client_registers_and_reaches_sign_in,
}

/// Who, what it sends beside the usual members, and which redirect URIs it comes with.
struct Known {
    name: &'static str,
    registers: Value,
    uses: &'static [&'static str],
}

fn known(name: &'static str, registers: Value, uses: &'static [&'static str]) -> Known {
    Known { name, registers, uses }
}

fn on_the_web() -> Vec<Known> {
    vec![
        known(
            "claude.ai",
            json!({ "client_name": "Claude", "redirect_uris": ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"] }),
            &["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
        ),
        known(
            "ChatGPT",
            json!({ "client_name": "ChatGPT", "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"] }),
            &["https://chatgpt.com/connector_platform_oauth_redirect"],
        ),
        known(
            "ChatGPT, one redirect URI for each connection",
            json!({ "client_name": "ChatGPT", "redirect_uris": ["https://chatgpt.com/connector/oauth/Ab3-_x"] }),
            &["https://chatgpt.com/connector/oauth/Ab3-_x"],
        ),
        known(
            "LibreChat",
            json!({ "client_name": "LibreChat MCP Client", "redirect_uris": ["https://chat.example/api/mcp/acme/oauth/callback"],
                "token_endpoint_auth_method": "client_secret_basic" }),
            &["https://chat.example/api/mcp/acme/oauth/callback"],
        ),
        known(
            "Open WebUI on a LAN",
            json!({ "client_name": "Open WebUI", "redirect_uris": ["http://chat.lan:3000/oauth/clients/mcp:acme/callback"],
                "token_endpoint_auth_method": "client_secret_post" }),
            &["http://chat.lan:3000/oauth/clients/mcp:acme/callback"],
        ),
        known(
            "n8n",
            json!({ "client_name": "n8n", "redirect_uris": ["https://oauth.n8n.cloud/oauth2/callback", "https://n8n.example/rest/oauth2-credential/callback"] }),
            &["https://oauth.n8n.cloud/oauth2/callback", "https://n8n.example/rest/oauth2-credential/callback"],
        ),
        known(
            "Le Chat",
            json!({ "client_name": "mistral-mcp-client", "redirect_uris": ["https://callback.mistral.ai/v1/integrations_auth/oauth2_callback"] }),
            &["https://callback.mistral.ai/v1/integrations_auth/oauth2_callback"],
        ),
        known(
            "Grok",
            json!({ "client_name": "Grok", "redirect_uris": ["https://grok.com/connectors-oauth-exchange-code/"] }),
            &["https://grok.com/connectors-oauth-exchange-code/"],
        ),
        known(
            "Perplexity",
            json!({ "client_name": "Perplexity", "redirect_uris": ["https://www.perplexity.ai/rest/connections/oauth_callback"] }),
            &["https://www.perplexity.ai/rest/connections/oauth_callback"],
        ),
        known(
            "Antigravity",
            json!({ "client_name": "antigravity-client", "redirect_uris": ["https://antigravity.google/oauth-callback"] }),
            &["https://antigravity.google/oauth-callback"],
        ),
        known(
            "Gemini Enterprise",
            json!({ "client_name": "Gemini Enterprise", "redirect_uris": ["https://vertexaisearch.cloud.google.com/oauth-redirect"] }),
            &["https://vertexaisearch.cloud.google.com/oauth-redirect"],
        ),
        known(
            "LobeHub",
            json!({ "client_name": "LobeHub", "redirect_uris": ["https://app.lobehub.com/oauth/connector/callback"] }),
            &["https://app.lobehub.com/oauth/connector/callback"],
        ),
        known(
            "Devin",
            json!({ "client_name": "Devin", "redirect_uris": ["https://api.devin.ai/mcp/oauth/callback"], "scope": "openid email profile" }),
            &["https://api.devin.ai/mcp/oauth/callback"],
        ),
    ]
}

fn on_somebodys_computer() -> Vec<Known> {
    let native = |name: &str, uri: &str| json!({ "client_name": name, "redirect_uris": [uri], "application_type": "native", "token_endpoint_auth_method": "none" });
    vec![
        known(
            "Claude Code",
            native("Claude Code (acme)", "http://localhost:51423/callback"),
            &["http://localhost:51423/callback", "http://localhost:60999/callback"],
        ),
        known(
            "Claude Desktop",
            native("Claude Desktop (1.0)", "http://127.0.0.1:53280/callback"),
            &["http://127.0.0.1:53280/callback"],
        ),
        known(
            "Codex",
            native("Codex", "http://127.0.0.1:39211/callback/aGVsbG8gd29y"),
            &["http://127.0.0.1:39212/callback/aGVsbG8gd29y"],
        ),
        known(
            "Cursor",
            json!({ "client_name": "Cursor", "token_endpoint_auth_method": "none", "redirect_uris": ["http://localhost:8787/callback",
                "https://www.cursor.com/agents/mcp/oauth/callback", "cursor://anysphere.cursor-mcp/oauth/callback",
                "cursor://anysphere.cursor-retrieval/oauth/callback"] }),
            &[
                "http://localhost:8787/callback",
                "https://www.cursor.com/agents/mcp/oauth/callback",
                "cursor://anysphere.cursor-mcp/oauth/callback",
                "cursor://anysphere.cursor-retrieval/oauth/callback",
            ],
        ),
        known(
            "VS Code",
            json!({ "client_name": "Visual Studio Code", "client_uri": "https://code.visualstudio.com", "application_type": "native",
                "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
                "redirect_uris": ["https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect", "http://127.0.0.1/", "http://127.0.0.1:33418/"] }),
            &[
                "http://127.0.0.1:33418/",
                "http://127.0.0.1:52011/",
                "https://vscode.dev/redirect",
                "https://insiders.vscode.dev/redirect",
            ],
        ),
        known(
            "Copilot CLI",
            native("GitHub Copilot CLI", "http://127.0.0.1:33418/"),
            &["http://127.0.0.1:41999/", "http://127.0.0.1:33418/"],
        ),
        known("Zed", native("Zed", "http://127.0.0.1:40123/callback"), &["http://127.0.0.1:40124/callback"]),
        known(
            "Goose",
            native("goose", "http://127.0.0.1:40123/oauth_callback"),
            &["http://127.0.0.1:1024/oauth_callback"],
        ),
        known(
            "Gemini CLI",
            json!({ "client_name": "Gemini CLI MCP Client", "redirect_uris": ["http://localhost:7777/oauth/callback"], "scope": "" }),
            &["http://localhost:7777/oauth/callback"],
        ),
        known(
            "Amazon Q",
            json!({ "client_name": "Q DEV CLI", "redirect_uris": ["http://127.0.0.1:54321"] }),
            &["http://127.0.0.1:54321", "http://127.0.0.1:54322"],
        ),
        known(
            "OpenCode",
            native("OpenCode", "http://127.0.0.1:19876/mcp/oauth/callback"),
            &["http://127.0.0.1:19876/mcp/oauth/callback"],
        ),
        known(
            "Cline",
            native("Cline", "http://127.0.0.1:1456/mcp/oauth/callback"),
            &["http://127.0.0.1:1461/mcp/oauth/callback"],
        ),
        known(
            "Amp",
            native("Amp MCP Client (acme)", "http://localhost:41592/oauth/callback"),
            &["http://localhost:41592/oauth/callback"],
        ),
        known(
            "mcp-remote",
            json!({ "client_name": "MCP CLI Proxy", "redirect_uris": ["http://localhost:3334/oauth/callback"], "application_type": "native",
                "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d", "client_uri": "https://github.com/modelcontextprotocol/mcp-cli" }),
            &["http://localhost:3334/oauth/callback", "http://localhost:19471/oauth/callback"],
        ),
        known(
            "MCP Inspector",
            json!({ "client_name": "MCP Inspector", "redirect_uris": ["http://localhost:6274/oauth/callback", "http://localhost:6274/oauth/callback/debug",
                "http://127.0.0.1:6276/oauth/callback"] }),
            &[
                "http://localhost:6274/oauth/callback",
                "http://localhost:6274/oauth/callback/debug",
                "http://127.0.0.1:6276/oauth/callback",
            ],
        ),
        known(
            "FastMCP and the Python SDK",
            json!({ "client_name": "FastMCP Client", "redirect_uris": ["http://localhost:40404/callback"], "token_endpoint_auth_method": null,
                "client_uri": null, "jwks": null, "scope": null }),
            &["http://localhost:40404/callback", "http://localhost:40405/callback"],
        ),
    ]
}

async fn every_known_client_registers_and_reaches_sign_in(database: &Database) {
    let more = "[registration]\nhttp_redirect_hosts = [\"chat.lan\"]";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    for Known { name, mut registers, uses } in on_the_web().into_iter().chain(on_somebodys_computer()) {
        if registers.get("grant_types").is_none() {
            registers["grant_types"] = json!(["authorization_code", "refresh_token"]);
        }
        let answer = register(&server, &registers).await;
        assert_eq!(answer.status, 201, "{name}: {answer:?}");
        answer.assert_no_null();
        assert_eq!(answer.json()["redirect_uris"], registers["redirect_uris"], "{name}");
        let id = answer.member("client_id");
        for redirect_uri in uses {
            let client = McpClient::known(&server, &id, None, redirect_uri);
            let request =
                client.authorization_request().with("scope", "mcp:use offline_access").and("prompt", "consent");
            let mut browser = Browser::new(&server);
            let page = browser.open(&path_of(&request)).await;
            assert!(page.has("sign-in"), "{name} with {redirect_uri}: {page:?}");
            let consent = browser.sign_in(&page, "ada").await;
            let left = browser.allow(&consent).await.left_for.unwrap_or_else(|| panic!("{name} gets no answer"));
            assert!(left.as_str().starts_with(redirect_uri.trim_end_matches('/')), "{name}: {left}");
            // Nobody else's: the same program with another path, or another host, is told on a page.
            let elsewhere = format!("{redirect_uri}x");
            let request = client.authorization_request().with("redirect_uri", &elsewhere);
            Browser::new(&server).open(&path_of(&request)).await.assert_error(400, "redirect_uri_refused");
        }
    }
}
