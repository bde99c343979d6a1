//! How soon a program is there, what it keeps in memory, and how soon a stream begins.

use std::time::{Duration, Instant};

use gatelodge_bench::machine::{resident_mebibytes, row};
use tokio::time::sleep;

use crate::load::{Connection, Tool, listening, request};
use crate::proxy::{Program, Proxy, World};

const STARTS: usize = 15;
const STREAMS: usize = 1_000;
const FIRST_EVENTS: usize = 200;
/// For a program to give back what it needs no longer: an allocator may wait ten seconds whether it is needed again.
const AFTERWARDS: Duration = Duration::from_secs(20);

/// Measures them and prints the table.
pub async fn measure(programs: &[Program], world: &World<'_>) {
    println!();
    row(&[
        "program",
        "from start to the first forwarded request",
        "idle",
        "with 1,000 streams",
        "after them",
        "first event",
    ]);
    row(&["---"; 6]);
    for program in programs {
        let start = start(*program, world).await;
        let (proxy, _) = Proxy::start(*program, world, &[]).await;
        let idle = resident_mebibytes(proxy.id());
        let (with_streams, after) = memory_of_streams(&proxy, &world.authority.token(0)).await;
        let first_event = first_event(&proxy, world).await;
        row(&[
            program.name(),
            &format!("{:.1} ms", start.as_secs_f64() * 1e3),
            &format!("{idle:.1} MiB"),
            &format!("{with_streams:.1} MiB"),
            &format!("{after:.1} MiB"),
            &format!("{:.0} µs", first_event.as_secs_f64() * 1e6),
        ]);
        proxy.stop().await;
    }
}

async fn start(program: Program, world: &World<'_>) -> Duration {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let (proxy, start) = Proxy::start(program, world, &[]).await;
        starts.push(start);
        proxy.stop().await;
    }
    median(starts)
}

/// While all are open, each of which has sent one event and is silent; and some time after all were closed.
async fn memory_of_streams(proxy: &Proxy, token: &str) -> (f64, f64) {
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let mut connection = Connection::open(proxy.address).await;
        connection.first_event(&listening(token)).await;
        streams.push(connection);
    }
    let open = resident_mebibytes(proxy.id());
    drop(streams);
    sleep(AFTERWARDS).await;
    (open, resident_mebibytes(proxy.id()))
}

/// From the call of a tool to the first event of its stream, on connections that have served a request before.
async fn first_event(proxy: &Proxy, world: &World<'_>) -> Duration {
    let watch = request(Tool::Watch, Some(&world.authority.token(0)));
    let mut times = Vec::new();
    for _ in 0..FIRST_EVENTS {
        let mut connection = Connection::open(proxy.address).await;
        connection.exchange(world.good, 200).await;
        let begin = Instant::now();
        connection.first_event(&watch).await;
        times.push(begin.elapsed());
    }
    median(times)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
