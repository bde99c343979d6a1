//! An MCP server made with the official Rust SDK, for the test that nobody notices the sidecar: the tools of
//! `clients/servers/tools.mjs`. `rmcp_server sse` keeps sessions and answers in event streams; `rmcp_server json` answers in
//! JSON, which this SDK does only without sessions.
#![expect(
    deprecated,
    reason = "clients of the legacy revisions have roots, and they are the smallest thing to ask for"
)]

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, InputRequest,
        InputRequests, InputRequiredResult, JsonObject, ListRootsRequest, ListToolsResult, PaginatedRequestParams,
        ProgressNotificationParam, ProtocolVersion, ServerCapabilities, ServerConfig, SubscriptionFilter, Tool,
    },
    service::{RequestContext, SubscriptionContext},
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{Notify, broadcast},
};

static HELD: LazyLock<Mutex<HashMap<String, Arc<Notify>>>> = LazyLock::new(Mutex::default);

/// One per session, or per request; all share the announcements.
#[derive(Clone)]
struct Server {
    announcements: broadcast::Sender<()>,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("rmcp", "1"))
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let argument =
            |name: &str| request.arguments.as_ref().and_then(|all| all.get(name)).cloned().unwrap_or_default();
        let label = argument("label").as_str().unwrap_or_default().to_owned();
        let said = match request.name.as_ref() {
            "echo" => argument("text").as_str().unwrap_or_default().to_owned(),
            "count" => count(&context, argument("to").as_u64().unwrap_or_default()).await?,
            "ask" if is_modern(&context) => return Ok(ask_again(&request)),
            "ask" => ask_on_the_stream(&context).await?,
            "wait" => wait(&context, &label).await,
            "hold" => hold(&context, label).await?,
            "release" => {
                held(&label).notify_one();
                "released it".to_owned()
            }
            "announce" => self.announce(&context).await?,
            other => return Err(ErrorData::invalid_params(format!("no tool {other}"), None)),
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(said)]).into())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut announcements = self.announcements.subscribe();
        println!("listening for announcements");
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                Ok(()) = announcements.recv() => {
                    context.sink().notify_tool_list_changed().await.map_err(fault)?;
                }
            }
        }
    }
}

impl Server {
    async fn announce(&self, context: &RequestContext<RoleServer>) -> Result<String, ErrorData> {
        if is_modern(context) {
            self.announcements.send(()).map_err(fault)?;
        } else {
            context.peer.notify_tool_list_changed().await.map_err(fault)?;
        }
        Ok("announced".to_owned())
    }
}

fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}

async fn progress(context: &RequestContext<RoleServer>, number: u64, total: u64) -> Result<(), ErrorData> {
    let Some(token) = context.meta.get_progress_token() else { return Ok(()) };
    let parameters = ProgressNotificationParam::new(token, number as f64).with_total(total as f64);
    context.peer.notify_progress(parameters).await.map_err(fault)
}

async fn count(context: &RequestContext<RoleServer>, to: u64) -> Result<String, ErrorData> {
    for number in 1..=to {
        progress(context, number, to).await?;
    }
    Ok(format!("counted to {to}"))
}

fn ask_again(request: &CallToolRequestParams) -> CallToolResponse {
    if let Some(answer) = request.input_responses.as_ref().and_then(|responses| responses.get("roots")) {
        let uris: Vec<Value> =
            answer["roots"].as_array().into_iter().flatten().map(|root| root["uri"].clone()).collect();
        return CallToolResult::success(vec![ContentBlock::text(json!(uris).to_string())]).into();
    }
    let requests = InputRequests::from([("roots".to_owned(), InputRequest::ListRoots(ListRootsRequest::default()))]);
    InputRequiredResult::new(Some(requests), Some(r#"asked for {"roots"}"#.to_owned())).into()
}

async fn ask_on_the_stream(context: &RequestContext<RoleServer>) -> Result<String, ErrorData> {
    let answer = context.peer.list_roots().await.map_err(fault)?;
    let uris: Vec<&str> = answer.roots.iter().map(|root| root.uri.as_str()).collect();
    Ok(uris.join(" "))
}

async fn wait(context: &RequestContext<RoleServer>, label: &str) -> String {
    println!("waiting {label}");
    context.ct.cancelled().await;
    println!("cancelled {label}");
    "cancelled".to_owned()
}

async fn hold(context: &RequestContext<RoleServer>, label: String) -> Result<String, ErrorData> {
    let released = held(&label);
    progress(context, 1, 2).await?;
    released.notified().await;
    progress(context, 2, 2).await?;
    println!("released {label}");
    Ok("released".to_owned())
}

fn held(label: &str) -> Arc<Notify> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner).entry(label.to_owned()).or_default().clone()
}

fn fault(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

fn tools() -> Vec<Tool> {
    let tool = |name: &'static str, description: &'static str, properties: Value| {
        let schema = json!({ "type": "object", "properties": properties });
        Tool::new(name, description, schema.as_object().cloned().unwrap_or_else(JsonObject::new))
    };
    let label = || json!({ "label": { "type": "string" } });
    vec![
        tool("echo", "Gives the text back", json!({ "text": { "type": "string" } })),
        tool("count", "Counts, with a progress notification for each number", json!({ "to": { "type": "integer" } })),
        tool("ask", "Asks the client for its roots", json!({})),
        tool("wait", "Waits until it is cancelled, and says so in the server's log", label()),
        tool("hold", "Reports progress once, then waits for `release`", label()),
        tool("release", "Lets `hold` go on", label()),
        tool("announce", "Tells everybody that the list of tools has changed", json!({})),
    ]
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let json = match std::env::args().nth(1).as_deref() {
        Some("json") => true,
        Some("sse") => false,
        _ => return Err("usage: rmcp_server json|sse".into()),
    };
    let mut config = StreamableHttpServerConfig::default();
    config.sse_keep_alive = None;
    config.json_response = json;
    config.legacy_session_mode = !json;
    let sessions = config.cancellation_token.clone();
    let server = Server { announcements: broadcast::Sender::new(16) };
    let service: StreamableHttpService<Server, LocalSessionManager> =
        StreamableHttpService::new(move || Ok(server.clone()), Arc::default(), config);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}/mcp", listener.local_addr()?);
    let mut terminated = signal(SignalKind::terminate())?;
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service))
        .with_graceful_shutdown(async move {
            terminated.recv().await;
            // Open event streams would hold the shutdown back for as long as their clients stay.
            sessions.cancel();
        })
        .await?;
    Ok(())
}
