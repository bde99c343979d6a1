//! The end of the real program: SIGTERM with streams open and requests running, and more connections than it has descriptors for.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gatelodge_oauth::access_token::Claims;
use gatelodge_oauth::resource::ResourceId;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::raw::{GOOD, send};
use crate::support::{Authority, Upstream, closed_port, soon};

struct Program {
    child: Child,
    listen: SocketAddr,
    upstream: Upstream,
    token: String,
    _dir: tempfile::TempDir,
}

impl Program {
    /// Once it answers.
    async fn start() -> Self {
        let (authority, upstream) = (Authority::start(), Upstream::start());
        let (listen, health) = (closed_port(), closed_port());
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("sidecar.toml");
        let toml = format!(
            "public_url = \"http://{listen}\"\nlisten = \"{listen}\"\nhealth_listen = \"{health}\"\n[authorization_server]\n\
             issuer = \"https://mcp.example.com\"\njwks_url = \"{}\"\n[[resource]]\npath = \"/mcp\"\nupstream = \"{}\"\n",
            authority.jwks_url, upstream.url
        );
        std::fs::write(&path, toml).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatelodge-sidecar"));
        let child = command.arg("serve").arg("--config").arg(&path).stdout(Stdio::null()).spawn().expect("it runs");
        let aud = ResourceId::from_stored(format!("http://{listen}/mcp"));
        let token = authority.sign(&Claims { aud, ..authority.claims() });
        let program = Self { child, listen, upstream, token, _dir: dir };
        let ready = async {
            while TcpStream::connect(listen).await.is_err() || program.ask("echo").await != [200] {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        soon("it answers", ready).await;
        program
    }

    fn request(&self, method: &str, plan: &str) -> Vec<u8> {
        let (listen, token) = (self.listen, &self.token);
        let head =
            format!("{method} /mcp HTTP/1.1\r\nHost: {listen}\r\nAuthorization: Bearer {token}\r\nx-test: {plan}\r\n");
        match method {
            "GET" => format!("{head}\r\n").into_bytes(),
            _ => format!("{head}Content-Type: application/json\r\nContent-Length: 30\r\n\r\n{GOOD}").into_bytes(),
        }
    }

    async fn ask(&self, plan: &str) -> Vec<u16> {
        send(self.listen, &self.request("POST", plan)).await.statuses()
    }

    /// A request whose answer is read later.
    async fn begin(&self, method: &str, plan: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.listen).await.expect("a connection");
        stream.write_all(&self.request(method, plan)).await.expect("sent");
        stream
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    async fn exit_code(&mut self) -> Option<i32> {
        let ended = async {
            loop {
                if let Some(status) = self.child.try_wait().expect("a child") {
                    return status.code();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        soon("it ends", ended).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let mut buffer = [0; 4096];
        let received = soon(wanted, stream.read(&mut buffer)).await.expect("open");
        assert!(received > 0, "{wanted} never came: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..received]));
    }
    text
}

async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    soon("the end", stream.read_to_end(&mut text)).await.expect("closed in order");
    String::from_utf8_lossy(&text).into_owned()
}

#[actix_web::test]
async fn a_signal_lets_requests_finish_ends_streams_and_is_a_clean_exit() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut program = Program::start().await;
        let mut standing = program.begin("GET", "endless events").await;
        until(&mut standing, "data: 1").await;
        let mut answering = program.begin("POST", "two events").await;
        until(&mut answering, "event 0").await;
        let running = program.begin("POST", "when told").await;
        soon("it runs", program.upstream.shared.waiting.notified()).await;

        kill_process(program.pid(), signal).expect("signalled");
        assert_eq!(rest(standing).await, "0\r\n\r\n", "a standing stream ends at once, and in order");
        let refused = async {
            while TcpStream::connect(program.listen).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon("nobody new is let in", refused).await;
        program.upstream.shared.go_on.notify_waiters();
        let late = rest(running).await;
        assert!(late.starts_with("HTTP/1.1 200") && late.ends_with("{\"late\":true}"), "{late}");
        let answered = rest(answering).await;
        assert!(answered.contains("event 1") && answered.ends_with("0\r\n\r\n"), "{answered}");
        assert_eq!(program.exit_code().await, Some(0));
    }
}

#[actix_web::test]
async fn what_never_ends_is_cut_and_the_exit_is_clean_all_the_same() {
    let mut program = Program::start().await;
    let mut stream = program.begin("POST", "endless events").await;
    until(&mut stream, "data: 1").await;
    let running = program.begin("POST", "never").await;
    soon("it runs", program.upstream.shared.waiting.notified()).await;
    kill_process(program.pid(), Signal::TERM).expect("signalled");
    assert_eq!(rest(stream).await, "0\r\n\r\n", "the stream got its grace and then ended in order");
    assert_eq!(program.exit_code().await, Some(0));
    drop(running);
}

#[actix_web::test]
async fn without_descriptors_it_waits_and_goes_on_when_there_are_some() {
    let program = Program::start().await;
    let open = std::fs::read_dir(format!("/proc/{}/fd", program.child.id())).expect("it runs").count() as u64;
    let limit = |current| Rlimit { current: Some(current), maximum: getrlimit(Resource::Nofile).maximum };
    let old = prlimit(Some(program.pid()), Resource::Nofile, limit(open + 6)).expect("limited");
    let mut held = Vec::new();
    for _ in 0..32 {
        // The system completes connections that nobody accepts.
        held.push(program.begin("POST", "echo").await);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    held.clear();
    let again = async {
        while program.ask("echo").await != [200] {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("it answers again", again).await;
    prlimit(Some(program.pid()), Resource::Nofile, old).ok();
}
