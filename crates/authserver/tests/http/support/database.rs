//! A database for one test, with people in it, and a look into it past the server, as an operator has with a SQL shell.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::sync::OnceLock;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::rt::task::JoinHandle;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection, sql_query};
use gatelodge::config::Config;
use gatelodge::login::password;
use gatelodge_e2e::postgres;
use gatelodge_oauth::client::Client;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::users::{self, User};
use gatelodge_store::{PoolOptions, Store, clients};

use super::{A_MOMENT, PASSWORD};

/// A database with the servers that run on it.
pub struct Database {
    pub url: String,
    servers: RefCell<Vec<(ServerHandle, JoinHandle<io::Result<()>>)>>,
    _directory: Option<tempfile::TempDir>,
}

pub fn on_sqlite(test: impl AsyncFnOnce(&Database)) {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite://{}/gatelodge.db", directory.path().display());
    run(Database { url, servers: RefCell::default(), _directory: Some(directory) }, test);
}

pub fn on_postgres(name: &str, test: impl AsyncFnOnce(&Database)) {
    let Some(server) = postgres::for_test(name) else { return };
    run(Database::at(server.fresh_database()), test);
}

pub fn run(database: Database, test: impl AsyncFnOnce(&Database)) {
    System::new().block_on(async {
        test(&database).await;
        database.stop_servers().await;
    });
}

impl Database {
    pub fn at(url: String) -> Self {
        Self { url, servers: RefCell::default(), _directory: None }
    }

    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite://")
    }

    pub(super) fn stop_at_the_end(&self, handle: ServerHandle, ended: JoinHandle<io::Result<()>>) {
        self.servers.borrow_mut().push((handle, ended));
    }

    /// Stops every server, and waits until the next one may have the database.
    pub async fn stop_servers(&self) {
        for (handle, ended) in self.servers.take() {
            handle.stop(false).await;
            ended.await.expect("the server does not panic").expect("the server ends well");
        }
        // A statement that had begun outlives its server by a moment, and holds the file.
        while !self.is_free() {
            actix_web::rt::time::sleep(A_MOMENT).await;
        }
    }

    /// Whether no server holds the lock of a SQLite file.
    fn is_free(&self) -> bool {
        let Some(path) = self.url.strip_prefix("sqlite://") else { return true };
        let Ok(lock) = File::open(format!("{path}.lock")) else { return true };
        let is_free = lock.try_lock().is_ok();
        // Not left to the end of the file: a program that another test starts right now has it open too.
        lock.unlock().expect("unlocked");
        is_free
    }

    /// Everybody who may sign in, and `carol`, who may not any more.
    pub(super) async fn add_people(&self, config: &Config) {
        let store = Store::open(&config.database, PoolOptions::command()).await.expect("the database opens");
        let at = Timestamp::from_unix(1_700_000_000);
        for (username, disabled_at) in [("ada", None), ("bob", None), ("carol", Some(at))] {
            let password_hash = Some(password_hash());
            let username = username.to_owned();
            let user =
                User { id: UserId::generate(), username, password_hash, created_at: at, disabled_at, is_admin: false };
            store.write(move |tx| users::insert(tx, &user)).await.expect("a user is added, or is there already");
        }
    }

    /// A client as an operator adds one.
    pub async fn add_client(&self, client: Client) {
        let url = self.url.parse().expect("a URL");
        let store = Store::open(&url, PoolOptions::command()).await.expect("the database opens");
        store.write(move |tx| clients::insert(tx, &client)).await.expect("a client is added");
    }

    /// SQL that the server itself would never run.
    pub fn execute(&self, sql: &str) {
        match self.connect() {
            Opened::Sqlite(mut connection) => connection.batch_execute(sql),
            Opened::Postgres(mut connection) => connection.batch_execute(sql),
        }
        .expect("the SQL is right");
    }

    /// Keeps every other writer of a SQLite file waiting until the connection is dropped.
    pub fn hold_the_only_writer(&self) -> SqliteConnection {
        let Opened::Sqlite(mut connection) = self.connect() else { panic!("{} is no SQLite file", self.url) };
        connection.batch_execute("BEGIN IMMEDIATE").expect("nobody else writes now");
        connection
    }

    /// The same SQL in a transaction of its own, on PostgreSQL, which is not committed yet.
    pub fn begin(&self, sql: &str) -> Unfinished {
        let Opened::Postgres(mut connection) = self.connect() else { panic!("{} has one writer at a time", self.url) };
        connection.batch_execute(&format!("BEGIN; {sql}")).expect("the SQL is right");
        Unfinished { connection, last: "" }
    }

    /// How many rows; `of` is a table, with a condition if need be.
    pub fn count(&self, of: &str) -> i64 {
        self.connect().count(of)
    }

    /// Everything that a refused request must leave as it is.
    pub fn facts(&self) -> Vec<(&'static str, i64)> {
        let mut connection = self.connect();
        [
            "pending_authorizations",
            "browser_sessions",
            "browser_sessions WHERE user_id IS NOT NULL",
            "grants",
            "grants WHERE revoked_at IS NOT NULL",
            "authorization_codes",
            "authorization_codes WHERE consumed_at IS NOT NULL",
            "refresh_tokens",
            "refresh_tokens WHERE spent_at IS NOT NULL",
            "pushed_authorization_requests",
            "device_authorizations",
            "device_authorizations WHERE grant_id IS NOT NULL OR denied_at IS NOT NULL",
            "clients",
            "totp_secrets",
            "recovery_codes",
            "second_steps",
            "passkeys",
            "passkey_ceremonies",
        ]
        .map(|of| (of, connection.count(of)))
        .into()
    }

    fn connect(&self) -> Opened {
        match self.url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).expect("the database opens");
                connection.batch_execute("PRAGMA busy_timeout = 10000").expect("a pragma");
                Opened::Sqlite(connection)
            }
            None => Opened::Postgres(PgConnection::establish(&self.url).expect("the database answers")),
        }
    }
}

/// A change that nobody else sees yet.
pub struct Unfinished {
    connection: PgConnection,
    last: &'static str,
}

impl Unfinished {
    /// With this as its last statement, which runs when somebody waits already.
    pub fn ending_with(self, last: &'static str) -> Self {
        Self { last, ..self }
    }

    /// Does something meanwhile, which has to wait for this change, and finishes the change then.
    pub async fn while_waited_for<T>(mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        while !self.is_waited_for() {
            let done = actix_web::rt::time::timeout(A_MOMENT, &mut work).await;
            assert!(done.is_err(), "nobody waited for the change");
        }
        self.connection.batch_execute(&format!("{}; COMMIT", self.last)).expect("commits");
        work.await
    }

    fn is_waited_for(&mut self) -> bool {
        let blocked = "pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
        let query = sql_query(format!("SELECT count(*) AS number FROM {blocked}"));
        query.get_result::<Number>(&mut self.connection).expect("the SQL is right").number > 0
    }
}

/// Of the one password that everybody has; made once.
pub(super) fn password_hash() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| password::hash(PASSWORD).expect("a hash")).clone()
}

enum Opened {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Opened {
    fn count(&mut self, of: &str) -> i64 {
        let query = sql_query(format!("SELECT count(*) AS number FROM {of}"));
        let number: Number = match self {
            Opened::Sqlite(connection) => query.get_result(connection),
            Opened::Postgres(connection) => query.get_result(connection),
        }
        .expect("the SQL is right");
        number.number
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}
