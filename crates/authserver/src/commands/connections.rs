//! `gatelodge connections`: how far each attempt of a client to connect came, and why it stopped there.

use clap::{Args, Subcommand};
use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::connection_steps::Search;
use serde_json::{Value, json};

use super::{Setting, find_user, no_user, print_json, rfc3339, run, text};
use crate::cli::ConfigFile;
use crate::flight_recorder::diagnosis::State;
use crate::flight_recorder::printable;
use crate::flight_recorder::timeline::{self, Attempt, Wanted};

/// See `gatelodge connections --help`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ConnectionsCommand {
    #[command(subcommand)]
    show: Option<ShowCommand>,
    #[command(flatten)]
    list: ListConnections,
}

#[derive(Subcommand)]
enum ShowCommand {
    /// Show one attempt step by step, with the likely cause of its end and what to do about it.
    ///
    /// A connection goes: challenged (the sidecar answered 401), metadata read, registered (clients with a document of their own, or
    /// set up by you, do not), asked for authorization (a browser came), signed in, consent shown, allowed, token issued, first call.
    /// The challenge and the first call are known where the sidecar sends its decisions ([audit] in both configurations; the
    /// challenge with public_calls = true).
    #[command(after_help = "\
Examples:
  gatelodge connections show 5f0c3a9e71d2
  gatelodge connections show 5f0c3a9e71d2 --json | jq -r .diagnosis.advice")]
    Show(ShowConnection),
}

