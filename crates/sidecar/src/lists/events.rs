//! Lists in server-sent events on their way to the client, and whatever else is edited there (`legacy_sse.rs`). WHATWG HTML
//! §9.2. Between the MCP server and `event_stream::kept_alive`, whose comments then fall only between events that went out.
//!
//! What carries no data goes out line by line; data is held until its event is complete, since only then it is known what
//! it is. Only an event that is changed is written anew; when nothing more is to change, nothing is looked at any more, and
//! neither is it before anything can be.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{Stream, unfold};
use memchr::memmem;

use super::{Asked, MAX_SIZE, Rewriter, Unrewritable, View};
use crate::event_stream::Tail;
use crate::limits::Held;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Why a stream ends early.
#[derive(Debug, thiserror::Error)]
pub enum Broken<E> {
    /// The MCP server broke it.
    #[error(transparent)]
    Upstream(E),
    /// Its next event cannot be passed on.
    #[error("an event of the MCP server cannot be passed on: {0}")]
    Unrewritable(Unrewritable),
}

/// What is done to the events of one stream.
pub trait Edit {
    /// Whether nothing will be changed any more.
    fn is_over(&self) -> bool;

    /// Whether nothing of what begins now will be changed. Once it is false, it stays so.
    fn is_at_rest(&self) -> bool {
        false
    }

    /// New data for an event of this type, which is empty for most; `None` leaves the event as it is.
    ///
    /// # Errors
    /// The event cannot be passed on, and neither can what follows.
    fn edit(&mut self, kind: &[u8], data: &[u8]) -> Result<Option<String>, Unrewritable>;
}

/// The lists among them.
pub struct Lists<V> {
    /// What is done to each.
    pub rewriter: Rewriter<V>,
    /// Which are awaited.
    pub asked: Asked,
}

impl<V: View> Edit for Lists<V> {
    fn is_over(&self) -> bool {
        self.asked.is_answered()
    }

    fn is_at_rest(&self) -> bool {
        self.rewriter.view.is_at_rest()
    }

    fn edit(&mut self, _kind: &[u8], data: &[u8]) -> Result<Option<String>, Unrewritable> {
        let is_other =
            |rewriter: &Rewriter<V>| rewriter.view.changes_only_tasks() && memmem::find(data, b"tasks").is_none();
        if !may_be_message(data) || is_other(&self.rewriter) {
            return Ok(None);
        }
        let text = std::str::from_utf8(data).map_err(|_| Unrewritable::NotJson)?;
        self.rewriter.message(text, &mut self.asked)
    }
}

/// Edits a stream of events. After an error it has ended.
pub fn edited<E>(
    events: impl Stream<Item = Result<Bytes, E>> + Unpin,
    editor: impl Edit,
    room: Held,
) -> impl Stream<Item = Result<Bytes, Broken<E>>> {
    let reader = Reader {
        editor,
        room,
        kind: Vec::new(),
        held: BytesMut::new(),
        line: 0,
        searched: 0,
        has_data: false,
        after_cr: false,
        is_first: true,
        passed: Tail::default(),
    };
    let state = Rewritten { events, reader, refused: None, has_ended: false };
    unfold(state, |mut state| async move { Some((state.next().await?, state)) })
}

