//! Who runs where: the load and the upstream on one core, the program that is measured on another.

use std::fs;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Linux counts CPU time in hundredths of a second (`USER_HZ`), whatever its own clock.
const TICK: Duration = Duration::from_millis(10);

/// Two cores of this machine; the same one twice where there is no other.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    load: usize,
    proxy: usize,
}

impl Cores {
    /// Binds this process to the first core it may use. Also lets it, and all that it starts, open many connections.
    pub fn take() -> Self {
        let files = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })
            .expect("a limit may rise to its maximum");
        let allowed = sched_getaffinity(None).expect("a process knows its cores");
        let mut usable = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let load = usable.next().expect("a core");
        let cores = Self { load, proxy: usable.next_back().unwrap_or(load) };
        pin(load);
        cores
    }

    /// Starts a program on the other core: a process inherits where it may run, and its own count of workers follows.
    pub fn spawn_proxy(self, command: &mut Command) -> Child {
        pin(self.proxy);
        let child = command.spawn();
        pin(self.load);
        child.expect("the program starts")
    }

    pub fn describe(self) -> String {
        match self.load == self.proxy {
            true => format!("load, upstream and proxy share core {}", self.load),
            false => format!("load and upstream on core {}, each proxy on core {}", self.load, self.proxy),
        }
    }
}

fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).expect("this thread may be bound to a core");
}

/// What a process has used of the cores since it was started, in user space and in the kernel.
pub fn cpu_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // The name of the program comes second, in parentheses, and may hold anything.
    let (_, numbers) = stat.rsplit_once(')').expect("a name");
    let ticks = numbers.split_whitespace().skip(11).take(2).map(|number| number.parse::<u32>().expect("a number"));
    TICK * ticks.sum::<u32>()
}
