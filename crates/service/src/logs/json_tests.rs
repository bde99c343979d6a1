//! What is written can be read again, and is always one line.

use std::sync::mpsc::{Sender, channel};

use actix_web::http::{Method, Uri};
use serde_json::Value;
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

/// As [`Json`] writes lines, but keeps them.
struct Kept(Sender<String>);

impl<S: Subscriber> Layer<S> for Kept {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = String::new();
        write_line(event, &mut line);
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

#[test]
fn a_line_says_when_and_how_grave_and_what_and_where_and_about_which_request() {
    let request = Request::new(&Method::POST, &Uri::from_static("/mcp?code=secret"));
    let lines = lines(|| {
        request.scope(|| {
            tracing::warn!(status = 200_u16, off = -1, r#type = "t", missing = None::<&str>, "a {}", "message");
        });
        tracing::info!("of no request");
    });
    let (line, other) = (read(&lines[0]), read(&lines[1]));
    assert_eq!(line["timestamp"].as_str().map(str::len), Some("2026-11-27T11:16:45.123456Z".len()));
    assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"a message".into()));
    assert_eq!((&line["status"], &line["off"], &line["type"]), (&200.into(), &(-1).into(), &"t".into()));
    assert_eq!((line["target"].as_str(), line.get("missing")), (Some(module_path!()), None));
    let of_request =
        serde_json::json!({ "request_id": request.id(), "method": "POST", "path": "/mcp", "name": "request" });
    assert_eq!((&line["span"], other.get("span")), (&of_request, None));
}

/// RFC 3339 §5.6.
#[test]
fn the_time_of_a_line_is_written_to_the_microsecond() {
    let written = |seconds, micros| {
        let mut line = String::new();
        timestamp(&mut line, Duration::from_secs(seconds) + Duration::from_micros(micros));
        line
    };
    for (seconds, micros, expected) in [
        (0, 0, "1970-01-01T00:00:00.000000Z"),
        (0, 1, "1970-01-01T00:00:00.000001Z"),
        (1_709_251_199, 999_999, "2024-02-29T23:59:59.999999Z"),
        (1_709_251_200, 12, "2024-03-01T00:00:00.000012Z"),
        // The clock went back.
        (1_709_251_199, 5, "2024-02-29T23:59:59.000005Z"),
    ] {
        assert_eq!(written(seconds, micros), expected);
    }
}

#[test]
fn no_value_leaves_its_string_or_begins_a_line() {
    let all: String = (0..=0x2030).filter_map(char::from_u32).collect();
    for text in ["\n{\"level\":\"ERROR\"}", "\",\"outcome\":\"forwarded", "\\", "\\\"", "\u{1b}[31m", "\u{9b}31m", &all]
    {
        let lines = lines(|| tracing::info!(text, shown = %text, told = ?text, "{text}"));
        assert_eq!(lines.len(), 1);
        let line = read(&lines[0]);
        for place in [&line["message"], &line["text"], &line["shown"]] {
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
