//! SIGTERM and SIGINT: short requests finish, event streams end between two events. `app.rs` hands the signal to actix-web,
//! which stops accepting and waits for what is under way, at most `SHUTDOWN_SECONDS`.

use std::io;
use std::time::Duration;

use actix_web::http::Method;
use gatelodge_service::http::SHUTDOWN_SECONDS;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::event_stream::Ending;

/// A stream that answers a request may still bring the result: so long, which leaves time to say that it ends.
const GRACE: Duration = Duration::from_secs(SHUTDOWN_SECONDS - 2);

/// Knows whether the process was asked to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// A future that ends when the process is asked to stop, and what everybody else learns it from.
pub fn signals() -> io::Result<(impl Future<Output = ()> + Send + 'static, Stop)> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (sender, receiver) = watch::channel(false);
    let asked = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to stop");
        sender.send_replace(true);
        // As long as anybody asks: a closed channel would mean that nobody can say it any more.
        drop(sender);
    };
    Ok((asked, Stop(receiver)))
}

impl Stop {
    /// When a stream that answers such a request has to end.
    pub fn ending(&self, method: &Method) -> Ending {
        let grace = if *method == Method::GET { Duration::ZERO } else { GRACE };
        let mut asked = self.0.clone();
        let due = async move {
            if asked.wait_for(|asked| *asked).await.is_err() {
                std::future::pending::<()>().await;
            }
            sleep(grace).await;
        };
        Ending::when(due)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use bytes::Bytes;
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_between_events_and_one_that_answers_a_request_later() {
        let (sender, receiver) = watch::channel(false);
        let stop = Stop(receiver);
        let mut standing = stop.ending(&Method::GET);
        let mut answering = stop.ending(&Method::POST);
        standing.passed(&Bytes::from_static(b"data: ha"));
        assert!(timeout(GRACE * 2, poll_fn(|context| standing.poll_now(context))).await.is_err(), "nobody asked");

        let begin = Instant::now();
        sender.send_replace(true);
        assert!(timeout(GRACE / 2, poll_fn(|context| standing.poll_now(context))).await.is_err(), "inside an event");
        standing.passed(&Bytes::from_static(b"lf\n\n"));
        poll_fn(|context| standing.poll_now(context)).await.expect("between events");
        assert!(begin.elapsed() < GRACE);
        poll_fn(|context| answering.poll_now(context)).await.expect("between events");
        assert!(begin.elapsed() >= GRACE);
    }
}
