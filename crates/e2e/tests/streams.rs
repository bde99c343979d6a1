//! Many event streams at once through the real sidecar: not a byte is lost or changed, and when they are over, nothing of them is left.

use std::time::Duration;

use gatelodge_e2e::scale::{report, scale};
use gatelodge_e2e::stack::{Settings, Stack};
use gatelodge_e2e::usage::{Usage, raise_open_files};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

/// For a machine under load; nothing is measured with it.
const PATIENCE: Duration = Duration::from_secs(120);

/// What an open stream may take of the sidecar's memory. A debug build takes 30 to 37 KiB; one that took twice as much would fail.
const OPEN_KB: u64 = 56;

/// What may be left of a stream that is over: tables that have grown, stacks that threads have used once, and what lies between. Less
/// than a stream takes while it is open, so that none may stay.
const KEPT_KB: u64 = 32;

const LIMITS: &str =
    "[limits]\nconnections_per_source = 2048\nopen_requests_per_user = 2048\nrequests_per_caller = 0\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_streams_lose_no_byte_and_leave_nothing_behind() {
    let test = "a_thousand_streams_lose_no_byte_and_leave_nothing_behind";
    let streams: usize = scale(200, 1_000);
    let length: Duration = scale(Duration::from_secs(4), Duration::from_secs(600));
    // This process holds both ends of every stream.
    raise_open_files(4 * streams as u64);
    let upstream = serve().await;
    let stack = tokio::task::spawn_blocking(move || {
        Stack::start(&Settings { upstream: Some(upstream), sidecar: LIMITS.to_owned(), ..Settings::new(test) })
    });
    let stack = stack.await.expect("it starts");
    let token = token(&stack);
    let host = stack.public_url.strip_prefix("http://").expect("loopback").to_owned();

    let at_start = Usage::of(stack.sidecar_id());
    let events = u64::try_from(length.as_millis() / pause().as_millis()).expect("a number");
    let (bytes, most) = tokio::join!(round(&host, &token, streams, events), at_most(&stack, length));
    assert!(most.own_kb <= at_start.own_kb + OPEN_KB * streams as u64, "{at_start:?} at start, at most {most:?}");
    let after = given_back(stack.sidecar_id(), at_start, streams).await;

    report(
        test,
        format!(
            "{streams} streams for {length:?}, {bytes} bytes, each as it was sent; memory of its own {} kB at start, at most \
             {} kB, {} kB at the end; descriptors {} at start, at most {}, {} at the end",
            at_start.own_kb, most.own_kb, after.own_kb, at_start.descriptors, most.descriptors, after.descriptors
        ),
    );
    assert!(most.descriptors >= 2 * streams, "all at once: {most:?}");
    tokio::task::spawn_blocking(move || stack.stop()).await.expect("it stops");
}

/// Between two events of a stream.
fn pause() -> Duration {
    scale(Duration::from_millis(250), Duration::from_secs(1))
}

/// Opens all streams, then reads all to their end; how many bytes they brought.
async fn round(host: &str, token: &str, streams: usize, events: u64) -> u64 {
    let mut readers = JoinSet::new();
    for stream in 0..streams as u64 {
        let (host, token) = (host.to_owned(), token.to_owned());
        readers.spawn(async move { read_stream(&host, &token, stream, events).await });
    }
    readers.join_all().await.into_iter().sum()
}

