//! Both directions are streamed, proven by order: each side waits for the other over a second channel.

use std::time::Duration;

use gatelodge_oauth::access_token::Claims;
use gatelodge_service::clock::Clock;
use reqwest::{Body, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::upstream::scripted;
use crate::support::{PING, World, events, header, part, soon};

#[actix_web::test]
async fn an_event_arrives_before_the_next_one_exists() {
    let world = World::start().await;
    for method in [Method::POST, Method::GET] {
        let request = world.authorized(method).header("x-test", "two events").header("Accept-Encoding", "gzip");
        let mut response = soon("the head of the stream", request.send()).await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), "text/event-stream");
        assert_eq!(header(&response, "x-accel-buffering"), "no");
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert_eq!(
            (header(&response, "content-length"), header(&response, "content-encoding")),
            (String::new(), String::new())
        );
        let first = soon("the first event", part(&mut response)).await.expect("an event");
        assert_eq!(first, "id: 0\r\ndata: event 0\r\n\r\n");
        // Only now may the server make the second one: had anything waited for it, the test would not get here.
        world.upstream.shared.go_on.notify_one();
        let second = soon("the second event", part(&mut response)).await.expect("an event");
        assert_eq!(second, "id: 1\r\ndata: event 1\r\n\r\n");
        assert!(soon("the end", part(&mut response)).await.is_none());
    }
}

/// Proves MCP transports, Streamable HTTP: a stream of an MCP server without tasks, in which nothing is hidden, is neither held up nor broken.
#[actix_web::test]
async fn a_stream_in_which_nothing_is_changed_passes_as_it_comes_whatever_its_size() {
    let world = World::start().await;
    let ask = |plan: &str| world.authorized(Method::GET).header("x-test", plan).send();
    let mut response = ask("half an event").await.expect("an answer");
    assert_eq!(soon("a half", part(&mut response)).await.expect("a part"), "data: ha");
    world.upstream.shared.go_on.notify_one();
    assert_eq!(soon("the rest", part(&mut response)).await.expect("a part"), "lf\n\n");
    let large = ask("large event").await.expect("an answer");
    assert_eq!(events(large).await.len(), "data: \"\"\n\n".len() + 5 * 1024 * 1024);
}

#[actix_web::test]
async fn the_head_of_a_silent_stream_arrives_at_once() {
    let world = World::start().await;
    let request = world.authorized(Method::GET).header("x-test", "silent events").send();
    let mut response = soon("the head of the stream", request).await.expect("an answer");
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (200, "text/event-stream".into()));
    // Firefox tells a page of nothing before the first byte.
    let first = soon("the first byte", response.chunk()).await.expect("no error");
    assert_eq!(first.as_deref(), Some(&b":\n\n"[..]));
}

/// What is authorized must be what is forwarded, so nothing is forwarded of what is not whole.
#[actix_web::test]
async fn not_a_byte_is_forwarded_before_the_body_is_whole() {
    let world = World::start().await;
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let body = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
    let response = actix_web::rt::spawn(world.authorized(Method::POST).body(Body::wrap_stream(body)).send());
    for part in [&PING[..10], &PING[10..20]] {
        sender.send(Ok::<_, std::io::Error>(part.to_owned())).expect("open");
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(world.upstream.seen().is_empty());
    sender.send(Ok(PING[20..].to_owned())).expect("open");
    drop(sender);
    assert_eq!(soon("an answer", response).await.expect("joined").expect("an answer").status(), 200);
    let seen = world.upstream.only();
    let length = PING.len().to_string();
    assert_eq!((seen.body.as_slice(), seen.all("content-length")), (PING.as_bytes(), vec![length.as_str()]));
}

/// Proves MCP 2026-07-28, cancellation: to close the stream is to cancel, also while it is silent.
#[actix_web::test]
async fn a_client_that_leaves_cancels_wherever_the_exchange_is() {
    for (plan, ended) in [("endless events", "events"), ("silent events", "silence"), ("never", "answer")] {
        let mut world = World::start().await;
        let token = world.authority.token();
        for half in [false, true] {
            let mut stream = TcpStream::connect(world.address).await.expect("a connection");
            let head = format!(
                "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nx-test: {plan}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{PING}",
                PING.len()
            );
            stream.write_all(head.as_bytes()).await.expect("sent");
            match plan {
                "never" => soon("the request arrived", world.upstream.shared.waiting.notified()).await,
                _ => soon("the stream begins", stream.readable()).await.expect("readable"),
            }
            if half {
                stream.shutdown().await.expect("closed for sending");
            } else {
                drop(stream);
            }
            // After 15 seconds a comment would find it out; it is to be seen without one.
            let learnt = timeout(Duration::from_secs(12), world.upstream.hung_up.recv()).await;
            assert_eq!(learnt, Ok(Some(ended)), "{plan}, half closed: {half}");
        }
    }
}

#[actix_web::test]
async fn bodies_over_four_mebibytes_are_refused() {
    let world = World::start().await;
    let limit = 4 * 1024 * 1024;
    let exact = PING.to_owned() + &" ".repeat(limit - PING.len());
    assert_eq!(world.authorized(Method::POST).body(exact).send().await.expect("an answer").status(), 200);
    assert_eq!(world.upstream.only().body.len(), limit);

    let declared = world.authorized(Method::POST).body(vec![b'x'; limit + 1]).send().await.expect("an answer");
    assert_eq!(declared.status(), 413);
    assert_eq!(
        declared.text().await.expect("a body"),
        "{\"error\":\"body_too_large\",\"error_description\":\"the request body is larger than this server takes\"}"
    );
    assert_eq!(world.upstream.seen().len(), 1, "not a byte of it was sent on");

    let parts = futures_util::stream::iter((0..).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024])).take(65));
    let chunked = world.authorized(Method::POST).body(Body::wrap_stream(parts)).send();
    assert_eq!(soon("an answer", chunked).await.expect("an answer").status(), 413, "however it is framed");
}

