//! RFC 9112 §6 and §7.1: where a body ends must have one reading. Each vector hides a good request behind a body whose length two
//! servers could see differently; nobody may see it.

use crate::support::raw::{Bench, GOOD};
use crate::support::wire::Manner;

/// So that what is never finished is soon given up.
pub const IMPATIENT: &str = "[limits]\nhead_timeout = \"1s\"\nslow_body_timeout = \"1s\"\nstalled_reader_timeout = \"5s\"\n\
                         [development]\nallow_unsafe_values = true\n";

/// Each with its name.
pub type Vectors = Vec<(String, Vec<u8>)>;

/// All of this file.
pub fn all(bench: &Bench) -> Vectors {
    [content_lengths, transfer_encodings, both, chunks].into_iter().flat_map(|vectors| vectors(bench)).collect()
}

async fn all_refused(vectors: Vectors, bench: &Bench) {
    let mut names: Vec<&str> = vectors.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), vectors.len(), "each vector is another one");
    for (name, bytes) in &vectors {
        bench.refused(name, bytes).await;
    }
}

#[actix_web::test]
async fn a_content_length_is_digits_and_there_is_one() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    let vectors = content_lengths(&bench);
    assert!(vectors.len() >= 75, "{}", vectors.len());
    all_refused(vectors, &bench).await;
}

fn content_lengths(bench: &Bench) -> Vectors {
    let mut vectors = Vec::new();
    for length in "+5~-5~-0~+0~5 5~5,5~5, 5~5,6~5;~5;q=1~0x5~0X5~0b1~5.0~5e0~5.~.5~5_0~5'0~\u{665}~\u{ff15}~~ ~\t~5a~\
         a5~five~\"5\"~'5'~(5)~[5]~5\t5~5/5~5\u{b}~5\u{c}~5\0~\x005~18446744073709551616~\
         99999999999999999999~184467440737095516150~5\u{a0}~\u{a0}5~NaN~inf~*~%35~5%20~\\5~--5~+-5~5-~5+~\
         0,5~05,~,5~5\r~\r5"
        .split('~')
    {
        // With the length of a good body wherever there is a 5.
        let length = length.replace('5', "30");
        vectors.push((format!("Content-Length: {length:?}"), format!("Content-Length: {length}\r\n")));
    }
    for (first, second) in [("30", "30"), ("30", "31"), ("0", "30"), ("30", "0"), ("0", "0"), ("30", ""), ("30", "030")]
    {
        for name in ["Content-Length", "content-length", "CONTENT-LENGTH"] {
            let both = format!("Content-Length: {first}\r\n{name}: {second}\r\n");
            vectors.push((format!("{name} {first} and {second}"), both));
        }
    }
    vectors
        .into_iter()
        .map(|(name, fields)| (name, bench.post(&fields, &format!("{GOOD}{}", bench.smuggled()))))
        .collect()
}

#[actix_web::test]
async fn a_transfer_encoding_is_chunked_and_nothing_else() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    let vectors = transfer_encodings(&bench);
    assert!(vectors.len() >= 90, "{}", vectors.len());
    all_refused(vectors, &bench).await;
}

