//! RFC 9112 §2 to §5: heads that two servers could read differently. Each vector carries a good token; nobody may see it all the same.

use crate::support::raw::{Bench, GOOD};
use crate::support::wire::Manner;

const IMPATIENT: &str =
    "[limits]\nhead_timeout = \"1s\"\nslow_body_timeout = \"1s\"\n[development]\nallow_unsafe_values = true\n";

/// Everything but what a vector changes: request line, fields.
fn head(line: &str, fields: &str) -> Vec<u8> {
    format!("{line}\r\n{fields}\r\n").into_bytes()
}

#[actix_web::test]
async fn a_request_target_is_a_plain_path_and_a_query() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    let fields = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\nConnection: close\r\n", bench.token);
    let mut count = 0;
    for target in "//mcp~///mcp~/mcp//~/./mcp~/../mcp~/mcp/.~/mcp/..~/mcp/./~/mcp/../mcp~/a/../mcp~/x/..~/%2e/mcp~/%2e%2e/mcp~/%2E%2E/mcp~\
         /.%2e/mcp~/mcp%2f~/mcp%2F~/%2fmcp~/mcp%5c~/\\mcp~\\mcp~/mcp\\~/mcp\\..\\mcp~/%6dcp~/%6d%63%70~/mc%70~/mcp%00~/mcp%0d%0a~\
         /mcp%20~/mcp%09~/mcp%23~/mcp%3f~/mcp%3b~/mcp%25~/mcp%252f~/mcp%c0%af~/mcp%c0%ae~/mcp%u002f~/mcp%~/mcp%z~/mcp;~/mcp;a=b~/;/mcp~\
         /mcp;/..;/~/mcp\u{0}~/mcp\u{1}~/mcp\u{b}~/mcp\u{c}~/mcp\u{1b}~/mcp\u{7f}~/mcp\u{e9}~/m\u{441}p~/mcp\u{200b}~/\u{ff4d}cp~\
         /mcp\u{2028}~/mcp\"~/mcp'\"~/mcp<~/mcp>~/mcp^~/mcp`~/mcp{~/mcp}~/mcp|~mcp~*~?~?a=b~#~~./mcp~../mcp~:80/mcp~@/mcp~\
         http://mcp.example.com/mcp~http://127.0.0.1/mcp~https://mcp.example.com/mcp~HTTP://127.0.0.1/mcp~http:/mcp~http:///mcp~\
         http://@127.0.0.1/mcp~http://user@127.0.0.1/mcp~//127.0.0.1/mcp~ftp://127.0.0.1/mcp~file:///mcp~ws://127.0.0.1/mcp~data:,x~\
         127.0.0.1:80~mcp.example.com:443~mcp.example.com~localhost:80~/mcp?\u{e9}~/mcp?\u{0}~/mcp?a=\u{7f}~/mcp?a=\u{1}~/mcp\t~/mcp\ta~\
         /mcp HTTP/1.1 x~/mcp  x~/mcp x~/mcp?a b~ /mcp~\t/mcp"
        .split('~')
    {
        for method in ["GET", "POST"] {
            let line = format!("{method} {target} HTTP/1.1");
            let bytes = match method {
                "GET" => head(&line, &fields),
                _ => format!("{line}\r\n{fields}Content-Type: application/json\r\nContent-Length: 30\r\n\r\n{GOOD}").into_bytes(),
            };
            bench.refused(&format!("{line:?}"), &bytes).await;
            count += 1;
        }
    }
    assert!(count >= 200, "{count}");
}

