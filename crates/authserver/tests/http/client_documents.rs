//! Client ID metadata documents, the way of a client that is described by one: draft-ietf-oauth-client-id-metadata-document.

use gatelodge_e2e::documents::Answer;
use serde_json::json;

use crate::support::website::{Website, desktop_client};
use crate::support::{Browser, Database, McpClient, Server, claims, on_any_database, on_both_databases};

on_both_databases!(
    a_client_with_portless_loopback_uris_connects_and_refreshes,
    two_approvals_of_one_client_are_independent,
    a_host_that_goes_down_logs_nobody_out,
    an_unusable_document_takes_the_place_of_no_good_one,
);
on_any_database!(
    a_document_is_asked_for_again_when_its_host_says_so_within_bounds,
    a_document_that_changed_counts_from_then_on,
    nothing_is_fetched_for_a_request_that_could_not_be_granted,
    every_way_to_have_no_document_is_a_page_and_never_a_redirect,
    a_private_address_is_not_asked_unless_its_host_is_listed,
    stalled_hosts_keep_nobody_from_refreshing,
    a_client_that_the_operator_configured_is_not_fetched,
);

const REDIRECT: &str = "http://127.0.0.1:53280/callback";
const DAY: u64 = 86_400;

/// Proves draft-ietf-oauth-client-id-metadata-document §5: a client is known by the document at its client_id.
async fn a_client_with_portless_loopback_uris_connects_and_refreshes(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    let url = website.documents.put_client("/client.json", desktop_client());

    for redirect_uri in [REDIRECT, "http://localhost:1/callback"] {
        let client = McpClient::described(&server, &url, redirect_uri);
        let page = Browser::new(&server).consent_page(&client).await;
        page.assert_consent();
        assert_eq!(page.text_of("client-name"), "Desktop Client");
        assert_eq!(page.text_of("client-host"), "localhost");
        assert!(page.has("loopback-warning") && !page.answer.body.contains("Unverified"));
        let tokens = client.connect().await;
        assert_eq!(claims(&tokens.access_token)["client_id"], url.as_str());
        client.refreshed(&tokens.refresh_token).await;
    }
    assert_eq!(website.documents.connections(), 1, "the document is kept");
    let refused = McpClient::described(&server, &url, "http://127.0.0.1:53280/other");
    Browser::new(&server).open(&refused.authorize_path()).await.assert_error(400, "redirect_uri_refused");
}

async fn two_approvals_of_one_client_are_independent(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let url = website.documents.put_client("/client.json", desktop_client());
    let (one, other) = (McpClient::described(&server, &url, REDIRECT), McpClient::described(&server, &url, REDIRECT));
    let (stolen, safe) = (one.connect().await, other.connect().await);
    let next = one.refreshed(&stolen.refresh_token).await;
    let last = one.refreshed(&next.refresh_token).await;
    server.advance(2 * DAY);
    one.refresh(&stolen.refresh_token).await.assert_refused(400, "invalid_grant", "the code or refresh token");
    one.refresh(&last.refresh_token).await.assert_refused(400, "invalid_grant", "the code or refresh token");
    other.refreshed(&safe.refresh_token).await;
}

async fn a_host_that_goes_down_logs_nobody_out(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let url = website.documents.put_client("/client.json", desktop_client());
    let client = McpClient::described(&server, &url, REDIRECT);
    let mut tokens = client.connect().await;
    website.documents.set_down(true);
    for _ in 0..6 {
        server.advance(DAY);
        tokens = client.refreshed(&tokens.refresh_token).await;
        Browser::new(&server).consent_page(&client).await.assert_consent();
    }
    server.advance(2 * DAY);
    let page = Browser::new(&server).open(&client.authorize_path()).await;
    page.assert_error(503, "client_document_unreachable");
    assert_eq!(page.answer.header("retry-after"), Some("30"));
    assert_eq!(page.text_of("error-detail"), "could not reach localhost");
    tokens = client.refreshed(&tokens.refresh_token).await;

    // For half a minute nobody asks that host again.
    website.documents.set_down(false);
    let asked = website.documents.connections();
    Browser::new(&server).open(&client.authorize_path()).await.assert_error(503, "client_document_unreachable");
    assert_eq!(website.documents.connections(), asked);
    server.advance(30);
    Browser::new(&server).consent_page(&client).await.assert_consent();
    assert_eq!(website.documents.connections(), asked + 1);
    client.refreshed(&tokens.refresh_token).await;
}

