//! RFC 9110 §7.2, RFC 9112 §3 and §6.3: requests that two programs could read differently reach nobody.

use crate::support::World;

fn status(answer: &str) -> &str {
    answer.get("HTTP/1.1 ".len().."HTTP/1.1 200".len()).unwrap_or_default()
}

#[actix_web::test]
async fn hostile_request_targets_reach_nobody() {
    let world = World::start().await;
    let refused = [
        "//mcp",
        "//",
        "//evil.example/mcp",
        "/mcp//",
        "///mcp",
        "/./mcp",
        "/../mcp",
        "/mcp/.",
        "/mcp/..",
        "/mcp/../mcp",
        "/a/../mcp",
        "/a/./b",
        "/..",
        "/.",
        "/mcp/%2e",
        "/mcp/%2e%2e",
        "/%2e%2e/mcp",
        "/%2E/mcp",
        "/mcp%2f",
        "/mcp%2F",
        "/mcp%2fx",
        "/%2fmcp",
        "/mcp%5c",
        "/mcp%5C..",
        "/%6dcp",
        "/%6d%63%70",
        "/mc%70",
        "/mcp%00",
        "/mcp%0d%0a",
        "/mcp%20",
        "/mcp%3f",
        "/mcp%23",
        "/mcp%25",
        "/mcp%252f",
        "/mcp%c0%af",
        "/mcp%",
        "/mcp%zz",
        "/mcp;",
        "/mcp;x=1",
        "/;/mcp",
        "/mcp;/..",
        "/mcp\\",
        "/mcp\\..",
        "\\mcp",
        "/\\mcp",
        "/mcp\\/x",
        "/mcp\"",
        "/mcp<x>",
        "/mcp^",
        "/mcp`",
        "/mcp{x}",
        "/mcp|x",
        "/mcp\u{e9}",
        "/m\u{441}p",
        "/mcp\u{200b}",
        "/mcp\t",
        "/mcp\u{7f}",
        "/mcp\u{0}",
        "/mcp\u{1b}",
        "*",
        "mcp",
        "",
        "?x=1",
        "http://mcp.example.com/mcp",
        "http://evil.example/mcp",
        "https://evil.example",
        "HTTP://127.0.0.1/mcp",
        "//127.0.0.1/mcp",
        "file:///mcp",
        "evil.example:80",
        "/mcp?\u{e9}",
        "/mcp?a\u{0}",
        "/mcp?a b",
        "/.well-known/../mcp",
        "/.well-known/%2e%2e/mcp",
        "/assets/../mcp",
    ];
    assert!(refused.len() > 60);
    for target in refused {
        let answer = world.raw_get(target).await;
        assert_eq!(status(&answer), "400", "{target:?}: {answer}");
    }
    for target in [
        "/MCP",
        "/mcp.",
        "/mcp,",
        "/mcp=",
        "/mcp/x",
        "/mcp:80",
        "/mcp@evil",
        "/mcp~",
        "/mcp!",
        "/mcp*",
        "/mcp+",
        "/internal/mcp",
    ] {
        let answer = world.raw_get(target).await;
        assert_eq!(status(&answer), "404", "{target:?}: {answer}");
    }
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
}

#[actix_web::test]
async fn a_fragment_is_dropped_and_never_sent_on() {
    let world = World::start().await;
    assert_eq!(status(&world.raw_get("/mcp#/../admin").await), "200");
    assert_eq!(world.upstream.only().target, "/internal/mcp");
}

#[actix_web::test]
async fn the_query_is_forwarded_as_it_was_written() {
    let world = World::start().await;
    assert_eq!(status(&world.raw_get("/mcp?a=%2F..%2f&b=x+y&&c;d=1&e=a@b:c/d?e").await), "200");
    assert_eq!(world.upstream.only().target, "/internal/mcp?a=%2F..%2f&b=x+y&&c;d=1&e=a@b:c/d?e");
}

