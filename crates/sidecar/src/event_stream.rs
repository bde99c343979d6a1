//! Server-sent events on their way to the client: byte for byte, with a comment at the beginning, where nothing is at hand,
//! and after each silence, so that no proxy or client takes a quiet stream for a dead one. WHATWG HTML §9.2 (lines that begin
//! with a colon are ignored).

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use bytes::Bytes;
use futures_util::stream::{Stream, poll_fn, unfold};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use tokio::time::{sleep, timeout};

/// How long a stream may be silent before a comment is sent.
pub const SILENCE: Duration = Duration::from_secs(15);

/// A comment and the end of its event: nothing is dispatched by it.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Whether an answer is one (its media type, RFC 9110 §8.3.1).
pub fn is_one(headers: &HeaderMap) -> bool {
    let essence = headers.get(CONTENT_TYPE).and_then(|value| value.as_bytes().split(|byte| *byte == b';').next());
    essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
}

/// Adds the comments, only where one event has ended and the next has not begun. The first goes with the head: some browsers
/// tell a page of an answer only when it has a byte of its body.
pub fn kept_alive<E>(
    events: impl Stream<Item = Result<Bytes, E>> + Unpin,
    silence: Duration,
) -> impl Stream<Item = Result<Bytes, E>> {
    unfold((events, Tail::default()), move |(mut events, mut tail)| async move {
        if !tail.begun {
            let first = events.next().now_or_never().unwrap_or(Some(Ok(COMMENT)))?;
            tail.push(first.as_ref().unwrap_or(&COMMENT));
            return Some((first, (events, tail)));
        }
        loop {
            match timeout(silence, events.next()).await {
                Ok(Some(Ok(chunk))) => {
                    tail.push(&chunk);
                    return Some((Ok(chunk), (events, tail)));
                }
                Ok(Some(Err(error))) => return Some((Err(error), (events, tail))),
                Ok(None) => return None,
                Err(_) if tail.is_between_events() => return Some((Ok(COMMENT), (events, tail))),
                Err(_) => {}
            }
        }
    })
    .into_stream()
}

/// Ends the stream, as if the MCP server had, at the first moment after `due` that is between two events. One that stops in
/// the middle of an event breaks.
pub fn until<E: Into<Box<dyn StdError>>>(
    events: impl Stream<Item = Result<Bytes, E>> + Unpin,
    due: impl Future<Output = ()> + 'static,
) -> impl Stream<Item = Result<Bytes, Box<dyn StdError>>> + Unpin {
    let (mut events, mut ending) = (events, Ending::when(due));
    poll_fn(move |context| {
        if let Poll::Ready(end) = ending.poll_now(context) {
            return Poll::Ready(end.err().map(|cut| Err(cut.into())));
        }
        let part = ready!(events.poll_next_unpin(context));
        if let Some(Ok(bytes)) = &part {
            ending.passed(bytes);
        }
        Poll::Ready(part.map(|part| part.map_err(Into::into)))
    })
}

/// How long an event that has begun may go on after its stream was due to end.
const LAST_EVENT: Duration = Duration::from_secs(5);

/// It was time to end, and the event that had begun did not.
#[derive(Debug, thiserror::Error)]
#[error("the MCP server stopped in the middle of an event, and the stream was due to end")]
pub struct Cut;

/// The end of one event stream.
pub struct Ending {
    /// When it has to end; then, how long the last event may take.
    due: Pin<Box<dyn Future<Output = ()>>>,
    is_due: bool,
    tail: Tail,
}

impl Ending {
    /// As soon as possible after this.
    pub fn when(due: impl Future<Output = ()> + 'static) -> Self {
        Self { due: Box::pin(due), is_due: false, tail: Tail::default() }
    }

    /// Whether the stream ends here: it has to, and no event is cut. An event that does not end is, some seconds later:
    /// nobody may stay by never finishing a sentence.
    pub fn poll_now(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        if !self.is_due {
            ready!(self.due.as_mut().poll(context));
            (self.is_due, self.due) = (true, Box::pin(sleep(LAST_EVENT)));
        }
        if self.tail.is_between_events() {
            return Poll::Ready(Ok(()));
        }
        self.due.as_mut().poll(context).map(|()| Err(Cut))
    }

    /// These bytes went to the client.
    pub fn passed(&mut self, bytes: &Bytes) {
        self.tail.push(bytes);
    }
}

/// The last bytes of a stream: enough to see an empty line.
#[derive(Default)]
pub struct Tail {
    bytes: [u8; 4],
    begun: bool,
}

