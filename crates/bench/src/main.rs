//! `cargo run --release -p gatelodge-bench`: what refreshing and exchanging codes costs on the real server, over HTTP, beside
//! bare commits on the same database in the same run. Prints figures; asserts nothing, since no other machine has this one's.

mod baseline;
mod data;
mod load;
mod server;

use std::time::Duration;

use clap::Parser;
use gatelodge_bench::machine;
use gatelodge_e2e::postgres::{Options as PostgresOptions, Postgres};
use gatelodge_store::Store;

use data::Chains;
use load::Rate;
use server::Server;

/// How many requests are under way at any time, and how many connections the server and the baseline have.
const CONNECTIONS: usize = 32;

/// Measures token requests against bare commits. Needs a release build of gatelodge beside it.
#[derive(Debug, Parser)]
struct Options {
    /// How many seconds each measurement takes.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many grants are stored for the last measurement of growth.
    #[arg(long, default_value_t = 1_000_000)]
    grants: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let options = Options::parse();
    let time = Duration::from_secs(options.seconds);
    println!("| measurement | result |\n| --- | --- |");
    on_sqlite(time).await;
    match Postgres::dedicated(PostgresOptions { durable: true }) {
        Ok(postgres) => on_postgres(&postgres, time, options.grants).await,
        Err(missing) => println!("| PostgreSQL | {missing} |"),
    }
}

fn row(what: &str, result: &str) {
    machine::row(&[what, result]);
}

async fn on_sqlite(time: Duration) {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite://{}/gatelodge.db", directory.path().display());
    let (server, first) = Server::start(&url);
    drop(server);
    let (server, again) = Server::start(&url);
    row("first start, SQLite, until ready", &format!("{} ms", first.as_millis()));
    row("start, SQLite, until ready", &format!("{} ms", again.as_millis()));
    row("memory of the idle server", &format!("{:.1} MiB", server.resident_mebibytes()));
    drop(server);

    let store = data::open(&url).await;
    let chains = Chains::add(&store, CONNECTIONS).await;
    drop(store);
    let (server, _) = Server::start(&url);
    let rate = load::refreshes(server.address, chains, time).await;
    row("refreshes on SQLite, synchronous=FULL", &rate.to_string());
    row("memory of the server after that", &format!("{:.1} MiB", server.resident_mebibytes()));
}

async fn on_postgres(postgres: &Postgres, time: Duration, most_grants: usize) {
    let url = postgres.fresh_database();
    let (server, first) = Server::start(&url);
    row("first start, PostgreSQL, until ready", &format!("{} ms", first.as_millis()));
    let store = data::open(&url).await;
    // Twice around the others: a machine that changes its pace meanwhile shows itself.
    let before = baseline::commits(&url, CONNECTIONS, time);
    let refreshes = load::refreshes(server.address, Chains::add(&store, CONNECTIONS).await, time).await;
    let codes = data::codes(&store, &refreshes, time).await;
    let exchanges = load::exchanges(server.address, codes, time).await;
    let after = baseline::commits(&url, CONNECTIONS, time);
    let bare = (before.per_second + after.per_second) / 2.0;
    row("bare commits of two statements, before and after", &format!("{before} / {after}"));
    row("refreshes", &format!("{refreshes}: {}", share(&refreshes, bare)));
    row("code exchanges", &format!("{exchanges}: {}", share(&exchanges, bare)));
    growth(postgres, &url, &store, &server, time, most_grants).await;
}

fn share(rate: &Rate, bare: f64) -> String {
    format!("{:.0} % of the bare commits", 100.0 * rate.per_second / bare)
}

/// The same refreshes with more and more grants stored.
async fn growth(postgres: &Postgres, url: &str, store: &Store, server: &Server, time: Duration, most: usize) {
    let mut stored = 0;
    for grants in [1_000, 100_000, 1_000_000].into_iter().filter(|grants| *grants <= most) {
        postgres.psql(url, &data::filling(stored, grants));
        postgres.psql(url, "ANALYZE; CHECKPOINT");
        stored = grants;
        let rate = load::refreshes(server.address, Chains::add(store, CONNECTIONS).await, time).await;
        row(&format!("refreshes with {grants} grants stored"), &rate.to_string());
    }
}
