//! What follows on the same connection: second requests, tunnels, and bytes that were never a request (RFC 9112 §9.3, RFC 9110 §7.8).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::raw::{Bench, GOOD};
use crate::support::soon;
use crate::support::wire::Manner;

const IMPATIENT: &str =
    "[limits]\nhead_timeout = \"1s\"\nslow_body_timeout = \"1s\"\n[development]\nallow_unsafe_values = true\n";

#[actix_web::test]
async fn a_second_request_does_not_ride_on_the_token_of_the_first() {
    let rider = format!("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Rider: 1\r\nContent-Length: 30\r\n\r\n{GOOD}");
    for manner in [Manner::KeepsAlive, Manner::HangsUp, Manner::AnswersEarly] {
        for (fields, body) in [
            ("Content-Length: 30\r\n", GOOD),
            ("Transfer-Encoding: chunked\r\n", "1e\r\n{\"jsonrpc\":\"2.0\",\"method\":\"x\"}\r\n0\r\n\r\n"),
            ("Content-Length: 30\r\nExpect: 100-continue\r\n", GOOD),
            ("Content-Length: 30\r\nConnection: keep-alive\r\n", GOOD),
        ] {
            let bench = Bench::start(manner).await;
            let mut bytes = bench.post(fields, body);
            bytes.extend_from_slice(rider.as_bytes());
            let answers = bench.send(&bytes).await;
            let statuses = answers.statuses();
            assert!(matches!(statuses.as_slice(), [200] | [200, 401]), "{manner:?} {fields:?}: {}", answers.text);
            assert_eq!(bench.wire.requests().len(), 1, "{manner:?} {fields:?}: {:?}", bench.wire.requests());
            assert!(!bench.wire.bytes().contains("rider"), "{manner:?} {fields:?}: {}", bench.wire.bytes());
            assert!(bench.wire.strays().is_empty());
        }
    }
}

#[actix_web::test]
async fn requests_in_a_row_arrive_one_by_one_each_with_its_own_caller() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    let mut bytes = Vec::new();
    for number in 0..3 {
        let body = GOOD.replace('x', &number.to_string());
        bytes.extend(bench.post(&format!("Content-Length: 30\r\nX-Number: {number}\r\n"), &body));
    }
    let answers = bench.send(&bytes).await;
    assert!(answers.statuses().iter().all(|status| *status == 200), "{}", answers.text);
    let requests = bench.wire.requests();
    for (number, request) in requests.iter().enumerate() {
        assert_eq!(request.all("x-number"), [number.to_string()]);
        assert!(request.whole && request.body == GOOD.replace('x', &number.to_string()).as_bytes());
        assert_eq!(request.all("x-mcp-auth-sub"), ["user_1"]);
    }
}

#[actix_web::test]
async fn nothing_is_served_behind_a_request_that_closes() {
    for connection in ["close", "Close", "CLOSE", "keep-alive, close", "close, keep-alive", "x, close", "upgrade"] {
        let bench = Bench::start(Manner::KeepsAlive).await;
        let mut bytes = bench.post(&format!("Connection: {connection}\r\nContent-Length: 30\r\n"), GOOD);
        bytes.extend_from_slice(bench.smuggled().as_bytes());
        let answers = bench.send(&bytes).await;
        assert_eq!(answers.statuses(), [200], "{connection}: {}", answers.text);
        assert!(answers.closed, "{connection}: {}", answers.text);
        assert_eq!(bench.wire.requests().len(), 1, "{connection}");
    }
}

#[actix_web::test]
async fn nothing_behind_a_tunnel_arrives() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    let host = "Host: 127.0.0.1\r\n";
    let mut count = 0;
    for behind in [bench.smuggled(), "\x01\x05smuggled".into(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsmuggled".into()] {
        for upgrade in [
            "websocket",
            "WebSocket",
            "WEBSOCKET",
            " websocket",
            "websocket ",
            "websocket, h2c",
            "h2c, websocket",
            "x,websocket,y",
        ] {
            for connection in ["Connection: Upgrade\r\n", "Connection: upgrade, keep-alive\r\n", ""] {
                let fields = format!(
                    "Upgrade: {upgrade}\r\n{connection}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
                );
                bench.refused_with(2, &format!("{fields:?} {behind:?}"), &bench.post(&fields, &behind)).await;
                count += 1;
            }
        }
        for target in ["/mcp", "127.0.0.1:80", "mcp.example.com:443", "*", "http://127.0.0.1/mcp"] {
            let bytes =
                format!("CONNECT {target} HTTP/1.1\r\n{host}Authorization: Bearer {}\r\n\r\n{behind}", bench.token);
            bench.refused(&format!("CONNECT {target} {behind:?}"), bytes.as_bytes()).await;
            count += 1;
        }
    }
    assert!(count >= 80, "{count}");
}

