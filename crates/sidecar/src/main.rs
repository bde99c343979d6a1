//! The binary `gatelodge-sidecar`: see `cli.rs`.

use std::process::ExitCode;

use clap::Parser as _;
use gatelodge_sidecar::cli::Cli;

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