#[actix_web::test]
async fn foreign_hosts_are_refused_and_never_reflected() {
    let world = World::start().await;
    let token = world.authority.token();
    for host in [
        "evil.example",
        "mcp.example.com.evil.example",
        "mcp.example.com:8443",
        "mcp.example.com.",
        "evil@mcp.example.com",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.2",
        "0.0.0.0",
        "[::]",
        "mcp.example.com evil.example",
        "mcp.example.com,evil.example",
        "mcp.example.com/evil",
        "",
        " ",
        "169.254.169.254",
        "\u{e9}.example",
    ] {
        for path in ["/mcp", "/.well-known/oauth-protected-resource", "/evil"] {
            let head = format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\n\
                 Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
            );
            let answer = world.raw(head.as_bytes()).await;
            assert_eq!(status(&answer), "421", "{host:?}: {answer}");
            assert!(!answer.contains("evil"), "{answer}");
        }
    }
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn ambiguous_requests_are_refused_and_the_connection_closed() {
    let world = World::start().await;
    let token = world.authority.token();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    for (version, headers, body) in [
        ("1.1", "Host: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("1.1", "Host: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n", "hello"),
        ("1.1", "Host: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n", "hello"),
        ("1.1", "Host: 127.0.0.1\r\nContent-Length: +5\r\n", "hello"),
        ("1.1", "Host: 127.0.0.1\r\nContent-Length: 5, 5\r\n", "hello"),
        ("1.1", "Host: 127.0.0.1\r\nContent-Length: 0x5\r\n", "hello"),
        ("1.1", "Host: 127.0.0.1\r\nContent-Length: -1\r\n", "hello"),
        ("1.1", "Host: 127.0.0.1\r\nTransfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        ("1.1", "Host: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("1.1", "Host: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ("1.1", "Host: 127.0.0.1\r\nTransfer-Encoding: identity\r\n", "hello"),
        ("1.1", "Host: 127.0.0.1\r\nTransfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        ("1.0", "Host: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("1.1", "Host: 127.0.0.1\r\nHost: mcp.example.com\r\n", ""),
        ("1.1", "", ""),
        ("1.1", "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n", ""),
        ("1.1", "Host: 127.0.0.1\r\n folded: x\r\n", ""),
        ("2.0", "Host: 127.0.0.1\r\n", ""),
    ] {
        let request =
            format!("POST /mcp HTTP/{version}\r\n{headers}Authorization: Bearer {token}\r\n\r\n{body}{smuggled}");
        let answer = world.raw(request.as_bytes()).await;
        assert_eq!(status(&answer), "400", "{headers:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{headers:?}: {answer}");
    }
    let connect = format!(
        "CONNECT mcp.example.com:443 HTTP/1.1\r\nHost: mcp.example.com\r\nAuthorization: Bearer {token}\r\n\r\n{smuggled}"
    );
    let answer = world.raw(connect.as_bytes()).await;
    assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), ("400", 1), "{answer}");
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
}

#[actix_web::test]
async fn a_broken_chunk_never_becomes_a_whole_request() {
    let world = World::start().await;
    let token = world.authority.token();
    for body in ["5\r\nhelloX", "zz\r\nhello\r\n0\r\n\r\n", "5;\r\nhi", "ffffffffffffffffff\r\nx"] {
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n{body}"
        );
        let mut stream = tokio::net::TcpStream::connect(world.address).await.expect("a connection");
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        stream.write_all(request.as_bytes()).await.expect("sent");
        stream.shutdown().await.expect("half closed");
        let mut answer = String::new();
        let read = tokio::time::timeout(crate::support::PATIENCE, stream.read_to_string(&mut answer)).await;
        assert!(read.is_ok(), "{body:?}");
        assert!(!answer.contains("200 OK"), "{body:?}: {answer}");
    }
}

#[actix_web::test]
async fn an_early_answer_does_not_turn_the_body_into_a_request() {
    let world = World::start().await;
    let body =
        format!("GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\r\n", world.authority.token());
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = world.raw(request.as_bytes()).await;
    assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), ("401", 1), "{answer}");
    let large = world
        .request(reqwest::Method::POST)
        .body(vec![b'x'; 2 * 1024 * 1024])
        .send()
        .await
        .expect("an answer, not a reset");
    assert_eq!(large.status(), 401);
    assert!(world.upstream.seen().is_empty());
}
