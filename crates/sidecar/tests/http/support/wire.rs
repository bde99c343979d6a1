//! An MCP server that keeps every byte it receives, and reads requests as strictly as a server can: whatever is left over is
//! kept as such. It answers in one of several manners, bad ones among them, and is reached in any way that the configuration
//! knows.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// How it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Tcp,
    /// With a certificate of its own.
    Tls,
    /// Through a file.
    Unix,
    /// By HTTP+SSE, over TCP; what is posted is answered there all the same.
    LegacySse,
}

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Each request after its body, on one connection.
    KeepsAlive,
    /// And hangs up after each answer, without having said so.
    HangsUp,
    /// As soon as it has the head.
    AnswersEarly,
    /// With something that is no HTTP.
    TalksNonsense,
    /// Not at all; the connection stays.
    Stalls,
    /// By a reset, as soon as it has the head.
    Resets,
    /// By hanging up in the middle of its answer.
    BreaksOff,
    /// Twice for each request.
    AnswersTwice,
}

/// One request as it was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// From the request line to the empty line.
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the body came to its end.
    pub whole: bool,
}

impl Received {
    /// All lines of the head with this name, as values.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    pub fn request_line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Log {
    bytes: Vec<u8>,
    requests: Vec<Received>,
    strays: Vec<Vec<u8>>,
}

pub struct Wire {
    way: Way,
    port: u16,
    /// Of its socket and its certificate.
    dir: TempDir,
    log: Arc<Mutex<Log>>,
}

const SOCKET: &str = "mcp.sock";
const CERTIFICATE: &str = "ca.pem";

impl Wire {
    pub fn start(way: Way, manner: Manner) -> Self {
        let (dir, log) = (tempfile::tempdir().expect("a directory"), Arc::default());
        let talk = {
            let log = Arc::clone(&log);
            move |stream: Box<dyn Stream>| {
                let log = Arc::clone(&log);
                std::thread::spawn(move || Conversation { stream, log, unread: Vec::new() }.hold(manner));
            }
        };
        if way == Way::Unix {
            let listener = UnixListener::bind(dir.path().join(SOCKET)).expect("a socket");
            std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| talk(Box::new(stream))));
            return Self { way, port: 80, dir, log };
        }
        let tls = (way == Way::Tls).then(|| certificate(&dir));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                match &tls {
                    None => talk(Box::new(stream)),
                    Some(tls) => {
                        let connection = ServerConnection::new(Arc::clone(tls)).expect("a connection");
                        talk(Box::new(StreamOwned::new(connection, stream)));
                    }
                }
            }
        });
        Self { way, port, dir, log }
    }

    /// The lines of the resource that say where it is.
    pub fn configuration(&self) -> String {
        let (port, dir) = (self.port, self.dir.path());
        match self.way {
            Way::Tcp | Way::LegacySse => format!("upstream = \"http://127.0.0.1:{port}/internal/mcp\""),
            Way::Tls => format!(
                "upstream = \"https://localhost:{port}/internal/mcp\"\nupstream_ca_file = {:?}",
                dir.join(CERTIFICATE)
            ),
            Way::Unix => {
                format!("upstream = \"http://localhost/internal/mcp\"\nupstream_socket = {:?}", dir.join(SOCKET))
            }
        }
    }

    /// The tables that follow them.
    pub fn tables(&self) -> String {
        let port = self.port;
        match self.way {
            Way::LegacySse => format!(
                "[resource.legacy_sse]\nsse_path = \"/mcp/sse\"\nmessage_path = \"/mcp/messages\"\n\
                 upstream = \"http://127.0.0.1:{port}/internal/sse\"\n"
            ),
            Way::Tcp | Way::Tls | Way::Unix => String::new(),
        }
    }

    /// The requests so far, whole or not.
    pub fn requests(&self) -> Vec<Received> {
        self.log.lock().expect("unpoisoned").requests.clone()
    }

    /// How many came to their end.
    pub fn deliveries(&self) -> usize {
        self.requests().iter().filter(|request| request.whole).count()
    }

    /// Every byte so far.
    pub fn bytes(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().expect("unpoisoned").bytes).into_owned()
    }

    /// What came behind a request or instead of one.
    pub fn strays(&self) -> Vec<Vec<u8>> {
        self.log.lock().expect("unpoisoned").strays.clone()
    }
}

/// Made for `localhost`, and written where the sidecar reads it.
fn certificate(dir: &TempDir) -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(dir.path().join(CERTIFICATE), made.cert.pem()).expect("a file");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
    Arc::new(config.expect("a server"))
}

/// A connection, whatever it is made of.
trait Stream: Read + Write + Send {
    /// Closes it in both directions, at once.
    fn hang_up(&self);
}

