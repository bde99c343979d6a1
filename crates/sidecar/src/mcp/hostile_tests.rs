//! Bodies that nobody would write, made by breaking good ones: no reader panics, and what is taken for JSON is what
//! serde_json takes for it. The same sequence at every run.

use serde::de::IgnoredAny;

use super::json::Scanner;
use super::{Unreadable, read};

const GOOD: [&str; 5] = [
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":[1,-2.5e+3,true,false,null],"b":"\u00e9\ud83d\ude00\n"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
    r#"[{"jsonrpc":"2.0","id":"x","method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized","params":[]}]"#,
    r#"{"jsonrpc":"2.0","id":0,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["a","b"],"taskIds":null}}}"#,
    r#"{"jsonrpc":"2.0","id":-0.5,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"}}}"#,
    r#"{"jsonrpc":"2.0","id":"","result":{"a":{"b":[[],{},[{}]]}}}"#,
];

const PIECES: [&str; 26] = [
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\0",
    "\u{1f}",
    "\u{feff}",
    "é",
    "\u{10ffff}",
    "0",
    "-",
    ".",
    "e9",
    "null",
    "\"name\":\"u\",",
    "\"Name\":1,",
    "[[[[",
    " \t\r\n",
    "//",
];

/// The constants of Knuth's MMIX.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit.max(1)
    }

    fn broken(&mut self) -> Vec<u8> {
        let mut bytes = GOOD[self.below(GOOD.len())].as_bytes().to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(6) {
                0 if !bytes.is_empty() => bytes[at] = u8::try_from(self.below(256)).expect("a byte"),
                1 => bytes.truncate(at),
                2 => bytes.extend_from_within(at..),
                3 if !bytes.is_empty() => drop(bytes.remove(at)),
                _ => drop(bytes.splice(at..at, PIECES[self.below(PIECES.len())].bytes())),
            }
        }
        bytes
    }
}

fn scans(body: &[u8]) -> Result<(), Unreadable> {
    let mut scanner = Scanner::new(body)?;
    scanner.skip()?;
    scanner.end()
}

#[test]
fn no_body_panics_and_json_is_what_others_take_for_it() {
    let mut dice = Dice(1);
    let (mut json, mut read_all) = (0, 0);
    for _ in 0..100_000 {
        let body = dice.broken();
        let shown = String::from_utf8_lossy(&body);
        // serde_json passes over strings without a look at their encoding.
        let is_json = std::str::from_utf8(&body).is_ok() && serde_json::from_slice::<IgnoredAny>(&body).is_ok();
        assert_eq!(scans(&body).is_ok(), is_json, "{shown}");
        let read = read(&body);
        assert!(is_json || read.is_err(), "{shown}");
        json += usize::from(is_json);
        read_all += usize::from(read.is_ok());
    }
    assert!(json > read_all && read_all > 1_000, "{json} were JSON, {read_all} were read");
}

#[test]
fn random_bytes_are_refused() {
    let mut dice = Dice(2);
    for _ in 0..20_000 {
        let body: Vec<u8> = (0..dice.below(64)).map(|_| u8::try_from(dice.below(256)).expect("a byte")).collect();
        assert!(read(&body).is_err(), "{body:?}");
    }
}
