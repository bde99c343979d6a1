//! A small real MCP server over Streamable HTTP, made with the official Rust SDK: the upstream that Gatelodge is put in
//! front of. `cargo quickstart` and the whole-system tests start it. It knows nothing of OAuth; each answer also says
//! which identity headers came with the call, so that a person or a test can see what an upstream server is told.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use rmcp::{
    Json, ServerHandler,
    handler::server::{tool::Extension, wrapper::Parameters},
    model::{Implementation, ServerCapabilities, ServerConfig},
    schemars, tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

const USAGE: &str = "usage: notes_server [--listen ADDRESS:PORT]   (default 127.0.0.1:0, a free port)";
const IDENTITY_PREFIX: &str = "x-mcp-auth-";

#[derive(Clone, Serialize, schemars::JsonSchema)]
struct Note {
    /// Who wrote it: the signed-in user's subject, or "anonymous" when no gate stands in front
    author: String,
    text: String,
}

/// What the headers of one call told this server.
#[derive(Serialize, schemars::JsonSchema)]
struct Caller {
    /// Every identity header, by its name
    identity: BTreeMap<String, String>,
    /// Whether the client's own Authorization header reached this server; a gate must keep it back
    authorization_received: bool,
}

#[derive(Serialize, schemars::JsonSchema)]
struct NoteList {
    notes: Vec<Note>,
    caller: Caller,
}

#[derive(Serialize, schemars::JsonSchema)]
struct AddedNote {
    note: Note,
    caller: Caller,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct NewNote {
    /// The text of the note
    text: String,
}

/// One per session; all share the notes.
#[derive(Clone, Default)]
struct NotesServer {
    notes: Arc<Mutex<Vec<Note>>>,
}

#[tool_router]
impl NotesServer {
    #[tool(
        title = "List notes",
        description = "Lists all notes with their authors, oldest first.",
        annotations(
            title = "List notes",
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn list_notes(&self, Extension(request): Extension<Parts>) -> Json<NoteList> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Json(NoteList { notes, caller: Caller::from(&request.headers) })
    }

    #[tool(
        title = "Add a note",
        description = "Adds one note in the name of the signed-in user.",
        annotations(
            title = "Add a note",
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    fn add_note(
        &self,
        Parameters(NewNote { text }): Parameters<NewNote>,
        Extension(request): Extension<Parts>,
    ) -> Json<AddedNote> {
        let caller = Caller::from(&request.headers);
        let author = caller.identity.get("x-mcp-auth-sub").map_or("anonymous", String::as_str).to_owned();
        let note = Note { author, text };
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note.clone());
        Json(AddedNote { note, caller })
    }

    #[tool(
        title = "Clear notes",
        description = "Deletes all notes of everybody.",
        annotations(
            title = "Clear notes",
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn clear_notes(&self, Extension(request): Extension<Parts>) -> Json<NoteList> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Json(NoteList { notes: Vec::new(), caller: Caller::from(&request.headers) })
    }
}

#[tool_handler]
impl ServerHandler for NotesServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("notes", env!("CARGO_PKG_VERSION")).with_title("Notes"))
            .with_instructions("A shared list of short notes, kept in memory.")
    }
}

impl From<&HeaderMap> for Caller {
    fn from(headers: &HeaderMap) -> Self {
        let identity = headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with(IDENTITY_PREFIX))
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Caller { identity, authorization_received: headers.contains_key(AUTHORIZATION) }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = listen_address(std::env::args().skip(1))?;
    let notes = NotesServer::default();
    let config = StreamableHttpServerConfig::default();
    let sessions = config.cancellation_token.clone();
    let service: StreamableHttpService<NotesServer, LocalSessionManager> =
        StreamableHttpService::new(move || Ok(notes.clone()), Arc::default(), config);

    let listener = TcpListener::bind(listen).await.map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    println!("listening on http://{}/mcp", listener.local_addr()?);

    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service))
        .with_graceful_shutdown(async move {
            tokio::select! { _ = interrupted.recv() => {}, _ = terminated.recv() => {} }
            // Open event streams would hold the shutdown back for as long as their clients stay.
            sessions.cancel();
        })
        .await?;
    Ok(())
}

fn listen_address(mut arguments: impl Iterator<Item = String>) -> Result<SocketAddr, String> {
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 0));
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--listen") {
            Some("") => arguments.next(),
            Some(value) => value.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        let value = value.ok_or(USAGE)?;
        listen = value.parse().map_err(|_| format!("{value:?} is no ADDRESS:PORT\n{USAGE}"))?;
    }
    Ok(listen)
}