#[actix_web::test]
async fn an_upgrade_to_anything_else_is_forwarded_as_the_plain_request_it_is() {
    for upgrade in ["h2c", "TLS/1.0", "HTTP/2.0", "foo/1", "h2c, foo"] {
        let bench = Bench::start(Manner::KeepsAlive).await;
        let fields = format!(
            "Upgrade: {upgrade}\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 30\r\n"
        );
        let mut bytes = bench.post(&fields, GOOD);
        bytes.extend_from_slice(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsmuggled");
        let answers = bench.send(&bytes).await;
        assert!(matches!(answers.statuses().as_slice(), [] | [200] | [200, 400]), "{upgrade}: {}", answers.text);
        let sent = bench.wire.bytes().to_ascii_lowercase();
        for not in ["upgrade", "http2-settings", "smuggled", "pri *"] {
            assert!(!sent.contains(not), "{upgrade}: {not} in {sent}");
        }
        assert!(bench.wire.requests().len() <= 1 && bench.wire.strays().is_empty());
    }
}

#[actix_web::test]
async fn a_body_that_nobody_wanted_is_no_request() {
    for (name, start) in [
        ("no token", "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
        ("a bad token", "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer x\r\n"),
        ("a foreign host", "POST /mcp HTTP/1.1\r\nHost: evil.example\r\n"),
        ("a foreign page", "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\n"),
        ("an unclear target", "POST //mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
        ("nothing there", "POST /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
        ("the metadata", "POST /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
        ("a bad method", "PUT /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
    ] {
        for waits in ["", "Expect: 100-continue\r\n"] {
            let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
            let body = bench.smuggled();
            let length = format!("{start}{waits}Content-Length: {}\r\n\r\n{body}", body.len());
            bench.refused(&format!("{name}, by length, {waits:?}"), length.as_bytes()).await;
            let more = format!("{start}{waits}Content-Length: {}\r\n\r\n{body}", body.len() + 1000);
            bench.refused(&format!("{name}, unfinished, {waits:?}"), more.as_bytes()).await;
            let chunk =
                format!("{start}{waits}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
            bench.refused(&format!("{name}, in a chunk, {waits:?}"), chunk.as_bytes()).await;
            let cut = format!("{start}{waits}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}", body.len() + 1000);
            bench.refused(&format!("{name}, in half a chunk, {waits:?}"), cut.as_bytes()).await;
        }
    }
}

const NO_TOKEN: &str = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";

#[actix_web::test]
async fn a_connection_outlives_a_refusal_when_the_body_is_small_and_comes() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    let mut stream = TcpStream::connect(bench.world.address).await.expect("a connection");
    for _ in 0..3 {
        // The body in a packet of its own, as many clients send it.
        for part in [&format!("{NO_TOKEN}Content-Length: 30\r\n\r\n"), GOOD] {
            stream.write_all(part.as_bytes()).await.expect("sent");
            stream.flush().await.expect("sent");
        }
        let mut said = Vec::new();
        while !said.ends_with(b"}") {
            assert_ne!(soon("an answer", stream.read_buf(&mut said)).await.expect("the connection stays"), 0);
        }
        assert!(said.starts_with(b"HTTP/1.1 401"), "{}", String::from_utf8_lossy(&said));
    }
    assert_eq!(bench.wire.deliveries(), 0);
}

#[actix_web::test]
async fn a_connection_ends_with_a_refusal_when_the_body_is_large_or_does_not_come() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    for (fields, sent) in
        [("Content-Length: 70000\r\n", 70_000), ("Content-Length: 1000\r\n", 10), ("Content-Length: 1000\r\n", 0)]
    {
        let mut stream = TcpStream::connect(bench.world.address).await.expect("a connection");
        stream.write_all(format!("{NO_TOKEN}{fields}\r\n{}", "x".repeat(sent)).as_bytes()).await.expect("sent");
        let mut said = Vec::new();
        soon("the connection ends", stream.read_to_end(&mut said)).await.ok();
        assert!(said.starts_with(b"HTTP/1.1 401"), "{fields:?}: {}", String::from_utf8_lossy(&said));
    }
    assert_eq!(bench.wire.deliveries(), 0);
}

#[actix_web::test]
async fn a_body_with_a_token_in_it_is_a_body() {
    for waits in ["", "Expect: 100-continue\r\n", "Expect: 100-Continue, x\r\n", "Expect: something\r\n"] {
        let bench = Bench::start(Manner::KeepsAlive).await;
        let hidden = serde_json::json!({ "jsonrpc": "2.0", "method": "x", "params": { "hidden": bench.smuggled() } });
        let body = hidden.to_string();
        let answers = bench.send(&bench.post(&format!("{waits}Content-Length: {}\r\n", body.len()), &body)).await;
        assert_eq!(answers.statuses(), [200], "{waits:?}: {}", answers.text);
        let requests = bench.wire.requests();
        assert_eq!((requests.len(), requests[0].body.as_slice()), (1, body.as_bytes()), "{waits:?}");
        assert!(requests[0].all("expect").is_empty(), "{waits:?}");
    }
}
