//! HTTP+SSE, MCP 2024-11-05: whoever opened a stream posts to it, and nobody else; and clients are sent to us only.

use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::stream::poll_fn;
use gatelodge_oauth::access_token::jwks;
use reqwest::{Method, RequestBuilder, Response};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::authority::new_key;
use crate::support::{CHALLENGE, PING, World, header, part, soon};

const LAZY: &str = "login = \"lazy\"\n";
const RULES: &str = "[[resource.access.rule]]\ntools = [\"drop\"]\nscopes = [\"admin\"]\n\
                     [[resource.access.rule]]\ntools = [\"secret\"]\ndeny = true\n";
const ADA: Option<&str> = Some("ada");
const BOB: Option<&str> = Some("bob");
const CALL: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"drop"}}"#;
/// As SDKs do before they fall back to the handshake.
const DISCOVER: &str = r#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
const SECRET: &str = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"secret","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#;

/// An MCP server of 2024-11-05: the test says what is on its stream.
struct Server {
    events: UnboundedSender<Bytes>,
    posted: Arc<Mutex<Vec<(String, String)>>>,
    world: World,
}

struct Shared {
    stream: Mutex<Option<UnboundedReceiver<Bytes>>>,
    posted: Arc<Mutex<Vec<(String, String)>>>,
}

impl Server {
    async fn start(more: &str) -> Server {
        let (events, stream) = unbounded_channel();
        let posted = Arc::default();
        let shared = Data::new(Shared { stream: Mutex::new(Some(stream)), posted: Arc::clone(&posted) });
        let server = HttpServer::new(move || {
            let app = App::new().app_data(shared.clone()).route("/app/sse", web::get().to(open));
            app.service(web::resource("/app/sse").to(HttpResponse::MethodNotAllowed))
                .default_service(web::post().to(post))
        });
        let server = server.workers(1).bind("127.0.0.1:0").expect("a port");
        let upstream = format!("http://{}/app/sse", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        let table = format!(
            "{more}[resource.legacy_sse]\nsse_path = \"/mcp/sse\"\nmessage_path = \"/mcp/messages\"\nupstream = \"{upstream}\"\n"
        );
        Server { events, posted, world: World::with(|toml| toml + &table).await }
    }

    fn send(&self, events: impl Into<Bytes>) {
        self.events.send(events.into()).expect("the stream is open");
    }

    fn request(&self, method: Method, path: &str, user: Option<&str>) -> RequestBuilder {
        let request = self.world.client.request(method, self.world.url(path));
        match user {
            Some(user) => request.bearer_auth(self.world.authority.token_of(user, "mcp:use")),
            None => request,
        }
    }

    async fn open(&self, user: Option<&str>) -> Stream {
        let response = self.request(Method::GET, "/mcp/sse", user).send().await.expect("an answer");
        assert_eq!((response.status().as_u16(), header(&response, "content-type")), (200, "text/event-stream".into()));
        Stream { response, read: String::new() }
    }

    async fn post(&self, target: &str, user: Option<&str>, body: &'static str) -> Response {
        let request = self.request(Method::POST, target, user).header("content-type", "application/json");
        request.body(body).send().await.expect("an answer")
    }

    fn posted(&self) -> Vec<(String, String)> {
        self.posted.lock().expect("unpoisoned").clone()
    }
}

async fn open(shared: Data<Shared>) -> HttpResponse {
    let mut stream = shared.stream.lock().expect("unpoisoned").take().expect("opened once");
    let events = poll_fn(move |context| stream.poll_recv(context).map(|event| event.map(Ok::<_, actix_web::Error>)));
    HttpResponse::Ok().content_type("text/event-stream").streaming(events)
}

async fn post(request: HttpRequest, body: String, shared: Data<Shared>) -> HttpResponse {
    // Some servers say 200.
    let status = if body.contains("resources/") { StatusCode::OK } else { StatusCode::ACCEPTED };
    shared.posted.lock().expect("unpoisoned").push((request.uri().to_string(), body));
    HttpResponse::build(status).content_type("text/plain").body("Accepted")
}

struct Stream {
    response: Response,
    read: String,
}

impl Stream {
    /// Everything up to here, once it has arrived.
    async fn until(&mut self, end: &str) -> String {
        while !self.read.contains(end) {
            let chunk = soon("more of the stream", part(&mut self.response)).await.expect("open");
            self.read.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
        let at = self.read.find(end).expect("found") + end.len();
        self.read.drain(..at).collect()
    }

    /// Where messages go.
    async fn target(&mut self) -> String {
        let event = self.until("\n\n").await;
        let target = event.strip_prefix("event: endpoint\ndata: ").and_then(|rest| rest.strip_suffix("\n\n"));
        target.unwrap_or_else(|| panic!("{event}")).to_owned()
    }

    /// What came before the stream broke.
    async fn broken(mut self) -> String {
        while let Ok(chunk) = soon("the end", self.response.chunk()).await {
            self.read.push_str(std::str::from_utf8(&chunk.expect("it ends with an error")).expect("text"));
        }
        self.read
    }
}

const ENDPOINT: &str = "event: endpoint\ndata: /app/messages?session_id=s1\n\n";

#[actix_web::test]
async fn nobody_posts_to_a_stream_that_somebody_else_opened() {
    let server = Server::start("").await;
    let mut stream = server.open(ADA).await;
    server.send(ENDPOINT);
    let target = stream.target().await;
    for (target, user, status) in [
        (target.as_str(), BOB, 404),
        (target.as_str(), None, 401),
        ("/mcp/messages?session_id=s1", ADA, 404),
        ("/mcp/messages?sessionId=s1", ADA, 404),
        ("/mcp/messages?sessionId=67e55044-10b1-426f-9247-bb680e5fe0c8", ADA, 404),
        ("/mcp/messages", ADA, 404),
        (&format!("{target}&sessionId=s1"), ADA, 404),
        (&target.to_uppercase().replace("/MCP/MESSAGES?SESSIONID", "/mcp/messages?sessionId"), ADA, 404),
    ] {
        assert_eq!(server.post(target, user, PING).await.status(), status, "{target} {user:?}");
    }
    assert_eq!(server.posted(), [], "the MCP server heard nothing of it");

    let response = server.post(&format!("{target}&session_id=of-bob&x=y"), ADA, PING).await;
    assert_eq!(response.status(), 202);
    let arrived = ("/app/messages?session_id=s1".to_owned(), PING.to_owned());
    assert_eq!(server.posted(), [arrived], "what the server named, and nothing of what the client wrote");
}

#[actix_web::test]
async fn both_paths_need_a_token_and_their_metadata_is_that_of_the_resource() {
    let server = Server::start(RULES).await;
    for (method, path) in [(Method::GET, "/mcp/sse"), (Method::POST, "/mcp/sse"), (Method::POST, "/mcp/messages")] {
        let response = server.request(method, path, None).send().await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), header(&response, "www-authenticate")),
            (401, CHALLENGE.into()),
            "{path}"
        );
    }
    let mut stream = server.open(ADA).await;
    server.send(ENDPOINT);
    let target = stream.target().await;
    let response = server.post(&target, ADA, CALL).await;
    assert_eq!(response.status(), 403, "told on the POST itself");
    assert!(header(&response, "www-authenticate").contains("insufficient_scope"));
    assert_eq!(server.posted(), []);
}

