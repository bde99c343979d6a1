//! The consent page shows which tools lie behind each scope, as far as the sidecar says it; what a stranger wrote of them changes
//! nothing else of the page.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::mcp_client::path_of;
use crate::support::{
    Answer, Browser, Database, McpClient, Page, RESOURCE, Server, Settings, http_client, on_any_database,
    on_both_databases,
};

on_both_databases! {
    the_page_shows_the_tools_behind_each_scope_as_they_were_told_last,
}

on_any_database! {
    texts_of_tools_are_short_and_change_nothing_else_of_the_page,
    a_scope_shows_the_tools_of_what_it_includes_unless_that_has_a_line_of_its_own,
    the_account_page_shows_the_tools_that_an_app_reaches,
    whoever_has_not_the_secret_tells_nothing,
    what_is_no_list_of_tools_changes_nothing,
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

const AUDIT: &str = "[audit]\nsecret = \"0123456789abcdef0123456789abcdef\"\n";

/// One scope that includes another, and one beside them.
const RESOURCE_WITH_SCOPES: &str = r#"
[[resource]]
id = "https://mcp.example.com/mcp"
name = "Acme MCP"
default_scopes = ["notes:read"]
[[resource.scope]]
name = "notes:read"
title = "Read notes"
[[resource.scope]]
name = "notes:write"
title = "Write notes"
implies = ["notes:read"]
[[resource.scope]]
name = "notes:share"
title = "Share notes"
"#;

fn to(server: &Server) -> RequestBuilder {
    typed(server, "application/json")
}

fn typed(server: &Server, media_type: &str) -> RequestBuilder {
    let url = format!("http://{}/audit/tools", server.health_address);
    http_client().request(Method::PUT, url).header("content-type", media_type)
}

async fn tell(server: &Server, tools: Value) {
    let body = json!({ "resource": RESOURCE, "tools": tools }).to_string();
    let answer = Answer::of(to(server).bearer_auth(SECRET).body(body)).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

async fn start(database: &Database) -> Server {
    Server::start_with(database, Settings { more: AUDIT, ..Settings::default() }).await
}

/// The consent page of a new browser.
async fn asked(server: &Server, client: &McpClient<'_>, scope: &str) -> Page {
    let mut browser = Browser::new(server);
    let login = browser.open(&path_of(&client.authorization_request().with("scope", scope))).await;
    let page = browser.sign_in(&login, "ada").await;
    page.assert_consent();
    page
}

/// The line of each scope, without markup.
fn lines(page: &Page) -> Vec<String> {
    let text = |html: &str| {
        let parts: Vec<&str> =
            html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
        parts.concat().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    page.answer.body.split("<li>").skip(1).map(|line| text(line.split("</li>").next().unwrap_or_default())).collect()
}

async fn the_page_shows_the_tools_behind_each_scope_as_they_were_told_last(database: &Database) {
    let server = start(database).await;
    let client = McpClient::register(&server).await;
    assert_eq!(lines(&asked(&server, &client, "notes:write").await), ["Write notes notes:write"]);
    tell(
        &server,
        json!([
            { "name": "a_search", "read_only": true, "scope": "mcp:use" },
            { "name": "create_note", "title": "Create a note", "scope": "notes:write" },
            { "name": "wipe", "title": "Wipe", "destructive": true, "scope": "notes:write" },
            { "name": "share", "scope": "mcp:use notes:write" },
            { "name": "elsewhere", "scope": "other:use" },
        ]),
    )
    .await;
    let page = asked(&server, &client, "mcp:use notes:write").await;
    assert_eq!(
        lines(&page),
        [
            "Use the tools of this server mcp:use With tools that the server describes so: share, a_search reads only",
            "Write notes notes:write With tools that the server describes so: Wipe can destroy, Create a note, share",
        ]
    );
    let many: Vec<Value> = (0..20).map(|n| json!({ "name": format!("tool_{n:02}"), "scope": "mcp:use" })).collect();
    tell(&server, json!(many)).await;
    let told = lines(&asked(&server, &client, "mcp:use notes:write").await);
    assert!(told[0].ends_with("tool_10, tool_11 and 8 more") && !told[0].contains("a_search"), "{told:?}");
    assert_eq!(told[1], "Write notes notes:write");
    tell(&server, json!([])).await;
    assert_eq!(lines(&asked(&server, &client, "mcp:use").await), ["Use the tools of this server mcp:use"]);
    assert_eq!(database.count("resource_tools"), 1);
}

/// Proves RFC 6749 §10.14: what others wrote is text, and cannot pose as something of ours.
async fn texts_of_tools_are_short_and_change_nothing_else_of_the_page(database: &Database) {
    let server = start(database).await;
    let client = McpClient::register(&server).await;
    let plain = asked(&server, &client, "mcp:use").await;
    let title = format!("<script>x</script>\"></form>\u{202e}\n\0{}", "x".repeat(300));
    tell(
        &server,
        json!([{ "name": "\u{200b}", "scope": "mcp:use" }, { "name": "a", "title": title, "scope": "mcp:use" }]),
    )
    .await;
    let page = asked(&server, &client, "mcp:use").await;
    let tags = |page: &Page| page.answer.body.matches("<form").count() + page.answer.body.matches("<script").count();
    assert_eq!(tags(&page), tags(&plain));
    assert!(page.answer.body.contains("&lt;script&gt;x") && !page.answer.body.contains(&"x".repeat(101)));
    assert!(!page.answer.body.contains('\u{202e}'));
}

async fn a_scope_shows_the_tools_of_what_it_includes_unless_that_has_a_line_of_its_own(database: &Database) {
    let server =
        Server::start_with(database, Settings { more: AUDIT, resources: RESOURCE_WITH_SCOPES, ..Settings::default() })
            .await;
    let client = McpClient::register(&server).await;
    tell(&server, json!([{ "name": "find", "scope": "notes:read" }, { "name": "make", "scope": "notes:write" }])).await;
    let alone = lines(&asked(&server, &client, "notes:write").await);
    assert!(alone[0].ends_with("find, make"), "{alone:?}");
    let both = lines(&asked(&server, &client, "notes:read notes:write").await);
    assert!(both[0].ends_with(": find") && both[1].ends_with(": make"), "{both:?}");
}

/// Proves RFC 6749 §1.4: whoever gave access sees what it reaches, with what it includes, and nothing more.
async fn the_account_page_shows_the_tools_that_an_app_reaches(database: &Database) {
    let server =
        Server::start_with(database, Settings { more: AUDIT, resources: RESOURCE_WITH_SCOPES, ..Settings::default() })
            .await;
    let client = McpClient::register(&server).await;
    tell(
        &server,
        json!([
            { "name": "find", "read_only": true, "scope": "notes:read" },
            { "name": "make", "title": "Make (reads only)", "scope": "notes:write" },
            { "name": "publish", "scope": "notes:write notes:share" },
        ]),
    )
    .await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&path_of(&client.authorization_request().with("scope", "notes:write"))).await;
    let consent = browser.sign_in(&login, "ada").await;
    browser.allow(&consent).await;
    let account = browser.open("/account").await.answer.body;
    let tools =
        account.split("With tools that the server describes so: ").nth(1).and_then(|rest| rest.split("</p>").next());
    assert_eq!(
        tools,
        Some("<bdi>Make (reads only)</bdi>, <bdi>find</bdi> <span class=\"badge reads\">reads only</span>"),
        "{account}"
    );
}

async fn whoever_has_not_the_secret_tells_nothing(database: &Database) {
    let server = start(database).await;
    let body = json!({ "resource": RESOURCE, "tools": [{ "name": "a", "scope": "mcp:use" }] }).to_string();
    for request in
        [to(&server), to(&server).bearer_auth("0123456789abcdef0123456789abcdeg"), to(&server).bearer_auth("")]
    {
        assert_eq!(Answer::of(request.body(body.clone())).await.status, 401);
    }
    let request = server.request(Method::PUT, "/audit/tools").bearer_auth(SECRET).body(body.clone());
    assert_eq!(Answer::of(request).await.status, 404, "the public cannot reach it");
    assert_eq!(database.count("resource_tools"), 0);
    database.stop_servers().await;
    let server = Server::start(database).await;
    assert_eq!(Answer::of(to(&server).bearer_auth(SECRET).body(body)).await.status, 404, "nobody may tell anything");
}

async fn what_is_no_list_of_tools_changes_nothing(database: &Database) {
    let server = start(database).await;
    tell(&server, json!([{ "name": "a", "scope": "mcp:use" }])).await;
    let tool = |more: &str| format!(r#"{{"resource":"{RESOURCE}","tools":[{{"name":"b","scope":"mcp:use"{more}}}]}}"#);
    for (body, status) in [
        (String::new(), 400),
        ("[]".into(), 400),
        (tool(r#","inputSchema":{}"#), 400),
        (tool(r#","name":"c""#), 400),
        (tool("").replace("mcp:use", "a\\u0000b"), 400),
        (tool("").replace("example.com/mcp", "example.com/other"), 404),
        (format!("{}{}", tool(""), " ".repeat(256 * 1024)), 413),
    ] {
        let answer = Answer::of(to(&server).bearer_auth(SECRET).body(body.clone())).await;
        assert_eq!(answer.status, status, "{body}");
    }
    let text = typed(&server, "text/plain").bearer_auth(SECRET).body(tool(""));
    assert_eq!(Answer::of(text).await.status, 415);
    assert_eq!(database.count("resource_tools WHERE tools LIKE '%\"name\":\"a\"%'"), 1);
}
