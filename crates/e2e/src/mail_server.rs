//! A persona: a mail server (RFC 5321) on a port of its own, which keeps what it takes, and answers otherwise where the test says so.
//! Scripts in a browser read the messages as files.

use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long a test waits for a message, before it says that none came.
const PATIENCE: Duration = Duration::from_secs(60);

const A_MOMENT: Duration = Duration::from_millis(10);

/// Answers a command in its own way; `None`: as a good mail server does.
type Script = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A mail server. It goes away with the process.
pub struct MailServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it proves itself with, for whoever is to trust it (PEM).
    pub certificate: String,
    state: Arc<State>,
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailServer({})", self.address)
    }
}

struct State {
    tls: Option<(Encryption, Arc<ServerConfig>)>,
    script: Script,
    /// Where the text of each message is written, as `<number>.txt`.
    directory: Option<PathBuf>,
    taken: Mutex<Vec<Mail>>,
    commands: Mutex<Vec<String>>,
}

/// Of the connection, and from when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte (RFC 8314 §3.3).
    Wrapper,
    /// By command (RFC 3207).
    Starttls,
}

/// A message that it took.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// Whom it names as its sender on the envelope.
    pub from: String,
    /// To whom it goes.
    pub to: String,
    /// Who sent it proved to be this.
    pub authenticated: Option<String>,
    /// Whether the connection was.
    pub encrypted: bool,
    /// As they came.
    pub headers: String,
    /// The body, decoded.
    pub text: String,
}

