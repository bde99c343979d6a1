//! Against servers that say exactly what a test wants them to say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::chunked::Chunked;
use super::connection::Transport;
use super::*;

const REQUEST: &[u8] = b"POST /mcp HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n";
const BODY: Bytes = Bytes::from_static(b"{}");

/// A server that gives each connection to `serve`; how many it has had.
async fn server<F: Future<Output = ()> + 'static>(
    serve: impl Fn(TcpStream) -> F + 'static,
) -> (Client, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    actix_web::rt::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            counted.fetch_add(1, Ordering::SeqCst);
            actix_web::rt::spawn(serve(stream));
        }
    });
    (Client::new(Target { host: "127.0.0.1".into(), port, transport: Transport::Tcp }), connections)
}

/// Proves MCP lifecycle, timeouts: an MCP server that takes connections and does not go on is given up long before any client gives us up.
#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_come_about_is_given_up_after_five_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_root_certificates(rustls::RootCertStore::empty());
    // TLS waits for what this listener never says.
    let transport = Transport::Tls(Arc::new(config.with_no_client_auth()));
    let client = Client::new(Target { host: "127.0.0.1".into(), port, transport });
    let begin = tokio::time::Instant::now();
    let outcome = client.send(REQUEST.to_vec(), BODY).await;
    let Err(Failure::Connect(error)) = outcome else { panic!("it was connected") };
    assert_eq!((error.kind(), begin.elapsed()), (io::ErrorKind::TimedOut, Duration::from_secs(5)));
}

/// Reads one request of ours; whether there was one.
async fn one_request(stream: &mut TcpStream) -> bool {
    let mut received = Vec::new();
    while !received.ends_with(b"{}") {
        if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}

/// Answers each request on a connection with the next of these, and closes after the last one.
async fn saying(answers: &'static [&'static str]) -> (Client, Arc<AtomicUsize>) {
    server(move |mut stream| async move {
        for answer in answers {
            if !one_request(&mut stream).await {
                return;
            }
            stream.write_all(answer.as_bytes()).await.expect("sent");
        }
    })
    .await
}

async fn whole(mut body: AnswerBody) -> Result<String, Failure> {
    let mut all = Vec::new();
    while let Some(part) = body.next().await {
        all.extend_from_slice(&part?);
    }
    Ok(String::from_utf8(all).expect("text"))
}

async fn ask(client: &Client) -> Result<(u16, String), Failure> {
    let (head, body) = client.send(REQUEST.to_vec(), BODY).await?;
    Ok((head.status.as_u16(), whole(body).await?))
}

/// Proves RFC 9112 §6.3: the length of a body.
#[actix_web::test]
async fn a_body_ends_where_its_head_says() {
    for (answer, status, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"),
        ("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 202, ""),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""),
        (
            "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Late: 1\r\n\r\n",
            200,
            "hello",
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", 200, ""),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, "until the end"),
        ("HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            200,
            "ok",
        ),
    ] {
        let answers: &'static [&'static str] = Box::leak(Box::new([answer]));
        let (client, _) = saying(answers).await;
        assert_eq!(ask(&client).await.expect(answer), (status, body.to_owned()), "{answer}");
    }
}

#[actix_web::test]
async fn what_could_be_read_in_two_ways_is_no_answer() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        "",
    ] {
        let answers: &'static [&'static str] = Box::leak(Box::new([answer]));
        let (client, connections) = saying(answers).await;
        assert!(ask(&client).await.is_err(), "{answer:?}");
        assert_eq!(connections.load(Ordering::SeqCst), 1, "and it is not asked again: {answer:?}");
    }
}

#[actix_web::test]
async fn a_body_that_breaks_is_not_made_to_look_whole() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    ] {
        let answers: &'static [&'static str] = Box::leak(Box::new([answer]));
        let (client, _) = saying(answers).await;
        assert!(ask(&client).await.is_err(), "{answer:?}");
    }
}

/// Proves RFC 9112 §7.1: the chunked transfer coding.
#[test]
fn chunks_mean_the_same_however_they_are_cut() {
    let whole = b"1\r\na\r\nA ; x=\"y\"\r\n0123456789\r\n000\r\nX-Late: 1\r\nY: 2\r\n\r\nnext";
    for at in 0..whole.len() {
        let (mut chunked, mut read, mut body) = (Chunked::Size, BytesMut::new(), Vec::new());
        for part in [&whole[..at], &whole[at..]] {
            read.extend_from_slice(part);
            while let Some(bytes) = chunked.next(&mut read).expect("well formed") {
                body.extend_from_slice(&bytes);
            }
        }
        assert_eq!((chunked, body.as_slice(), &read[..]), (Chunked::End, &b"a0123456789"[..], &b"next"[..]), "{at}");
    }
}