impl Tail {
    /// The next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        for byte in &chunk[chunk.len().saturating_sub(self.bytes.len())..] {
            self.bytes.rotate_left(1);
            self.bytes[3] = *byte;
            self.begun = true;
        }
    }

    /// An empty line ends an event; lines end in LF, CR LF or CR.
    pub fn is_between_events(&self) -> bool {
        const ENDS: [&[u8]; 5] = [b"\n\n", b"\n\r\n", b"\r\r", b"\n\r", b"\r\r\n"];
        !self.begun || ENDS.iter().any(|end| self.bytes.ends_with(end))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tokio::sync::mpsc;

    use super::*;

    fn tail(chunks: &[&str]) -> bool {
        let mut tail = Tail::default();
        chunks.iter().for_each(|chunk| tail.push(chunk.as_bytes()));
        tail.is_between_events()
    }

    #[test]
    fn the_end_of_an_event_is_seen_in_every_form_and_however_it_is_cut() {
        for whole in
            ["data: x\n\n", "data: x\r\n\r\n", "data: x\r\r", "data: x\r\r\n", "id: 1\ndata: x\n\n", ":\n\n", "\n\n"]
        {
            assert!(tail(&[whole]), "{whole:?}");
            for at in 0..whole.len() {
                assert!(tail(&[&whole[..at], "", &whole[at..]]), "{whole:?} cut at {at}");
            }
        }
        for part in
            ["data: x", "data: x\n", "data: x\r\n", "d", "data: x\n\ndata: y", "data: x\n\nid: 2\n", "data: x\n\r\nd"]
        {
            assert!(!tail(&[part]), "{part:?}");
        }
        assert!(tail(&[]), "nothing was sent yet");
    }

    /// Proves MCP transports: a stream is kept alive. Proxies and clients take one for dead after half a minute.
    #[test]
    fn no_stream_is_silent_for_half_a_minute() {
        assert!((Duration::from_secs(10)..Duration::from_secs(30)).contains(&SILENCE), "{SILENCE:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn comments_fill_silence_between_events_and_never_inside_one() {
        let (sender, mut receiver) = mpsc::channel::<Result<Bytes, Infallible>>(4);
        let events = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
        let mut stream = Box::pin(kept_alive(events, SILENCE));
        let begin = tokio::time::Instant::now();

        assert_eq!(stream.next().await, Some(Ok(COMMENT)), "before the first event");
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert_eq!(stream.next().await, Some(Ok(COMMENT)));
        assert_eq!(begin.elapsed(), SILENCE);
        sender.send(Ok(Bytes::from_static(b"data: ha"))).await.expect("open");
        assert_eq!(stream.next().await, Some(Ok(Bytes::from_static(b"data: ha"))));
        let inside = timeout(SILENCE * 10, stream.next()).await;
        assert!(inside.is_err(), "nothing may be put inside an event");
        sender.send(Ok(Bytes::from_static(b"lf\n\n"))).await.expect("open");
        assert_eq!(stream.next().await, Some(Ok(Bytes::from_static(b"lf\n\n"))));
        assert_eq!(stream.next().await, Some(Ok(COMMENT)));
        assert_eq!(stream.next().await, Some(Ok(COMMENT)), "again after each further silence");
        drop(sender);
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_at_hand_comes_first_and_an_empty_stream_stays_empty() {
        let event = Bytes::from_static(b"data: x\n\n");
        let events = futures_util::stream::iter([Ok::<_, Infallible>(event.clone())]);
        let mut stream = Box::pin(kept_alive(events, SILENCE));
        assert_eq!((stream.next().await, stream.next().await), (Some(Ok(event)), None));
        let nothing = futures_util::stream::iter([] as [Result<Bytes, Infallible>; 0]);
        assert_eq!(Box::pin(kept_alive(nothing, SILENCE)).next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_stops_in_the_middle_of_an_event_ends_all_the_same() {
        let (sender, mut receiver) = mpsc::channel::<Result<Bytes, Infallible>>(4);
        let events = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
        let mut stream = until(events, sleep(Duration::from_secs(60)));
        let begin = tokio::time::Instant::now();
        sender.send(Ok(Bytes::from_static(b"data: ha"))).await.expect("open");
        assert_eq!(stream.next().await.expect("open").expect("no error"), "data: ha");
        let end =
            timeout(Duration::from_secs(3600), stream.next()).await.expect("it ends").expect("not as if it were whole");
        assert!(end.expect_err("it breaks").is::<Cut>());
        assert_eq!(begin.elapsed(), Duration::from_secs(60) + LAST_EVENT);
    }
}
