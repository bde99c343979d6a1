//! Whose client ID metadata documents count, and what known clients' documents are good for when their host keeps this server
//! out: draft-ietf-oauth-client-id-metadata-document §6.

use gatelodge_e2e::documents::Answer;

use crate::support::binary::{Workplace, free_addresses};
use crate::support::website::{Website, desktop_client};
use crate::support::{
    Browser, Database, ISSUER, McpClient, ONE_RESOURCE, Server, Settings, on_any_database, on_both_databases,
};

on_both_databases!(
    a_host_that_is_denied_can_refresh_no_more,
    a_pinned_document_stands_in_while_its_host_keeps_servers_out
);
on_any_database!(
    only_hosts_of_the_list_are_asked,
    documents_that_are_switched_off_are_not_read,
    the_proxy_of_the_environment_sees_nothing
);

const REDIRECT: &str = "http://127.0.0.1:53280/callback";

async fn a_host_that_is_denied_can_refresh_no_more(database: &Database) {
    let website = Website::start();
    let url = website.documents.put_client("/client.json", desktop_client());
    let server = Server::start_with(database, website.settings("")).await;
    let tokens = McpClient::described(&server, &url, REDIRECT).connect().await;
    let registered = McpClient::register(&server).await;
    let others = registered.connect().await;
    let (registered_id, asked) = (registered.id.clone(), website.documents.connections());
    let clock = server.clock.clone();
    database.stop_servers().await;

    for more in ["deny = [\"localhost\"]", "deny = [\".localhost\"]", "mode = \"allowlist\"\nallow = [\"claude.ai\"]"] {
        let server = Server::start_at(database, website.settings(more), clock.clone()).await;
        let client = McpClient::described(&server, &url, REDIRECT);
        client.refresh(&tokens.refresh_token).await.assert_refused(
            401,
            "invalid_client",
            "no client is registered with this client_id",
        );
        let page = Browser::new(&server).open(&client.authorize_path()).await;
        page.assert_error(403, "client_not_allowed");
        assert_eq!(page.text_of("error-detail"), "localhost");
        database.stop_servers().await;
    }
    assert_eq!(website.documents.connections(), asked, "nobody asks a host that does not count");

    // Whoever is let in again goes on where it was; other clients noticed nothing.
    let server = Server::start_at(database, website.settings("deny = [\"notlocalhost\"]"), clock).await;
    McpClient::described(&server, &url, REDIRECT).refreshed(&tokens.refresh_token).await;
    McpClient::described(&server, &registered_id, REDIRECT).refreshed(&others.refresh_token).await;
}

async fn a_pinned_document_stands_in_while_its_host_keeps_servers_out(database: &Database) {
    let website = Website::start();
    let directory = tempfile::tempdir().expect("a directory");
    let url = website.documents.url("/client.json");
    let mut document = desktop_client();
    document["client_id"] = url.as_str().into();
    std::fs::write(directory.path().join("client.json"), document.to_string()).expect("written");
    let settings = website.settings(&format!("pinned_directory = \"{}\"", directory.path().display()));
    let server = Server::start_with(database, settings).await;
    let client = McpClient::described(&server, &url, REDIRECT);
    website.documents.put("/client.json", Answer::raw(403, &[("cf-mitigated", "challenge")], b"<title>Just a moment"));
    let tokens = client.connect().await;
    assert!(website.documents.connections() >= 1, "the host is asked first");
    client.refreshed(&tokens.refresh_token).await;

    // What the host says itself counts more, as soon as it says anything.
    document["client_name"] = "Says so itself".into();
    website.documents.put("/client.json", Answer::json(&document));
    server.advance(300);
    let page = Browser::new(&server).consent_page(&client).await;
    assert_eq!(page.text_of("client-name"), "Says so itself");

    // Others at the same host are nobody's pinned client.
    website.documents.put("/other.json", Answer::status(403));
    let other = McpClient::described(&server, &website.documents.url("/other.json"), REDIRECT);
    Browser::new(&server).open(&other.authorize_path()).await.assert_error(503, "client_document_unreachable");
}

async fn only_hosts_of_the_list_are_asked(database: &Database) {
    let website = Website::start();
    let url = website.documents.put_client("/client.json", desktop_client());
    let more = "mode = \"allowlist\"\nallow = [\".localhost\"]\ndeny = [\"evil.localhost\"]";
    let server = Server::start_with(database, website.settings(more)).await;
    McpClient::described(&server, &url, REDIRECT).connect().await;
    for host in ["claude.ai", "notlocalhost", "localhost.example", "evil.localhost", "127.0.0.1"] {
        let client = McpClient::described(&server, &format!("https://{host}/client.json"), REDIRECT);
        Browser::new(&server).open(&client.authorize_path()).await.assert_error(403, "client_not_allowed");
    }
    assert_eq!(website.documents.connections(), 1);
}

async fn documents_that_are_switched_off_are_not_read(database: &Database) {
    let website = Website::start();
    let url = website.documents.put_client("/client.json", desktop_client());
    let server = Server::start_with(database, website.settings("mode = \"off\"")).await;
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    assert!(metadata.get("client_id_metadata_document_supported").is_none());
    let client = McpClient::described(&server, &url, REDIRECT);
    Browser::new(&server).open(&client.authorize_path()).await.assert_error(400, "client_unknown");
    client.refresh("gatelodge_rt_none").await.assert_refused(
        401,
        "invalid_client",
        "no client is registered with this client_id",
    );
    assert_eq!(website.documents.connections(), 0);
}

/// The real program, since the environment belongs to the whole process.
async fn the_proxy_of_the_environment_sees_nothing(_: &Database) {
    let website = Website::start();
    let url = website.documents.put_client("/client.json", desktop_client());
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy_url = format!("http://{}", proxy.local_addr().expect("an address"));
    let [listen, health_listen] = free_addresses();
    let Settings { more, .. } = website.settings("");
    let workplace = Workplace::new(&format!(
        "public_url = \"{ISSUER}\"\nlisten = \"{listen}\"\nhealth_listen = \"{health_listen}\"\n\
         [database]\nurl = \"sqlite://DIRECTORY/test.db\"\n{ONE_RESOURCE}\n{more}"
    ));
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"];
    let environment = names.map(|name| (name, proxy_url.as_str()));
    let (_process, server) = workplace.serve_with(&environment, listen, health_listen, ISSUER);
    let client = McpClient::described(&server, &url, REDIRECT);
    Browser::new(&server).open(&client.authorize_path()).await.assert_login();
    assert_eq!(website.documents.connections(), 1);
    proxy.set_nonblocking(true).expect("a listener");
    let nobody = proxy.accept().map(drop).expect_err("the proxy was used");
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}