impl MailServer {
    /// A good one.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn start() -> Self {
        Self::that(|_| None)
    }

    /// One that also writes the text of its messages into a directory: `1.txt`, `2.txt`, …
    ///
    /// # Panics
    /// When the directory cannot be made.
    pub fn that_writes_to(directory: PathBuf) -> Self {
        fs::create_dir_all(&directory).expect("a directory for the messages");
        Self::begin(None, Box::new(|_| None), Some(directory))
    }

    /// One that answers some commands otherwise.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn that(script: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::begin(None, Box::new(script), None)
    }

    /// One with a certificate for `localhost`.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn with(encryption: Encryption) -> Self {
        Self::begin(Some(encryption), Box::new(|_| None), None)
    }

    fn begin(encryption: Option<Encryption>, script: Script, directory: Option<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let tls = encryption.map(|encryption| {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
            let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key));
            (encryption, Arc::new(config.expect("a configuration")))
        });
        let state = Arc::new(State { tls, script, directory, taken: Mutex::default(), commands: Mutex::default() });
        let server = Self { address, certificate: made.cert.pem(), state: Arc::clone(&state) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                // A client that goes away ends its own connection only.
                thread::spawn(move || Session::run(&state, stream));
            }
        });
        server
    }

    /// `[email]` of a server that uses this one.
    pub fn toml(&self, more: &str) -> String {
        let tls = match &self.state.tls {
            None => "none",
            Some((Encryption::Wrapper, _)) => "wrapper",
            Some((Encryption::Starttls, _)) => "starttls",
        };
        format!(
            "[email]\nhost = \"localhost\"\nport = {}\ntls = \"{tls}\"\nfrom = \"gate@example.com\"\n{more}\n",
            self.address.port()
        )
    }

    /// Every message so far.
    pub fn taken(&self) -> Vec<Mail> {
        self.state.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every command so far, of whatever connection.
    pub fn commands(&self) -> Vec<String> {
        self.state.commands.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many messages are there; the last one.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn wait_for(&self, messages: usize) -> Mail {
        self.wait_until(messages, "messages", || self.taken().len()).await;
        self.taken()[messages - 1].clone()
    }

    /// How many of the commands so far begin like this.
    pub fn commands_like(&self, beginning: &str) -> usize {
        self.commands().iter().filter(|command| command.starts_with(beginning)).count()
    }

    /// Waits until there are so many of them.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn wait_for_commands(&self, beginning: &str, times: usize) {
        self.wait_until(times, beginning, || self.commands_like(beginning)).await;
    }

    async fn wait_until(&self, wanted: usize, of: &str, there_are: impl Fn() -> usize) {
        let mut waited = Duration::ZERO;
        while there_are() < wanted {
            assert!(waited < PATIENCE, "{} {of}, and not {wanted}: {:?}", there_are(), self.commands());
            tokio::time::sleep(A_MOMENT).await;
            waited += A_MOMENT;
        }
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

struct Session<'s> {
    state: &'s State,
    stream: BufReader<Box<dyn Stream>>,
    mail: Mail,
}

impl<'s> Session<'s> {
    fn run(state: &'s State, stream: TcpStream) -> io::Result<()> {
        let wrapped = matches!(state.tls, Some((Encryption::Wrapper, _)));
        let (ours, plain) = (stream.try_clone()?, stream);
        let stream: Box<dyn Stream> = if wrapped { encrypted(state, plain)? } else { Box::new(plain) };
        let mail = Mail { encrypted: wrapped, ..Mail::default() };
        let mut session = Self { state, stream: BufReader::new(stream), mail };
        session.say("220 mail.example.com ESMTP")?;
        loop {
            let Some(line) = session.line()? else { return Ok(()) };
            state.commands.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
            if let Some(own) = (state.script)(&line) {
                session.say(&own)?;
                continue;
            }
            match line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "EHLO" => session.greet()?,
                "STARTTLS" => {
                    session.say("220 go ahead")?;
                    session.stream = BufReader::new(encrypted(state, ours.try_clone()?)?);
                    session.mail.encrypted = true;
                }
                "AUTH" => session.authenticate(&line)?,
                "MAIL" => session.mail.from = between(&line),
                "RCPT" => session.mail.to = between(&line),
                "DATA" => session.take()?,
                "QUIT" => return session.say("221 bye"),
                _ => session.say("502 no")?,
            }
            if line.starts_with("MAIL") || line.starts_with("RCPT") {
                session.say("250 ok")?;
            }
        }
    }

    fn greet(&mut self) -> io::Result<()> {
        let starttls = matches!(self.state.tls, Some((Encryption::Starttls, _))) && !self.mail.encrypted;
        let offer = if starttls { "250-STARTTLS\r\n" } else { "" };
        self.say(&format!("250-mail.example.com\r\n{offer}250-AUTH PLAIN\r\n250 8BITMIME"))
    }

    /// RFC 4616 §2.
    fn authenticate(&mut self, line: &str) -> io::Result<()> {
        let encoded = line.split(' ').nth(2).unwrap_or_default();
        let decoded = BASE64_STANDARD.decode(encoded).unwrap_or_default();
        self.mail.authenticated = Some(String::from_utf8_lossy(&decoded).replace('\0', " ").trim().to_owned());
        self.say("235 ok")
    }

    fn take(&mut self) -> io::Result<()> {
        self.say("354 go ahead")?;
        let mut raw = String::new();
        while let Some(line) = self.line()? {
            if line == "." {
                break;
            }
            raw.push_str(line.strip_prefix('.').unwrap_or(&line));
            raw.push('\n');
        }
        let (headers, body) = raw.split_once("\n\n").unwrap_or((&raw, ""));
        let encoding =
            |name: &str| headers.to_ascii_lowercase().contains(&format!("content-transfer-encoding: {name}"));
        self.mail.text = match (encoding("quoted-printable"), encoding("base64")) {
            (true, _) => quoted_printable(body),
            (_, true) => {
                let bytes = BASE64_STANDARD.decode(body.replace('\n', "")).expect("base64");
                String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
            }
            _ => body.to_owned(),
        };
        self.mail.headers = headers.to_owned();
        let mut taken = self.state.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.push(self.mail.clone());
        if let Some(directory) = &self.state.directory {
            // Under its name when it is whole.
            let (half, whole) = (directory.join("half"), directory.join(format!("{}.txt", taken.len())));
            fs::write(&half, &self.mail.text)?;
            fs::rename(half, whole)?;
        }
        drop(taken);
        self.say("250 taken")
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        let ended = line.is_empty();
        let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
        Ok((!ended).then_some(line))
    }

    fn say(&mut self, reply: &str) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{reply}\r\n").as_bytes())?;
        stream.flush()
    }
}

fn encrypted(state: &State, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
    let (_, config) = state.tls.as_ref().ok_or(io::ErrorKind::Unsupported)?;
    let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    Ok(Box::new(StreamOwned::new(connection, stream)))
}

fn between(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(inner, _)| inner.to_owned())
        .unwrap_or_default()
}

/// RFC 2045 §6.7.
fn quoted_printable(body: &str) -> String {
    let joined = body.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'=').then(|| std::str::from_utf8(&after[..2]).expect("ASCII"));
        match code {
            Some(code) => {
                bytes.push(u8::from_str_radix(code, 16).expect("hexadecimal"));
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

impl Mail {
    /// The path and query of the URL below `issuer` in it.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn link(&self, issuer: &str) -> String {
        let word = self.text.split_whitespace().find_map(|word| word.strip_prefix(issuer));
        word.unwrap_or_else(|| panic!("no link: {}", self.text)).to_owned()
    }
}
