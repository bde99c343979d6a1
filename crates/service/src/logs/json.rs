//! One event as one line of JSON on standard output, and the fields of its span with it. Made by `mod.rs`.
//!
//! Not the formatter of tracing-subscriber: that one keeps the fields of a span as JSON text, which it parses and writes once
//! more for each event. One line for each request cost 36,000 instructions with it, as much as all of a plain reverse proxy.
//! Here the fields of a span are made JSON once, and an event goes straight into a buffer that is used again.

use std::cell::Cell;
use std::fmt::{self, Debug, Write as _};
use std::io::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A buffer that grew beyond this is not kept.
const KEPT: usize = 16 * 1024;

thread_local! {
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

/// The layer.
pub struct Json;

/// The fields of a span, as members of an object, each with a comma behind it.
struct OfSpan(String);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Json {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut members = Members { json: String::with_capacity(192), log_target: None };
        attributes.record(&mut members);
        span.extensions_mut().insert(OfSpan(members.json));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(OfSpan(json)) = span.extensions_mut().get_mut() {
            let mut members = Members { json: std::mem::take(json), log_target: None };
            values.record(&mut members);
            *json = members.json;
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // Taken and not borrowed: whatever is written here could itself say something.
        let mut line = LINE.take();
        line.clear();
        write_line(event, &context, &mut line);
        // Nobody is left to be told that the log cannot be written.
        io::stdout().lock().write_all(line.as_bytes()).ok();
        if line.capacity() <= KEPT {
            LINE.set(line);
        }
    }
}

fn write_line<S: Subscriber + for<'s> LookupSpan<'s>>(event: &Event<'_>, context: &Context<'_, S>, line: &mut String) {
    line.push_str("{\"timestamp\":\"");
    SystemTime.format_time(&mut Writer::new(line)).ok();
    line.push_str("\",\"level\":\"");
    line.push_str(event.metadata().level().as_str());
    line.push_str("\",");
    let mut members = Members { json: std::mem::take(line), log_target: None };
    event.record(&mut members);
    let target = members.log_target.take();
    *line = members.json;
    line.push_str("\"target\":");
    string(line, target.as_deref().unwrap_or(event.metadata().target()));
    if let Some(span) = context.event_span(event) {
        line.push_str(",\"span\":{");
        if let Some(OfSpan(json)) = span.extensions().get() {
            line.push_str(json);
        }
        line.push_str("\"name\":");
        string(line, span.name());
        line.push('}');
    }
    line.push_str("}\n");
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

    fn bare(&mut self, field: &Field, value: impl fmt::Display) {
        self.name(field);
        // A `String` takes everything.
        write!(self.json, "{value},").ok();
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
            self.bare(field, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, value);
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