#[actix_web::test]
async fn a_request_line_has_three_parts_and_one_space_between() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    let fields = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\nConnection: close\r\n", bench.token);
    let mut count = 0;
    for line in "GET /mcp~GET /mcp ~GET /mcp HTTP~GET /mcp HTTP/~GET /mcp HTTP/1~GET /mcp HTTP/1.~GET /mcp HTTP/0.9~GET /mcp HTTP/2~\
         GET /mcp HTTP/2.0~GET /mcp HTTP/3~GET /mcp http/1.1~GET /mcp HTTP/1.1 ~GET /mcp HTTP/1.1x~GET /mcp HTTP/1.2~\
         GET\t/mcp\tHTTP/1.1~GET\u{b}/mcp HTTP/1.1~GET\u{a0}/mcp HTTP/1.1~GET/mcp HTTP/1.1~/mcp HTTP/1.1~HTTP/1.1 GET /mcp~\u{0}GET /mcp HTTP/1.1~\
         G\u{0}ET /mcp HTTP/1.1~G ET /mcp HTTP/1.1~GE:T /mcp HTTP/1.1~\"GET\" /mcp HTTP/1.1~G\u{c9}T /mcp HTTP/1.1~(GET) /mcp HTTP/1.1~\
         get /mcp HTTP/1.1~Post /mcp HTTP/1.1~POST/ /mcp HTTP/1.1~BREW /mcp HTTP/1.1~PUT /mcp HTTP/1.1~PATCH /mcp HTTP/1.1~\
         HEAD /mcp HTTP/1.1~TRACE /mcp HTTP/1.1~TRACK /mcp HTTP/1.1~DEBUG /mcp HTTP/1.1~PROPFIND /mcp HTTP/1.1~\
         CONNECT /mcp HTTP/1.1~CONNECT mcp.example.com:443 HTTP/1.1~CONNECT 127.0.0.1:80 HTTP/1.1~PRI * HTTP/2.0~PRI /mcp HTTP/1.1~\
         OPTIONS * HTTP/1.1~ GET /mcp HTTP/1.1~GET /mcp\rHTTP/1.1~GET /mcp HTTP/1.1\rX: y~GET /mcp HTTP/1.1\u{0}~GET /mcp\u{c}HTTP/1.1"
        .split('~')
    {
        bench.refused(&format!("{line:?}"), &head(line, &fields)).await;
        count += 1;
    }
    bench.refused("HTTP/2 with prior knowledge", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0").await;
    bench.refused("TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03").await;
    bench.refused("HTTP/0.9", b"GET /mcp\r\n").await;
    bench.refused("PROXY protocol", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /mcp HTTP/1.1\r\n\r\n").await;
    assert!(count >= 45, "{count}");
}

#[actix_web::test]
async fn a_field_is_a_name_a_colon_and_a_visible_value() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    let mut count = 0;
    for field in "X : y~X\t: y~X\u{b}: y~ X: y~\tX: y~X~X y~: y~ : y~X\0: y~X: \0~X: a\0b~X: a\rb~X: a\r~X\r: y~X: a\r b~X: y\r\n folded~X: y\r\n\tfolded~\
         X: y\r\n ~X:\r\n y~X: \u{1}~X: \u{8}~X: \u{b}~X: \u{c}~X: \u{1b}~X: \u{7f}~X\u{e9}: y~\u{ff38}: y~(X): y~X(1): y~X,Y: y~X/Y: y~X;Y: y~X=Y: y~\
         X?: y~X@: y~X[1]: y~X\\: y~X{: y~\"X\": y~X<: y~\u{7f}X: y~Authorization : Bearer x~ Authorization: Bearer x~Host : evil.example~\
         \tHost: evil.example~Connection : close~Content-Length: 2\r\n 0~Authorization:\r\n Bearer x"
        .split('~')
    {
        let bytes = bench.post(&format!("Connection: close\r\nContent-Length: 30\r\n{field}\r\n"), GOOD);
        bench.refused(&format!("{field:?}"), &bytes).await;
        count += 1;
    }
    assert!(count >= 49, "{count}");
    for (name, fields) in [
        ("ninety-seven fields", "X: y\r\n".repeat(97)),
        ("thousands of fields", "X: y\r\n".repeat(10_000)),
        ("a field of 200 kB", format!("X: {}\r\n", "y".repeat(200_000))),
        ("a name of 200 kB", format!("{}: y\r\n", "X".repeat(200_000))),
    ] {
        bench.refused(name, &bench.post(&format!("Content-Length: 30\r\n{fields}"), GOOD)).await;
    }
    for length in [70_000, 140_000] {
        let target = format!("/mcp?{}", "q".repeat(length));
        let fields = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\n", bench.token);
        bench.refused(&format!("a target of {length}"), &head(&format!("GET {target} HTTP/1.1"), &fields)).await;
    }
}

