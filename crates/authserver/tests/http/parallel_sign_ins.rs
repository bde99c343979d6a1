//! Many people sign in at the same moment at the real program, each with a password that takes 19 MiB and a good part of a core to
//! look at: memory stays bounded, whoever has to wait is told how long and then gets in, and clients get their tokens meanwhile.

use std::cell::Cell;
use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use futures_util::future::{join, join_all};
use gatelodge_e2e::scale::{report, scale};
use gatelodge_e2e::usage::{Usage, raise_open_files};

use crate::support::program::Program;
use crate::support::seed::Seeder;
use crate::support::{Browser, Database, PASSWORD, Server, Tokens, on_both_databases};

/// What is promised, however many come.
const GROWTH_KB: u64 = 256 * 1024;

/// How many requests tell how long one takes when nothing else happens.
const QUIET: usize = 200;

/// How many times as long a request may take meanwhile that has nothing to do with passwords. Far more than it does, and less than
/// behind passwords that are checked where requests are answered.
const MOST_TIMES: f64 = 50.0;

on_both_databases! { of_many_who_sign_in_at_once_all_get_in_and_memory_stays_bounded }

/// Proves RFC 6585 §4: whoever is refused since too many sign in at once is told when to come again, and then gets in.
async fn of_many_who_sign_in_at_once_all_get_in_and_memory_stays_bounded(database: &Database) {
    // More than may wait for their turn.
    let people = scale(80, 1_000);
    raise_open_files(4 * people as u64);
    let program = Program::start(database).await;
    let seeder = Seeder::new(database).await;
    let names = seeder.people(people).await;
    let mut token = seeder.refresh_tokens(1).await[0].expose().to_owned();
    let mut quiet = Vec::new();
    for _ in 0..QUIET {
        quiet.push(refresh(&program.server, &seeder, &mut token).await);
    }
    let before = Usage::of(program.id());

    let over = Cell::new(false);
    let storm = async {
        let sign_ins = names.iter().enumerate().map(|(number, name)| sign_in(&program.server, number, name));
        let refused = join_all(sign_ins).await;
        over.set(true);
        refused
    };
    let clients = async {
        let mut latencies = Vec::new();
        while !over.get() {
            latencies.push(refresh(&program.server, &seeder, &mut token).await);
        }
        latencies
    };
    let (refused, meanwhile) = join(storm, clients).await;

    let most_kb = Usage::of(program.id()).most_resident_kb;
    let (quiet, busy) = (Latencies::of(quiet), Latencies::of(meanwhile));
    report(
        &format!("parallel sign-ins, {}", if database.is_sqlite() { "SQLite" } else { "PostgreSQL" }),
        format_args!(
            "{people} at once, all got in, {} of them after they were told to wait, {} times in all; memory {} MiB before, at \
             most {} MiB; /token meanwhile took {:.1} times as long (median) and {:.1} times (p99): {quiet} before, {busy}",
            refused.iter().filter(|times| **times > 0).count(),
            refused.iter().sum::<usize>(),
            before.resident_kb / 1024,
            most_kb / 1024,
            ratio(busy.median, quiet.median),
            ratio(busy.p99, quiet.p99),
        ),
    );
    assert!(most_kb < before.resident_kb + GROWTH_KB, "{before:?} before, at most {most_kb} kB");
    assert!(ratio(busy.median, quiet.median) <= MOST_TIMES, "/token took {busy} (median, p99), and {quiet} before");
    let signed_in = database.count("browser_sessions WHERE user_id IS NOT NULL");
    assert_eq!(usize::try_from(signed_in), Ok(people));
}

/// From an address of their own, as often as it takes: how often they were refused.
async fn sign_in(server: &Server, number: usize, name: &str) -> usize {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let form = login.form("login").with("username", name).with("password", PASSWORD);
    let address = format!("198.18.{}.{}", number / 200, number % 200 + 1);
    let mut refused = 0;
    loop {
        let post = browser.form_post("/login").header("x-forwarded-for", &address);
        let answer = browser.send(post.header("sec-fetch-site", "same-origin").form(form.pairs())).await;
        if answer.status == 303 {
            assert_eq!(answer.header("location"), Some("/account"));
            return refused;
        }
        assert!(matches!(answer.status, 429 | 503), "{answer:?}");
        let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
        let wait = Duration::from_secs(seconds.unwrap_or_else(|| panic!("nobody says for how long: {answer:?}")));
        // People do not press all at once again.
        sleep(wait + Duration::from_millis(number as u64 * 37 % 1_000)).await;
        refused += 1;
    }
}

async fn refresh(server: &Server, seeder: &Seeder, token: &mut String) -> Duration {
    let begun = Instant::now();
    let answer = server.post("/token", &seeder.refresh_request(token)).await;
    let took = begun.elapsed();
    *token = Tokens::of(&answer).refresh_token;
    took
}

/// What is told. No number of it fails a test, only that of the one run in proportion to the other.
struct Latencies {
    median: Duration,
    p99: Duration,
}

impl Latencies {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort();
        Self { median: all[all.len() / 2], p99: all[all.len() * 99 / 100] }
    }
}

impl std::fmt::Display for Latencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1?} and {:.1?}", self.median, self.p99)
    }
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}