/// One event: a counter, and as many bytes as stream and counter say.
fn event(stream: u64, number: u64) -> String {
    let mixed = (stream << 32 | number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let length = usize::try_from(mixed % 2_000).expect("small");
    let line: String = (0..length).map(|at| char::from(b'a' + ((mixed >> (at % 48)) % 26) as u8)).collect();
    format!("id: {number}\r\ndata: {stream} {number} {line}\r\n\r\n")
}

async fn read_stream(host: &str, token: &str, stream: u64, events: u64) -> u64 {
    let socket = TcpStream::connect(host).await.expect("the sidecar listens");
    let mut socket = BufReader::new(socket);
    let request = format!(
        "GET /mcp?stream={stream}&events={events} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Accept: text/event-stream\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.expect("sent");
    let status = line(&mut socket).await;
    assert!(status.starts_with("HTTP/1.1 200"), "stream {stream}: {status}");
    while !line(&mut socket).await.is_empty() {}
    let (mut expected, mut number, mut sum) = (Vec::new(), 0, 0);
    loop {
        let size = usize::from_str_radix(&line(&mut socket).await, 16).expect("a chunk");
        let mut chunk = vec![0; size + 2];
        timeout(PATIENCE, socket.read_exact(&mut chunk)).await.expect("it goes on").expect("open");
        chunk.truncate(size);
        if size == 0 {
            assert!(number == events && expected.is_empty(), "stream {stream} ended after {number} of {events}");
            return sum;
        }
        // One at the beginning, and more after long silence: they are the sidecar's.
        if chunk == b":\n\n" {
            continue;
        }
        while expected.len() < size && number < events {
            expected.extend_from_slice(event(stream, number).as_bytes());
            number += 1;
        }
        assert!(expected.starts_with(&chunk), "stream {stream} near event {number}");
        expected.drain(..size);
        sum += size as u64;
    }
}

async fn line(socket: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    timeout(PATIENCE, socket.read_line(&mut line)).await.expect("it goes on").expect("text");
    line.trim_end().to_owned()
}

/// An MCP server that does nothing but stream what the query asks for.
async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(stream(socket));
        }
    });
    url
}

async fn stream(socket: TcpStream) {
    let mut socket = BufReader::new(socket);
    let first = line(&mut socket).await;
    while !line(&mut socket).await.is_empty() {}
    let value = |name: &str| -> u64 {
        let from = first.split_once(name).map(|(_, rest)| rest).expect("it is in the query");
        from.split(['&', ' ']).next().and_then(|number| number.parse().ok()).expect("a number")
    };
    let (stream, events) = (value("stream="), value("events="));
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).await.expect("sent");
    let mut ticks = interval(pause());
    for number in 0..events {
        ticks.tick().await;
        let event = event(stream, number);
        // In two halves: the sidecar passes on what it has.
        let half = event.len() / 2;
        for part in [&event[..half], &event[half..]] {
            socket.write_all(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes()).await.expect("sent");
        }
    }
    socket.write_all(b"0\r\n\r\n").await.expect("sent");
    // It closes first: what is left open afterwards is the sidecar's.
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await.ok();
}

/// The most that is seen while the streams run.
async fn at_most(stack: &Stack, length: Duration) -> Usage {
    let end = Instant::now() + length;
    let mut most = Usage::of(stack.sidecar_id());
    while Instant::now() < end {
        sleep(Duration::from_millis(200)).await;
        let now = Usage::of(stack.sidecar_id());
        most.own_kb = most.own_kb.max(now.own_kb);
        most.descriptors = most.descriptors.max(now.descriptors);
    }
    most
}

/// Once memory and descriptors are back to what they were; a few stay with connections that are kept for the next request.
async fn given_back(process: u32, at_start: Usage, streams: usize) -> Usage {
    let kept_kb = KEPT_KB * streams as u64;
    let back = async {
        loop {
            let now = Usage::of(process);
            if now.descriptors <= at_start.descriptors + 8 && now.own_kb <= at_start.own_kb + kept_kb {
                return now;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let back = timeout(PATIENCE, back).await;
    back.unwrap_or_else(|_| panic!("{at_start:?} at start, and now {:?}", Usage::of(process)))
}

fn token(stack: &Stack) -> String {
    stack.add_user("ada", "correct horse battery staple");
    let made = stack.gatelodge(&["token", "create", "--user", "ada", "--name", "streams", "--json"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    made["access_token"].as_str().expect("a token").to_owned()
}