#[actix_web::test]
async fn pages_that_may_call_reach_both_paths_and_can_read_the_challenge() {
    let server = Server::start("").await;
    let origin = "https://app.example.com";
    for (method, path, allowed) in
        [(Method::GET, "/mcp/sse", "GET, POST, OPTIONS"), (Method::POST, "/mcp/messages", "POST, OPTIONS")]
    {
        let preflight = server.request(Method::OPTIONS, path, None).header("Origin", origin);
        let preflight = preflight.header("Access-Control-Request-Method", method.as_str());
        let preflight = preflight.header("Access-Control-Request-Headers", "authorization").send();
        let answer = preflight.await.expect("an answer");
        assert_eq!(answer.status(), 204, "{path}");
        assert_eq!(header(&answer, "access-control-allow-origin"), origin);
        assert_eq!(header(&answer, "access-control-allow-methods"), allowed);
        assert!(header(&answer, "access-control-allow-headers").contains("authorization"));

        let refused = server.request(method, path, None).header("Origin", origin).send().await.expect("an answer");
        assert_eq!((refused.status().as_u16(), header(&refused, "www-authenticate")), (401, CHALLENGE.into()));
        assert_eq!(header(&refused, "access-control-allow-origin"), origin);
        assert!(header(&refused, "access-control-expose-headers").contains("WWW-Authenticate"), "{path}");
    }
}

#[actix_web::test]
async fn a_client_that_probes_learns_that_this_is_the_transport_of_before() {
    let server = Server::start("").await;
    assert_eq!(server.post("/mcp/sse", ADA, PING).await.status(), 405, "as the MCP server says");
    let (sse, messages) = (("/mcp/sse", "GET, POST, OPTIONS"), ("/mcp/messages", "POST, OPTIONS"));
    for (method, (path, allowed)) in
        [(Method::DELETE, sse), (Method::PUT, sse), (Method::GET, messages), (Method::PUT, messages)]
    {
        let response = server.request(method, path, ADA).send().await.expect("an answer");
        assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, allowed.into()), "{path}");
        let options = server.request(Method::OPTIONS, path, None).send().await.expect("an answer");
        assert_eq!((options.status().as_u16(), header(&options, "allow")), (204, allowed.into()), "{path}");
    }
    let foreign = server.request(Method::GET, "/mcp/sse", ADA).header("Origin", "https://evil.example");
    assert_eq!(foreign.send().await.expect("an answer").status(), 403);
}

