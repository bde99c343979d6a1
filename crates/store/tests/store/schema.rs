//! The two folders of migrations: same names, same schema, the same as in the code, and safe when servers start together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gatelodge_e2e::postgres::Postgres;
use gatelodge_oauth::grant::GrantId;
use gatelodge_store::{PoolOptions, Store, grants, users};

use crate::support::{TestDatabase, on_both_databases, user};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

on_both_databases!(
    the_schema_is_the_one_in_the_code,
    what_an_earlier_release_stored_is_kept,
    servers_may_start_together,
    opening_again_keeps_the_rows
);

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(database);
        let mut names: Vec<_> =
            std::fs::read_dir(folder).expect("is there").map(|entry| entry.expect("readable").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("postgres"), names("sqlite"));
    assert!(!names("postgres").is_empty());
}

/// `table.column` to its kind: one of text, integer, bytes; with ? when it may be null.
type Columns = BTreeMap<String, String>;

fn kind(column: &str, not_null: bool) -> String {
    let kind = match column.to_ascii_lowercase().as_str() {
        "text" => "text",
        // SQLite has no booleans; a check keeps the column to 0 and 1.
        "bigint" | "integer" | "boolean" | "bool" => "integer",
        "bytea" | "blob" | "binary" => "bytes",
        other => panic!("a column type that does not exist on both databases: {other}"),
    };
    format!("{kind}{}", if not_null { "" } else { "?" })
}

#[derive(QueryableByName)]
struct SqliteColumn {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    column_type: String,
    #[diesel(sql_type = Bool)]
    not_null: bool,
}

fn columns(database: &TestDatabase) -> Columns {
    match database.sqlite_path() {
        Some(path) => {
            let mut connection = SqliteConnection::establish(&path.to_string_lossy()).expect("opens");
            let rows: Vec<SqliteColumn> = diesel::sql_query(
                "SELECT m.name || '.' || c.name AS name, c.type AS column_type, c.\"notnull\" AS not_null \
                 FROM sqlite_schema m, pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'",
            )
            .load(&mut connection)
            .expect("lists");
            rows.into_iter().map(|row| (row.name, kind(&row.column_type, row.not_null))).collect()
        }
        None => Postgres::shared()
            .expect("this test runs on it")
            .psql(
                &database.url,
                "SELECT table_name || '.' || column_name, data_type, is_nullable FROM information_schema.columns \
                 WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'",
            )
            .lines()
            .map(|line| {
                let [name, data_type, nullable] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
                (name.to_owned(), kind(data_type, nullable == "NO"))
            })
            .collect(),
    }
}

/// The file of the code, read as text: both databases are compared with it, and so with each other.
fn columns_in_the_code() -> Columns {
    let source = include_str!("../../src/schema.rs");
    let mut columns = Columns::new();
    let mut table = "";
    for line in source.lines().map(str::trim) {
        if let Some((name, rest)) = line.split_once(" (")
            && rest.ends_with(") {")
        {
            table = name;
        } else if let Some((column, column_type)) = line.split_once(" -> ") {
            let column_type = column_type.trim_end_matches(',');
            let inner = column_type.strip_prefix("Nullable<").and_then(|rest| rest.strip_suffix('>'));
            columns.insert(format!("{table}.{column}"), kind(inner.unwrap_or(column_type), inner.is_none()));
        }
    }
    columns
}

async fn the_schema_is_the_one_in_the_code(database: TestDatabase) {
    let in_the_code = columns_in_the_code();
    assert!(in_the_code.len() > 40);
    assert_eq!(columns(&database), in_the_code);
    // Every index exists on both, too.
    assert_eq!(indexes("sqlite"), indexes("postgres"));
}

fn indexes(database: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(database);
    let migrations = std::fs::read_dir(folder).expect("is there").map(|entry| entry.expect("readable").path());
    let sql: String =
        migrations.map(|migration| std::fs::read_to_string(migration.join("up.sql")).expect("readable")).collect();
    let named =
        |line: &str| Some(line.strip_prefix("CREATE ")?.split_once("INDEX ")?.1.split_once(" ON ")?.0.to_owned());
    sql.lines().filter_map(named).collect()
}

/// What the first release made, with somebody's grant, code and refresh token in it.
async fn what_an_earlier_release_stored_is_kept(mut database: TestDatabase) {
    let (kind, url) = match database.sqlite_path() {
        Some(path) => ("sqlite", format!("sqlite://{}", path.with_file_name("earlier.db").display())),
        None => ("postgres", Postgres::shared().expect("this test runs on it").fresh_database()),
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(kind);
    let schema = std::fs::read_to_string(folder.join("20261121000000_first_tables/up.sql")).expect("readable");
    let hash = if kind == "sqlite" { "x'00'" } else { "'\\x00'" };
    let earlier = format!(
        "{schema}
        CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
        INSERT INTO __diesel_schema_migrations (version) VALUES ('20261121000000');
        INSERT INTO users VALUES ('user_1', 'ada', NULL, 1, NULL);
        INSERT INTO grants VALUES ('grant_1', 'user_1', 'client_1', 'https://mcp.example.com/mcp', 'mcp:use', 1, 2, NULL, NULL);
        INSERT INTO authorization_codes VALUES ({hash}, 'grant_1', 'client_1', 'u', 'c', 's', 'r', 1, 2, NULL, 0);
        INSERT INTO refresh_tokens VALUES ({hash}, 'grant_1', 1, 2, NULL, NULL);"
    );
    database.url = url;
    database.execute(&earlier);
    let store = Store::open(&database.database_url(), PoolOptions::command()).await.expect("opens");
    let id = GrantId::from_stored("grant_1".to_owned());
    let grant = store.read(move |tx| grants::find(tx, &id)).await.expect("reads").expect("the grant is kept");
    assert_eq!(grant.subject(), "user_1");
    assert_eq!(database.count("authorization_codes WHERE grant_id = 'grant_1'"), 1);
    assert_eq!(database.count("refresh_tokens WHERE grant_id = 'grant_1'"), 1);
    database.execute("DELETE FROM users");
    assert_eq!(database.count("refresh_tokens"), 0, "the tables still refer to one another");
}

async fn servers_may_start_together(database: TestDatabase) {
    // On empty ground: what the fixture made goes first.
    let url = match database.sqlite_path() {
        Some(path) => format!("sqlite://{}", path.with_file_name("together.db").display()),
        None => Postgres::shared().expect("this test runs on it").fresh_database(),
    };
    let starts: Vec<_> = (0..10)
        .map(|_| {
            let url = url.parse().expect("a URL");
            tokio::spawn(async move { Store::open(&url, PoolOptions::command()).await })
        })
        .collect();
    for (i, start) in starts.into_iter().enumerate() {
        let store = start.await.expect("no panic").expect("opens");
        store.write(move |tx| users::insert(tx, &user(&format!("user{i}")))).await.expect("writes");
    }
    let store = Store::open(&url.parse().expect("a URL"), PoolOptions::command()).await.expect("opens");
    assert_eq!(store.read(users::list).await.expect("reads").len(), 10);
}

async fn opening_again_keeps_the_rows(database: TestDatabase) {
    database.write(|tx| users::insert(tx, &user("ada"))).await;
    let url = database.database_url();
    let beside = Store::open(&url, PoolOptions::command()).await.expect("opens beside the first");
    assert_eq!(beside.read(users::list).await.expect("reads").len(), 1);
    beside.write(|tx| users::insert(tx, &user("bob"))).await.expect("a command writes beside a running server");
    assert_eq!(database.read(users::list).await.len(), 2);
}
