use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use gatelodge_e2e::documents::{Answer, DocumentServer};
use reqwest::dns::{Addrs, Name, Resolving};
use serde_json::json;

use super::*;

const JSON: &str = "application/json";

/// Answers from a list. The ports in it take the place of 443.
struct ListedNames(HashMap<&'static str, Vec<SocketAddr>>);

impl Resolve for ListedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let answer = self.0.get(name.as_str()).cloned();
        Box::pin(async move {
            let addresses = answer.ok_or("no such name")?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn options(server: &DocumentServer) -> GuardedFetchOptions {
    GuardedFetchOptions {
        private_hosts: vec![server.host().parse().expect("a host")],
        extra_ca_pem: Some(server.ca_pem().as_bytes().to_vec()),
        ..GuardedFetchOptions::default()
    }
}

async fn get(fetch: &GuardedFetch, url: &str) -> Result<String, FetchError> {
    fetch.get(url, JSON, 5 * 1024).await.map(|fetched| String::from_utf8_lossy(&fetched.body).into_owned())
}

#[actix_web::test]
async fn a_document_is_fetched_with_nothing_but_a_request_for_json() {
    let server = DocumentServer::start(&[]);
    server.put(
        "/client.json",
        Answer::with_headers(&json!({"a": 1}), &[("set-cookie", "a=b"), ("cache-control", "max-age=60")]),
    );
    let fetch = GuardedFetch::new(options(&server));
    for _ in 0..2 {
        let fetched = fetch.get(&server.url("/client.json"), JSON, 5 * 1024).await.expect("a document");
        assert_eq!(fetched.body, br#"{"a":1}"#);
        assert_eq!(fetched.fresh_for(Timestamp::from_unix(1_800_000_000)), Duration::from_secs(60));
    }
    let requests = server.requests();
    assert_eq!((requests.len(), server.connections()), (2, 2), "no connection is used twice");
    let expected = [
        "get /client.json http/1.1",
        "accept: application/json",
        "accept-encoding: identity",
        "user-agent: gatelodge/",
        "host: localhost:",
    ];
    for line in requests[1].trim().lines() {
        let line = line.to_ascii_lowercase();
        assert!(expected.iter().any(|start| line.starts_with(start)), "{line}");
    }
}

#[actix_web::test]
async fn only_a_plain_200_with_json_counts() {
    let server = DocumentServer::start(&[]);
    let fetch = GuardedFetch::new(options(&server));
    let body = b"{}";
    let typed = |media_type: &str| Answer::raw(200, &[("content-type", media_type)], body);
    for (path, answer) in [
        ("/1", typed("application/json")),
        ("/2", typed("application/json; charset=utf-8")),
        ("/3", typed("Application/JSON")),
        ("/4", typed("application/oauth-client+json")),
        ("/5", Answer::raw(200, &[("content-type", JSON), ("content-encoding", "identity")], body)),
    ] {
        server.put(path, answer);
        assert_eq!(get(&fetch, &server.url(path)).await.as_deref(), Ok("{}"), "{path}");
    }
    for (path, answer) in [
        ("/html", typed("text/html")),
        ("/text", typed("text/json")),
        ("/suffix", typed("application/+json")),
        ("/none", Answer::raw(200, &[], body)),
        ("/gzip", Answer::raw(200, &[("content-type", JSON), ("content-encoding", "gzip")], body)),
    ] {
        server.put(path, answer);
        let error = get(&fetch, &server.url(path)).await.expect_err(path);
        assert!(matches!(error, FetchError::WrongType(_)) && !error.is_outage(), "{path}: {error}");
    }
    let elsewhere = server.url("/1");
    for (status, outage) in [
        (201, false),
        (204, false),
        (206, false),
        (301, false),
        (302, false),
        (307, false),
        (404, false),
        (410, false),
        (403, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        let headers = [("content-type", JSON), ("location", elsewhere.as_str()), ("cf-mitigated", "challenge")];
        server.put("/status", Answer::raw(status, &headers, if status == 204 { b"" } else { body }));
        let before = server.connections();
        let error = get(&fetch, &server.url("/status")).await.expect_err("not 200");
        assert_eq!(error, FetchError::Status { status, cf_mitigated: Some("challenge".into()) });
        assert_eq!(error.is_outage(), outage, "{status}");
        assert_eq!(server.connections(), before + 1, "{status}: a redirect was followed");
    }
}

#[actix_web::test]
async fn an_answer_without_end_is_cut_off() {
    let server = DocumentServer::start(&[]);
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{more}\r\n").into_bytes();
    let mut oversized = head("");
    oversized.resize(oversized.len() + 6_000, b' ');
    server.put("/endless", Answer::Drip(oversized, Duration::from_millis(1)));
    server.put("/announced", Answer::Drip(head("content-length: 5121\r\n"), Duration::from_secs(9)));
    let exact = format!("\"{}\"", "a".repeat(5 * 1024 - 2));
    server.put("/exact", Answer::raw(200, &[("content-type", JSON)], exact.as_bytes()));
    server.put("/drip", Answer::Drip(head(""), Duration::from_millis(20)));
    server.put("/stall", Answer::Stall);
    let many = "x-a: b\r\n".repeat(500);
    server.put("/many-headers", Answer::Drip(head(&many), Duration::from_millis(20)));
    let long = format!("x-a: {}\r\n", "b".repeat(1 << 20));
    server.put("/long-header", Answer::Drip(head(&long), Duration::from_millis(20)));
    let fetch = GuardedFetch::new(GuardedFetchOptions { timeout: Duration::from_millis(900), ..options(&server) });

    assert_eq!(get(&fetch, &server.url("/endless")).await, Err(FetchError::TooLarge(5 * 1024)));
    assert_eq!(get(&fetch, &server.url("/announced")).await, Err(FetchError::TooLarge(5 * 1024)));
    assert_eq!(get(&fetch, &server.url("/exact")).await, Ok(exact));
    for path in ["/drip", "/stall"] {
        let error = get(&fetch, &server.url(path)).await.expect_err(path);
        assert!(matches!(error, FetchError::Timeout(_)) && error.is_outage(), "{path}: {error}");
    }
    for path in ["/many-headers", "/long-header"] {
        let error = get(&fetch, &server.url(path)).await.expect_err(path);
        assert!(matches!(error, FetchError::Unreachable(_)), "{path}: {error}");
    }
}

#[actix_web::test]
async fn a_server_that_is_down_or_not_who_it_says_is_unreachable() {
    let server = DocumentServer::start(&[]);
    server.put("/", Answer::json(&json!({})));
    let stranger = GuardedFetch::new(GuardedFetchOptions { extra_ca_pem: None, ..options(&server) });
    let error = get(&stranger, &server.url("/")).await.expect_err("an unknown authority");
    assert!(matches!(&error, FetchError::Unreachable(why) if why.contains("certificate")), "{error}");

    let fetch = GuardedFetch::new(options(&server));
    assert_eq!(get(&fetch, &server.url("/")).await.as_deref(), Ok("{}"));
    server.set_down(true);
    let error = get(&fetch, &server.url("/")).await.expect_err("a server that is down");
    assert!(matches!(error, FetchError::Unreachable(_)) && error.is_outage(), "{error}");
}

#[actix_web::test]
async fn no_connection_is_made_to_an_address_that_is_not_public() {
    let server = DocumentServer::start(&["docs.example"]);
    server.put("/", Answer::json(&json!({})));
    let here = server.address();
    let public: SocketAddr = "1.1.1.1:443".parse().expect("an address");
    let mapped: SocketAddr = format!("[::ffff:127.0.0.1]:{}", here.port()).parse().expect("an address");
    let names = HashMap::from([
        ("docs.example", vec![here]),
        ("both.example", vec![public, here]),
        ("mapped.example", vec![mapped]),
    ]);
    let resolver: Arc<dyn Resolve> = Arc::new(ListedNames(names));
    let guarded = |private: &[&str]| {
        GuardedFetch::new(GuardedFetchOptions {
            private_hosts: private.iter().map(|host| host.parse().expect("a host")).collect(),
            resolver: Some(resolver.clone()),
            ..options(&server)
        })
    };

    let fetch = guarded(&["private.example"]);
    for url in ["https://docs.example/", "https://both.example/", "https://mapped.example/", "https://DOCS.example./"] {
        let error = get(&fetch, url).await.expect_err(url);
        let expected = if url.contains("DOCS") {
            matches!(error, FetchError::Unreachable(_))
        } else {
            matches!(error, FetchError::BlockedAddress(_))
        };
        assert!(expected, "{url}: {error}");
    }
    for url in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://%31%32%37.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://0/",
        "https://169.254.169.254/",
        "https://[fd00:ec2::254]/",
        "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
        "https://10.0.0.1./",
    ] {
        let error = get(&fetch, url).await.expect_err(url);
        assert!(matches!(error, FetchError::BlockedAddress(_)) && !error.is_outage(), "{url}: {error}");
    }
    let port = here.port();
    for url in [
        format!("http://docs.example:{port}/"),
        format!("https://docs.example:{port}/"),
        format!("https://private.example:{port}/"),
        "https://user@docs.example/".into(),
        "https://:password@docs.example/".into(),
        "ftp://docs.example/".into(),
        "docs.example".into(),
        String::new(),
    ] {
        let error = get(&fetch, &url).await.expect_err(&url);
        assert!(matches!(error, FetchError::Refused(_)), "{url}: {error}");
    }
    assert_eq!(server.connections(), 0);

    assert_eq!(get(&guarded(&["docs.example"]), "https://docs.example/").await.as_deref(), Ok("{}"));
    let by_address =
        GuardedFetchOptions { private_hosts: vec![here.to_string().parse().expect("a host")], ..options(&server) };
    assert_eq!(get(&GuardedFetch::new(by_address), &format!("https://{here}/")).await.as_deref(), Ok("{}"));
}

#[test]
fn a_private_host_is_written_as_it_stands_in_urls() {
    for text in ["docs.internal", "docs.internal:8443", "10.0.0.1", "[::1]:8443", "localhost:1"] {
        assert!(text.parse::<PrivateHost>().is_ok(), "{text}");
    }
    for text in [
        "",
        "Docs.internal",
        "https://docs.internal",
        "docs.internal/",
        "docs.internal/x",
        "user@docs.internal",
        "0x7f.1",
        "*.internal",
        "::1",
        "a b",
        "docs.internal:",
        "docs.internal:70000",
        "docs.internal?x",
        "docs.internal#x",
    ] {
        assert!(text.parse::<PrivateHost>().is_err(), "{text}");
    }
}

#[actix_web::test]
async fn those_who_ask_for_the_same_share_one_fetch() {
    let server = DocumentServer::start(&[]);
    let mut answer =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"a\":1}".to_vec();
    answer.extend_from_slice(b"");
    server.put("/slow", Answer::Drip(answer, Duration::from_millis(30)));
    let fetch = GuardedFetch::new(options(&server));
    let url = server.url("/slow");
    let (a, b, c) = tokio::join!(get(&fetch, &url), get(&fetch, &url), get(&fetch, &url));
    assert_eq!(
        (a.as_deref(), b.as_deref(), c.as_deref()),
        (Ok("{\"a\":1}     "), Ok("{\"a\":1}     "), Ok("{\"a\":1}     "))
    );
    assert_eq!(server.connections(), 1);
    assert!(get(&fetch, &url).await.is_ok());
    assert_eq!(server.connections(), 2, "an answer is not kept");
    let (whole, too_large) = tokio::join!(get(&fetch, &url), fetch.get(&url, JSON, 11));
    assert_eq!(whole.as_deref(), Ok("{\"a\":1}     "));
    assert_eq!(too_large.map(drop), Err(FetchError::TooLarge(11)), "who takes less is not given more");
}

#[actix_web::test]
async fn whoever_goes_away_does_not_take_the_fetch_along() {
    let server = DocumentServer::start(&[]);
    server.put(
        "/slow",
        Answer::Drip(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n".to_vec(),
            Duration::from_millis(10),
        ),
    );
    let fetch = GuardedFetch::new(options(&server));
    let url = server.url("/slow");
    let impatient = tokio::time::timeout(Duration::from_millis(20), get(&fetch, &url));
    let (impatient, patient) = tokio::join!(impatient, get(&fetch, &url));
    assert!(impatient.is_err());
    assert!(patient.is_ok());
}

#[actix_web::test]
async fn one_stalled_host_is_asked_twice_at_a_time_and_the_next_hears_that_it_is_too_much() {
    let server = DocumentServer::start(&[]);
    let other = DocumentServer::start(&[]);
    for path in ["/1", "/2", "/3"] {
        server.put(path, Answer::Stall);
    }
    other.put("/", Answer::json(&json!({})));
    let fetch = GuardedFetch::new(GuardedFetchOptions {
        private_hosts: [server.host(), other.address().to_string()].map(|host| host.parse().expect("a host")).to_vec(),
        extra_ca_pem: Some(format!("{}{}", server.ca_pem(), other.ca_pem()).into_bytes()),
        timeout: Duration::from_secs(3),
        ..GuardedFetchOptions::default()
    });
    let urls = ["/1", "/2", "/3"].map(|path| server.url(path));
    let elsewhere = format!("https://{}/", other.address());
    let begun = Instant::now();
    let (a, b, c, other) =
        tokio::join!(get(&fetch, &urls[0]), get(&fetch, &urls[1]), get(&fetch, &urls[2]), get(&fetch, &elsewhere));
    assert!(begun.elapsed() >= Duration::from_secs(3));
    assert_eq!(c, Err(FetchError::Overloaded));
    assert_eq!(
        (a, b),
        (Err(FetchError::Timeout(Duration::from_secs(3))), Err(FetchError::Timeout(Duration::from_secs(3))))
    );
    assert_eq!(other.as_deref(), Ok("{}"), "another host is not affected");
}

#[actix_web::test]
async fn a_host_whose_name_waits_for_its_turn_is_not_called_slow() {
    let server = DocumentServer::start(&[]);
    let busy = GuardedFetchOptions { resolver: Some(Arc::new(SystemResolver::new(0))), ..options(&server) };
    assert_eq!(get(&GuardedFetch::new(busy), &server.url("/client.json")).await, Err(FetchError::Overloaded));
    assert_eq!(server.connections(), 0);
}
