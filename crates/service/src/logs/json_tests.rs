//! What is written can be read again, and is always one line.

use std::fmt::{self, Display};
use std::sync::mpsc::{Sender, channel};

use serde_json::Value;
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

/// As [`Json`] writes lines, but keeps them.
struct Kept(Sender<String>);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Kept {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        Json.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        Json.on_record(id, values, context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = String::new();
        write_line(event, &context, &mut line);
        self.0.send(line).expect("somebody reads");
    }
}

/// The lines that are written while something happens.
fn lines(what: impl FnOnce()) -> Vec<String> {
    let (sender, receiver) = channel();
    let subscriber = tracing_subscriber::registry().with(Kept(sender));
    with_default(subscriber, what);
    receiver.iter().collect()
}

fn read(line: &str) -> Value {
    assert!(line.ends_with('\n') && !line.trim_end_matches('\n').contains(char::is_control), "{line:?}");
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// A value that is shown.
struct Shown(&'static str);

impl Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

#[test]
fn a_line_says_when_and_how_grave_and_what_and_where_and_within_which_span() {
    let lines = lines(|| {
        let span = tracing::info_span!("request", method = %Shown("POST"), path = "/mcp", late = tracing::field::Empty);
        span.record("late", true);
        let _entered = span.enter();
        tracing::warn!(status = 200_u16, off = -1, r#type = "t", missing = None::<&str>, "a {}", "message");
    });
    let line = read(&lines[0]);
    assert_eq!(line["timestamp"].as_str().map(str::len), Some("2026-11-27T11:16:45.123456Z".len()));
    assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"a message".into()));
    assert_eq!((&line["status"], &line["off"], &line["type"]), (&200.into(), &(-1).into(), &"t".into()));
    assert_eq!((line["target"].as_str(), line.get("missing")), (Some(module_path!()), None));
    let span = serde_json::json!({ "method": "POST", "path": "/mcp", "late": true, "name": "request" });
    assert_eq!(line["span"], span);
}

#[test]
fn no_value_leaves_its_string_or_begins_a_line() {
    let all: String = (0..=0x2030).filter_map(char::from_u32).collect();
    for text in ["\n{\"level\":\"ERROR\"}", "\",\"outcome\":\"forwarded", "\\", "\\\"", "\u{1b}[31m", "\u{9b}31m", &all]
    {
        let lines = lines(|| {
            let span = tracing::info_span!("request", path = text, shown = %text);
            span.in_scope(|| tracing::info!(text, shown = %text, told = ?text, "{text}"));
        });
        assert_eq!(lines.len(), 1);
        let line = read(&lines[0]);
        for place in [&line["message"], &line["text"], &line["shown"], &line["span"]["path"], &line["span"]["shown"]] {
            assert_eq!(place, text);
        }
        assert_eq!(line["told"], format!("{text:?}"));
        assert_eq!(line["level"], "INFO");
    }
}

#[test]
fn records_of_the_log_crate_keep_their_own_target() {
    let lines = lines(|| tracing::warn!(log.target = "hyper::client", log.line = 7_u64, log.file = "x.rs", "said"));
    let line = read(&lines[0]);
    assert_eq!((&line["target"], &line["message"]), (&"hyper::client".into(), &"said".into()));
    assert_eq!((line.get("log.line"), line.get("log.file")), (None, None));
}
