//! The head of an answer, and how its body is framed: RFC 9112 §4 to §6. Strict where an answer could be read in two ways.

use std::mem::MaybeUninit;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::{Bytes, BytesMut};

use super::Failure;

/// More headers, or a longer head, nobody sends.
const MOST_HEADERS: usize = 96;
const LONGEST: usize = 64 * 1024;

/// How many bytes belong to the body (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many.
    Length(u64),
    /// As the chunks say.
    Chunked,
    /// All until the connection is closed.
    UntilClosed,
}

/// What comes before the body.
#[derive(Debug)]
pub struct AnswerHead {
    /// The status.
    pub status: StatusCode,
    /// In their order, without those that frame the body.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How the body is framed.
    pub framing: Framing,
    pub(super) keep_alive: bool,
    pub(super) idle: Option<Duration>,
}

/// Takes a head from the bytes that arrived; `None` while it is not whole.
pub(super) fn parse(read: &mut BytesMut) -> Result<Option<AnswerHead>, Failure> {
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    let length = match parser.parse_response_with_uninit_headers(&mut answer, read, &mut headers) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if read.len() < LONGEST => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(Failure::Malformed("its head has no end")),
        Err(_) => return Err(Failure::Malformed("its head is no HTTP")),
    };
    let status = answer.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(Failure::Malformed("its status is no status"))?;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::Malformed("it switches to another protocol"));
    }
    let is_new = answer.version == Some(1);
    let start = read.as_ptr().addr();
    // Where each header lies, so that the bytes can be shared and need not be copied.
    let at = |part: &[u8]| (part.as_ptr().addr() - start, part.len());
    let places: Vec<_> = answer.headers.iter().map(|header| (at(header.name.as_bytes()), at(header.value))).collect();
    let head = read.split_to(length).freeze();
    read_headers(status, is_new, &head, &places).map(Some)
}

type Place = (usize, usize);

fn read_headers(
    status: StatusCode,
    is_new: bool,
    head: &Bytes,
    places: &[(Place, Place)],
) -> Result<AnswerHead, Failure> {
    let mut headers = Vec::with_capacity(places.len());
    let (mut length, mut chunked, mut keep_alive, mut idle) = (None, false, is_new, None);
    for ((name, name_length), (value, value_length)) in places {
        let bytes = head.slice(*value..value + value_length);
        let name = HeaderName::from_bytes(&head[*name..name + name_length]);
        let name = name.map_err(|_| Failure::Malformed("a header has no name"))?;
        match name.as_str() {
            "content-length" => {
                let number = digits(&bytes).ok_or(Failure::Malformed("Content-Length is no number"))?;
                if length.replace(number).is_some_and(|other| other != number) {
                    return Err(Failure::Malformed("Content-Length is there twice"));
                }
            }
            "transfer-encoding" if !chunked && is_new && bytes.trim_ascii().eq_ignore_ascii_case(b"chunked") => {
                chunked = true;
            }
            "transfer-encoding" => return Err(Failure::Malformed("Transfer-Encoding is not just chunked")),
            "connection" => {
                let lists = |option: &[u8]| {
                    bytes.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(option))
                };
                keep_alive = !lists(b"close") && (keep_alive || lists(b"keep-alive"));
                headers.push((name, header_value(bytes)?));
            }
            "keep-alive" => {
                idle = timeout_of(&bytes);
                headers.push((name, header_value(bytes)?));
            }
            _ => headers.push((name, header_value(bytes)?)),
        }
    }
    if chunked && length.is_some() {
        return Err(Failure::Malformed("it has both Content-Length and Transfer-Encoding"));
    }
    let framing = match (has_no_body(status), chunked, length) {
        (true, ..) => Framing::Length(0),
        (false, true, _) => Framing::Chunked,
        (false, false, Some(length)) => Framing::Length(length),
        (false, false, None) => Framing::UntilClosed,
    };
    keep_alive &= framing != Framing::UntilClosed;
    Ok(AnswerHead { status, headers, framing, keep_alive, idle })
}

/// RFC 9112 §6.3, first rule. There is no HEAD here.
fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn header_value(bytes: Bytes) -> Result<HeaderValue, Failure> {
    HeaderValue::from_maybe_shared(bytes).map_err(|_| Failure::Malformed("a header has no value"))
}

/// `1*DIGIT` and nothing else: a sign, a list or white space inside is read differently elsewhere.
fn digits(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// `timeout=5, max=100`.
fn timeout_of(bytes: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(bytes).ok()?;
    let seconds = text.split(',').find_map(|part| part.trim().strip_prefix("timeout="))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}