#[actix_web::test]
async fn a_connection_is_used_again_only_when_that_is_safe() {
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for (first, connections_of_two) in [
        (OK, 1),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 1),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 2),
        ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", 2),
        ("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok", 2),
        // A second answer that nobody asked for must not become the answer to the next request.
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 2),
    ] {
        let answers: &'static [&'static str] = Box::leak(Box::new([first, OK]));
        let (client, connections) = saying(answers).await;
        assert_eq!(ask(&client).await.expect("an answer").1, "ok", "{first}");
        // Let what comes late arrive.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(ask(&client).await.expect("an answer").1, "ok", "{first}");
        assert_eq!(connections.load(Ordering::SeqCst), connections_of_two, "{first}");
    }
}

#[actix_web::test]
async fn a_connection_that_was_closed_meanwhile_is_not_used() {
    let (client, connections) = saying(&["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]).await;
    for number in 1..=3 {
        assert_eq!(ask(&client).await.expect("an answer").1, "ok");
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(connections.load(Ordering::SeqCst), number);
    }
}

#[actix_web::test]
async fn an_answer_before_the_end_of_a_large_request_is_an_answer() {
    let (client, _) = server(|mut stream| async move {
        let answer = format!("HTTP/1.1 413 Too Large\r\nContent-Length: 3000000\r\n\r\n{}", "x".repeat(3_000_000));
        stream.write_all(answer.as_bytes()).await.ok();
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await.unwrap_or(0) > 0 {}
    })
    .await;
    let head = b"POST /mcp HTTP/1.1\r\nhost: h\r\ncontent-length: 4000000\r\n\r\n".to_vec();
    let (answer, body) = client.send(head, Bytes::from(vec![b'y'; 4_000_000])).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), answer.keep_alive), (413, false));
    assert_eq!(whole(body).await.expect("whole").len(), 3_000_000);
}

#[actix_web::test]
async fn who_stops_listening_closes_the_connection() {
    let (closed, mut learnt) = tokio::sync::mpsc::unbounded_channel();
    let (client, _) = server(move |mut stream| {
        let closed = closed.clone();
        async move {
            one_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n").await.expect("sent");
            let ended = stream.read(&mut [0; 1]).await.unwrap_or(0);
            closed.send(ended).ok();
        }
    })
    .await;
    let (_, mut body) = client.send(REQUEST.to_vec(), BODY).await.expect("an answer");
    assert_eq!(body.next().await.expect("a part").expect("no error"), "a");
    drop(body);
    assert_eq!(learnt.recv().await, Some(0));
}

#[actix_web::test]
async fn a_unix_socket_is_a_way_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("mcp.sock");
    let listener = tokio::net::UnixListener::bind(&path).expect("a socket");
    actix_web::rt::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut received = Vec::new();
        while !received.ends_with(b"{}") {
            assert!(stream.read_buf(&mut received).await.expect("a request") > 0);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nunix").await.expect("sent");
    });
    let url = Url::parse("http://localhost/mcp").expect("a URL");
    let client = Client::new(Target::new(&url, Some(&path), None).expect("a target"));
    assert_eq!(ask(&client).await.expect("an answer").1, "unix");
}

/// Proves RFC 9110 §4.3.4: an https origin is checked before anything is sent to it.
#[actix_web::test]
async fn an_https_server_is_believed_with_the_operators_certificates_and_not_without() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, made.cert.pem()).expect("a file");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config.expect("a server")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    actix_web::rt::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut received = Vec::new();
            while stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
                if received.ends_with(b"{}") {
                    counted.fetch_add(1, Ordering::SeqCst);
                    received.clear();
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntls").await.expect("sent");
                }
            }
        }
    });
    let ask_at = async |host: &str, ca_file: Option<&std::path::Path>| {
        let url = Url::parse(&format!("https://{host}:{port}/mcp")).expect("a URL");
        ask(&Client::new(Target::new(&url, None, ca_file).expect("a target"))).await
    };
    assert_eq!(ask_at("localhost", Some(&ca_file)).await.expect("an answer").1, "tls");
    assert!(ask_at("localhost", None).await.is_err(), "nobody vouches for it");
    assert!(ask_at("127.0.0.1", Some(&ca_file)).await.is_err(), "the certificate is for another name");
    assert_eq!(requests.load(Ordering::SeqCst), 1);
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").expect("a file");
    let url = Url::parse("https://localhost/mcp").expect("a URL");
    assert!(Target::new(&url, None, Some(&empty)).is_err());
}