/// Proves draft-ietf-oauth-client-id-metadata-document §5: an error or an invalid document is not cached.
async fn an_unusable_document_takes_the_place_of_no_good_one(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let url = website.documents.put_client("/client.json", desktop_client());
    let client = McpClient::described(&server, &url, REDIRECT);
    let mut tokens = client.connect().await;
    let mut foreign = desktop_client();
    foreign["client_id"] = "https://localhost/other".into();
    for answer in [
        Answer::json(&foreign),
        Answer::json(&json!([])),
        Answer::status(404),
        Answer::raw(200, &[("content-type", "text/html")], b"{}"),
    ] {
        website.documents.put("/client.json", answer);
        server.advance(DAY);
        let page = Browser::new(&server).open(&client.authorize_path()).await;
        assert!(matches!(page.answer.status, 400 | 503) && page.left_for.is_none(), "{page:?}");
        tokens = client.refreshed(&tokens.refresh_token).await;
    }
    website.documents.put_client("/client.json", desktop_client());
    server.advance(30);
    Browser::new(&server).consent_page(&client).await.assert_consent();
    client.refreshed(&tokens.refresh_token).await;
}

/// Proves draft-ietf-oauth-client-id-metadata-document §5: a document is kept as its cache headers say.
async fn a_document_is_asked_for_again_when_its_host_says_so_within_bounds(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    for (index, (cache_control, seconds)) in
        [("max-age=600", 600), ("no-store", 300), ("max-age=1", 300), ("public, max-age=31536000", DAY)]
            .into_iter()
            .enumerate()
    {
        let path = format!("/{index}.json");
        let url = website.documents.url(&path);
        let mut document = desktop_client();
        document["client_id"] = url.as_str().into();
        website
            .documents
            .put(&path, Answer::with_headers(&document, &[("cache-control", cache_control), ("set-cookie", "a=b")]));
        let client = McpClient::described(&server, &url, REDIRECT);
        let before = website.documents.connections();
        let mut browser = Browser::new(&server);
        for (wait, asked) in [(0, 1), (seconds - 1, 1), (1, 2), (1, 2)] {
            server.advance(wait);
            browser.open(&client.authorize_path()).await.assert_login();
            assert_eq!(website.documents.connections() - before, asked, "{cache_control} {wait}");
        }
    }
}

/// Proves draft-ietf-oauth-client-id-metadata-document §5: a changed document is used from then on.
async fn a_document_that_changed_counts_from_then_on(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let url = website.documents.put_client("/client.json", desktop_client());
    let client = McpClient::described(&server, &url, REDIRECT);
    let tokens = client.connect().await;
    let mut changed = desktop_client();
    changed["client_name"] = "Renamed".into();
    changed["redirect_uris"] = json!(["https://app.example/callback"]);
    website.documents.put_client("/client.json", changed);
    server.advance(300);
    Browser::new(&server).open(&client.authorize_path()).await.assert_error(400, "redirect_uri_refused");
    let moved = McpClient::described(&server, &url, "https://app.example/callback");
    let page = Browser::new(&server).consent_page(&moved).await;
    assert_eq!(
        (page.text_of("client-name").as_str(), page.text_of("redirect-host").as_str()),
        ("Renamed", "app.example")
    );
    client.refreshed(&tokens.refresh_token).await;
}

async fn nothing_is_fetched_for_a_request_that_could_not_be_granted(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let url = website.documents.put_client("/client.json", desktop_client());
    let client = McpClient::described(&server, &url, REDIRECT);
    let good = client.authorize_path();
    for (from, to) in [
        ("response_type=code", "response_type=token"),
        ("response_type=code&", ""),
        ("code_challenge_method=S256", "code_challenge_method=plain"),
        ("code_challenge=", "code_challenge=x"),
        ("redirect_uri=", "redirect_uri=http%3A%2F%2F127.0.0.1%2Fx&redirect_uri="),
        ("client_id=", "client_id=x&client_id="),
    ] {
        assert!(good.contains(from), "{good}");
        Browser::new(&server).open(&good.replacen(from, to, 1)).await.assert_error(400, "request_invalid");
    }
    assert_eq!(website.documents.connections(), 0);
    Browser::new(&server).open(&good).await.assert_login();
    // Once it is known who asks, errors go where they belong.
    let broken = good.replacen("response_type=code", "response_type=token", 1);
    assert_eq!(Browser::new(&server).open(&broken).await.answered("error"), "unsupported_response_type");
}

