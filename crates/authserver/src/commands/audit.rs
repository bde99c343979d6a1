//! `gatelodge audit`: what happened to people, their access and the server, and who asked for what through the sidecars.

use std::io::{self, BufWriter, ErrorKind, Write};

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::audit_events::{self, Order, Search};
use serde_json::{Value, json};

use super::audit_tail::{self, TailEvents};
use super::{Setting, parse_rfc3339, print_json, rfc3339, run, text};
use crate::cli::ConfigFile;
use crate::security_events::outcomes;

/// How many events are read at a time.
pub(super) const PAGE: u32 = 1000;

/// See `gatelodge audit --help`.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// List what happened, the newest first.
    ///
    /// Each line: when, what happened or was decided, the status of the answer to a call, on whose behalf, by which client, and what
    /// was asked for. What happens at the authorization server (sign-ins, what was allowed and ended, accounts, clients, keys) is there
    /// always; calls, where the sidecar sends them ([audit] in both), and those without a token where it has public_calls = true.
    /// A line "events_lost" says that the sidecar could not deliver that many calls before it; they are in its log.
    #[command(after_help = "\
Examples:
  gatelodge audit list --subject user_4f… --since 2026-11-01T00:00:00Z
  gatelodge audit list --tool delete_note --limit 1000 --json
  gatelodge audit list --outcome sign_in_failed
  gatelodge audit list --actor command")]
    List(ListEvents),
    /// Print everything, the oldest first, one JSON object in each line.
    ///
    /// Reads a page at a time, however long the trail is.
    #[command(after_help = "\
Example, one month:
  gatelodge audit export --since 2026-11-01T00:00:00Z --until 2026-12-01T00:00:00Z > november.jsonl")]
    Export(ExportEvents),
    /// Show what happens as it comes, until it is stopped.
    ///
    /// Begins with the latest events. A call is there about a second after it was answered; one that a sidecar could deliver only
    /// later, up to a minute later. What came still later is in `list` and `export`.
    #[command(after_help = "\
Examples:
  gatelodge audit tail
  gatelodge audit tail --outcome refused --last 0
  gatelodge audit tail --subject user_4f… --json | jq .mcp_name")]
    Tail(TailEvents),
}

/// Which events.
#[derive(Args)]
struct Wanted {
    /// From this time on, as 2026-11-21T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_rfc3339)]
    since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_rfc3339)]
    until: Option<Timestamp>,
    #[command(flatten)]
    who: Who,
}

/// Whose, and which of them.
#[derive(Args)]
pub struct Who {
    /// On behalf of this subject: the id of a user as `gatelodge user list` shows it, or the client of a machine.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Done to others by this administrator: the id of a user, or command for whoever ran one.
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// By the client with this client_id.
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// Calls of the tool with exactly this name.
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// What happened. Of a call: forwarded, challenged (no token, a bad one, or too small a scope), refused, or events_lost; all others
    /// happen at the authorization server. docs/operations.md says what each means.
    #[arg(long, value_name = "OUTCOME", value_parser = PossibleValuesParser::new(outcomes()))]
    outcome: Option<String>,
}

/// Of `list`.
#[derive(Args)]
pub struct ListEvents {
    #[command(flatten)]
    wanted: Wanted,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Of `export`.
#[derive(Args)]
pub struct ExportEvents {
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    config: ConfigFile,
}

impl From<Wanted> for Search {
    fn from(wanted: Wanted) -> Self {
        Self { since: wanted.since, until: wanted.until, ..wanted.who.into() }
    }
}

impl From<Who> for Search {
    fn from(who: Who) -> Self {
        let Who { subject, actor, client, tool, outcome } = who;
        Self { subject, actor, client_id: client, tool, outcome, ..Self::default() }
    }
}

/// Where events are written, one in each line.
pub(super) struct Output<W: Write> {
    writer: BufWriter<W>,
    as_json: bool,
}

impl<W: Write> Output<W> {
    /// For people or for programs.
    pub fn new(writer: W, as_json: bool) -> Self {
        Self { writer: BufWriter::new(writer), as_json }
    }