/// Of the list.
#[derive(Args)]
struct ListConnections {
    /// Of this user.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Of the client with this client_id.
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// Only those that stand so: connected, waiting (somebody may still be on their way), stopped, or unknown.
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    state: Option<State>,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: u32,
    /// Also those who only read the metadata: monitors, search engines, and clients that were connected before.
    #[arg(long)]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Of `show`.
#[derive(Args)]
struct ShowConnection {
    /// As the list shows it.
    #[arg(value_name = "ID")]
    id: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

fn parse_state(text: &str) -> Result<State, String> {
    State::of(text).ok_or_else(|| "write connected, waiting, stopped or unknown".into())
}

impl ConnectionsCommand {
    /// Does it.
    pub fn run(self) -> Result<(), String> {
        match self.show {
            Some(ShowCommand::Show(show)) => run(show_one(show)),
            None => run(list(self.list)),
        }
    }
}

async fn list(list: ListConnections) -> Result<(), String> {
    let setting = Setting::open(&list.config).await?;
    let (config, now, all, state) = (setting.config.clone(), setting.now, list.all, list.state);
    let limit = usize::try_from(list.limit).unwrap_or(usize::MAX);
    let (username, client_id) = (list.user, list.client);
    let found = setting.store.read(move |tx| {
        let user_id = match &username {
            Some(name) => match find_user(tx, name)? {
                Some(user) => Some(user.id.to_string()),
                None => return Ok(Err(no_user(name))),
            },
            None => None,
        };
        let search = Search { client_id: client_id.clone(), user_id };
        timeline::page(tx, &config, &Wanted { search, all, state }, None, limit, now).map(Ok)
    });
    let attempts = found.await.map_err(text)??.attempts;
    if list.json {
        return print_json(&attempts.iter().map(as_json).collect::<Vec<_>>());
    }
    if attempts.is_empty() {
        println!("no attempts to connect are recorded");
    }
    attempts.iter().for_each(|attempt| println!("{}", line(attempt)));
    Ok(())
}

async fn show_one(show: ShowConnection) -> Result<(), String> {
    let setting = Setting::open(&show.config).await?;
    let (config, now, id) = (setting.config.clone(), setting.now, show.id.clone());
    let found = setting.store.read(move |tx| timeline::find(tx, &config, &id, now)).await.map_err(text)?;
    let Some(attempt) = found else {
        return Err(format!("there is no connection {}\n  hint: gatelodge connections shows the latest ones", show.id));
    };
    if show.json {
        return print_json(&as_json(&attempt));
    }
    print!("{}", page(&attempt));
    Ok(())
}

fn as_json(attempt: &Attempt) -> Value {
    let Attempt { id, client_id, client_name, username, resource, diagnosis, challenged_at, call, .. } = attempt;
    json!({
        "id": id, "client_id": client_id, "client_name": client_name, "user": username, "resource": resource,
        "began_at": rfc3339(began_at(attempt)), "source": source(attempt), "diagnosis": diagnosis,
        "challenged_at": challenged_at.map(rfc3339),
        "steps": attempt.steps.iter().map(|(step, recorded)| json!({
            "at": rfc3339(recorded.at), "step": step.as_str(), "detail": recorded.detail,
        })).collect::<Vec<_>>(),
        "call": call.as_ref().map(|call| json!({
            "at": rfc3339(call.at), "outcome": call.outcome, "status": call.status, "reason": call.reason,
            "mcp_method": call.mcp_method, "mcp_name": call.mcp_name,
        })),
    })
}

fn began_at(attempt: &Attempt) -> Timestamp {
    attempt.steps.first().map_or(Timestamp::from_unix(0), |(_, step)| step.at)
}

fn source(attempt: &Attempt) -> Option<&str> {
    attempt.steps.iter().find_map(|(_, step)| step.source.as_deref())
}

/// Also of a client that said it before, or of a sidecar.
fn plain(text: &str) -> String {
    text.chars().map(printable).collect()
}

fn client(attempt: &Attempt) -> String {
    match (&attempt.client_name, &attempt.client_id) {
        (Some(name), Some(id)) => format!("{} ({})", plain(name), plain(id)),
        (None, Some(id)) => plain(id),
        _ => "-".into(),
    }
}

fn line(attempt: &Attempt) -> String {
    let user = attempt.username.as_deref().unwrap_or("-");
    let (id, began, summary) = (&attempt.id, rfc3339(began_at(attempt)), &attempt.diagnosis.summary);
    format!("{id}  {began}  {summary:<42} {user:<20} {}", client(attempt))
}

/// For people who see such a thing for the first time.
fn page(attempt: &Attempt) -> String {
    let shown = |text: &Option<String>| text.as_deref().map_or_else(|| "-".into(), plain);
    let mut lines = vec![
        format!("connection  {}", attempt.id),
        format!("client      {}", client(attempt)),
        format!("user        {}", shown(&attempt.username)),
        format!("resource    {}", shown(&attempt.resource)),
        String::new(),
    ];
    if let Some(at) = attempt.challenged_at {
        lines.push(moment(at, "challenged", "somebody without a token, shortly before: probably this client", None));
    }
    lines.extend(attempt.steps.iter().map(|(step, recorded)| {
        let detail = recorded.detail.as_deref().unwrap_or_default();
        moment(recorded.at, step.words(), detail, recorded.source.as_deref())
    }));
    lines.extend(attempt.call.as_ref().map(call));
    let diagnosis = &attempt.diagnosis;
    let state = diagnosis.state.as_str();
    lines.extend([
        String::new(),
        format!("{state:<11} {}", diagnosis.summary),
        format!("likely      {}", plain(&diagnosis.cause)),
        format!("what to do  {}", diagnosis.advice),
        String::new(),
    ]);
    lines.join("\n")
}

fn moment(at: Timestamp, what: &str, detail: &str, source: Option<&str>) -> String {
    let from = source.map(|source| format!("from {source}")).unwrap_or_default();
    let line = format!("{}  {what:<24} {}", rfc3339(at), [plain(detail).as_str(), &from].join("  ").trim());
    line.trim_end().to_owned()
}

fn call(event: &AuditEvent) -> String {
    let what = if event.outcome == "forwarded" { "first call" } else { "call refused" };
    let status = event.status.map(|status| status.to_string());
    let parts = [&event.mcp_method, &event.mcp_name, &status, &event.reason];
    moment(event.at, what, &parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" "), None)
}
