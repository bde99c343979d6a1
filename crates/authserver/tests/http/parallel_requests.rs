//! Every code and every refresh token sent 64 times at once, to the real program: once on SQLite and on PostgreSQL, and as two
//! processes on one PostgreSQL that are asked in turn. RFC 6749 §4.1.2 lets one exchange of a code succeed; of refreshes all
//! succeed, with one successor.

use std::collections::HashSet;

use futures_util::future::join_all;
use gatelodge_e2e::scale::{report, scale};

use crate::support::database::{self, Database};
use crate::support::program::Program;
use crate::support::seed::Seeder;
use crate::support::{Answer, Form, Tokens, on_both_databases};

const AT_ONCE: usize = 64;

on_both_databases! {
    of_many_codes_sent_64_times_at_once_each_is_exchanged_once,
    of_many_grants_refreshed_64_times_at_once_each_gets_one_successor,
}

/// Proves RFC 6749 §4.1.2: of parallel exchanges of one code one succeeds.
async fn of_many_codes_sent_64_times_at_once_each_is_exchanged_once(database: &Database) {
    exchange_in_parallel(database, &[Program::start(database).await]).await;
}

/// Proves RFC 6749 §6: parallel refreshes all succeed, with one successor.
async fn of_many_grants_refreshed_64_times_at_once_each_gets_one_successor(database: &Database) {
    refresh_in_parallel(database, &[Program::start(database).await]).await;
}

/// Proves RFC 6749 §4.1.2: the same at two processes on one database.
#[test]
fn of_many_codes_sent_to_two_processes_each_is_exchanged_once() {
    two_processes("of_many_codes_sent_to_two_processes_each_is_exchanged_once", exchange_in_parallel);
}

/// Proves RFC 6749 §6: the same at two processes on one database.
#[test]
fn of_many_grants_refreshed_at_two_processes_each_gets_one_successor() {
    two_processes("of_many_grants_refreshed_at_two_processes_each_gets_one_successor", refresh_in_parallel);
}

fn two_processes(test: &str, body: impl AsyncFnOnce(&Database, &[Program])) {
    let Some(server) = gatelodge_e2e::postgres::for_test(test) else { return };
    database::run(Database::at(server.fresh_database()), async |database: &Database| {
        let programs = [Program::start(database).await, Program::start(database).await];
        body(database, &programs).await;
    });
}

/// The same request many times at the same moment, to each program in turn.
async fn send_at_once(programs: &[Program], form: &Form) -> Vec<Answer> {
    join_all((0..AT_ONCE).map(|index| programs[index % programs.len()].server.post("/token", form))).await
}

async fn exchange_in_parallel(database: &Database, programs: &[Program]) {
    let seeder = Seeder::new(database).await;
    let codes = seeder.codes(scale(25, 1_000)).await;
    let mut heads = Vec::new();
    for code in &codes {
        let answers = send_at_once(programs, &seeder.code_request(code)).await;
        let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!(good.len(), 1);
        bad.iter().for_each(|answer| answer.assert_refused(400, "invalid_grant", "the others"));
        heads.push(Tokens::of(good[0]).refresh_token);
    }
    assert_counts(database, codes.len(), codes.len());
    assert_eq!(database.count("authorization_codes WHERE consumed_at IS NULL"), 0);
    assert_all_refresh(programs, &seeder, &heads).await;
    report_counts("exchanges", database, programs, codes.len());
}

async fn refresh_in_parallel(database: &Database, programs: &[Program]) {
    let seeder = Seeder::new(database).await;
    let tokens = seeder.refresh_tokens(scale(25, 1_000)).await;
    let mut heads = Vec::new();
    for token in &tokens {
        let answers = send_at_once(programs, &seeder.refresh_request(token.expose())).await;
        let successors: HashSet<String> = answers.iter().map(|answer| Tokens::of(answer).refresh_token).collect();
        assert_eq!(successors.len(), 1, "one successor, however often it was asked for");
        heads.extend(successors);
    }
    assert_counts(database, tokens.len(), 2 * tokens.len());
    assert_all_refresh(programs, &seeder, &heads).await;
    seeder.assert_nothing_lost_or_forked(database, &tokens).await;
    report_counts("refreshes", database, programs, tokens.len());
}

/// No grant was revoked, and each has its one unspent token.
#[track_caller]
fn assert_counts(database: &Database, grants: usize, refresh_tokens: usize) {
    let number = |count: usize| i64::try_from(count).expect("few");
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0);
    assert_eq!(database.count("refresh_tokens"), number(refresh_tokens));
    assert_eq!(database.count("refresh_tokens WHERE spent_at IS NULL"), number(grants));
}

async fn assert_all_refresh(programs: &[Program], seeder: &Seeder, heads: &[String]) {
    for (index, head) in heads.iter().enumerate() {
        let answer = programs[index % programs.len()].server.post("/token", &seeder.refresh_request(head)).await;
        assert_ne!(&Tokens::of(&answer).refresh_token, head);
    }
}

fn report_counts(what: &str, database: &Database, programs: &[Program], grants: usize) {
    let kind = if database.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    let processes = programs.len();
    report(
        &format!("parallel {what}, {kind}, {processes} process(es)"),
        format_args!("{grants} grants, {AT_ONCE} {what} of each at once"),
    );
}
