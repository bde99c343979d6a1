//! Plays a script against one target and writes down every answer. What the server makes up is masked by its position, so
//! that two runs can be compared.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::wire::{Incoming, Sent, Target};

const BOTH: &str = "application/json, text/event-stream";
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// One answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub step: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Who plays.
pub struct Player<'a> {
    /// `direct` or `sidecar`: keeps the labels of two runs apart in the log of the server.
    pub run: &'static str,
    pub revision: &'static str,
    pub target: Target,
    /// What the server prints.
    pub log: &'a Path,
    /// Set by the answer to `initialize`.
    pub session: Option<String>,
    pub transcript: Vec<Exchange>,
    /// What the server made up, in the order of its first appearance.
    sessions: Vec<String>,
    events: Vec<String>,
    next_id: u64,
}

impl<'a> Player<'a> {
    pub fn new(run: &'static str, revision: &'static str, target: Target, log: &'a Path) -> Self {
        let (transcript, sessions, events) = (Vec::new(), Vec::new(), Vec::new());
        Player { run, revision, target, log, session: None, transcript, sessions, events, next_id: 1 }
    }

    /// What the two runs must not share.
    pub fn label(&self, step: &str) -> String {
        format!("{step}-{}-{}.", self.run, self.revision)
    }

    pub fn is_modern(&self) -> bool {
        self.revision >= "2026-07-28"
    }

    /// A request with the next id.
    pub fn request(&mut self, method: &str, mut params: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        if self.is_modern() {
            let meta = &mut params["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = self.revision.into();
            meta["io.modelcontextprotocol/clientInfo"] = json!({ "name": "transparency", "version": "1" });
            meta["io.modelcontextprotocol/clientCapabilities"] = json!({ "roots": {} });
        }
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
    }

    pub fn tool(&mut self, name: &str, arguments: Value) -> Value {
        let token = format!("progress of {name}");
        self.request("tools/call", json!({ "name": name, "arguments": arguments, "_meta": { "progressToken": token } }))
    }

    /// Posts a message and writes the whole answer down.
    pub fn post(&mut self, step: &str, message: &Value) -> Exchange {
        let answer = self.send(message).head();
        self.finish(step, answer)
    }

    /// Posts a message whose answer must say `expected`.
    pub fn post_and_expect(&mut self, step: &str, message: &Value, expected: &str) -> Exchange {
        let exchange = self.post(step, message);
        assert!(exchange.body.contains(expected), "{}: no {expected:?} in {exchange:#?}", self.run);
        exchange
    }

    /// Posts a message; the answer is awaited by the caller.
    pub fn send(&self, message: &Value) -> Sent {
        self.send_with(message, &self.headers_for(message))
    }

    pub fn send_with(&self, message: &Value, headers: &[(String, String)]) -> Sent {
        self.target.send("POST", headers, Some(&message.to_string()))
    }

    /// GET or DELETE.
    pub fn bare(&self, method: &str, accept: &str, more: &[(&str, &str)]) -> Incoming {
        let mut headers = vec![("accept".to_owned(), accept.to_owned())];
        headers.extend(self.session_headers());
        headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.target.send(method, &headers, None).head()
    }

    pub fn headers_for(&self, message: &Value) -> Vec<(String, String)> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![header("content-type", "application/json"), header("accept", BOTH)];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if message["method"] != "initialize" {
            headers.extend(self.session_headers());
        }
        if self.is_modern() {
            headers.extend(text(&message["method"]).map(|method| header("mcp-method", &method)));
            headers.extend(text(&message["params"]["name"]).map(|name| header("mcp-name", &name)));
        }
        headers
    }

    fn session_headers(&self) -> Vec<(String, String)> {
        let mut headers: Vec<_> = self.session.iter().map(|id| ("mcp-session-id".to_owned(), id.clone())).collect();
        // Not a header of the first revision.
        if self.revision > "2025-03-26" {
            headers.push(("mcp-protocol-version".to_owned(), self.revision.to_owned()));
        }
        headers
    }

    /// Writes the answer down once it has ended.
    pub fn finish(&mut self, step: &str, mut answer: Incoming) -> Exchange {
        let body = answer.whole().to_vec();
        self.note(step, &answer, body)
    }

    /// Writes down what was read of the answer, and closes the connection.
    pub fn leave(&mut self, step: &str, answer: Incoming) -> Exchange {
        let body = answer.seen().to_vec();
        self.note(step, &answer, body)
    }

    fn note(&mut self, step: &str, answer: &Incoming, body: Vec<u8>) -> Exchange {
        if let Some(id) = answer.header("mcp-session-id") {
            self.session.get_or_insert_with(|| id.to_owned());
            position(&mut self.sessions, id);
        }
        let body = String::from_utf8(body).expect("answers are UTF-8");
        let body: String = body.split_inclusive('\n').map(|line| self.mask_event_id(line)).collect();
        let headers = answer.headers.iter().map(|(name, value)| (name.clone(), self.mask_session(value))).collect();
        let (step, body) = (step.to_owned(), self.mask_session(&body));
        let exchange = Exchange { step, status: answer.status, headers, body };
        self.transcript.push(exchange.clone());
        exchange
    }

    /// Anywhere: a session of the transcript must be the same one wherever it stands.
    fn mask_session(&self, text: &str) -> String {
        let numbered = self.sessions.iter().enumerate();
        numbered.fold(text.to_owned(), |text, (number, id)| text.replace(id, &format!("<session {number}>")))
    }

    /// Only where an id of an event stands: it may be as short as a digit.
    fn mask_event_id(&mut self, line: &str) -> String {
        let Some(id) = event_id(line) else { return line.to_owned() };
        let number = position(&mut self.events, id);
        line.replacen(id, &format!("<event {number}>"), 1)
    }

    /// Waits until the server has printed this.
    pub fn server_says(&self, line: &str) {
        let said = || fs::read_to_string(self.log).unwrap_or_default().lines().any(|said| said == line).then_some(());
        self.wait_for(line, said);
    }

    /// Asks again and again until there is something.
    pub fn wait_for<T>(&self, what: &str, ask: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(Instant::now() < deadline, "{}, {}: never came to {what:?}", self.run, self.revision);
            thread::sleep(POLL);
        }
    }
}

/// Where it stands among those seen before; a new one is put last.
fn position(seen: &mut Vec<String>, new: &str) -> usize {
    let known = seen.iter().position(|old| old == new);
    known.unwrap_or_else(|| {
        seen.push(new.to_owned());
        seen.len() - 1
    })
}

/// The id in a line `id: …`, unless it is empty.
pub fn event_id(line: &str) -> Option<&str> {
    line.strip_prefix("id:").map(str::trim).filter(|id| !id.is_empty())
}

/// The JSON of an event.
pub fn data(event: &str) -> Value {
    let line = event.lines().find_map(|line| line.strip_prefix("data:"));
    let line = line.unwrap_or_else(|| panic!("no data in {event:?}"));
    serde_json::from_str(line.trim()).expect("data is JSON")
}
