//! Lines for people in front of a terminal: those of tracing-subscriber, and behind each the request that it is about. Made by
//! `mod.rs`.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::request::Request;

/// The format.
pub struct Text(Format);

impl Text {
    /// Without colours.
    pub fn new() -> Self {
        Self(Format::default().with_ansi(false))
    }
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(request) = Request::current() else { return self.0.format_event(context, writer, event) };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let (line, id, method, path) = (line.trim_end_matches('\n'), request.id(), request.method(), request.path());
        writeln!(writer, "{line} request_id={id} method={method} path={path}")
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use actix_web::http::{Method, Uri};
    use tracing::subscriber::with_default;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("unpoisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Written {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_line_names_the_request_that_it_is_about() {
        let written = Written::default();
        let layer = tracing_subscriber::fmt::layer().event_format(Text::new()).with_writer(written.clone());
        let request = Request::new(&Method::POST, &Uri::from_static("/mcp?code=secret"));
        with_default(tracing_subscriber::registry().with(layer), || {
            request.scope(|| tracing::info!(status = 200, "decision"));
            tracing::info!("asked to stop");
        });
        let written = written.0.lock().expect("unpoisoned").clone();
        let written = String::from_utf8(written).expect("text");
        let (first, second) = written.trim_end().split_once('\n').expect("two lines");
        let of_request = format!(": decision status=200 request_id={} method=POST path=/mcp", request.id());
        assert!(first.contains(" INFO ") && first.ends_with(&of_request), "{first}");
        assert!(second.ends_with(": asked to stop"), "{second}");
    }
}