struct Rewritten<S, D> {
    events: S,
    reader: Reader<D>,
    refused: Option<Unrewritable>,
    has_ended: bool,
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E, D: Edit> Rewritten<S, D> {
    async fn next(&mut self) -> Option<Result<Bytes, Broken<E>>> {
        loop {
            if let Some(refused) = self.refused.take() {
                self.has_ended = true;
                return Some(Err(Broken::Unrewritable(refused)));
            }
            if self.has_ended {
                return None;
            }
            let mut out = Vec::new();
            let read = match self.events.next().await {
                Some(Ok(chunk)) if self.reader.editor.is_over() => return Some(Ok(chunk)),
                Some(Ok(chunk)) => match self.reader.pass(&chunk) {
                    passed if passed == chunk.len() => return Some(Ok(chunk)),
                    passed => {
                        out.extend_from_slice(&chunk[..passed]);
                        self.reader.push(&chunk[passed..], &mut out)
                    }
                },
                Some(Err(error)) => {
                    self.has_ended = true;
                    return Some(Err(Broken::Upstream(error)));
                }
                None => {
                    self.has_ended = true;
                    self.reader.finish(&mut out)
                }
            };
            self.refused = read.err();
            if !out.is_empty() {
                return Some(Ok(out.into()));
            }
        }
    }
}

/// Parts the stream into lines and events.
struct Reader<D> {
    editor: D,
    /// Counts what is held.
    room: Held,
    /// The type of the event that is not complete.
    kind: Vec<u8>,
    /// What has not gone out: a line that is not complete, and before it the lines of its event from the first data on.
    held: BytesMut,
    /// Where in it the line begins that is not complete.
    line: usize,
    /// Up to where no end of that line was found.
    searched: usize,
    has_data: bool,
    /// A line feed now would still belong to the line before.
    after_cr: bool,
    /// Whether what is held begins the stream, where a byte order mark may stand.
    is_first: bool,
    /// The end of what went out without a look.
    passed: Tail,
}

impl<D: Edit> Reader<D> {
    /// How many bytes go out without a look: all while the editor is at rest, and then those of the event that has begun.
    fn pass(&mut self, chunk: &[u8]) -> usize {
        if self.editor.is_at_rest() {
            self.is_first &= chunk.is_empty();
            self.passed.push(chunk);
            return chunk.len();
        }
        let mut length = 0;
        while length < chunk.len() && !self.passed.is_between_events() {
            self.passed.push(&chunk[length..=length]);
            length += 1;
        }
        length
    }

    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Unrewritable> {
        self.room.set(self.held.len() + chunk.len()).map_err(|_| Unrewritable::NoRoom)?;
        self.held.extend_from_slice(chunk);
        while !self.editor.is_over() {
            self.end_line_feed(out);
            let found = self.held[self.searched..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let Some(found) = found else {
                self.searched = self.held.len();
                // What goes over the limit is no list that could be rewritten, and no end of it is in sight.
                if self.held.len() > MAX_SIZE {
                    return Err(Unrewritable::TooLarge);
                }
                return self.count();
            };
            self.end_line(self.searched + found, out)?;
        }
        self.release(self.held.len(), out);
        self.count()
    }

    fn count(&mut self) -> Result<(), Unrewritable> {
        self.room.set(self.held.len()).map_err(|_| Unrewritable::NoRoom)
    }

    /// Passes the second half of CR LF: the first has ended the line already.
    fn end_line_feed(&mut self, out: &mut Vec<u8>) {
        let Some(next) = self.held.get(self.line).filter(|_| self.after_cr) else {
            return;
        };
        self.after_cr = false;
        if *next != b'\n' {
            return;
        }
        if self.has_data {
            self.line += 1;
            self.searched = self.line;
        } else {
            self.release(1, out);
        }
    }

    /// A line is complete; its end is at `end`.
    fn end_line(&mut self, end: usize, out: &mut Vec<u8>) -> Result<(), Unrewritable> {
        let behind = end + 1;
        self.after_cr = self.held[end] == b'\r';
        let content = &self.held[self.line..end];
        let content = if self.line == 0 { &content[self.mark()..] } else { content };
        let is_end_of_event = content.is_empty();
        self.has_data |= data_of(content).is_some();
        if let Some(kind) = field(content, b"event") {
            self.kind = kind.to_vec();
        }
        if self.has_data && is_end_of_event {
            self.event(behind, out)?;
        } else if self.has_data {
            (self.line, self.searched) = (behind, behind);
        } else {
            self.release(behind, out);
        }
        if is_end_of_event {
            self.kind.clear();
        }
        Ok(())
    }

    /// The stream has ended. Clients differ in whether they read an event that is not complete.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Unrewritable> {
        self.event(self.held.len(), out)
    }

    fn release(&mut self, length: usize, out: &mut Vec<u8>) {
        self.is_first &= length == 0;
        out.extend_from_slice(&self.held.split_to(length));
        (self.line, self.searched, self.has_data) = (0, 0, false);
    }

    /// The length of the byte order mark.
    fn mark(&self) -> usize {
        if self.is_first && self.held.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }
    }

    fn event(&mut self, length: usize, out: &mut Vec<u8>) -> Result<(), Unrewritable> {
        if length > MAX_SIZE {
            return Err(Unrewritable::TooLarge);
        }
        let (mark, event) = self.held[..length].split_at(self.mark());
        let data = joined_data(event);
        let Some(changed) = self.editor.edit(&self.kind, &data)? else {
            self.release(length, out);
            return Ok(());
        };
        out.extend_from_slice(mark);
        write_event(event, &changed, out);
        self.release(length, &mut Vec::new());
        Ok(())
    }
}

/// The lines of an event, each with its end, which is LF, CR LF or CR.
fn lines(event: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = event;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let (content, behind) = rest.split_at(length);
        let end = if behind.starts_with(b"\r\n") { 2 } else { behind.len().min(1) };
        let (end, next) = behind.split_at(end);
        rest = next;
        Some((content, end))
    })
}

/// What a line adds to the data of its event.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    field(line, b"data")
}

fn field<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    match line.strip_prefix(name)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

/// The data of an event.
pub fn joined_data(event: &[u8]) -> Cow<'_, [u8]> {
    let mut values = lines(event).filter_map(|(line, _)| data_of(line));
    let first = values.next().unwrap_or_default();
    values.fold(Cow::Borrowed(first), |mut joined, value| {
        let data = joined.to_mut();
        data.push(b'\n');
        data.extend_from_slice(value);
        joined
    })
}

/// An event can be something else than a message. What begins like JSON must be JSON.
fn may_be_message(data: &[u8]) -> bool {
    let data = data.strip_prefix(BYTE_ORDER_MARK).unwrap_or(data);
    matches!(data.trim_ascii_start(), [b'{' | b'[', ..])
}

/// The event with its data in one line; its other lines stay.
fn write_event(event: &[u8], data: &str, out: &mut Vec<u8>) {
    let mut is_written = false;
    for (line, end) in lines(event) {
        if data_of(line).is_none() {
            out.extend_from_slice(line);
            out.extend_from_slice(end);
        } else if !is_written {
            is_written = true;
            out.extend_from_slice(b"data: ");
            // In JSON text they stand only between values.
            out.extend(data.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte }));
            out.extend_from_slice(end);
        }
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
