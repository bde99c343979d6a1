//! A request body that comes too slowly is given up: actix-web bounds the time of a head, and of no body.
//!
//! Only time counts in which somebody waited for the client; a slow MCP server does not make its client slow.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

/// For each second of the window.
const LEAST_BYTES: u64 = 1024;

/// A request body, with a limit to its slowness.
pub struct Paced {
    payload: Payload,
    window: Duration,
    received: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether it was looked for before.
    is_asked_for: bool,
    /// The task of the handler. The body may be read by another.
    handler: Waker,
    gave_up: Rc<Cell<bool>>,
}

impl Paced {
    /// `gave_up` becomes true when it does.
    pub fn new(payload: Payload, window: Duration, handler: Waker, gave_up: Rc<Cell<bool>>) -> Self {
        let (received, waited, is_asked_for) = (0, Duration::ZERO, false);
        Self { payload, window, received, waited, waiting_since: None, timer: None, is_asked_for, handler, gave_up }
    }

    /// At the end of a window: was it enough? Then the next one begins.
    fn is_too_slow(&mut self) -> bool {
        if self.received < self.window.as_secs() * LEAST_BYTES {
            self.gave_up.set(true);
            return true;
        }
        (self.received, self.waited) = (0, Duration::ZERO);
        false
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let end = since + self.window.saturating_sub(self.waited);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() != end {
            timer.as_mut().reset(end);
        }
        timer.as_mut().poll(context)
    }
}

impl Stream for Paced {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.gave_up.get() {
            return Poll::Ready(None);
        }
        // actix-web decodes what has arrived after the first look, and then asks the handler again by itself: woken by what is
        // decoded, it would ask once more, for nothing.
        let is_first = !std::mem::replace(&mut this.is_asked_for, true);
        let is_handler = context.waker().will_wake(&this.handler);
        let woken = if is_first && is_handler { Waker::noop() } else { context.waker() };
        if let Poll::Ready(item) = Pin::new(&mut this.payload).poll_next(&mut Context::from_waker(woken)) {
            if let Some(since) = this.waiting_since.take() {
                this.waited += since.elapsed();
            }
            if let Some(Ok(bytes)) = &item {
                this.received += bytes.len() as u64;
            }
            return Poll::Ready(item);
        }
        while this.poll_timer(context).is_ready() {
            this.waiting_since = None;
            if this.is_too_slow() {
                return Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))));
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::poll_fn;

    use futures_util::StreamExt as _;
    use futures_util::stream::unfold;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    /// `(pause, bytes)` again and again; `None` where it was given up, else how many bytes came.
    async fn received(parts: Vec<(u64, usize)>) -> Option<usize> {
        let parts = unfold(parts.into_iter(), |mut parts| async move {
            let (pause, bytes) = parts.next()?;
            tokio::time::sleep(Duration::from_secs(pause)).await;
            Some((Ok(Bytes::from(vec![b'x'; bytes])), parts))
        });
        let gave_up = Rc::new(Cell::new(false));
        let payload: Payload = Payload::Stream { payload: Box::pin(parts) };
        let mut body = Paced::new(payload, WINDOW, Waker::noop().clone(), Rc::clone(&gave_up));
        let mut sum = 0;
        while let Some(item) = body.next().await {
            match item {
                Ok(bytes) => sum += bytes.len(),
                Err(_) => {
                    assert!(gave_up.get() && body.next().await.is_none());
                    return None;
                }
            }
        }
        assert!(!gave_up.get());
        Some(sum)
    }

    #[tokio::test(start_paused = true)]
    async fn less_than_a_kibibyte_a_second_over_ten_seconds_is_given_up() {
        for (parts, outcome) in [
            (vec![], Some(0)),
            (vec![(9, 1)], Some(1)),
            (vec![(11, 1)], None),
            (vec![(1, 1); 9], Some(9)),
            (vec![(1, 1); 12], None),
            (vec![(1, 1000); 12], None),
            (vec![(1, 1100); 60], Some(66_000)),
            // Fast at first does not buy time for later.
            (vec![(1, 1_000_000), (25, 1)], None),
        ] {
            assert_eq!(received(parts.clone()).await, outcome, "{parts:?}");
        }
    }

    #[tokio::test]
    async fn the_handler_alone_is_not_woken_by_what_comes_after_its_first_look() {
        let own = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
        for (handler, is_woken) in [(own.clone(), [false, true]), (Waker::noop().clone(), [true, true])] {
            let wakers = Rc::new(RefCell::new(Vec::new()));
            let seen = Rc::clone(&wakers);
            let nothing_comes = futures_util::stream::poll_fn(move |context| {
                seen.borrow_mut().push(context.waker().clone());
                Poll::<Option<Result<Bytes, PayloadError>>>::Pending
            });
            let payload: Payload = Payload::Stream { payload: Box::pin(nothing_comes) };
            let mut body = Paced::new(payload, WINDOW, handler, Rc::default());
            for _ in 0..2 {
                assert!(poll_fn(|context| Poll::Ready(body.poll_next_unpin(context))).await.is_pending());
            }
            let woken: Vec<bool> = wakers.borrow().iter().map(|waker| waker.will_wake(&own)).collect();
            assert_eq!(woken, is_woken);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_reads_is_not_the_clients() {
        let parts = futures_util::stream::iter((0..10).map(|_| Ok(Bytes::from_static(b"x"))));
        let payload: Payload = Payload::Stream { payload: Box::pin(parts) };
        let mut body = Paced::new(payload, WINDOW, Waker::noop().clone(), Rc::default());
        let mut chunks = 0;
        while let Some(item) = body.next().await {
            item.expect("it was there all the time");
            chunks += 1;
            tokio::time::sleep(WINDOW).await;
        }
        assert_eq!(chunks, 10);
    }
}
