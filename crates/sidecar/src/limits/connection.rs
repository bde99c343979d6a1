//! One connection of a client: whether it may come, and when it has held its place for nothing too long.
//!
//! actix-web times the head of the first request and the silence between requests. It does not time a head that drips after the first,
//! the rest of a body that nobody wants any more, or a reader that stands still: these end here. `app.rs` registers
//! [`Connections::arrive`]; the middleware in `mod.rs` tells when a request begins and when its answer was handed over.

use std::any::Any;
use std::cell::Cell;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use gatelodge_service::http::KEEP_ALIVE;
use gatelodge_service::http::source::{TrustedProxies, subscriber};
use rustix::net::sockopt::set_socket_linger;
use rustix::net::{Shutdown, shutdown};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::places::{Full, Place, Places};
use crate::config::Limits;

/// Whoever is turned away does not fill the log.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Who may connect; shared by all workers.
pub struct Connections {
    places: Arc<Places<IpAddr>>,
    trusted_proxies: TrustedProxies,
    times: Times,
    told: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    /// Without a request: the framework's own time between two, and one head.
    idle: Duration,
    /// Without taking the next part of an answer.
    stalled: Duration,
}

impl Connections {
    /// None yet.
    pub fn new(limits: &Limits, trusted_proxies: TrustedProxies) -> Self {
        Self {
            places: Arc::new(Places::new(limits.connections, limits.connections_per_source)),
            trusted_proxies,
            times: Times { idle: KEEP_ALIVE + limits.head_timeout, stalled: limits.stalled_reader_timeout },
            told: Mutex::default(),
        }
    }

    /// For `HttpServer::on_connect`: keeps the connection, or closes it at once.
    pub fn arrive(&self, io: &dyn Any, data: &mut Extensions) {
        let Some(stream) = io.downcast_ref::<TcpStream>() else { return };
        match self.admit(stream) {
            Some(connection) => drop(data.insert(connection)),
            // The framework reads its end and forgets it.
            None => drop(shutdown(stream, Shutdown::Both)),
        }
    }

    fn admit(&self, stream: &TcpStream) -> Option<Rc<Connection>> {
        let peer = stream.peer_addr().ok()?.ip().to_canonical();
        // Behind a proxy of ours stand many.
        let holder = (!self.trusted_proxies.contain(peer)).then(|| subscriber(peer));
        let place = self.places.take(holder).inspect_err(|full| self.tell(*full, peer)).ok()?;
        let socket = stream.as_fd().try_clone_to_owned().ok()?;
        Some(Connection::new(socket, place, self.times))
    }

    fn tell(&self, full: Full, peer: IpAddr) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|when| when.elapsed() < TELL_EVERY) {
            return;
        }
        *told = Some(Instant::now());
        match full {
            Full::All => tracing::warn!("limits.connections is reached; further connections are closed"),
            Full::Holder => tracing::warn!(
                %peer,
                "limits.connections_per_source is reached; if this is a proxy of yours, name it in trusted_proxies"
            ),
        }
    }
}

/// One connection that was let in.
#[derive(Debug)]
pub struct Connection {
    /// A second handle on the socket, to end it from outside of the framework.
    socket: OwnedFd,
    requests: Cell<usize>,
    idle_since: Cell<Instant>,
    stalled_since: Cell<Option<Instant>>,
    is_over: Cell<bool>,
    watch: JoinHandle<()>,
    _place: Place<IpAddr>,
}

impl Connection {
    fn new(socket: OwnedFd, place: Place<IpAddr>, times: Times) -> Rc<Self> {
        Rc::new_cyclic(|connection| Self {
            socket,
            requests: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            stalled_since: Cell::new(None),
            is_over: Cell::new(false),
            watch: actix_web::rt::spawn(watch(Weak::clone(connection), times)),
            _place: place,
        })
    }

    fn due(&self, times: Times) -> Option<Instant> {
        match self.requests.get() {
            0 => Some(self.idle_since.get() + times.idle),
            _ => self.stalled_since.get().map(|since| since + times.stalled),
        }
    }

    /// Nothing more is read; what was answered is still sent, and then the framework closes.
    fn stop_reading(&self) {
        shutdown(&self.socket, Shutdown::Read).ok();
    }

    /// Ends it without waiting for what was not sent yet.
    fn end(&self) {
        tracing::debug!("a connection that made no progress is closed");
        set_socket_linger(&self.socket, Some(Duration::ZERO)).ok();
        shutdown(&self.socket, Shutdown::Both).ok();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

async fn watch(connection: Weak<Connection>, times: Times) {
    loop {
        let now = Instant::now();
        let Some(due) = connection.upgrade().map(|connection| connection.due(times)) else { return };
        match due {
            Some(due) if due <= now => break,
            // Looked at again before: in the meantime a request may come and its reader stall.
            Some(due) => sleep((due - now).min(times.stalled)).await,
            None => sleep(times.stalled / 4).await,
        }
    }
    if let Some(connection) = connection.upgrade() {
        connection.end();
    }
}

/// A request on a connection, from its head to the end of its answer.
#[derive(Debug)]
pub struct UnderWay(Rc<Connection>);

impl UnderWay {
    /// One more request. Never comes back when the one before was the last (RFC 9112 §9.6): the framework has read some ahead.
    pub async fn on(connection: &Rc<Connection>) -> Self {
        if connection.is_over.get() {
            connection.stop_reading();
            std::future::pending::<()>().await;
        }
        connection.requests.set(connection.requests.get() + 1);
        Self(Rc::clone(connection))
    }

    /// The connection ends with the answer to this request.
    pub fn is_the_last(&self) {
        self.0.is_over.set(true);
    }

    /// And nobody waits for the rest of its body, however long the client goes on.
    pub fn gave_up(&self) {
        self.is_the_last();
        self.0.stop_reading();
    }

    /// The framework has a part of the answer; it asks for the next when the client has taken most of it.
    pub fn handed_over(&self) {
        self.0.stalled_since.set(Some(Instant::now()));
    }

    /// The framework asks for the next part.
    pub fn asked(&self) {
        self.0.stalled_since.set(None);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.asked();
        self.0.requests.set(self.0.requests.get() - 1);
        self.0.idle_since.set(Instant::now());
    }
}
