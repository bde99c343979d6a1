//! What a running process takes of the machine, as Linux tells it.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// At one moment.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Resident memory.
    pub resident_kb: u64,
    /// Resident, and no part of a file: code that was run for the first time is none of it.
    pub own_kb: u64,
    /// The most that was ever resident.
    pub most_resident_kb: u64,
    /// Open files and connections.
    pub descriptors: usize,
}

impl Usage {
    /// Of a process with this number.
    ///
    /// # Panics
    /// When there is none.
    pub fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
        let kb = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
            line.and_then(|number| number.parse().ok()).expect("a number")
        };
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("it runs").count();
        Self { resident_kb: kb("VmRSS:"), own_kb: kb("RssAnon:"), most_resident_kb: kb("VmHWM:"), descriptors }
    }
}

/// Lets this process, and those that it starts, open so many files and connections.
///
/// # Panics
/// When the system does not.
pub fn raise_open_files(needed: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < needed) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum })
            .expect("the system allows enough open files");
    }
}