#[actix_web::test]
async fn a_client_that_tries_a_later_revision_is_answered_by_the_server_and_judged_all_the_same() {
    let server = Server::start(RULES).await;
    let mut stream = server.open(ADA).await;
    server.send(ENDPOINT);
    let target = stream.target().await;
    assert_eq!(server.post(&target, ADA, DISCOVER).await.status(), 202);
    assert_eq!(server.posted()[0].1, DISCOVER);
    assert_eq!(server.post(&target, ADA, SECRET).await.status(), 403, "what is denied is denied in every revision");
    for method in ["ping", "tools/call"] {
        let request = server.request(Method::POST, &target, ADA).header("content-type", "application/json");
        let request = request.header("MCP-Protocol-Version", "2026-07-28").header("Mcp-Method", method);
        let response = request.body(DISCOVER).send().await.expect("an answer");
        assert_eq!(response.status(), 400, "a header that says something else than the body: {method}");
    }
    assert_eq!(server.posted().len(), 1);
}

#[actix_web::test]
async fn a_stream_that_names_another_host_ends_before_the_client_has_read_it() {
    for event in [
        "event: endpoint\ndata: https://evil.example/m\n\n",
        "data: //evil.example/m\nevent: endpoint\n\n",
        "event: message\ndata: {}\n\nevent:endpoint\r\ndata:http://evil.example/m\r\n\r\n",
        "event: endpoint\rdata: http://127.0.0.1/m\r\r",
        "event: endpoint\ndata: //evil.example\ndata: /m\n\n",
        "event: message\nevent: endpoint\ndata: //evil.example/m\n\n",
    ] {
        let server = Server::start("").await;
        let stream = server.open(ADA).await;
        server.send(event);
        let read = stream.broken().await;
        assert!(!read.contains("evil") && !read.contains("127.0.0.1"), "{read}");
    }
}

#[actix_web::test]
async fn a_second_address_is_no_way_around_the_first() {
    let server = Server::start("").await;
    let mut stream = server.open(ADA).await;
    server.send(ENDPOINT);
    let target = stream.target().await;
    server.send("event: endpoint\ndata: /app/other?s=2\n\n");
    assert_eq!(stream.target().await, target);
    assert_eq!(server.post(&target, BOB, PING).await.status(), 404);
    assert_eq!(server.post(&target, ADA, PING).await.status(), 202);
    assert_eq!(server.posted()[0].0, "/app/other?s=2");
    server.send("event: endpoint\ndata: //evil.example/m\n\n");
    assert!(!stream.broken().await.contains("evil"));
}

#[actix_web::test]
async fn the_address_is_rewritten_however_it_is_cut_and_its_lines_end_as_they_did() {
    for end in ["\n", "\r\n", "\r"] {
        let whole =
            format!(": hi{end}id: 7{end}event: endpoint{end}data: /app/m?s=1{end}{end}event: x{end}data: y{end}{end}");
        let server = Server::start("").await;
        let mut stream = server.open(ADA).await;
        for byte in whole.bytes() {
            server.send(vec![byte]);
        }
        let read = stream.until(&format!("data: y{end}{end}")).await;
        let (before, rest) = read.split_once("/mcp/messages?sessionId=").unwrap_or_else(|| panic!("{read:?}"));
        let id = &rest[..36];
        assert_eq!(before.to_owned() + "/app/m?s=1" + &rest[36..], whole);
        assert_eq!(server.post(&format!("/mcp/messages?sessionId={id}"), ADA, PING).await.status(), 202, "{end:?}");
        assert_eq!(server.posted()[0].0, "/app/m?s=1");
    }
}

#[actix_web::test]
async fn an_address_ends_with_its_stream() {
    let server = Server::start("").await;
    let mut stream = server.open(ADA).await;
    server.send(ENDPOINT);
    let target = stream.target().await;
    assert_eq!(server.post(&target, ADA, PING).await.status(), 202);
    drop(stream);
    let gone = async {
        while server.post(&target, ADA, PING).await.status() != 404 {
            tokio::task::yield_now().await;
        }
    };
    soon("the address is forgotten", gone).await;
}

