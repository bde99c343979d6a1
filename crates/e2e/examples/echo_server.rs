//! An MCP server whose tools answer with what reached it: `Authorization`, and every header of the sidecar's. The READMEs
//! under `examples/` and their test put it behind the sidecar. It checks its own tokens, as servers did before there was OAuth:
//! those given with `--token`, and those that it makes at `/internal/mint` for whoever knows the secret.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: echo_server [--listen ADDRESS:PORT] [--token TOKEN]... [--mint-secret-file FILE] TOOL...   (default 127.0.0.1:3000)";

struct Echo {
    tools: Vec<String>,
    tokens: Mutex<HashSet<String>>,
    mint_secret: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (listen, echo) = read_arguments(std::env::args().skip(1))?;
    let router = Router::new().route("/mcp", post(mcp)).route("/internal/mint", post(mint)).with_state(Arc::new(echo));
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    println!("listening on http://{}/mcp", listener.local_addr()?);
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopped = async move {
        tokio::select! { _ = interrupted.recv() => {}, _ = terminated.recv() => {} }
    };
    axum::serve(listener, router).with_graceful_shutdown(stopped).await?;
    Ok(())
}

fn read_arguments(
    mut arguments: impl Iterator<Item = String>,
) -> Result<(SocketAddr, Echo), Box<dyn std::error::Error>> {
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 3000));
    let (mut tools, mut tokens, mut mint_secret) = (Vec::new(), HashSet::new(), None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--listen" => listen = arguments.next().ok_or(USAGE)?.parse()?,
            "--token" => drop(tokens.insert(arguments.next().ok_or(USAGE)?)),
            "--mint-secret-file" => {
                mint_secret = Some(fs::read_to_string(arguments.next().ok_or(USAGE)?)?.trim().to_owned());
            }
            option if option.starts_with('-') => return Err(USAGE.into()),
            _ => tools.push(argument),
        }
    }
    Ok((listen, Echo { tools, tokens: Mutex::new(tokens), mint_secret }))
}

/// One message of the protocol. A token that it does not know is refused, as any server would; without one it trusts whoever
/// can reach it.
async fn mcp(State(echo): State<Arc<Echo>>, headers: HeaderMap, Json(message): Json<Value>) -> Response {
    let known = echo.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    if headers.contains_key(AUTHORIZATION) && !bearer(&headers).is_some_and(|token| known.contains(token)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some(id) = message.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "echo", "version": env!("CARGO_PKG_VERSION") },
        }),
        Some("tools/list") => json!({ "tools": echo.tools.iter().map(described).collect::<Vec<_>>() }),
        Some("tools/call") => json!({ "content": [{ "type": "text", "text": arrived(&headers).to_string() }] }),
        _ => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            return Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}

fn described(name: &String) -> Value {
    json!({ "name": name, "description": "Says what reached the server.", "inputSchema": { "type": "object" } })
}

/// What the sidecar said of the caller.
fn arrived(headers: &HeaderMap) -> Value {
    let of_interest =
        headers.iter().filter(|(name, _)| *name == AUTHORIZATION || name.as_str().starts_with("x-mcp-auth-"));
    let headers: BTreeMap<&str, String> = of_interest
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    json!(headers)
}

/// Makes a token for a user: the webhook of `[resource.identity.credential.webhook]`.
async fn mint(State(echo): State<Arc<Echo>>, headers: HeaderMap, Json(asked): Json<Value>) -> Response {
    if echo.mint_secret.is_none() || bearer(&headers) != echo.mint_secret.as_deref() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some(subject) = asked["subject"].as_str() else { return StatusCode::NOT_FOUND.into_response() };
    let token = format!("acme_token_of_{subject}");
    echo.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone());
    Json(json!({ "credential": token, "expires_in": 300 })).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}