/// Proves draft-ietf-oauth-client-id-metadata-document §5: without a valid document the request ends, and redirects are not followed.
async fn every_way_to_have_no_document_is_a_page_and_never_a_redirect(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    website.documents.put_client("/good", desktop_client());
    let good = website.documents.url("/good");
    let large = json!({"client_id": website.documents.url("/large"), "padding": "x".repeat(6000)});
    for (path, answer, status, code) in [
        ("/large", Answer::json(&large), 400, "client_document_refused"),
        ("/empty", Answer::json(&json!({})), 400, "client_document_refused"),
        ("/html", Answer::raw(200, &[("content-type", "text/html")], b"<p>"), 400, "client_document_refused"),
        ("/gzip", Answer::with_headers(&json!({}), &[("content-encoding", "gzip")]), 400, "client_document_refused"),
        ("/none", Answer::status(404), 503, "client_document_unreachable"),
        ("/elsewhere", Answer::raw(302, &[("location", &good)], b""), 503, "client_document_unreachable"),
        ("/empty-204", Answer::raw(204, &[], b""), 503, "client_document_unreachable"),
        ("/challenge", Answer::raw(403, &[("cf-mitigated", "challenge")], b""), 503, "client_document_unreachable"),
        ("/broken", Answer::status(500), 503, "client_document_unreachable"),
    ] {
        website.documents.put(path, answer);
        let client = McpClient::described(&server, &website.documents.url(path), REDIRECT);
        let before = website.documents.connections();
        let page = Browser::new(&server).open(&client.authorize_path()).await;
        page.assert_error(status, code);
        assert_eq!(website.documents.connections(), before + 1, "{path}");
        if path == "/challenge" {
            assert_eq!(page.text_of("error-detail"), "could not reach localhost (HTTP 403)");
        }
        client.refresh("gatelodge_rt_none").await.assert_refused(
            401,
            "invalid_client",
            "no client is registered with this client_id",
        );
    }
    let asked = website.documents.connections();
    for id in [
        format!("{good}#"),
        format!("{good}?x=1"),
        good.replace("/good", "/x/../good"),
        good.replace("/good", "/%2e/good"),
        good.replace("/good", "/"),
        good.replace("localhost", "LOCALHOST"),
        good.replace("localhost", "user@localhost"),
        good.replace("localhost", "2130706433"),
        "https://client.example:8443/x".to_owned(),
        "https://10.0.0.1/x".to_owned(),
        "https://[::1]/x".to_owned(),
    ] {
        let client = McpClient::described(&server, &id, REDIRECT);
        Browser::new(&server).open(&client.authorize_path()).await.assert_error(400, "client_document_refused");
    }
    let client = McpClient::described(&server, &good.replace("https:", "http:"), REDIRECT);
    Browser::new(&server).open(&client.authorize_path()).await.assert_error(400, "client_unknown");
    assert_eq!(website.documents.connections(), asked);
}

/// Proves draft-ietf-oauth-client-id-metadata-document §6: special-use addresses are not fetched from.
async fn a_private_address_is_not_asked_unless_its_host_is_listed(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.strangers_settings()).await;
    for host in ["localhost".to_owned(), website.documents.host(), website.documents.address().to_string()] {
        let client = McpClient::described(&server, &format!("https://{host}/client.json"), REDIRECT);
        let page = Browser::new(&server).open(&client.authorize_path()).await;
        page.assert_error(400, "client_document_refused");
        assert!(!page.answer.body.contains("127.0.0.1:") && !page.answer.body.contains("::1"), "{page:?}");
    }
    assert_eq!(website.documents.connections(), 0);
}

async fn stalled_hosts_keep_nobody_from_refreshing(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let url = website.documents.put_client("/client.json", desktop_client());
    let client = McpClient::described(&server, &url, REDIRECT);
    let mut tokens = client.connect().await;
    let stalled = (0..200).map(|index| {
        let path = format!("/stalled/{index}");
        website.documents.put(&path, Answer::Stall);
        let host = if index % 2 == 0 { website.documents.host() } else { website.documents.address().to_string() };
        let path = McpClient::described(&server, &format!("https://{host}{path}"), REDIRECT).authorize_path();
        let server = &server;
        async move { server.get(&path).await.status }
    });
    let stalled = futures_util::future::join_all(stalled);
    let refreshing = async {
        for _ in 0..20 {
            tokens = client.refreshed(&tokens.refresh_token).await;
        }
    };
    match futures_util::future::select(std::pin::pin!(stalled), std::pin::pin!(refreshing)).await {
        futures_util::future::Either::Left(_) => panic!("the refreshes waited for stalled hosts"),
        futures_util::future::Either::Right(((), stalled)) => assert_eq!(stalled.await, [503; 200]),
    }
}

async fn a_client_that_the_operator_configured_is_not_fetched(database: &Database) {
    let website = Website::start();
    let url = website.documents.put_client("/client.json", desktop_client());
    let mut settings = website.settings("");
    settings.more =
        format!("{}[[client]]\nid = \"{url}\"\nname = \"Ours\"\nredirect_uris = [\"{REDIRECT}\"]\n", settings.more)
            .leak();
    let server = Server::start_with(database, settings).await;
    let client = McpClient::described(&server, &url, REDIRECT);
    let page = Browser::new(&server).consent_page(&client).await;
    assert!(page.text_of("client-name") == "Ours" && !page.has("client-host"), "{page:?}");
    client.connect().await;
    assert_eq!(website.documents.connections(), 0);
}
