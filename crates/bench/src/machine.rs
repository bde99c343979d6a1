//! Ports, programs and memory.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

/// An address on this machine where nothing listens.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// A program of ours: it is built into the same directory as the benchmark. Otherwise how to get it there.
pub fn beside(name: &str) -> Result<PathBuf, String> {
    let own = std::env::current_exe().expect("a program knows its own path");
    let binary = own.with_file_name(name);
    match binary.is_file() {
        true => Ok(binary),
        false => Err(format!("{} is missing: cargo build --release -p {name}", binary.display())),
    }
}

/// What a process keeps of the machine's memory.
pub fn resident_mebibytes(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
    kibibytes.and_then(|number| number.parse::<f64>().ok()).map_or(f64::NAN, |number| number / 1_024.0)
}

/// One line of the table that a benchmark prints.
pub fn row(cells: &[&str]) {
    println!("| {} |", cells.join(" | "));
}
