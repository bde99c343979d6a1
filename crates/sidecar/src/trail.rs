//! Sends what was decided to the durable audit trail of the authorization server, in batches and behind the back of the calls: a
//! call puts its event into a bounded queue and goes on, whether there is room or not. What found no room is counted, and the
//! count takes its place in the trail. Filled by `audit.rs`, begun and ended by `app.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gatelodge_oauth::audit_event::{AuditEvent, EVENTS_LOST, MAX_BODY, MAX_EVENTS, MEDIA_TYPE};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use secrecy::ExposeSecret as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::config::AuditConfig;

/// How many events wait at most while the authorization server is away: some megabytes.
const QUEUE: usize = 10_000;

/// An event waits for so long for others to go with.
const INTERVAL: Duration = Duration::from_secs(1);

/// The pauses after failures: the first, and what doubling it ends at.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The answer to a batch: longer than the authorization server waits for its database.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the end of the process is held up for what is not sent yet.
const FAREWELL: Duration = Duration::from_secs(1);

/// Takes events. Clones fill the same queue.
#[derive(Debug, Clone)]
pub struct Trail {
    queue: mpsc::Sender<AuditEvent>,
    lost: Arc<AtomicU32>,
    public_calls: bool,
    clock: Clock,
}

/// The task that sends.
#[derive(Debug)]
pub struct Sending {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Trail {
    /// Begins to send.
    pub fn begin(config: AuditConfig, clock: Clock) -> Result<(Self, Sending), reqwest::Error> {
        let tls = Tls::for_urls([config.url.as_str()]);
        let options =
            HttpClientOptions { tls, response_timeout: Some(RESPONSE_TIMEOUT), ..HttpClientOptions::default() };
        let client = http_client::build(&options)?;
        let (queue, events) = mpsc::channel(QUEUE);
        let (lost, public_calls) = (Arc::new(AtomicU32::new(0)), config.public_calls);
        let courier = Courier {
            events,
            held: Vec::new(),
            lost: Arc::clone(&lost),
            client,
            config,
            clock: clock.clone(),
            is_failing: false,
        };
        let (stop, stopped) = oneshot::channel();
        let sending = Sending { stop, task: tokio::spawn(courier.run(stopped)) };
        Ok((Self { queue, lost, public_calls, clock }, sending))
    }

    /// Whether calls of strangers are wanted too.
    pub fn wants_public_calls(&self) -> bool {
        self.public_calls
    }

    /// The time that events happen at.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes an event, or counts it as lost. Never waits.
    pub fn keep(&self, event: AuditEvent) {
        if self.queue.try_send(event.keepable()).is_err() {
            add(&self.lost, 1);
        }
    }
}

/// A name for an event, in the order of time.
pub fn event_id() -> String {
    Uuid::now_v7().to_string()
}

fn add(lost: &AtomicU32, more: u32) {
    let sum = |count: u32| Some(count.saturating_add(more));
    lost.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).ok();
}

impl Sending {
    /// Sends what is there, for a moment.
    pub async fn finish(self) {
        self.stop.send(()).ok();
        self.task.await.ok();
    }
}

/// Why a batch is not in the trail.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error("{0}")]
    Unreachable(String),
    #[error("it answers {0}")]
    NotNow(StatusCode),
    #[error("it answers {0} to what it will never take")]
    Refused(StatusCode),
}

/// The other end of the queue.
struct Courier {
    events: mpsc::Receiver<AuditEvent>,
    /// Taken out of the queue, and not known to be kept.
    held: Vec<AuditEvent>,
    lost: Arc<AtomicU32>,
    client: Client,
    config: AuditConfig,
    clock: Clock,
    is_failing: bool,
}

