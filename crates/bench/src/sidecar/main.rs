//! `gatelodge-sidecar-bench`: what forwarding a request costs in the sidecar, beside what it costs in nginx and HAProxy in the same
//! run. Prints figures; asserts nothing, since no other machine has this one's.

mod authority;
mod cases;
mod cores;
mod count;
mod load;
mod proxy;
mod residence;
mod upstream;
mod wire;

use std::path::PathBuf;

use clap::Parser;
use tokio::task::LocalSet;

use authority::Authority;
use cores::Cores;
use load::{Tool, request};
use proxy::{Program, World};

/// Measures forwarded requests. Needs a release build of gatelodge-sidecar beside it, and nginx, haproxy, perf or valgrind.
#[derive(Debug, Parser)]
struct Options {
    /// How many seconds each measurement of time takes.
    #[arg(long, default_value_t = 6)]
    seconds: u32,
    /// Over how many requests instructions are counted; twice as many are sent, and of 10,000 tokens each is new but once.
    /// 0: they are not counted.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u16).range(..=5_000))]
    counted: u16,
    /// Only the sidecar and nginx, and only requests: for looking again and again while something is changed.
    #[arg(long)]
    brief: bool,
    /// Keeps the profiles of callgrind in this directory; callgrind_annotate reads them.
    #[arg(long, value_name = "DIRECTORY")]
    profiles: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let options = Options::parse();
    let cores = Cores::take();
    println!("{}\n", cores.describe());
    LocalSet::new().run_until(measure(&options, cores)).await;
}

async fn measure(options: &Options, cores: Cores) {
    let authority = Authority::new();
    let upstream = upstream::start(&authority).await;
    let good = request(Tool::Small, Some(&authority.token(0)));
    let world = World { upstream, authority: &authority, cores, good: &good, profiles: options.profiles.as_deref() };
    let wanted: &[Program] = if options.brief { &[Program::Nginx, Program::Sidecar] } else { &Program::ALL };
    let programs: Vec<Program> = wanted.iter().copied().filter(|program| is_there(*program)).collect();
    cases::measure(&programs, &world, options.seconds, options.counted.into()).await;
    if !options.brief {
        residence::measure(&programs, &world).await;
    }
}

fn is_there(program: Program) -> bool {
    program.find().inspect_err(|missing| println!("{} is not measured: {missing}\n", program.name())).is_ok()
}
