//! The two folders of migrations: same names, same schema, the same as in the code, and safe when servers start together.

use std::collections::BTreeMap;
use std::path::Path;

use gatelodge_e2e::postgres::Postgres;
use gatelodge_store::{PoolOptions, Store, users};

use crate::support::{TestDatabase, on_both_databases, user};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

on_both_databases!(the_schema_is_the_one_in_the_code, servers_may_start_together, opening_again_keeps_the_rows);

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
    let indexes = |sql: &str| {
        let mut names: Vec<String> = sql
            .lines()
            .filter_map(|line| line.strip_prefix("CREATE ")?.split_once("INDEX ")?.1.split_once(" ON "))
            .map(|(name, _)| name.to_owned())
            .collect();
        names.sort();
        names
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    for migration in std::fs::read_dir(folder.join("sqlite")).expect("is there") {
        let name = migration.expect("readable").file_name();
        let read = |database: &str| {
            let file = folder.join(database).join(&name).join("up.sql");
            std::fs::read_to_string(file).expect("readable")
        };
        assert_eq!(indexes(&read("sqlite")), indexes(&read("postgres")));
    }
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
