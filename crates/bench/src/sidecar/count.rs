//! Instructions for each request: by the machine's counters where it has them (`perf`), by counting every one in a simulation
//! where not (callgrind, which sees user space only). Both repeat far better than any time does.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::load::{self, Requests};
use crate::proxy::{Program, Proxy, World};

/// With those of the kernel, where perf may count them; where not, it says `instructions:u`.
const EVENT: &str = "instructions";

/// A processor counts one instruction where callgrind counts each byte that `rep movsb` copies or `rep stosb` fills. With these
/// thresholds the C library copies and fills by the vector, whatever the length.
const NO_REPETITIONS: &str =
    "GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1073741824:glibc.cpu.x86_rep_stosb_threshold=1073741824";

/// What counts here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    Perf { kernel: bool },
    Callgrind,
}

impl Counter {
    /// The best that this machine has, or what is missing.
    pub fn find() -> Result<Self, &'static str> {
        let works =
            |command: &mut Command| command.stdin(Stdio::null()).output().ok().filter(|output| output.status.success());
        let perf = works(Command::new("perf").args(["stat", "-x", ",", "-e", EVENT, "true"]));
        let report = perf.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default();
        if counted(&report).is_some() {
            return Ok(Self::Perf { kernel: !report.contains(":u") });
        }
        match works(Command::new("valgrind").arg("--version")) {
            Some(_) => Ok(Self::Callgrind),
            None => Err("neither perf with hardware counters nor valgrind is there"),
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Perf { kernel: true } => "perf, in user space and in the kernel",
            Self::Perf { kernel: false } => "perf, in user space",
            Self::Callgrind => "callgrind, in user space",
        }
    }

    /// How many instructions one more request costs, start and warming up aside: (2N requests − N requests) / N.
    pub async fn per_request(self, program: Program, world: &World<'_>, requests: &Requests, number: usize) -> f64 {
        let (less, more) = match self {
            Self::Perf { .. } => perf(program, world, requests, number).await,
            Self::Callgrind => {
                let once = callgrind(program, world, requests, number).await;
                (once, callgrind(program, world, requests, 2 * number).await)
            }
        };
        (more - less) / number as f64
    }
}

/// The first `number` requests warm the program up, the others are counted.
async fn perf(program: Program, world: &World<'_>, requests: &Requests, number: usize) -> (f64, f64) {
    let (proxy, _) = Proxy::start(program, world, &[]).await;
    load::sequence(proxy.address, requests, number).await;
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("perf");
    let id = proxy.id().to_string();
    let mut counting = Command::new("perf")
        .args(["stat", "-x", ",", "-e", EVENT, "-p", &id, "-o"])
        .arg(&file)
        .stdin(Stdio::null())
        .spawn()
        .expect("perf starts");
    // It does not say when it has begun.
    sleep(Duration::from_millis(500)).await;
    let rest = Requests { texts: requests.texts[number % requests.texts.len()..].to_vec().into(), ..requests.clone() };
    load::sequence(proxy.address, &rest, number).await;
    kill_process(Pid::from_child(&counting), Signal::INT).expect("perf runs");
    counting.wait().expect("perf ends");
    proxy.stop().await;
    (0.0, counted(&fs::read_to_string(&file).expect("counts")).expect("a count"))
}

/// The first field of the line of the event, unless it says that there is no such counter.
fn counted(report: &str) -> Option<f64> {
    let line = report.lines().find(|line| line.contains(EVENT))?;
    line.split(',').next()?.parse().ok()
}

async fn callgrind(program: Program, world: &World<'_>, requests: &Requests, number: usize) -> f64 {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("callgrind");
    let out = format!("--callgrind-out-file={}", file.display());
    let runner = ["env", NO_REPETITIONS, "valgrind", "--tool=callgrind", &out];
    let (proxy, _) = Proxy::start(program, world, &runner).await;
    load::sequence(proxy.address, requests, number).await;
    proxy.stop().await;
    let profile = fs::read_to_string(&file).expect("callgrind has written its profile");
    if let Some(kept) = world.profiles {
        let name = format!("callgrind {} {number} {}", program.name(), requests.what).replace([' ', ','], "-");
        fs::create_dir_all(kept).and_then(|()| fs::write(kept.join(name), &profile)).expect("profiles can be kept");
    }
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|number| number.trim().parse().ok()).expect("a total")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_the_machine_lacks_is_no_count() {
        assert_eq!(counted("48213377,,instructions,1002003,100.00,,\n"), Some(48_213_377.0));
        assert_eq!(counted("# started on Fri\n\n48213377,,instructions:u,1002003,100.00,,\n"), Some(48_213_377.0));
        assert_eq!(counted("<not supported>,,instructions,0,100.00,,\n"), None);
        assert_eq!(counted(""), None);
    }
}