fn transfer_encodings(bench: &Bench) -> Vectors {
    let mut vectors = Vec::new();
    for coding in "xchunked~chunkedx~chunke~hunked~chunk~chunks~chunked,~,chunked~chunked, identity~\
         identity, chunked~identity,chunked~identity~gzip~gzip, chunked~chunked, gzip~chunked, chunked~\
         chunked,chunked~chunked;q=1~chunked;~chunked ;x~chunked; a=b~\"chunked\"~'chunked'~chun ked~\
         chunked chunked~chunked\u{b}~\u{b}chunked~chunked\u{c}~\u{c}chunked~chunked\0~\0chunked~\
         chun\u{212a}ed~chunked\u{a0}~\u{a0}chunked~\u{85}chunked~cow~deflate~compress~x-gzip~trailers~~ ~\
         *~chunked*~chunked/1~chunked=1~(x) chunked~chunked (x)~[chunked]~chunked\r~\rchunked~chunked.~\
         -chunked~c%68unked~chunked\u{7f}~\u{1}chunked~none~null"
        .split('~')
    {
        vectors.push((format!("Transfer-Encoding: {coding:?}"), format!("Transfer-Encoding: {coding}\r\n")));
    }
    for (first, second) in [
        ("chunked", "chunked"),
        ("chunked", "identity"),
        ("identity", "chunked"),
        ("gzip", "chunked"),
        ("", "chunked"),
        ("chunked", ""),
    ] {
        for name in ["Transfer-Encoding", "transfer-encoding"] {
            let both = format!("Transfer-Encoding: {first}\r\n{name}: {second}\r\n");
            vectors.push((format!("{name} {first:?} and {second:?}"), both));
        }
    }
    for field in "Transfer-Encoding : chunked~Transfer-Encoding\t: chunked~ Transfer-Encoding: chunked~\
         \tTransfer-Encoding: chunked~Transfer-Encoding\0: chunked~Transfer-Encoding\r: chunked~\
         Transfer\rEncoding: chunked~Transfer-Encoding:\r\n chunked~Transfer-Encoding: \r\n\tchunked~\
         X: x\r\n Transfer-Encoding: chunked~Transfer-Encoding~Transfer-Encoding chunked~\
         Transfer-\u{395}ncoding: chunked~Transfer-Encoding\u{a0}: chunked~Content-Length : 5~\
         Content-Length\t: 5~ Content-Length: 5~Content-Length:\r\n 5~: chunked~\
         \u{b}Transfer-Encoding: chunked~(Transfer-Encoding): chunked~Transfer Encoding: chunked"
        .split('~')
    {
        vectors.push((format!("{field:?}"), format!("X-First: 1\r\n{field}\r\n")));
    }
    vectors
        .into_iter()
        .map(|(name, fields)| (name, bench.post(&fields, &format!("1e\r\n{GOOD}\r\n0\r\n\r\n{}", bench.smuggled()))))
        .collect()
}

#[actix_web::test]
async fn a_length_and_a_coding_together_are_refused_in_every_order_and_spelling() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    let vectors = both(&bench);
    assert!(vectors.len() >= 100, "{}", vectors.len());
    all_refused(vectors, &bench).await;
}

fn both(bench: &Bench) -> Vectors {
    let mut vectors = Vec::new();
    for length in ["0", "30", "42", "999999", "00", "x"] {
        for coding in ["chunked", "Chunked", "CHUNKED", "identity", "xchunked", "gzip, chunked"] {
            for length_first in [true, false] {
                let (l, c) = (format!("Content-Length: {length}\r\n"), format!("Transfer-Encoding: {coding}\r\n"));
                let fields = if length_first { l + &c } else { c + &l };
                vectors.push((
                    format!("{fields:?}"),
                    bench.post(&fields, &format!("1e\r\n{GOOD}\r\n0\r\n\r\n{}", bench.smuggled())),
                ));
            }
        }
    }
    for version in
        ["1.0", "0.9", "1.2", "2", "2.0", "3", "1", "1.1x", "01.1", "1.10", "11", "1,1", "1. 1", "-1.1", "1.1 1.1", ""]
    {
        for fields in ["Transfer-Encoding: chunked\r\n", "Content-Length: 30\r\nTransfer-Encoding: chunked\r\n"] {
            let request =
                String::from_utf8(bench.post(fields, &format!("1e\r\n{GOOD}\r\n0\r\n\r\n{}", bench.smuggled())))
                    .expect("ASCII");
            let request = request.replacen("HTTP/1.1", &format!("HTTP/{version}"), 1);
            vectors.push((format!("HTTP/{version} {fields:?}"), request.into_bytes()));
        }
    }
    vectors
}

#[actix_web::test]
async fn what_is_not_chunked_as_it_says_never_arrives_whole() {
    let bench = Bench::with(Manner::KeepsAlive, IMPATIENT).await;
    let vectors = chunks(&bench);
    assert!(vectors.len() >= 45, "{}", vectors.len());
    all_refused(vectors, &bench).await;
}

