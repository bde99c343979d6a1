//! The smallest HTTP/1.1 client that shows everything: one request on one connection, the answer as it arrives, byte for
//! byte. A library would hide what is compared here.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Longer than anything here takes; a lost answer fails the test instead of holding it forever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a script is played: the server itself, or the sidecar in front of it.
#[derive(Debug, Clone)]
pub struct Target {
    /// `127.0.0.1:4000`
    pub authority: String,
    /// `/mcp`
    pub path: String,
    /// For the sidecar.
    pub token: Option<String>,
}

/// A request that was sent.
pub struct Sent(BufReader<TcpStream>);

/// An answer whose body is still coming. Dropping it closes the connection.
pub struct Incoming {
    pub status: u16,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    framing: Framing,
    received: Vec<u8>,
    /// How much of it was looked at as events.
    looked_at: usize,
}

/// RFC 9112 §6.3.
#[derive(Debug)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
    Ended,
}

impl Target {
    /// Sends one request on a new connection.
    pub fn send(&self, method: &str, headers: &[(String, String)], body: Option<&str>) -> Sent {
        let mut stream = TcpStream::connect(&self.authority).expect("the server accepts connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let mut head = format!("{method} {} HTTP/1.1\r\nhost: {}\r\n", self.path, self.authority);
        if let Some(token) = &self.token {
            head += &format!("authorization: Bearer {token}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(body) = body {
            head += &format!("content-length: {}\r\n", body.len());
        }
        let request = head + "\r\n" + body.unwrap_or_default();
        stream.write_all(request.as_bytes()).expect("the server takes the request");
        Sent(BufReader::new(stream))
    }
}

impl Sent {
    /// Waits for the head of the answer.
    pub fn head(mut self) -> Incoming {
        let status_line = line(&mut self.0);
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("{status_line:?} is no status line"));
        let mut headers = Vec::new();
        loop {
            let line = line(&mut self.0);
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?} is no header"));
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let framing = framing(status, &headers);
        Incoming { status, headers, reader: self.0, framing, received: Vec::new(), looked_at: 0 }
    }
}

fn framing(status: u16, headers: &[(String, String)]) -> Framing {
    let value = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if status == 204 || status == 304 {
        return Framing::Ended;
    }
    if value("transfer-encoding").is_some() {
        return Framing::Chunked;
    }
    match value("content-length") {
        Some(length) => Framing::Length(length.parse().expect("a length is a number")),
        None => Framing::UntilClose,
    }
}

impl Incoming {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether events come.
    pub fn is_event_stream(&self) -> bool {
        self.header("content-type").is_some_and(|value| value.starts_with("text/event-stream"))
    }

    /// The whole body.
    pub fn whole(&mut self) -> &[u8] {
        while self.receive() {}
        self.looked_at = self.received.len();
        &self.received
    }

    /// Reads events up to the first that contains `text`, and gives it.
    pub fn event_with(&mut self, text: &str) -> String {
        self.events_up_to(text)
            .unwrap_or_else(|| panic!("the stream ended without {text:?}: {}", String::from_utf8_lossy(&self.received)))
    }

    /// The same, of a stream that may end before.
    pub fn events_up_to(&mut self, text: &str) -> Option<String> {
        std::iter::from_fn(|| self.next_event()).find(|event| event.contains(text))
    }

    /// Everything up to the last event that was read.
    pub fn seen(&self) -> &[u8] {
        &self.received[..self.looked_at]
    }

    fn next_event(&mut self) -> Option<String> {
        loop {
            let rest = &self.received[self.looked_at..];
            if let Some(length) = end_of_event(rest) {
                let event = String::from_utf8(rest[..length].to_vec()).expect("events are UTF-8");
                self.looked_at += length;
                return Some(event);
            }
            if !self.receive() {
                return None;
            }
        }
    }

    /// Takes what comes next; `false` at the end.
    fn receive(&mut self) -> bool {
        match self.framing {
            Framing::Ended | Framing::Length(0) => false,
            Framing::Length(left) => {
                let taken = self.take(left);
                assert!(taken > 0, "the body ended before its time");
                self.framing = Framing::Length(left - taken);
                true
            }
            Framing::Chunked => self.chunk(),
            Framing::UntilClose => self.take(usize::MAX) > 0,
        }
    }

    fn chunk(&mut self) -> bool {
        let size = line(&mut self.reader);
        let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("{size:?} is no size of a chunk"));
        let mut left = size;
        while left > 0 {
            let taken = self.take(left);
            assert!(taken > 0, "the body ended within a chunk");
            left -= taken;
        }
        assert_eq!(line(&mut self.reader), "", "a chunk ends with an empty line");
        if size == 0 {
            self.framing = Framing::Ended;
        }
        size > 0
    }

    fn take(&mut self, at_most: usize) -> usize {
        let mut buffer = [0; 8192];
        let room = buffer.len().min(at_most);
        let length = self.reader.read(&mut buffer[..room]).expect("the answer goes on");
        self.received.extend_from_slice(&buffer[..length]);
        length
    }
}

/// WHATWG HTML §9.2: an empty line ends an event.
fn end_of_event(text: &[u8]) -> Option<usize> {
    let after = |end: &[u8]| text.windows(end.len()).position(|window| window == end).map(|at| at + end.len());
    [after(b"\n\n"), after(b"\r\n\r\n")].into_iter().flatten().min()
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("the answer goes on");
    assert!(line.ends_with("\r\n"), "the connection was closed in the middle of {line:?}");
    line.trim_end().to_owned()
}
