//! What every request of both binaries gets, and the times and limits that both keep.

pub mod health;
mod request;
pub mod source;

use std::time::Duration;

pub use request::{Requests, id_of_current};

/// For `HttpServer::keep_alive`: longer than the 60 s for which proxies keep idle connections.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// For `HttpServer::client_request_timeout`: how long the head of a request may take.
pub const CLIENT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// For `HttpServer::shutdown_timeout`: below the 10 s after which container runtimes kill.
pub const SHUTDOWN_SECONDS: u64 = 8;
