//! The binary `gatelodge`.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// What the check of a password took (19 MiB) goes back to the operating system at once: the C library would keep as much for every
/// thread that ever checked one.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    gatelodge::cli::run()
}
