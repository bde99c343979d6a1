//! The vectors of `raw_framing.rs` before every kind of MCP server that the configuration knows: plain TCP, TLS, a Unix socket,
//! HTTP+SSE. Between them come good requests, and the MCP server sees these and nothing else (RFC 9112 §11.2).

use futures_util::future::join_all;

use crate::raw_framing::{IMPATIENT, all};
use crate::support::raw::{Bench, GOOD};
use crate::support::wire::{Manner, Way};

async fn what_arrives_is_what_was_authorized(way: Way) {
    let bench = Bench::over(way, Manner::KeepsAlive, IMPATIENT).await;
    let vectors = all(&bench);
    assert!(vectors.len() >= 300, "{}", vectors.len());
    let mut authorized = Vec::new();
    for (number, some) in vectors.chunks(16).enumerate() {
        let answers = join_all(some.iter().map(|(_, bytes)| bench.send(bytes))).await;
        let good = bench.post(&format!("X-Number: {number}\r\nContent-Length: 30\r\nConnection: close\r\n"), GOOD);
        let of_good = bench.send(&good).await;
        assert_eq!(of_good.statuses(), [200], "{way:?}: {}", of_good.text);
        authorized.push(number.to_string());

        let requests = bench.wire.requests();
        let seen: Vec<&str> = requests.iter().flat_map(|request| request.all("x-number")).collect();
        let names: Vec<&str> = some.iter().map(|(name, _)| name.as_str()).collect();
        assert!(requests.iter().all(|request| request.whole && request.body == GOOD.as_bytes()), "{way:?}: {names:?}");
        assert_eq!((seen, requests.len()), (authorized.iter().map(String::as_str).collect(), number + 1), "{names:?}");
        for ((name, _), answers) in some.iter().zip(&answers) {
            answers.are_refusals(1, name);
        }
    }
    assert!(!bench.wire.bytes().to_ascii_lowercase().contains("smuggled"), "{way:?}: {}", bench.wire.bytes());
    assert!(bench.wire.strays().is_empty(), "{way:?}: {:?}", bench.wire.strays());
}

#[actix_web::test]
async fn over_tcp_only_what_was_authorized_arrives() {
    what_arrives_is_what_was_authorized(Way::Tcp).await;
}

#[actix_web::test]
async fn over_tls_only_what_was_authorized_arrives() {
    what_arrives_is_what_was_authorized(Way::Tls).await;
}

#[actix_web::test]
async fn over_a_unix_socket_only_what_was_authorized_arrives() {
    what_arrives_is_what_was_authorized(Way::Unix).await;
}

#[actix_web::test]
async fn over_http_with_sse_only_what_was_authorized_arrives() {
    what_arrives_is_what_was_authorized(Way::LegacySse).await;
}
