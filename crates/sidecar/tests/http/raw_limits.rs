//! Clients that send or read too slowly, and more of them than there is room for. Times are short by configuration, and none is measured:
//! each test waits for the end that must come.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::raw::{Bench, GOOD};
use crate::support::soon;
use crate::support::wire::Manner;
use crate::support::{World, upstream};

const IMPATIENT: &str = "[limits]\nhead_timeout = \"1s\"\nslow_body_timeout = \"1s\"\nstalled_reader_timeout = \"1s\"\n\
                         [development]\nallow_unsafe_values = true\n";

/// Sends the first part, then a byte now and then, until the server hangs up; what it said.
async fn drip(bench: &Bench, first: &[u8], drop: &[u8]) -> String {
    let stream = TcpStream::connect(bench.world.address).await.expect("a connection");
    let (mut reader, mut writer) = stream.into_split();
    writer.write_all(first).await.expect("sent");
    let drop = drop.to_owned();
    let dripping = actix_web::rt::spawn(async move {
        while writer.write_all(&drop).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut said = Vec::new();
    soon("the server hangs up", reader.read_to_end(&mut said)).await.ok();
    dripping.abort();
    String::from_utf8_lossy(&said).into_owned()
}

#[actix_web::test]
async fn a_head_that_drips_is_given_up() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    for first in ["", "P", "POST /mcp HTTP/1.1\r\n", "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "] {
        let said = drip(&bench, first.as_bytes(), b"x").await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{first:?}: {said}");
    }
    assert!(bench.wire.requests().is_empty());
}

#[actix_web::test]
async fn a_body_that_drips_is_given_up_and_never_arrives_whole() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    for (fields, first, drop) in [
        ("Content-Length: 100000\r\n", "", "x"),
        ("Transfer-Encoding: chunked\r\n", "", "1\r\nx\r\n"),
        ("Transfer-Encoding: chunked\r\n", "5;", "x"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nX: ", "x"),
        ("Content-Length: 100000\r\nExpect: 100-continue\r\n", "", "x"),
    ] {
        let said = drip(&bench, &bench.post(fields, first), drop.as_bytes()).await;
        let said = said.replace("HTTP/1.1 100 Continue\r\n\r\n", "");
        assert!(said.starts_with("HTTP/1.1 408"), "{fields:?}: {said}");
    }
    assert_eq!(bench.wire.deliveries(), 0, "{:?}", bench.wire.requests());
}

#[actix_web::test]
async fn a_reader_that_stands_still_loses_its_connection_and_event_streams_do_not() {
    let bench = World::with(|toml| format!("{toml}{IMPATIENT}")).await;
    let token = bench.authority.token();
    let ask = |plan: &str| {
        format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nx-test: {plan}\r\nContent-Length: 30\r\n\r\n{GOOD}"
        )
    };
    let mut large = TcpStream::connect(bench.address).await.expect("a connection");
    let mut stream = TcpStream::connect(bench.address).await.expect("a connection");
    large.write_all(ask("huge").as_bytes()).await.expect("sent");
    stream.write_all(ask("endless events").as_bytes()).await.expect("sent");
    soon("an answer begins", large.readable()).await.expect("readable");
    // Long enough for the sidecar to see that nothing is read; it may see it later too.
    let mut ended = false;
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        ended = large.write_all(b" ").await.is_err();
        if ended {
            break;
        }
    }
    assert!(ended, "the connection is still there");
    let mut events = [0; 16];
    assert!(soon("the stream goes on", stream.read(&mut events)).await.expect("open") > 0);
}

#[actix_web::test]
async fn connections_beyond_the_limits_are_closed_and_places_are_given_back() {
    for limits in ["connections = 3\nconnections_per_source = 3\n", "connections_per_source = 3\n"] {
        let bench = Bench::with(Manner::KeepsAlive, &format!("[limits]\n{limits}")).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(bench.world.address).await.expect("a connection");
            stream.write_all(&bench.post("Content-Length: 30\r\n", GOOD)).await.expect("sent");
            let mut answer = [0; 12];
            soon("an answer", stream.read_exact(&mut answer)).await.expect("an answer");
            assert_eq!(&answer, b"HTTP/1.1 200");
            held.push(stream);
        }
        let refused = bench.send(&bench.post("Content-Length: 30\r\n", GOOD)).await;
        assert!(refused.closed && refused.text.is_empty(), "{limits}: {}", refused.text);
        assert_eq!(bench.wire.deliveries(), 3, "{limits}");
        held.clear();
        let again = async {
            while bench.send(&bench.post("Content-Length: 30\r\n", GOOD)).await.statuses() != [200] {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon("a place is free again", again).await;
    }
}

#[actix_web::test]
async fn behind_a_trusted_proxy_stand_many() {
    let bench = Bench::with(Manner::KeepsAlive, "[limits]\nconnections_per_source = 1\n").await;
    let second = bench.post("Content-Length: 30\r\n", GOOD);
    // Each is counted by the worker that gets it: either may come first, and then the other one is refused.
    let refused = async {
        loop {
            let _alone = TcpStream::connect(bench.world.address).await.expect("a connection");
            let answer = bench.send(&second).await;
            if answer.closed && answer.text.is_empty() {
                return;
            }
        }
    };
    soon("the second is refused", refused).await;

    let world = World::with(|toml| {
        format!("trusted_proxies = [\"127.0.0.0/8\"]\n{toml}[limits]\nconnections_per_source = 1\n")
    })
    .await;
    let _held = TcpStream::connect(world.address).await.expect("a connection");
    for _ in 0..3 {
        assert_eq!(world.authorized(reqwest::Method::POST).send().await.expect("an answer").status(), 200);
    }
    assert_eq!(upstream_count(&world.upstream), 3);
}

fn upstream_count(upstream: &upstream::Upstream) -> usize {
    upstream.seen().len()
}

#[actix_web::test]
async fn a_body_that_is_not_whole_yet_is_a_request_under_way() {
    let bench = Bench::with(Manner::KeepsAlive, "[limits]\nopen_requests_per_user = 1\n").await;
    let second = bench.post("Content-Length: 30\r\n", GOOD);
    // Either may come first, and then the other one is refused.
    let counted = async {
        loop {
            let mut stream = TcpStream::connect(bench.world.address).await.expect("a connection");
            stream.write_all(&bench.post("Content-Length: 100000\r\n", "{")).await.expect("sent");
            if bench.send(&second).await.statuses() == [429] {
                return stream;
            }
        }
    };
    let stream = soon("it counts", counted).await;
    drop(stream);
    soon("it counts no more", async { while bench.send(&second).await.statuses() != [200] {} }).await;
}

#[actix_web::test]
async fn keys_that_nobody_has_checked_are_counted_by_where_they_come_from() {
    let keys = "[resource.api_keys]\nheader = \"X-Api-Key\"\npass_through = true\n\
                [limits]\nopen_requests_per_user = 1\n";
    let world = World::with(|toml| toml + keys).await;
    let with_key = |key: &str| world.request(reqwest::Method::POST).header("x-api-key", key);
    let mut waiting = std::pin::pin!(with_key("made-up").header("x-test", "never").send());
    tokio::select! {
        answer = &mut waiting => panic!("it is answered: {answer:?}"),
        () = soon("the first is under way", world.upstream.shared.waiting.notified()) => {}
    }
    assert_eq!(with_key("another").send().await.expect("an answer").status(), 429);
    assert_eq!(world.authorized(reqwest::Method::POST).send().await.expect("an answer").status(), 200);
}
