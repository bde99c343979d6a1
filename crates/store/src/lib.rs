//! PostgreSQL and SQLite behind one API. Nothing else in Gatelodge writes SQL; each table has one file, named as the table.
//!
//! A change of state is one guarded statement (`UPDATE … WHERE consumed_at IS NULL`), and no rows changed is an answer.
//! A request makes one [`Store::write`]; within it the functions of the tables compose.

// OpenSSL, which comes with the PostgreSQL client, is then built without its locks, and two connections made at the same
// time corrupt the memory. Linking the binary statically is enough, and does no harm.
#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
compile_error!(
    "leave +crt-static out of RUSTFLAGS; for a static binary: cargo rustc … -- -C target-feature=+crt-static"
);

use std::fs::File;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use diesel::r2d2::{HandleError, Pool, PooledConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

pub use connection::Tx;
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use error::StoreError;
pub use insertion::Insertion;
pub use sweep::{SweepReport, sweep};

use connection::{Access, Manager};
use database_url::Backend;
use write_queue::WriteQueue;

pub mod administration_links;
pub mod administration_sessions;
pub mod audit_events;
pub mod authorization_codes;
pub mod browser_sessions;
pub mod clients;
mod connection;
pub mod connection_steps;
mod database_url;
pub mod device_authorizations;
pub mod email_addresses;
pub mod email_codes;
mod error;
pub mod grants;
mod insertion;
pub mod known_sources;
mod migrate;
pub mod passkey_ceremonies;
pub mod passkeys;
pub mod password_links;
pub mod pending_authorizations;
pub mod pushed_authorization_requests;
pub mod recovery_codes;
pub mod refresh_tokens;
pub mod resource_tools;
mod row;
mod schema;
pub mod second_steps;
pub mod setup_links;
pub mod sign_in_failures;
pub mod signing_keys;
mod sqlite_file;
mod sweep;
pub mod totp_secrets;
pub mod upstream_identities;
pub mod upstream_sign_ins;
pub mod used_assertions;
pub mod users;
mod write_queue;

/// How long a request waits for a free connection.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(2);

/// How long a write waits for the writes before it, on SQLite.
const WAIT_FOR_TURN: Duration = Duration::from_secs(5);

/// How long [`Store::write_patiently`] waits for a database that is away. Clients give a token request ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// How much longer the answer to a COMMIT is waited for that was sent in time.
const LAST_COMMIT: Duration = Duration::from_millis(500);

/// The pauses meanwhile: the first, and what doubling it ends at.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// How often a transaction runs at most, when others get in its way or its connection breaks.
const ATTEMPTS: u32 = 5;

/// How the database is opened.
#[derive(Debug, Clone, Copy)]
pub struct PoolOptions {
    max_connections: u32,
    only_server: bool,
}

impl PoolOptions {
    /// For a server. It refuses to start on a SQLite file that another server uses.
    pub fn server(max_connections: u32) -> Self {
        Self { max_connections, only_server: true }
    }

    /// For a command that does one thing and ends, beside a running server or without one.
    pub fn command() -> Self {
        Self { max_connections: 1, only_server: false }
    }
}

/// The database. Clones share one pool.
#[derive(Clone)]
pub struct Store {
    pool: Pool<Manager>,
    /// One permit for each connection of the pool: who waits for one waits here, where it costs no thread.
    connections: Arc<Semaphore>,
    /// SQLite has one writer at a time and lets the others poll, the unlucky ones for seconds. Here they queue instead.
    queue: Option<Arc<WriteQueue>>,
    /// Held as long as any clone lives.
    _only_server: Option<Arc<File>>,
}

impl Store {
    /// Connects, brings the schema up to date, and fills the pool. Creates a SQLite file that does not exist yet.
    pub async fn open(url: &DatabaseUrl, options: PoolOptions) -> Result<Store, StoreError> {
        let url = url.clone();
        off_the_async_threads(move || Self::open_blocking(url, options)).await
    }

    fn open_blocking(url: DatabaseUrl, options: PoolOptions) -> Result<Store, StoreError> {
        let (mut queue, mut only_server) = (None, None);
        if let Backend::Sqlite(path) = &url.0 {
            queue = Some(Arc::default());
            sqlite_file::create(path)?;
            if options.only_server {
                only_server = Some(Arc::new(sqlite_file::lock(path)?));
            }
        }
        // One connection before the pool: the pool would try for seconds and say only that it timed out.
        migrate::run(&mut connection::connect(&url)?)?;
        let max_connections = options.max_connections.max(1);
        let pool = Pool::builder()
            .max_size(max_connections)
            .min_idle(Some(1))
            .connection_timeout(WAIT_FOR_CONNECTION)
            // Each BEGIN finds out by itself, without a question before it.
            .test_on_check_out(false)
            .error_handler(Box::new(LogErrors))
            .build_unchecked(Manager(url));
        let connections = Arc::new(Semaphore::new(max_connections as usize));
        Ok(Store { pool, connections, queue, _only_server: only_server })
    }

    /// Runs `work` on one snapshot of the database. A write in it is refused.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = self.connection_within(WAIT_FOR_CONNECTION).await?;
        let store = self.clone();
        off_the_async_threads(move || {
            let _permit = permit;
            store.run(Access::Read, &work)
        })
        .await
    }

    /// Runs `work` in one transaction: `Ok` commits, `Err` rolls back. A refusal by a rule of the protocol is an `Ok` value, so
    /// that what it changed (a revoked grant, a counted failure) stays. An `Err` of a table function is to be passed on:
    /// PostgreSQL has given the transaction up by then, and will not commit it.
    ///
    /// `work` may run up to five times: again when other transactions got in its way or the connection broke before the
    /// commit. So it is `Fn`, and does nothing but use its transaction. It is never run again once a commit was sent.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx) -> Result<T, StoreError> + Send + 'static,
    {
        self.write_waiting(WAIT_FOR_TURN, WAIT_FOR_CONNECTION, work).await
    }

    /// Like [`Store::write`], for a caller that must not be turned away: it waits eight seconds for a database that is away,
    /// and then only answers that it is. `work` is repeated after a commit whose result is unknown too, so it must recognise
    /// what it did before.
    pub async fn write_patiently<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        let deadline = Instant::now() + PATIENCE;
        let work = Arc::new(work);
        let (mut pause, longest) = PAUSES;
        loop {
            let again = work.clone();
            // Nothing is committed for somebody who has left.
            let in_time = move |tx: &mut Tx| match again(tx) {
                Ok(_) if Instant::now() >= deadline => Err(StoreError::Unavailable("it answers too late".into())),
                outcome => outcome,
            };
            let attempt = self.write_waiting(PATIENCE, PATIENCE, in_time);
            let outcome = tokio::time::timeout_at(deadline + LAST_COMMIT, attempt).await;
            let error = match outcome {
                Ok(Err(error)) if error.is_unavailable() => error,
                Ok(outcome) => return outcome,
                Err(_) => return Err(StoreError::CommitUnknown("it did not answer in time".into())),
            };
            if Instant::now() + pause >= deadline {
                return Err(error);
            }
            tracing::warn!(%error, "the database is waited for");
            tokio::time::sleep(pause).await;
            pause = longest.min(pause * 2);
        }
    }

    async fn write_waiting<T, F>(&self, turn: Duration, connection: Duration, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx) -> Result<T, StoreError> + Send + 'static,
    {
        if let Some(queue) = &self.queue {
            return write_queue::write(self, queue, turn, connection, work).await;
        }
        let permit = self.connection_within(connection).await?;
        let store = self.clone();
        off_the_async_threads(move || {
            // Kept to the end even when the caller goes away.
            let _kept = permit;
            store.run(Access::Write, &work)
        })
        .await
    }

    async fn connection_within(&self, patience: Duration) -> Result<OwnedSemaphorePermit, StoreError> {
        let permit = tokio::time::timeout(patience, self.connections.clone().acquire_owned()).await;
        permit
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| StoreError::Unavailable("every connection to the database is in use".into()))
    }

    fn run<T>(&self, access: Access, work: &dyn Fn(&mut Tx) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut attempt = 1;
        loop {
            match self.attempt(access, work) {
                Err(error) if error.may_be_tried_again() && attempt < ATTEMPTS => {
                    tracing::warn!(%error, attempt, "a transaction is tried again");
                    thread::sleep(Duration::from_millis(20) * attempt);
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn attempt<T>(&self, access: Access, work: &dyn Fn(&mut Tx) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut tx = self.begin(access)?;
        match work(&mut tx) {
            Ok(value) => match tx.commit(access) {
                Ok(()) => Ok(value),
                Err(StoreError::ConnectionLost(reason)) if access == Access::Write => {
                    Err(StoreError::CommitUnknown(reason))
                }
                Err(error) => Err(error),
            },
            Err(error) => {
                tx.roll_back();
                Err(error)
            }
        }
    }

    /// A transaction on a connection that is alive. After PostgreSQL was restarted every pooled connection is dead; the pool
    /// replaces those that failed to begin.
    fn begin(&self, access: Access) -> Result<PooledConnection<Manager>, StoreError> {
        let mut dead = 0;
        loop {
            let mut tx = self.pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))?;
            match tx.begin(access) {
                Ok(()) => return Ok(tx),
                Err(StoreError::ConnectionLost(_)) if dead < self.pool.max_size() => dead += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

/// Database calls block, so they never run on the threads that serve connections.
async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StoreError::Unavailable("the server is shutting down".into())),
        },
    }
}

/// Failures of the pool's own threads. The messages are ours, and free of passwords.
#[derive(Debug)]
struct LogErrors;

impl HandleError<StoreError> for LogErrors {
    fn handle_error(&self, error: StoreError) {
        tracing::warn!(%error, "a pooled database connection failed");
    }
}
