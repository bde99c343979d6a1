//! Opening a database: what works, and how each thing that can be wrong is told, quickly and without the password.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use gatelodge_e2e::postgres;
use gatelodge_store::{DatabaseUrl, InvalidDatabaseUrl, PoolOptions, Store, StoreError, users};

use crate::support::{on_sqlite, runtime, user};

fn parse(url: &str) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
    url.parse()
}

fn open_error(url: &str) -> StoreError {
    let url = parse(url).expect("a URL");
    let begin = Instant::now();
    let error = runtime().block_on(Store::open(&url, PoolOptions::server(5))).err().expect("cannot be opened");
    assert!(begin.elapsed() < Duration::from_secs(5), "it took {:?} to say so", begin.elapsed());
    error
}

#[test]
fn only_urls_with_a_scheme_are_taken() {
    for text in
        ["", "host=db dbname=gatelodge password=hunter2", "gatelodge.db", "mysql://db/x", "sqlite:x.db", "postgres:x"]
    {
        let error = parse(text).expect_err(text);
        assert_eq!(error, InvalidDatabaseUrl::Scheme);
        assert!(error.to_string().contains("sqlite://, postgres:// or postgresql://"));
    }
    for (text, expected) in [
        ("sqlite://", InvalidDatabaseUrl::NoPath),
        ("sqlite://data/", InvalidDatabaseUrl::NoPath),
        ("sqlite://:memory:", InvalidDatabaseUrl::InMemory),
        ("sqlite://a.db?mode=ro", InvalidDatabaseUrl::SqliteParameters),
    ] {
        assert_eq!(parse(text).expect_err(text), expected);
    }
    for good in [
        "sqlite://data/x.db",
        "sqlite:///var/x.db",
        "postgres://db/x",
        "postgresql:///x?host=/run/postgresql",
        "postgres://a:1,b:2/x",
    ] {
        assert!(parse(good).is_ok(), "{good}");
    }
}

#[test]
fn a_password_that_would_cut_the_url_is_refused() {
    for text in ["p@ss", "pa/ss", "pa?ss", "pa#ss", "pa%ss", "100%", "a@b/c"] {
        let error = parse(&format!("postgres://ada:{text}@db/x")).expect_err(text);
        assert_eq!(error, InvalidDatabaseUrl::NotEscaped);
        assert!(!error.to_string().contains(text));
    }
    assert!(parse("postgres://ada:p%40ss@db/x").is_ok());
}

#[test]
fn the_password_of_the_url_is_never_shown() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).expect("binds").local_addr().expect("an address").port();
    for url in [
        format!("postgres://ada:hunter%32@127.0.0.1:{closed}/gatelodge?sslmode=disable"),
        format!("postgres://ada@127.0.0.1:{closed}/gatelodge?password=hunter2&sslpassword=hunter2"),
        format!("postgres://ada:hunter2@127.0.0.1:{closed}/gatelodge?hunter2=1"),
        "postgres://ada:hunter2@127.0.0.1:nonsense/gatelodge".to_owned(),
        "postgres://ada:hunter2@no-such-host.invalid/gatelodge".to_owned(),
    ] {
        let parsed = parse(&url).expect("a URL");
        let error = open_error(&url);
        for shown in [format!("{parsed}"), format!("{parsed:?}"), format!("{error}"), format!("{error:?}")] {
            assert!(!shown.contains("hunter"), "{shown}");
            assert!(!shown.contains("hunter%32"), "{shown}");
        }
        assert!(error.is_unavailable());
        assert!(parsed.to_string().starts_with("postgresql://ada@"), "{parsed}");
        assert!(parsed.to_string().ends_with("/gatelodge"), "{parsed}");
    }
}