#[actix_web::test]
async fn who_logs_in_keeps_the_stream_that_was_opened_without_a_token() {
    let server = Server::start(LAZY).await;
    let mut stream = server.open(None).await;
    server.send(ENDPOINT);
    let target = stream.target().await;
    assert_eq!(server.post(&target, None, LIST).await.status(), 202);
    assert_eq!(server.post(&target, None, CALL).await.status(), 401, "told on the POST itself");
    assert_eq!(server.post(&target, ADA, CALL).await.status(), 202);
    assert_eq!(server.post(&target, BOB, LIST).await.status(), 404);
    assert_eq!(server.post(&target, None, LIST).await.status(), 404, "and it is not a stranger's any more");
}

/// Proves MCP authorization: a stream does not outlive the right to it.
#[actix_web::test]
async fn a_stream_that_was_opened_without_a_token_ends_with_the_token_that_took_it_over() {
    let server = Server::start(LAZY).await;
    let mut stream = server.open(None).await;
    server.send(ENDPOINT);
    let target = stream.target().await;
    assert_eq!(server.post(&target, ADA, CALL).await.status(), 202);
    server.send("data: hers\n\n");
    assert_eq!(stream.until("\n\n").await, "data: hers\n\n");
    // The first token of the new key makes the keys be fetched.
    let (world, key) = (&server.world, new_key());
    world.authority.publish(serde_json::to_string(&jwks([&key])).expect("JSON"));
    assert_eq!(world.status(&key.sign(&world.authority.claims()).expect("a token")).await, 200);
    assert!(soon("the end", part(&mut stream.response)).await.is_none());
}

/// Proves MCP 2025-11-25, tasks: a task is only for whom it was created, also on a stream that was a stranger's before.
#[actix_web::test]
async fn what_comes_on_a_stream_is_for_whoever_has_taken_it_over() {
    const GET: &str = r#"{"jsonrpc":"2.0","id":4,"method":"tasks/get","params":{"taskId":"t"}}"#;
    let server = Server::start(&format!("{LAZY}[resource.access]\nlist_only_permitted = true\n{RULES}")).await;
    let mut stream = server.open(None).await;
    server.send(ENDPOINT);
    let target = stream.target().await;
    let list = |tools: &str| format!("data: {{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{{\"tools\":[{tools}]}}}}\n\n");
    let both = list(r#"{"name":"a"},{"name":"drop"}"#);
    server.send(both.clone());
    assert_eq!(stream.until("\n\n").await, both, "a stranger sees what a login would give");
    assert_eq!(server.post(&target, ADA, PING).await.status(), 202);
    server.send(both);
    assert_eq!(stream.until("\n\n").await, list(r#"{"name":"a"}"#), "now it is hers");
    server.send("data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"task\":{\"taskId\":\"t\"}}}\n\n");
    stream.until("\n\n").await;
    let of_bob = server.world.post(Some(("bob", "mcp:use")), GET).send().await.expect("an answer");
    assert!(of_bob.text().await.expect("a body").contains("Task not found"));
    assert_eq!(server.post(&target, ADA, GET).await.status(), 202);
}

#[actix_web::test]
async fn lists_on_the_stream_show_what_the_caller_gets_to_see() {
    let server = Server::start(RULES).await;
    let mut stream = server.open(ADA).await;
    server.send(ENDPOINT);
    let target = stream.target().await;
    for (body, status) in [(LIST, 202), (r#"{"jsonrpc":"2.0","id":4,"method":"resources/list"}"#, 200)] {
        let response = server.post(&target, ADA, body).await;
        assert_eq!((response.status().as_u16(), response.text().await.expect("a body")), (status, String::new()));
    }
    server.send("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"tools\":[{\"name\":\"secret\"},{\"name\":\"a\"}]}}\n\n");
    let list = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"tools\":[{\"name\":\"a\"}]}}\n\n";
    assert_eq!(stream.until("\n\n").await, list);
}

/// Nobody reads a body there: the status says it.
#[actix_web::test]
async fn a_task_is_for_whom_the_stream_says_it_was_created() {
    const GET: &str = r#"{"jsonrpc":"2.0","id":4,"method":"tasks/get","params":{"taskId":"t"}}"#;
    let server = Server::start("").await;
    let mut stream = server.open(ADA).await;
    server.send("event: endpoint\ndata: /app/messages?session=1\n\n");
    let target = stream.target().await;
    assert_eq!(server.post(&target, ADA, GET).await.status(), 404);
    let created = "data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"task\":{\"taskId\":\"t\"}}}\n\n";
    server.send(created);
    assert!(stream.until("\n\n").await.ends_with(created));
    assert_eq!(server.post(&target, ADA, GET).await.status(), 202);
    let list = |tasks: &str| format!("data: {{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{{\"tasks\":[{tasks}]}}}}\n\n");
    server.send(list(r#"{"taskId":"of-bob"},{"taskId":"t"}"#));
    assert!(stream.until("\n\n").await.ends_with(&list(r#"{"taskId":"t"}"#)));
}
