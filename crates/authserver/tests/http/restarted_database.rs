//! PostgreSQL crashes and comes back while clients refresh: they are told to wait and never that their tokens are bad, and
//! nothing that they were given is forgotten.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use actix_web::rt::time::sleep;
use gatelodge_e2e::postgres::{self, Options, Postgres};
use gatelodge_e2e::scale::{is_long, report, scale};

use crate::support::database::{self, Database};
use crate::support::load::{Load, Trouble};
use crate::support::program::Program;
use crate::support::seed::Seeder;

/// Runs the program with refreshing clients on a PostgreSQL of its own, and lets `outages` happen.
fn under_load(test: &str, trouble: Trouble, outages: impl AsyncFnOnce(&Load, &Arc<Postgres>) -> String) {
    if postgres::for_test(test).is_none() {
        return;
    }
    let postgres = Arc::new(Postgres::dedicated(Options::default()).expect("PostgreSQL starts"));
    database::run(Database::at(postgres.fresh_database()), async |database: &Database| {
        let program = Program::start(database).await;
        let seeder = Seeder::new(database).await;
        let grants = seeder.refresh_tokens(16).await;
        let load = Load::start(&program.server, &seeder, &grants, trouble);
        let what = outages(&load, &postgres).await;
        load.progress(grants.len()).await;
        let counts = load.stop(&program.server, &seeder).await;
        seeder.assert_nothing_lost_or_forked(database, &grants).await;
        report(
            &what,
            format_args!(
                "{} clients: {} refreshes, {} excused with 503, no other answer, nothing lost",
                grants.len(),
                counts.refreshed.get(),
                counts.excused.get()
            ),
        );
    });
}

/// The server stops as in a crash, is away for a while, and starts again. The clients go on meanwhile.
async fn outage(postgres: &Arc<Postgres>, lasts: Duration) {
    let server = Arc::clone(postgres);
    spawn_blocking(move || server.stop_immediate()).await.expect("it stops");
    sleep(lasts).await;
    let server = Arc::clone(postgres);
    spawn_blocking(move || server.start()).await.expect("it starts");
}

/// Proves RFC 9110 §15.6.4: a database that is away is a 503 and never a refusal.
#[test]
fn a_postgresql_that_crashes_again_and_again_is_excused_and_loses_nothing() {
    let test = "a_postgresql_that_crashes_again_and_again_is_excused_and_loses_nothing";
    under_load(test, Trouble::Excuses, async |load, postgres| {
        let crashes = scale(3, 20);
        for round in 0..crashes {
            load.progress(100).await;
            sleep(Duration::from_millis(round * 37 % 101)).await;
            outage(postgres, Duration::ZERO).await;
        }
        format!("PostgreSQL crashed {crashes} times")
    });
}

#[test]
fn refreshes_wait_for_a_postgresql_that_is_away_for_five_seconds() {
    let test = "refreshes_wait_for_a_postgresql_that_is_away_for_five_seconds";
    under_load(test, Trouble::Nothing, async |load, postgres| {
        load.progress(100).await;
        outage(postgres, Duration::from_secs(5)).await;
        "PostgreSQL away for 5 s".into()
    });
}

#[test]
fn refreshes_are_excused_while_postgresql_is_away_for_a_minute_and_go_on_afterwards() {
    if !is_long() {
        // What differs from the crashes above is only how long it takes.
        return;
    }
    let test = "refreshes_are_excused_while_postgresql_is_away_for_a_minute_and_go_on_afterwards";
    under_load(test, Trouble::Excuses, async |load, postgres| {
        load.progress(100).await;
        outage(postgres, Duration::from_secs(60)).await;
        assert!(load.counts.excused.get() > 0, "nobody noticed the outage");
        "PostgreSQL away for 60 s".into()
    });
}