#[actix_web::test]
async fn a_request_that_ends_early_never_arrives() {
    let world = World::start().await;
    for framing in ["Content-Length: 100\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n26\r\n"] {
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{framing}{PING}",
            world.authority.token()
        );
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream.shutdown().await.expect("closed for sending");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.ok();
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"), "{framing}");
    }
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn large_answers_keep_their_length() {
    let world = World::start().await;
    let response = world.authorized(Method::POST).header("x-test", "large").send().await.expect("an answer");
    assert_eq!(header(&response, "content-length"), (3 * 1024 * 1024).to_string());
    assert_eq!(header(&response, "transfer-encoding"), "");
    assert_eq!(response.bytes().await.expect("a body").len(), 3 * 1024 * 1024);
}

#[actix_web::test]
async fn an_answer_that_breaks_is_not_made_to_look_complete() {
    let chunked =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n";
    let counted = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"half\":";
    for answer in [chunked, counted] {
        let world = World::before(&scripted(answer)).await;
        let whole = async { world.authorized(Method::POST).send().await?.bytes().await };
        assert!(soon("the end", whole).await.is_err(), "{answer}");
    }
}

/// Proves MCP authorization: a stream does not outlive the right to it.
#[actix_web::test]
async fn a_stream_ends_cleanly_with_its_token() {
    let world =
        World::with(|toml| toml.replace("[authorization_server]", "[authorization_server]\nclock_leeway = \"0s\""))
            .await;
    let now = Clock::system().now();
    let claims = Claims { exp: now.plus(Duration::from_secs(3)), ..world.authority.claims() };
    let token = world.authority.sign(&claims);
    let request = world.request(Method::GET).bearer_auth(&token).header("x-test", "endless events");
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(soon("the end", events(response)).await, "data: 1\n\n");
    assert!(Clock::system().now() >= claims.exp, "and not before");
    // The operator may give it more time.
    let patient = World::with(|toml| {
        toml.replace("[authorization_server]", "[authorization_server]\nclock_leeway = \"0s\"")
            + "stream_grace = \"1h\"\n"
    })
    .await;
    // Whole seconds: what is left is up to one less.
    let claims = Claims { exp: Clock::system().now().plus(Duration::from_secs(3)), ..patient.authority.claims() };
    let request = patient.request(Method::GET).bearer_auth(patient.authority.sign(&claims));
    let mut response = request.header("x-test", "endless events").send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert!(part(&mut response).await.is_some());
    assert!(tokio::time::timeout(Duration::from_secs(6), part(&mut response)).await.is_err(), "it goes on");
    // One that was opened with another token goes on.
    let request = world.authorized(Method::GET).header("x-test", "endless events").send();
    let mut response = request.await.expect("an answer");
    assert_eq!(part(&mut response).await.expect("an event"), "data: 1\n\n");
    assert!(tokio::time::timeout(Duration::from_millis(500), part(&mut response)).await.is_err());
}

/// Nobody could see where an event ends, so it could not be ended with its token either.
#[actix_web::test]
async fn a_stream_that_is_compressed_all_the_same_is_not_passed_on() {
    let world = World::start().await;
    for (encoding, status) in [("gzip", 502), ("br", 502), ("identity, gzip", 502), ("identity", 200), ("none", 200)] {
        let request = world.authorized(Method::POST).header("x-test", "say").header("x-say-encoding", encoding);
        let response = request.header("x-say-type", "text/event-stream").header("x-say", "data: 1||").send();
        assert_eq!(response.await.expect("an answer").status(), status, "{encoding}");
    }
}
