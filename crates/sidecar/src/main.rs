//! The binary `gatelodge-sidecar`: see `cli.rs`.

use std::process::ExitCode;

use clap::Parser as _;
use gatelodge_sidecar::cli::Cli;
use tikv_jemallocator::Jemalloc;

/// Memory that streams took goes back to the operating system some seconds after they ended: the C library would keep it.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
