//! The flight recorder: how far each connection of a client comes, so that an operator sees where it stopped (`gatelodge connections`).
//! Endpoints note their steps into a bounded queue and go on, whether there is room or not; [`writing`] keeps them. What strangers
//! cause is counted by source, and forgotten early. Never a token, a code, a state or a URL of anybody's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpRequest;
use gatelodge_oauth::authorization_request::AnswerTo;
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::client_metadata::is_deceptive;
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::device_code::DeviceAuthorization;
use gatelodge_oauth::grant::{Grant, UserId};
use gatelodge_oauth::secret::{HashedSecret, Secret, random_base62};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::connection_steps::ConnectionStep;
use gatelodge_store::pending_authorizations::PendingAuthorization;
use tokio::sync::mpsc;

use crate::app::App;
use crate::limits::Source;
use crate::login::sign_in::Next;
use crate::pages::Destination;
use crate::security_events::{name, network};

pub mod config;
pub mod diagnosis;
mod step;
pub mod timeline;
pub mod writing;

pub use step::Step;

/// How many notes wait at most while the database is busy.
const QUEUE: usize = 1_000;

/// Whoever reads the metadata registers, or sends a browser, within this time.
const READER_STAYS: Duration = Duration::from_secs(600);

/// How many readers are remembered at most; what is forgotten early is shown apart.
const MOST_READERS: usize = 4_096;

/// The longest text of a stranger that is kept, in characters.
const LONGEST: usize = 200;

/// Takes notes. It never waits and never fails.
pub struct FlightRecorder {
    is_on: bool,
    queue: mpsc::Sender<Note>,
    lost: AtomicU32,
    readers: Mutex<HashMap<Source, Reader>>,
}

/// Somebody who read the metadata, and of whom nothing else is known.
struct Reader {
    connection: String,
    at: Timestamp,
}

/// A step on its way into the store.
pub struct Note {
    link: Link,
    step: ConnectionStep,
}

/// How its attempt is found.
enum Link {
    /// It is named.
    Named,
    /// Named, and it may have begun as one of these.
    From(Vec<String>),
    /// It is the attempt that this grant came of.
    Grant,
    /// It is the attempt that this authorization code came of, if there is such a code.
    Code(HashedSecret),
}

impl FlightRecorder {
    /// A recorder, and the other end of its queue; one that is not on takes nothing.
    pub fn new(is_on: bool) -> (Self, mpsc::Receiver<Note>) {
        let (queue, notes) = mpsc::channel(QUEUE);
        (Self { is_on, queue, lost: AtomicU32::new(0), readers: Mutex::default() }, notes)
    }

    fn note(&self, link: Link, step: ConnectionStep) {
        if self.is_on && self.queue.try_send(Note { link, step }).is_err() {
            self.lose();
        }
    }

    fn lose(&self) {
        self.lost.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |lost| Some(lost.saturating_add(1))).ok();
    }

    /// How many steps found no room since this was asked last.
    pub fn take_lost(&self) -> u32 {
        self.lost.swap(0, Ordering::Relaxed)
    }

    /// The attempt of this reader; a new one when it read long ago, with the word that it is new.
    fn reader(&self, source: Source, now: Timestamp) -> Option<(String, bool)> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |reader: &Reader| now.since(reader.at) < READER_STAYS;
        if let Some(reader) = readers.get(&source).filter(|reader| is_recent(reader)) {
            return Some((reader.connection.clone(), false));
        }
        if readers.len() >= MOST_READERS {
            readers.retain(|_, reader| is_recent(reader));
        }
        if readers.len() >= MOST_READERS {
            return None;
        }
        let connection = new_connection();
        readers.insert(source, Reader { connection: connection.clone(), at: now });
        Some((connection, true))
    }

    /// The attempt of whoever read the metadata from there and has done nothing else since.
    fn take_reader(&self, source: Source, now: Timestamp) -> Option<String> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.remove(&source).filter(|reader| now.since(reader.at) < READER_STAYS).map(|reader| reader.connection)
    }
}

fn new_connection() -> String {
    random_base62(12)
}