impl Courier {
    async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        // Whatever is interrupted here is still held, and what was sent already is kept once.
        tokio::select! {
            _ = &mut stop => {}
            () = self.deliver_for_ever() => {}
        }
        timeout(FAREWELL, self.deliver_the_rest()).await.ok();
        let lost = self.lost.load(Ordering::Relaxed);
        let left = self.held.len() + self.events.len();
        if left > 0 || lost > 0 {
            tracing::warn!(left, lost, "the last decisions are in this log and not in the audit trail");
        }
    }

    async fn deliver_for_ever(&mut self) {
        let (first, longest) = PAUSES;
        let mut pause = first;
        loop {
            self.gather().await;
            if self.deliver().await {
                pause = first;
            } else {
                sleep(pause).await;
                pause = longest.min(pause * 2);
            }
        }
    }

    async fn deliver_the_rest(&mut self) {
        loop {
            while self.held.len() < MAX_EVENTS
                && let Ok(event) = self.events.try_recv()
            {
                self.held.push(event);
            }
            self.note_lost();
            if self.held.is_empty() || !self.deliver().await {
                return;
            }
        }
    }

    /// Takes a batch out of the queue: what comes within the interval, or as much as one request holds.
    async fn gather(&mut self) {
        let due = sleep(INTERVAL);
        tokio::pin!(due);
        while self.held.len() < MAX_EVENTS {
            let room = MAX_EVENTS - self.held.len();
            tokio::select! {
                taken = self.events.recv_many(&mut self.held, room) => if taken == 0 {
                    // Nobody is left who could fill it.
                    due.await;
                    return;
                },
                () = &mut due => return,
            }
        }
    }

    /// Sends one request. `false`: nothing of what is held was settled.
    async fn deliver(&mut self) -> bool {
        if self.held.is_empty() {
            self.note_lost();
            return true;
        }
        let (body, count) = lines(&self.held);
        let outcome = self.send(body).await;
        self.log(outcome.as_ref().err());
        match outcome {
            Ok(()) => {
                self.held.drain(..count);
                // It is over, as far as anybody can tell: the next batch says what is missing.
                self.note_lost();
                true
            }
            Err(Undelivered::Refused(_)) => {
                // Sent again it would be refused again, and nothing after it would ever arrive.
                let missing = self.held.drain(..count).map(|event| event.lost.unwrap_or(1));
                add(&self.lost, missing.fold(0, u32::saturating_add));
                false
            }
            Err(Undelivered::Unreachable(_) | Undelivered::NotNow(_)) => false,
        }
    }

    async fn send(&self, body: Vec<u8>) -> Result<(), Undelivered> {
        let request = self.client.post(self.config.url.clone()).header(CONTENT_TYPE, MEDIA_TYPE).body(body);
        let sent = request.bearer_auth(self.config.secret.expose_secret()).send().await;
        let status = sent.map_err(|error| Undelivered::Unreachable(http_client::cause(&error)))?.status();
        match status {
            StatusCode::NO_CONTENT => Ok(()),
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Err(Undelivered::Refused(status))
            }
            // Also a wrong secret, or nothing there: somebody is going to see it in the log and put it right.
            _ => Err(Undelivered::NotNow(status)),
        }
    }

    /// The count of what found no room becomes an event like the others.
    fn note_lost(&mut self) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "decisions are in this log and not in the audit trail");
            let event = AuditEvent::new(event_id(), self.clock.now(), EVENTS_LOST);
            self.held.push(AuditEvent { lost: Some(lost), ..event });
        }
    }

    /// Said once, and once more when it takes them again.
    fn log(&mut self, error: Option<&Undelivered>) {
        match error {
            Some(error) if !self.is_failing => {
                tracing::warn!(url = %self.config.url, %error, "the audit trail takes no events; they wait");
            }
            None if self.is_failing => tracing::info!(url = %self.config.url, "the audit trail takes events again"),
            _ => {}
        }
        self.is_failing = error.is_some();
    }
}

/// As many events as one request may hold, and how many these are; one at least.
fn lines(events: &[AuditEvent]) -> (Vec<u8>, usize) {
    let (mut body, mut count) = (Vec::new(), 0);
    for event in events.iter().take(MAX_EVENTS) {
        let line = serde_json::to_vec(event).expect("a struct of texts and numbers has a JSON form");
        if count > 0 && body.len() + line.len() + 1 > MAX_BODY {
            break;
        }
        body.extend_from_slice(&line);
        body.push(b'\n');
        count += 1;
    }
    (body, count)
}

#[cfg(test)]
#[path = "trail_tests.rs"]
mod tests;
