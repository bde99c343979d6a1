//! The server is killed again and again while clients refresh. Whatever it was doing, it did whole or not at all, and what it
//! knows of replays is in the database: no grant is lost, and none gets a second chain.

use std::time::Duration;

use actix_web::rt::time::sleep;
use gatelodge_e2e::scale::{report, scale};

use crate::support::load::{Load, Trouble};
use crate::support::program::Program;
use crate::support::seed::Seeder;
use crate::support::{Database, on_both_databases};

on_both_databases! { a_server_killed_under_refreshing_clients_loses_and_forks_no_grant }

/// Proves RFC 6749 §6: a crash of the server loses and doubles no refresh token.
async fn a_server_killed_under_refreshing_clients_loses_and_forks_no_grant(database: &Database) {
    let mut program = Program::start(database).await;
    let seeder = Seeder::new(database).await;
    let grants = seeder.refresh_tokens(16).await;
    let load = Load::start(&program.server, &seeder, &grants, Trouble::BrokenConnections);
    let kills = scale(10, 200);
    for round in 0..kills {
        load.progress(grants.len()).await;
        // Not always at the same moment of what goes on.
        sleep(Duration::from_millis(round * 37 % 101)).await;
        program.kill();
        program.restart().await;
    }
    let counts = load.stop(&program.server, &seeder).await;
    assert!(counts.broken.get() > 0, "nobody noticed the kills");
    seeder.assert_nothing_lost_or_forked(database, &grants).await;
    let kind = if database.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    report(
        &format!("kill -9, {kind}"),
        format_args!(
            "{kills} kills under {} clients: {} refreshes, {} broken connections, nothing lost, nothing forked",
            grants.len(),
            counts.refreshed.get(),
            counts.broken.get()
        ),
    );
}
