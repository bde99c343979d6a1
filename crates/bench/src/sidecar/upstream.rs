//! The MCP server behind the proxies, and the authorization server beside it, in as few instructions as possible: answers are
//! made once, and the tool that is called says which one it is. It shares thread and core with the load.

use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

use crate::authority::Authority;
use crate::load::Tool;
use crate::wire::{head_end, message_length};

const SMALL: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"Ticket 4711 is open since the third of November and waits for an answer from the customer. It is assigned to the second line of support and has two attachments."}],"structuredContent":{"number":4711,"state":"open"},"isError":false}}"#;
const LARGE: usize = 64 * 1_024;
const EVENT: &str = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":7,\"progress\":1}}\n\n";

struct Answers {
    small: Vec<u8>,
    large: Vec<u8>,
    /// Its head and one event. More never comes.
    stream: Vec<u8>,
    jwks: Vec<u8>,
    status_list: Vec<u8>,
}

impl Answers {
    fn new(authority: &Authority) -> Self {
        let large = SMALL.replace("Ticket 4711", &"Ticket 4711 ".repeat(LARGE / 12));
        let mut stream = head("text/event-stream", "transfer-encoding: chunked\r\nx-accel-buffering: no");
        stream.extend(format!("{:x}\r\n{EVENT}\r\n", EVENT.len()).into_bytes());
        Self {
            small: answer("application/json", SMALL),
            large: answer("application/json", &large),
            stream,
            jwks: answer("application/json", &authority.jwks()),
            status_list: answer("application/statuslist+jwt", &authority.status_list()),
        }
    }

    fn to(&self, request: &[u8]) -> &[u8] {
        let body = &request[head_end(request).unwrap_or_default()..];
        let calls = |tool: Tool| body.windows(tool.name().len()).any(|window| window == tool.name().as_bytes());
        match request {
            request if request.starts_with(b"GET /jwks") => &self.jwks,
            request if request.starts_with(b"GET /status-list") => &self.status_list,
            request if request.starts_with(b"GET ") => &self.stream,
            _ if calls(Tool::Small) => &self.small,
            _ if calls(Tool::Large) => &self.large,
            _ => &self.stream,
        }
    }
}

fn head(content_type: &str, more: &str) -> Vec<u8> {
    let session = "mcp-session-id: 6b1f9a3c-2f0e-4d57-9f1b-0a1b2c3d4e5f";
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{session}\r\n{more}\r\n\r\n").into_bytes()
}

fn answer(content_type: &str, body: &str) -> Vec<u8> {
    let mut answer = head(content_type, &format!("content-length: {}", body.len()));
    answer.extend(body.as_bytes());
    answer
}

/// Serves until the process ends.
pub async fn start(authority: &Authority) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let answers = Rc::new(Answers::new(authority));
    spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            spawn_local(serve(stream, Rc::clone(&answers)));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, answers: Rc<Answers>) {
    stream.set_nodelay(true).expect("a socket option");
    let (mut buffer, mut length) = (vec![0; 16 * 1_024], 0);
    while let Ok(read @ 1..) = stream.read(&mut buffer[length..]).await {
        length += read;
        if message_length(&buffer[..length]).is_none() {
            continue;
        }
        if stream.write_all(answers.to(&buffer[..length])).await.is_err() {
            return;
        }
        length = 0;
    }
}
