//! One event as one line of JSON on standard output, and the request that it is about. Made by `mod.rs`.
//!
//! Not the formatter of tracing-subscriber: one line for each request cost 36,000 instructions with it, as much as all of a plain
//! reverse proxy. Here an event goes straight into a buffer that is used again, and so does the request that it is about.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Debug, Write as _};
use std::io::{self, Write as _};
use std::time::Duration;

use time::UtcDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::request::Request;
use crate::clock;

/// A buffer that grew beyond this is not kept.
const KEPT: usize = 16 * 1024;

thread_local! {
    static LINE: Cell<String> = const { Cell::new(String::new()) };
    /// The second of the line before, and how it is written.
    static SECOND: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// The layer.
pub struct Json;

impl<S: Subscriber> Layer<S> for Json {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Taken and not borrowed: whatever is written here could itself say something.
        let mut line = LINE.take();
        line.clear();
        write_line(event, &mut line);
        // Nobody is left to be told that the log cannot be written.
        io::stdout().lock().write_all(line.as_bytes()).ok();
        if line.capacity() <= KEPT {
            LINE.set(line);
        }
    }
}

fn write_line(event: &Event<'_>, line: &mut String) {
    line.push_str("{\"timestamp\":\"");
    timestamp(line, clock::since_epoch());
    line.push_str("\",\"level\":\"");
    line.push_str(event.metadata().level().as_str());
    line.push_str("\",");
    let mut members = Members { json: std::mem::take(line), log_target: None };
    event.record(&mut members);
    let target = members.log_target.take();
    *line = members.json;
    line.push_str("\"target\":");
    string(line, target.as_deref().unwrap_or(event.metadata().target()));
    if let Some(request) = Request::current() {
        line.push_str(",\"span\":{\"request_id\":\"");
        line.push_str(request.id());
        line.push_str("\",\"method\":");
        string(line, request.method());
        line.push_str(",\"path\":");
        string(line, &request.path());
        line.push_str(",\"name\":\"request\"}");
    }
    line.push_str("}\n");
}

/// RFC 3339 §5.6, in UTC. Within the same second only its fraction is new.
fn timestamp(line: &mut String, since_epoch: Duration) {
    SECOND.with_borrow_mut(|(second, written)| {
        if *second != since_epoch.as_secs() || written.is_empty() {
            *second = since_epoch.as_secs();
            written.clear();
            let at = i64::try_from(*second).ok().and_then(|second| UtcDateTime::from_unix_timestamp(second).ok());
            let at = at.unwrap_or(UtcDateTime::UNIX_EPOCH);
            let (year, month, day, (hour, minute, second)) = (at.year(), u8::from(at.month()), at.day(), at.as_hms());
            write!(written, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.").ok();
        }
        line.push_str(written);
    });
    // Six digits, also of a small fraction.
    let mut micros = itoa::Buffer::new();
    line.push_str(&micros.format(1_000_000 + since_epoch.subsec_micros())[1..]);
    line.push('Z');
}

/// Writes fields as members of an object, each with a comma behind it.
struct Members {
    json: String,
    /// What the `log` crate says of its own records: to `tracing`, all of them have the same target.
    log_target: Option<String>,
}

impl Members {
    fn name(&mut self, field: &Field) {
        let name = field.name();
        // Written by programmers: there is nothing to escape.
        self.json.push('"');
        self.json.push_str(name.strip_prefix("r#").unwrap_or(name));
        self.json.push_str("\":");
    }

    fn bare(&mut self, field: &Field, value: &str) {
        self.name(field);
        self.json.push_str(value);
        self.json.push(',');
    }
}

impl Visit for Members {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" => self.log_target = Some(value.to_owned()),
            name if name.starts_with("log.") => {}
            _ => {
                self.name(field);
                string(&mut self.json, value);
                self.json.push(',');
            }
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if !field.name().starts_with("log.") {
            self.bare(field, itoa::Buffer::new().format(value));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, itoa::Buffer::new().format(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, if value { "true" } else { "false" });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        self.json.push('"');
        // What breaks while it is written ends there.
        write!(Escaping(&mut self.json), "{value:?}").ok();
        self.json.push_str("\",");
    }
}

/// What is written into it stays within a string.
struct Escaping<'l>(&'l mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

fn string(json: &mut String, text: &str) {
    json.push('"');
    escape(json, text);
    json.push('"');
}

/// RFC 8259 §7. All control characters are escaped, those above ASCII too: some terminals obey them.
fn escape(json: &mut String, text: &str) {
    // Most texts need nothing, which is asked of many bytes at once.
    if !text.bytes().fold(false, |any, byte| any | may_need_escape(byte)) {
        return json.push_str(text);
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(may_need_escape) {
        let (plain, others) = rest.split_at(at);
        json.push_str(plain);
        let mut others = others.chars();
        match others.next() {
            Some('\n') => json.push_str("\\n"),
            Some('\r') => json.push_str("\\r"),
            Some('\t') => json.push_str("\\t"),
            Some(character @ ('"' | '\\')) => json.extend(['\\', character]),
            Some(character) if character.is_control() => {
                write!(json, "\\u{:04x}", u32::from(character)).ok();
            }
            character => json.extend(character),
        }
        rest = others.as_str();
    }
    json.push_str(rest);
}

/// The first byte of each character that is escaped, and of few others: U+0080 to U+00BF begin with 0xC2.
const fn may_need_escape(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'"' | b'\\' | 0x7f | 0xc2)
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