fn chunks(bench: &Bench) -> Vectors {
    let long_extension = format!("1e;{}\r\n{GOOD}\r\n", "x".repeat(200_000));
    let endless_trailer = format!("1e\r\n{GOOD}\r\n0\r\nX: {}", "x".repeat(200_000));
    let mut vectors = Vectors::new();
    for body in "5\r\nhelloX~5\r\nhello0\r\n\r\n~5\r\nhello\n0\r\n\r\n~5\r\nhello\r0\r\n\r\n~5\nhello\r\n0\r\n\r\n~\
         5\rhello\r\n0\r\n\r\n~5\r\n\r\nhello\r\n0\r\n\r\n~\r\n5\r\nhello\r\n0\r\n\r\n~\
         \n5\r\nhello\r\n0\r\n\r\n~ 5\r\nhello\r\n0\r\n\r\n~zz\r\nhello\r\n0\r\n\r\n~\
         -5\r\nhello\r\n0\r\n\r\n~+5\r\nhello\r\n0\r\n\r\n~0x5\r\nhello\r\n0\r\n\r\n~\
         5h\r\nhello\r\n0\r\n\r\n~5 5\r\nhello\r\n0\r\n\r\n~5\0\r\nhello\r\n0\r\n\r\n~\
         5,\r\nhello\r\n0\r\n\r\n~5:\r\nhello\r\n0\r\n\r\n~5;\0\r\nhello\r\n0\r\n\r\n~\
         5;a=\u{1}\r\nhello\r\n0\r\n\r\n~5;a\nhello\r\n0\r\n\r\n~5;a=\n\r\nhello\r\n0\r\n\r\n~\
         5;a\r\r\nhello\r\n0\r\n\r\n~10000000000000005\r\nhello\r\n0\r\n\r\n~ffffffffffffffffff\r\nx~\
         fffffffffffffffff\r\nhello\r\n0\r\n\r\n~5\r\nhell\r\n0\r\n\r\n~4\r\nhello\r\n0\r\n\r\n~\
         6\r\nhello\r\n0\r\n\r\n~5\r\nhello\r\n0\n\n~5\r\nhello\r\n0\r\n\n~5\r\nhello\r\n\r\n~\
         5\r\nhello\r\n~5\r\nhello\r\n0\r\n~5\r\nhello\r\n0~~5~5\r\n~\u{665}\r\nhello\r\n0\r\n\r\n~\
         5\u{a0}\r\nhello\r\n0\r\n\r\n~5\u{b}\r\nhello\r\n0\r\n\r\n~5\r\nhello\r\n0\r\nX: y\r\n~\
         %35\r\nhello\r\n0\r\n\r\n"
        .split('~')
    {
        vectors.push((format!("{body:?}"), bench.post("Transfer-Encoding: chunked\r\n", &good(body))));
    }
    vectors.push(("a long extension".into(), bench.post("Transfer-Encoding: chunked\r\n", &long_extension)));
    vectors.push(("an endless trailer".into(), bench.post("Transfer-Encoding: chunked\r\n", &endless_trailer)));
    vectors
}

/// With a good body and its size wherever there is `hello` and a 5.
fn good(body: &str) -> String {
    body.replace('5', "1e").replace("hello", GOOD)
}

#[actix_web::test]
async fn plain_ways_to_frame_a_body_arrive_framed_anew() {
    for (fields, body) in [
        ("Content-Length: 30\r\n", "hello"),
        ("content-length:30\r\n", "hello"),
        ("Content-Length: \t 30 \t\r\n", "hello"),
        ("Content-Length: 00030\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("tRANSFER-eNCODING: CHUNKED\r\n", "1E\r\nhello\r\n0\r\n\r\n"),
        ("Transfer-Encoding:\tchunked \r\n", "1\r\n{\r\n1d\r\n\"jsonrpc\":\"2.0\",\"method\":\"x\"}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "00005\r\nhello\r\n000\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "5;a=b;c=\"d\"\r\nhello\r\n0;z\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nX-Mcp-Auth-Sub: forged\r\nAuthorization: x\r\n\r\n"),
        (
            "Transfer-Encoding: chunked\r\nTrailer: X-Mcp-Auth-Sub\r\n",
            "5\r\nhello\r\n0\r\nX-Mcp-Auth-Sub: forged\r\n\r\n",
        ),
        ("Transfer_Encoding: chunked\r\nContent-Length: 30\r\n", "hello"),
        ("Content_Length: 50\r\nContent-Length: 30\r\n", "hello"),
        ("X-Transfer-Encoding: gzip\r\nContent-Length: 30\r\n", "hello"),
        ("TE: chunked\r\nContent-Length: 30\r\n", "hello"),
    ] {
        let bench = Bench::start(Manner::KeepsAlive).await;
        let answers = bench.send(&bench.post(fields, &good(body))).await;
        assert_eq!(answers.statuses(), [200], "{fields:?}: {}", answers.text);
        let requests = bench.wire.requests();
        assert_eq!(requests.len(), 1, "{fields:?}: {requests:?}");
        assert!(requests[0].whole && requests[0].body == GOOD.as_bytes(), "{fields:?}: {requests:?}");
        let bytes = bench.wire.bytes().to_ascii_lowercase();
        for not in ["forged", "a=b", "\ntransfer_encoding", "content_length", "\nte: ", "\ntransfer-encoding"] {
            assert!(!bytes.contains(not), "{fields:?}: {not} in {bytes}");
        }
        assert!(bench.wire.strays().is_empty(), "{fields:?}");
    }
}
