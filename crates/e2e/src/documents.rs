//! A web server with documents, over real TLS, that can behave as badly as a stranger's. Its certificate is signed by an
//! authority of its own.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// What is sent after the head of a request was read.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then one more space each time, for as long as anybody reads.
    Drip(Vec<u8>, Duration),
    /// Nothing, until the other side goes.
    Stall,
}

impl Answer {
    /// 200 and JSON.
    pub fn json(document: &Value) -> Self {
        Self::with_headers(document, &[])
    }

    /// 200 and JSON, with more headers.
    pub fn with_headers(document: &Value, headers: &[(&str, &str)]) -> Self {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        Self::raw(200, &all, document.to_string().as_bytes())
    }

    /// This status, and a page as bodyguards of websites send it.
    pub fn status(status: u16) -> Self {
        Self::raw(status, &[("content-type", "text/html")], b"<title>Just a moment...</title>")
    }

    /// Exactly this.
    pub fn raw(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "HTTP/1.1 {status} Whatever\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }
}

/// The server. It ends with its last owner.
#[derive(Debug)]
pub struct DocumentServer {
    address: SocketAddr,
    ca_pem: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    answers: Mutex<HashMap<String, Answer>>,
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    down: AtomicBool,
    ended: AtomicBool,
}

impl DocumentServer {
    /// Starts on a free port, as `localhost`, `127.0.0.1` and under any further `names`.
    ///
    /// # Panics
    /// When there is no port or no certificate.
    pub fn start(names: &[&str]) -> Self {
        let (ca_pem, tls) = certificates(names);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        let serving = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let (state, tls) = (serving.clone(), tls.clone());
                thread::spawn(move || state.serve(stream, tls));
            }
        });
        Self { address, ca_pem, state }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `localhost` with its port.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// The URL of a path at [`DocumentServer::host`].
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.host())
    }

    /// The certificate of the authority that signed for it.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What is found at a path from now on. Elsewhere there is 404.
    pub fn put(&self, path: &str, answer: Answer) {
        locked(&self.state.answers).insert(path.to_owned(), answer);
    }

    /// Puts a document at a path, with its URL as its `client_id`; gives the URL back.
    pub fn put_client(&self, path: &str, mut metadata: Value) -> String {
        let url = self.url(path);
        metadata["client_id"] = url.clone().into();
        self.put(path, Answer::json(&metadata));
        url
    }

    /// Whether connections are closed before a word is said.
    pub fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        locked(&self.state.requests).clone()
    }
}

impl Drop for DocumentServer {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn serve(&self, stream: TcpStream, tls: Arc<ServerConfig>) {
        if self.down.load(Ordering::SeqCst) {
            return;
        }
        let Ok(connection) = ServerConnection::new(tls) else { return };
        let mut stream = StreamOwned::new(connection, stream);
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        locked(&self.requests).push(head);
        let answer = locked(&self.answers).get(&path).cloned().unwrap_or_else(|| Answer::status(404));
        match answer {
            Answer::Bytes(bytes) => {
                let _ = stream.write_all(&bytes);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
            Answer::Drip(bytes, every) => {
                let mut sent = stream.write_all(&bytes).and_then(|()| stream.flush());
                while sent.is_ok() && !self.ended.load(Ordering::SeqCst) {
                    thread::sleep(every);
                    sent = stream.write_all(b" ").and_then(|()| stream.flush());
                }
            }
            Answer::Stall => {
                let _ = stream.read(&mut byte);
            }
        }
    }
}

fn certificates(names: &[&str]) -> (String, Arc<ServerConfig>) {
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().expect("a key")).expect("an authority");
    let names = ["localhost", "127.0.0.1"].iter().chain(names).map(|name| (*name).to_owned());
    let key = KeyPair::generate().expect("a key");
    let certificate =
        CertificateParams::new(names.collect::<Vec<_>>()).expect("names").signed_by(&key, &ca).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a certificate that fits its key");
    (ca.pem(), Arc::new(tls))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
