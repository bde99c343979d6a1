//! The MCP server behind the sidecar: notes every request, and answers as the header `x-test` of the request says.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    /// All values of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Everything that arrived, to look for what must not.
    pub fn everything(&self) -> String {
        format!("{self:?} {}", String::from_utf8_lossy(&self.body))
    }
}

pub struct Upstream {
    pub url: String,
    pub shared: Arc<Shared>,
    /// One message for each exchange that ended because the sidecar hung up.
    pub hung_up: UnboundedReceiver<&'static str>,
}

pub struct Shared {
    seen: Mutex<Vec<Seen>>,
    /// The test tells the server to go on.
    pub go_on: Notify,
    /// The server has a part of a body.
    pub received: Notify,
    /// The server has a whole request and does not answer it.
    pub waiting: Notify,
    hung_up: UnboundedSender<&'static str>,
}

/// Dropped before its time: the other side hung up.
struct Watch(Data<Shared>, &'static str);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.hung_up.send(self.1).ok();
    }
}

impl Upstream {
    pub fn start() -> Self {
        let (sender, hung_up) = unbounded_channel();
        let shared = Shared {
            seen: Mutex::default(),
            go_on: Notify::new(),
            received: Notify::new(),
            waiting: Notify::new(),
            hung_up: sender,
        };
        let shared = Arc::new(shared);
        let data = Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)))
            .workers(1)
            .h1_allow_half_closed(false)
            .bind("127.0.0.1:0")
            .expect("a port");
        let url = format!("http://{}/internal/mcp", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { url, shared, hung_up }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("unpoisoned").clone()
    }

    /// The only request so far.
    pub fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.into_iter().next().expect("one")
    }
}

/// A server that answers the first request with these bytes as they are, and hangs up.
pub fn scripted(answer: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut head = [0; 4096];
        let received = stream.read(&mut head).expect("a request");
        assert!(received > 0);
        stream.write_all(answer.as_bytes()).expect("sent");
    });
    url
}

async fn answer(request: HttpRequest, mut payload: Payload, shared: Data<Shared>) -> HttpResponse {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let seen = Seen {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        headers: request.headers().iter().map(|(n, v)| (n.to_string(), text(v.as_bytes()))).collect(),
        body: Vec::new(),
    };
    let index = {
        let mut log = shared.seen.lock().expect("unpoisoned");
        log.push(seen.clone());
        log.len() - 1
    };
    let plan = seen.all("x-test").first().copied().unwrap_or("echo").to_owned();
    let whole = plan != "answer before the body";
    while let Some(Ok(chunk)) = if whole { payload.next().await } else { None } {
        shared.seen.lock().expect("unpoisoned")[index].body.extend_from_slice(&chunk);
        shared.received.notify_one();
    }
    if plan == "say" {
        return said(&seen);
    }
    planned(&plan, shared).await
}

/// Answers what the request itself says: `x-say` is the body, in which `|` is a line feed.
fn said(seen: &Seen) -> HttpResponse {
    let value = |name| seen.all(name).first().map(|value| value.replace('|', "\n"));
    let status = value("x-say-status").map_or(StatusCode::OK, |status| status.parse().expect("a status"));
    let mut response = HttpResponse::build(status);
    response.content_type(value("x-say-type").unwrap_or_else(|| "application/json".into()));
    if let Some(encoding) = value("x-say-encoding") {
        response.insert_header(("Content-Encoding", encoding));
    }
    if let Some(id) = value("x-say-session") {
        response.insert_header(("Mcp-Session-Id", id));
    }
    for name in ["ETag", "Digest", "Content-Digest", "Repr-Digest"] {
        response.insert_header((name, "\"as it came\""));
    }
    response.body(value("x-say").unwrap_or_default())
}

async fn planned(plan: &str, shared: Data<Shared>) -> HttpResponse {
    let events = || {
        let mut response = HttpResponse::Ok();
        response.content_type("text/event-stream");
        response
    };
    match plan {
        "echo" | "answer before the body" => HttpResponse::Ok().content_type("application/json").body("{\"ok\":true}"),
        "headers" => HttpResponse::Ok()
            .insert_header(("WWW-Authenticate", "Bearer resource_metadata=\"https://evil.example/\""))
            .insert_header(("Access-Control-Allow-Origin", "*"))
            .insert_header(("Set-Cookie", "gatelodge_session=evil"))
            .insert_header(("Mcp-Session-Id", "abc"))
            .insert_header(("X-Custom", "kept"))
            .body("x"),
        "accepted" => HttpResponse::Accepted().finish(),
        "redirect" => {
            HttpResponse::TemporaryRedirect().insert_header(("Location", "http://internal.example/mcp/")).finish()
        }
        "two events" => events().streaming(unfold((0, shared), |(step, shared)| async move {
            match step {
                0 => {}
                1 => shared.go_on.notified().await,
                _ => return None,
            }
            let event = Bytes::from(format!("id: {step}\r\ndata: event {step}\r\n\r\n"));
            Some((Ok::<_, actix_web::Error>(event), (step + 1, shared)))
        })),
        "half an event" => events().streaming(unfold((0, shared), |(step, shared)| async move {
            let part = match step {
                0 => "data: ha",
                1 => {
                    shared.go_on.notified().await;
                    "lf\n\n"
                }
                _ => return None,
            };
            Some((Ok::<_, actix_web::Error>(Bytes::from_static(part.as_bytes())), (step + 1, shared)))
        })),
        "large event" => events().body(format!("data: \"{}\"\n\n", "x".repeat(5 * 1024 * 1024))),
        "endless events" => events().streaming(unfold((0, Watch(shared, "events")), |(step, watch)| async move {
            if step > 0 {
                std::future::pending::<()>().await;
            }
            Some((Ok::<_, actix_web::Error>(Bytes::from_static(b"data: 1\n\n")), (step + 1, watch)))
        })),
        "silent events" => {
            let watch = Watch(shared, "silence");
            events().streaming(unfold(watch, |watch| async move {
                std::future::pending::<()>().await;
                Some((Ok::<_, actix_web::Error>(Bytes::new()), watch))
            }))
        }
        "stalling list" => {
            let begin = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"{}", "x".repeat(3 << 20));
            let begin = futures_util::stream::iter([Ok::<_, actix_web::Error>(Bytes::from(begin))]);
            let rest = futures_util::stream::pending();
            HttpResponse::Ok().content_type("application/json").streaming(begin.chain(rest))
        }
        "never" => {
            let _watch = Watch(shared.clone(), "answer");
            shared.waiting.notify_one();
            std::future::pending().await
        }
        "large" => HttpResponse::Ok().content_type("application/json").body("x".repeat(3 * 1024 * 1024)),
        "when told" => {
            shared.waiting.notify_one();
            shared.go_on.notified().await;
            HttpResponse::Ok().content_type("application/json").body("{\"late\":true}")
        }
        // More than the buffers of sockets take.
        "huge" => HttpResponse::Ok().content_type("application/json").body("x".repeat(64 * 1024 * 1024)),
        status => {
            let status = status.parse().ok().and_then(|code| StatusCode::from_u16(code).ok()).expect("a plan");
            HttpResponse::build(status)
                .insert_header(("WWW-Authenticate", "Bearer error=\"upstream\""))
                .body("{\"jsonrpc\":\"2.0\"}")
        }
    }
}
