//! Looks at the answers of the MCP server as they pass, for tasks that they create. Nothing is changed and nothing is held up:
//! a task is known before the last byte that names it goes on to the client, who cannot ask about it earlier. Put around
//! bodies by `forward.rs`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::Stream;
use gatelodge_service::clock::Clock;
use memchr::memchr2;

use super::Tasks;
use crate::caller::Viewer;
use crate::event_stream::Tail;
use crate::lists::{created_tasks, joined_data, names_a_task};
use crate::upstream::AnswerBody;

/// What creates a task is short: an answer or an event that is longer creates none that anybody could ask about.
const LONGEST: usize = 32 * 1024;

/// Whose the tasks are that an answer creates.
pub struct Watch {
    /// Where they are noted.
    pub tasks: Arc<Tasks>,
    /// Whom the answer is for.
    pub viewer: Viewer,
    /// When.
    pub clock: Clock,
}

/// A body that is looked at.
pub struct Watched<S> {
    body: S,
    reader: Option<Reader>,
}

impl<S> Watched<S> {
    /// As events, or as one JSON text, whose length may be known.
    pub fn new(body: S, watch: Option<Watch>, is_event_stream: bool, length: Option<u64>) -> Self {
        let form = if is_event_stream { Form::Events(Tail::default()) } else { Form::Json };
        let watch = watch.filter(|_| is_event_stream || length.is_none_or(|length| length <= LONGEST as u64));
        Self { body, reader: watch.map(|watch| Reader { watch, form, held: Vec::new(), is_too_long: false }) }
    }
}

impl Watched<AnswerBody> {
    /// The whole body, if it has arrived with its head.
    pub fn at_hand(&mut self) -> Option<Bytes> {
        let whole = self.body.at_hand()?;
        match &mut self.reader {
            // There is nothing to put together.
            Some(reader) if matches!(reader.form, Form::Json) => reader.note(&whole),
            Some(reader) => reader.read(&whole),
            None => {}
        }
        Some(whole)
    }
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Stream for Watched<S> {
    type Item = Result<Bytes, E>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = ready!(this.body.poll_next_unpin(context));
        match (&next, &mut this.reader) {
            (Some(Ok(bytes)), Some(reader)) => reader.read(bytes),
            // Clients differ in whether they read an event that is not complete.
            (None, Some(reader)) => reader.event(),
            _ => {}
        }
        Poll::Ready(next)
    }
}

struct Reader {
    watch: Watch,
    form: Form,
    /// Of the text or the event that is not complete.
    held: Vec<u8>,
    is_too_long: bool,
}

enum Form {
    Json,
    Events(Tail),
}

impl Reader {
    fn read(&mut self, bytes: &[u8]) {
        let Form::Events(_) = self.form else {
            return self.text(bytes);
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let (line, behind) = rest.split_at(memchr2(b'\n', b'\r', rest).map_or(rest.len(), |at| at + 1));
            rest = behind;
            self.hold(line);
            if let Form::Events(tail) = &mut self.form {
                tail.push(line);
                if tail.is_between_events() {
                    self.event();
                }
            }
        }
    }

    /// JSON has no end but its last bracket.
    fn text(&mut self, bytes: &[u8]) {
        self.hold(bytes);
        if matches!(self.held.trim_ascii_end(), [.., b'}' | b']']) {
            self.note(&self.held);
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.is_too_long |= self.held.len() + bytes.len() > LONGEST;
        if self.is_too_long {
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(bytes);
        }
    }

    /// An event is complete.
    fn event(&mut self) {
        if let Form::Events(_) = self.form {
            if names_a_task(&self.held) {
                self.note(&joined_data(&self.held));
            }
            self.held.clear();
            self.is_too_long = false;
        }
    }

    /// Notes what a message creates.
    fn note(&self, message: &[u8]) {
        let Watch { tasks, viewer, clock } = &self.watch;
        created_tasks(message).iter().for_each(|id| tasks.begun(id, viewer.caller(), clock.now()));
    }
}
