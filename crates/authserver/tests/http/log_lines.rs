//! The lines that docs/operations.md tells operators to look for in the log, by the real program: whoever filters by a field finds it.

use gatelodge_e2e::documents::Answer;
use serde_json::Value;

use crate::support::binary::{Workplace, free_addresses};
use crate::support::website::{Website, desktop_client};
use crate::support::{Browser, Database, ISSUER, McpClient, REMEMBERED_WIKI, Server};

const REDIRECT: &str = "http://127.0.0.1:53280/callback";

/// What no test can make happen.
const UNSEEN: &str = "a fault of the program ended this request";

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Each message of this program, whole or how it ends, with the fields that the table names before it explains them.
fn promised() -> Vec<(&'static str, Vec<&'static str>)> {
    let page = include_str!("../../../../docs/operations.md");
    let table = page.split("| `message` | from | says |\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let mut promised = Vec::new();
    let mut fields = Vec::new();
    for line in table.expect("a table").lines().skip(1) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [messages, from, says] = cells[..] else { panic!("{line}") };
        if says != "the same" {
            fields = quoted(says.split(": ").next().unwrap_or_default()).collect();
        }
        if from != "sidecar" {
            promised.extend(quoted(messages).map(|message| (message.trim_start_matches("… "), fields.clone())));
        }
    }
    promised
}

/// Everything that is worth such a line.
async fn whole_flow(server: &Server, database: &Database, website: &Website, pinned: &str) {
    McpClient::register(server).await;
    let client = McpClient::known(server, "wiki", None, "https://wiki.example/callback");
    let mut browser = Browser::new(server);
    let consent = browser.consent_page(&client).await;
    browser.deny(&consent).await;
    let consent = browser.open(&client.authorize_path()).await;
    let code = browser.allow(&consent).await.answered("code");
    assert_eq!(client.exchange(&code).await.status, 200);
    // Later than the same request would be repeated.
    database.execute("UPDATE authorization_codes SET consumed_at = consumed_at - 60");
    client.exchange(&code).await.assert_refused(400, "invalid_grant", "a second time");
    let consent = browser.open(&client.authorize_path()).await;
    browser.allow(&consent).await;
    assert!(!browser.open(&client.authorize_path()).await.answered("code").is_empty());

    let documents = &website.documents;
    let asks = async |url: &str| {
        let client = McpClient::described(server, url, REDIRECT);
        Browser::new(server).open(&client.authorize_path()).await
    };
    let good = documents.put_client("/client.json", desktop_client());
    asks(&good).await.assert_login();
    database.execute("UPDATE clients SET fresh_until = 0");
    documents.put("/client.json", Answer::status(403));
    documents.put("/pinned.json", Answer::status(403));
    documents.put("/broken.json", Answer::json(&desktop_client()));
    asks(&good).await.assert_login();
    asks(pinned).await.assert_login();
    asks(&documents.url("/broken.json")).await.assert_error(400, "client_document_refused");
}

/// Proves RFC 6819 §5.1.4.1.4: what an operator is told to look for is there, with what it is about.
#[test]
fn every_line_that_operators_are_told_of_says_what_is_promised() {
    let website = Website::start();
    let pinned = website.documents.url("/pinned.json");
    let [listen, health] = free_addresses();
    let more = format!("pinned_directory = \"DIRECTORY/pinned\"{REMEMBERED_WIKI}");
    let toml = website.settings(&more).toml("sqlite://DIRECTORY/gatelodge.db");
    let toml = toml.replacen("\"127.0.0.1:0\"", &format!("\"{listen}\""), 1);
    let workplace = Workplace::new(&toml.replacen("\"127.0.0.1:0\"", &format!("\"{health}\""), 1));
    let mut document = desktop_client();
    document["client_id"] = pinned.as_str().into();
    std::fs::create_dir(workplace.path().join("pinned")).expect("a directory");
    workplace.write("pinned/client.json", &document.to_string(), 0o644);
    workplace.add_ada();
    let (mut process, server) = workplace.serve(listen, health, ISSUER);
    let database = Database::at(format!("sqlite://{}/gatelodge.db", workplace.path().display()));
    actix_web::rt::System::new().block_on(whole_flow(&server, &database, &website, &pinned));
    assert!(process.stop().success());

    let log = process.log();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let promised = promised();
    assert!(promised.len() > 8 && promised.iter().filter(|(_, fields)| fields.is_empty()).count() <= 1, "{promised:?}");
    for (message, fields) in promised.into_iter().filter(|(message, _)| *message != UNSEEN) {
        let is_one = |line: &&Value| line["message"].as_str().is_some_and(|said| said.ends_with(message));
        let said: Vec<&Value> = lines.iter().filter(is_one).collect();
        assert!(!said.is_empty(), "{message} is not in the log:\n{log}");
        for (line, field) in said.iter().flat_map(|line| fields.iter().map(move |field| (line, field))) {
            let says = line[field].as_str().unwrap_or_default();
            assert!(!says.is_empty(), "{message} does not say {field}: {line}");
        }
    }
}
