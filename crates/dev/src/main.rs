//! The two commands of a checkout, behind the aliases in `.cargo/config.toml`: `cargo quickstart` starts everything on this
//! machine, `cargo verify` proves it. A development tool: nothing here is shipped, and it depends on no other crate here.

mod children;
mod http;
mod quickstart;
mod terminal;
mod verify;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo", bin_name = "cargo")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Quickstart(quickstart::Options),
    Verify(verify::Options),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Quickstart(options) => quickstart::run(&options),
        Command::Verify(options) => verify::run(&options),
    }
}