    /// Writes them at once; false where whoever reads has seen enough.
    pub fn write(&mut self, events: &[AuditEvent]) -> Result<bool, String> {
        let mut write = |event: &AuditEvent| match self.as_json {
            true => writeln!(self.writer, "{}", as_json(event)),
            false => writeln!(self.writer, "{}", line(event)),
        };
        match events.iter().try_for_each(&mut write).and_then(|()| self.writer.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(text(error)),
        }
    }
}

impl AuditCommand {
    /// Does it.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::List(list) => run(show(list)),
            Self::Export(export) => run(print_all(export)),
            Self::Tail(tail) => run(audit_tail::follow(tail)),
        }
    }
}

async fn show(list: ListEvents) -> Result<(), String> {
    let setting = Setting::open(&list.config).await?;
    let (search, limit) = (Search::from(list.wanted), list.limit);
    let found = setting.store.read(move |tx| audit_events::page(tx, &search, Order::NewestFirst, None, limit)).await;
    let events = found.map_err(text)?;
    if list.json {
        return print_json(&events.iter().map(as_json).collect::<Vec<_>>());
    }
    events.iter().for_each(|event| println!("{}", line(event)));
    Ok(())
}

async fn print_all(export: ExportEvents) -> Result<(), String> {
    let setting = Setting::open(&export.config).await?;
    let search = Search::from(export.wanted);
    let mut output = Output::new(io::stdout().lock(), true);
    let mut last: Option<AuditEvent> = None;
    loop {
        let (search, after) = (search.clone(), last.take());
        let page =
            setting.store.read(move |tx| audit_events::page(tx, &search, Order::OldestFirst, after.as_ref(), PAGE));
        let events = page.await.map_err(text)?;
        if events.is_empty() || !output.write(&events)? {
            return Ok(());
        }
        last = events.into_iter().next_back();
    }
}

/// The event with its time as people and programs read it.
fn as_json(event: &AuditEvent) -> Value {
    let mut value = json!(event);
    value["at"] = rfc3339(event.at).into();
    value
}

fn line(event: &AuditEvent) -> String {
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let what = match (&event.mcp_method, &event.mcp_name, event.lost) {
        (_, _, Some(lost)) => format!("{lost} calls before this are missing"),
        (Some(method), Some(name), _) => format!("{method} {name}"),
        (None, Some(name), _) => name.clone(),
        (method, _, _) => shown(method),
    };
    let by = event.actor.as_ref().map(|actor| format!("  by {actor}")).unwrap_or_default();
    let status = event.status.map_or_else(|| "-".into(), |status| status.to_string());
    let subject = event.subject.as_ref().or(event.api_key.as_ref());
    format!(
        "{}  {:<12} {status:<4} {:<28} {:<28} {what}{by}",
        rfc3339(event.at),
        event.outcome,
        shown(&subject.cloned()),
        shown(&event.client_id)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_did_what_by_which_client_and_what_is_missing() {
        let called = AuditEvent {
            subject: Some("user_1".into()),
            client_id: Some("client_1".into()),
            mcp_method: Some("tools/call".into()),
            mcp_name: Some("find".into()),
            status: Some(200),
            ..AuditEvent::new("1".into(), Timestamp::from_unix(1_800_000_000), "forwarded")
        };
        let words = |event: &AuditEvent| line(event).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(&called), "2027-01-15T08:00:00Z forwarded 200 user_1 client_1 tools/call find");
        let lost = AuditEvent { lost: Some(3), ..AuditEvent::new("2".into(), called.at, "events_lost") };
        assert_eq!(words(&lost), "2027-01-15T08:00:00Z events_lost - - - 3 calls before this are missing");
        let done = AuditEvent {
            subject: Some("user_2".into()),
            mcp_name: Some("laptop".into()),
            actor: Some("user_1".into()),
            ..AuditEvent::new("3".into(), called.at, "revoked")
        };
        assert_eq!(words(&done), "2027-01-15T08:00:00Z revoked - user_2 - laptop by user_1");
        assert_eq!(as_json(&called)["at"], "2027-01-15T08:00:00Z");
    }
}
