//! What an administrator does to clients in the browser: finds them, ends what they were allowed, takes them out.

use gatelodge_oauth::client::{Client, ClientId, Registration};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;

use crate::support::administrator::{ADMINISTRATION, Administrator, operator, settings};
use crate::support::mcp_client::McpClient;
use crate::support::{Database, Page, Server, Settings, on_both_databases};

on_both_databases! {
    clients_are_found_and_listed_in_pages,
    what_a_client_was_allowed_ends_and_so_does_the_client,
    a_client_of_the_configuration_stays_and_one_that_is_refused_can_be_taken_out,
}

const CONFIGURED: &str = "[[client]]\nid = \"wiki\"\nname = \"Company Wiki\"\nredirect_uris = [\"https://wiki.example.com/cb\"]\n\
    [registration.client_id_metadata_documents]\ndeny = [\"denied.example\"]\n";

async fn server(database: &Database) -> Server {
    let more = format!("{CONFIGURED}{ADMINISTRATION}").leak();
    let clock = Clock::manual(Clock::system().now());
    Server::start_at(database, Settings { more, ..settings() }, clock).await
}

/// The identifiers on a page of clients.
fn ids(page: &Page) -> Vec<String> {
    let entries = page.answer.body.split("href=\"client?").skip(1);
    let id = |entry: &str| entry.split("<code>").nth(1).and_then(|rest| rest.split('<').next()).map(str::to_owned);
    entries.filter_map(id).collect()
}

/// Whether the trail says that bob did this to a client, and that it happened to nobody.
fn is_written(database: &Database, outcome: &str, client_id: &str) -> bool {
    let event =
        format!("outcome = '{outcome}' AND reason = 'operator' AND subject IS NULL AND client_id = '{client_id}'");
    let by = "actor = (SELECT id FROM users WHERE username = 'bob') AND source IS NOT NULL";
    database.count(&format!("audit_events WHERE {event} AND {by}")) == 1
}

/// Proves RFC 7591 §5: whoever runs the server sees what registered itself, apart from what others vouch for.
async fn clients_are_found_and_listed_in_pages(database: &Database) {
    let server = server(database).await;
    let mut bob = Administrator::let_in(&server, &operator(database), "bob").await;
    for number in 10..71 {
        let row = format!(
            "('client_{number}', 'Many_{number}', '[\"https://{number}.example/cb\"]', '[]', 'none', 1, 'dynamic', FALSE)"
        );
        database.execute(&format!(
            "INSERT INTO clients (id, name, redirect_uris, grant_types, token_endpoint_auth_method, issued_at, registration, may_introspect) VALUES {row}"
        ));
    }
    let first = bob.open("/clients").await;
    assert_eq!((ids(&first).len(), ids(&first)[..2].to_vec()), (51, vec!["wiki".to_owned(), "client_10".to_owned()]));
    assert!(first.answer.body.contains("10.example") && first.answer.body.contains("wiki.example.com"), "{first:?}");
    let second = bob.open(&format!("/{}", first.link("next"))).await;
    assert_eq!((ids(&second).len(), ids(&second)[0].as_str(), second.has("next")), (11, "client_60", false));
    let of_kind = |kind: &str, search: &str| format!("/clients?kind={kind}&search={search}");
    assert_eq!(ids(&bob.open(&of_kind("configured", "")).await), ["wiki"]);
    assert_eq!(ids(&bob.open(&of_kind("", "Company")).await), ["wiki"]);
    assert_eq!(ids(&bob.open(&of_kind("dynamic", "Company")).await), Vec::<String>::new());
    assert_eq!(ids(&bob.open(&of_kind("", "client_33")).await), ["client_33"]);
    assert_eq!(ids(&bob.open(&of_kind("dynamic", "Many_1")).await).len(), 10);
    for nothing in ["Many%25", "M_ny", "%5C", "any_1"] {
        assert_eq!(ids(&bob.open(&of_kind("", nothing)).await), Vec::<String>::new(), "{nothing}");
    }
    for bad in ["/clients?kind=others", "/clients?after=%C3%A4", "/clients?name=x", "/client", "/client?id=wiki&x=1"] {
        bob.open(bad).await.assert_error(400, "request_invalid");
    }
    bob.open("/client?id=nobody").await.assert_error(404, "not_found");
}

/// Proves RFC 7592 §2.3: what a client was allowed ends with it, also when somebody else takes it out.
async fn what_a_client_was_allowed_ends_and_so_does_the_client(database: &Database) {
    let server = server(database).await;
    let mut bob = Administrator::let_in(&server, &operator(database), "bob").await;
    let client = McpClient::register(&server).await;
    let other = McpClient::register_with(&server, serde_json::json!({ "client_name": "Another one" })).await;
    let (tokens, of_other) = (client.connect().await, other.connect().await);
    let path = format!("/client?id={}", client.id);
    let page = bob.open(&path).await;
    assert!(page.text_of("id") == client.id && page.has("all-grants"), "{page:?}");

    let after = bob.submit("/client", &page.form("revoke_all")).await;
    assert!(after.path == path && !after.has("revoke_all") && !after.has("all-grants"), "{after:?}");
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    assert!(is_written(database, "all_revoked", &client.id));

    let tokens = client.connect().await;
    let unconfirmed = bob.submit("/client", &page.form("remove").without("confirm")).await;
    assert!(unconfirmed.answer.status == 400 && unconfirmed.has("problem"), "{unconfirmed:?}");
    assert_eq!(database.count("audit_events WHERE outcome = 'client_removed'"), 0);
    let confirmed = page.form("remove").with("confirm", "yes");
    assert_eq!(bob.submit("/client", &confirmed).await.path, "/clients");
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_client");
    assert_eq!(database.count(&format!("grants WHERE client_id = '{}' AND revoked_at IS NULL", client.id)), 0);
    assert!(is_written(database, "client_removed", &client.id));
    bob.open(&path).await.assert_error(404, "not_found");
    bob.submit("/client", &confirmed).await.assert_error(404, "not_found");
    bob.submit("/client", &confirmed.clone().with("do", "block")).await.assert_error(400, "request_invalid");
    bob.submit("/client", &confirmed.without("csrf_token")).await.assert_error(403, "form_refused");
    assert_eq!(other.refresh(&of_other.refresh_token).await.status, 200, "the others go on");
}

/// Proves RFC 7591 §5: what the configuration says is changed there alone.
async fn a_client_of_the_configuration_stays_and_one_that_is_refused_can_be_taken_out(database: &Database) {
    let server = server(database).await;
    let mut bob = Administrator::let_in(&server, &operator(database), "bob").await;
    let page = bob.open("/client?id=wiki").await;
    assert!(page.answer.status == 200 && !page.has("remove") && page.answer.body.contains("[[client]]"), "{page:?}");
    let denied = "https://denied.example/client";
    let described = Client::new(ClientId::new(denied), Registration::MetadataDocument, Timestamp::from_unix(1));
    database.add_client(described).await;
    let path = "/client?id=https%3A%2F%2Fdenied.example%2Fclient";
    let page = bob.open(path).await;
    assert!(page.answer.body.contains("Not let in any more"), "{page:?}");
    let form = page.form("remove").with("confirm", "yes");
    bob.submit("/client", &form.clone().with("id", "wiki")).await.assert_error(400, "request_invalid");
    assert_eq!(bob.submit("/client", &form).await.path, "/clients");
    assert!(is_written(database, "client_removed", denied));
    assert_eq!(ids(&bob.open("/clients").await), ["wiki"]);
}
