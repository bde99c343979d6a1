//! A fresh database per test, the macro that runs a test on both kinds, and sample rows.

use std::future::Future;
use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use gatelodge_e2e::postgres;
use gatelodge_oauth::authorization_request::{AnswerTo, AuthorizationRequest, ClientAnswer};
use gatelodge_oauth::client::{Client, ClientId, Registration, TokenEndpointAuthMethod};
use gatelodge_oauth::grant::authorization_code::AuthorizationCode;
use gatelodge_oauth::grant::device_code::{DeviceAuthorization, POLL_INTERVAL, UserCode};
use gatelodge_oauth::grant::refresh_token::RefreshToken;
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::pkce::CodeChallenge;
use gatelodge_oauth::prompt::SignIn;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::secret::{HashedSecret, Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::browser_sessions::BrowserSession;
use gatelodge_store::pending_authorizations::PendingAuthorization;
use gatelodge_store::pushed_authorization_requests::PushedAuthorizationRequest;
use gatelodge_store::users::User;
use gatelodge_store::{DatabaseUrl, PoolOptions, Store, StoreError, Tx, grants, users};

/// A store on a database of its own.
pub struct TestDatabase {
    pub store: Store,
    /// Where it is, for a second store or for SQL past the store.
    pub url: String,
    _directory: Option<tempfile::TempDir>,
}

impl TestDatabase {
    /// SQL that the store itself would never run.
    pub fn execute(&self, sql: &str) {
        match self.sqlite_path() {
            // Foreign keys are checked as the store checks them; SQLite has to be asked.
            Some(path) => SqliteConnection::establish(&path.to_string_lossy())
                .expect("opens")
                .batch_execute(&format!("PRAGMA foreign_keys = ON; {sql}")),
            None => PgConnection::establish(&self.url).expect("connects").batch_execute(sql),
        }
        .expect("the SQL is right");
    }

    /// How many rows `from` selects: a table and a condition.
    pub fn count(&self, from: &str) -> i64 {
        count(&self.url, from)
    }

    /// The file, when it is SQLite.
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        sqlite_path(&self.url)
    }

    pub fn database_url(&self) -> DatabaseUrl {
        self.url.parse().expect("a URL")
    }

    pub async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.write(work).await.expect("the write succeeds")
    }

    pub async fn read<T: Send + 'static>(&self, work: impl Fn(&mut Tx) -> Result<T, StoreError> + Send + 'static) -> T {
        self.store.read(work).await.expect("the read succeeds")
    }

    /// A user and a grant, for rows that refer to them.
    pub async fn grant(&self) -> Grant {
        let grant = grant();
        let id = grant.user_id.clone().expect("somebody approved it");
        let user = User { id: id.clone(), ..user(id.as_str()) };
        let stored = grant.clone();
        self.write(move |tx| {
            users::insert(tx, &user)?;
            grants::insert(tx, &stored)
        })
        .await;
        grant
    }
}

/// The same of the database at this URL.
pub fn count(url: &str, from: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = diesel::sql_query(format!("SELECT count(*) AS count FROM {from}"));
    let count: Result<Count, _> = match sqlite_path(url) {
        Some(path) => query.get_result(&mut SqliteConnection::establish(&path.to_string_lossy()).expect("opens")),
        None => query.get_result(&mut PgConnection::establish(url).expect("connects")),
    };
    count.expect("the SQL is right").count
}

fn sqlite_path(url: &str) -> Option<PathBuf> {
    url.strip_prefix("sqlite://").map(PathBuf::from)
}

pub fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(TestDatabase) -> F) {
    runtime().block_on(async {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite://{}/test.db", directory.path().display());
        test(open(url, Some(directory)).await).await;
    });
}

pub fn on_postgres<F: Future<Output = ()>>(name: &str, test: impl FnOnce(TestDatabase) -> F) {
    let Some(postgres) = postgres::for_test(name) else { return };
    runtime().block_on(async { test(open(postgres.fresh_database(), None).await).await });
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

async fn open(url: String, directory: Option<tempfile::TempDir>) -> TestDatabase {
    let options = PoolOptions::server(10);
    let store = Store::open(&url.parse().expect("a URL"), options).await.expect("opens");
    TestDatabase { store, url, _directory: directory }
}

/// Two tests from each `async fn(TestDatabase)`: `sqlite::<name>` and `postgres::<name>`.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { crate::support::on_sqlite(super::$name) })+
        }
        mod postgres {
            $(#[test] fn $name() {
                let name = concat!(module_path!(), "::", stringify!($name));
                crate::support::on_postgres(name, super::$name)
            })+
        }
    };
}
pub(crate) use on_both_databases;

pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_700_000_000 + seconds)
}

pub fn hash(kind: Kind) -> HashedSecret {
    Secret::generate(kind).hash()
}

pub fn user(username: &str) -> User {
    User {
        id: UserId::generate(),
        username: username.to_owned(),
        password_hash: Some("$argon2id$x".to_owned()),
        created_at: at(0),
        disabled_at: None,
        is_admin: false,
    }
}

pub fn client() -> Client {
    Client {
        name: Some("Zoë's \"client\" 🦀 '; DROP TABLE clients; --".to_owned()),
        redirect_uris: vec!["http://127.0.0.1/cb".to_owned(), "https://client.example/a b,c".to_owned()],
        auth_methods: vec![TokenEndpointAuthMethod::ClientSecretBasic],
        secret: Some(hash(Kind::ClientSecret)),
        ..Client::new(ClientId::generate(), Registration::Dynamic, at(1))
    }
}

pub fn session() -> BrowserSession {
    BrowserSession {
        hash: hash(Kind::BrowserSession),
        user_id: None,
        created_at: at(0),
        authenticated_at: None,
        last_seen_at: at(0),
        expires_at: at(600),
    }
}

pub fn pending(browser_session: HashedSecret) -> PendingAuthorization {
    PendingAuthorization {
        hash: hash(Kind::Transaction),
        browser_session,
        began_in: Some(browser_session),
        request: request(),
        created_at: at(0),
        expires_at: at(600),
    }
}

fn request() -> AuthorizationRequest {
    // The only other way to a redirect target is the validator; the store reads it back like this too.
    let redirect_uri = serde_json::from_str("\"https://client.example/cb\"").expect("a redirect target");
    AuthorizationRequest {
        client_id: ClientId::generate(),
        scope: "mcp:use notes:write".parse().expect("a scope"),
        resource: resource(),
        sign_in: SignIn {
            again: true,
            consent: true,
            max_age: Some(60),
            hint: Some("zoë".to_owned()),
            ui_locales: Some("de en".to_owned()),
        },
        answer_to: AnswerTo::Client(ClientAnswer {
            client_name: None,
            redirect_uri,
            state: Some("st@te \u{1F511} \"'".to_owned()),
            code_challenge: challenge(),
            pushed: Some(hash(Kind::PushedRequest)),
        }),
    }
}

pub fn pushed_request() -> PushedAuthorizationRequest {
    PushedAuthorizationRequest {
        hash: hash(Kind::PushedRequest),
        client_id: ClientId::generate(),
        parameters: "state=x%26&resource=a&resource=b".to_owned(),
        created_at: at(0),
        expires_at: at(60),
    }
}

pub fn device(user_code: &str) -> DeviceAuthorization {
    DeviceAuthorization {
        hash: hash(Kind::DeviceCode),
        user_code: UserCode::parse(user_code).expect("a user code"),
        client_id: ClientId::generate(),
        resource: resource(),
        scope: "mcp:use".parse().expect("a scope"),
        created_at: at(0),
        expires_at: at(600),
        poll_interval: POLL_INTERVAL,
        last_polled_at: None,
        grant_id: None,
        denied_at: None,
        consumed_at: None,
    }
}

pub fn grant() -> Grant {
    Grant {
        id: GrantId::generate(),
        user_id: Some(UserId::generate()),
        client_id: ClientId::generate(),
        resource: resource(),
        scope: "mcp:use".parse().expect("a scope"),
        created_at: at(0),
        expires_at: at(9_000),
        revoked_at: None,
        auth_method: None,
        status_index: None,
        remembered_from: None,
        name: None,
    }
}

pub fn code(grant: &Grant) -> AuthorizationCode {
    AuthorizationCode {
        hash: hash(Kind::AuthorizationCode),
        grant_id: grant.id.clone(),
        client_id: grant.client_id.clone(),
        redirect_uri: "https://client.example/cb".to_owned(),
        code_challenge: challenge(),
        scope: grant.scope.clone(),
        resource: grant.resource.clone(),
        created_at: at(0),
        expires_at: at(60),
        consumed_at: None,
        failures: 0,
    }
}

pub fn refresh_token(grant: &Grant) -> RefreshToken {
    RefreshToken {
        hash: hash(Kind::RefreshToken),
        grant_id: grant.id.clone(),
        created_at: at(0),
        expires_at: at(600),
        spent_at: None,
        successor: None,
    }
}

fn resource() -> ResourceId {
    ResourceId::from_config("https://mcp.example.com/mcp").expect("a resource")
}

fn challenge() -> CodeChallenge {
    CodeChallenge::try_from(CHALLENGE.to_owned()).expect("a challenge")
}