#[test]
fn an_unreachable_postgresql_is_told_with_its_own_words() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).expect("binds").local_addr().expect("an address").port();
    let refused = open_error(&format!("postgres://ada@127.0.0.1:{closed}/gatelodge")).to_string();
    assert!(refused.contains("Connection refused") && refused.contains(&closed.to_string()), "{refused}");
    let unknown = open_error("postgres://ada@no-such-host.invalid/gatelodge").to_string();
    assert!(unknown.contains("no-such-host.invalid"), "{unknown}");
    // A server that takes the connection and says nothing.
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("binds");
    let port = silent.local_addr().expect("an address").port();
    let timeout = open_error(&format!("postgres://ada@127.0.0.1:{port}/gatelodge")).to_string();
    assert!(timeout.contains("timeout expired"), "{timeout}");
}

#[test]
fn a_missing_database_or_user_is_told_with_the_servers_words() {
    let Some(postgres) = postgres::for_test("opening::a_missing_database_or_user_is_told") else { return };
    let url = postgres.fresh_database();
    let (server, _) = url.rsplit_once('/').expect("a path");
    let error = open_error(&format!("{server}/no_such_database")).to_string();
    assert!(error.contains("database \"no_such_database\" does not exist"), "{error}");
}

#[test]
fn a_bad_path_is_told_with_the_path() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    std::fs::write(path.join("file"), "x").expect("writes");
    std::fs::write(path.join("no-database"), "not a database, though long enough to look at").expect("writes");
    std::fs::create_dir(path.join("folder")).expect("makes");
    for (name, says) in [("file/x.db", "file"), ("folder", "folder"), ("no-database", "not a database")] {
        let error = open_error(&format!("sqlite://{}/{name}", path.display())).to_string();
        assert!(error.contains(says) && error.contains(&path.display().to_string()), "{error}");
    }
    let error = open_error("sqlite:///proc/gatelodge/x.db").to_string();
    assert!(error.contains("/proc/gatelodge"), "{error}");
}

#[test]
fn sqlite_a_new_file_is_private_and_its_directory_is_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a/b/gatelodge.db");
    runtime().block_on(async {
        let url = parse(&format!("sqlite://{}", path.display())).expect("a URL");
        let store = Store::open(&url, PoolOptions::server(2)).await.expect("opens");
        store.write(|tx| users::insert(tx, &user("ada"))).await.expect("writes");
        let mode = |file: &std::path::Path| file.metadata().expect("is there").permissions().mode() & 0o777;
        for extension in ["db", "db-wal", "db-shm", "db.lock"] {
            assert_eq!(mode(&path.with_extension(extension)), 0o600, "{extension}");
        }
        assert_eq!(mode(path.parent().expect("a directory")), 0o700);
    });
}

#[test]
fn sqlite_a_second_server_is_refused_and_a_command_is_not() {
    on_sqlite(async |database| {
        let url = database.database_url();
        let second = Store::open(&url, PoolOptions::server(2)).await.err().expect("refused");
        assert!(matches!(second, StoreError::InUse(_)), "{second:?}");
        assert!(!second.is_unavailable());
        assert!(second.to_string().contains("in use by another gatelodge server"), "{second}");
        Store::open(&url, PoolOptions::command()).await.expect("a command opens it");
        // A clone keeps the file, the last one gives it up.
        let clone = database.store.clone();
        drop(database.store);
        assert!(Store::open(&url, PoolOptions::server(2)).await.is_err());
        drop(clone);
        Store::open(&url, PoolOptions::server(2)).await.expect("the first is gone");
    });
}

#[test]
fn postgres_a_second_server_is_welcome() {
    let Some(postgres) = postgres::for_test("opening::postgres_a_second_server_is_welcome") else { return };
    let url = parse(&postgres.fresh_database()).expect("a URL");
    runtime().block_on(async {
        let first = Store::open(&url, PoolOptions::server(2)).await.expect("opens");
        let second = Store::open(&url, PoolOptions::server(2)).await.expect("opens");
        first.write(|tx| users::insert(tx, &user("ada"))).await.expect("writes");
        assert_eq!(second.read(users::list).await.expect("reads").len(), 1);
    });
}