impl Stream for TcpStream {
    fn hang_up(&self) {
        self.shutdown(Shutdown::Both).ok();
    }
}

impl Stream for UnixStream {
    fn hang_up(&self) {
        self.shutdown(Shutdown::Both).ok();
    }
}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn hang_up(&self) {
        self.sock.hang_up();
    }
}

struct Conversation {
    stream: Box<dyn Stream>,
    log: Arc<Mutex<Log>>,
    unread: Vec<u8>,
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/// The stream of HTTP+SSE, which is no request that a test counts.
const OPENED: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\
                      event: endpoint\ndata: /internal/messages?session=1\n\n";

impl Conversation {
    fn hold(mut self, manner: Manner) {
        while let Some(head) = self.head() {
            if head.starts_with("GET /internal/sse ") {
                self.say(OPENED);
                while self.more() {}
                return;
            }
            let body = Framing::of(&head);
            let index = {
                let mut log = self.log.lock().expect("unpoisoned");
                log.requests.push(Received { head, body: Vec::new(), whole: body == Framing::None });
                log.requests.len() - 1
            };
            if manner == Manner::Resets {
                // Dropped with bytes unread, a socket resets.
                return;
            }
            if manner == Manner::AnswersEarly {
                self.say(ANSWER);
            }
            let whole = self.body(&body, index);
            self.log.lock().expect("unpoisoned").requests[index].whole = whole;
            if !whole {
                return;
            }
            match manner {
                Manner::AnswersEarly | Manner::Resets => {}
                Manner::KeepsAlive => self.say(ANSWER),
                Manner::AnswersTwice => self.say(&format!("{ANSWER}{}", ANSWER.replace("{}", "!!"))),
                Manner::HangsUp => {
                    self.say(ANSWER);
                    self.stream.hang_up();
                    return;
                }
                Manner::TalksNonsense => {
                    self.say("SSH-2.0-nonsense\r\n\r\n");
                    self.stream.hang_up();
                    return;
                }
                Manner::BreaksOff => {
                    self.say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"ha");
                    self.stream.hang_up();
                    return;
                }
                Manner::Stalls => while self.more() {},
            }
        }
        if !self.unread.is_empty() {
            self.log.lock().expect("unpoisoned").strays.push(self.unread.clone());
        }
    }

    fn say(&mut self, answer: &str) {
        self.stream.write_all(answer.as_bytes()).ok();
    }

    /// Reads on; false at the end of the connection.
    fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let received = match self.stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return true,
            Err(_) | Ok(0) => return false,
            Ok(received) => received,
        };
        self.unread.extend_from_slice(&buffer[..received]);
        self.log.lock().expect("unpoisoned").bytes.extend_from_slice(&buffer[..received]);
        true
    }

    fn head(&mut self) -> Option<String> {
        let end = loop {
            if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more() {
                return None;
            }
        };
        let head: Vec<u8> = self.unread.drain(..end).collect();
        Some(String::from_utf8_lossy(&head).into_owned())
    }

    fn line(&mut self) -> Option<String> {
        let end = loop {
            if let Some(at) = find(&self.unread, b"\r\n") {
                break at + 2;
            }
            if !self.more() {
                return None;
            }
        };
        let line: Vec<u8> = self.unread.drain(..end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn take(&mut self, mut length: usize, index: usize) -> bool {
        while length > 0 {
            if self.unread.is_empty() && !self.more() {
                return false;
            }
            let now = length.min(self.unread.len());
            let part: Vec<u8> = self.unread.drain(..now).collect();
            self.log.lock().expect("unpoisoned").requests[index].body.extend_from_slice(&part);
            length -= now;
        }
        true
    }

    fn body(&mut self, framing: &Framing, index: usize) -> bool {
        match framing {
            Framing::None => true,
            Framing::Length(length) => self.take(*length, index),
            Framing::Chunked => loop {
                let Some(size) = self.line() else { return false };
                let size = usize::from_str_radix(&size, 16).expect("the sidecar frames well");
                if size == 0 {
                    return self.line().is_some_and(|end| end.is_empty());
                }
                if !self.take(size, index) || self.line().is_none_or(|end| !end.is_empty()) {
                    return false;
                }
            },
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Framing {
    None,
    Length(usize),
    Chunked,
}

impl Framing {
    fn of(head: &str) -> Self {
        let received = Received { head: head.to_owned(), body: Vec::new(), whole: false };
        match (received.all("content-length").as_slice(), received.all("transfer-encoding").as_slice()) {
            ([], []) => Framing::None,
            ([length], []) => Framing::Length(length.parse().expect("a length")),
            ([], ["chunked"]) => Framing::Chunked,
            both => panic!("the sidecar frames in two ways: {both:?}"),
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