/// RFC 6585 §5. Long tokens have room.
#[actix_web::test]
async fn a_head_of_more_than_32_kib_is_refused_whatever_makes_it_long() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    let kib = |count: usize| "y".repeat(count * 1024);
    let ends = "Connection: close\r\nContent-Length: 30\r\n";
    for (name, bytes) in [
        ("one field", bench.post(&format!("X: {}\r\n{ends}", kib(32)), GOOD)),
        ("many fields", bench.post(&format!("{}{ends}", format!("X: {}\r\n", kib(1)).repeat(32)), GOOD)),
        ("a name", bench.post(&format!("{}: y\r\n{ends}", kib(32)), GOOD)),
        ("another path", format!("GET /{} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", kib(33)).into()),
    ] {
        assert_eq!(bench.send(&bytes).await.statuses(), [431], "{name}");
    }
    assert_eq!(bench.wire.deliveries(), 0);
    let good = bench.post(&format!("X: {}\r\n{ends}", kib(30)), GOOD);
    assert_eq!(bench.send(&good).await.statuses(), [200]);
}

#[actix_web::test]
async fn a_host_is_ours_and_named_once() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    let token = &bench.token;
    let mut count = 0;
    for hosts in "~Host:~Host: ~Host: evil.example~Host: 127.0.0.1\r\nHost: 127.0.0.1~Host: 127.0.0.1\r\nHost: evil.example~\
         Host: evil.example\r\nHost: 127.0.0.1~host: 127.0.0.1\r\nHOST: 127.0.0.1~Host: 127.0.0.1, 127.0.0.1~Host: 127.0.0.1,evil.example~\
         Host: 127.0.0.1 evil.example~Host: 127.0.0.1@evil.example~Host: evil.example@127.0.0.1~Host: 127.0.0.1/~Host: 127.0.0.1/mcp~\
         Host: 127.0.0.1?x~Host: 127.0.0.1#x~Host: 127.0.0.1\\x~Host: http://127.0.0.1~Host: 127.0.0.1:~Host: 127.0.0.1:x~Host: 127.0.0.1:99999~\
         Host: 127.0.0.1:-1~Host: 127.0.0.1:80:80~Host: 127.0.0.1.~Host: 127.1~Host: 2130706433~Host: 0x7f000001~Host: 0177.0.0.1~Host: [::1~\
         Host: ::1~Host: [::ffff:127.0.0.1]~Host: localhost.~Host: localhost.evil.example~Host: %6cocalhost~Host: local\thost~Host: local\0host~\
         Host: mcp.example.com:8443~Host: mcp.example.com.~Host: xmcp.example.com~Host: mcp.example.com.evil.example~Host: mcp\u{ff0e}example.com~\
         Host: \u{e9}~Host: *~Host: 127.0.0.1;x~Host: \"127.0.0.1\"~Host : 127.0.0.1~ Host: 127.0.0.1~Host_: 127.0.0.1~X-Forwarded-Host: 127.0.0.1"
        .split('~')
    {
        let fields = format!("{hosts}{}Authorization: Bearer {token}\r\nConnection: close\r\n", if hosts.is_empty() { "" } else { "\r\n" });
        bench.refused(&format!("{hosts:?}"), &head("GET /mcp HTTP/1.1", &fields)).await;
        bench.refused(&format!("{hosts:?} of HTTP/1.0"), &head("GET /mcp HTTP/1.0", &fields)).await;
        count += 2;
    }
    assert!(count >= 90, "{count}");
}

/// RFC 9112 §2.2 lets a server take a bare LF for the end of a line. Whatever stood in front must not pass one inside a field.
#[actix_web::test]
async fn bare_line_feeds_arrive_as_the_lines_they_end() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    let request = String::from_utf8(bench.post("X-Kept: 1\r\nContent-Length: 30\r\n", GOOD)).expect("ASCII");
    let answers = bench.send(request.replace("\r\n", "\n").as_bytes()).await;
    assert_eq!(answers.statuses(), [200], "{}", answers.text);
    let requests = bench.wire.requests();
    assert_eq!((requests.len(), requests[0].all("x-kept")), (1, vec!["1"]));
    assert!(!requests[0].head.replace("\r\n", "").contains('\n'), "{:?}", requests[0].head);
}

/// A fragment is never sent by a client (RFC 9110 §7.1); what is forwarded is the path before it.
#[actix_web::test]
async fn a_fragment_never_arrives() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    let fields = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\n", bench.token);
    let answers = bench.send(&head("GET /mcp?a=1#/../admin HTTP/1.1", &fields)).await;
    assert_eq!(answers.statuses(), [200], "{}", answers.text);
    assert_eq!(bench.wire.requests()[0].request_line(), "GET /internal/mcp?a=1 HTTP/1.1");
}