/// The attempt of a transaction or a device: the beginning of a hash, which finds it and gives nothing away.
fn connection_of(hash: &HashedSecret) -> String {
    hash.as_bytes().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// A text of a stranger, as short as is useful.
fn plain(text: &str) -> String {
    text.chars().take(LONGEST).map(printable).collect()
}

/// Nothing that could take over a terminal, or make a line read otherwise than it was written.
pub fn printable(c: char) -> char {
    if is_deceptive(c) { char::REPLACEMENT_CHARACTER } else { c }
}

fn step(app: &App, request: &HttpRequest, connection: String, what: Step) -> ConnectionStep {
    let source = app.config.trusted_proxies.source_of(request).map(network);
    ConnectionStep { source, ..ConnectionStep::new(name(), connection, app.clock.now(), what.as_str()) }
}

/// What a stranger causes is kept only as often as one source may cause it.
fn of_stranger(app: &App, request: &HttpRequest, link: Link, step: ConnectionStep) {
    match app.limits.steps.count(source(app, request)) {
        Ok(()) => app.recorder.note(link, step),
        Err(_) => app.recorder.lose(),
    }
}

fn source(app: &App, request: &HttpRequest) -> Source {
    Source::of(request, &app.config)
}

/// The metadata was read: once for each reader.
pub fn metadata_read(app: &App, request: &HttpRequest) {
    if let Some((connection, true)) = app.recorder.reader(source(app, request), app.clock.now()) {
        of_stranger(app, request, Link::Named, step(app, request, connection, Step::MetadataRead));
    }
}

/// A client registered.
pub fn registered(app: &App, request: &HttpRequest, client_id: &ClientId) {
    let reader = app.recorder.take_reader(source(app, request), app.clock.now());
    let registered = step(app, request, reader.unwrap_or_else(new_connection), Step::Registered);
    of_stranger(app, request, Link::Named, ConnectionStep { client_id: Some(client_id.to_string()), ..registered });
}

/// A client was not registered.
pub fn registration_refused(app: &App, request: &HttpRequest, error: &OAuthError) {
    let reader = app.recorder.take_reader(source(app, request), app.clock.now());
    let refused = step(app, request, reader.unwrap_or_else(new_connection), Step::RegistrationRefused);
    of_stranger(app, request, Link::Named, ConnectionStep { detail: Some(reason(error)), ..refused });
}

/// A device got its codes.
pub fn device_asked(app: &App, request: &HttpRequest, device: &DeviceAuthorization) {
    let asked = ConnectionStep {
        client_id: Some(device.client_id.to_string()),
        resource: Some(device.resource.to_string()),
        ..step(app, request, connection_of(&device.hash), Step::DeviceAsked)
    };
    of_stranger(app, request, Link::From(Vec::new()), asked);
}

/// A browser came with a request that can be granted.
pub fn asked(app: &App, request: &HttpRequest, pending: &PendingAuthorization) {
    let asked = &pending.request;
    let mut beginnings = Vec::new();
    if let AnswerTo::Device(answer) = &asked.answer_to {
        beginnings.push(connection_of(&answer.device));
    }
    beginnings.extend(app.recorder.take_reader(source(app, request), pending.created_at));
    let detail = match Destination::from(&asked.answer_to) {
        Destination::Website { host } => format!("answer to {host}"),
        Destination::ThisComputer { host, port } => format!("answer to {host}, port {port}"),
        Destination::Program { scheme } => format!("answer to {scheme}:"),
        Destination::Device { .. } => "for a device".to_owned(),
    };
    let asked = ConnectionStep {
        client_id: Some(asked.client_id.to_string()),
        resource: Some(asked.resource.to_string()),
        detail: Some(plain(&detail)),
        ..step(app, request, connection_of(&pending.hash), Step::Asked)
    };
    of_stranger(app, request, Link::From(beginnings), asked);
}

/// A browser came with one that cannot be granted.
pub fn request_refused(app: &App, request: &HttpRequest, client_id: Option<&str>, why: &str) {
    let refused = step(app, request, new_connection(), Step::RequestRefused);
    let (client_id, detail) = (client_id.map(plain), Some(plain(why)));
    of_stranger(app, request, Link::From(Vec::new()), ConnectionStep { client_id, detail, ..refused });
}

/// The browser is on its way to an OpenID provider.
pub fn sent_to_provider(app: &App, request: &HttpRequest, transaction: &Secret, provider: &str) {
    let sent = step(app, request, connection_of(&transaction.hash()), Step::SentToProvider);
    of_stranger(app, request, Link::Named, ConnectionStep { detail: Some(provider.to_owned()), ..sent });
}

/// The provider could not be asked, or what it said signs nobody in.
pub fn provider_failed(app: &App, request: &HttpRequest, next: &Next, why: &str) {
    if let Next::Consent(transaction) = next {
        failed(app, request, transaction, Step::ProviderFailed, why);
    }
}

/// A password was wrong, or what stands in its place, which is then named.
pub fn sign_in_failed(app: &App, request: &HttpRequest, next: &Next, how: &str) {
    if let Next::Consent(transaction) = next {
        failed(app, request, transaction, Step::SignInFailed, how);
    }
}

/// So was what was asked for besides.
pub fn second_step_failed(app: &App, request: &HttpRequest, next: &Next, how: &str) {
    if let Next::Consent(transaction) = next {
        failed(app, request, transaction, Step::SecondStepFailed, how);
    }
}

fn failed(app: &App, request: &HttpRequest, transaction: &Secret, what: Step, how: &str) {
    let failed = step(app, request, connection_of(&transaction.hash()), what);
    of_stranger(app, request, Link::Named, ConnectionStep { detail: Some(plain(how)), ..failed });
}

/// Somebody signed in for a request that waits; nobody yet, as long as a second step is left.
pub fn signed_in(app: &App, request: &HttpRequest, transaction: &Secret, user_id: Option<&UserId>) {
    let connection = connection_of(&transaction.hash());
    match user_id {
        Some(user_id) => {
            let signed_in = step(app, request, connection, Step::SignedIn);
            app.recorder.note(Link::Named, ConnectionStep { user_id: Some(user_id.to_string()), ..signed_in });
        }
        None => of_stranger(app, request, Link::Named, step(app, request, connection, Step::SecondStepAsked)),
    }
}

/// Somebody sees the question.
pub fn consent_shown(app: &App, request: &HttpRequest, pending: &PendingAuthorization, user_id: &UserId) {
    let shown = step(app, request, connection_of(&pending.hash), Step::ConsentShown);
    let user_id = Some(user_id.to_string());
    // Opened again and again, it counts like what strangers do.
    of_stranger(app, request, Link::Named, ConnectionStep { user_id, ..shown });
}

/// They answered it.
pub fn decided(
    app: &App,
    request: &HttpRequest,
    pending: &PendingAuthorization,
    user_id: &UserId,
    grant: Option<&Grant>,
) {
    let what = if grant.is_some() { Step::Allowed } else { Step::Denied };
    let decided = ConnectionStep {
        client_id: Some(pending.request.client_id.to_string()),
        user_id: Some(user_id.to_string()),
        resource: Some(pending.request.resource.to_string()),
        grant_id: grant.map(|grant| grant.id.to_string()),
        detail: grant.map(|grant| grant.scope.to_string()),
        ..step(app, request, connection_of(&pending.hash), what)
    };
    app.recorder.note(Link::Named, decided);
}

/// The client has its first token.
pub fn token_issued(app: &App, request: &HttpRequest, grant: &Grant) {
    let issued = ConnectionStep {
        client_id: Some(grant.client_id.to_string()),
        user_id: grant.user_id.as_ref().map(ToString::to_string),
        resource: Some(grant.resource.to_string()),
        grant_id: Some(grant.id.to_string()),
        ..step(app, request, String::new(), Step::TokenIssued)
    };
    app.recorder.note(Link::Grant, issued);
}

/// The client came with its code and got none.
pub fn token_refused(app: &App, request: &HttpRequest, code: &HashedSecret, error: &OAuthError) {
    let refused = step(app, request, String::new(), Step::TokenRefused);
    of_stranger(app, request, Link::Code(*code), ConnectionStep { detail: Some(reason(error)), ..refused });
}

/// The code of the RFC and the exact reason, which is for the operator.
fn reason(error: &OAuthError) -> String {
    plain(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_000_000 + seconds)
    }

    fn ip(number: u32) -> Source {
        Source::of_address(std::net::IpAddr::from(number.to_be_bytes()))
    }

    #[test]
    fn a_reader_is_noted_once_and_begins_one_attempt() {
        let (recorder, _notes) = FlightRecorder::new(true);
        let (first, is_new) = recorder.reader(ip(1), at(0)).expect("there is room");
        assert!(is_new);
        assert_eq!(recorder.reader(ip(1), at(599)), Some((first.clone(), false)));
        assert_ne!(recorder.reader(ip(2), at(0)).expect("there is room").0, first);
        assert_eq!(recorder.take_reader(ip(1), at(599)), Some(first));
        assert_eq!(recorder.take_reader(ip(1), at(599)), None);
        assert_eq!(recorder.take_reader(ip(2), at(600)), None, "that was long ago");
        // Whoever changes the address within their network from one request to the next is one reader.
        let v6 = |address: &str| Source::of_address(address.parse().expect("an address"));
        let (first, _) = recorder.reader(v6("2001:db8::1"), at(0)).expect("there is room");
        assert_eq!(recorder.reader(v6("2001:db8::2"), at(1)), Some((first, false)));
        assert!(recorder.reader(v6("2001:db8:0:1::1"), at(1)).expect("there is room").1);
    }

    #[test]
    fn many_readers_cost_no_more_memory_than_some() {
        let (recorder, _notes) = FlightRecorder::new(true);
        let room = u32::try_from(MOST_READERS).expect("few");
        for number in 0..room {
            assert!(recorder.reader(ip(number), at(0)).is_some());
        }
        assert_eq!(recorder.reader(ip(room), at(599)), None);
        assert!(recorder.reader(ip(room), at(600)).is_some(), "the others are forgotten");
        assert_eq!(recorder.readers.lock().expect("a lock").len(), 1);
    }

    #[test]
    fn whoever_notes_never_waits_and_what_found_no_room_is_counted() {
        let (recorder, mut notes) = FlightRecorder::new(true);
        let step = || ConnectionStep::new(name(), new_connection(), at(0), Step::Asked.as_str());
        for _ in 0..QUEUE + 3 {
            recorder.note(Link::Named, step());
        }
        assert_eq!((recorder.take_lost(), recorder.take_lost()), (3, 0));
        assert!(notes.try_recv().is_ok());
        recorder.note(Link::Named, step());
        assert_eq!(recorder.take_lost(), 0);
    }

    #[test]
    fn texts_of_strangers_are_short_and_take_over_no_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\n\0"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
        assert_eq!(plain("ok \u{202e}deined\u{2066}\u{200b}"), "ok \u{fffd}deined\u{fffd}\u{fffd}");
        assert_eq!(plain(&"ä".repeat(LONGEST + 1)).chars().count(), LONGEST);
    }
}
